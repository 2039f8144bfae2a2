"""Figures of merit of classes against any column of the catalogue, and by environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.evaluate import work
from app.evaluate.widgets.chart_plot import ChartPlot
from app.jobs.job import Job, Latest
from app.session.session import Session
from app.widgets.plain_text import as_written
from core.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from core.evaluate.charts import Chart
    from core.evaluate.comparison_columns import MeasuredColumns
    from core.evaluate.environment import Environments
    from core.evaluate.evaluation import Evaluation

_NO_SPLIT, _ENVIRONMENT = "nothing", "environment, by segmentation"
_ENVIRONMENT_TIP = "Neighbours are looked for on the stamps; a few hundredths of a second for each galaxy."
_NO_COLUMN = "The catalogue has no column of numbers to show them against."


class ClassBinsView(QWidget):
    """A figure of merit with its interval in bins of a column, for each class of another column."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self._columns: MeasuredColumns | None = None
        self._environments: Environments | None = None
        self._shown: Chart | None = None
        self._preparing, self._drawing, self._looking = (self._request(each) for each in self._answers())
        self.figure, self.against, self.split = QComboBox(), QComboBox(), QComboBox()
        self.split.setToolTip(_ENVIRONMENT_TIP)
        choices = QHBoxLayout()
        for label, box in (("Figure", self.figure), ("in bins of", self.against), ("split by", self.split)):
            box.setMinimumContentsLength(9)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.currentTextChanged.connect(lambda text, box=box: box.setToolTip(as_written(text)))
            pair = QFormLayout()
            pair.setContentsMargins(0, 0, 0, 0)
            pair.addRow(label, box)
            choices.addLayout(pair, 1)
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
        self.split.currentIndexChanged.connect(self._choose_split)

    def _answers(self) -> tuple[Any, ...]:
        return self._show_columns, self._show, self._show_environments

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
        earlier, cutouts = self._evaluation, self._session.dataset.cutouts
        if earlier is None or earlier.rows is not evaluation.rows:
            self._environments = None
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
        for request in (self._preparing, self._drawing, self._looking):
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
        for box, names, wished in (
            (self.against, numbers, magnitude),
            (self.split, [_NO_SPLIT, _ENVIRONMENT, *columns.classes], _NO_SPLIT),
        ):
            before = box.currentText()
            with QSignalBlocker(box):
                box.clear()
                box.addItems(names)
                box.setCurrentIndex(max(box.findText(before if before in names else wished), 0))
        self._draw()

    def _choose_split(self) -> None:
        cutouts = self._session.dataset.cutouts
        if self.split.currentText() == _ENVIRONMENT and self._environments is None:
            if self._evaluation is not None and cutouts is not None:
                self.note.setText("Looking for neighbours…")
                job = work.find_environments(cutouts.path, self._evaluation.rows)
                self._looking.start(job)
                self._session.activity.add(job)
            return
        self._looking.stop()
        self._draw()

    def _draw(self) -> None:
        columns, against = self._columns, self.against.currentText()
        if columns is None or self._evaluation is None:
            return
        if against not in columns.numbers:
            self.note.setText(_NO_COLUMN)
            return
        split, chosen = None, self.split.currentText()
        if chosen == _ENVIRONMENT:
            if self._environments is None:
                self._choose_split()
                return
            split = "environment", self._environments.classes
        elif chosen in columns.classes:
            split = chosen, columns.classes[chosen]
        metric = str(self.figure.currentData())
        self._drawing.start(work.draw_bins(self._evaluation, metric, (against, columns.numbers[against]), split))

    def _show(self, chart: Chart) -> None:
        self._shown = chart
        self.plot.set_chart(chart)
        is_split_here = self.split.currentText() == _ENVIRONMENT and self._environments is not None
        rule = self._environments.rule if is_split_here and self._environments is not None else ""
        self.note.setText(f"{chart.note} {rule}".strip())

    def _show_environments(self, found: Environments) -> None:
        self._environments = found
        for problem in found.problems:
            self._session.message.emit(problem.text)
        self._draw()

    def _show_problem(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.note.setText(problem.text)
        else:
            self._session.report(problem)
