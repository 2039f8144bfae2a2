"""The session: what is open and selected, and that nothing is lost when something cannot be opened."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.jobs.job import Job
from app.session.session import Session
from core.errors import FolderInUse, UnreadableFile
from core.events import Progress


@pytest.fixture
def session(sky_session: Session) -> Session:
    return sky_session


def test_opening_a_dataset_makes_its_first_galaxy_current(session: Session) -> None:
    assert session.current == 0
    assert session.selection.tolist() == []


def test_what_was_open_stays_open_if_something_else_cannot_be_opened(session: Session, tmp_path: Path) -> None:
    before = session.dataset.cutouts
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"nothing of use")
    with pytest.raises(UnreadableFile):
        session.open_cutouts(broken)
    assert session.dataset.cutouts is before
    assert session.current == 0
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


def test_no_panel_hears_of_another_dataset_while_a_row_of_the_old_one_is_current(
    session: Session, survey_dataset: Path
) -> None:
    session.set_current(80)
    session.set_selection(np.array([3, 4]))
    seen: list[tuple[int, int]] = []
    session.dataset.changed.connect(lambda: seen.append((session.current, len(session.selection))))
    session.open_cutouts(survey_dataset)
    assert seen == [(-1, 0)]
    assert session.current == 0


def test_a_dataset_opened_without_a_project_closes_when_a_project_opens(
    qapp: object, survey_dataset: Path, tmp_path: Path
) -> None:
    session = Session()
    session.open_cutouts(survey_dataset)
    session.open_project(tmp_path / "project")
    assert session.dataset.cutouts is None  # its labels would belong to no project
    session.close()


def test_closing_stops_what_is_running_and_frees_the_project(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    def endless(stop):
        while not stop.is_set():
            yield Progress(1, None)

    job = Job("Endless", endless)
    session.activity.add(job)
    job.start()
    session.close()
    assert job.state in {"stopped", "finished"}
    assert session.activity.jobs == []
    shutil.rmtree(tmp_path / "project")  # nothing holds a file in it
