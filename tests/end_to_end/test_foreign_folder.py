"""The program at work in a folder that holds modules of the same names, as an astronomer's own project may."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import INSTALLED, PROGRAM, ROOT, environment

from core.studies.workers import Crew

CHANGES = ("network.depth=2", "network.channels=8", "optimiser.epochs=1", "optimiser.repeats=1", "device=cpu")
SMALL = [word for change in CHANGES for word in ("--set", change)]
SCRIPT = ROOT / "packaging" / "pyinstaller" / "launch.py"  # like the installed script: its folder is searched, not ours


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder with a package and modules that are not the program's and cannot take their place."""
    (tmp_path / "core").mkdir()
    for name in ("core/__init__.py", "app.py", "resources.py"):
        (tmp_path / name).write_text(f"raise ImportError('this is the {name} of somebody else')\n", encoding="utf-8")
    return tmp_path


def started(command: list[object], cwd: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=variables, capture_output=True, text=True, encoding="utf-8", check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_a_worker_finds_the_program_and_says_what_it_misses(survey_dataset, foreign, monkeypatch):
    monkeypatch.chdir(foreign)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with Crew(survey_dataset, foreign, 1) as crew:  # there is no search in this folder
        deadline = time.monotonic() + 60
        while crew.is_at_work and time.monotonic() < deadline:
            time.sleep(0.02)
        assert "The settings cannot be read" in str(crew.problem)


@pytest.mark.slow
@pytest.mark.installed
def test_the_workers_of_a_search_find_the_program_and_nobody_elses(survey_dataset, foreign):
    few = ["--coarse", 3, "--fine", 0, "--workers", 2, "--knob", "optimiser.learning_rate=1e-3:1e-1"]
    program = PROGRAM if INSTALLED else [sys.executable, SCRIPT]
    command = [*program, "search", survey_dataset, "-o", "search", *few, *SMALL]
    started(command, foreign, environment())
    for log in (foreign / "search" / "workers").iterdir():
        assert "somebody else" not in log.read_text("utf-8")
    with (foreign / "search" / "trials.csv").open(encoding="utf-8", newline="") as file:
        trials = list(csv.DictReader(file))
    assert [trial["state"] for trial in trials] == ["finished"] * len(trials)
    assert len(trials) == 3


@pytest.mark.slow
def test_a_training_in_two_processes_finds_the_program(survey_dataset, foreign):
    torchrun = [sys.executable, "-P", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]
    done = started([*torchrun, SCRIPT, "train", survey_dataset, "-o", "run", *SMALL], foreign, environment())
    assert done.stdout.count("Run: run") == 1
    assert (foreign / "run" / "best.safetensors").exists()


def test_the_window_started_as_a_module_finds_its_own_core(foreign):
    (foreign / "app.py").unlink()  # Python itself would run that one
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    done = started([sys.executable, "-m", "app", "--help"], foreign, variables)
    assert "open the demonstration survey" in done.stdout
