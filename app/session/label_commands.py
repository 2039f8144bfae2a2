"""Labels given by hand, as commands that can be undone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QUndoCommand

from app.session.session import Session
from core.wording import count_of


class GiveLabel(QUndoCommand):
    """Give some galaxies a label, under the name of whoever labels; undoing gives each its old one back.

    Parameters
    ----------
    session
        Whose galaxies.
    rows
        Their rows.
    label
        The label; empty takes it away.
    """

    def __init__(self, session: Session, rows: Sequence[int], label: str) -> None:
        galaxies = count_of(len(rows), "galaxy")
        super().__init__(f"label {galaxies} “{label}”" if label else f"take the label off {galaxies}")
        self._session, self._rows, self._label = session, list(rows), label
        self._is_given = False
        self._by = session.dataset.labeller
        self._old = [session.dataset.vote(row, self._by) for row in self._rows]

    def redo(self) -> None:
        """Give the label; if it had been taken back, go to the galaxies."""
        self._session.dataset.set_labels(self._rows, [self._label] * len(self._rows), self._by)
        if self._is_given:
            self._go_there()
        self._is_given = True

    def undo(self) -> None:
        """Give the old labels back, and go to the galaxies."""
        self._session.dataset.set_labels(self._rows, self._old, self._by)
        self._go_there()

    def _go_there(self) -> None:
        self._session.set_current(self._rows[0])
        self._session.relabelled.emit(self._rows)


def give(session: Session, rows: Sequence[int], label: str) -> None:
    """Label galaxies, unless whoever labels has given them that label already."""
    by = session.dataset.labeller
    changed = [row for row in rows if session.dataset.vote(row, by) != label]
    if changed:
        session.undo.push(GiveLabel(session, changed, label))
