"""Power cuts: the real program, killed without warning again and again, and then left alone."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import PROGRAM, environment, in_process, program
from safetensors.torch import load_file

from core.project.history import read_history
from core.project.runs import RunFolder

KILLS = 20
EPOCHS = 120
QUICK = ["network.depth=2", "network.channels=8", f"optimiser.epochs={EPOCHS}", "stopping.patience=0", "device=cpu"]
QUICK += ["optimiser.repeats=1"]
OPTIONS = [word for change in QUICK for word in ("--set", change)]


def start(*arguments: object, cwd: Path) -> subprocess.Popen[bytes]:
    command = [*PROGRAM, *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, cwd=cwd, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def epochs_done(run: RunFolder) -> int:
    return len(read_history(run.history_file)) if run.history_file.exists() else 0


def assert_same(one: RunFolder, other: RunFolder) -> None:
    """Weights of the best, last and kept epochs, the optimiser's memory, history and split, bit by bit."""
    last = f"last/epoch-{EPOCHS:04d}"
    names = ["best.safetensors", f"{last}/network.safetensors", f"{last}/optimiser.safetensors"]
    kept = [str(path.relative_to(one.path)) for _, path in one.snapshots()]
    assert kept == [str(path.relative_to(other.path)) for _, path in other.snapshots()]
    for name in names + kept:
        mine, theirs = load_file(one.path / name), load_file(other.path / name)
        assert mine.keys() == theirs.keys()
        for key, tensor in mine.items():
            assert tensor.numpy().tobytes() == theirs[key].numpy().tobytes(), (name, key)
    histories = [[{**row, "seconds": 0} for row in read_history(run.history_file)] for run in (one, other)]
    assert histories[0] == histories[1]
    assert one.split_file.read_bytes() == other.split_file.read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal 9")
def test_a_run_killed_twenty_times_ends_with_the_weights_of_an_undisturbed_one(survey_dataset, tmp_path):
    began = time.monotonic()
    undisturbed, run = RunFolder(tmp_path / "undisturbed"), RunFolder(tmp_path / "run")
    with start("train", survey_dataset, "-o", "undisturbed", *OPTIONS, cwd=tmp_path) as process:
        while not undisturbed.has_whole_epoch and process.poll() is None:
            time.sleep(0.01)
        starting = time.monotonic() - began
        assert process.wait() == 0
    each = (time.monotonic() - began - starting) / (EPOCHS - 1)
    chance, reached = random.Random(1), [0]
    for number in range(KILLS):
        first = ("train", survey_dataset, "-o", "run", *OPTIONS)
        with start(*(("resume", "run") if run.settings_file.exists() else first), cwd=tmp_path) as process:
            if number % 4 == 0:  # at any moment of the start
                time.sleep(chance.uniform(0, starting))
            else:  # or of the epochs
                while epochs_done(run) <= reached[-1] and process.poll() is None:
                    time.sleep(0.001)
                time.sleep(chance.uniform(0, 3 * each))
            process.kill()
        reached.append(epochs_done(run))
    program("resume", "run", cwd=tmp_path)
    assert reached[-1] < EPOCHS
    assert len(set(reached)) > KILLS / 2, "kills at all stages of the run"
    assert not list(run.path.rglob(".*"))
    assert_same(undisturbed, run)


@pytest.mark.slow
@pytest.mark.installed
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal 9")
def test_a_run_killed_once_ends_with_the_weights_of_an_undisturbed_one(survey_dataset, tmp_path):
    few = [*OPTIONS, "--set", "optimiser.epochs=12"]
    run, undisturbed = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "undisturbed")
    with start("train", survey_dataset, "-o", "run", *few, cwd=tmp_path) as process:
        while epochs_done(run) < 2 and process.poll() is None:
            time.sleep(0.005)
        process.kill()
    assert process.returncode != 0, "killed in the middle"
    in_process("resume", run.path)
    in_process("train", survey_dataset, "-o", undisturbed.path, *few)
    one, other = (load_file(folder.best) for folder in (run, undisturbed))
    assert all((one[name] == other[name]).all() for name in other)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_of_two_trainings_into_one_folder_and_two_that_go_on_one_does_it_and_the_other_hears_which(
    survey_dataset, tmp_path
):
    few = [*OPTIONS, "--set", "optimiser.epochs=8"]
    run, undisturbed = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "undisturbed")
    in_process("train", survey_dataset, "-o", undisturbed.path, *few)
    commands = [("train", survey_dataset, "-o", "run", *few)] * 2, [("resume", "run", "--epochs", "12")] * 2
    for number, pair in enumerate(commands):
        both = [start(*command, cwd=tmp_path) for command in pair]
        assert sorted(process.wait() for process in both) == [0, 1]
        if number == 0:
            histories = [[{**row, "seconds": 0} for row in read_history(r.history_file)] for r in (run, undisturbed)]
            assert histories[0] == histories[1]
    assert epochs_done(run) == 12
