"""Training, explaining and stopping again and again: threads, open files and memory stay as they are."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.jobs.job import Job
from core.data.cutouts import Cutouts
from core.events import BatchEnded, Event
from core.explain import methods
from core.explain.methods import METHODS
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.train import loop
from core.train.settings import RunSettings

SMALL = RunSettings.model_validate(
    {
        "network": {"depth": 2, "channels": 6, "dense": 8},
        "optimiser": {"epochs": 200, "batch_size": 16},
        "device": "cpu",
        "precision": "float32",
    }
)


def cycle(qtbot: QtBot, galaxies: Path, trained: Path, place: Path) -> None:
    """Begin a training and an explanation of many steps, wait for the first news of the one, and stop both."""
    run = next((trained / "runs").iterdir())
    with Cutouts.open(galaxies) as cutouts:
        image = cutouts.images[0]
    predictor = Predictor.load(run)
    news: list[Event] = []
    training = Job("Training", lambda stop: loop.run(SMALL, galaxies, RunFolder.create(place), stop))
    settings = METHODS["occlusion"].settings.model_validate({"stride": 1})
    explaining = Job("Why", lambda stop: methods.explain("occlusion", predictor, image, None, settings, stop))
    training.happened.connect(news.extend)
    for job in (training, explaining):
        job.start()
    qtbot.waitUntil(lambda: any(isinstance(event, BatchEnded) for event in news))
    for job in (training, explaining):
        job.close()
        job.deleteLater()


def held() -> tuple[int, int]:
    """Threads and open files of this process."""
    gc.collect()
    process = psutil.Process()
    return threading.active_count(), process.num_fds() if hasattr(process, "num_fds") else len(process.open_files())


def after(cycles: range, qtbot: QtBot, galaxies: Path, trained: Path, folder: Path) -> tuple[int, int]:
    for number in cycles:
        cycle(qtbot, galaxies, trained, folder / f"run {number}")
    return held()


def test_work_that_is_stopped_leaves_no_thread_and_no_file_open(
    qtbot: QtBot, galaxies: Path, trained: Path, tmp_path: Path
):
    before = after(range(1), qtbot, galaxies, trained, tmp_path)
    assert after(range(1, 3), qtbot, galaxies, trained, tmp_path) == before


@pytest.mark.slow
def test_a_hundred_times_need_no_more_memory_than_fifty(qtbot: QtBot, galaxies: Path, trained: Path, tmp_path: Path):
    before = after(range(50), qtbot, galaxies, trained, tmp_path)
    memory = psutil.Process().memory_info().rss
    threads, files = after(range(50, 100), qtbot, galaxies, trained, tmp_path)
    assert threads <= before[0]
    assert files <= before[1]
    assert psutil.Process().memory_info().rss < memory + 20e6, "less than half a megabyte each time"
