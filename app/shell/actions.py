"""Every command of the window, once: its words, shortcut and icon, wherever it appears."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.theme import icon


@dataclass(frozen=True)
class Command:
    """One command; an empty menu keeps it out of the menus."""

    menu: str
    title: str
    tip: str
    symbol: str = ""
    shortcut: str = ""
    checkable: bool = False


COMMANDS: dict[str, Command] = {
    "new_project": Command("File", "New project…", "Make a project folder.", "mdi6.folder-plus-outline", "Ctrl+N"),
    "open": Command("File", "Open…", "Open a project folder.", "mdi6.folder-open-outline", "Ctrl+O"),
    "open_dataset": Command("File", "Open dataset…", "Open a dataset of any folder.", "mdi6.database-outline"),
    "import": Command("File", "Import galaxies…", "Make a dataset of image files.", "mdi6.import", "Ctrl+I"),
    "demonstration": Command("File", "Demonstration survey", "Open simulated galaxies.", "mdi6.creation-outline"),
    "quit": Command("File", "Quit", "Stop what is running and close.", "mdi6.exit-to-app", "Ctrl+Q"),
    "light": Command("View", "Light", "Dark text on a light window.", checkable=True),
    "dark": Command("View", "Dark", "Light text on a dark window.", checkable=True),
    "system": Command("View", "As the system", "Follow the system's setting.", checkable=True),
    "reset_layout": Command("View", "Reset layout", "Put the panels back to where they were.", "mdi6.view-dashboard"),
    "help": Command("Help", "User guide", "How to do what.", "mdi6.help-circle-outline", "F1"),
    "about": Command("Help", "About Tuning Fork", "Version and licence.", "mdi6.information-outline"),
}


def build(parent: QWidget, slots: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """Make the actions for those commands that have a slot."""
    actions: dict[str, QAction] = {}
    for name, slot in slots.items():
        command = COMMANDS[name]
        action = QAction(command.title, parent)
        action.setObjectName(name)
        action.setToolTip(command.tip)
        action.setStatusTip(command.tip)
        action.setCheckable(command.checkable)
        if command.symbol:
            action.setIcon(icon(command.symbol))
        if command.shortcut:
            action.setShortcut(QKeySequence(command.shortcut))
        action.triggered.connect(lambda _checked=False, slot=slot: slot())
        actions[name] = action
    return actions
