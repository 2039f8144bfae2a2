"""Base of the panels for studies of a move: settings on the left; pictures, sentences and a table on the right."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.session.session import Session
from app.studies.study_panel import StudyPanel
from app.studies.widgets.grid_table import GridTable
from app.studies.widgets.lines_plot import LinesPlot
from app.studies.widgets.sentences import Sentences
from app.studies.work import Summary
from app.widgets.number_table import NumberTable
from app.widgets.reserved import reserve
from app.widgets.responsive_split import ResponsiveSplit, Scrollable
from core.studies.pictures import Grid
from core.studies.study_folders import StudyKind

_SETTINGS = 420  # pixels: seven numbers of labels can be read in their field
_LINES = 5  # of sentences that can be read beside the picture
_TABLE = "Table"
_PARTS = ("Validation part", "Test part")


class SummaryPanel(StudyPanel):
    """A study whose result is a :class:`~app.studies.work.Summary`.

    A subclass builds the form, and makes the jobs. The parameters are those of :class:`StudyPanel`.
    """

    def __init__(
        self, session: Session, name: str, kind: StudyKind, symbol: str, nothing: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, name, kind, symbol, nothing, "study.csv", parent)
        self._summary: Summary | None = None
        self._wanted_picture = ""

    def _build_sides(self, settings: QWidget) -> None:
        """Show the settings beside the results."""
        self.view = QComboBox()
        self.view.setToolTip("What is drawn.")
        self.view.activated.connect(self._choose_picture)
        self.part = QComboBox()
        self.part.addItems(_PARTS)
        reserve(self.part)
        self.part.setToolTip("The galaxies on which the networks are judged.")
        self.part.activated.connect(lambda _place: self._show_summary())
        self.plot, self.grid = LinesPlot(), GridTable()
        self.invitation = QLabel("The picture grows here as the runs end.")
        self.invitation.setProperty("role", "muted")
        self.invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pictures = QStackedWidget()
        self.numbers = NumberTable()
        for page in (self.invitation, self.plot, self.grid, self.numbers):
            self.pictures.addWidget(page)
        self.sentences = Sentences()
        self._set_content(
            ResponsiveSplit(settings, self._build_results(), 760, (_SETTINGS, 610), (260, 420), parent=self)
        )

    def _build_results(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.addLayout(self._lay_out_head())
        line = QHBoxLayout()
        line.addWidget(self.view)
        line.addWidget(self.part)
        line.addStretch(1)
        column.addLayout(line)
        column.addWidget(self.pictures, 3)
        words = QWidget()
        inner = QVBoxLayout(words)
        inner.setContentsMargins(0, 0, 6, 0)
        inner.addWidget(self.sentences)
        inner.addStretch(1)
        scrolled = Scrollable(words)
        scrolled.setMinimumHeight(_LINES * self.fontMetrics().lineSpacing())
        column.addWidget(scrolled, 2)
        return side

    # -- results ---------------------------------------------------------------------------------------------------

    @property
    def _result(self) -> Any:
        return None if self._shown is None else self._shown.study

    @property
    def _shown(self) -> Summary | None:
        """The summary on display: of the validation part, or of the test part if it was judged and chosen."""
        if self._summary is not None and self._summary.test is not None and self.part.currentIndex() == 1:
            return self._summary.test
        return self._summary

    def _show_result(self, what: Summary) -> None:
        self._summary = what
        self._show_summary()

    def _choose_picture(self, _place: int) -> None:
        self._wanted_picture = self.view.currentText()
        self._show_summary()

    def _show_summary(self) -> None:
        shown = self._shown
        self.part.setVisible(self._summary is not None and self._summary.test is not None)
        titles = [] if shown is None else [*shown.pictures, *([_TABLE] if shown.rows else [])]
        if [self.view.itemText(place) for place in range(self.view.count())] != titles:
            self.view.clear()
            self.view.addItems(titles)
        self.view.setVisible(len(titles) > 1)
        if self._wanted_picture in titles:
            self.view.setCurrentText(self._wanted_picture)
        picture = None if shown is None else shown.pictures.get(self.view.currentText())
        is_grid = isinstance(picture, Grid)
        self.grid.set_grid(picture if isinstance(picture, Grid) else None)
        self.plot.set_lines(None if isinstance(picture, Grid) else picture)
        is_table = self.view.currentText() == _TABLE
        page = self.numbers if is_table else self.grid if is_grid else self.plot
        self.pictures.setCurrentWidget(self.invitation if picture is None and not is_table else page)
        self.sentences.set_sentences(() if shown is None else shown.sentences)
        self.numbers.fill(*(((), ()) if shown is None else (shown.header, shown.rows)))
