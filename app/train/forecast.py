"""What the next training will do, found out in the background once the settings rest for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.job import Latest
from app.session.session import Session
from app.train import work
from core.errors import Problem
from core.events import Preview

if TYPE_CHECKING:
    from core.train.outlook import EpochTime, RunOutlook

_REST = 700  # ms after the last change
_MOST_KEPT = 200  # times
_IRRELEVANT = ("epochs", "learning_rate")  # optimiser settings that change neither the work of an epoch nor notices


class Forecast(QObject):
    """The outlook of the draft, and the time of an epoch, which is measured once for all settings that share it.

    Parameters
    ----------
    session
        Its draft and its dataset.

    Attributes
    ----------
    outlook
        Of the draft; None: not known yet, or there is none.
    epoch_time
        Of the draft; None: not known yet.
    problem
        Why the training is not possible; None: it is, or that is not known yet.

    Notes
    -----
    Signals: ``changed`` when any of them did.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.outlook: RunOutlook | None = None
        self.epoch_time: EpochTime | None = None
        self.problem: object | None = None
        self._asked: tuple[Any, ...] | None = None
        self._is_waiting = False  # for a request that was not given up
        self._times: dict[tuple[Any, ...], EpochTime] = {}
        self._request = Latest(self)
        self._request.happened.connect(self._take_outlook)
        self._request.finished.connect(self._take_time)
        self._request.failed.connect(self._take_problem)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._start)

    @property
    def is_looking(self) -> bool:
        """Whether there is more to be known soon."""
        return self._rest.isActive() or self._is_waiting

    def ask(self) -> None:
        """Find out about the draft as it is now, unless that is known or on its way."""
        key = self._key()
        if key != self._asked:
            self.forget()
            self._asked = key
            self.epoch_time = None if key is None else self._times.get(key)
            self.changed.emit()
        is_described = self.outlook is not None or self.problem is not None
        is_timed = self.epoch_time is not None or self.problem is not None or self._is_disturbed
        if key is not None and not self.is_looking and not (is_described and is_timed):
            self._rest.start()

    @property
    def _is_disturbed(self) -> bool:
        """Whether a time would be wrong, since something else is trained."""
        return bool(self._session.activity.at_work)

    def give_way(self) -> None:
        """Stop measuring, since a training begins."""
        self._rest.stop()
        self._request.stop()
        self._is_waiting = False

    def forget_times(self) -> None:
        """Know no times any more, since a run has ended that may tell them better."""
        self._times.clear()
        self.forget()

    def forget(self) -> None:
        """Stop finding out, and know nothing."""
        self.give_way()
        self.outlook = self.epoch_time = self.problem = self._asked = None

    def _key(self) -> tuple[Any, ...] | None:
        """Everything that the outlook depends on; None without a dataset."""
        dataset, settings = self._session.dataset, self._session.draft.settings
        if dataset.cutouts is None:
            return None
        split = dataset.split
        parts = None if split is None else (len(split.train), len(split.validation))
        values = settings.model_dump(exclude={"stopping": True, "optimiser": set(_IRRELEVANT)})
        return str(dataset.cutouts.path), parts, repr(values)

    def _start(self) -> None:
        cutouts, session = self._session.dataset.cutouts, self._session
        if cutouts is None:
            return
        is_measured = self.epoch_time is None and not self._is_disturbed
        journal, project = session.dataset.journal, session.project
        job = work.foresee(session.draft.settings, cutouts.path, journal, project, measured=is_measured)
        self._is_waiting = True
        self._request.start(job)

    def _take_outlook(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, Preview):
                self.outlook = cast("RunOutlook", event.what)
                self.changed.emit()

    def _take_time(self, found: EpochTime | None) -> None:
        self._is_waiting = False
        if found is not None and self._asked is not None:
            self.epoch_time = found
            while len(self._times) >= _MOST_KEPT:
                del self._times[next(iter(self._times))]
            self._times[self._asked] = found
        self.changed.emit()

    def _take_problem(self, problem: object) -> None:
        self.outlook, self.problem, self._is_waiting = None, problem, False
        if not isinstance(problem, Problem):
            self._session.report(problem)
        self.changed.emit()
