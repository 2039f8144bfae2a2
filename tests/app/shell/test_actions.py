"""Commands: declared once, complete, without two meanings for one key."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow

from app.shell import actions
from app.shell.actions import COMMANDS


def test_every_command_says_what_it_does_in_a_sentence():
    for name, command in COMMANDS.items():
        assert command.title, name
        assert command.tip.endswith("."), name


def test_no_key_has_two_meanings():
    keys = Counter(QKeySequence(command.shortcut).toString() for command in COMMANDS.values() if command.shortcut)
    assert "" not in keys, "a shortcut that Qt cannot read"
    assert {key: count for key, count in keys.items() if count > 1} == {}


def test_no_letter_or_digit_is_taken_from_labelling():
    for name, command in COMMANDS.items():
        assert len(command.shortcut) != 1, name


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    return window


def test_each_slot_gets_its_action_and_is_called_without_arguments(window):
    called = []
    slots = {name: (lambda name=name: called.append(name)) for name in COMMANDS}
    made = actions.build_actions(window, slots)
    for name, action in made.items():
        assert action.text() == COMMANDS[name].title
        assert action.shortcut() == QKeySequence(COMMANDS[name].shortcut)
        assert action.isCheckable() == COMMANDS[name].checkable
        action.trigger()
    assert called == list(COMMANDS)


def test_a_command_without_a_slot_is_not_offered(window):
    assert list(actions.build_actions(window, {"quit": window.close})) == ["quit"]
