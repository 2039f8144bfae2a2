"""The job bar shows what runs, and not what is over at once."""

from __future__ import annotations

import time

import pytest
from waiting import wait_for_all_work

from app.jobs.job import Job
from app.widgets.job_bar import JobBar, format_duration
from app.widgets.job_shelf import JobShelf
from core.events import Progress


def endless(stop):
    step = 0
    while not stop.is_set():
        step = min(step + 1, 90)
        time.sleep(0.002)
        yield Progress(step, 100, "files")


@pytest.fixture
def bar(qtbot):
    bar = JobBar()
    qtbot.addWidget(bar)
    return bar


def test_a_running_job_is_shown_with_its_progress_and_can_be_stopped(qtbot, bar):
    job = Job("Importing", endless)
    bar.watch(job)
    assert not bar.isVisible(), "it may be over soon"
    job.start()
    qtbot.waitUntil(bar.isVisible, timeout=2000)
    qtbot.waitUntil(lambda: bar.bar.value() > 100, timeout=2000)
    assert bar.title.text() == "Importing"
    assert "of 100 files" in bar.toolTip()
    assert not bar.pause.isVisible()
    with qtbot.waitSignal(bar.done):
        bar.stop.click()
    assert not bar.isVisible()
    assert bar.job is None


def test_a_short_job_is_never_shown(qtbot, bar):
    def work(stop):
        yield Progress(1, 1)

    shown = []
    job = Job("Short", work)
    bar.watch(job)
    with qtbot.waitSignal(job.ended):
        job.start()
        shown.append(bar.isVisible())
    wait_for_all_work(qtbot)  # and the moment at which it would have been shown is over
    assert not any(shown)
    assert not bar.isVisible()


def test_pausing_and_going_on_by_the_button(qtbot, bar):
    job = Job("Training", endless, pausable=True)
    bar.watch(job)
    with qtbot.waitSignal(job.happened):
        job.start()
    bar.pause.click()
    assert job.state == "paused"
    assert bar.left.text() == "paused"
    bar.pause.click()
    assert job.state == "running"
    job.close()


def test_another_job_takes_the_place_of_the_first(qtbot, bar):
    first, second = Job("First", endless), Job("Second", endless)
    bar.watch(first)
    bar.watch(second)
    first.start()
    first.close()
    assert bar.job is second
    second.stop()
    assert bar.job is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (59, "59 s"), (130, "2:10 min"), (3599.6, "1:00 h"), (3900, "1:05 h")]
)
def test_durations_are_told_as_exactly_as_they_are_known(seconds, words):
    assert format_duration(seconds) == words


def test_the_title_of_a_lone_job_is_whole_in_a_narrow_window(qtbot):
    shelf = JobShelf()
    qtbot.addWidget(shelf)
    shelf.resize(900, shelf.height())
    shelf.show()
    job = Job("Training “fine-tuned, 2 frozen”", endless)
    shelf.watch(job)
    job.start()
    bar = shelf.bars[0]
    qtbot.waitUntil(bar.isVisible, timeout=2000)
    qtbot.waitUntil(lambda: bar.title.shown_lines() == [job.title], timeout=2000)
    job.close()
