"""Which galaxies the gallery shows, in which order: found at once, or in a job where there are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.data import work
from app.jobs.job import Latest
from core.data.catalogue_filter import Arrangement, Finder, arrange
from core.events import result_of

_AT_ONCE = 50_000  # galaxies that are found and sorted within a tenth of a second


class Arranging(QObject):
    """Finds and sorts the galaxies that were asked for last.

    Notes
    -----
    Signals: ``arranged(rows)`` with what is to be shown; ``begun()`` where that comes later.
    """

    arranged = Signal(object)
    begun = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._request = Latest(self)
        self._request.finished.connect(self.arranged)
        self._request.failed.connect(self._fail)
        self._finder: Finder | None = None

    def start(self, wanted: Arrangement, columns: Mapping[str, NDArray[Any]]) -> None:
        """Find the galaxies of a catalogue that are wanted, and no longer those that were wanted before."""
        self._request.stop()
        if self._finder is None:
            self._finder = Finder(columns)
        self._finder.columns = columns
        if wanted.takes_long and len(wanted.among) > _AT_ONCE:
            self.begun.emit()
            self._request.start(work.arrange(wanted, self._finder))
        else:
            self.arranged.emit(result_of(arrange(wanted, self._finder)))

    def forget(self, column: str) -> None:
        """Read a column again, whose values have changed."""
        if self._finder is not None:
            self._finder.forget(column)

    def clear(self) -> None:
        """Another catalogue follows."""
        self._request.stop()
        self._finder = None

    def _fail(self, error: object) -> None:
        if isinstance(error, BaseException):
            raise error  # a defect, told as any other on this thread
