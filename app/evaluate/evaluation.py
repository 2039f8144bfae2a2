"""Evaluation of the open run: figures of merit with intervals that lead back to the galaxies behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtWidgets import (
    QLabel,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.evaluate import work
from app.evaluate.changed_labels import ChangedLabels
from app.evaluate.class_view import ClassView
from app.evaluate.measuring import MeasuringView
from app.evaluate.remarks import remarks_on
from app.evaluate.widgets.decision_bar import DecisionBar
from app.jobs.job import Job
from app.panel import saving
from app.panel.panel import Panel
from app.session.session import Session
from app.theme import icon
from app.widgets.empty_state import EmptyState
from app.widgets.flow import FlowLayout
from app.widgets.merit_texts import format_mean, format_number, format_share
from app.widgets.numbers import Numbers
from app.widgets.remark_fold import RemarkFold
from app.widgets.responsive_split import Scrollable
from core.data.settings import HeldOutPart
from core.data.target import Classes
from core.errors import CatalogueProblem, Problem
from core.metrics.uncertainty import plus_minus
from core.wording import capitalised

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation
    from core.nets.temperature import Temperature

_TEST_ONCE = (
    "The test part took no part in training or in any choice. Look at it once, when the network is final: "
    "whoever chooses by it makes its numbers too good."
)
_WITHOUT_LABELS = "“Table of all galaxies…” needs none: it saves what the network says of each."
_EXPECTED = "With calibrated probabilities, as few galaxies would give about {}."
_FIGURES = 360  # pixels: a table of three classes above a matrix that can be read
_NUMBERS = ("Accuracy", "Balanced accuracy", "Macro F1", "Log loss", "Calibration error", "Galaxies")


class EvaluationPanel(Panel):
    """Evaluate the open run on its validation part or, at the very end, on its test part.

    Parameters
    ----------
    session
        Its open run is evaluated on its open dataset; a click on a cell or point selects galaxies there.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "evaluation", EmptyState("mdi6.chart-box-outline", "", ""), parent, describes=True)
        self._part: HeldOutPart = "validation"
        self._evaluation: Evaluation | None = None
        self._validation: Evaluation | None = None  # of the same run, on which thresholds are chosen
        self._latest = self._make_request(self._show)
        self._deciding = self._make_request(self._show_decided, self._show_refusal)
        self._scaling = self._make_request(self._show_scaled, self._show_refusal)
        self._build()
        self.bands = self._add_band_row()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.validation = QPushButton("Validation part")
        self.validation.setToolTip("Where it chose the epoch that was kept, its numbers are slightly too good.")
        self.test = QPushButton(icon("mdi6.lock-outline"), "Evaluate on the test part…")
        self.test.setToolTip(_TEST_ONCE)
        for button in (self.validation, self.test):
            button.setCheckable(True)
        self.caution = QLabel(_TEST_ONCE)
        self.caution.setWordWrap(True)
        self.confirm = QPushButton(icon("mdi6.lock-open-outline"), "The network is final: open the test part")
        self.back = QPushButton("Not yet")
        self.export = QPushButton(icon("mdi6.table-arrow-right"), "Table of all galaxies…")
        self.export.setToolTip(
            "The classes, or the measured values with errors, units and flags, of every galaxy of the open dataset, "
            "with or without labels: CSV, FITS, VOTable or Parquet."
        )
        self.again = ChangedLabels(self._session)
        self.part = QLabel()
        self.part.setProperty("role", "heading")
        self.part.setWordWrap(True)
        self.remarks = RemarkFold()
        self.decision = DecisionBar()
        self.numbers = Numbers(_NUMBERS)
        content = QWidget(self)
        self._figures = _Figures(content)
        self.class_view = ClassView(self._session, self._figures)
        overview = self.class_view.overview
        self.classes, self.reliability, self.confusion = overview.classes, overview.reliability, overview.confusion
        self.measuring = MeasuringView(self._session, self._figures)
        self._pages = QStackedLayout(self._figures)  # of classes, and of quantities
        for page in (self.class_view, self.measuring):
            self._pages.addWidget(page)

        top = FlowLayout(spacing=6)
        for widget in (QLabel("Evaluate on"), self.validation, self.test, self.export, self.again):
            top.addWidget(widget)
        self._warning = QWidget()
        ask = QVBoxLayout(self._warning)
        ask.setContentsMargins(0, 0, 0, 0)
        ask.addWidget(self.caution)
        answers = FlowLayout(spacing=6)
        for button in (self.confirm, self.back):
            answers.addWidget(button)
        ask.addLayout(answers)
        self._warning.setVisible(False)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 4, 0)
        column.addLayout(top)
        column.addWidget(self._warning)
        column.addWidget(self.part)
        column.addWidget(self.state)
        column.addWidget(self.remarks)
        column.addWidget(self.decision)
        column.addWidget(self.numbers)
        column.addWidget(self._figures, 1)
        column.addStretch(0)
        self._set_content(Scrollable(content, self))

    def _connect(self) -> None:
        session = self._session
        session.predictor_changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        self.validation.clicked.connect(lambda: self.evaluate("validation"))
        self.test.clicked.connect(self._ask_confirmation)
        self.confirm.clicked.connect(lambda: self.evaluate("test"))
        self.back.clicked.connect(lambda: self._warning.setVisible(False))
        for button in (self.validation, self.test):  # the result decides which part is shown, not the click
            button.clicked.connect(self._show_part)
        self.export.clicked.connect(self._export)
        self.decision.chosen.connect(self._decide)
        self.class_view.cell_clicked.connect(self._cell_clicked)
        self.class_view.rows_wanted.connect(self._select)
        self.again.clicked.connect(lambda: self.evaluate(self._part))
        self.class_view.overview.temperature.fit_wanted.connect(self._fit_temperature)
        self.class_view.overview.temperature.removal_wanted.connect(self._remove_temperature)
        self.measuring.point_clicked.connect(self._point_clicked)
        self.measuring.two_runs.rows_wanted.connect(self._select)

    def _ask_confirmation(self) -> None:
        self._warning.setVisible(True)

    def _show_part(self) -> None:
        part = None if self._evaluation is None else self._evaluation.part
        self.validation.setChecked(part == "validation")
        self.test.setChecked(part == "test")

    # -- evaluating ------------------------------------------------------------------------------------------------

    def _drop_outdated(self) -> None:
        self._latest.stop()
        self._deciding.stop()
        self._scaling.stop()
        self.measuring.stop()
        self.class_view.stop()

    def _renew(self) -> None:
        """Evaluate the open run on the validation part."""
        run, cutouts = self._session.run, self._session.dataset.cutouts
        self._evaluation = self._validation = None
        self.bands.follow(self._session.predictor_path)
        if cutouts is None:
            self._show_empty("Nothing to evaluate yet", "Open a dataset and train a network first.")
        elif run is None or not run.best.exists():
            self._show_empty("No network yet", "Train a network, or choose a run; its numbers appear here.")
        else:
            self._show_content()
            self.evaluate("validation")

    def evaluate(self, part: HeldOutPart) -> None:
        """Compute the figures of merit for one part of the data."""
        run, cutouts = self._session.run, self._session.dataset.cutouts
        if run is None or cutouts is None:
            return
        self._part = part
        self._warning.setVisible(False)
        self.again.begin()
        self.part.setText(f"Evaluating “{run.title}” on {cutouts.path.name}…")
        self.state.clear()
        self._latest.start(work.evaluate(run, cutouts.path, part, self._session.dataset.journal))

    def _show_problem(self, problem: object) -> None:
        super()._show_problem(problem)
        self.part.setText("Not evaluated" if isinstance(problem, Problem) else "The evaluation failed")
        if isinstance(problem, CatalogueProblem):
            self.state.setText(f"{self.state.text()} {_WITHOUT_LABELS}")
        self._show_figures(False)

    def _show_figures(self, are_there: bool) -> None:
        """Show numbers and figures, or none of them where there is only a reason."""
        for widget in (self.remarks, self.decision, self.numbers, self._figures):
            widget.setVisible(are_there)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _show(self, evaluation: Evaluation) -> None:
        run = self._session.run
        if run is None:
            return
        self._evaluation = evaluation
        self.again.set_evaluation(evaluation)
        if evaluation.is_own and evaluation.part == "validation":
            self._validation = evaluation
        part = "all labelled galaxies" if evaluation.part == "all" else f"the {evaluation.part} part"
        self.part.setText(f"“{run.title}” on {part} of {evaluation.data}")
        report = evaluation.report
        problems = [problem.text for problem in evaluation.problems]
        first, _, _ = capitalised(evaluation.note).partition(";")
        self.state.setText(" ".join((f"{first}.", *problems[:1])))
        self.remarks.set_remarks(remarks_on(evaluation))
        self.measuring.remark.setText(getattr(report, "remark", ""))
        self._show_part()
        self.numbers.show_number("Galaxies", str(report.galaxies))
        is_classes = isinstance(evaluation.target, Classes)
        self._show_figures(True)
        self._pages.setCurrentIndex(0 if is_classes else 1)
        self.decision.setVisible(is_classes)
        if is_classes:
            self._show_decision(evaluation)
            self._show_classes(evaluation)
        else:
            self._show_quantities(evaluation, report)
        if evaluation.is_news:
            self._session.runs_changed.emit()

    def _show_decision(self, evaluation: Evaluation) -> None:
        names, assumed = evaluation.predictions.names, evaluation.assumed
        known = None if assumed is None else dict(zip(names, assumed.tolist(), strict=True))
        self.decision.show_decision(evaluation.predictions.decision, known)

    def _decide(self, wish: str) -> None:
        """Put what is shown under another decision, in words, and keep it with the run."""
        run = self._session.run
        if run is not None and self._evaluation is not None:
            self._deciding.start(work.decide(run, self._evaluation, wish, self._validation))

    def _show_decided(self, evaluation: Evaluation) -> None:
        if self._evaluation is None or evaluation.rows is not self._evaluation.rows:
            return  # another run or part has come in between
        self._evaluation = evaluation
        self._show_decision(evaluation)
        self._show_classes(evaluation)
        self._session.runs_changed.emit()

    def _show_refusal(self, problem: object) -> None:
        """Say why a decision or a temperature is not possible; the one before stays."""
        if self._evaluation is not None:
            self._show_decision(self._evaluation)
            self.class_view.overview.show_temperature()
        self._session.message.emit(self._describe(problem))

    def _show_classes(self, evaluation: Evaluation) -> None:
        report: Any = evaluation.report
        self.numbers.show_number("Accuracy", format_share(report.accuracy), "Accuracy")
        balanced, macro, _ = report.mean_intervals
        self.numbers.show_number(
            "Balanced accuracy", format_mean(report.balanced_accuracy, balanced), "Balanced accuracy"
        )
        self.numbers.show_number("Macro F1", format_mean(report.macro_f1, macro), "Macro F1")
        log_loss = format_number(report.log_loss) + plus_minus(report.log_loss_error, ".2f")
        self.numbers.show_number("Log loss", log_loss, "Log loss")
        calibration = report.calibration
        error = format_number(calibration.error) + plus_minus(calibration.uncertainty, ".2f")
        self.numbers.show_number("Calibration error", error, "Calibration error")
        self.numbers.explain("Calibration error", _EXPECTED.format(format_number(calibration.expected)))
        if report.guess is not None:
            for name in ("Accuracy", "Balanced accuracy"):
                self.numbers.explain(name, report.guess.sentence)
        self.class_view.set_evaluation(evaluation)

    def _show_quantities(self, evaluation: Evaluation, report: Any) -> None:
        self.numbers.show_number("Accuracy", format_number(report.r2), "Mean R²")
        voted = "" if report.accuracy is None else format_share(report.accuracy)
        self.numbers.show_number("Balanced accuracy", voted, "Most voted answer right" if voted else " ")
        for name in _NUMBERS:
            self.numbers.explain(name, "")
        for name in ("Macro F1", "Log loss", "Calibration error"):
            self.numbers.show_number(name, "", " ")
        rows = []
        bars = None if evaluation.error_bars is None else evaluation.error_bars.coverage
        units = evaluation.predictions.units
        for (name, each), unit in zip(report.quantities.items(), units, strict=True):
            rows.append(
                (
                    name,
                    unit,
                    *(format_number(value) for value in (each.r2, each.bias, each.scatter)),
                    each.outliers.in_percent,
                    *(() if bars is None else (bars[name].within_one.in_percent, bars[name].within_two.in_percent)),
                )
            )
        head = ("Quantity", "Unit", "R²", "Bias", "Scatter", "Outliers")
        self.measuring.show_scores(head if bars is None else (*head, "In 1 σ", "In 2 σ"), rows)
        self.measuring.set_evaluation(evaluation)

    # -- the temperature -------------------------------------------------------------------------------------------

    def _fit_temperature(self) -> None:
        run, cutouts = self._session.run, self._session.dataset.cutouts
        if run is not None and cutouts is not None:
            self._scale(work.fit_temperature(run, cutouts.path, self._session.dataset.journal))

    def _remove_temperature(self) -> None:
        run, cutouts = self._session.run, self._session.dataset.cutouts
        if run is not None and cutouts is not None:
            self._scale(work.remove_temperature(run, cutouts.path, self._session.dataset.journal))

    def _scale(self, job: Job) -> None:
        self.class_view.overview.temperature.button.setEnabled(False)
        self._scaling.start(job)
        self._session.activity.add(job)

    def _show_scaled(self, found: Temperature | None) -> None:
        """Evaluate anew with the new probabilities, which all panels take from now on."""
        if found is None:
            run = self._session.run
            whose = "ensemble" if run is not None and run.is_ensemble else "network"
            self._session.message.emit(f"The probabilities are the {whose}'s own again.")
        else:
            before, after = found.log_loss
            self._session.message.emit(f"{found.sentence}: log loss {before:.3f} → {after:.3f}.")
        self._validation = None
        self.evaluate(self._part)

    # -- back to the galaxies --------------------------------------------------------------------------------------

    def _cell_clicked(self, label: int, predicted: int) -> None:
        if self._evaluation is None:
            return
        names = self._evaluation.predictions.names
        rows = self._evaluation.rows_in(names[label], names[predicted])
        self._select(rows)
        own, answer = names[label], names[predicted]
        some = f"{len(rows):,} {own} predicted as {answer} {'is' if len(rows) == 1 else 'are'} selected."
        self._session.message.emit(some if len(rows) else f"No {own} is predicted as {answer}.")

    def _select(self, rows: NDArray[np.int64]) -> None:
        self._session.set_selection(rows)
        if len(rows):
            self._session.set_current(int(rows[0]))

    def _point_clicked(self, place: int) -> None:
        if self._evaluation is not None:
            row = self._evaluation.rows[place]
            self._select(np.array([row]))

    def _export(self) -> None:
        if self._session.run is not None:
            saving.save_predictions(self, self._session, "Save the table", self._session.run.best)


class _Figures(QWidget):
    """Takes what room there is; where that is too little to read anything, its surroundings scroll."""

    def sizeHint(self) -> QSize:
        """Low, whatever would be nice to have."""
        return QSize(super().sizeHint().width(), _FIGURES)

    def minimumSizeHint(self) -> QSize:
        """As low as it is wanted."""
        return QSize(super().minimumSizeHint().width(), _FIGURES)

    def hasHeightForWidth(self) -> bool:
        """The height is given."""
        return False
