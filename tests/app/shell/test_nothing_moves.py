"""Nothing moves under the mouse: problems, hints, messages and jobs come and go, and every button stays where it is."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenuBar,
    QStatusBar,
    QTabBar,
    QToolBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.data.cutout import CutoutPanel
from app.jobs.job import Job
from app.panel.panel import Panel
from app.shell.closing import running_jobs
from app.shell.window import MainWindow
from app.shell.workspaces import WORKSPACES
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from app.widgets.job_bar import JobBar
from app.widgets.message_line import MessageLine
from app.widgets.notice_strip import NoticeStrip
from app.widgets.state_line import StateLine
from core.errors import NotPossible
from core.events import Progress, Work

AIMED_AT = (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QMenuBar,
    QStatusBar,
    QTabBar,
    QToolBar,
)
LONG = "A sentence that is much longer than those that usually stand here, about galaxies, labels and networks. " * 3
SENTENCE = (
    "The labels (edge_on, elliptical, spiral_cw) tell clockwise from anticlockwise, and flips swap them: switch them "
    "off in the settings of the augmentation."
)
Places = dict[QWidget, QRect]


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, trained: Path, galaxies: Path, tmp_path: Path) -> Iterator[MainWindow]:
    """A window with a dataset and a run."""
    theme.apply(qapp, False)  # as the program does; its style sheet takes more room than none
    folder = tmp_path / "project"
    shutil.copytree(trained, folder)
    (folder / "datasets").mkdir(exist_ok=True)
    shutil.copy(galaxies, folder / "datasets" / "galaxies.h5")
    opened = MainWindow()
    qtbot.addWidget(opened)
    opened.resize(1280, 720)
    with qtbot.waitExposed(opened):
        opened.show()
    opened.opening.open_project(folder)
    qtbot.waitUntil(lambda: opened.session.dataset.cutouts is not None)
    assert opened.session.project is not None
    opened.session.open_run(opened.session.project.runs()[0])
    yield opened
    opened.close()


def settle() -> None:
    for _ in range(4):
        QApplication.sendPostedEvents()
        QApplication.processEvents()


def places(window: MainWindow) -> Places:
    """What can be aimed at, on the screen; what a notice or a running job brings along is not counted."""
    settle()
    found: list[QWidget] = [each for kind in AIMED_AT for each in window.findChildren(kind)]
    return {
        each: QRect(each.mapToGlobal(QPoint(0, 0)), each.size())
        for each in found
        if each.isVisible() and not any(isinstance(above, JobBar | NoticeStrip) for above in parents(each))
    }


def parents(widget: QWidget) -> list[QWidget]:
    above: list[QWidget] = []
    parent = widget.parentWidget()
    while parent is not None:
        above.append(parent)
        parent = parent.parentWidget()
    return above


def find_moved(window: MainWindow, before: Places) -> list[str]:
    now = places(window)
    return [
        f"{type(each).__name__} “{getattr(each, 'text', each.objectName)()}”: {before[each]} → {now[each]}"
        for each in before
        if each in now and now[each] != before[each]
    ]


def require_at_rest(window: MainWindow, before: Places, why: str) -> None:
    moved = find_moved(window, before)
    assert not moved, f"{why} moves {moved[:3]}"


def counting(stop: threading.Event) -> Work[None]:
    while not stop.is_set():
        time.sleep(0.005)
        yield Progress(123_456, 1_000_000, "galaxies of the whole survey")


def require_room_for_longer_texts(window: MainWindow, panel: Panel, before: Places, name: str) -> None:
    """All labels at once; one after the other if that moves something, to learn which."""
    labels = [
        (label, label.text())
        for label in panel.findChildren(QLabel)
        if label.wordWrap() and label.isVisible() and label.property("role") != "heading"
    ]
    for label, _ in labels:
        label.setText(LONG)
    moved = find_moved(window, before)
    for label, text in labels:
        label.setText(text)
    for label, text in labels if moved else ():
        label.setText(LONG)
        require_at_rest(window, before, f"“{text}” with other words in {name}")
        label.setText(text)


def begin_and_stop(qtbot: QtBot, window: MainWindow, panel: Panel, name: str) -> None:
    before = places(window)
    panel._begin(Job("Counting", counting))
    qtbot.waitUntil(lambda: "of 1" in panel.state.text())
    require_at_rest(window, before, f"a job in {name}")
    panel.work.stop()
    qtbot.waitUntil(lambda: not panel.work.is_running)
    require_at_rest(window, before, f"the end of a job in {name}")


def walk(qtbot: QtBot, window: MainWindow) -> Iterator[tuple[str, Panel]]:
    """Each panel, once, in front of the others of its workspace and at rest."""
    seen: set[str] = set()
    for workspace, arranged in WORKSPACES.items():
        window.show_workspace(workspace)
        for name in (panel for column in arranged.columns for area in column for panel in area):
            if name in seen:
                continue
            seen.add(name)
            window.docks.bring_to_front(name)
            panel = window.docks.panel(name)
            assert isinstance(panel, Panel)
            qtbot.waitUntil(panel.isVisible)
            qtbot.waitUntil(lambda: not running_jobs(window))  # or what it computes moves what it then shows
            qtbot.waitUntil(lambda: places(window) == places(window) and not window.jobs.bars)
            yield f"{workspace}/{name}", panel


def require_whole_sentences(panel: Panel, name: str) -> None:
    """What a panel says of its data and settings is read whole, and a message that comes and goes in its tooltip."""
    for line in panel.findChildren(MessageLine):
        if not line.isVisible() or not line.parentWidget():
            continue
        text, tip = line.text(), line.toolTip()
        for _ in range(20):  # what was measured meanwhile may be told in its place
            line.setText(SENTENCE)
            settle()
            if line.toolTip() == SENTENCE:
                break
        where = f"{name}: {line.objectName()} “{text}”"
        assert line.toolTip() == SENTENCE, where
        if line.grows:
            assert " ".join(line.shown_lines()) == SENTENCE, f"{where} is elided: {line.shown_lines()}"
        else:
            assert isinstance(line, StateLine) or line.property("role") == "heading", f"{where} cannot grow"
        line.setText(text)
        line.setToolTip(tip)


def test_problems_hints_messages_and_jobs_move_nothing_and_no_sentence_is_elided_in_any_panel(
    qtbot: QtBot, window: MainWindow
) -> None:
    for name, panel in walk(qtbot, window):
        before = places(window)
        window.report(NotPossible(LONG + name, "Do something else.", name))
        require_at_rest(window, before, f"a problem above {name}")
        window.session.message.emit(LONG)
        require_at_rest(window, before, f"a message above {name}")
        window.notices.clear()
        panel._show_problem(NotPossible(LONG))
        require_at_rest(window, before, f"a problem in {name}")
        panel.state.clear()
        window.notices.clear()
        require_at_rest(window, before, f"the end of a problem in {name}")
        require_room_for_longer_texts(window, panel, before, name)
        if panel.isAncestorOf(panel.state):
            begin_and_stop(qtbot, window, panel, name)
        require_whole_sentences(panel, name)
    assert window.size() == QSize(1280, 720), "long sentences do not make the window larger"


def test_jobs_come_and_go_in_places_of_their_own(qtbot: QtBot, window: MainWindow) -> None:
    before = places(window)
    jobs = [Job(f"Counting all galaxies of survey {number}", counting) for number in range(4)]
    for job in jobs:
        window.session.activity.add(job)
        job.start()
    bars = list(window.jobs.bars)
    qtbot.waitUntil(lambda: all(bar.isVisible() for bar in bars[:3]))
    require_at_rest(window, before, "a job in the status bar")
    assert not bars[3].isVisible(), "it waits for a place"
    buttons = [QRect(bar.stop.mapToGlobal(QPoint(0, 0)), bar.stop.size()) for bar in bars[:3]]
    assert len({button.x() for button in buttons}) == 3
    with qtbot.waitSignal(jobs[1].ended):
        jobs[1].stop()
    qtbot.waitUntil(bars[3].isVisible)
    for bar, place in zip((bars[0], bars[3], bars[2]), buttons, strict=True):
        assert QRect(bar.stop.mapToGlobal(QPoint(0, 0)), bar.stop.size()) == place
    for job in (jobs[0], jobs[2], jobs[3]):
        job.close()
    require_at_rest(window, before, "the end of the jobs")


@pytest.mark.slow
def test_a_training_moves_nothing(qtbot: QtBot, window: MainWindow) -> None:
    session = window.session
    small = {"network.depth": 1, "network.channels": 4, "optimiser.batch_size": 64}
    session.draft.edit_together({**small, "optimiser.epochs": 500, "stopping.patience": 0, "device": "cpu"})
    window.show_workspace("train")
    settings, training = window.docks.panel("settings"), window.docks.panel("training")
    assert isinstance(settings, SettingsPanel) and isinstance(training, TrainingPanel)
    qtbot.waitUntil(lambda: settings.outlook.time.text().startswith("About"), timeout=60_000)
    before = places(window)
    qtbot.mouseClick(settings.start, Qt.MouseButton.LeftButton)
    require_at_rest(window, before, "the start of a training")
    qtbot.waitUntil(lambda: training.numbers["Best"] != "–", timeout=60_000)
    require_at_rest(window, before, "an epoch")
    for what in ("Resume", "Pause"):
        qtbot.mouseClick(training.pause, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda what=what: training.pause.text() == what)
        require_at_rest(window, before, f"the button that then says {what}")
    qtbot.mouseClick(training.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "are kept" in training.reason.text(), timeout=60_000)
    require_at_rest(window, before, "the end of a training")


def test_the_mouse_over_a_cutout_moves_nothing(qtbot: QtBot, window: MainWindow) -> None:
    window.show_workspace("data")
    cutout = window.docks.panel("cutout")
    assert isinstance(cutout, CutoutPanel)
    window.session.set_current(1)
    qtbot.waitUntil(lambda: cutout.isVisible() and places(window) == places(window))
    before = places(window)
    for place in (3.0, 20.0):
        cutout.view.hovered.emit(place, place)
        assert f"x {place:.0f}, y {place:.0f}" in cutout.cursor_text.text()
        require_at_rest(window, before, "the mouse over the cutout")
    cutout.view.left.emit()
    require_at_rest(window, before, "the mouse that has left the cutout")
