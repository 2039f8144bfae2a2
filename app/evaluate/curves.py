"""How well each class is found: ROC, purity and completeness, the first k, a threshold that is dragged, reliability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QVBoxLayout, QWidget

from app.evaluate import work
from app.evaluate.widgets.chart_plot import ChartPlot
from app.jobs.job import Job, Latest
from app.session.session import Session
from app.widgets.flow import FlowLayout
from app.widgets.inputs import DecimalSpin
from core.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from core.evaluate.charts import Chart
    from core.evaluate.class_charts import Rankings
    from core.evaluate.evaluation import Evaluation

_KINDS = {
    "roc": ("ROC curve", "Completeness against the share of other galaxies that is taken too; AUC is the area."),
    "precision": ("Purity and completeness", "Precision against recall; its area is the average precision."),
    "top": (
        "Purity of the first k",
        "How many of the k likeliest galaxies are real. Drag the line.",
    ),
    "threshold": ("Threshold", "Completeness and purity of the galaxies from a probability on. Drag the line."),
    "reliability": ("Reliability", "How often the likeliest class is right, against its probability."),
}
_OF_ONE = {"top", "threshold"}  # have a line to drag, for one class
_EVERY = "every class"


class CurvesView(QWidget):
    """One chart of the classes at a time; the line across it selects galaxies."""

    rows_wanted = Signal(object)  # int64 (m,)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self._rankings: Rankings | None = None
        self._is_rarest = False  # whether the class was chosen here, because the chart needs one
        self._ranking = Latest(self)
        self._ranking.finished.connect(self._show_rankings)
        self._ranking.failed.connect(self._show_problem)
        self.kind, self.of = QComboBox(), QComboBox()
        for name, (title, meaning) in _KINDS.items():
            self.kind.addItem(title, name)
            self.kind.setItemData(self.kind.count() - 1, meaning, Qt.ItemDataRole.ToolTipRole)
        self.plot = ChartPlot()
        self.taken, self.note = QLabel(), QLabel()
        self.note.setProperty("role", "muted")
        for label in (self.taken, self.note):
            label.setWordWrap(True)
        self.frequency = DecimalSpin(logarithmic=True)
        self.frequency.setRange(0, 99.9)
        self.frequency.setSuffix(" % of the survey")
        self.frequency.setSpecialValueText("as frequent as here")
        self.frequency.setToolTip("The share of the class in another survey, for which the purity is told, too.")
        self.kind.setAccessibleName("Chart")
        self.of.setAccessibleName("Class")
        self.select = QPushButton("Show these galaxies")
        self.select.setToolTip("Select in the gallery the galaxies that are taken, the likeliest first.")
        top = FlowLayout(spacing=6)
        for widget in (self.kind, QLabel("of"), self.of, self.frequency, self.select):
            top.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addLayout(top)
        column.addWidget(self.plot, 1)
        column.addWidget(self.taken)
        column.addWidget(self.note)
        self.kind.currentIndexChanged.connect(self._draw)
        self.of.currentIndexChanged.connect(self._choose)
        self.plot.marker_moved.connect(self._show_taken)
        self.frequency.valueChanged.connect(self._show_taken)
        self.select.clicked.connect(self._select)

    @property
    def chart(self) -> Chart | None:
        """What is shown."""
        return self.plot.chart if self._rankings is not None else None

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Show an evaluation of classes; its rankings are computed in the background."""
        self._evaluation, self._rankings = evaluation, None
        names = [_EVERY, *evaluation.predictions.names]
        if [self.of.itemText(place) for place in range(self.of.count())] != names:
            with QSignalBlocker(self.of):
                self.of.clear()
                self.of.addItems(names)
        self.note.setText("Ranking the galaxies…")
        self._ranking.start(work.find_rankings(evaluation))

    def stop(self) -> None:
        """Stop what is being computed."""
        self._ranking.stop()

    def saving_job(self, path: Path, *, is_figure: bool) -> Job | None:
        """The job that writes what is shown."""
        return None if self.chart is None else work.save_chart(self.chart, path, is_figure=is_figure)

    @property
    def file_name(self) -> str:
        """The name that is proposed for its file."""
        return "" if self.chart is None else self.chart.name

    # -- showing ---------------------------------------------------------------------------------------------------

    @property
    def _class(self) -> str:
        """The class that is looked at; empty: all of them."""
        return "" if self.of.currentText() == _EVERY else self.of.currentText()

    def _choose_class(self, *, needs_one: bool) -> None:
        """Look at the rarest class where one is needed and none was chosen, and at all again afterwards."""
        chosen = ""
        if needs_one and not self._class and self._evaluation is not None:
            counts: dict[str, int] = getattr(self._evaluation.report, "counts", {})
            chosen = min((each for each in counts if counts[each]), key=counts.__getitem__, default="")
            self._is_rarest = True
        elif not needs_one and self._is_rarest:
            chosen, self._is_rarest = _EVERY, False
        if chosen:
            with QSignalBlocker(self.of):
                self.of.setCurrentText(chosen)

    def _choose(self) -> None:
        self._is_rarest = False
        self._draw()

    def _show_rankings(self, rankings: Rankings) -> None:
        if rankings.evaluation is self._evaluation:
            self._rankings = rankings
            self._draw()

    def _draw(self) -> None:
        if self._rankings is None or self._evaluation is None:
            return
        kind = str(self.kind.currentData())
        self._choose_class(needs_one=kind in _OF_ONE)
        name = self._class
        chart = work.make_chart(self._rankings, kind, name)
        has_line = kind in _OF_ONE and bool(chart.series)
        self.plot.show_marker(has_line)
        names = self._evaluation.predictions.names
        palette = self._session.dataset.class_colours(names) if kind not in ("threshold", "reliability") else ()
        self.plot.set_chart(chart, palette)
        self.note.setText(chart.note)
        self.kind.setToolTip(_KINDS[kind][1])
        self.of.setEnabled(kind != "reliability")
        for widget in (self.select, self.frequency):
            widget.setVisible(has_line)
        self.taken.setVisible(has_line)
        if has_line:
            self.plot.set_marker(0.5 if kind == "threshold" else float(np.ceil(len(self._evaluation.rows) / 10)))
            self._show_taken()

    def _cut(self) -> tuple[int, float]:
        """The rank and the threshold at the line, one of which counts."""
        is_rank = self.kind.currentData() == "top"
        return (max(1, round(self.plot.marker)), 0.0) if is_rank else (0, self.plot.marker)

    def _show_taken(self, _place: float = 0.0) -> None:
        if self._evaluation is not None and self.kind.currentData() in _OF_ONE and self._rankings is not None:
            frequency = self.frequency.value() / 100 or None
            self.taken.setText(work.describe_taken(self._evaluation, self._class, *self._cut(), frequency))

    def _select(self) -> None:
        if self._evaluation is None:
            return
        scores = self._evaluation.predictions.scores[:, self._evaluation.predictions.names.index(self._class)]
        first, threshold = self._cut()
        order = np.argsort(-scores, kind="stable")
        taken = order[:first] if first else order[scores[order] >= threshold]
        self.rows_wanted.emit(self._evaluation.rows[taken])

    def _show_problem(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.note.setText(problem.text)
        else:
            self._session.report(problem)
