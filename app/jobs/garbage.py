"""Cyclic garbage is collected on the window's thread only.

Python collects on whichever thread happens to allocate. A widget that is deleted there can wait for a lock of Qt that
the window's thread holds while it waits for Python's own lock: both stand still for ever.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimerEvent

from app.jobs.quiet_import import libraries_imported

_INTERVAL = 250  # ms between two looks at the counters


class GarbageCollector(QObject):
    """Takes the place of Python's automatic collection, by the same thresholds, until it is closed.

    Parameters
    ----------
    parent
        Its owner, on the window's thread.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = self.startTimer(_INTERVAL)

    def timerEvent(self, event: QTimerEvent) -> None:
        """Collect the oldest generation that is due; while libraries are imported, only what is young."""
        del event
        oldest = 2 if libraries_imported.is_set() else 0
        for generation in range(oldest, -1, -1):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                return

    def close(self) -> None:
        """Leave collecting to Python again."""
        self.killTimer(self._timer)
        gc.enable()
