"""What a training will do, in lines whose place is reserved."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.theme import SymbolLabel
from app.widgets.message_line import MessageLine
from core.errors import Problem
from core.wording import count_of

if TYPE_CHECKING:
    from core.train.outlook import RunOutlook

_NOTICE_LINES = 3
_PLAIN = 0.15  # relative uncertainty up to which one number is told


class OutlookView(QWidget):
    """Galaxies, epochs, time, and what the user should know before the start.

    Attributes
    ----------
    galaxies, plan, time, notice
        The lines.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.galaxies = MessageLine(1, "", grows=True)
        self.plan = MessageLine(1, "", grows=True)
        self.time = MessageLine(1, "", grows=True)
        self.notice = MessageLine(_NOTICE_LINES, grows=True)
        self.notice.setObjectName("notice")
        self._hint = _symbol("mdi6.information-outline", "accent")
        self._alert = _symbol("mdi6.alert-circle-outline", "bad")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        for line in (self.galaxies, self.plan, self.time):
            column.addWidget(line)
        below = QHBoxLayout()
        below.setSpacing(6)
        for symbol in (self._hint, self._alert):
            below.addWidget(symbol, 0, Qt.AlignmentFlag.AlignTop)
        below.addWidget(self.notice, 1)
        column.addSpacing(4)
        column.addLayout(below)
        self.show_notices([])

    def show_outlook(self, outlook: RunOutlook, epochs: int, start: str) -> None:
        """Show the galaxies, the network and the plan.

        Parameters
        ----------
        outlook
            Of the training.
        epochs
            The largest number of them.
        start
            Where it starts from, such as ``random weights``.
        """
        classes = f" of {count_of(len(outlook.classes), 'class', 'classes')}" if outlook.classes else ""
        training = count_of(outlook.galaxies["training"], "galaxy")
        self.galaxies.setText(f"Trains on {training}{classes}, validates on {outlook.galaxies['validation']:,}.")
        by_class = [f"{name}: {count_of(count, 'training galaxy')}" for name, count in outlook.classes.items()]
        self.galaxies.setToolTip(_in_paragraphs([self.galaxies.text(), *by_class]))
        some = "" if outlook.trainable == outlook.parameters else f"{outlook.trainable:,} of "
        parameters = f"{some}{count_of(outlook.parameters, 'parameter')}"
        self.plan.setText(f"Up to {count_of(epochs, 'epoch')} from {start}; learns {parameters}.")

    def clear(self) -> None:
        """Show nothing."""
        for line in (self.galaxies, self.plan, self.time):
            line.clear()
        self.show_notices([])

    def show_notices(self, notices: Sequence[Problem]) -> None:
        """Show what the user should know; the tooltip has all of it."""
        self._say([notice.text for notice in notices])

    def show_problem(self, text: str) -> None:
        """Show why the training is not possible."""
        self._say([text], "problem")

    def show_hindrance(self, text: str) -> None:
        """Show what has to be done before."""
        self._say([text] if text else [])

    def _say(self, texts: Sequence[str], role: str = "") -> None:
        more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
        self.notice.say(f"{texts[0]}{more}" if texts else "", role)
        self.notice.setToolTip(_in_paragraphs(texts))
        self._hint.setVisible(bool(texts) and role != "problem")
        self._alert.setVisible(bool(texts) and role == "problem")


def _in_paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)


def _symbol(name: str, colour: str) -> SymbolLabel:
    return SymbolLabel(name, 16, colour)


def format_range(seconds: float, uncertainty: float) -> str:
    """Format an estimated time; as a range where its relative uncertainty is so large that it differs in words."""
    if uncertainty <= _PLAIN:
        return format_roughly(seconds)
    few, many = format_roughly(seconds * (1 - min(uncertainty, 0.9))), format_roughly(seconds * (1 + uncertainty))
    return few if few == many else f"{few} to {many}"


def format_roughly(seconds: float) -> str:
    """Format an estimated time with the one or two digits that are known of it: ``20 s``, ``1.5 min``, ``2.5 h``."""
    if seconds < 20:
        return f"{max(1, round(seconds))} s"
    if seconds < 55:
        return f"{5 * round(seconds / 5)} s"
    if seconds < 4.75 * 60:  # one minute may be too coarse by a half
        return f"{round(seconds / 30) / 2:g} min"
    if seconds < 55 * 60:
        return f"{max(1, round(seconds / 60))} min"
    hours = seconds / 3600
    return f"{hours:.1f} h".replace(".0 h", " h") if hours < 9.95 else f"{round(hours)} h"
