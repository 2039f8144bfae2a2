"""The project that was open last is open again at the next start; nothing about it keeps the window from opening."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.shell import reopening
from app.shell.window import MainWindow
from core.project.project import Project

Start = Callable[..., MainWindow]


@pytest.fixture
def start(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Open a window as the program does at its start."""
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    windows: list[MainWindow] = []

    def begin(path: Path | None = None, *, reopen: bool = True) -> MainWindow:
        window = MainWindow()
        windows.append(window)
        qtbot.addWidget(window)
        window.show()
        window.opening.begin(path, demonstration=False, reopen=reopen and reopening.is_wanted())
        return window

    yield begin
    for window in windows:
        window.close()


@pytest.fixture
def project(galaxies: Path, tmp_path: Path) -> Path:
    """A project with two datasets."""
    folder = tmp_path / "mine"
    made = Project.create(folder, "mine")
    for name in ("first", "second"):
        shutil.copy(galaxies, made.dataset_path(name))
    made.close()
    return folder


def is_open(window: MainWindow, name: str) -> bool:
    cutouts = window.session.dataset.cutouts
    return cutouts is not None and cutouts.path.stem == name


def leave(qtbot: QtBot, start: Start, project: Path, name: str = "first") -> None:
    """Open the project and a dataset of it, and close the window."""
    window = start(project)
    qtbot.waitUntil(lambda: window.session.dataset.cutouts is not None, timeout=20_000)
    window.opening.open_dataset(project / "datasets" / f"{name}.h5")
    qtbot.waitUntil(lambda: is_open(window, name), timeout=20_000)
    window.close()


def test_project_and_dataset_are_open_again(qtbot: QtBot, start: Start, project: Path) -> None:
    for name in ("first", "second"):
        leave(qtbot, start, project, name)
        window = start()
        qtbot.waitUntil(lambda window=window, name=name: is_open(window, name), timeout=20_000)
        window.close()


def test_a_window_that_filled_the_screen_fills_it_again(start: Start) -> None:
    first = start()
    assert not first.isMaximized()
    first.showMaximized()
    first.close()
    second = start()
    assert second.isMaximized()
    second.showNormal()
    second.close()
    assert not start().isMaximized()


def test_a_file_on_the_command_line_the_option_and_the_menu_go_first(
    qtbot: QtBot, start: Start, project: Path, galaxies: Path
) -> None:
    leave(qtbot, start, project)
    assert start(reopen=False).session.project is None
    window = start()
    qtbot.waitUntil(lambda: is_open(window, "first"), timeout=20_000)
    window.menus.actions_by_name["reopen"].trigger()
    window.close()
    again = start()
    assert not again.opening._is_looking
    assert not again.menus.actions_by_name["reopen"].isChecked()
    again.menus.actions_by_name["reopen"].trigger()
    again.close()
    other = start(galaxies)
    qtbot.waitUntil(lambda: is_open(other, "galaxies"), timeout=20_000)


def test_a_project_opens_by_its_folder_or_by_its_own_file_which_a_desktop_hands_over(
    qtbot: QtBot, start: Start, project: Path
) -> None:
    window = start(project / "project.toml")
    qtbot.waitUntil(lambda: is_open(window, "second"), timeout=20_000)
    assert window.session.project is not None
    assert window.session.project.folder == project
    assert window.notices.texts == []


def test_a_project_that_is_gone_in_use_or_of_a_newer_program_leaves_the_start_page(
    qtbot: QtBot, start: Start, project: Path
) -> None:
    leave(qtbot, start, project)
    held = Project.open(project)
    window = start()
    qtbot.waitUntil(lambda: bool(window.notices.texts), timeout=20_000)
    assert "“mine” is not reopened." in window.notices.texts[0]
    assert window.session.project is None
    held.close()
    window.close()
    (project / "project.toml").write_text("format = 99\nname = 'mine'\n")
    newer = start()
    qtbot.waitUntil(lambda: bool(newer.notices.texts), timeout=20_000)
    assert newer.welcome.isVisible()
    newer.close()
    shutil.rmtree(project)
    gone = start()
    assert not gone.opening._is_looking
    assert gone.notices.texts == []


@pytest.mark.slow
def test_a_project_with_which_the_program_broke_down_is_not_opened_at_once_again(
    qtbot: QtBot, start: Start, project: Path
) -> None:
    leave(qtbot, start, project)
    assert reopening.begin(project), "and the program ends"
    window = start()
    assert not window.opening._is_looking
    assert "the program ended while it was being opened" in window.notices.texts[0]
    window.close()
    again = start()
    qtbot.waitUntil(lambda: is_open(again, "first"), timeout=20_000)
