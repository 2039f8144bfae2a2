"""Labels given by hand, as commands that can be undone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QUndoCommand

from app.session.session import Session
from app.session.turns import in_turns
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
    old
        The label of each before.
    """

    def __init__(self, session: Session, rows: Sequence[int], label: str, old: Sequence[str | None]) -> None:
        super().__init__(_describe(len(rows), label))
        self._session, self._rows, self._label, self._old = session, list(rows), label, list(old)
        self._is_given = False
        self._by = session.dataset.labeller

    def redo(self) -> None:
        """Give the label, the first time to as many as the user waits for; if it had been taken back, go there."""
        self._set([self._label] * len(self._rows))
        if self._is_given:
            self._go_there()
        self._is_given = True

    def undo(self) -> None:
        """Give the old labels back, and go to the galaxies."""
        self._set(self._old)
        self._go_there()

    def _set(self, labels: Sequence[str | None]) -> None:
        done, title = 0, f"{self.text()[:1].upper()}{self.text()[1:]}…"
        for piece in in_turns(self._session, title, len(self._rows), may_stop=not self._is_given):
            self._session.dataset.set_labels(self._rows[piece], labels[piece], self._by)
            done += len(self._rows[piece])
        if done < len(self._rows):
            self._rows, self._old = self._rows[:done], self._old[:done]
            self.setText(_describe(done, self._label))

    def _go_there(self) -> None:
        self._session.set_current(self._rows[0])
        self._session.relabelled.emit(self._rows)


def give(session: Session, rows: Sequence[int], label: str) -> None:
    """Label galaxies, unless whoever labels has given them that label already."""
    by, changed, old = session.dataset.labeller, list[int](), list[str | None]()
    for piece in in_turns(session, "Looking at the present labels…", len(rows)):
        for row in rows[piece]:
            if (vote := session.dataset.vote(row, by)) != label:
                changed.append(row)
                old.append(vote)
    if changed:
        session.undo.push(GiveLabel(session, changed, label, old))


def _describe(count: int, label: str) -> str:
    galaxies = count_of(count, "galaxy")
    return f"label {galaxies} “{label}”" if label else f"take the label off {galaxies}"
