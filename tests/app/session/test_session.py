"""The session: what is open, who hears of it, and that nothing is lost when something cannot be opened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from pytestqt.qtbot import QtBot

from app.jobs.job import Job
from app.session.session import Session
from core.data.store import Band, DatasetWriter, Origin
from core.errors import FolderInUse, UnreadableFile
from core.events import Progress


@pytest.fixture
def session(qapp: object, survey_dataset: Path, tmp_path: Path) -> Iterator[Session]:
    opened = Session()
    opened.open_project(tmp_path / "project")
    opened.open_cutouts(survey_dataset)
    yield opened
    opened.close()


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    path = tmp_path / "unlabelled.h5"
    ids = [f"G{row}" for row in range(20)]
    with DatasetWriter(path, (1, 8, 8), [Band("r")], "float32") as writer:
        writer.append(np.zeros((20, 1, 8, 8), np.float32), ids, np.full(20, 0.4), [""] * 20, np.zeros(20))
        writer.finish(Table({"id": ids}), [], Origin("test", "2026-01-01", "drawn", ""), [])
    return path


def test_opening_a_dataset_makes_its_first_galaxy_current_and_draws_the_parts(session: Session) -> None:
    assert session.current == 0
    assert session.split is not None
    parts = np.concatenate([session.split.train, session.split.validation, session.split.test])
    assert sorted(parts.tolist()) == list(range(90))


def test_what_was_open_stays_open_if_something_else_cannot_be_opened(session: Session, tmp_path: Path) -> None:
    before = session.cutouts
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"nothing of use")
    with pytest.raises(UnreadableFile):
        session.open_cutouts(broken)
    assert session.cutouts is before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    with pytest.raises(FolderInUse):
        session.open_project(tmp_path / "full")
    assert session.project is not None
    assert session.project.folder == tmp_path / "project"


def test_a_project_is_open_in_one_session_only(session: Session, tmp_path: Path) -> None:
    other = Session()
    with pytest.raises(FolderInUse):
        other.open_project(tmp_path / "project")
    session.close()
    other.open_project(tmp_path / "project")
    other.close()


def test_another_seed_draws_other_parts_and_says_so(qtbot: QtBot, session: Session) -> None:
    assert session.split is not None
    before = session.split.test.tolist()
    with qtbot.waitSignals([session.split_changed, session.settings_changed]):
        session.set_settings(session.settings.model_copy(update={"seed": 5}))
    assert session.split.test.tolist() != before


def test_settings_that_make_no_parts_are_explained(session: Session) -> None:
    data = session.settings.data.model_copy(update={"group": "nonsense"})
    session.set_settings(session.settings.model_copy(update={"data": data}))
    assert session.split is None
    assert session.split_problem is not None
    assert "nonsense" in session.split_problem.sentence


def test_hand_labels_are_kept_with_the_project(session: Session, survey_dataset: Path, tmp_path: Path) -> None:
    session.set_labels([0, 1], ["merger", ""])
    session.close()
    again = Session()
    again.open_project(tmp_path / "project")
    again.open_cutouts(survey_dataset)
    assert again.label(0) == "merger"
    assert again.label(1) == ""
    assert again.cutouts is not None
    assert again.cutouts.columns["shape"][0] != "merger"  # the dataset itself is never changed
    again.close()


def test_labels_given_to_an_unlabelled_dataset_can_be_learned(qapp: object, unlabelled: Path, tmp_path: Path) -> None:
    session = Session()
    session.open_project(tmp_path / "project")
    session.open_cutouts(unlabelled)
    assert session.split_problem is not None
    session.set_labels(range(10), ["spiral"] * 10)
    session.set_labels(range(10, 20), ["smooth"] * 10)
    assert session.settings.data.labels == ("label",)
    assert session.split is not None
    session.close()


def test_label_columns_of_another_dataset_are_forgotten(session: Session, unlabelled: Path) -> None:
    data = session.settings.data.model_copy(update={"labels": ("width",)})
    session.set_settings(session.settings.model_copy(update={"data": data}))
    session.open_cutouts(unlabelled)
    assert session.settings.data.labels == ()


def test_a_dataset_is_replaced_without_a_moment_of_emptiness(session: Session, unlabelled: Path) -> None:
    seen: list[bool] = []
    session.cutouts_changed.connect(lambda: seen.append(session.cutouts is not None))
    session.open_cutouts(unlabelled)
    assert seen == [True]


def test_closing_stops_what_is_running_and_frees_the_project(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    def endless(stop):
        while not stop.is_set():
            yield Progress(1, None)

    job = Job("Endless", endless)
    session.add_job(job)
    job.start()
    session.close()
    assert job.state in {"stopped", "finished"}
    assert session.jobs == []
    shutil.rmtree(tmp_path / "project")  # nothing holds a file in it
