"""The sections of a long form by name; a click leads to one, and the one that is in sight is marked."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QButtonGroup, QGroupBox, QPushButton, QScrollArea, QVBoxLayout, QWidget

_MARGIN = 12  # px above a section that was jumped to


class SectionList(QWidget):
    """Buttons one below the other.

    Parameters
    ----------
    sections
        By name.
    area
        The scroll area in which they are.

    Attributes
    ----------
    buttons
        By the name of their section.

    Notes
    -----
    Signals: ``chosen(name)`` when the user clicks on a section.
    """

    chosen = Signal(str)

    def __init__(self, sections: Mapping[str, QGroupBox], area: QScrollArea, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sections, self._area = sections, area
        self.buttons: dict[str, QPushButton] = {}
        group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for name, section in sections.items():
            button = QPushButton(section.title())
            button.setProperty("role", "section")
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, name=name: self._choose(name))
            group.addButton(button)
            self.buttons[name] = button
            column.addWidget(button)
        column.addStretch(1)
        area.verticalScrollBar().valueChanged.connect(self._mark)
        self.buttons[next(iter(sections))].setChecked(True)

    def show_section(self, name: str) -> None:
        """Scroll to a section."""
        top = self._top(name)
        self._area.verticalScrollBar().setValue(top - _MARGIN)
        self.buttons[name].setChecked(True)  # even where the last ones cannot reach the top

    def _choose(self, name: str) -> None:
        self.show_section(name)
        self.chosen.emit(name)

    def _mark(self, place: int) -> None:
        """Mark the last section that begins above the upper third of the view."""
        line = place + self._area.viewport().height() // 3
        above = [name for name, each in self._sections.items() if not each.isHidden() and self._top(name) <= line]
        self.buttons[above[-1] if above else next(iter(self._sections))].setChecked(True)

    def _top(self, name: str) -> int:
        """Where a section begins inside the scroll area."""
        content = self._area.widget()
        assert content is not None
        return self._sections[name].mapTo(content, QPoint(0, 0)).y()
