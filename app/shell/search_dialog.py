"""Search an action: type a few letters of what you want, and press Enter."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.shell.action_search import Entry, find
from app.theme import colours
from app.widgets.dialog import Dialog

_SIZE = QSize(760, 460)  # pixels
_FROM_TOP = 80
_LINE = 26
_ENTRY = Qt.ItemDataRole.UserRole
_MOVES = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}


class SearchDialog(Dialog):
    """A line to type in, and what fits below it: what, where, and its keys or why it is not possible just now.

    Parameters
    ----------
    entries
        What can be searched.

    Attributes
    ----------
    line, list
        The line, and the list.
    """

    def __init__(self, entries: Sequence[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Search an action")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(_SIZE)
        self._entries = entries
        self.line = QLineEdit()
        self.line.setPlaceholderText("What do you want to do? A command, a panel, a setting, or a page of the guide")
        self.line.setAccessibleName("Search an action")
        self.line.setClearButtonEnabled(True)
        self.line.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setAccessibleName("Found actions")
        self.list.setColumnCount(3)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setStyleSheet(f"QTreeView::item {{ min-height: {_LINE}px; }}")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self.about = QLabel()
        self.about.setProperty("role", "muted")
        self.about.setWordWrap(True)
        self.about.setMinimumHeight(2 * self.about.fontMetrics().lineSpacing())
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.addWidget(self.line)
        column.addWidget(self.list, 1)
        column.addWidget(self.about)
        self.line.textChanged.connect(self._show_found)
        self.line.returnPressed.connect(self._choose)
        self.list.itemClicked.connect(lambda _item, _column: self._choose())
        self.list.currentItemChanged.connect(self._explain)
        self._show_found("")
        if parent is not None:
            middle = parent.mapToGlobal(parent.rect().center()).x() - _SIZE.width() // 2
            self.move(middle, parent.mapToGlobal(parent.rect().topLeft()).y() + _FROM_TOP)

    def _show_found(self, words: str) -> None:
        self.list.clear()
        for entry in find(self._entries, words):
            hindrance = entry.hindrance()
            item = QTreeWidgetItem([entry.title, entry.where, entry.shortcut])
            item.setData(0, _ENTRY, entry)
            item.setForeground(1, QColor(colours().muted))
            item.setForeground(2, QColor(colours().muted))
            item.setToolTip(0, hindrance or entry.more)
            if hindrance:
                item.setText(1, f"{entry.where} – not now")
                item.setForeground(0, QColor(colours().muted))
            self.list.addTopLevelItem(item)
        if (first := self.list.topLevelItem(0)) is not None:
            self.list.setCurrentItem(first)
        else:
            self.about.setText("Nothing fits. Other words may: “learning rate”, “save table”, “label”.")

    def _explain(self, item: QTreeWidgetItem | None) -> None:
        """Say below the list why the chosen action is not possible, or what it is."""
        entry = None if item is None else item.data(0, _ENTRY)
        if not isinstance(entry, Entry):
            return
        hindrance = entry.hindrance()
        about = entry.more if entry.more != "panel" else ""
        self.about.setText(f"Not possible just now: {hindrance}" if hindrance else about)

    def _choose(self) -> None:
        """Do what is chosen; what is not possible is shown where it can be made possible."""
        item = self.list.currentItem()
        entry = None if item is None else item.data(0, _ENTRY)
        if not isinstance(entry, Entry) or (entry.hindrance() and not entry.goes_there):
            return
        self.accept()
        entry.go()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move in the list by the arrow keys, which the line does not need."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)
