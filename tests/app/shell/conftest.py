"""The window that most tests of the shell open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.shell.window import MainWindow
from core.project.project import Project


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window of a user who has opened nothing yet; it is not on screen."""
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    opened = MainWindow()
    qtbot.addWidget(opened)
    yield opened
    opened.close()


@pytest.fixture
def project(survey_dataset: Path, tmp_path: Path) -> Path:
    """A project with two datasets, “new” written after “old”."""
    folder = tmp_path / "Two surveys"
    made = Project.create(folder, "Two surveys")
    shutil.copy(survey_dataset, made.dataset_path("old"))
    shutil.copy(survey_dataset, made.dataset_path("new"))
    made.close()
    return folder
