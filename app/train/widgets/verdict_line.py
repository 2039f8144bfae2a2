"""Some lines with the verdict on the convergence of a training."""

from __future__ import annotations

import contextlib
from typing import Any

from PySide6.QtWidgets import QWidget

from app.widgets.message_line import MessageLine
from core.errors import Problem
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.train import verdict


class VerdictLine(MessageLine):
    """The convergence verdict in a run's metrics; nothing where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(3, "", parent, grows=True)
        self.setObjectName("verdict")

    def show_run(self, run: RunFolder) -> None:
        """Read and show the verdict of a run; none where it cannot be read."""
        found: dict[str, Any] = {}
        with contextlib.suppress(Problem):  # told where the run is listed
            found = read_metrics(run.metrics_file)
        self.setText(verdict.describe(found))

    def forget(self) -> None:
        """Show no verdict."""
        self.clear()
