"""Choose one or several columns of a catalogue from a list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from app.widgets.plain_text import as_written, on_button


class ColumnChooser(QPushButton):
    """A button that shows the chosen columns and opens a list of columns to tick.

    Parameters
    ----------
    nothing
        Text while nothing is chosen.

    Notes
    -----
    Signals: ``changed(names)``, a tuple in the order of the columns, when the user ticks one.
    """

    changed = Signal(object)

    def __init__(self, nothing: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nothing = nothing
        self._chosen: tuple[str, ...] = ()
        self.list = _PersistentMenu(self)
        self.list.triggered.connect(self._ticked)
        self.setMenu(self.list)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setProperty("role", "field")
        self._show()

    def set_columns(self, names: Sequence[str]) -> None:
        """Offer these columns."""
        if list(names) == [action.data() for action in self.list.actions()]:
            return
        self.list.clear()
        for name in names:
            action = self.list.addAction(on_button(name))
            action.setData(name)
            action.setCheckable(True)
        self._show()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The chosen columns."""
        return self._chosen

    def set_chosen(self, names: Sequence[str]) -> None:
        """Tick these columns without emitting ``changed``."""
        self._chosen = tuple(names)
        self._show()

    def set_nothing(self, text: str) -> None:
        """Set the text while nothing is chosen."""
        self._nothing = text
        self._show()

    def _ticked(self, action: QAction) -> None:
        name = action.data()
        others = [known for known in self._chosen if known != name]
        columns = [each.data() for each in self.list.actions()]
        self._chosen = tuple(sorted([*others, name] if action.isChecked() else others, key=columns.index))
        self._show()
        self.changed.emit(self._chosen)

    def _show(self) -> None:
        for action in self.list.actions():
            action.setChecked(action.data() in self._chosen)
        text = ", ".join(self._chosen)
        self.setText(on_button(text) if len(text) <= 40 else f"{len(self._chosen)} columns")
        if not text:
            self.setText(on_button(self._nothing))
        self.setToolTip(as_written(text))


class _PersistentMenu(QMenu):
    """A menu that stays open while entries are ticked."""

    def mouseReleaseEvent(self, arg__1: QMouseEvent) -> None:
        """Tick without closing."""
        action = self.actionAt(arg__1.position().toPoint())
        is_tick = bool(action) and action.isCheckable()  # there is none between the entries
        if is_tick and arg__1.button() == Qt.MouseButton.LeftButton:
            action.trigger()
        else:
            super().mouseReleaseEvent(arg__1)
