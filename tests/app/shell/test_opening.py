"""Opening a dataset in the background: what is shown meanwhile, and what comes of it when something else happens."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.data.dataset import DatasetPanel
from app.session import label_commands
from app.shell.window import MainWindow
from core.data import file_identity
from core.errors import Problem


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, project: Path) -> MainWindow:
    """A window with the dataset “new” open."""
    window.opening.open_project(project)
    qtbot.waitUntil(lambda: window.session.dataset.cutouts is not None)
    window.opening.open_dataset(dataset(project, "new"))
    wait_for_all_work(qtbot)
    assert name_of(window) == "new"
    return window


def dataset(project: Path, name: str) -> Path:
    return project / "datasets" / f"{name}.h5"


def name_of(window: MainWindow) -> str:
    cutouts = window.session.dataset.cutouts
    return "" if cutouts is None else cutouts.path.stem


def wait_for_the_thread(window: MainWindow) -> None:
    """Wait until the job that opens a dataset has done its work, and nobody knows of it yet."""
    job = window.session.activity.jobs[-1]
    assert job.title.startswith("Opening")
    cast("QThread", job._worker).wait()


def test_the_open_dataset_stays_as_it_is_until_the_other_one_is_whole(
    qtbot: QtBot, opened: MainWindow, project: Path
) -> None:
    before, session = opened.session.dataset.cutouts, opened.session
    opened.opening.open_dataset(dataset(project, "old"))
    wait_for_the_thread(opened)
    assert session.dataset.cutouts is before
    assert before is not None
    assert before.images[0].shape == before.shape[1:]  # it can still be read
    with qtbot.waitSignal(opened.opening.opened):
        pass
    assert name_of(opened) == "old"
    assert session.current == 0
    assert session.dataset.split is not None
    assert session.dataset.has_same_file


def test_an_opening_that_is_stopped_leaves_what_was_open(qtbot: QtBot, opened: MainWindow, project: Path) -> None:
    opened.opening.open_dataset(dataset(project, "old"))
    opened.session.activity.jobs[-1].stop()
    wait_for_all_work(qtbot)
    assert name_of(opened) == "new"
    shutil.copy(dataset(project, "old"), dataset(project, "new"))  # another file: it is still the same that is expected
    assert not file_identity.is_as_pinned(dataset(project, "new"))


def test_of_two_openings_the_last_one_counts(qtbot: QtBot, opened: MainWindow, project: Path) -> None:
    shown: list[str] = []
    opened.session.dataset.changed.connect(lambda: shown.append(name_of(opened)))
    opened.opening.open_dataset(dataset(project, "new"))
    opened.opening.open_dataset(dataset(project, "old"))
    wait_for_all_work(qtbot)
    assert shown == ["old"]


def test_a_dataset_is_not_opened_in_the_project_that_was_opened_meanwhile(
    qtbot: QtBot, opened: MainWindow, project: Path, tmp_path: Path
) -> None:
    opened.opening.open_dataset(dataset(project, "old"))
    wait_for_the_thread(opened)
    opened.opening.provide_project("Other")  # there is one
    assert opened.session.project is not None
    assert opened.session.project.folder == project
    opened.opening._try_open_project(tmp_path / "Empty")
    wait_for_all_work(qtbot)
    assert opened.session.project.folder == tmp_path / "Empty"
    assert name_of(opened) == ""


def test_a_window_that_is_closed_meanwhile_opens_nothing(qtbot: QtBot, opened: MainWindow, project: Path) -> None:
    opened.opening.open_dataset(dataset(project, "old"))
    opened.close()
    assert name_of(opened) == ""
    assert opened.session.activity.jobs == []


def test_what_cannot_be_read_is_said_and_the_panel_names_what_is_open(
    qtbot: QtBot, opened: MainWindow, project: Path
) -> None:
    dataset(project, "endless").write_bytes(b"no dataset")
    opened.show_workspace("data")
    panel = cast("DatasetPanel", opened.docks.panel("dataset"))
    opened.session.dataset.changed.emit()
    with qtbot.waitSignal(opened.session.problem) as problem:
        panel.others.activated.emit(panel.others.findText("endless"))
    assert isinstance(problem.args[0], Problem)
    assert panel.others.currentText() == name_of(opened) == "new"
    panel.others.activated.emit(panel.others.findText("old"))
    wait_for_all_work(qtbot)
    assert panel.others.currentText() == name_of(opened) == "old"


def test_a_label_that_is_given_while_its_dataset_is_opened_again_is_kept(
    qtbot: QtBot, opened: MainWindow, project: Path
) -> None:
    session = opened.session
    opened.opening.open_dataset(dataset(project, "new"))
    wait_for_the_thread(opened)  # it has read the labels
    label_commands.give(session, [3], "edge-on" if session.dataset.label(3) != "edge-on" else "disk")
    given = session.dataset.label(3)
    wait_for_all_work(qtbot)
    assert name_of(opened) == "new"
    assert session.dataset.label(3) == given


def test_settings_that_change_while_a_dataset_is_opened_hold_for_it(
    qtbot: QtBot, opened: MainWindow, project: Path
) -> None:
    session = opened.session
    opened.opening.open_dataset(dataset(project, "old"))
    wait_for_the_thread(opened)
    session.draft.edit("data.validation", 0.3)
    session.draft.edit("seed", 7)
    wait_for_all_work(qtbot)
    assert name_of(opened) == "old"
    assert session.dataset.split is not None
    assert session.dataset.split.seed == 7
    share = len(session.dataset.split.validation) / len(session.dataset.columns["id"])
    assert share > 0.2
