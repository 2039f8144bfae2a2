"""The menus: all commands, recent projects, undo, and the theme."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QSettings, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QUndoStack
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.shell import actions, recent, reopening
from app.widgets.plain_text import as_written, on_button

_MENUS = ("File", "Edit", "View", "Help")
_THEMES = ("light", "dark", "system")


class Menus(QMenuBar):
    """The menu bar.

    Parameters
    ----------
    slots
        The function of each command.
    undo
        The undo stack of the Edit menu.

    Attributes
    ----------
    actions_by_name
        The commands.
    undo_actions
        Undo and Redo.

    Notes
    -----
    Signals: ``project_chosen(folder)`` from the recent ones.
    """

    project_chosen = Signal(object)

    def __init__(
        self, slots: Mapping[str, Callable[[], object]], undo: QUndoStack, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.actions_by_name = actions.build_actions(self, slots)
        self._menus = {name: self.addMenu(name) for name in _MENUS}
        for name, action in self.actions_by_name.items():
            command = actions.COMMANDS[name]
            if command.begins_group:
                self._menus[command.menu].addSeparator()
            self._menus[command.menu].addAction(action)
        self.undo_actions: list[QAction] = []
        self.recent = QMenu("Recent projects")
        self.recent.aboutToShow.connect(self._list_recent)
        self._menus["File"].insertMenu(self.actions_by_name["open_dataset"], self.recent)
        self._add_undo(undo)
        group = QActionGroup(self)
        for name in _THEMES:
            group.addAction(self.actions_by_name[name])
        chosen = str(QSettings().value("theme", "system"))
        self.actions_by_name["reopen"].setChecked(reopening.is_wanted())
        self.actions_by_name[chosen if chosen in _THEMES else "system"].setChecked(True)

    def _add_undo(self, undo: QUndoStack) -> None:
        """Add Undo and Redo with what they would do; Qt's own actions take an ampersand in a label for a shortcut."""
        keys, edit = QKeySequence.StandardKey, self._menus["Edit"]
        for action, text_changed, can_changed in (
            (edit.addAction("Undo", keys.Undo, undo.undo), undo.undoTextChanged, undo.canUndoChanged),
            (edit.addAction("Redo", keys.Redo, undo.redo), undo.redoTextChanged, undo.canRedoChanged),
        ):
            action.setEnabled(False)
            self.undo_actions.append(action)
            can_changed.connect(action.setEnabled)
            text_changed.connect(partial(_name_action, action, action.text()))

    def _list_recent(self) -> None:
        self.recent.clear()
        for folder in recent.projects():
            action = self.recent.addAction(
                on_button(folder.name), lambda folder=folder: self.project_chosen.emit(folder)
            )
            action.setToolTip(as_written(str(folder)))
        self.recent.setToolTipsVisible(True)
        if self.recent.isEmpty():
            self.recent.addAction("None yet").setEnabled(False)


def _name_action(action: QAction, name: str, what: str) -> None:
    action.setText(on_button(f"{name} {what}".strip()))
