"""The tables of the rooms: every panel stands somewhere, is what its table says, and is built on the one base."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractSpinBox
from pytestqt.qtbot import QtBot

from app.panel.panel import Panel
from app.panel.room import Command, Room, load
from app.session.session import Session
from app.shell.action_search import button_of
from app.shell.actions import COMMANDS, merge_commands
from app.shell.workspaces import PANELS, ROOMS, WORKSPACES
from app.widgets.accessible import name_usable_widgets, usable_widgets


@pytest.mark.parametrize("name", PANELS)
def test_each_panel_of_a_table_is_a_panel_of_that_name_and_its_numbers_do_not_touch_the_frame(
    qtbot: QtBot, session: Session, name: str
) -> None:
    panel = load(PANELS[name].source)(session)
    qtbot.addWidget(panel)
    assert isinstance(panel, Panel)
    assert panel.objectName() == name
    assert "closeEvent" not in type(panel).__dict__
    for spin in panel.findChildren(QAbstractSpinBox):
        assert spin.alignment() & Qt.AlignmentFlag.AlignRight, spin.text()
    for attribute in PANELS[name].actions:
        assert button_of(panel, attribute) is not None
    name_usable_widgets(panel, PANELS[name].title)  # as the docks do
    for widget in usable_widgets(panel):
        said = QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)
        assert said.strip(" …:"), (name, widget)
    panel.close()


def test_no_name_is_given_twice() -> None:
    for of in ("panels", "workspaces", "commands"):
        names = [name for room in ROOMS for name in getattr(room, of)]
        assert len(names) == len(set(names)), of


def test_every_panel_stands_in_a_workspace_and_every_workspace_shows_panels() -> None:
    standing = {name for made in WORKSPACES.values() for column in made.columns for area in column for name in area}
    assert standing == set(PANELS)
    for name, made in WORKSPACES.items():
        assert len(made.columns) == len(made.widths), name


def test_the_workspaces_have_the_keys_of_their_order() -> None:
    assert [made.shortcut for made in WORKSPACES.values()] == [f"Ctrl+{place}" for place in range(1, 9)]


def test_each_command_of_a_room_can_be_run() -> None:
    sources = [command.source for command in COMMANDS.values() if command.source]
    assert sources
    assert all(callable(load(source)) for source in sources)


def test_one_command_takes_what_is_dropped() -> None:
    assert [name for name, command in COMMANDS.items() if command.takes_files] == ["import"]


def test_a_rooms_command_stands_behind_the_one_that_it_follows() -> None:
    own = {name: Command("File", name, "Does it.") for name in ("open", "quit")}
    one = Room({}, {}, {"import": Command("File", "Import", "Imports.", after="open")})
    other = Room({}, {}, {"export": Command("File", "Export", "Exports.", after="import")})
    last = Room({}, {}, {"rest": Command("File", "Rest", "Rests.")})
    assert list(merge_commands(own, [one, other, last])) == ["open", "import", "export", "quit", "rest"]


def test_the_file_menu_is_in_the_order_that_users_know() -> None:
    names = [name for name, command in COMMANDS.items() if command.menu == "File"]
    opening = ["new_project", "open", "open_dataset", "import"]
    sending = ["send_table", "send_image", "leave_hub"]
    packing = ["open_package", "pack_project", "pack_training"]
    assert names == [*opening, *sending, "demonstration", *packing, "reopen", "quit"]
