"""The scores that a study can be drawn by: those that exist for what is learned, offered by the study's form."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.jobs.job import Latest
from app.session.session import Session
from app.studies import work
from app.widgets.forms import SettingsForm


class ScoreChoice(QObject):
    """Keeps the scores on offer up to date with the open dataset.

    Parameters
    ----------
    session
        Its dataset says what is learned.
    form
        That of the study, with a setting ``metric``.
    parent
        The panel.
    """

    offered = Signal()

    def __init__(self, session: Session, form: SettingsForm, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._form, self._scores = session, form, Latest(self)
        self._scores.finished.connect(self._offer)
        self._scores.failed.connect(session.report)
        session.dataset.split_changed.connect(self.request)

    def request(self) -> None:
        """Request the figures of merit that exist for the target."""
        if self._session.dataset.target is not None:
            self._scores.start(work.list_scores(self._session.dataset.target))

    def _offer(self, names: tuple[str, ...]) -> None:
        known = ("auto", *names)
        chosen = self._form.value().metric
        self._form.offer("metric", known if chosen in known else (*known, chosen), empty=None)
        self.offered.emit()
