"""Drawing the parts of many galaxies in a job, while target and parts stay the earlier ones."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs.job import Job, Latest
from core.events import Work

if TYPE_CHECKING:
    from core.data.kept_parts import KeptState
    from core.data.labelled_catalogue import LabelledCatalogue
    from core.data.settings import DataSettings
    from core.project.labels import LabelJournal


class Drawing(QObject):
    """Finds target and parts of a catalogue by the newest of several settings.

    Notes
    -----
    Signals: ``drawn(catalogue, kept)`` with another catalogue to be used in place of that one, and the kept parts;
    ``outdated`` where labels were given meanwhile, so that all has to be drawn again.
    """

    drawn = Signal(object, object)
    outdated = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._request = Latest(self)
        self._request.finished.connect(self._finish)
        self._request.failed.connect(self._fail)
        self._catalogue: LabelledCatalogue | None = None
        self._changes = 0

    @property
    def is_running(self) -> bool:
        """Whether something is drawn."""
        return self._request.is_running

    def start(
        self,
        catalogue: LabelledCatalogue,
        path: Path,
        journal: LabelJournal | None,
        kept: KeptState,
        settings: tuple[DataSettings, int],
    ) -> None:
        """Draw by these settings, in place of what was asked for before."""
        self._catalogue, self._changes = catalogue, catalogue.changes
        self._request.start(_draw(catalogue.copy(), path, journal, kept, settings))

    def stop(self) -> None:
        """Draw no more."""
        self._request.stop()
        self._catalogue = None

    @property
    def _is_present(self) -> bool:
        return self._catalogue is not None and self._catalogue.changes == self._changes

    def _finish(self, drawn: tuple[LabelledCatalogue, KeptState]) -> None:
        if self._is_present:
            self.drawn.emit(*drawn)
        else:
            self.outdated.emit()

    def _fail(self, error: object) -> None:
        if not self._is_present:  # it may have read labels while they were given
            self.outdated.emit()
        elif isinstance(error, BaseException):
            raise error  # a defect, told as any other on this thread


def _draw(
    catalogue: LabelledCatalogue,
    path: Path,
    journal: LabelJournal | None,
    kept: KeptState,
    settings: tuple[DataSettings, int],
) -> Job:
    """Find target and parts of a catalogue that nobody else uses."""

    def run(stop: threading.Event) -> Work[tuple[LabelledCatalogue, KeptState]]:
        from core.data import opened

        present = kept.renewed(path, journal)
        yield from opened.draw(catalogue, present, settings, stop, is_labelled=journal is not None)
        return catalogue, present

    return Job("Drawing the parts", run, at_once=True, is_reading=True)
