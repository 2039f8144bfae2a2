"""One line with the progress of a job, or the reason for its end."""

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
        """Show the progress of a job, or of a ``Latest``, from now on; nothing once it is stopped."""
        work.happened.connect(self._happened)
        work.stopped.connect(self.clear)

    def _happened(self, events: Sequence[object]) -> None:
        reported = [event for event in events if isinstance(event, Progress) and event.unit]
        if reported and reported[-1].total is not None:
            self.setText(f"{reported[-1].done:,} of {reported[-1].total:,} {reported[-1].unit}".replace(",", "\u202f"))
        elif reported:
            self.setText("Working…")
