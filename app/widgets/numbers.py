"""A row of named numbers."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.widgets.flow import FlowLayout

_DASH = "–"


class Numbers(QWidget):
    """Numbers side by side, each under its name; a dash where there is none yet.

    Parameters
    ----------
    names
        Of the numbers.
    per_row
        So many stand in a row, in columns whose width does not depend on the numbers; 0: as many as there is room for,
        each as wide as it is.
    wide
        Numbers that come with an error, whose columns are half as wide again.
    """

    def __init__(
        self, names: tuple[str, ...], per_row: int = 0, wide: tuple[str, ...] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._captions: dict[str, QLabel] = {}
        self._values: dict[str, QLabel] = {}
        grid, flow = QGridLayout(), FlowLayout(spacing=14)
        self.setLayout(grid if per_row else flow)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(0)
        for place, name in enumerate(names):
            caption, value = QLabel(name), QLabel(_DASH)
            caption.setProperty("role", "muted")
            value.setProperty("role", "heading")
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._captions[name], self._values[name] = caption, value
            if not per_row:
                flow.addWidget(_one_above_the_other(caption, value))
                continue
            row, column = divmod(place, per_row)
            grid.addWidget(caption, 2 * row, column)
            grid.addWidget(value, 2 * row + 1, column)
            grid.setColumnStretch(column, max(grid.columnStretch(column), 3 if name in wide else 2))
            for label in (caption, value):
                label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def __getitem__(self, name: str) -> str:
        return self._values[name].text()

    def show_number(self, name: str, text: str, caption: str = "") -> None:
        """Show ``text`` under ``name``, or under ``caption`` if given."""
        self._values[name].setText(text)
        if caption:
            self._captions[name].setText(caption)

    def explain(self, name: str, text: str) -> None:
        """Say in the tooltip what the number under ``name`` is."""
        for label in (self._captions[name], self._values[name]):
            label.setToolTip(text)

    def explanation(self, name: str) -> str:
        """What the tooltip of ``name`` says."""
        return self._values[name].toolTip()

    def clear(self) -> None:
        """Show a dash for each."""
        for value in self._values.values():
            value.setText(_DASH)
        for name in self._values:
            self.explain(name, "")


def _one_above_the_other(caption: QLabel, value: QLabel) -> QWidget:
    both = QWidget()
    column = QVBoxLayout(both)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(caption)
    column.addWidget(value)
    return both
