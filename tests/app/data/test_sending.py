"""Galaxies sent from the window to another program at a real SAMP hub, and rows that it points at."""

from collections.abc import Iterator
from pathlib import Path

import another_program
import numpy as np
import pytest
from another_program import Program, path_of
from astropy.table import Table
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.data import sending
from app.panel.room import CommandContext
from app.session.session import Session


@pytest.fixture
def topcat(session: Session) -> Iterator[Program]:
    """A program that takes tables, and no images."""
    with another_program.hub() as hub, another_program.program(hub, another_program.TAKEN[::2]) as found:
        yield found
        session.close()


def test_a_table_is_sent_from_the_menu_and_rows_are_highlighted_here_and_there(
    qtbot: QtBot, session: Session, topcat: Program
) -> None:
    said: list[str] = []
    session.message.connect(said.append)
    session.set_selection(np.array([3, 5, 8]))
    menu = QMenu()
    qtbot.addWidget(menu)
    sending.offer(menu, session, 5)
    assert [action.text() for action in menu.actions()] == [
        "Send 3 galaxies to TOPCAT, Aladin…",
        "Send the image to DS9, Aladin…",
    ]
    with qtbot.waitSignal(session.message):
        menu.actions()[0].trigger()
    assert said[0].startswith("Sent 3 galaxies to TOPCAT. They are without positions")
    table = topcat.next("table.load.votable")
    read = Table.read(path_of(table), format="votable")
    cutouts = session.dataset.cutouts
    assert cutouts is not None
    assert [str(each) for each in read["id"]] == [cutouts.ids[row] for row in (3, 5, 8)]

    with qtbot.waitSignal(session.current_changed):
        topcat.say("table.highlight.row", table_id=table["table-id"], row="2")
    assert session.current == 8
    session.set_current(5)  # by a click here
    assert topcat.next("table.highlight.row")["row"] == "1"  # and not the one that it pointed at itself
    with qtbot.waitSignal(session.selection_changed):
        topcat.say("table.select.rowList", table_id=table["table-id"], row_list=["0", "2"])
    assert session.selection.tolist() == [3, 8]

    problems: list[object] = []
    session.problem.connect(problems.append)
    with qtbot.waitSignal(session.problem):
        menu.actions()[1].trigger()
    assert "No program at the SAMP hub takes images" in str(problems[0])
    with qtbot.waitSignal(session.samp.changed):
        session.samp.leave()
    assert not session.samp.is_connected


def test_without_a_hub_it_is_said_what_to_start(qtbot: QtBot, session: Session, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'none').as_uri()}")
    problems: list[object] = []
    session.problem.connect(problems.append)
    context = CommandContext(QMenu(), session, tmp_path, lambda _path: None)
    qtbot.addWidget(context.window)
    with qtbot.waitSignal(session.problem):
        sending.send_table(context)
    assert "No SAMP hub is running" in str(problems[0]) and "Start TOPCAT or Aladin" in str(problems[0])
    assert not session.samp.is_connected
    session.close_cutouts()
    with qtbot.waitSignal(session.problem):
        sending.send_image(context)
    assert "Open a dataset first" in str(problems[1])
