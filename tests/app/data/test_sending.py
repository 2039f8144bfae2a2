"""Galaxies sent from the window to another program at a real SAMP hub, and rows that it points at."""

import queue
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest
from astropy.table import Table
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot
from pyvo import samp

from app.data import sending
from app.panel.room import CommandContext
from app.session.session import Session


@pytest.fixture
def topcat(session: Session):
    """A hub, and a program at it that takes tables and keeps what it is told."""
    with samp.conf.set_temp("use_internet", False):
        hub = samp.SAMPHubServer(web_profile=False, addr="127.0.0.1")
        hub.start()
        client = samp.SAMPIntegratedClient(name="TOPCAT", addr="127.0.0.1")
        client.connect(hub)
        client.told = queue.Queue()
        for kind in ("table.load.votable", "table.highlight.row"):
            client.bind_receive_notification(
                kind, lambda _key, _sender, kind, values, _extra: client.told.put((kind, values))
            )
        yield client
        session.close()
        client.disconnect()
        hub.stop()


def test_a_table_is_sent_from_the_menu_and_rows_are_highlighted_here_and_there(
    qtbot: QtBot, session: Session, topcat
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
    assert said == ["Sent 3 galaxies to TOPCAT."]
    _, table = topcat.told.get(timeout=60)
    read = Table.read(urlparse(table["url"]).path, format="votable")
    cutouts = session.dataset.cutouts
    assert cutouts is not None
    assert [str(each) for each in read["id"]] == [cutouts.ids[row] for row in (3, 5, 8)]

    highlight = {"samp.mtype": "table.highlight.row", "samp.params": {"table-id": table["table-id"], "row": "2"}}
    with qtbot.waitSignal(session.current_changed):
        topcat.notify_all(highlight)
    assert session.current == 8
    session.set_current(5)  # by a click here
    kind, values = topcat.told.get(timeout=60)
    assert (kind, values["row"]) == ("table.highlight.row", "1")  # and not the one that it pointed at itself
    rows = {
        "samp.mtype": "table.select.rowList",
        "samp.params": {"table-id": table["table-id"], "row-list": ["0", "2"]},
    }
    with qtbot.waitSignal(session.selection_changed):
        topcat.notify_all(rows)
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
