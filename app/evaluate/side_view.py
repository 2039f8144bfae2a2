"""What the catalogue columns beside the image bring to the open run, on the galaxies that are evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.evaluate import work
from app.evaluate.widgets.importance_plot import ImportancePlot
from app.jobs.job import Job, Latest
from app.session.session import Session
from app.widgets.number_table import NumberTable
from core.errors import Problem

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation
    from core.evaluate.side_importance import SideImportance

TITLE = "Columns"
"""Of the tab, which is there where the network takes columns beside the image."""
_WORKING = "Shuffling one column after the other among these galaxies…"


class SideView(QWidget):
    """By how much the answers are worse when a column is shuffled; computed when it is looked at."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: SideImportance | None = None
        self._shuffling = Latest(self)
        self._shuffling.finished.connect(self._show)
        self._shuffling.failed.connect(self._show_problem)
        self.plot, self.table, self.note = ImportancePlot(), NumberTable(), QLabel()
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.plot, 1)
        column.addWidget(self.table, 1)
        column.addWidget(self.note)
        column.addStretch(0)
        self._clear()

    def _clear(self) -> None:
        self._shown = None
        self.plot.setVisible(False)
        self.table.setVisible(False)

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Shuffle the columns among the galaxies of an evaluation of the open run."""
        run, cutouts = self._session.run, self._session.dataset.cutouts
        self._clear()
        if run is None or cutouts is None:
            return
        self.note.setText(_WORKING)
        job = work.measure_side_importance(evaluation, run, cutouts.path)
        self._shuffling.start(job)
        self._session.activity.add(job)

    def stop(self) -> None:
        """Stop what is being computed."""
        self._shuffling.stop()

    def saving_job(self, path: Path, *, is_figure: bool) -> Job | None:
        """The job that writes what is shown."""
        return None if self._shown is None else work.save_side_importance(self._shown, path, is_figure=is_figure)

    @property
    def file_name(self) -> str:
        """The name that is proposed for its file."""
        return "" if self._shown is None else "columns beside the image"

    def _show(self, found: SideImportance) -> None:
        self._shown = found
        self.plot.set_importance(found)
        self.table.fill([found.headers[0].capitalize(), found.headers[1].capitalize(), found.headers[2]], found.rows)
        for widget in (self.plot, self.table):
            widget.setVisible(True)
        self.note.setText(found.note)

    def _show_problem(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.note.setText(problem.text)
        else:
            self._session.report(problem)
