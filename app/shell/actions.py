"""All commands of the window: the shell's own, and those in the tables of the rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.panel.room import Command, Room
from app.shell.workspaces import ROOMS
from app.theme import icon

_OWN: dict[str, Command] = {
    "new_project": Command("File", "New project…", "Make a project folder.", "mdi6.folder-plus-outline", "Ctrl+N"),
    "open": Command("File", "Open…", "Open a project folder.", "mdi6.folder-open-outline", "Ctrl+O"),
    "open_dataset": Command("File", "Open dataset…", "Open a dataset of any folder.", "mdi6.database-outline"),
    "demonstration": Command("File", "Demonstration survey", "Open simulated galaxies.", "mdi6.creation-outline"),
    "open_package": Command(
        "File", "Open package…", "Open a project, or results, that were packed as one file.", "mdi6.package-down"
    ),
    "pack_project": Command(
        "File", "Pack project…", "Make one file of the project, to send it.", "mdi6.package-up", begins_group=True
    ),
    "pack_training": Command(
        "File", "Pack training…", "Make one file of the next training, for a bigger machine.", "mdi6.package-up"
    ),
    "reopen": Command(
        "File", "Reopen at the start", "Open the last project when the program is started.", checkable=True
    ),
    "quit": Command("File", "Quit", "Stop what is running and close.", "mdi6.exit-to-app", "Ctrl+Q", begins_group=True),
    "search": Command(
        "View", "Search an action…", "Find a command, a panel, a setting or a page by name.", "mdi6.magnify", "Ctrl+K"
    ),
    "light": Command("View", "Light", "Dark text on a light window.", checkable=True, begins_group=True),
    "dark": Command("View", "Dark", "Light text on a dark window.", checkable=True),
    "system": Command("View", "As the system", "Follow the system's setting.", checkable=True),
    "log": Command("View", "Log", "What the program did and told.", "mdi6.text-box-outline", begins_group=True),
    "reset_layout": Command("View", "Reset layout", "Put the panels back to where they were.", "mdi6.view-dashboard"),
    "help": Command("Help", "User guide", "How to do what.", "mdi6.help-circle-outline", "F1"),
    "tour": Command(
        "Help", "Tour of the rooms", "A few steps through the program, on the demonstration survey.", "mdi6.map-outline"
    ),
    "whats_this": Command("Help", "What's this?", "Click something to be told what it is.", "mdi6.help", "Shift+F1"),
    "machine": Command("Help", "This machine", "GPU, memory and disk, with advice.", "mdi6.memory"),
    "shortcuts": Command("Help", "Keyboard shortcuts", "All keys in a table.", "mdi6.keyboard-outline"),
    "about": Command(
        "Help", "About Tuning Fork", "Version and licence.", "mdi6.information-outline", begins_group=True
    ),
}


def merge_commands(own: Mapping[str, Command], rooms: Iterable[Room]) -> dict[str, Command]:
    """Merge the commands of shell and rooms, each after the one that it follows."""
    commands = dict(own)
    for name, command in ((name, command) for room in rooms for name, command in room.commands.items()):
        names = list(commands)
        place = names.index(command.after) + 1 if command.after else len(names)
        names.insert(place, name)
        commands = {each: commands.get(each, command) for each in names}
    return commands


COMMANDS: dict[str, Command] = merge_commands(_OWN, ROOMS)


def build_actions(parent: QWidget, slots: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """Make the actions for those commands that have a slot."""
    actions: dict[str, QAction] = {}
    for name, command in COMMANDS.items():
        if name not in slots:
            continue
        action = QAction(command.title, parent)
        action.setObjectName(name)
        action.setToolTip(command.tip)
        action.setStatusTip(command.tip)
        action.setCheckable(command.checkable)
        if command.symbol:
            action.setIcon(icon(command.symbol))
        if command.shortcut:
            action.setShortcut(QKeySequence(command.shortcut))
        action.triggered.connect(lambda _checked=False, slot=slots[name]: slot())
        actions[name] = action
    return actions
