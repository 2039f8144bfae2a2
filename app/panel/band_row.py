"""A row above a panel where network and data have different bands: one sentence, and the choice of what feeds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app import work
from app.jobs.job import Latest
from app.session.session import Session
from app.widgets.band_chooser import BandChooser
from core.errors import Problem
from core.project import band_choices

if TYPE_CHECKING:
    from core.nets.opening import BandFit


class BandRow(QWidget):
    """Hidden while the bands are the same.

    Parameters
    ----------
    session
        What is chosen is kept with the run, and announced as a change of its network.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._asked: tuple[Path, int, Path, str] | None = None
        self._fit: BandFit | None = None
        self._request = Latest(self)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.chooser = BandChooser()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.addWidget(self.sentence)
        column.addWidget(self.chooser)
        self._request.finished.connect(self._show)
        self._request.failed.connect(self._show_nothing)  # the panel itself says why
        self.chooser.chosen.connect(self._keep)
        self.chooser.refused.connect(self._say)
        self.hide()

    def follow(self, network: Path | None) -> None:
        """Compare the bands of a network with those of the open dataset; None: there is no network."""
        cutouts = self._session.dataset.cutouts
        if network is None or cutouts is None or not network.exists():
            self._request.stop()
            self._show_nothing()
            return
        try:
            choice = band_choices.recall(network, [band.name for band in cutouts.bands])
        except Problem:
            choice = ""
        asked = (network, network.stat().st_mtime_ns, cutouts.path, choice)
        if asked != self._asked:
            self._asked = asked
            self._request.start(work.compare_bands(network, cutouts.path))

    def _show(self, fit: BandFit) -> None:
        self._fit = fit
        self._say(fit.sentence, warns=not fit.mapping)
        self.chooser.setVisible(not fit.is_of_training)
        self.chooser.show_bands(fit.wanted, fit.bands, fit.mapping or fit.proposal)
        self.setVisible(bool(fit.sentence))

    def _show_nothing(self, _problem: object = None) -> None:
        self._fit = self._asked = None
        self.hide()

    def _say(self, sentence: str, *, warns: bool = True) -> None:
        self.sentence.setText(sentence)
        self.sentence.setProperty("role", "warning" if warns else "muted")
        self.sentence.style().unpolish(self.sentence)
        self.sentence.style().polish(self.sentence)

    def _keep(self, text: str) -> None:
        """Keep the choice with the run, and let every panel look again."""
        if self._fit is None or self._asked is None:
            return
        try:
            band_choices.remember(self._asked[0], self._fit.bands, text)
        except Problem as problem:
            self._session.report(problem)
            return
        self._session.predictor_changed.emit()
