"""The galaxies to look at: the surest mistakes, probable label errors, the largest deviations; with relabelling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.evaluate import work
from app.evaluate.widgets.galaxy_list import GalaxyList
from app.jobs.job import Job, Latest
from app.session import label_commands
from app.session.session import Session
from core.data.target import Classes
from core.errors import Problem
from core.wording import count_of

if TYPE_CHECKING:
    from pathlib import Path

    from core.evaluate.doubtful import Doubtful
    from core.evaluate.evaluation import Evaluation

_OF_CLASSES = {
    "mistakes": ("Surest mistakes", "Galaxies that are called another class than their label, the surest first."),
    "label errors": (
        "Probable label errors",
        "Confident learning (Northcutt et al. 2021): the network is as sure of another class as of its own galaxies.",
    ),
}
_OF_QUANTITIES = {"deviations": ("Largest deviations", "In their error bars, or else in the scatter of all galaxies.")}
_SUGGESTED = "what the network says"


class DoubtfulView(QWidget):
    """A list of galaxies; the current one is shown, the selected ones can be labelled anew."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self._found: Doubtful | None = None
        self._places: dict[int, int] = {}
        self._touched: set[int] = set()  # rows whose labels were changed since the evaluation
        self._looking = Latest(self)
        self._looking.finished.connect(self._show)
        self._looking.failed.connect(self._show_problem)
        self.kind, self.label = QComboBox(), QComboBox()
        self.kind.setAccessibleName("Which galaxies")
        self.label.setAccessibleName("The new label")
        self.list = GalaxyList()
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")
        self.relabel = QPushButton("Label anew")
        self.relabel.setToolTip("Give the selected galaxies another label; Undo takes it back.")
        self._labelling = QWidget()
        line = QHBoxLayout(self._labelling)
        line.setContentsMargins(0, 0, 0, 0)
        for widget in (self.relabel, QLabel("as"), self.label):
            line.addWidget(widget)
        top = QHBoxLayout()
        top.addWidget(self.kind)
        top.addStretch(1)
        top.addWidget(self._labelling)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addLayout(top)
        column.addWidget(self.list, 1)
        column.addWidget(self.note)
        self.kind.currentIndexChanged.connect(self._look)
        self.list.chosen.connect(self._go)
        self.list.selectionModel().selectionChanged.connect(self._enable)
        self.relabel.clicked.connect(self._relabel)
        session.dataset.labels_changed.connect(self._show_labels)

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Show an evaluation."""
        self._evaluation, self._touched = evaluation, set()
        is_classes = isinstance(evaluation.target, Classes)
        kinds = _OF_CLASSES if is_classes else _OF_QUANTITIES
        if [self.kind.itemData(place) for place in range(self.kind.count())] != list(kinds):
            with QSignalBlocker(self.kind):
                self.kind.clear()
                for name, (title, meaning) in kinds.items():
                    self.kind.addItem(title, name)
                    self.kind.setItemData(self.kind.count() - 1, meaning, Qt.ItemDataRole.ToolTipRole)
        with QSignalBlocker(self.label):
            self.label.clear()
            self.label.addItems([_SUGGESTED, *evaluation.predictions.names] if is_classes else [])
        self._labelling.setVisible(is_classes)
        self._look()

    def stop(self) -> None:
        """Stop what is being computed."""
        self._looking.stop()

    def saving_job(self, path: Path, *, is_figure: bool) -> Job | None:
        """The job that writes the list as a table; it is no figure."""
        return None if self._found is None or is_figure else work.save_doubtful(self._found, path)

    @property
    def file_name(self) -> str:
        """The name that is proposed for its file."""
        return "" if self._found is None else self._found.kind

    # -- showing ---------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._evaluation is not None and self.kind.currentData() is not None:
            self._looking.start(work.find_doubtful(self._evaluation, str(self.kind.currentData())))

    def _show(self, found: Doubtful) -> None:
        self._found = found
        self._places = {row: place for place, row in enumerate(found.rows.tolist())}
        self.list.fill(found.ids, found.headers, found.cells)
        self.note.setText(found.sentence)
        self._enable()
        self._show_labels(())

    def _enable(self) -> None:
        self.relabel.setEnabled(self._can_label and bool(self.list.places))

    @property
    def _can_label(self) -> bool:
        """Whether the labels given here are those of the column that the network predicts."""
        evaluation, dataset = self._evaluation, self._session.dataset
        if evaluation is None or dataset.journal is None or not isinstance(evaluation.target, Classes):
            return False
        return dataset.label_column == evaluation.target.column

    def _go(self, place: int) -> None:
        if self._found is not None and place < len(self._found):
            self._session.set_current(int(self._found.rows[place]))

    def _relabel(self) -> None:
        found, places = self._found, self.list.places
        if found is None or not places:
            return
        wished, dataset, undo = self.label.currentText(), self._session.dataset, self._session.undo
        by_label: dict[str, list[int]] = {}
        for place in places:
            row, label = int(found.rows[place]), found.suggested[place] if wished == _SUGGESTED else wished
            if dataset.vote(row, dataset.labeller) != label:
                by_label.setdefault(label, []).append(row)
        if not by_label:
            return
        undo.beginMacro(f"label {count_of(sum(map(len, by_label.values())), 'galaxy')} anew")
        for label, rows in by_label.items():
            label_commands.give(self._session, rows, label)
        undo.endMacro()

    def _show_labels(self, rows: Sequence[int]) -> None:
        """Show which of the galaxies have another label now than when they were evaluated; ``rows`` were changed."""
        self._touched.update(rows)
        found, evaluation = self._found, self._evaluation
        if found is None or evaluation is None or not self._can_label:
            return
        changes = {
            self._places[row]: label
            for row in self._touched & self._places.keys()
            if (label := self._session.dataset.label(row)) != found.cells[self._places[row]][0]
        }
        self.list.show_changes(changes)

    def _show_problem(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.note.setText(problem.text)
        else:
            self._session.report(problem)
