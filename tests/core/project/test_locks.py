"""One program at a time writes to a folder; who does is said, and nothing is written to a folder that was moved."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest

from core.cli.main import main
from core.errors import FolderInUse, FolderMoved
from core.evaluate import evaluation
from core.events import result_of
from core.project import locks, runs
from core.project.files import append_durably, make_folder, write_atomically
from core.project.project import Project, require_not_in_open, require_not_open
from core.project.runs import RunFolder

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parents[2] / "golden" / "decision"
HOLD = """
import sys
from pathlib import Path
from core.errors import FolderInUse
from core.project.project import Project, require_not_in_open, require_not_open
from core.project.runs import RunFolder
place = Path(sys.argv[1])
try:
    kept = eval(sys.argv[2])
except FolderInUse as problem:
    print(problem.sentence, flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""


class Other:
    """Another process that locks a folder, and holds it until it is killed."""

    def __init__(self, folder: Path, what: str = "RunFolder(place).lock().acquire()") -> None:
        command = [sys.executable, "-c", HOLD, str(folder), what]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run")


@pytest.fixture
def other(run: RunFolder) -> Iterator[Other]:
    process = Other(run.path)
    yield process
    process.kill()


def test_who_writes_to_a_folder_is_said(run: RunFolder, other: Other) -> None:
    assert other.said == "held"
    with pytest.raises(FolderInUse) as refused:
        run.lock().acquire()
    assert f"“tuningfork”, process {other.process.pid} on this machine, since 20" in refused.value.sentence
    with pytest.raises(FolderInUse, match="being written"):
        run.rename("another name")


def test_a_killed_program_never_blocks(run: RunFolder, other: Other) -> None:
    other.kill()
    with run.lock():
        pass
    assert list(run.path.iterdir()) == [], "the lock's file is gone"


def test_another_program_hears_of_ours(run: RunFolder) -> None:
    with run.lock():
        asking = Other(run.path)
        assert asking.said.startswith("This run is being written by")
        assert f"process {os.getpid()} on this machine" in asking.said
        asking.kill()


def test_where_the_file_system_has_no_locks_a_file_stands_for_one(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_named: object) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock, "lock_descriptor", refuse)
    with run.lock():
        with pytest.raises(FolderInUse, match=f"process {os.getpid()}") as refused:
            run.lock().acquire()
        assert str(run.path / ".run.lock.held") in refused.value.remedy
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with run.lock():
        held = (run.path / ".run.lock.held").read_text()
    (run.path / ".run.lock.held").write_text(held.replace(str(os.getpid()), str(dead.pid)))
    with run.lock():
        assert str(os.getpid()) in (run.path / ".run.lock.held").read_text(), "taken over from the dead process"
    assert list(run.path.iterdir()) == []


def test_a_folder_that_the_lock_has_made_goes_with_it_if_nothing_was_written(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "new").lock():
        assert (tmp_path / "new").is_dir()
    assert not (tmp_path / "new").exists()


def test_a_lock_may_be_waited_for(run: RunFolder, other: Other) -> None:
    other.process.kill()
    lock = run.lock()
    lock.acquire(wait=30)
    lock.release()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no folder with open files")
def test_nothing_is_written_where_a_locked_folder_was(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    project = Project.create(here, "project")
    try:
        here.rename(there)
        for write in (
            lambda: write_atomically(here / "window.json", "{}"),
            lambda: write_atomically(here / "splits" / "a.csv", ""),
            lambda: append_durably(here / "labels" / "a.jsonl", "{}"),
            lambda: make_folder(here / "studies" / "one"),
            lambda: project.labels(here / "datasets" / "a.h5").record("G1", "shape", "", "round"),
            lambda: project.new_run("first"),
            lambda: RunFolder(here / "runs" / "second").lock().acquire(),
            lambda: write_atomically(Path(os.path.relpath(here / "window.json")), "{}"),
        ):
            with pytest.raises(FolderMoved) as refused:
                write()
            assert refused.value.place == (there if sys.platform.startswith("linux") else refused.value.place)
        assert not here.exists(), "no ghost of the project"
        here.mkdir()  # another folder of the same name is not the project
        with pytest.raises(FolderMoved):
            write_atomically(here / "window.json", "{}")
        here.rmdir()
        there.rename(here)
        write_atomically(here / "window.json", "{}")
    finally:
        project.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no folder with open files")
def test_nothing_is_written_where_a_locked_folder_was_removed(tmp_path: Path) -> None:
    here = tmp_path / "here"
    project = Project.create(here, "project")
    journal = project.labels(here / "datasets" / "a.h5")
    journal.record("G0", "shape", "", "round")
    try:
        shutil.rmtree(here)
        for again in (False, True):
            for write in (
                lambda: write_atomically(here / "window.json", "{}"),
                lambda: make_folder(here / "runs" / "one"),
                lambda: journal.record("G1", "shape", "", "round"),
                lambda: project.new_run("first"),
                lambda: RunFolder(here / "runs" / "second").lock().acquire(),
                project.require_unmoved,
                project.follow,
            ):
                with pytest.raises(FolderMoved, match="moved or removed") as refused:
                    write()
                assert refused.value.place is None
            assert journal.replay()["G1", "shape"] == "round", "kept in memory"
            assert (list(here.iterdir()) == []) if again else not here.exists(), "no ghost of the project"
            here.mkdir(exist_ok=True)  # another folder of the same name is not the project
    finally:
        project.close()
    assert list(here.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no folder with open files")
def test_whatever_could_not_be_written_because_the_folder_was_moved_is_reported_as_that(run: RunFolder) -> None:
    with pytest.raises(FolderMoved, match="“run” was moved or removed"), run.lock():
        run.path.rename(run.path.with_name("elsewhere"))
        run.log.open("a")
    assert not list(run.path.with_name("elsewhere").iterdir()), "the lock's file is removed where it is now"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="where it is now is known on Linux and macOS")
def test_a_project_goes_on_at_its_new_place_still_locked(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "here", "project")
    (tmp_path / "here").rename(tmp_path / "there")
    project.follow()
    assert project.folder == tmp_path / "there"
    project.labels(project.dataset_path("a")).record("G1", "shape", "", "round")
    with pytest.raises(FolderInUse):
        Project.open(tmp_path / "there")
    project.close()
    Project.open(tmp_path / "there").close()


def test_a_lock_whose_file_was_removed_is_taken_again(run: RunFolder) -> None:
    with run.lock():
        (run.path / ".run.lock").unlink()
        write_atomically(run.path / "a", "")
        asking = Other(run.path)
        assert f"process {os.getpid()}" in asking.said
        asking.kill()


def test_a_command_writes_into_no_project_that_a_window_has_open(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    Project.create(folder, "project").close()
    window = Other(folder, "Project.open(place)")
    for command in (["train", "survey.h5", "-o"], ["resume"], ["search", "survey.h5", "-o"]):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            assert main([*command, str(folder / "runs" / "new")]) == 1
        assert "This project is open in another window" in said.getvalue()
        assert f"process {window.process.pid} on this machine" in " ".join(said.getvalue().split())
    assert list((folder / "runs").iterdir()) == []
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        assert main(["import", str(tmp_path), "-o", str(folder / "datasets" / "survey.h5")]) == 1
    assert "This project is open in another window" in said.getvalue()
    window.kill()
    require_not_open(folder / "runs" / "new")


def test_a_command_changes_nothing_of_what_a_window_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.create(tmp_path / "project", "project").close()
    shutil.copytree(next((GOLDEN / "runs").iterdir()), tmp_path / "project" / "runs" / "first")
    shutil.copyfile(GOLDEN / "datasets" / "survey.h5", tmp_path / "project" / "d.h5")
    monkeypatch.chdir(tmp_path / "project")
    before = sorted(Path().rglob("*"))
    window = Other(tmp_path / "project", "Project.open(place)")
    for command in (
        "evaluate runs/first --keep",
        "explain runs/first d.h5 --method occlusion -o datasets",
        "explain runs/first d.h5 --method occlusion -o runs/first/maps",
        "predict runs/first d.h5 -o datasets/predictions.csv",
        "top runs/first d.h5 --layer 1 -o datasets/top",
        "believe runs/first d.h5 -o runs/first/believe",
        "rate d.h5 -o studies/rates.png",
        "demo -o runs/demonstration",
    ):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            assert main(command.split()) == 1
        assert "This project is open in another window" in said.getvalue()
    require_not_in_open(tmp_path / "project" / "maps" / "g0.png")  # of no concern to the window
    window.kill()
    assert sorted(Path().rglob("*")) == before


def test_a_run_is_not_evaluated_while_another_program_trains_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_PATIENCE", 0.0)
    run = RunFolder(tmp_path / "run")
    shutil.copytree(next((GOLDEN / "runs").iterdir()), run.path)
    before = {file.name: file.read_bytes() for file in run.path.iterdir() if file.is_file()}
    training = Other(run.path)
    with pytest.raises(FolderInUse, match=f"This run is being written by .*process {training.process.pid}"):
        result_of(evaluation.run(run, GOLDEN / "datasets" / "survey.h5"))
    training.kill()
    result_of(evaluation.run(run, GOLDEN / "datasets" / "survey.h5", keep=True))
    assert before.keys() <= {file.name for file in run.path.iterdir()}
    assert not (run.path / ".run.lock").exists()


def test_the_workers_of_a_window_write_into_its_project(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", "project")
    require_not_open(project.folder / "runs" / "mine")
    worker = Other(project.folder / "runs" / "new", "require_not_open(place)")
    assert worker.said == "held"
    worker.kill()
    project.close()


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\n" + b"[" * 4000, b"\n[1]", b"\n\xff", b'\n{"host": 1}', b"\n{" * 9]
)
def test_a_damaged_lock_file_names_no_holder(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lock").write_bytes(content)
    assert locks.read_holder(tmp_path / "lock") is None
