"""Classes in the evaluation: overview, curves, bins, galaxies to look at, and the comparison with another run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from app.evaluate import work
from app.evaluate.class_bins import ClassBinsView
from app.evaluate.curves import CurvesView
from app.evaluate.doubtful_view import DoubtfulView
from app.evaluate.side_view import TITLE, SideView
from app.evaluate.two_runs_view import TwoRunsView
from app.evaluate.widgets.reliability import ReliabilityPlot
from app.evaluate.widgets.save_button import SaveButton
from app.evaluate.widgets.temperature_bar import TemperatureBar
from app.jobs.job import Job
from app.panel import saving
from app.session.session import Session
from app.widgets.confusion import ConfusionMatrix
from app.widgets.merit_texts import OF_CLASSES, format_classes
from app.widgets.number_table import NumberTable
from app.widgets.responsive_split import ResponsiveSplit

if TYPE_CHECKING:
    from pathlib import Path

    from core.evaluate.evaluation import Evaluation

_SHARES = {
    "counts": "Galaxies",
    "of each label": "Share of each label",
    "of each prediction": "Share of each prediction",
}
_SHARE_TIP = "By label, the diagonal is the completeness; by prediction, the purity."


class Overview(QWidget):
    """The classes, the confusion matrix and the reliability, with the temperature of the probabilities."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self.classes, self.confusion = NumberTable(), ConfusionMatrix()
        self.reliability, self.temperature = ReliabilityPlot(), TemperatureBar()
        self.share = QComboBox()
        for name, title in _SHARES.items():
            self.share.addItem(title, name)
        self.share.setToolTip(_SHARE_TIP)
        self.share.setAccessibleName("What the confusion matrix shows")
        left = QWidget()
        down = QVBoxLayout(left)
        down.setContentsMargins(0, 0, 0, 0)
        down.addWidget(self.classes, 1)
        down.addStretch(0)
        matrix, calibration = QWidget(), QWidget()
        for holder, widget, line in (
            (matrix, self.confusion, self.share),
            (calibration, self.reliability, self.temperature),
        ):
            column = QVBoxLayout(holder)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(widget, 1)
            column.addWidget(line)
            column.addStretch(0)
        both = QWidget()
        across = QHBoxLayout(both)
        across.setContentsMargins(0, 0, 0, 0)
        across.addWidget(matrix, 1)
        across.addWidget(calibration, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 4, 0, 0)
        page.addWidget(ResponsiveSplit(left, both, 1100, (480, 620), (130, 400)))
        self.share.currentIndexChanged.connect(self._show_share)

    @property
    def file_name(self) -> str:
        """The name that is proposed for its file."""
        return "" if self._evaluation is None else f"confusion {self.share.currentData()}"

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Show an evaluation of classes."""
        self._evaluation = evaluation
        report: Any = evaluation.report
        self.reliability.set_bins(report.calibration.bins)
        self.classes.fill(OF_CLASSES, format_classes(report))
        self.confusion.set_counts(report.names, report.confusion, self._session.dataset.class_colours(report.names))
        self.show_temperature()

    def show_temperature(self) -> None:
        """Show the temperature of the evaluation, and offer to fit or to remove one."""
        if (shown := self._evaluation) is not None:
            found = shown.predictions.temperature
            self.temperature.show_temperature(found, is_own=shown.is_own, members=shown.members)

    def saving_job(self, path: Path, *, is_figure: bool) -> Job | None:
        """The job that writes the confusion matrix."""
        if self._evaluation is None:
            return None
        return work.save_confusion(self._evaluation, str(self.share.currentData()), path, is_figure=is_figure)

    def stop(self) -> None:
        """Nothing is computed here."""

    def _show_share(self) -> None:
        self.confusion.set_share(self.share.currentData())


_View: TypeAlias = Overview | CurvesView | ClassBinsView | DoubtfulView | TwoRunsView | SideView


class ViewTabs(QTabWidget):
    """Views of an evaluation that compute when they are looked at, and save what they show."""

    def __init__(self, session: Session, views: dict[str, _View], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._views = views
        self._evaluation: Evaluation | None = None
        self._fresh: set[str] = set()
        self.setDocumentMode(True)
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideRight)
        for title, view in views.items():
            self.addTab(view, title)
        self.save = SaveButton()
        self.figure, self.numbers = self.save.figure, self.save.numbers
        self.save.choices.aboutToShow.connect(self._offer)
        corner = QWidget()
        line = QHBoxLayout(corner)
        line.setContentsMargins(0, 0, 0, 2)
        line.addWidget(self.save)
        self.setCornerWidget(corner)
        self.figure.triggered.connect(lambda: self._save(is_figure=True))
        self.numbers.triggered.connect(lambda: self._save(is_figure=False))
        self.currentChanged.connect(self._renew)

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Show an evaluation: the visible view at once, the others when they are looked at."""
        self.stop()
        self._evaluation, self._fresh = evaluation, set()
        self._renew()

    def stop(self) -> None:
        """Stop what is being computed for an evaluation that is no longer shown."""
        for view in self._views.values():
            view.stop()

    @property
    def current_view(self) -> _View:
        """What is looked at."""
        return self._views[self.tabText(self.currentIndex())]

    def _renew(self) -> None:
        title = self.tabText(self.currentIndex())
        if self._evaluation is not None and title not in self._fresh:
            self._fresh.add(title)
            self._views[title].set_evaluation(self._evaluation)

    def _offer(self) -> None:
        """Offer what can be saved of the view that is looked at."""
        view = self.current_view
        is_there = bool(view.file_name)
        self.figure.setEnabled(is_there and not isinstance(view, DoubtfulView | TwoRunsView))
        self.numbers.setEnabled(is_there)

    def _save(self, *, is_figure: bool) -> None:
        view = self.current_view
        title, ending, kinds = (
            ("Save the figure", "png", saving.FIGURES) if is_figure else ("Save the numbers", "csv", saving.TABLES)
        )
        path = saving.ask_path(self, self._session, title, f"{view.file_name}.{ending}", kinds)
        job = None if path is None else view.saving_job(path, is_figure=is_figure)
        if job is not None:
            saving.save(self._session, job, lambda written: f"Saved in {written.name}.")


class ClassView(QWidget):
    """Everything that is shown of an evaluation of classes."""

    cell_clicked = Signal(int, int)
    rows_wanted = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.overview, self.curves, self.bins = Overview(session), CurvesView(session), ClassBinsView(session)
        self.doubtful, self.two_runs, self.side = DoubtfulView(session), TwoRunsView(session), SideView(session)
        views: dict[str, _View] = {
            "Overview": self.overview,
            "Curves": self.curves,
            "Bins": self.bins,
            "Doubtful": self.doubtful,
            "Two runs": self.two_runs,
            TITLE: self.side,
        }
        self.tabs = ViewTabs(session, views)
        self.tabs.setTabVisible(self.tabs.indexOf(self.side), False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tabs)
        self.overview.confusion.cell_clicked.connect(self.cell_clicked)
        self.curves.rows_wanted.connect(self.rows_wanted)
        self.two_runs.rows_wanted.connect(self.rows_wanted)

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Show an evaluation of classes."""
        self.tabs.setTabVisible(self.tabs.indexOf(self.side), bool(evaluation.beside))
        self.overview.set_evaluation(evaluation)  # has the numbers of the evaluation, whatever is looked at
        self.tabs.set_evaluation(evaluation)

    def stop(self) -> None:
        """Stop what is being computed for an evaluation that is no longer shown."""
        self.tabs.stop()
