"""The classes as large buttons, each with its key."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import QPushButton, QWidget

from app.widgets.flow import FlowLayout
from app.widgets.focus_guard import keep_from_focus
from app.widgets.plain_text import as_written, on_button, shortened

_KEYS = 9
_SWATCH = 12  # pixels
_HEIGHT = 34


class LabelPad(QWidget):
    """A button for each class; the keys 1 to 9 press them, wherever in ``area`` the focus is.

    Parameters
    ----------
    area
        The widget in which the keys work; a field in which one types keeps them for itself.

    Notes
    -----
    Signals: ``chosen(name)`` when a class was chosen.
    """

    chosen = Signal(str)

    def __init__(self, area: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = FlowLayout(self, spacing=6)
        self.names: tuple[str, ...] = ()
        self.buttons: list[QPushButton] = []
        for number in range(_KEYS):
            key = QShortcut(QKeySequence(str(number + 1)), area)
            key.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            key.activated.connect(lambda number=number: self._press(number))

    def set_classes(self, names: Sequence[str], shades: Sequence[str]) -> None:
        """Offer these classes, each with a colour."""
        if tuple(names) != self.names:
            self.names = tuple(names)
            for button in self.buttons:
                self._flow.removeWidget(button)
                button.deleteLater()
            self.buttons = [self._make_button(number, name) for number, name in enumerate(names)]
        for button, shade in zip(self.buttons, shades, strict=True):
            swatch = QPixmap(_SWATCH, _SWATCH)
            swatch.fill(QColor(shade))
            button.setIcon(swatch)

    def mark(self, label: str) -> None:
        """Show which class the galaxy has; empty: none."""
        for name, button in zip(self.names, self.buttons, strict=True):
            button.setChecked(name == label)

    def _make_button(self, number: int, name: str) -> QPushButton:
        key = f"   {number + 1}" if number < _KEYS else ""
        button = QPushButton(on_button(f" {shortened(name)}{key}"))
        button.setCheckable(True)
        button.setMinimumHeight(_HEIGHT)
        button.setToolTip(as_written(f"Label it “{name}”" + (f" (key {number + 1})" if key else "")))
        button.clicked.connect(lambda _checked=False, name=name: self.chosen.emit(name))
        keep_from_focus(button)
        self._flow.addWidget(button)
        return button

    def _press(self, number: int) -> None:
        if self.isEnabled() and number < len(self.names):
            self.chosen.emit(self.names[number])
