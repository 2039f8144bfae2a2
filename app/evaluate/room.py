"""The room of the evaluation: its workspace and panel."""

from __future__ import annotations

from app.panel.room import PanelEntry, Room, Workspace

ROOM = Room(
    workspaces={
        "evaluate": Workspace(
            "Evaluate",
            "mdi6.table-check",
            "Evaluate a finished network, and see the galaxies behind each number.",
            "Ctrl+6",
            ((("gallery",), ("runs",)), (("evaluation",),), (("cutout",),)),
            (330, 660, 290),
        ),
    },
    panels={
        "evaluation": PanelEntry(
            "Evaluation",
            "app.evaluate.evaluation:EvaluationPanel",
            {
                "validation": "Evaluate on the validation part",
                "test": "Evaluate on the test part",
                "export": "Save the table of all galaxies",
            },
        )
    },
)
