import os
import shutil
import threading

import pytest

from core.errors import FolderInUse, NotPossible, SettingsProblem, UnreadableFile
from core.events import Skipped, result_of
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.project.runs import RunFolder
from core.train import loop, resuming
from core.train.settings import OptimiserSettings, RunSettings, StoppingSettings

NEVER = threading.Event()


def settings(**optimiser):
    return RunSettings(
        network=NetworkSettings(depth=2, channels=4),
        optimiser=OptimiserSettings(batch_size=32, **optimiser),
        stopping=StoppingSettings(patience=0, snapshots=0),
    )


@pytest.fixture
def short(blobs, new_run):
    """A run of two epochs at a constant learning rate."""
    folder = new_run("short")
    result_of(loop.run(settings(epochs=2, decay="constant"), blobs, folder, NEVER))
    return folder


def plain(folder):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in read_history(folder.history_file)]


@pytest.mark.truth("A resumed training", "one that was never interrupted")
@pytest.mark.slow
def test_more_epochs_are_those_that_a_longer_run_would_have_had(short, blobs, new_run):
    longer = new_run("longer")
    result_of(loop.run(settings(epochs=4, decay="constant"), blobs, longer, NEVER))
    assert result_of(resuming.run(short, NEVER, epochs=4)).epochs == 4
    assert plain(short) == plain(longer)
    last = "last/epoch-0004/optimiser.safetensors"
    assert (short.path / last).read_bytes() == (longer.path / last).read_bytes()


def test_a_rate_that_falls_along_the_run_goes_on_above_where_it_had_come_to_and_that_is_said(blobs, new_run):
    folder = new_run()
    result_of(loop.run(settings(epochs=2), blobs, folder, NEVER))
    before = read_history(folder.history_file)[-1]["learning_rate"]
    folder.predictions_file("validation").write_text("id,label\n")  # of an evaluation of the weights so far
    notes = [str(event.problem) for event in resuming.run(folder, NEVER, epochs=4) if isinstance(event, Skipped)]
    assert not folder.predictions_file("validation").exists()
    assert any("schedule now spans" in note for note in notes)
    assert read_history(folder.history_file)[2]["learning_rate"] > before


def test_a_run_that_is_done_is_left_as_it_is(short):
    before = {path: path.read_bytes() for path in (short.best, short.history_file, short.metrics_file)}
    assert result_of(resuming.run(short, NEVER)).epochs == 2
    assert {path: path.read_bytes() for path in before} == before


def test_a_run_that_was_broken_off_before_its_first_epoch_begins_again(short):
    before = plain(short)
    shutil.rmtree(short.last)
    result_of(resuming.run(short, NEVER))
    assert plain(short) == before


def test_a_run_that_stopped_by_itself_goes_on_only_with_more_patience(blobs, new_run):
    folder = new_run()
    wish = settings(epochs=9, learning_rate=1e-9, decay="constant")
    stopping = StoppingSettings(patience=1, min_delta=10, snapshots=0)
    result_of(loop.run(wish.model_copy(update={"stopping": stopping}), blobs, folder, NEVER))
    assert len(plain(folder)) == 2
    with pytest.raises(SettingsProblem, match="without improvement"):
        result_of(resuming.run(folder, NEVER, epochs=12))
    result_of(resuming.run(folder, NEVER, epochs=3, patience=0))
    assert len(plain(folder)) == 3


def test_fewer_epochs_than_there_are_is_refused(short):
    with pytest.raises(SettingsProblem, match="2 epochs already"):
        result_of(resuming.run(short, NEVER, epochs=1))


def test_an_empty_folder_and_a_missing_dataset_are_told(short, tmp_path):
    with pytest.raises(NotPossible, match="no run"):
        result_of(resuming.run(RunFolder(tmp_path), NEVER))
    short.save_data_path(tmp_path / "gone.h5")
    with pytest.raises(NotPossible, match="not where it was"):
        result_of(resuming.run(short, NEVER))


def record_split(run: RunFolder, value: str) -> None:
    """Change the fingerprint of the split in the record of a run's environment."""
    record = run.environment_file.read_text()
    line = next(line for line in record.splitlines() if line.startswith("split = "))
    run.environment_file.write_text(record.replace(line, f"split = {value}"))


def test_a_run_does_not_go_on_with_other_parts(short):
    record_split(short, '"another"')
    with pytest.raises(NotPossible, match="split of the data"):
        result_of(resuming.run(short, NEVER, epochs=3))


def test_a_record_whose_split_is_no_fingerprint_is_told_as_damaged(short):
    record_split(short, "{}")
    with pytest.raises(UnreadableFile, match="fingerprint of its split"):
        result_of(resuming.run(short, NEVER, epochs=3))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_in_place_of_the_log_is_told_and_not_waited_for(short):
    short.log.unlink()
    os.mkfifo(short.log)
    reader = os.open(short.log, os.O_RDONLY | os.O_NONBLOCK)  # so that a failure of this test ends
    try:
        with pytest.raises(FolderInUse, match="no file that could be written to") as caught:
            result_of(resuming.run(short, NEVER, epochs=3))
    finally:
        os.close(reader)
    assert caught.value.where == str(short.log)
