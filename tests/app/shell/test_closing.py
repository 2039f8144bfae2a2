"""Closing has a bound: the window waits in sight of the user, and leaves alone what never answers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.jobs import job as jobs
from app.jobs import unanswering
from app.jobs.job import Job
from app.shell.closing import ClosingNotice
from app.shell.window import MainWindow
from core.events import Progress, Work

_ROOT = Path(__file__).parents[3]


@pytest.fixture
def pipe(qtbot: QtBot, tmp_path: Path) -> Iterator[Path]:
    """A pipe that nobody writes to until the test is over: who reads it is stuck in the system."""
    path = tmp_path / "galaxies.h5"
    os.mkfifo(path)
    yield path
    with contextlib.suppress(OSError):  # nobody reads any more
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))  # lets go whoever still reads
    wait_for_all_work(qtbot)


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    opened = MainWindow()
    qtbot.addWidget(opened)
    with qtbot.waitExposed(opened):
        opened.show()
    return opened


def stuck_job(qtbot: QtBot, pipe: Path, title: str = "Reading a pipe") -> Job:
    began = threading.Event()

    def work(_stop: threading.Event) -> Work[None]:
        yield Progress(0, None)
        began.set()
        pipe.read_bytes()

    job = Job(title, work, at_once=True, is_reading=True)
    job.start()
    qtbot.waitUntil(began.is_set)
    time.sleep(0.05)  # it is in the system's hands now
    return job


def test_a_window_with_a_job_that_never_answers_closes_by_itself_after_a_notice(
    qtbot: QtBot, window: MainWindow, pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unanswering, "PATIENCE", 0.3)
    seen: list[str] = []

    def look() -> None:
        notice = QApplication.activeModalWidget()
        if isinstance(notice, ClosingNotice):
            seen.append("\n".join(label.text() for label in (notice.head, notice.jobs, notice.risk, notice.left)))

    clock = QTimer()
    clock.timeout.connect(look)
    clock.start(50)
    job = stuck_job(qtbot, pipe)
    job._is_reading = False
    window.session.activity.add(job)
    began = time.monotonic()
    assert window.close()
    assert time.monotonic() - began < 20
    clock.stop()
    assert "Reading a pipe" in seen[0]
    assert "not saved" in seen[0]
    assert "closes in" in seen[0]
    assert job.state == "stopped"


def test_the_notice_is_left_by_a_click_and_not_by_escape(qtbot: QtBot, window: MainWindow, pipe: Path) -> None:
    job = stuck_job(qtbot, pipe)
    job._is_reading = False
    window.session.activity.add(job)

    def leave() -> None:
        notice = QApplication.activeModalWidget()
        assert isinstance(notice, ClosingNotice)
        before = notice.left.text()
        qtbot.keyClick(notice, Qt.Key.Key_Escape)
        assert notice.isVisible()
        qtbot.mouseClick(notice.longer, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: notice.left.text() != before)
        qtbot.mouseClick(notice.now, Qt.MouseButton.LeftButton)

    QTimer.singleShot(700, leave)
    assert window.close()


def test_an_opening_that_never_answers_is_stopped_and_the_window_goes_on(
    qtbot: QtBot, window: MainWindow, pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_GRACE", 200)
    job = stuck_job(qtbot, pipe, "Opening galaxies")
    window.session.activity.add(job)
    qtbot.waitUntil(lambda: bool(window.jobs.bars) and window.jobs.bars[0].isVisible())
    with qtbot.waitSignal(job.ended, timeout=30_000):
        qtbot.mouseClick(window.jobs.bars[0].stop, Qt.MouseButton.LeftButton)
    assert not window.jobs.bars
    assert unanswering.number() == 1
    assert window.close()


def test_a_dataset_that_is_a_pipe_is_refused_at_once(qtbot: QtBot, window: MainWindow, pipe: Path) -> None:
    window.opening.open_dataset(pipe)
    qtbot.waitUntil(lambda: bool(window.notices.texts), timeout=30_000)
    assert "no regular file" in window.notices.texts[0]
    assert window.close()


_PROGRAM = """
import os, subprocess, sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app import start
from app.jobs import unanswering
from app.jobs.job import Job
from app.shell.window import MainWindow
from core.events import Progress

unanswering.PATIENCE = 0.5

def work(stop):
    yield Progress(0, None)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(child.pid, flush=True)
    Path(sys.argv[1]).read_bytes()

def begin():
    window = next(each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow))
    job = Job("Reading a pipe", work, at_once=True)
    window.session.activity.add(job)
    job.start()
    QTimer.singleShot(1500, window.close)

application = QApplication([])
QTimer.singleShot(1000, begin)
sys.exit(start.run([]))
"""


@pytest.mark.slow
def test_the_program_ends_with_its_child_processes_though_a_thread_is_stuck(pipe: Path, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(_PROGRAM)
    ended = subprocess.run(
        [sys.executable, str(script), str(pipe)],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(_ROOT), "HOME": str(tmp_path)},
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    child = int(ended.stdout.split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
