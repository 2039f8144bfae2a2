"""One line that says how far a piece of work is, or why it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QLabel, QWidget

from core.events import Progress


class StateLine(QLabel):
    """Progress in numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "muted")
        self.setWordWrap(True)

    def follow(self, work: Any) -> None:
        """Say how far a job is, or the newest of several, from now on; nothing once it is stopped."""
        work.happened.connect(self._happened)
        work.stopped.connect(self.clear)

    def _happened(self, events: Sequence[object]) -> None:
        told = [event for event in events if isinstance(event, Progress) and event.unit]
        if told and told[-1].total is not None:
            self.setText(f"{told[-1].done:,} of {told[-1].total:,} {told[-1].unit}".replace(",", "\u202f"))
        elif told:
            self.setText("Working…")
