"""The section of the dataset panel that looks for the same galaxy under two names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.data import work
from app.data.widgets.duplicates_table import DuplicatePair, DuplicatesTable
from app.jobs.job import Latest
from app.session.session import Session
from app.theme import icon
from app.widgets.state_line import StateLine
from core.errors import Problem
from core.wording import count_of

if TYPE_CHECKING:
    from core.data.duplicates import Duplicates


class DuplicatesSection(QWidget):
    """A button, what was found, and the pairs.

    Parameters
    ----------
    session
        Its open dataset is searched, with its present parts; a click on a pair selects both galaxies.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.look = QPushButton(icon("mdi6.content-duplicate"), "Look for near-duplicates")
        self.look.setToolTip(
            "Compare the pixels: the same galaxy may stand twice under other ids, turned, mirrored or shifted. In two "
            "parts that is a leak, and the test score too good."
        )
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.state, self.table = StateLine(), DuplicatesTable()
        line = QHBoxLayout()
        line.addWidget(self.look)
        line.addWidget(self.stop)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(line)
        column.addWidget(self.state)
        column.addWidget(self.table)
        self._work = Latest(self)
        self.state.follow(self._work)
        self._work.finished.connect(self._show)
        self._work.failed.connect(self._fail)
        self._work.ended.connect(self._show_state)
        self.look.clicked.connect(lambda _checked=False: self.begin())
        self.stop.clicked.connect(lambda _checked=False: self._work.stop())
        self.table.chosen.connect(self._choose)
        session.dataset.changed.connect(self._forget)
        self._forget()

    def begin(self) -> None:
        """Look for near-duplicates in the open dataset."""
        dataset = self._session.dataset
        if dataset.cutouts is None:
            return
        split = dataset.split
        job = work.find_duplicates(dataset.cutouts.path, [] if split is None else split.part_of(len(dataset.cutouts)))
        self.table.hide()
        self.state.say("Preparing…")
        self._work.start(job)
        self._session.activity.add(job)
        self._show_state()

    def _forget(self) -> None:
        self._work.stop()
        self.state.clear()
        self.table.hide()
        self._show_state()

    def _show_state(self) -> None:
        self.look.setVisible(not self._work.is_running)
        self.stop.setVisible(self._work.is_running)

    def _show(self, found: Duplicates) -> None:
        pairs = [
            DuplicatePair(
                (pair.one.row, pair.other.row),
                (pair.one.galaxy_id, pair.other.galaxy_id),
                (pair.one.part, pair.other.part),
                pair.correlation,
            )
            for pair in found.pairs
        ]
        compared = f"{count_of(found.galaxies, 'galaxy')}, {found.compared:,} pairs compared"
        if not pairs:
            self.state.say(" ".join(filter(None, (f"No near-duplicates: {compared}.", found.remark))))
        else:
            leaks = f", {len(found.leaks):,} of them in two parts: a leak" if found.leaks else ", none in two parts"
            text = f"{count_of(len(pairs), 'near-duplicate')}{leaks} ({compared}). {found.remark}".rstrip()
            self.state.say(text, "warning" if found.leaks else "muted")
        self.table.show_pairs(pairs)
        self.table.setVisible(bool(pairs))

    def _fail(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.state.say(problem.text, "problem")
        else:
            self.state.clear()
            self._session.report(problem)

    def _choose(self, rows: tuple[int, int]) -> None:
        self._session.panel_wanted.emit("gallery")
        self._session.set_selection(np.array(rows, dtype=np.int64))
        self._session.set_current(rows[0])
