"""Measured quantities in the evaluation: true against predicted, and figures of merit in bins of any column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.evaluate import work
from app.evaluate.doubtful_view import DoubtfulView
from app.evaluate.fit_dialog import FitDialog
from app.evaluate.side_view import TITLE, SideView
from app.evaluate.split_chooser import SplitChooser, refill
from app.evaluate.two_runs_view import TwoRunsView
from app.evaluate.widgets.binned_plots import BinnedPlots
from app.evaluate.widgets.save_button import SaveButton
from app.evaluate.widgets.truth_plot import TruthPlot
from app.jobs.job import Job, Latest
from app.panel import saving
from app.session.session import Session
from app.widgets.flow import FlowLayout
from app.widgets.number_table import NumberTable
from app.widgets.plain_text import as_written
from core.errors import Problem
from core.simulate.settings import SOURCE

if TYPE_CHECKING:
    from app.evaluate.work import Fitted, FitWish, ShownComparison
    from core.evaluate.comparison import FitTable
    from core.evaluate.comparison_columns import MeasuredColumns
    from core.evaluate.evaluation import Evaluation

_FIT_KINDS = "Tables (*.csv *.fits *.xml *.parquet)"
_FIT_TIP = "A table that “tuningfork fit” has written for this dataset."
_OF_ALL = DoubtfulView | TwoRunsView | SideView  # work on all quantities together
_FIT_NOW_TIP = "Fit Sérsic profiles, or bulges and disks, to galaxies of this part by least squares, in the background."


class MeasuringView(QWidget):
    """The figures of merit, plots and numbers of an evaluation of quantities.

    Parameters
    ----------
    session
        Its open dataset has the columns.

    Attributes
    ----------
    scores
        The table of the figures of merit.
    remark
        What is said of it.
    """

    point_clicked = Signal(int)  # index of the galaxy in the evaluation

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self._columns: MeasuredColumns | None = None
        self._fits: FitTable | None = None
        self._shown: ShownComparison | None = None
        self._seen: dict[QWidget, Evaluation] = {}
        self._preparing = self._request(self._show_columns)
        self._comparing = self._request(self._show)
        self._reading = self._request(self._show_fits)
        self._fitting = self._request(self._show_fitted)
        self._build()
        self._connect()

    def _request(self, show: Callable[[Any], object]) -> Latest:
        request = Latest(self)
        request.finished.connect(show)
        request.failed.connect(self._show_problem)
        return request

    def _build(self) -> None:
        self.quantity, self.against, self.split = QComboBox(), QComboBox(), SplitChooser(self._session)
        for box in (self.quantity, self.against, self.split):
            box.setMinimumContentsLength(9)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.fit = QPushButton("Fit")
        self.fit.setToolTip("The classical measurement beside the network, on the same galaxies.")
        menu = QMenu(self.fit)
        menu.setToolTipsVisible(True)
        self.fit_now = menu.addAction("Fit profiles…")
        self.fit_now.setToolTip(_FIT_NOW_TIP)
        self.fits = menu.addAction("Table of fits…")
        self.fits.setToolTip(_FIT_TIP)
        self.fit.setMenu(menu)
        self.save = SaveButton()
        self.figure, self.numbers = self.save.figure, self.save.numbers
        self.scores, self.table = NumberTable(), NumberTable()
        self.truth, self.binned = TruthPlot(), BinnedPlots()
        self.doubtful, self.two_runs = DoubtfulView(self._session), TwoRunsView(self._session)
        self.side = SideView(self._session)
        self.note, self.remark = QLabel(), QLabel()
        for label in (self.note, self.remark):
            label.setWordWrap(True)
            label.setProperty("role", "muted")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for title, widget in (
            ("Scores", _at_top(self.scores, self.remark)),
            ("Galaxies", self.truth),
            ("Bins", self.binned),
            ("Numbers", _at_top(self.table)),
            ("Doubtful", self.doubtful),
            ("Two runs", self.two_runs),
            (TITLE, self.side),
        ):
            self.tabs.addTab(widget, title)
        self.tabs.setTabVisible(self.tabs.indexOf(self.side), False)
        choices = FlowLayout(spacing=8)
        for label, box in (("Quantity", self.quantity), ("in bins of", self.against), ("split by", self.split)):
            pair = QWidget()
            row = QFormLayout(pair)
            row.setContentsMargins(0, 0, 0, 0)
            row.addRow(label, box)
            choices.addWidget(pair)
        for box in (self.quantity, self.against):  # whose names may be too long
            box.currentTextChanged.connect(lambda text, box=box: box.setToolTip(as_written(text)))
        corner = QWidget()
        buttons = QHBoxLayout(corner)
        buttons.setContentsMargins(0, 0, 0, 2)
        for button in (self.fit, self.save):
            buttons.addWidget(button)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self.tabs.setCornerWidget(corner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(choices)
        column.addWidget(self.tabs, 1)
        column.addWidget(self.note)

    def _connect(self) -> None:
        self.quantity.currentIndexChanged.connect(self._show_quantity)
        self.against.currentIndexChanged.connect(self._compare)
        self.split.changed.connect(self._compare)
        self.split.told.connect(self.note.setText)
        self.split.failed.connect(self._show_problem)
        self.fit_now.triggered.connect(self._ask_fit)
        self.fits.triggered.connect(self._ask_fits)
        self.figure.triggered.connect(lambda: self._save(is_figure=True))
        self.numbers.triggered.connect(lambda: self._save(is_figure=False))
        self.truth.point_clicked.connect(self.point_clicked)
        self.tabs.currentChanged.connect(self._renew_tab)

    # -- what is shown ---------------------------------------------------------------------------------------------

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Show an evaluation of quantities."""
        earlier = self._evaluation
        if earlier is None or earlier.checksum != evaluation.checksum:
            self._fits = None
        self.split.set_evaluation(evaluation)
        self._evaluation = evaluation
        self.tabs.setTabVisible(self.tabs.indexOf(self.side), bool(evaluation.beside))
        self._renew_tab()
        self._prepare()

    def _renew_tab(self) -> None:
        """Give the evaluation to the view that is looked at, if it works on all quantities together."""
        view, evaluation = self.tabs.currentWidget(), self._evaluation
        if isinstance(view, _OF_ALL):
            self._enable(is_shown=True)
            if evaluation is not None and self._seen.get(view) is not evaluation:
                self._seen[view] = evaluation
                view.set_evaluation(evaluation)
        else:
            self._enable(is_shown=self._shown is not None)

    def show_scores(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show the figures of merit of each quantity."""
        _fill(self.scores, headers, rows)

    def stop(self) -> None:
        """Stop what is being computed for an evaluation that is no longer shown."""
        for request in (self._preparing, self._comparing, self.split, self._reading):
            request.stop()
        for view in (self.doubtful, self.two_runs, self.side):
            view.stop()

    def _prepare(self) -> None:
        cutouts = self._session.dataset.cutouts
        if self._evaluation is not None and cutouts is not None:
            self._enable(is_shown=False)
            self._preparing.start(work.prepare_measured(self._evaluation, cutouts.columns, cutouts.units, self._fits))

    def _show_columns(self, columns: MeasuredColumns) -> None:
        self._columns = columns
        names = [each.name for each in columns.quantities]
        magnitude = next((title for title in columns.numbers if title.startswith("true mag")), "")
        refill(self.quantity, names, "")
        refill(self.against, list(columns.numbers), magnitude)
        self.split.offer(columns)
        self._show_quantity()

    def _show_quantity(self) -> None:
        if self._columns is None or self.quantity.currentIndex() < 0:
            return
        quantity = self._columns.quantities[self.quantity.currentIndex()]
        fit = None if quantity.fit is None else (quantity.fit, quantity.fit_errors)
        self.truth.set_points(
            quantity.true, quantity.predicted, quantity.name, quantity.unit, quantity.encoding, quantity.errors, fit
        )
        self._compare()

    def _compare(self) -> None:
        columns, against = self._columns, self.against.currentText()
        if columns is None or self.quantity.currentIndex() < 0 or against not in columns.numbers:
            return
        if not self.split.look():
            return
        quantity = columns.quantities[self.quantity.currentIndex()]
        self._enable(is_shown=False)
        self._comparing.start(work.compare(quantity, (against, columns.numbers[against]), self.split.split))

    def _show(self, shown: ShownComparison) -> None:
        self._shown = shown
        comparison = shown.comparison
        self.binned.set_lines(comparison.against, comparison.quantity.unit, shown.panels)
        _fill(self.table, shown.headers, shown.rows)
        missing = ""
        if self._fits is not None and comparison.fit is None:
            missing = f"{self._fits.name} has no column “{comparison.quantity.name}”. "
        self.note.setText(f"{missing}{comparison.note} {self.split.rule}".strip())
        self._enable(is_shown=True)

    def _enable(self, *, is_shown: bool) -> None:
        view = self.tabs.currentWidget()
        is_of_all = isinstance(view, _OF_ALL)
        self.figure.setEnabled(is_shown and not isinstance(view, DoubtfulView | TwoRunsView))  # tables alone
        self.numbers.setEnabled(is_shown or is_of_all)

    def _show_problem(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.note.setText(problem.text)
        else:
            self._session.report(problem)

    # -- files -----------------------------------------------------------------------------------------------------

    def _ask_fit(self) -> None:
        cutouts = self._session.dataset.cutouts
        if cutouts is None or self._evaluation is None or not len(self._evaluation.rows):
            return
        is_simulated = cutouts.origin.source == SOURCE
        dialog = FitDialog(len(self._evaluation.rows), is_simulated=is_simulated, parent=self)
        dialog.wanted.connect(self._fit)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _fit(self, wish: FitWish) -> None:
        cutouts = self._session.dataset.cutouts
        if cutouts is not None and self._evaluation is not None:
            job = work.fit_profiles(cutouts.path, self._evaluation.rows, wish)
            self._fitting.start(job)
            self._session.activity.add(job)

    def _show_fitted(self, fitted: Fitted) -> None:
        cutouts = self._session.dataset.cutouts
        if cutouts is not None and cutouts.path == fitted.data:
            self._fits = fitted.table
            self._session.message.emit(fitted.sentence)
            self._prepare()

    def _ask_fits(self) -> None:
        cutouts = self._session.dataset.cutouts
        if cutouts is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(self, "Table of fitted profiles", str(cutouts.path.parent), _FIT_KINDS)
        if chosen:
            self.read_fits(Path(chosen))

    def read_fits(self, path: Path) -> None:
        """Show the fitted profiles of a table beside the network's values."""
        cutouts = self._session.dataset.cutouts
        if cutouts is not None:
            self._reading.start(work.read_fits(path, cutouts.ids))

    def _show_fits(self, fits: FitTable) -> None:
        self._fits = fits
        self._session.message.emit(f"{fits.name}: fitted profiles of {fits.matched:,} galaxies of the dataset.")
        self._prepare()

    def _save(self, *, is_figure: bool) -> None:
        view = self.tabs.currentWidget()
        of_all = view if isinstance(view, _OF_ALL) else None
        if (self._shown if of_all is None else of_all.file_name or None) is None:
            return
        name = f"{self._shown.comparison.quantity.name} in bins" if self._shown is not None else ""
        name = name if of_all is None else of_all.file_name
        title, ending, kinds = (
            ("Save the figure", "png", saving.FIGURES) if is_figure else ("Save the numbers", "csv", saving.TABLES)
        )
        path = saving.ask_path(self, self._session, title, f"{name}.{ending}", kinds)
        if path is None:
            return
        job: Job | None = None
        if of_all is not None:
            job = of_all.saving_job(path, is_figure=is_figure)
        elif self._shown is not None:
            job = work.save_comparison(self._shown.comparison, path, is_figure=is_figure)
        if job is not None:
            saving.save(self._session, job, lambda written: f"Saved in {written.name}.")


def _fill(table: NumberTable, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Fill a table with more columns than may fit: it is scrolled, and the names stay readable."""
    table.fill(headers, rows)
    table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)


def _at_top(widget: QWidget, below: QWidget | None = None) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 4, 0, 0)
    column.addWidget(widget, 1)
    if below is not None:
        column.addWidget(below)
    column.addStretch(0)
    return holder
