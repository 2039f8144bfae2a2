"""Temporary files: what a killed program left is removed, and what another one is writing is not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from core.project import temporary
from core.project.files import atomic_path, write_atomically

ROOT = Path(__file__).parents[3]
BEGIN = """
import sys
from pathlib import Path
from core.project.files import atomic_path
with atomic_path(Path(sys.argv[1])) as written:
    print(written.name, flush=True)
    sys.stdin.read()
"""
LONG_AGO = time.time() - 30 * 86400


def age(path: Path) -> Path:
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that has not looked into any folder yet."""
    monkeypatch.setattr(temporary, "_swept", {})


def test_what_a_killed_program_left_goes_with_the_next_write_beside_it(tmp_path: Path, fresh: None) -> None:
    target = tmp_path / "survey.h5"
    command = [sys.executable, "-c", BEGIN, str(target)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        name = other.stdout.readline().strip()
        assert name.endswith(".h5"), "a writer may go by the extension"
        write_atomically(tmp_path / "one", "")
        temporary.sweep(tmp_path)
        assert (tmp_path / name).exists(), "it is being written"
        other.kill()
    temporary.sweep_at_rest(tmp_path)
    assert (tmp_path / name).exists(), "once a minute is enough"
    temporary.sweep_tree(tmp_path.parent)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_killed_writer_is_gone_even_if_nobody_asks_for_its_end_and_a_program_that_runs_on_looks_again(
    tmp_path: Path, fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / ".mine.onnx"
    mine.write_text("a hidden file of the user")
    write_atomically(tmp_path / "first", "")  # this program has looked here
    command = [sys.executable, "-c", BEGIN, str(tmp_path / "network.onnx")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        name = other.stdout.readline().strip()
        other.kill()
        process = psutil.Process(other.pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert (tmp_path / name).exists()
        monkeypatch.setattr(temporary, "_REST", 0.0)  # a minute later
        write_atomically(tmp_path / "network.onnx", "whole")
        assert not (tmp_path / name).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.onnx", "first", "network.onnx"]


def test_folders_of_one_name_are_each_looked_at(tmp_path: Path, fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "other"):
        maps = tmp_path / name / "maps"
        maps.mkdir(parents=True)
        left = maps / ".tuningfork-00000000-1-0123abcd.png"
        left.touch()
        age(left)
        monkeypatch.chdir(maps.parent)
        temporary.sweep_at_rest(Path("maps"))
        assert not left.exists()


def test_a_thread_that_has_the_number_of_a_killed_program_is_not_taken_for_it(tmp_path: Path, fresh: None) -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        left = tmp_path / f".tuningfork-{temporary._machine()}-{thread.native_id}-0123abcd.h5"
        left.touch()
        temporary.sweep(tmp_path)
        assert not left.exists()
    finally:
        ended.set()
        thread.join()


def test_a_file_of_another_machine_is_left_alone_until_nobody_has_changed_it_for_a_week(
    tmp_path: Path, fresh: None
) -> None:
    elsewhere = tmp_path / ".tuningfork-00000000-1-0123abcd.h5"
    elsewhere.touch()
    write_atomically(tmp_path / "one", "")
    assert elsewhere.exists()
    age(elsewhere)
    temporary.sweep(tmp_path)
    assert not elsewhere.exists()


def test_files_of_the_user_are_never_touched(tmp_path: Path, fresh: None) -> None:
    names = [".hidden", ".git", ".settings.toml.backup01.txt", ".mine.csv.abcdefgh.csv", ".tuningfork-notes"]
    names += [".mine.h5.original.h5", "tuningfork-00000000-1-0123abcd"]
    for name in names:
        age_of = tmp_path / name
        age_of.write_bytes(b"\x89HDF\r\n\x1a\n\x03\x08\x08\x00")  # a file that was closed
        age(age_of)
    write_atomically(tmp_path / "one", "")
    assert {path.name for path in tmp_path.iterdir()} == {*names, "one"}


def test_what_earlier_versions_left_goes_after_a_week(tmp_path: Path, fresh: None) -> None:
    half = {
        ".metrics.json.k3_x81ab.json": b"{",
        ".best.safetensors.00000000.safetensors": b"",
        ".survey.h5.abcd1234.h5": b"\x89HDF\r\n\x1a\n\x03\x08\x08\x01",  # open for writing
    }
    for name, content in half.items():
        (tmp_path / name).write_bytes(content)
        age(tmp_path / name)
    (tmp_path / ".history.csv.k3_x81ab.csv").touch()  # of today
    temporary.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".history.csv.k3_x81ab.csv"]


def test_a_folder_that_a_killed_program_used_goes_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with temporary.temporary_folder() as mine:
        name = mine.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-")
    (tmp_path / name).mkdir()
    (tmp_path / name / "galaxies.h5").touch()
    monkeypatch.setattr(temporary, "_swept", {})
    with temporary.temporary_folder() as mine:
        assert list(tmp_path.iterdir()) == [mine]
    assert list(tmp_path.iterdir()) == []


def test_the_name_is_short_however_long_that_of_the_file_is(tmp_path: Path) -> None:
    with atomic_path(tmp_path / f"{'銀' * 80}.h5") as written:  # 243 of 255 bytes
        written.touch()
    assert len(list(tmp_path.iterdir())) == 1
