"""Studies as a script calls them: what they print, write and return."""

from __future__ import annotations

import csv
import re

import pytest

from core.cli.main import main
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.settings import toml
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.train import batch_size
from core.train.settings import RunSettings

QUICK = ["--set", "network.depth=2", "--set", "network.channels=6", "--set", "optimiser.epochs=2"]
QUICK += ["--set", "optimiser.repeats=1"]


def run(*arguments):
    return main([str(argument) for argument in arguments])


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_study_of_sizes_leaves_a_table_and_a_figure_and_goes_on(survey_dataset, tmp_path, capsys):
    folder = tmp_path / "study"
    sizes = ("study", "training-size", survey_dataset, "-o", folder, "--least-steps", 0)
    assert run(*sizes, "--sizes", "10,50%", "--seeds", 2, "--format", "svg", *QUICK) == 0
    said = capsys.readouterr().out
    assert "labels  runs  balanced_accuracy" in said
    assert "needs 4 sizes or more" in said
    assert list(rows(folder / "study.csv")[0])[:2] == ["size", "seed"]
    assert len(rows(folder / "study.csv")) == 4
    assert (folder / "study.png").exists()
    assert (folder / "study.svg").exists()
    assert run(*sizes, "--sizes", "10,50%,all", "--seeds", 2) == 0, "the settings are those that it was begun with"
    assert len(rows(folder / "study.csv")) == 6
    assert run("evaluate", folder / rows(folder / "study.csv")[0]["run"], "--split", "validation") == 0


@pytest.mark.slow
def test_a_search_leaves_settings_for_a_training(survey_dataset, tmp_path, capsys):
    folder = tmp_path / "search"
    knobs = ("--knob", "optimiser.learning_rate=1e-3:1e-1", "--knob", "network.activation=relu,gelu")
    space = tmp_path / "space.toml"
    space.write_text("coarse_epochs = 2\nfine_epochs = 2\n")
    common = ("search", survey_dataset, "-o", folder)
    assert run(*common, "--space", space, *knobs, "--coarse", 3, "--fine", 1, *QUICK) == 0
    said = capsys.readouterr().out
    assert "The best is fine 0" in said
    assert {line.split("  ")[0] for line in said.splitlines() if line.startswith(("fine", "coarse"))} == {
        *(f"{each['stage']} {each['number']}" for each in rows(folder / "trials.csv") if each["state"] == "finished")
    }, "all that was found, not the best alone"
    assert re.search(r"These are the values of coarse \d, which scored \d\.\d+ in at most 2 epochs", said)
    assert "optimiser.learning_rate" in said
    assert len(rows(folder / "trials.csv")) == 4
    assert (folder / "search.png").exists()
    assert run("train", survey_dataset, "-o", tmp_path / "run", "--settings", folder / "best.toml") == 0
    found, used = (toml.load(RunSettings, path) for path in (folder / "best.toml", tmp_path / "run" / "settings.toml"))
    with Cutouts.open(survey_dataset) as cutouts:
        galaxies = len(splits.load(tmp_path / "run" / "split.csv", cutouts.ids).train)
    assert found.optimiser.batch_size is None
    assert used == batch_size.resolve(found, galaxies), "only the automatic batch size has become a number"
    assert run(*common, "--fine", 2) == 0, "the settings are those that it was begun with"
    assert len(rows(folder / "trials.csv")) == 5
    assert run(*common, "--worker") == 0, "there is nothing left to help with"
    assert "0 trials done." in capsys.readouterr().out


@pytest.mark.slow
def test_another_space_is_another_search(survey_dataset, tmp_path, capsys):
    folder = tmp_path / "search"
    knob = ("--knob", "optimiser.learning_rate=1e-3:1e-1")
    assert run("search", survey_dataset, "-o", folder, *knob, "--coarse", 1, "--fine", 0, *QUICK) == 0
    assert run("search", survey_dataset, "-o", folder, "--knob", "network.dropout=0:0.5", "--coarse", 2) == 1
    assert "begun with other settings: space" in capsys.readouterr().err


@pytest.mark.parametrize(("chapter", "model"), [("search", SearchSettings), ("training-size", TrainingSizeSettings)])
def test_the_settings_of_a_study_are_printed_as_a_file(chapter, model, capsys):
    assert run("settings", chapter) == 0
    assert toml.loads(model, capsys.readouterr().out) == model()


def test_a_helper_without_a_search_is_told(survey_dataset, tmp_path, capsys):
    assert run("search", survey_dataset, "-o", tmp_path, "--worker") == 1
    assert "cannot be read" in capsys.readouterr().err
