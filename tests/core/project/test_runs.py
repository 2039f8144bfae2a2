"""A run is a folder anyone can read."""

import csv
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import FolderInUse, NotPossible, UnreadableFile
from core.events import EpochEnded, Scores
from core.project.history import append_history, read_history
from core.project.runs import RunFolder


def epoch(number: int, score: str = "accuracy", loss: float = 0.5) -> EpochEnded:
    train, validation = Scores(loss, {score: 0.75}), Scores(0.6, {score: 0.7})
    return EpochEnded(number, 9, train, validation, 1e-3, 1.5, 1, 0)


def test_a_run_never_takes_the_place_of_another(tmp_path: Path):
    run = RunFolder.create(tmp_path / "run")
    run.settings_file.write_text("")
    with pytest.raises(FolderInUse, match="a run already"):
        RunFolder.create(run.path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(FolderInUse, match="other files already"):
        RunFolder.create(tmp_path / "other")
    with pytest.raises(FolderInUse):
        RunFolder.create(run.settings_file)


def test_a_run_may_begin_in_an_empty_folder(tmp_path: Path):
    assert RunFolder.create(tmp_path).path == tmp_path
    with pytest.raises(FolderInUse):
        RunFolder.create(Path("/dev/null/run"))


def test_the_parts_of_a_run_have_the_promised_names(tmp_path: Path):
    run = RunFolder(tmp_path)
    parts = (run.settings_file, run.environment_file, run.history_file, run.metrics_file, run.split_file, run.best)
    names = [path.name for path in (*parts, run.last, run.card, run.log)]
    assert names == [
        "settings.toml",
        "environment.toml",
        "history.csv",
        "metrics.json",
        "split.csv",
        "best.safetensors",
        "last",
        "card.md",
        "log.txt",
    ]


def test_snapshots_are_listed_by_epoch_and_nothing_else_is(tmp_path: Path):
    run = RunFolder(tmp_path)
    assert run.snapshots() == []
    run.snapshot(1).parent.mkdir()
    for epoch in (10, 2, 12345):
        run.snapshot(epoch).touch()
    for other in (".epoch-0003.safetensors.x1.safetensors", "epoch-old.safetensors", "notes.txt"):
        (run.snapshot(1).parent / other).touch()
    assert run.snapshots() == [(epoch, run.snapshot(epoch)) for epoch in (2, 10, 12345)]
    assert run.snapshot(2) == tmp_path / "snapshots" / "epoch-0002.safetensors"


def test_the_title_leaves_out_the_time():
    assert RunFolder(Path("2025-01-31 10.20.30 deeper (2)")).title == "deeper (2)"
    assert RunFolder(Path("anything")).title == "anything"


def test_the_history_has_the_promised_header_and_one_line_for_each_epoch(tmp_path: Path):
    path = tmp_path / "history.csv"
    for number in (1, 2):
        append_history(path, epoch(number))
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert path.read_text().splitlines()[0] == "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds"
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["val_accuracy"]) == 0.7
    assert float(rows[1]["learning_rate"]) == 1e-3


def test_for_numbers_the_history_holds_r2(tmp_path: Path):
    append_history(tmp_path / "history.csv", epoch(1, "r2"))
    assert (tmp_path / "history.csv").read_text().startswith("epoch,loss,r2,val_loss,val_r2,learning_rate,seconds\n")


@given(st.floats(1e-30, 1e30))
def test_losses_come_back_to_seven_digits(tmp_path_factory: pytest.TempPathFactory, loss: float):
    path = tmp_path_factory.mktemp("run") / "history.csv"
    append_history(path, epoch(1, loss=loss))
    assert math.isclose(read_history(path)[0]["loss"], loss, rel_tol=1e-7)


@pytest.mark.parametrize("cut", [1, 5, 20, 30])
def test_a_line_that_a_kill_left_half_written_is_passed_over(tmp_path: Path, cut: int):
    path = tmp_path / "history.csv"
    for number in (1, 2):
        append_history(path, epoch(number))
    path.write_bytes(path.read_bytes()[:-cut])
    assert [row["epoch"] for row in read_history(path)] == [1]


@pytest.mark.parametrize("cut", [1, 3, 30])
def test_the_history_goes_on_after_a_half_written_line(tmp_path: Path, cut: int):
    path = tmp_path / "history.csv"
    for number in (1, 2):
        append_history(path, epoch(number))
    path.write_bytes(path.read_bytes()[:-cut])
    append_history(path, epoch(2))
    rows = read_history(path)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["seconds"] == 1.5


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"\xff\xfe"])
def test_what_is_no_history_is_told(tmp_path: Path, content: bytes | None):
    path = tmp_path / "history.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableFile):
        read_history(path)


@pytest.mark.parametrize("name", [b"s\xfcd.h5", b"file:a%20b.h5", "süd.h5".encode()])
def test_a_dataset_is_found_again_whatever_its_name(tmp_path: Path, name: bytes):
    data, run = tmp_path / os.fsdecode(name), RunFolder.create(tmp_path / "run")
    try:
        data.touch()
    except OSError:
        pytest.skip("this file system has no such names")
    run.save_data_path(data)
    assert run.find_data() == data


def test_no_run_begins_where_no_network_could_be_read(tmp_path: Path):
    with pytest.raises(NotPossible, match="is not UTF-8 text"):
        RunFolder.create(tmp_path / os.fsdecode(b"m\xfcller") / "run")
    assert list(tmp_path.iterdir()) == []
