"""An input for several names out of a list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

_MOST_ROWS = 6  # more are scrolled to
_NAME = Qt.ItemDataRole.UserRole


class TickListInput(QListWidget):
    """Names to be ticked; chosen ones that are not in the list are shown behind it, so that they can be taken out.

    Parameters
    ----------
    choices
        The names.
    absent
        What is said of a chosen name that is not among them.

    Notes
    -----
    Signals: ``changed()`` after the user has ticked a name or taken a tick away.
    """

    changed = Signal()

    def __init__(self, choices: Sequence[str], absent: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = self
        self._choices, self._absent = tuple(choices), absent
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.set_value(())
        self.itemChanged.connect(lambda _item: self.changed.emit())

    def value(self) -> tuple[str, ...]:
        """The ticked names, in the order of the list."""
        items = map(self.item, range(self.count()))
        return tuple(item.data(_NAME) for item in items if item.checkState() is Qt.CheckState.Checked)

    def set_value(self, value: Sequence[str]) -> None:
        """Tick these names without emitting ``changed``."""
        with QSignalBlocker(self):
            self.clear()
            for name in (*self._choices, *(each for each in value if each not in self._choices)):
                item = QListWidgetItem(name if name in self._choices else f"{name} ({self._absent})", self)
                item.setData(_NAME, name)
                item.setToolTip(item.text())
                item.setFlags(
                    Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable
                )
                item.setCheckState(Qt.CheckState.Checked if name in value else Qt.CheckState.Unchecked)
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        """As high as its names, up to a few."""
        rows = min(max(self.count(), 1), _MOST_ROWS)
        row = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height() + 6
        return QSize(self.minimumWidth(), rows * row + 2 * self.frameWidth() + 2)

    def minimumSizeHint(self) -> QSize:
        """Narrow: long names are cut in the middle."""
        return QSize(120, self.sizeHint().height())
