"""HDF5 files on which the library never ends, breaks down or takes all memory are found out in another process."""

import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest
from program import PROGRAM

from core.cli.main import main
from core.data import containers, importing, store, trial
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.errors import Stopped, UnreadableFile
from core.events import result_of


@pytest.fixture(autouse=True)
def _is_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the time that the program allows."""
    monkeypatch.setattr(trial, "_COMPUTING", 0.1)


def write(path: Path, texts: int = 20) -> Path:
    """Images with a column of texts."""
    with h5py.File(path, "w") as file:
        file["images"] = np.random.default_rng(0).normal(size=(texts, 8, 8))
        named = np.array([f"galaxy {number:02d}" for number in range(texts)], object)
        file.create_dataset("name", data=named, dtype=h5py.string_dtype())
    return path


def damage(path: Path) -> Path:
    """Let the heap of texts lead back to itself: the library runs in a circle."""
    content = bytearray(path.read_bytes())
    sizes = [at for at in range(content.find(b"GCOL"), len(content) - 8, 8) if content[at + 8 : at + 15] == b"galaxy "]
    content[sizes[10] : sizes[10] + 8] = struct.pack("<q", -16)
    path.write_bytes(content)
    return path


def test_a_file_on_which_the_library_runs_for_ever_is_one_problem_of_an_import(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    damage(write(tmp_path / "in" / "bad.h5"))
    write(tmp_path / "in" / "good.h5")
    report = result_of(importing.run(tmp_path / "in", tmp_path / "out.h5", ImportSettings()))
    assert report.imported == 20
    assert [(problem.where, "come to an end" in problem.sentence) for problem in report.unusable] == [("bad.h5", True)]


def test_a_dataset_that_never_opens_is_refused_by_the_window_and_the_commands(tmp_path: Path) -> None:
    path = damage(write(tmp_path / "bad.h5"))
    for _ in range(2):
        with pytest.raises(UnreadableFile, match="does not come to an end"):
            Cutouts.open(path)
    assert not store.is_dataset(path)


def test_a_file_is_tried_again_once_it_has_changed_and_what_we_wrote_is_not_tried(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5")
    trial.require_openable(path)
    damage(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(UnreadableFile):
        trial.require_openable(path)
    trial.trust(path)
    trial.require_openable(path)


def test_waiting_for_a_file_can_be_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_COMPUTING", 1e9)
    path = damage(write(tmp_path / "a.h5"))
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    with pytest.raises(Stopped):
        trial.require_openable(path, stop)
    timer.join()
    with pytest.raises(UnreadableFile):
        monkeypatch.setattr(trial, "_COMPUTING", 0.1)
        trial.require_openable(path)


def test_texts_that_are_repeated_without_end_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_COMPUTING", 10)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.ones((4096, 4, 4), np.uint8)
        file.create_dataset("name", data=np.array(["x" * 60_000, *[""] * 4095], object), dtype=h5py.string_dtype())
        place = file["name"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place : place + 16 * 4096] = content[place : place + 16] * 4096  # each of the texts is the first
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="more memory"):
        containers.inspect_container(path)


def test_a_text_that_claims_more_than_the_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_COMPUTING", 10)
    path = write(tmp_path / "a.h5")
    with h5py.File(path) as file:
        place = file["name"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place : place + 4] = struct.pack("<I", 3 * 2**30)  # the length of the first one
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="more memory"):
        trial.require_openable(path)


def test_a_file_that_is_none_of_hdf5_starts_no_process(tmp_path: Path) -> None:
    trial.end()
    (tmp_path / "a.h5").write_bytes(b"nothing of the kind" * 1000)
    with pytest.raises(UnreadableFile, match="not an HDF5 file"):
        containers.inspect_container(tmp_path / "a.h5")
    assert not trial._processes


def test_the_process_ends_with_the_program(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5")
    program = (
        "import sys\nfrom core.data import trial\ntrial.require_openable(sys.argv[1])\n"
        "print(trial._processes[0]._process.pid, flush=True)\nimport os\nos._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True, timeout=60)
    for _ in range(600):
        if not psutil.pid_exists(int(done.stdout)):
            return
        threading.Event().wait(0.1)
    pytest.fail("it is still there")


def test_the_program_itself_becomes_the_process_that_tries_files_as_the_frozen_one_must(tmp_path: Path) -> None:
    asked = json.dumps(str(write(tmp_path / "a.h5"))).encode() + b"\n"
    made = subprocess.run([*PROGRAM, trial.COMMAND], input=asked, capture_output=True, check=True, timeout=60)
    assert made.stdout == b"ready\ndone\n"


def test_a_command_that_is_given_an_hdf5_file_starts_the_process_at_once(tmp_path: Path) -> None:
    trial.end()
    assert main(["import", str(tmp_path), "-o", str(tmp_path / "new.h5"), "-q"]) == 1
    assert not trial._processes
    (tmp_path / "a.h5").write_bytes(b"of another kind")
    assert main(["import", str(tmp_path / "a.h5"), "-o", str(tmp_path / "new.h5"), "-q"]) == 1
    assert trial._processes
