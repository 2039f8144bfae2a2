"""Whether the window stays awake: the gaps between the ticks of a 10 ms timer in the running application.

While the program trains, imports and simulates, no gap may be longer than 100 ms, and 99 % of the ticks have to come
within 30 ms. With a million galaxies no gap may be longer than 100 ms either, whatever is asked of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from astropy.io import fits
from galaxies import write_dataset
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QComboBox, QToolButton
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.data.gallery import GalleryPanel
from app.data.work import import_files
from app.jobs.job import Job
from app.shell import work
from app.shell.window import MainWindow
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from core.data.settings import ImportSettings
from core.events import result_of
from core.simulate import demo
from core.simulate.settings import SurveySettings

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

TICK = 10  # ms
LONGEST, USUAL, SHARE = 100.0, 30.0, 0.99  # ms, ms
LEAST_TICKS = 400
MANY = 1_000_000  # galaxies


class Heartbeat(QObject):
    """Notes when its timer ticks."""

    def __init__(self) -> None:
        super().__init__()
        self._times: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(lambda: self._times.append(time.perf_counter()))

    def start(self) -> None:
        """Begin to tick."""
        self._times.clear()
        self._timer.start()

    def gaps(self) -> np.ndarray:
        """Stop, and tell the gaps between ticks in ms."""
        self._timer.stop()
        return np.diff(self._times) * 1000


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset like the demonstration survey, somewhat smaller."""
    path = tmp_path_factory.mktemp("survey") / "survey.h5"
    return result_of(demo.simulate_survey(path, SurveySettings(count=600), threading.Event()))


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A million galaxies of three classes in no order, each a stamp of 4 × 4 pixels."""
    draw = np.random.default_rng(1)
    columns = {
        "shape": np.array(["disk", "edge-on", "spheroid"])[draw.integers(0, 3, MANY)],
        "magnitude": draw.normal(18, 1, MANY),
        "size": draw.lognormal(1, 0.3, MANY),
    }
    ids = [f"{number:018d}" for number in draw.permutation(MANY)]
    images = draw.normal(size=(MANY, 1, 4, 4)).astype(np.float32)
    return write_dataset(tmp_path_factory.mktemp("million") / "million.h5", images, columns, ["shape"], "r", ids=ids)


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, survey: Path) -> Iterator[MainWindow]:
    """The running application, its libraries loaded, a dataset open and the training workspace shown."""
    opened = MainWindow()
    qtbot.addWidget(opened)
    opened.show()
    qtbot.waitExposed(opened)
    warm = work.warm_up()
    opened.session.activity.add(warm)
    with qtbot.waitSignal(warm.ended, timeout=60_000):
        warm.start()
    opened.opening.open_project(tmp_path / "project")
    opened.opening.open_dataset(survey)
    qtbot.mouseClick(cast("QToolButton", opened.buttons["train"]), Qt.MouseButton.LeftButton)
    qtbot.wait(3000)  # panels, thumbnails and the layer table come to rest
    yield opened
    opened.close()


def require_awake(what: str, gaps: np.ndarray) -> None:
    """Print and judge."""
    within = float((gaps <= USUAL).mean())
    print(
        f"\n{what}: {len(gaps)} ticks, longest gap {gaps.max():.0f} ms (bound {LONGEST:.0f}), "
        f"{100 * within:.2f} % within {USUAL:.0f} ms (bound {100 * SHARE:.0f} %), "
        f"99th percentile {np.percentile(gaps, 99):.1f} ms"
    )
    assert len(gaps) >= LEAST_TICKS, "too short to judge"
    assert gaps.max() <= LONGEST
    assert within >= SHARE


def beat_during(qtbot: QtBot, job: Job, window: MainWindow) -> np.ndarray:
    """Run a job in the application until it is over; the gaps meanwhile."""
    heart = Heartbeat()
    ends: list[object] = []
    job.finished.connect(ends.append)
    job.failed.connect(lambda error: pytest.fail(str(error)))
    window.session.activity.add(job)
    heart.start()
    job.start()
    qtbot.waitUntil(lambda: bool(ends), timeout=200_000)
    return heart.gaps()


def test_the_window_at_rest_is_awake(qtbot: QtBot, window: MainWindow) -> None:
    heart = Heartbeat()
    heart.start()
    qtbot.wait(6000)
    require_awake("at rest, on this machine as busy as it is", heart.gaps())


def test_the_window_stays_awake_while_it_trains(qtbot: QtBot, window: MainWindow) -> None:
    training = cast("TrainingPanel", window.docks.panel("training"))
    heart = Heartbeat()
    heart.start()
    settings = cast("SettingsPanel", window.docks.panel("settings"))
    qtbot.mouseClick(settings.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: training.numbers["Best"] not in {"–", "1"}, timeout=120_000)  # two epochs and more
    qtbot.wait(3000)
    gaps = heart.gaps()
    qtbot.mouseClick(training.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.activity.training is None, timeout=60_000)
    require_awake("training", gaps)


def test_the_window_stays_awake_while_it_imports(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "cutouts"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(200):  # real files, each under many names
        path = folder / f"{number:05d}.fits"
        fits.writeto(path, random.normal(size=(64, 64)).astype(np.float32))
        content = path.read_bytes()
        for copy in range(1, 60):
            (folder / f"{number:05d}-{copy:02d}.fits").write_bytes(content)
    gaps = np.concatenate(
        [
            beat_during(qtbot, import_files([folder], tmp_path / f"imported {turn}.h5", ImportSettings(), None), window)
            for turn in range(8)
        ]
    )
    require_awake("importing 12,000 files eight times", gaps)


def test_the_window_stays_awake_while_it_simulates(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNINGFORK_CACHE", str(tmp_path / "cache"))
    job = work.make_demonstration()
    gaps = beat_during(qtbot, job, window)
    require_awake("simulating the demonstration survey", gaps)


@pytest.fixture
def crowded(qtbot: QtBot, window: MainWindow, million: Path) -> GalleryPanel:
    """The gallery of a window with a million galaxies."""
    window.show_workspace("data")
    qtbot.wait(2000)
    window.opening.open_dataset(million)
    qtbot.waitUntil(lambda: len(window.session.dataset.columns.get("id", ())) == MANY, timeout=120_000)
    wait_for_all_work(qtbot)
    return cast("GalleryPanel", window.docks.panel("gallery"))


def require_no_stall(what: str, gaps: np.ndarray) -> None:
    """Print and judge the longest gap alone."""
    print(f"\n{what}: {len(gaps)} ticks, longest gap {gaps.max():.0f} ms (bound {LONGEST:.0f})")
    assert gaps.max() <= LONGEST


def require_no_stalls(qtbot: QtBot, steps: Mapping[str, Callable[[], object]]) -> None:
    """Take steps one after the other, with the work of each done before the next."""
    heart = Heartbeat()
    for what, act in steps.items():
        heart.start()
        act()
        wait_for_all_work(qtbot)
        qtbot.wait(300)
        require_no_stall(what, heart.gaps())


def test_a_million_galaxies_are_opened_without_a_stall(qtbot: QtBot, window: MainWindow, million: Path) -> None:
    window.show_workspace("data")
    qtbot.wait(2000)
    heart = Heartbeat()
    heart.start()
    window.opening.open_dataset(million)
    qtbot.waitUntil(lambda: len(window.session.dataset.columns.get("id", ())) == MANY, timeout=120_000)
    wait_for_all_work(qtbot)
    require_no_stall("opening a million galaxies", heart.gaps())


def test_a_million_galaxies_are_found_and_sorted_without_a_stall(qtbot: QtBot, crowded: GalleryPanel) -> None:
    def choose(box: QComboBox, text: str) -> None:
        box.setCurrentText(text)
        box.activated.emit(box.currentIndex())

    steps = {
        **{f"sorting by {name}": lambda name=name: choose(crowded.order, name) for name in ("id", "shape", "size")},
        "the largest first": lambda: crowded.descending.setChecked(True),
        "finding an id": lambda: crowded.search.setText("000000000000777"),
        "one class": lambda: choose(crowded.classes, "spheroid"),
    }
    require_no_stalls(qtbot, steps)


def test_a_million_galaxies_get_other_parts_and_labels_without_a_stall(qtbot: QtBot, crowded: GalleryPanel) -> None:
    session = crowded._session
    steps = {
        "another seed": lambda: session.draft.edit("seed", 7),
        "two quantities": lambda: session.draft.edit("data.labels", ("magnitude", "size")),
        "classes again": lambda: session.draft.edit("data.labels", ("shape",)),
        "a label": lambda: (crowded.grid._choose(3), crowded._key("1")),
        "all selected": lambda: crowded.grid._select_all(True),
        "none selected": lambda: crowded.grid._select_all(False),
        "a label taken back": session.undo.undo,
    }
    require_no_stalls(qtbot, steps)
