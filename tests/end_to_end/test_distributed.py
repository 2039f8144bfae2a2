"""One training in two processes, started by torchrun, against the same training in one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from program import environment, program
from safetensors.torch import load_file

from core.project.history import read_history
from core.project.runs import RunFolder

SMALL = ["network.depth=2", "network.channels=8", "optimiser.epochs=3", "device=cpu", "precision=float32"]
HARD = [*SMALL, "optimiser.batch_size=13", "network.dropout=0.4", "augmentation.noise=0.1"]  # of uneven shares
# Adam divides each gradient by its size, so that rounding of gradients near zero would be seen whole: SGD
HARD += ["optimiser.method=sgd", "optimiser.class_weights=true", "network.residual=true"]


def options(changes: list[str]) -> list[str]:
    return [word for change in changes for word in ("--set", change)]


def torchrun(*arguments: object, cwd, processes: int = 2, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command += ["-m", "app.command", *(str(argument) for argument in arguments)]
    done = subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert (done.returncode != 0) == (status != 0), done.stdout + done.stderr
    return done


def assert_alike(one: RunFolder, two: RunFolder) -> None:
    mine, theirs = load_file(one.best), load_file(two.best)
    assert mine.keys() == theirs.keys()
    for name, values in mine.items():
        np.testing.assert_allclose(theirs[name], values, rtol=2e-4, atol=2e-5, err_msg=name)
    for before, after in zip(*(read_history(run.history_file) for run in (one, two)), strict=True):
        for name in before.keys() - {"seconds"}:
            assert after[name] == pytest.approx(before[name], rel=1e-4), name
    assert one.split_file.read_bytes() == two.split_file.read_bytes()


@pytest.mark.slow
def test_two_processes_come_to_the_numbers_of_one(survey_dataset, tmp_path):
    program("train", survey_dataset, "-o", "one", *options(HARD), cwd=tmp_path)
    done = torchrun("train", survey_dataset, "-o", "two", *options(HARD), cwd=tmp_path)
    assert done.stdout.count("Run: two") == 1, "one of them speaks"
    assert_alike(RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two"))
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}
    again = torchrun("resume", "two", "--epochs", 4, "--json", cwd=tmp_path)
    assert '"epochs": 4' in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fixmatch", "dann", "mmd"])
def test_two_processes_learn_from_galaxies_without_labels_as_one_does(method, survey_dataset, tmp_path):
    wish = [*HARD, "data.train_limit=30", f"unlabelled.method={method}", "unlabelled.confidence=0.34"]
    wish += ["unlabelled.per_labelled=2"]
    program("train", survey_dataset, "-o", "one", *options(wish), cwd=tmp_path)
    torchrun("train", survey_dataset, "-o", "two", *options(wish), cwd=tmp_path)
    assert_alike(RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two"))


@pytest.mark.slow
def test_more_processes_than_galaxies_in_a_batch_are_refused_in_words(survey_dataset, tmp_path):
    few = options([*SMALL, "optimiser.batch_size=2", "network.normalise=none"])
    done = torchrun("train", survey_dataset, "-o", "run", *few, cwd=tmp_path, processes=3, status=1)
    assert "cannot be shared by 3 processes" in done.stderr
