"""The open run compared with another one on the same galaxies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.evaluate import work
from app.jobs.job import Job, Latest
from app.session.session import Session
from app.widgets.number_table import NumberTable
from core.data.target import Classes
from core.errors import Problem
from core.project.runs import RunFolder, distinct_titles

if TYPE_CHECKING:
    from pathlib import Path

    from app.evaluate.work import ShownRuns
    from core.data.settings import EvaluatedPart
    from core.evaluate.evaluation import Evaluation

_INVITATION = (
    "Both runs are judged on galaxies that neither was trained on: {}for every figure of merit the difference with its "
    "error by a paired bootstrap."
)
_OF_CLASSES = "McNemar's exact test for the accuracy, and "
_NO_OTHER = "The project has no other run with a network: train a second one, and see here whether it is better."


class TwoRunsView(QWidget):
    """Choose another run, and see whether it is better beyond chance."""

    rows_wanted = Signal(object)  # int64 (m,)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self._runs: list[RunFolder] = []
        self._shown: ShownRuns | None = None
        self._comparing = Latest(self)
        self._comparing.finished.connect(self._show)
        self._comparing.failed.connect(self._show_problem)
        self._comparing.ended.connect(self._enable)
        self.other = QComboBox()
        self.other.setMinimumContentsLength(12)
        self.other.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.other.setAccessibleName("The other run")
        self.compare = QPushButton("Compare")
        self.gained, self.lost = QPushButton(), QPushButton()
        self.gained.setToolTip("Select the galaxies that only the other run gets right.")
        self.lost.setToolTip("Select the galaxies that only the open run gets right.")
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.table = NumberTable()
        top = QHBoxLayout()
        top.addWidget(QLabel("with"))
        top.addWidget(self.other, 1)
        for button in (self.compare, self.lost, self.gained):
            top.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addLayout(top)
        column.addWidget(self.verdict)
        column.addWidget(self.table, 1)
        column.addStretch(0)
        self.compare.clicked.connect(self._compare)
        self.gained.clicked.connect(lambda: self._select(is_gained=True))
        self.lost.clicked.connect(lambda: self._select(is_gained=False))
        session.runs_changed.connect(self._list_runs)
        self._clear()

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Show an evaluation: what was compared before is no longer shown."""
        self._evaluation = evaluation
        self._clear()
        self._list_runs()

    def stop(self) -> None:
        """Stop what is being computed."""
        self._comparing.stop()

    def saving_job(self, path: Path, *, is_figure: bool) -> Job | None:
        """The job that writes the table; it is no figure."""
        return None if self._shown is None or is_figure else work.save_two_runs(self._shown.found, path)

    @property
    def file_name(self) -> str:
        """The name that is proposed for its file."""
        return "" if self._shown is None else f"{self._shown.found.first} and {self._shown.found.second}"

    @property
    def _invitation(self) -> str:
        is_classes = self._evaluation is not None and isinstance(self._evaluation.target, Classes)
        return _INVITATION.format(_OF_CLASSES if is_classes else "")

    def _clear(self) -> None:
        self._shown = None
        self.verdict.setText(self._invitation)
        self.table.setVisible(False)
        self.gained.setVisible(False)
        self.lost.setVisible(False)

    def _list_runs(self) -> None:
        session, chosen = self._session, self._chosen
        if session.project is None:
            runs = []
        else:
            runs = [each for each in session.project.runs() if each != session.run and each.best.exists()]
        self._runs = runs
        with QSignalBlocker(self.other):
            self.other.clear()
            self.other.addItems(distinct_titles(runs))
            if chosen is not None and chosen in runs:
                self.other.setCurrentIndex(runs.index(chosen))
        if self._shown is None and not self._comparing.is_running:
            self.verdict.setText(self._invitation if runs else _NO_OTHER)
        self._enable()

    @property
    def _chosen(self) -> RunFolder | None:
        place = self.other.currentIndex()
        return self._runs[place] if 0 <= place < len(self._runs) else None

    def _enable(self) -> None:
        self.compare.setEnabled(self._chosen is not None and not self._comparing.is_running)

    def _compare(self) -> None:
        session, evaluation, other = self._session, self._evaluation, self._chosen
        cutouts = session.dataset.cutouts
        if evaluation is None or session.run is None or other is None or cutouts is None:
            return
        self._clear()
        self.verdict.setText("Comparing…")
        part: EvaluatedPart = evaluation.part if evaluation.is_own else "all"
        job = work.compare_runs(session.run, other, cutouts.path, part, session.dataset.journal)
        self._comparing.start(job)
        session.activity.add(job)
        self._enable()

    def _show(self, shown: ShownRuns) -> None:
        self._shown = shown
        found = shown.found
        self.verdict.setText(found.sentence)
        self.table.fill(shown.headers, shown.rows)
        self.table.setVisible(True)
        for button, rows, name in ((self.lost, found.lost, found.first), (self.gained, found.gained, found.second)):
            button.setVisible(len(rows) > 0)
            button.setText(f"{len(rows):,} only this" if button is self.lost else f"{len(rows):,} only the other")
            button.setAccessibleName(f"Galaxies that only {name} gets right")

    def _select(self, *, is_gained: bool) -> None:
        if self._shown is not None:
            self.rows_wanted.emit(self._shown.found.gained if is_gained else self._shown.found.lost)

    def _show_problem(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.verdict.setText(problem.text)
        else:
            self.verdict.setText(self._invitation)
            self._session.report(problem)
