"""What runs: who hears of it, and what must not be disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.job import Job
from app.session.activity import Activity
from core.events import Progress
from core.project.runs import RunFolder


def waiting_job() -> Job:
    def run(stop):
        while not stop.is_set():
            stop.wait(0.01)
            yield Progress(1, None)

    return Job("Waiting", run)


@pytest.fixture
def activity(qapp: object) -> Iterator[Activity]:
    activity = Activity()
    yield activity
    activity.close()


def test_a_training_is_not_to_be_disturbed_until_it_has_ended(qtbot: QtBot, activity: Activity, tmp_path: Path) -> None:
    job, run = waiting_job(), RunFolder.create(tmp_path / "run")
    with qtbot.waitSignals([activity.job_started, activity.training_begun]):
        activity.begin_training(job, run)
    assert (activity.at_work, activity.training, activity.training_folder) == ("a training", job, run.path)
    with qtbot.waitSignal(job.ended):
        job.stop()
    assert (activity.at_work, activity.training, activity.training_folder) == ("", None, None)
    assert activity.jobs == []


def test_a_study_is_not_to_be_disturbed_and_any_other_job_is(qtbot: QtBot, activity: Activity) -> None:
    other, study = waiting_job(), waiting_job()
    activity.add(other)
    assert activity.at_work == ""
    activity.add_study(study)
    assert activity.at_work == "a study"
    for job in (other, study):
        job.start()
    with qtbot.waitSignal(study.ended):
        study.stop()
    assert activity.at_work == ""
    assert activity.jobs == [other]


def test_closing_stops_all_of_it(qtbot: QtBot, activity: Activity) -> None:
    jobs = [waiting_job(), waiting_job()]
    for job in jobs:
        activity.add(job)
        job.start()
    activity.close()
    assert activity.jobs == []
    assert all(job.state in {"stopped", "finished"} for job in jobs)
