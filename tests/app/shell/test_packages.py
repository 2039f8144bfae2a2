"""A project as one file, by the menu: packed, dropped on another window, and open there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app.shell.window import MainWindow
from app.studies.training_size import TrainingSizePanel
from core.events import result_of
from core.project.packages import is_package, read_contents
from core.studies import study_package
from core.studies.settings import TrainingSizeSettings
from core.train import job_package


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the user answers: the button of the question, and the name in the dialogs of files."""
    given = {"button": "", "name": ""}
    pressed: list[QAbstractButton] = []

    def answer(box: QMessageBox) -> int:
        pressed[:] = [each for each in box.buttons() if each.text() == given["button"]]
        return 0

    monkeypatch.setattr(QMessageBox, "exec", answer)
    monkeypatch.setattr(QMessageBox, "clickedButton", lambda _box: pressed[0] if pressed else None)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (given["name"], ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (given["name"], ""))
    return given


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    at, keys = QPointF(QPoint(50, 50)), Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, keys))


def wait_for_work(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.session.activity.jobs, timeout=30_000)


def test_a_project_is_packed_and_opened_where_the_file_is_dropped(
    qtbot: QtBot, window: MainWindow, trained: Path, galaxies: Path, tmp_path: Path, answers: dict[str, str]
):
    here = shutil.copytree(trained, tmp_path / "here")
    shutil.copy(galaxies, here / "datasets")
    window.session.open_project(here)
    answers |= {"button": "Without images", "name": str(tmp_path / "sent")}
    window.menus.actions_by_name["pack_project"].trigger()
    wait_for_work(qtbot, window)
    package = tmp_path / "sent.zip"
    assert [each.name for each in read_contents(package).left_out] == ["datasets/galaxies.h5"]
    assert any("1 dataset" in text and "stayed behind" in text for text in window.notices.texts)
    answers["name"] = str(tmp_path / "there")
    drop(window, package)
    wait_for_work(qtbot, window)
    qtbot.waitUntil(lambda: window.session.project.folder == tmp_path / "there", timeout=30_000)
    assert [run.title for run in window.session.project.runs()] == ["first"]
    assert any("stayed with its sender: datasets/galaxies.h5" in text for text in window.notices.texts)


def test_without_an_answer_nothing_is_packed(
    window: MainWindow, trained: Path, galaxies: Path, tmp_path: Path, answers: dict[str, str]
):
    window.menus.actions_by_name["pack_project"].trigger()
    assert "No project is open." in window.notices.texts[-1]
    here = shutil.copytree(trained, tmp_path / "here")
    shutil.copy(galaxies, here / "datasets")
    window.session.open_project(here)
    answers |= {"button": "Cancel", "name": str(tmp_path / "sent.zip")}
    window.menus.actions_by_name["pack_project"].trigger()
    assert "Packing here" not in [job.title for job in window.session.activity.jobs]
    assert not (tmp_path / "sent.zip").exists()


@pytest.mark.slow
def test_a_training_is_packed_run_elsewhere_and_its_results_opened(
    qtbot: QtBot, window: MainWindow, trained: Path, galaxies: Path, tmp_path: Path, answers: dict[str, str]
):
    here = shutil.copytree(trained, tmp_path / "here")
    shutil.copy(galaxies, here / "datasets")
    window.session.open_project(here)
    window.session.open_cutouts(here / "datasets" / "galaxies.h5")
    window.session.draft.edit_together({"network.depth": 2, "network.channels": 6, "optimiser.epochs": 1})
    answers["name"] = str(tmp_path / "away" / "bigger.zip")
    (tmp_path / "away").mkdir()
    window.menus.actions_by_name["pack_training"].trigger()
    wait_for_work(qtbot, window)
    assert is_package(tmp_path / "away" / "bigger.zip")
    assert any("tuningfork job run" in text for text in window.notices.texts)
    answers["name"] = str(tmp_path / "away" / "bigger.zip")
    window.menus.actions_by_name["open_package"].trigger()
    wait_for_work(qtbot, window)
    assert any("on another machine" in text for text in window.notices.texts)
    result_of(job_package.run(tmp_path / "away" / "bigger.zip"))
    answers["name"] = str(tmp_path / "away" / "bigger results.zip")
    window.menus.actions_by_name["open_package"].trigger()
    wait_for_work(qtbot, window)
    assert [run.title for run in window.session.project.runs()] == ["first", "bigger"]
    assert window.session.run is not None and window.session.run.title == "bigger"


@pytest.mark.slow
def test_a_study_is_packed_done_elsewhere_and_opened_in_its_room(
    qtbot: QtBot, window: MainWindow, trained: Path, galaxies: Path, tmp_path: Path, answers: dict[str, str]
):
    here = shutil.copytree(trained, tmp_path / "here")
    shutil.copy(galaxies, here / "datasets")
    window.session.open_project(here)
    window.session.open_cutouts(here / "datasets" / "galaxies.h5")
    window.session.draft.edit_together({"network.depth": 1, "network.channels": 4, "optimiser.epochs": 1})
    window.show_workspace("studies")
    panel = window.docks.panel("training_size")
    assert isinstance(panel, TrainingSizePanel)
    window.docks.bring_to_front("training_size")
    panel.form.set_value(TrainingSizeSettings(sizes=("12",), seeds=1, least_steps=1))
    panel.name.setText("how many")
    answers["name"] = str(tmp_path / "away.zip")
    qtbot.waitUntil(panel.pack.isEnabled)
    qtbot.mouseClick(panel.pack, Qt.MouseButton.LeftButton)
    wait_for_work(qtbot, window)
    assert any("tuningfork job run" in text for text in window.notices.texts)
    answers["name"] = str(tmp_path / "away.zip")
    window.menus.actions_by_name["open_package"].trigger()
    wait_for_work(qtbot, window)
    assert any("holds a study" in text for text in window.notices.texts)
    result_of(study_package.run(tmp_path / "away.zip"))
    window.show_workspace("data")
    answers["name"] = str(tmp_path / "away results.zip")
    window.menus.actions_by_name["open_package"].trigger()
    wait_for_work(qtbot, window)
    assert window.session.study is not None and window.session.study.parent == here / "studies"
    assert window.docks.current == "studies" and panel.name.text() == "how many"
    qtbot.waitUntil(lambda: panel.form.value().sizes == ("12",))
    assert not panel.pack.isEnabled(), "it has begun"
    qtbot.waitUntil(lambda: panel.sizes.rowCount() == 1)
