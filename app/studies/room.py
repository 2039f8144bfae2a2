"""The room of the studies: their workspace and panels."""

from __future__ import annotations

from app.panel.room import PanelEntry, Room, Workspace

ROOM = Room(
    workspaces={
        "studies": Workspace(
            "Studies",
            "mdi6.tune-variant",
            "Search for good settings, and find out how many labels are needed, here and on another survey.",
            "Ctrl+5",
            ((("studies",),), (("search", "training_size", "transfer", "matrix", "labelling_order"),)),
            (250, 1030),
        ),
    },
    panels={
        "studies": PanelEntry("Studies", "app.studies.studies:StudiesPanel"),
        "search": PanelEntry("Search", "app.studies.search:SearchPanel"),
        "training_size": PanelEntry("Training size", "app.studies.training_size:TrainingSizePanel"),
        "transfer": PanelEntry("Another survey", "app.studies.transfer:TransferPanel"),
        "matrix": PanelEntry("Matrix", "app.studies.matrix:MatrixPanel"),
        "labelling_order": PanelEntry("Labelling order", "app.studies.labelling_order:LabellingOrderPanel"),
    },
)
