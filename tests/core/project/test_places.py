"""A project may be moved, copied and renamed, and its runs renamed: each run still finds what it was made of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.project import places
from core.project.project import Project
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a run, and another one that starts from it."""
    made = Project.create(tmp_path / "old place" / "survey", "survey")
    first = made.new_run("first")
    first.best.write_text("weights")
    (made.folder / "datasets" / "galaxies.h5").write_text("galaxies")
    made.close()
    return made.folder


def fine_tuned(project: Path, start: Path, data: Path) -> RunFolder:
    """As a training leaves it."""
    run = RunFolder.create(project / "runs" / "2026-11-27 13.59.37 second")
    settings = toml.replace_values(RunSettings(), {"transfer.start_from": str(start)})
    run.settings_file.write_text(toml.dumps(settings.with_paths_for(run.path)))
    run.save_data_path(data)
    return run


def start_of(run: RunFolder) -> Path:
    return Path(toml.load(RunSettings, run.settings_file).transfer.start_from)


@pytest.mark.parametrize("inside", ["", "best.safetensors"])
def test_a_moved_project_finds_the_earlier_run_and_the_dataset(project: Path, tmp_path: Path, inside: str) -> None:
    (first,) = (project / "runs").glob("* first")
    run = fine_tuned(project, first / inside, project / "datasets" / "galaxies.h5")
    assert str(tmp_path) not in run.settings_file.read_text() + run.data_file.read_text()
    assert start_of(run) == first / inside
    moved = tmp_path / "new place" / "renamed"
    shutil.copytree(project, moved)  # the original is still there, and is not what is meant
    copied = RunFolder(moved / "runs" / run.name)
    assert start_of(copied) == moved / "runs" / first.name / inside
    assert copied.data == (moved / "datasets" / "galaxies.h5").resolve()


def test_a_renamed_run_is_found_by_the_second_in_which_it_began(project: Path) -> None:
    (first,) = (project / "runs").glob("* first")
    run = fine_tuned(project, first, project / "datasets" / "galaxies.h5")
    renamed = RunFolder(first).rename("a better name")
    assert start_of(run) == renamed.path


def test_an_old_run_with_a_full_path_is_found_where_its_project_is_now(project: Path, tmp_path: Path) -> None:
    (first,) = (project / "runs").glob("* first")
    run = RunFolder.create(project / "runs" / "2026-01-01 00.00.00 old")
    settings = toml.replace_values(RunSettings(), {"transfer.start_from": str(first)})
    run.settings_file.write_text(toml.dumps(settings))
    moved = tmp_path / "elsewhere"
    project.rename(moved)
    assert start_of(RunFolder(moved / "runs" / run.name)) == moved / "runs" / first.name


def test_a_dataset_outside_the_project_stays_where_it_is(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "archive.h5"
    outside.write_text("galaxies")
    run = fine_tuned(project, project, outside)
    moved = tmp_path / "far" / "away" / "survey"
    shutil.copytree(project, moved)
    assert RunFolder(moved / "runs" / run.name).data == outside.resolve()


def test_what_is_gone_is_not_replaced_by_something_of_another_name(project: Path) -> None:
    run = RunFolder.create(project / "runs" / "2026-01-01 00.00.00 old")
    assert places.find("../first", run.path) is None
    assert places.find("/gone/runs/2020-01-01 00.00.00 first", run.path) is None
