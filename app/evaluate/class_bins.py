"""Figures of merit of classes against any column of the catalogue, and by environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from app.evaluate import work
from app.evaluate.split_chooser import SplitChooser, refill
from app.evaluate.widgets.chart_plot import ChartPlot
from app.jobs.job import Job, Latest
from app.session.session import Session
from app.widgets.flow import FlowLayout
from app.widgets.plain_text import as_written
from core.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from core.evaluate.charts import Chart
    from core.evaluate.comparison_columns import MeasuredColumns
    from core.evaluate.evaluation import Evaluation

_NO_COLUMN = "The catalogue has no column of numbers to show them against."


class ClassBinsView(QWidget):
    """A figure of merit with its interval in bins of a column, for each class of another column."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self._columns: MeasuredColumns | None = None
        self._shown: Chart | None = None
        self._preparing, self._drawing = self._request(self._show_columns), self._request(self._show)
        self.figure, self.against, self.split = QComboBox(), QComboBox(), SplitChooser(session)
        choices = FlowLayout(spacing=8)
        for label, box in (("Figure", self.figure), ("in bins of", self.against), ("split by", self.split)):
            box.setMinimumContentsLength(9)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.currentTextChanged.connect(lambda text, box=box: box.setToolTip(as_written(text)))
            pair = QWidget()
            row = QFormLayout(pair)
            row.setContentsMargins(0, 0, 0, 0)
            row.addRow(label, box)
            choices.addWidget(pair)
        self.plot, self.note = ChartPlot(), QLabel()
        self.plot.show_marker(False)
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addLayout(choices)
        column.addWidget(self.plot, 1)
        column.addWidget(self.note)
        for box in (self.figure, self.against):
            box.currentIndexChanged.connect(self._draw)
        self.split.changed.connect(self._draw)
        self.split.told.connect(self.note.setText)
        self.split.failed.connect(self._show_problem)

    def _request(self, show: Any) -> Latest:
        request = Latest(self)
        request.finished.connect(show)
        request.failed.connect(self._show_problem)
        return request

    @property
    def chart(self) -> Chart | None:
        """What is shown."""
        return self._shown

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Show an evaluation of classes."""
        cutouts = self._session.dataset.cutouts
        self.split.set_evaluation(evaluation)
        self._evaluation, self._shown = evaluation, None
        chosen = self.figure.currentData()
        with QSignalBlocker(self.figure):
            self.figure.clear()
            for name, title in work.figure_titles(evaluation).items():
                self.figure.addItem(title, name)
            self.figure.setCurrentIndex(max(self.figure.findData(chosen), 0))
        if cutouts is not None:
            self._preparing.start(work.prepare_measured(evaluation, cutouts.columns, cutouts.units, None))

    def stop(self) -> None:
        """Stop what is being computed."""
        for request in (self._preparing, self._drawing, self.split):
            request.stop()

    def saving_job(self, path: Path, *, is_figure: bool) -> Job | None:
        """The job that writes what is shown."""
        return None if self._shown is None else work.save_chart(self._shown, path, is_figure=is_figure)

    @property
    def file_name(self) -> str:
        """The name that is proposed for its file."""
        return "" if self._shown is None else self._shown.name

    # -- showing ---------------------------------------------------------------------------------------------------

    def _show_columns(self, columns: MeasuredColumns) -> None:
        self._columns = columns
        numbers = list(columns.numbers)
        magnitude = next((title for title in numbers if title.lower().startswith("mag")), "")
        refill(self.against, numbers, magnitude)
        self.split.offer(columns)
        self._draw()

    def _draw(self) -> None:
        columns, against = self._columns, self.against.currentText()
        if columns is None or self._evaluation is None:
            return
        if against not in columns.numbers:
            self.note.setText(_NO_COLUMN)
            return
        if self.split.look():
            metric, values = str(self.figure.currentData()), (against, columns.numbers[against])
            self._drawing.start(work.draw_bins(self._evaluation, metric, values, self.split.split))

    def _show(self, chart: Chart) -> None:
        self._shown = chart
        self.plot.set_chart(chart)
        self.note.setText(f"{chart.note} {self.split.rule}".strip())

    def _show_problem(self, problem: object) -> None:
        self._shown = None
        self.plot.clear()
        if isinstance(problem, Problem):
            self.note.setText(problem.text)
        else:
            self._session.report(problem)
