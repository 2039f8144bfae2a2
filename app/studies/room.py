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
        "search": PanelEntry(
            "Search",
            "app.studies.search:SearchPanel",
            {"start": "Start the hyperparameter search", "use": "Use the best settings of the search"},
        ),
        "training_size": PanelEntry(
            "Training size",
            "app.studies.training_size:TrainingSizePanel",
            {"start": "Start the study of the training size"},
        ),
        "transfer": PanelEntry(
            "Another survey", "app.studies.transfer:TransferPanel", {"start": "Start the study of another survey"}
        ),
        "matrix": PanelEntry("Matrix", "app.studies.matrix:MatrixPanel", {"start": "Start the matrix of surveys"}),
        "labelling_order": PanelEntry(
            "Labelling order",
            "app.studies.labelling_order:LabellingOrderPanel",
            {"start": "Start the study of the labelling order"},
        ),
    },
)
