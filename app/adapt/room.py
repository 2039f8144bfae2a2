"""The room of the adaptation to another survey: its workspace and panels."""

from __future__ import annotations

from app.panel.room import PanelEntry, Room, Workspace

ROOM = Room(
    workspaces={
        "adapt": Workspace(
            "Adapt",
            "mdi6.swap-horizontal",
            "Carry a trained network to another survey with few labels, or none.",
            "Ctrl+4",
            ((("adaptation", "changes", "refiner", "suggestions"),),),
            (1280,),
        ),
    },
    panels={
        "adaptation": PanelEntry(
            "Adaptation",
            "app.adapt.adaptation:AdaptationPanel",
            {
                "tune": "Fine-tune for this survey",
                "study": "How many labels are needed?",
                "without_labels.begin": "Adapt without labels",
            },
        ),
        "changes": PanelEntry("What moved?", "app.adapt.changes:ChangesPanel"),
        "refiner": PanelEntry(
            "Refiner", "app.adapt.refiner:RefinerPanel", {"train": "Train a refiner", "make": "Make a refined dataset"}
        ),
        "suggestions": PanelEntry(
            "Suggestions",
            "app.adapt.suggestions:SuggestionsPanel",
            {"suggest": "Suggest galaxies to label", "train_now": "Train with the new labels now"},
        ),
    },
)
