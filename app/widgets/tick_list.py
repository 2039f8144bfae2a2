"""An input for several names out of a list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

_MOST_ROWS = 6  # more are scrolled to
_ROOM = 8  # pixels in a row above and below the text
_NAME = Qt.ItemDataRole.UserRole


class TickListInput(QListWidget):
    """Names to be ticked; chosen ones that are not in the list are shown behind it, so that they can be taken out.

    Parameters
    ----------
    choices
        The names.
    absent
        What is said of a chosen name that is not among them.
    nothing
        What is said where there is no name at all.

    Notes
    -----
    Signals: ``changed()`` after the user has ticked a name or taken a tick away.
    """

    changed = Signal()

    def __init__(self, choices: Sequence[str], absent: str, nothing: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = self
        self._choices, self._absent, self._nothing = tuple(choices), absent, nothing
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.set_value(())
        self.itemChanged.connect(lambda _item: self.changed.emit())

    def value(self) -> tuple[str, ...]:
        """The ticked names, in the order of the list."""
        return tuple(item.data(_NAME) for item in self._items if item.checkState() is Qt.CheckState.Checked)

    @property
    def _items(self) -> list[QListWidgetItem]:
        """Those of names."""
        return [self.item(row) for row in range(self.count()) if self.item(row).data(_NAME) is not None]

    def set_value(self, value: Sequence[str]) -> None:
        """Tick these names without emitting ``changed``."""
        names = [*self._choices, *(each for each in value if each not in self._choices)]
        with QSignalBlocker(self):
            if self.count() == 0 or names != [item.data(_NAME) for item in self._items]:
                self._list(names)
            for item, name in zip(self._items, names, strict=True):
                item.setCheckState(Qt.CheckState.Checked if name in value else Qt.CheckState.Unchecked)

    def set_choices(self, choices: Sequence[str]) -> None:
        """List other names; what is ticked stays so, without emitting ``changed``."""
        chosen, self._choices = self.value(), tuple(choices)
        self.set_value(chosen)

    def _list(self, names: Sequence[str]) -> None:
        self.clear()
        for name in names:
            item = QListWidgetItem(name if name in self._choices else f"{name} ({self._absent})", self)
            item.setData(_NAME, name)
            item.setToolTip(item.text())
            item.setSizeHint(QSize(0, self._row))
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        if not names:
            item = QListWidgetItem(self._nothing, self)
            item.setSizeHint(QSize(0, self._row))
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        self.setFixedHeight(self.sizeHint().height())

    @property
    def _row(self) -> int:
        """Height of a row in pixels, in which the box has some room."""
        return self.fontMetrics().height() + _ROOM

    def sizeHint(self) -> QSize:
        """As high as its names, up to a few."""
        rows = min(max(self.count(), 1), _MOST_ROWS)
        return QSize(self.minimumWidth(), rows * self._row + 2 * self.frameWidth() + 2)

    def minimumSizeHint(self) -> QSize:
        """Narrow: long names are cut in the middle."""
        return QSize(120, self.sizeHint().height())
