"""A project that is renamed and a dataset that is replaced while a window is open: nothing is lost or mixed up."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.session import label_commands
from app.shell.window import MainWindow
from core.errors import DatasetReplaced
from core.project import temporary
from core.project.project import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no folder with open files")


@pytest.fixture
def here(survey_dataset: Path, tmp_path: Path) -> Path:
    """A project with one dataset, and one that a killed program has half written."""
    made = Project.create(tmp_path / "here", "here")
    half = temporary.create(made.folder / "datasets", ".h5")
    half.rename(half.with_name(half.name.replace(f"-{os.getpid()}-", "-4194305-")))  # no process has this number
    shutil.copy2(survey_dataset, made.dataset_path("survey"))
    made.close()
    return tmp_path / "here"


@pytest.fixture
def window(qtbot: QtBot, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    opened = MainWindow()
    qtbot.addWidget(opened)
    with qtbot.waitExposed(opened):
        opened.show()
    opened.opening.open_project(here)
    qtbot.waitUntil(lambda: opened.session.dataset.cutouts is not None, timeout=20_000)
    yield opened
    opened.close()


def click(qtbot: QtBot, window: MainWindow, text: str) -> None:
    """Click the button of that text in the newest notice."""
    buttons = [button for button in window.notices.findChildren(QPushButton) if button.text() == text]
    qtbot.mouseClick(buttons[-1], Qt.MouseButton.LeftButton)


def labels_in(project: Path) -> dict[str, str]:
    lines = (project / "labels" / "survey.jsonl").read_text(encoding="utf-8").splitlines()
    return {change["id"]: change["new"] for change in map(json.loads, lines)}


def test_labels_given_after_the_project_was_renamed_are_saved_once_it_is_back_or_at_its_new_place(
    qtbot: QtBot, window: MainWindow, here: Path
) -> None:
    session, there = window.session, here.with_name("there")
    here.rename(there)
    for row in range(3):
        label_commands.give(session, [row], "merger")
    session.undo.undo()
    assert not here.exists(), "no ghost of the project"
    assert session.dataset.label(1) == "merger"
    assert any("3 labels not saved" in text for text in window.notices.texts)
    there.rename(here)
    window.safekeeping.look()
    assert window.safekeeping.unsaved == 0
    ids = session.dataset.cutouts.ids
    qtbot.waitUntil(lambda: not list((here / "datasets").glob(".*")), timeout=20_000)
    assert labels_in(here) == dict.fromkeys(ids[:2], "merger") | {ids[2]: session.dataset.label(2)}
    assert any("saved now" in text for text in window.notices.texts)
    assert not any("not saved" in text for text in window.notices.texts)
    if not sys.platform.startswith("linux"):
        return
    here.rename(there)
    label_commands.give(session, [3], "ring")
    assert str(there) in window.notices.texts[-1]
    click(qtbot, window, "Go on there")
    assert session.project is not None
    assert session.project.folder == there
    assert not here.exists()
    assert session.dataset.label(1) == "merger"
    label_commands.give(session, [4], "ring")
    assert labels_in(there) == labels_in(there) | {ids[3]: "ring", ids[4]: "ring"}
    assert window.windowTitle().startswith("survey – there")


def test_a_replaced_dataset_is_opened_again_on_request_and_no_label_goes_when_the_window_closes(
    qtbot: QtBot, window: MainWindow, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutouts = window.session.dataset.cutouts
    assert cutouts is not None
    other = Path(shutil.copy2(cutouts.path, tmp_path / "other.h5"))
    with h5py.File(other, "a") as file:
        file["images"][1, 0, 0, 0] += 1
    other.replace(cutouts.path)
    with pytest.raises(DatasetReplaced):
        cutouts.reopen()
    window.safekeeping.look()
    qtbot.waitUntil(lambda: any("no longer the dataset" in text for text in window.notices.texts), timeout=20_000)
    click(qtbot, window, "Open it again")
    qtbot.waitUntil(lambda: window.session.dataset.cutouts is not cutouts, timeout=20_000)
    assert window.session.dataset.cutouts.path == here / "datasets" / "survey.h5"
    assert window.session.dataset.has_same_file

    here.rename(here.with_name("there"))
    label_commands.give(window.session, [0], "merger")
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Save]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    assert not window.close()
    mine = tmp_path / "mine.jsonl"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(mine), ""))
    assert window.close()
    assert json.loads(mine.read_text(encoding="utf-8"))["new"] == "merger"
    assert not here.exists()
