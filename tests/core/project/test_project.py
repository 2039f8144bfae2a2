"""A project is a folder that can be moved; one program at a time writes to it."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.errors import FolderInUse, UnreadableFile, WrongVersion
from core.project.files import atomic_path
from core.project.project import Project
from core.project.runs import RunFolder, distinct_titles


def test_a_project_is_found_again_where_it_was_moved(tmp_path: Path):
    project = Project.create(tmp_path / "here", "Müller’s galaxies")
    project.dataset_path("first").write_bytes(b"")
    run = project.new_run("deep")
    run.settings_file.write_text("")
    project.close()
    shutil.move(tmp_path / "here", tmp_path / "there")
    again = Project.open(tmp_path / "there")
    assert again.name == "Müller’s galaxies"
    assert again.datasets() == [tmp_path / "there" / "datasets" / "first.h5"]
    assert [found.path.name for found in again.runs()] == [run.path.name]
    again.close()
    assert str(tmp_path) not in (tmp_path / "there" / "project.toml").read_text()


def test_another_window_is_told_that_the_project_is_open(tmp_path: Path):
    project = Project.create(tmp_path / "project", "one")
    with pytest.raises(FolderInUse, match="open in another window"):
        Project.open(project.folder)
    project.close()
    Project.open(project.folder).close()


def test_another_program_is_told_that_the_project_is_open(tmp_path: Path):
    project = Project.create(tmp_path / "project", "one")
    code = (
        "import sys; from pathlib import Path; from core.project.project import Project; "
        "from core.errors import FolderInUse\n"
        "try: Project.open(Path(sys.argv[1])).close()\n"
        "except FolderInUse: print('in use')"
    )

    def asked() -> str:
        command = [sys.executable, "-c", code, str(project.folder)]
        root = Path(__file__).parents[3]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env=os.environ)
        return done.stdout.strip()

    assert asked() == "in use"
    project.close()
    assert asked() == ""


def test_a_folder_with_other_files_is_not_taken_over(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(FolderInUse, match="other files"):
        Project.create(tmp_path, "one")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_project_is_not_made_twice(tmp_path: Path):
    Project.create(tmp_path / "project", "one").close()
    with pytest.raises(FolderInUse, match="already"):
        Project.create(tmp_path / "project", "two")
    again = Project.open_or_create(tmp_path / "project", "two")
    assert again.name == "one"
    again.close()


ODD = ("format = inf\nname = 'x'", "format = nan\nname = 'x'")


@pytest.mark.parametrize("content", ODD)
def test_a_project_whose_format_is_no_number_opens_with_a_problem(tmp_path: Path, content: str):
    (tmp_path / "project.toml").write_text(content)
    (tmp_path / "runs").mkdir()
    project = Project.open(tmp_path)
    assert isinstance(project.problem, UnreadableFile)
    assert project.name == tmp_path.name
    project.close()


@pytest.mark.parametrize("content", [None, "format =", "name = 'x'", "format = 'one'\nname = 'x'", "\x00", *ODD])
def test_what_is_no_project_is_told(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / "project.toml").write_text(content)
    with pytest.raises(UnreadableFile):
        Project.open(tmp_path)


def test_a_project_of_a_newer_program_is_left_alone(tmp_path: Path):
    (tmp_path / "project.toml").write_text("format = 2\nname = 'x'\n")
    with pytest.raises(WrongVersion):
        Project.open(tmp_path)


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path):
    project = Project.create(tmp_path / "project", "one")
    paths = {project.new_run("deep: 5/6?").path for _ in range(3)}
    assert len(paths) == 3
    assert all(path.name.split(" ", 2)[2].startswith("deep- 5-6-") for path in paths)
    assert project.runs() == []  # nothing was started in them
    project.close()


def test_a_run_whose_name_is_taken_gets_a_number(tmp_path: Path):
    with contextlib.closing(Project.create(tmp_path / "project", "one")) as project:
        made = [project.new_run(name) for name in ("first", "First", "first (2)", "second", "first")]
        assert [run.title for run in made] == ["first", "First (2)", "first (2) (2)", "second", "first (3)"]


def test_runs_of_one_name_are_told_apart_by_their_time():
    names = ("2026-01-02 03.04.05 deep", "2026-01-02 03.04.06 wide", "2026-02-02 03.04.05 deep", "foreign")
    told = distinct_titles([RunFolder(Path(name)) for name in names])
    assert told == ["deep (2026-01-02 03:04:05)", "wide", "deep (2026-02-02 03:04:05)", "foreign"]


def test_runs_are_listed_oldest_first(tmp_path: Path):
    project = Project.create(tmp_path / "project", "one")
    for name in ("2025-02-01 10.00.00 b", "2025-01-01 10.00.00 c", "2025-03-01 10.00.00 a"):
        (project.folder / "runs" / name).mkdir()
        (project.folder / "runs" / name / "settings.toml").touch()
    assert [run.title for run in project.runs()] == ["c", "b", "a"]
    project.close()


def test_each_dataset_has_its_own_hand_labels(tmp_path: Path):
    project = Project.create(tmp_path / "project", "one")
    project.labels(project.dataset_path("a")).record("1", "shape", "", "round")
    assert project.labels(project.dataset_path("b")).replay() == {}
    assert project.labels(project.dataset_path("a")).replay() == {("1", "shape"): "round"}
    project.close()


def test_a_dataset_that_is_being_written_is_not_listed(tmp_path: Path):
    project = Project.create(tmp_path / "project", "one")
    with atomic_path(project.dataset_path("a")) as temporary:
        temporary.touch()
        assert project.datasets() == []
    assert project.datasets() == [project.dataset_path("a")]
    project.close()


def test_a_project_may_be_closed_by_another_thread(tmp_path: Path):
    project = Project.create(tmp_path / "project", "one")
    closing = threading.Thread(target=project.close)
    closing.start()
    closing.join()
    Project.open(tmp_path / "project").close()


def test_a_folder_that_cannot_be_since_a_file_is_in_its_place_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderInUse):
        Project.create(tmp_path / "file" / "project", "one")
