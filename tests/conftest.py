"""A home of its own for the tests; and whatever a test leaves behind, or complains of, fails it.

A leftover thread, running timer, open window, Qt message, warning or logged warning is a defect that a user
would meet as a crash at closing time; here it fails the test that made it.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Before numpy and torch are loaded, which read it once. Workers share the cores; with -n 0, the number can be chosen.
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "2")

pytest_plugins = ["small_survey"]
# The same examples in every run: what goes red is the change. New ones are looked for by --hypothesis-profile=thorough.
hypothesis.settings.register_profile("on any machine", deadline=None, max_examples=40, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=1000, derandomize=False)
hypothesis.settings.load_profile("on any machine")

_WORKERS = 4  # at most: each has torch and Qt in memory
_FIRST = ("house", "end_to_end", "reliability", "core")  # folders with long tests, which had better not come last
_PATIENCE = 3.0  # seconds a thread may still need to come to its end
_home = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Before anything of the program is imported: no screen, and no file of the user's is touched."""
    sys.dont_write_bytecode = False  # or each worker would rewrite the asserts of all tests,
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # and each process that a test starts compile the program
    _begin_elsewhere(config)
    home = tempfile.mkdtemp(prefix="tuning-fork-tests-")
    config.stash[_home] = home
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["HOME"] = os.environ["USERPROFILE"] = home
    names = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"]
    if "PYTEST_XDIST_WORKER" not in os.environ:
        names.append("MPLCONFIGDIR")  # one for all workers: the first of them lists the fonts
    for name in names:
        folder = Path(home) / name.lower()
        folder.mkdir()
        os.environ[name] = str(folder)
    os.environ["TUNINGFORK_CACHE"] = str(Path(home) / "cache")
    os.environ["TUNINGFORK_HOME"] = str(Path(home) / "Tuning Fork")


def _begin_elsewhere(config: pytest.Config) -> None:
    """Each worker collects from another file on: the others find compiled what it has come to before them."""
    worker, folders = os.environ.get("PYTEST_XDIST_WORKER"), [Path(name) for name in config.args]
    if worker is None or not all(folder.is_dir() for folder in folders):
        return
    files = [str(file) for folder in folders for file in sorted(folder.rglob("test_*.py"))]
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    first = len(files) * int(worker.removeprefix("gw")) // count % max(len(files), 1)
    config.args = files[first:] + files[:first] or config.args


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The whole suite is shared out; what is named is run here, where it can be stepped through, and so are timings."""
    if config.args_source is pytest.Config.ArgsSource.ARGS or _chooses_benchmarks(config.option.markexpr):
        return 0
    return min(_WORKERS, (os.cpu_count() or 1) + 1)  # some wait for windows and processes


def _chooses_benchmarks(expression: str) -> bool:
    return "benchmark" in expression.replace("not benchmark", "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    if config.option.markexpr == "installed" and not os.environ.get("TUNINGFORK"):
        reason = "no program is named: TUNINGFORK=/opt/tuning-fork/tuningfork pytest -m installed"
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))

    def place(item: pytest.Item) -> tuple[int, tuple[str, ...]]:
        parts = item.path.relative_to(here).parts
        return _FIRST.index(parts[0]) if parts[0] in _FIRST else len(_FIRST), parts

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What has been imported stays: looking for garbage needs not look there."""
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash.get(_home, ""), ignore_errors=True)


@pytest.fixture
def qtbot(qapp: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A bot that waits for what happens, however slow the machine, and closes every widget it was given."""
    from waiting import PatientBot

    from app.jobs import unanswering
    from app.jobs.garbage import GarbageCollector

    unanswering.PATIENCE = 120.0  # seconds: on a machine that does much at a time, work may answer late
    collector = GarbageCollector(qapp)
    yield PatientBot(request)
    collector.close()
    collector.deleteLater()


@pytest.fixture(autouse=True)
def _own_preferences(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Preferences that no earlier test has written, and no theme of an earlier test.

    Under the style sheet of a theme, panels take more than twice as long to build.
    """
    if _has_window(request):
        from PySide6.QtCore import QSettings
        from PySide6.QtGui import QPalette
        from PySide6.QtWidgets import QApplication

        application = QApplication.instance()
        if isinstance(application, QApplication) and application.styleSheet():
            application.setStyleSheet("")
            application.setPalette(QPalette())
            application.setProperty("dark", None)
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        folder = tmp_path_factory.mktemp("preferences")
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))


@pytest.fixture(autouse=True)
def _nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A test that provokes a logged warning looks at it and calls ``caplog.clear()``."""
    yield
    records = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    records = [record for record in records if record.name != "matplotlib.font_manager"]  # slow at its first start
    loud = [f"{record.name}: {record.getMessage()}" for record in records if record.levelno >= logging.WARNING]
    if loud:
        pytest.fail("logged: " + "; ".join(loud), pytrace=False)


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set up first and torn down last: the test's own fixtures have cleaned up by then."""
    windowed = _has_window(request)
    threads = set(threading.enumerate())
    objects = {id(thing) for thing in _qt_leftovers()} if windowed else set[int]()
    yield
    left = [thread.name for thread in _python_threads(threads)]
    if windowed:
        left += [_described(thing) for thing in _settled(objects)]
    if left:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)


def _has_window(request: pytest.FixtureRequest) -> bool:
    return bool({"qtbot", "qapp", "qapp_cls"} & set(request.fixturenames))


def _python_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    """New threads that are still there after a while. Threads that Qt made are counted as Qt's."""
    end = time.monotonic() + _PATIENCE
    while True:
        alive = [
            thread
            for thread in threading.enumerate()
            if thread not in before and not isinstance(thread, threading._DummyThread)
        ]
        if not alive or time.monotonic() > end:
            return alive
        time.sleep(0.01)


def _qt_leftovers() -> list[Any]:
    """Running threads, running timers and windows on the screen."""
    from PySide6.QtCore import QThread, QTimer
    from PySide6.QtWidgets import QApplication
    from shiboken6 import Shiboken

    found: list[Any] = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    for thing in Shiboken.getAllValidWrappers():
        at_work = isinstance(thing, QThread) and thing.isRunning() and thing != QThread.currentThread()
        if at_work or (isinstance(thing, QTimer) and thing.isActive() and not thing.isSingleShot()):
            found.append(thing)
    return found


def _settled(before: set[int]) -> list[Any]:
    """What is left after Qt has deleted what it was asked to, and Python what nobody refers to."""
    from PySide6.QtCore import QCoreApplication, QEvent

    end = time.monotonic() + _PATIENCE
    while True:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
        left = [thing for thing in _qt_leftovers() if id(thing) not in before]
        if not left or time.monotonic() > end:
            return left
        del left
        gc.collect()
        time.sleep(0.02)


def _described(thing: Any) -> str:
    name = thing.objectName() or getattr(thing, "windowTitle", str)()
    return f"{type(thing).__name__} “{name}”" if name else repr(thing)


if sys.platform == "win32":  # the house tests print en dashes and the like
    os.environ.setdefault("PYTHONUTF8", "1")
