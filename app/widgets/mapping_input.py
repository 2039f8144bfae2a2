"""An input for pairs of names."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget


class MappingInput(QLineEdit):
    """Pairs of names, typed as ``new = old`` and separated by commas; ``new =`` maps a name to none.

    Notes
    -----
    Signals: ``changed()`` after the user has edited it.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = self
        self.setPlaceholderText("new = old, separated by commas")
        self.editingFinished.connect(self._finished)
        self._shown: Mapping[str, str] = {}
        self._shown_text = self._last_text = ""

    def value(self) -> dict[str, str] | str:
        """The pairs; the text as it is where it is no list of pairs, which the settings reject with a sentence."""
        if self.text() == self._shown_text:  # names that hold a comma or an equals sign stay whole
            return dict(self._shown)
        found: dict[str, str] = {}
        for pair in filter(None, map(str.strip, self.text().split(","))):
            new, equals, old = pair.partition("=")
            if not equals or not new.strip():
                return self.text()
            found[new.strip()] = old.strip()
        return found

    def set_value(self, value: Mapping[str, str]) -> None:
        """Show pairs without emitting ``changed``."""
        self._shown = dict(value)
        self._shown_text = self._last_text = ", ".join(f"{new} = {old}".strip() for new, old in value.items())
        self.setText(self._shown_text)
        self.setCursorPosition(0)  # shows the beginning of a long text

    def _finished(self) -> None:
        if self.text() != self._last_text:
            self._last_text = self.text()
            self.changed.emit()
