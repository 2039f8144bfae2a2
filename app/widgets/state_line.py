"""The progress of a job, or the reason for its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QWidget

from app.widgets.message_line import MessageLine
from core.events import Progress
from core.wording import singular


class StateLine(MessageLine):
    """Progress in numbers, in two reserved lines; ``grows``: in more where its text needs them and there is room."""

    def __init__(self, parent: QWidget | None = None, *, grows: bool = False) -> None:
        super().__init__(2, parent=parent, grows=grows)

    def follow(self, work: Any) -> None:
        """Show the progress of a job, or of a ``Latest``, from now on; nothing once it is stopped."""
        work.happened.connect(self._happened)
        work.stopped.connect(self.clear)

    def _happened(self, events: Sequence[object]) -> None:
        reported = [event for event in events if isinstance(event, Progress) and event.unit]
        if reported and reported[-1].total is not None:
            done, total, unit = reported[-1].done, reported[-1].total, reported[-1].unit
            self.setText(f"{done:,} of {total:,} {singular(unit) if total == 1 else unit}")
        elif reported:
            self.setText("Working…")
