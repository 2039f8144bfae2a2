"""The room of the data: its workspace, its panels, and the import."""

from __future__ import annotations

from app.panel.room import Command, PanelEntry, Room, Workspace

ROOM = Room(
    workspaces={
        "data": Workspace(
            "Data",
            "mdi6.image-multiple-outline",
            "Look at galaxies, label them, choose what is learned.",
            "Ctrl+1",
            ((("gallery",),), (("cutout",),), (("dataset",),)),
            (470, 430, 380),
        ),
    },
    panels={
        "gallery": PanelEntry("Gallery", "app.data.gallery:GalleryPanel", {"label": "Label the selected galaxies"}),
        "cutout": PanelEntry("Cutout", "app.data.cutout:CutoutPanel", {"similar": "Find more like this galaxy"}),
        "dataset": PanelEntry("Dataset", "app.data.dataset:DatasetPanel", {"again": "Draw the parts again"}),
    },
    commands={
        "import": Command(
            "File",
            "Import galaxies…",
            "Make a dataset of image files.",
            "mdi6.import",
            "Ctrl+I",
            after="open_dataset",
            begins_group=True,
            source="app.data.import_wizard:show",
            takes_files=True,
        ),
        "send_table": Command(
            "File",
            "Send galaxies to TOPCAT, Aladin…",
            "Send the selected galaxies, or all, as a table to the programs that take one (SAMP).",
            "mdi6.table-arrow-right",
            after="import",
            begins_group=True,
            source="app.data.sending:send_table",
        ),
        "send_image": Command(
            "File",
            "Send image to DS9, Aladin…",
            "Send the image of the current galaxy to the programs that take one (SAMP).",
            "mdi6.image-outline",
            after="send_table",
            source="app.data.sending:send_image",
        ),
        "leave_hub": Command(
            "File",
            "Leave the SAMP hub",
            "End the connection to the other programs.",
            after="send_image",
            source="app.data.sending:leave",
        ),
    },
)
