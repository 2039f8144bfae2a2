"""What was checked of a network and another survey: lines with their state, their numbers and a button that helps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import SymbolLabel
from app.widgets.context_menu import add_text, offer_menu
from app.widgets.message_line import MessageLine
from app.widgets.plain_text import as_written, on_button

if TYPE_CHECKING:
    from core.adapt.match_lines import MatchLine

_TITLES = {
    "bands": "Bands",
    "stamps": "Stamps",
    "size": "Size of galaxies",
    "values": "Pixel values",
    "noise": "Noise",
    "zero points": "Zero points",
    "classes": "Classes",
    "labels": "Labels",
    "distance": "Distance",
}
_SYMBOLS = {
    "fits": ("mdi6.check-circle-outline", "good"),
    "can be adapted": ("mdi6.wrench-outline", "warn"),
    "a problem": ("mdi6.alert-circle-outline", "bad"),
    "not known": ("mdi6.help-circle-outline", "muted"),
}
_WORKING = ("mdi6.progress-clock", "muted")
_TITLE_WIDTH = 112  # pixels
_BUTTON_WIDTH = 128


class MatchView(QWidget):
    """A row for each thing that has to agree between two surveys.

    Notes
    -----
    Signals: ``helped(aspect)`` when the button beside a line is pressed.
    """

    helped = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[str, MatchRow] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(2)
        for aspect, title in _TITLES.items():
            row = self.rows[aspect] = MatchRow(title)
            row.button.clicked.connect(lambda _checked=False, aspect=aspect: self.helped.emit(aspect))
            column.addWidget(row)
        column.addStretch(1)

    def show_lines(self, lines: Sequence[MatchLine]) -> None:
        """Show what was found."""
        for line in lines:
            self.rows[line.aspect].show_line(line.state, line.sentence, line.remedy)

    def begin(self) -> None:
        """Say of every line that it is being checked."""
        for row in self.rows.values():
            row.begin()

    def add_below(self, aspect: str, widget: QWidget) -> None:
        """Put a widget under the words of a line; hidden at first."""
        self.rows[aspect].add(widget)


class MatchRow(QWidget):
    """One line: a symbol of its state, its title, the words, and a button where there is a remedy.

    Attributes
    ----------
    state
        Of the line: ``fits`` and the like; empty: it is being checked.
    sentence, remedy, button
        The words and the button, which has no place while it has no text.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = ""
        self.sentence, self.remedy = MessageLine(1, "", grows=True), MessageLine(1, grows=True)
        self.button = QPushButton()
        self.button.setFixedWidth(_BUTTON_WIDTH)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 3, 0, 5)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(1)
        self._symbol: QLabel = SymbolLabel(*_WORKING_SYMBOL)
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(self._symbol, 0, 0, top)
        name = QLabel(title)
        name.setProperty("role", "heading")
        name.setFixedWidth(_TITLE_WIDTH)
        self._grid.addWidget(name, 0, 1, top)
        for place, label in enumerate((self.sentence, self.remedy)):
            offer_menu(label, lambda menu, _place, label=label: add_text(menu, "Copy", label.text()))
            self._grid.addWidget(label, place, 2)
        self._grid.addWidget(self.button, 0, 3, 2, 1, top)
        self._grid.setColumnStretch(2, 1)
        self._below = 2  # the next free row
        self.begin()

    def begin(self) -> None:
        """Say that it is being checked."""
        self.show_line("", "…", "")

    def show_line(self, state: str, sentence: str, remedy: str) -> None:
        """Show a state with its words."""
        if state != self.state or not state:
            name, colour = _SYMBOLS.get(state, _WORKING)
            fresh = SymbolLabel(name, 16, colour)
            fresh.setToolTip(state.capitalize())
            self._grid.replaceWidget(self._symbol, fresh)
            self._symbol.deleteLater()
            self._symbol = fresh
        self.state = state
        self.sentence.setText(sentence)
        self.remedy.setText(remedy)
        self.remedy.setVisible(bool(remedy))
        self.offer("")

    def offer(self, text: str, tip: str = "", *, checkable: bool = False, checked: bool = False) -> None:
        """Offer a remedy on the button; without a text there is none."""
        self.button.setText(on_button(text))
        self.button.setToolTip(as_written(tip))
        self.button.setCheckable(checkable)
        self.button.setChecked(checked)
        self.button.setVisible(bool(text))

    def add(self, widget: QWidget) -> None:
        """Put a widget under the words; hidden at first."""
        widget.hide()
        self._grid.addWidget(widget, self._below, 2, 1, 2)
        self._below += 1


_WORKING_SYMBOL = (_WORKING[0], 16, _WORKING[1])
