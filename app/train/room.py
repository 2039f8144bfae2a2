"""The room of the trainings: their workspace, that of their comparison, and the panels of both."""

from __future__ import annotations

from app.panel.room import PanelEntry, Room, Workspace

ROOM = Room(
    workspaces={
        "train": Workspace(
            "Train",
            "mdi6.chart-bell-curve-cumulative",
            "Choose network and augmentation, and watch the learning curves.",
            "Ctrl+2",
            (
                (("settings", "pretraining"),),
                (("training",), ("runs",)),
                (("gallery", "cutout", "network", "augmentation"),),
            ),
            (420, 500, 360),
        ),
        "compare": Workspace(
            "Compare",
            "mdi6.compare",
            "All runs: find, sort and compare them, write notes, continue one.",
            "Ctrl+3",
            ((("comparison",),),),
            (1280,),
        ),
    },
    panels={
        "settings": PanelEntry("Settings", "app.train.settings_panel:SettingsPanel", {"start": "Start the training"}),
        "pretraining": PanelEntry(
            "First weights",
            "app.train.first_weights:FirstWeightsPanel",
            {"start": "Learn first weights without labels"},
        ),
        "network": PanelEntry("Network", "app.train.network:NetworkPanel"),
        "augmentation": PanelEntry(
            "Augmentation", "app.train.augmentation:AugmentationPanel", {"again": "Draw other augmented galaxies"}
        ),
        "training": PanelEntry(
            "Curves", "app.train.training:TrainingPanel", {"pause": "Pause the training", "stop": "Stop the training"}
        ),
        "runs": PanelEntry(
            "Runs",
            "app.train.runs:RunsPanel",
            {
                "explain": "Explain with the chosen run",
                "fine_tune": "Fine-tune the chosen run",
                "use_settings": "Use the settings of the chosen run",
                "predict": "Predict the open galaxies",
                "predict_files": "Predict files",
            },
        ),
        "comparison": PanelEntry(
            "Comparison",
            "app.train.comparison:ComparisonPanel",
            {
                "go_on": "Continue a run for more epochs",
                "rename": "Rename a run",
                "trash": "Remove runs",
                "folder": "Show the folder of a run",
            },
        ),
    },
)
