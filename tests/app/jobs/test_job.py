"""Jobs: one generator, one thread, every event, one end."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QThread
from waiting import stays, wait_for_a_standstill, wait_for_all_work

from app.jobs.job import Job, Latest
from app.jobs.progress_estimate import ProgressEstimate
from app.jobs.quiet_import import libraries_imported
from core.errors import NotPossible, Stopped
from core.events import BatchEnded, EpochEnded, Progress, Scores


def counting(number, result="done"):
    def work(stop):
        for done in range(number):
            if stop.is_set():
                return "stopped early"
            yield Progress(done + 1, number, "things")
        return result

    return work


def endless(stop):
    step = 0
    while not stop.is_set():
        step += 1
        time.sleep(0.002)
        yield Progress(step, None, "steps")
    raise Stopped


class Witness:
    """Notes every signal of a job or of a Latest in order."""

    def __init__(self, source):
        self.told, self.events, self.deliveries = [], [], 0
        source.happened.connect(self.happened)
        source.finished.connect(lambda result: self.told.append(("finished", result)))
        source.failed.connect(lambda error: self.told.append(("failed", error)))
        source.stopped.connect(lambda: self.told.append(("stopped", None)))
        source.ended.connect(lambda: self.told.append(("ended", None)))

    def happened(self, events):
        assert not self.told, "events come before the end"
        self.deliveries += 1
        self.events += events


def test_a_job_waits_until_the_libraries_are_imported_and_can_be_stopped_meanwhile(qtbot):
    libraries_imported.clear()
    try:
        impatient, stopped, patient = (
            Job("First", counting(1), at_once=True),
            Job("No", counting(1)),
            Job("Yes", counting(1)),
        )
        witnesses = [Witness(job) for job in (impatient, stopped, patient)]
        for job in (stopped, patient, impatient):
            job.start()
        qtbot.waitSignal(impatient.ended).wait()
        with qtbot.waitSignal(stopped.ended):
            stopped.stop()
        assert [witness.told for witness in witnesses] == [
            [("finished", "done"), ("ended", None)],
            [("stopped", None), ("ended", None)],
            [],
        ]
        with qtbot.waitSignal(patient.ended):
            libraries_imported.set()
        assert witnesses[2].told[0] == ("finished", "done")
    finally:
        libraries_imported.set()


def test_all_events_arrive_in_order_in_few_deliveries_before_the_result(qtbot):
    job = Job("Counting", counting(50_000))
    witness = Witness(job)
    with qtbot.waitSignal(job.ended, timeout=20_000):
        job.start()
    assert [event.done for event in witness.events] == list(range(1, 50_001))
    assert witness.deliveries < 200
    assert witness.told == [("finished", "done"), ("ended", None)]
    assert job.state == "finished"
    assert job.progress == Progress(50_000, 50_000, "things")


def test_the_generator_lives_and_is_closed_on_the_workers_thread(qtbot):
    seen = {}

    def work(stop):
        seen["created"] = threading.get_ident()
        try:
            while not stop.is_set():
                yield Progress(1, None)
                time.sleep(0.001)
        finally:
            seen["closed"] = threading.get_ident()

    job = Job("Where", work)
    with qtbot.waitSignal(job.happened):
        job.start()
    job.close()
    assert seen["created"] == seen["closed"] != threading.get_ident()
    assert job.state == "finished"


def test_a_problem_arrives_after_the_events_before_it(qtbot):
    def work(stop):
        yield Progress(1, 2)
        raise NotPossible("The stamp is too small.", "Use fewer blocks.")

    job = Job("Failing", work)
    witness = Witness(job)
    with qtbot.waitSignal(job.ended):
        job.start()
    assert witness.events == [Progress(1, 2)]
    assert witness.told[0][0] == "failed"
    assert witness.told[0][1].remedy == "Use fewer blocks."
    assert job.state == "failed"


def test_a_verb_that_fails_before_its_first_step_fails_as_a_job(qtbot):
    def work(stop):
        raise ValueError("no generator at all")

    job = Job("Failing", work)
    with qtbot.waitSignal(job.failed) as caught:
        job.start()
    assert isinstance(caught.args[0], ValueError)


def test_a_pause_holds_the_work_and_the_clock(qtbot):
    job = Job("Pausing", endless, pausable=True)
    witness = Witness(job)
    with qtbot.waitSignal(job.happened):
        job.start()
    job.pause()
    assert job.state == "paused"
    held = wait_for_a_standstill(qtbot, lambda: len(witness.events))  # the step under way is still delivered
    assert stays(qtbot, lambda: len(witness.events))
    job.resume()
    qtbot.waitUntil(lambda: len(witness.events) > held, timeout=60_000)
    job.close()
    assert witness.told == [("stopped", None), ("ended", None)]


def test_a_paused_job_can_be_stopped_and_still_hands_over_its_result(qtbot):
    def work(stop):
        while not stop.is_set():
            yield Progress(1, None)
            time.sleep(0.001)
        return "best weights"

    job = Job("Pausing", work, pausable=True)
    with qtbot.waitSignal(job.happened):
        job.start()
    job.pause()
    with qtbot.waitSignal(job.finished) as caught:
        job.stop()
    assert caught.args == ["best weights"]


def test_a_job_that_cannot_pause_does_not(qtbot):
    job = Job("Straight on", endless)
    with qtbot.waitSignal(job.happened):
        job.start()
    job.pause()
    assert job.state == "running"
    job.close()


def test_a_job_whose_owner_goes_away_ends_by_itself_and_closes_its_files(qtbot):
    closed = threading.Event()

    def work(stop):
        try:
            while not stop.is_set():
                yield Progress(1, None)
                time.sleep(0.001)
        finally:
            closed.set()

    owner = QObject()
    job = Job("Orphan", work, owner)
    with qtbot.waitSignal(job.happened):
        job.start()
    owner.deleteLater()
    qtbot.waitUntil(closed.is_set, timeout=60_000)


def test_no_thread_is_left_after_the_end(qtbot, qapp):
    before = len(qapp.findChildren(QThread))
    job = Job("Short", counting(3))
    with qtbot.waitSignal(job.ended):
        job.start()
    qtbot.waitUntil(lambda: len(qapp.findChildren(QThread)) == before, timeout=60_000)
    job.deleteLater()


def test_a_job_that_never_ran_ends_when_it_is_stopped(qtbot):
    job = Job("Never", endless)
    witness = Witness(job)
    job.stop()
    job.start()
    assert witness.told == [("stopped", None), ("ended", None)]
    assert job.state == "stopped"


def test_closing_inside_a_delivery_ends_the_job_once(qtbot):
    job = Job("Closing", endless)
    witness = Witness(job)
    job.happened.connect(lambda _events: job.close())
    with qtbot.waitSignal(job.ended):
        job.start()
    wait_for_all_work(qtbot)
    assert witness.told == [("stopped", None), ("ended", None)]


def test_of_many_quick_requests_only_the_last_one_delivers(qtbot):
    def request(name):
        def work(stop):
            for step in range(100):
                if stop.is_set():
                    raise Stopped
                time.sleep(0.002)
                yield Progress(step, 100)
            return name

        return work

    latest = Latest()
    witness = Witness(latest)
    for name in range(6):
        latest.start(Job(str(name), request(name)))
        qtbot.wait(10)
    qtbot.waitUntil(lambda: bool(witness.told), timeout=5000)
    qtbot.waitUntil(lambda: not latest.is_running, timeout=5000)
    assert witness.told == [("finished", 5), ("ended", None)]


def test_a_request_that_nobody_waits_for_any_more_is_not_even_begun(qtbot):
    begun = []

    def request(name):
        def work(stop):
            begun.append(name)
            yield from endless(stop)

        return work

    latest = Latest()
    for name in range(100):
        latest.start(Job(str(name), request(name)))
    qtbot.waitUntil(lambda: 99 in begun, timeout=5000)
    latest.close()
    assert begun == [0, 99]


def test_a_stopped_request_delivers_no_late_answer(qtbot):
    def work(stop):
        while not stop.is_set():
            time.sleep(0.001)
            yield Progress(1, None)
        return "too late"

    latest = Latest()
    witness = Witness(latest)
    job = Job("Late", work)
    with qtbot.waitSignal(latest.happened):
        latest.start(job)
    latest.stop()
    qtbot.waitUntil(lambda: not latest.is_running, timeout=60_000)
    assert witness.told == [("stopped", None), ("ended", None)]


def test_an_open_file_that_comes_too_late_is_closed(qtbot, tmp_path):
    (tmp_path / "file").write_text("something")
    opened = []

    def work(stop):
        yield Progress(0, None)
        stop.wait()
        opened.append((tmp_path / "file").open())
        return opened[0]

    latest = Latest()
    with qtbot.waitSignal(latest.happened):
        latest.start(Job("Late", work))
    latest.stop()
    qtbot.waitUntil(lambda: not latest.is_running)
    assert opened[0].closed


def test_a_request_made_by_the_answer_of_the_one_before_is_run(qtbot):
    latest = Latest()
    answers = []

    def answered(result):
        answers.append(result)
        if result == "first":
            latest.start(Job("Second", counting(2, "second")))

    latest.finished.connect(answered)
    latest.start(Job("First", counting(2, "first")))
    qtbot.waitUntil(lambda: answers == ["first", "second"], timeout=60_000)
    qtbot.waitUntil(lambda: not latest.is_running, timeout=60_000)


@pytest.mark.parametrize(("done", "left"), [(25, 30.0), (50, 10.0)])
def test_time_left_follows_from_the_pace(done, left):
    estimate = ProgressEstimate()
    estimate.note(Progress(0, 100, "files"), 100.0)
    estimate.note(Progress(done, 100, "files"), 110.0)
    assert estimate.seconds_left(110.0) == pytest.approx(left)
    assert estimate.seconds_left(115.0) == pytest.approx(left - 5)
    assert estimate.fraction == done / 100


def test_a_new_stage_starts_its_own_clock():
    estimate = ProgressEstimate()
    estimate.note(Progress(1000, 1000, "galaxies"), 1.0)
    estimate.note(Progress(0, 10, "files"), 50.0)
    estimate.note(Progress(5, 10, "files"), 60.0)
    assert estimate.seconds_left(60.0) == pytest.approx(10.0)


def test_the_time_left_of_a_training_follows_from_its_epochs():
    estimate = ProgressEstimate()
    scores = Scores(1.0)
    estimate.note(Progress(5, 10, "galaxies"), 1.0)
    estimate.note(EpochEnded(1, 5, scores, scores, 1e-3, 8.0, 1, 0), 10.0)
    assert estimate.seconds_left(10.0) == pytest.approx(32.0)
    estimate.note(BatchEnded(2, 5, 10, 0.5, 1e-3, 100.0), 14.0)
    assert estimate.seconds_left(14.0) == pytest.approx(12 * 0.7 / 0.3)
    assert estimate.progress == Progress(1, 5, "epochs")


def test_a_stage_that_is_done_is_not_the_whole_job():
    estimate = ProgressEstimate()
    estimate.note(Progress(9, 10, "galaxies"), 1.0)
    assert estimate.fraction == 0.9
    estimate.note(Progress(10, 10, "galaxies"), 2.0)
    assert (estimate.fraction, estimate.seconds_left(2.0)) == (None, None)
    assert estimate.progress == Progress(10, 10, "galaxies")


def test_what_follows_the_last_epoch_has_its_own_clock():
    estimate = ProgressEstimate()
    scores = Scores(1.0)
    for epoch in (1, 2):
        estimate.note(BatchEnded(epoch, 1, 10, 0.5, 1e-3, 100.0), 10.0 * epoch - 5)
        estimate.note(EpochEnded(epoch, 2, scores, scores, 1e-3, 8.0, epoch, 0), 10.0 * epoch)
    assert estimate.seconds_left(20.0) == pytest.approx(0)
    estimate.note(Progress(0, 400, "galaxies"), 20.0)
    estimate.note(Progress(100, 400, "galaxies"), 25.0)
    assert estimate.seconds_left(25.0) == pytest.approx(15)


def test_a_finished_preparation_is_not_the_progress_of_the_first_epoch():
    estimate = ProgressEstimate()
    estimate.note(Progress(10, 10, "galaxies"), 1.0)
    estimate.note(BatchEnded(1, 3, 10, 0.5, 1e-3, 100.0), 2.0)
    assert (estimate.fraction, estimate.progress, estimate.seconds_left(2.0)) == (None, None, None)


def test_work_that_tells_nothing_has_no_time_left(qtbot, tmp_path: Path):
    job = Job("Silent", counting(0))
    with qtbot.waitSignal(job.ended):
        job.start()
    assert job.time_left is None
    assert job.fraction is None


def test_qt_gives_back_every_reference_that_it_takes(qapp):
    # PySide 6.12.0 on Python 3.11 loses one to True at each emission, until the interpreter aborts
    job = Job("Emitting", counting(0))
    before = sys.getrefcount(True), sys.getrefcount(None)
    for _ in range(150):
        job.happened.emit([])
        job.setParent(None)
    after = sys.getrefcount(True), sys.getrefcount(None)
    assert after[0] > before[0] - 75
    assert after[1] > before[1] - 75


def test_work_in_python_hands_the_interpreter_to_the_window_within_a_millisecond(qtbot):
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval(0.005)  # Python's own, with which one tick of the window waits several times as long
        job = Job("counting", counting(3))
        with qtbot.waitSignal(job.ended):
            job.start()
        assert sys.getswitchinterval() <= 0.0011
    finally:
        sys.setswitchinterval(before)
