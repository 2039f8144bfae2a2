"""The window that most tests of the shell open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.shell.window import MainWindow


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window of a user who has opened nothing yet; it is not on screen."""
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    opened = MainWindow()
    qtbot.addWidget(opened)
    yield opened
    opened.close()
