"""Rooms, themes, galaxies, runs, datasets, projects and dialogs come and go, and leave no widget behind."""

from __future__ import annotations

import gc
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractAnimation, QCoreApplication, QEvent, QObject
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app import theme
from app.data.import_wizard import ImportWizard
from app.notices import CrashDialog
from app.shell.window import MainWindow
from app.shell.workspaces import WORKSPACES
from core.errors import NotPossible
from core.train.settings import RunSettings

GOLDEN = Path(__file__).parents[2] / "golden" / "bench"


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window on a project with two datasets and several runs, beside a second such project."""
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    theme.apply(qapp, False)
    for name in ("one", "two"):
        shutil.copytree(GOLDEN, tmp_path / name)
    opened = MainWindow()
    qtbot.addWidget(opened)
    opened.resize(1280, 720)
    opened.show()
    opened.opening.open_project(tmp_path / "one")
    qtbot.waitUntil(lambda: opened.session.dataset.cutouts is not None)
    small = {"network": {"depth": 1, "channels": 4, "dense": 4}, "optimiser": {"batch_size": 8}}
    opened.session.draft.replace(RunSettings.model_validate(small))  # of which it is soon known how long it will take
    yield opened
    opened.close()


def rooms(window: MainWindow, qtbot: QtBot, _folder: Path) -> None:
    for name in WORKSPACES:
        window.show_workspace(name)
        wait_for_all_work(qtbot)


def arrangements(window: MainWindow, qtbot: QtBot, _folder: Path) -> None:
    for name in WORKSPACES:
        window.show_workspace(name)
        window.reset_layout()
    wait_for_all_work(qtbot)


def themes(window: MainWindow, qtbot: QtBot, _folder: Path) -> None:
    for name in ("dark", "light"):
        window.set_theme(name)
    wait_for_all_work(qtbot)


def galaxies(window: MainWindow, qtbot: QtBot, _folder: Path) -> None:
    for row in range(3):
        window.session.set_current(row)
        wait_for_all_work(qtbot)


def runs(window: MainWindow, qtbot: QtBot, _folder: Path) -> None:
    assert window.session.project is not None
    for run in window.session.project.runs()[:2]:
        window.session.open_run(run)
        wait_for_all_work(qtbot)


def datasets(window: MainWindow, qtbot: QtBot, _folder: Path) -> None:
    assert window.session.project is not None
    for dataset in window.session.project.datasets():
        window.opening.open_dataset(dataset)
        wait_for_all_work(qtbot)


def projects(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    for name in ("two", "one"):
        window.opening.open_project(folder / name)
        wait_for_all_work(qtbot)


def dialogs(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    window.report(NotPossible("It is empty.", "Take another.", "a.fits"))
    window.report(RuntimeError("a defect"))
    window.show_guide()
    window.take_files([folder])
    wait_for_all_work(qtbot)
    for dialog in (*window.findChildren(CrashDialog), *window.findChildren(ImportWizard), window._guide):
        assert dialog is not None
        dialog.close()
    wait_for_all_work(qtbot)


def is_moving(animation: QAbstractAnimation) -> bool:
    """Whether it will come to its end, where Qt deletes those of its docks."""
    return animation.state() == QAbstractAnimation.State.Running


def counted(window: MainWindow) -> Counter[str]:
    """Every widget of the program and every object of the window, by class, after all that was given up is gone."""
    gc.collect()
    for _ in range(2):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    while any(map(is_moving, window.findChildren(QAbstractAnimation))):
        QTest.qWait(20)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    widgets = Counter(widget.metaObject().className() for widget in QApplication.allWidgets())
    objects = Counter(f"object {thing.metaObject().className()}" for thing in window.findChildren(QObject))
    return widgets + objects


Step = Callable[[MainWindow, QtBot, Path], None]
STEPS: tuple[Step, ...] = (rooms, arrangements, themes, galaxies, runs, datasets, projects, dialogs)


def leaked(step: Step, window: MainWindow, qtbot: QtBot, folder: Path, count: int) -> Counter[str]:
    """What there is more of after ``count`` further times than after the first ones."""
    step(window, qtbot, folder)
    step(window, qtbot, folder)
    before = counted(window)
    for _ in range(count):
        step(window, qtbot, folder)
    return counted(window) - before


def test_rooms_that_come_and_go_add_no_widget(window: MainWindow):
    counts: list[Counter[str]] = []
    for times in (2, 1):
        for name in ("data", "evaluate") * times:
            window.show_workspace(name)
            QCoreApplication.processEvents()
        counts.append(counted(window))
    assert counts[1] - counts[0] == Counter()


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_many_times_add_no_widget(step: Step, window: MainWindow, qtbot: QtBot, tmp_path: Path):
    rooms(window, qtbot, tmp_path)
    assert leaked(step, window, qtbot, tmp_path, 20 if step in {projects, themes} else 50) == Counter()
