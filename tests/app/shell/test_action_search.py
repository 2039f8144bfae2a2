"""Ctrl-K: all that can be done is found by a few letters, and what is not possible says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.shell.action_search import Entry, find, score_text
from app.shell.search_dialog import SearchDialog
from app.shell.shortcuts import ShortcutSheet
from app.shell.window import MainWindow


@pytest.fixture
def window(qtbot: QtBot, window: MainWindow) -> MainWindow:
    """On screen."""
    with qtbot.waitExposed(window):
        window.show()
    return window


@pytest.fixture
def on_galaxies(window: MainWindow, galaxies: Path, tmp_path: Path) -> MainWindow:
    """The window with galaxies."""
    window.session.open_project(tmp_path / "project")
    window.session.open_cutouts(galaxies)
    return window


def search(qtbot: QtBot, window: MainWindow, words: str) -> SearchDialog:
    window.menus.actions_by_name["search"].trigger()
    dialog = window.findChildren(SearchDialog)[-1]
    qtbot.keyClicks(dialog.line, words)
    return dialog


def titles(dialog: SearchDialog) -> list[str]:
    return [dialog.list.topLevelItem(row).text(0) for row in range(dialog.list.topLevelItemCount())]


def named(*names: str) -> list[Entry]:
    return [Entry(name, "Train", lambda: None) for name in names]


def test_few_letters_are_enough_and_the_best_comes_first():
    entries = named("Stop the training", "Start the training", "Learning rate", "Grad-CAM", "Save table")
    assert [entry.title for entry in find(entries, "learn")] == ["Learning rate"]
    assert find(entries, "start tr")[0].title == "Start the training"
    assert [entry.title for entry in find(entries, "tbl")] == ["Save table"]
    assert [entry.title for entry in find(entries, "train save")] == ["Save table"]  # by its room
    assert not find(entries, "zebra")
    assert score_text("start the training", "training") > score_text("restraining", "training") > 0


def test_what_is_not_possible_says_why(qtbot: QtBot, window: MainWindow):
    dialog = search(qtbot, window, "start the training")
    item = dialog.list.topLevelItem(0)
    assert item.text(0) == "Start the training" and item.text(1) == "Train ▸ Settings – not now"
    assert dialog.about.text() == "Not possible just now: Open galaxies first."
    dialog.line.setText("undo")
    assert "nothing to take back" in dialog.about.text()
    dialog.line.setText("zebra")
    assert not titles(dialog) and "Nothing fits" in dialog.about.text()
    dialog.close()


def test_enter_does_it_where_it_belongs(qtbot: QtBot, on_galaxies: MainWindow):
    dialog = search(qtbot, on_galaxies, "galaxies label")
    assert titles(dialog)[0] == "Label the selected galaxies"
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    assert on_galaxies.docks.current == "data"
    menu = on_galaxies.docks.panel("gallery").menu
    assert menu.isVisible()
    menu.close()
    dialog = search(qtbot, on_galaxies, "evaluate")
    qtbot.keyClick(dialog.line, Qt.Key.Key_Down)
    assert dialog.list.currentIndex().row() == 1
    dialog.close()


@pytest.mark.slow  # the room of the trainings measures how long one takes
def test_a_setting_and_a_page_are_found_by_their_names(qtbot: QtBot, on_galaxies: MainWindow):
    dialog = search(qtbot, on_galaxies, "learning rate optimiser")
    assert titles(dialog)[0] == "Learning rate"
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    settings = on_galaxies.docks.panel("settings")
    assert on_galaxies.docks.current == "train" and settings.search.text() == "Learning rate"
    dialog = search(qtbot, on_galaxies, "guide package file")
    assert "Package (a file to send)" in titles(dialog)
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    guide = on_galaxies._guide
    assert guide.isVisible() and guide.contents.currentItem().text(0) == "Package (a file to send)"
    guide.close()


def test_the_sheet_lists_the_keys_of_all_commands(qtbot: QtBot, window: MainWindow):
    window.menus.actions_by_name["shortcuts"].trigger()
    table = window.findChildren(ShortcutSheet)[-1].table
    rows = {table.item(row, 2).text(): table.item(row, 1).text() for row in range(table.rowCount())}
    for action in window.menus.actions_by_name.values():
        if not action.shortcut().isEmpty():
            assert rows[action.text()] == action.shortcut().toString()
    assert rows["Train"] == "Ctrl+2" and rows["Search an action…"] == "Ctrl+K"
