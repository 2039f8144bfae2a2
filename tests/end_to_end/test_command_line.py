"""The real program in its own process, from files to figures."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import PROGRAM, ROOT, environment, in_process, program

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.installed
def test_from_a_folder_of_cutouts_to_overlays(survey, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    quick = ["--set", "network.depth=2", "--set", "network.channels=8", "--set", "optimiser.epochs=4"]
    quick += ["--set", "optimiser.repeats=1"]
    labels = ["--catalogue", survey.catalogue, "--label", "shape"]
    done = program("import", survey.folder, "-o", "data.h5", *labels, cwd=tmp_path)
    assert "labels: shape" in done.stdout
    in_process("train", "data.h5", "-o", "run", "--seed", 3, *quick)
    capsys.readouterr()
    in_process("evaluate", "run", "--json")
    assert json.loads(capsys.readouterr().out)["part"] == "test"
    in_process("predict", "run", survey.folder, "-o", "predictions.csv")
    with (tmp_path / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(survey.ids)
    in_process("explain", "run", "data.h5", "--id", rows[0]["id"], "--method", "occlusion", "-o", "maps")
    assert len(list((tmp_path / "maps").glob("*.png"))) == 1
    in_process("train", "data.h5", "-o", "tuned", "--start-from", "run", "--freeze-blocks", 1, *quick)
    assert json.loads((tmp_path / "tuned" / "metrics.json").read_text())["baseline"]["accuracy"] >= 0


@pytest.mark.slow
@pytest.mark.installed
def test_two_runs_with_the_same_seed_are_equal(survey_dataset, tmp_path):
    quick = ["--set", "network.depth=2", "--set", "network.channels=8", "--set", "optimiser.epochs=2"]
    quick += ["--set", "optimiser.repeats=1"]
    for name in ("a", "b"):
        program("train", survey_dataset, "-o", name, "--seed", 3, *quick, cwd=tmp_path)
    histories = [
        [line.rpartition(",")[0] for line in (tmp_path / name / "history.csv").read_text().splitlines()]
        for name in ("a", "b")
    ]
    assert histories[0] == histories[1]


@pytest.mark.slow
@pytest.mark.installed
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal to one process")
def test_an_interrupted_training_keeps_its_best_network(survey_dataset, tmp_path):
    command = [*PROGRAM, "train", str(survey_dataset), "-o", "run", "--set", "optimiser.epochs=5000"]
    command += ["--set", "network.depth=2", "--set", "network.channels=8", "--set", "optimiser.repeats=1"]
    command += ["--set", "stopping.patience=0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        end = time.monotonic() + 100
        while not (tmp_path / "run" / "best.safetensors").exists() and run.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err.decode()
    assert "stopped by you" in out.decode()
    in_process("evaluate", tmp_path / "run", survey_dataset)


@pytest.mark.installed
def test_without_a_screen_no_window_is_tried(tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has machines without a screen")
    done = program(cwd=tmp_path, status=1)
    assert "no screen" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_commands_are_those_that_the_entry_knows():
    from app.command import COMMANDS, wants_window
    from core.cli.main import parser

    (commands,) = [action.choices for action in parser()._actions if action.dest == "command" or action.choices]
    assert set(commands) == set(COMMANDS)
    assert wants_window([])
    assert wants_window(["--demo"])
    assert wants_window(["--no-reopen"])
    assert wants_window([str(ROOT)])
    assert not wants_window(["train", "--help"])
    assert not wants_window(["--version"])
    assert not wants_window(["no such file"])


@pytest.mark.slow
@pytest.mark.installed
@pytest.mark.timeout(1200)
def test_the_demonstration_walks_the_whole_road(tmp_path):
    done = program("--demo", cwd=tmp_path)
    assert "no screen" in done.stderr
    folder = tmp_path / "tuning-fork-demo"
    numbers = json.loads((folder / "metrics.json").read_text())
    first, unadapted, tuned = (part["accuracy"] for part in numbers.values())
    assert first > 0.85
    assert tuned > unadapted
    for picture in ("curves.png", "curves-fine-tuned.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    assert len(list((folder / "overlays").glob("*.png"))) >= 6


@pytest.mark.slow
@pytest.mark.installed
@pytest.mark.timeout(900)
@pytest.mark.skipif(not SHARED.exists(), reason="the real galaxies are not here")
@pytest.mark.parametrize("kind", ["sdss_gz1_fits", "sdss_gz1"])
def test_real_galaxies_are_learned(kind, tmp_path):
    source = SHARED / kind
    catalogue = next(source / name for name in ("catalogue.csv", "labels.csv") if (source / name).exists())
    done = program("import", source, "-o", "data.h5", "--catalogue", catalogue, cwd=tmp_path)
    assert " 0 unusable" in done.stdout
    program("train", "data.h5", "-o", "run", "--set", "optimiser.epochs=6", cwd=tmp_path)
    judged = json.loads(program("evaluate", "run", "--json", cwd=tmp_path).stdout)
    assert judged["balanced_accuracy"] > 1.2 / len(judged["classes"])
