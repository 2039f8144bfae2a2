"""Some lines with the verdict on the convergence of a training."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtWidgets import QWidget

from app.widgets.message_line import MessageLine
from core.project.runs import RunFolder


class VerdictLine(MessageLine):
    """The convergence verdict in a run's metrics; nothing where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(3, "", parent)
        self.setObjectName("verdict")

    def show_run(self, run: RunFolder) -> None:
        """Read and show the verdict of a run."""
        metrics = json.loads(run.metrics_file.read_text(encoding="utf-8")) if run.metrics_file.exists() else {}
        found: dict[str, Any] = metrics.get("verdict", {})
        self.setText(f"{found.get('sentence', '')} {found.get('advice', '')}".strip())

    def forget(self) -> None:
        """Show no verdict."""
        self.clear()
