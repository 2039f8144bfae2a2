"""Studies of the move to another survey as a script calls them: what they print, write and return."""

from __future__ import annotations

import csv

import pytest

from core.cli.main import main

QUICK = ["--set", "network.depth=2", "--set", "network.channels=6", "--set", "optimiser.epochs=1"]
QUICK += ["--set", "optimiser.repeats=1"]


def run(*arguments):
    return main([str(argument) for argument in arguments])


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("question", ["transfer", "layers", "sim-to-real"])
def test_a_study_of_a_move_leaves_a_table_and_a_figure_and_goes_on(question, survey_dataset, tmp_path, capsys):
    base, folder = tmp_path / "base", tmp_path / "study"
    assert run("train", survey_dataset, "-o", base, *QUICK) == 0
    command = ("study", question, survey_dataset, "-o", folder, "--seeds", 1)
    few = ("--start-from", base, "--labels", "0,12,24", "--strategies", "as is,scratch,all", "--format", "svg", *QUICK)
    assert run(*command, *few) == 0
    said = capsys.readouterr().out
    assert "as is" in said
    assert "from scratch" in said
    assert "each run kept its last weights" in said
    assert [(row["strategy"], row["labels"]) for row in rows(folder / "study.csv")] == [
        ("all", "12"),
        ("all", "24"),
        ("as is", "0"),
        ("scratch", "12"),
        ("scratch", "24"),
    ]
    assert (folder / "study.svg").exists()
    assert run(*command) == 0, "the settings are those that it was begun with"


@pytest.mark.slow
def test_a_matrix_leaves_a_table_and_a_figure(survey_dataset, tmp_path, capsys):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(survey_dataset.read_bytes())
    folder = tmp_path / "matrix"
    assert run("study", "matrix", survey_dataset, copy, "-o", folder, "--labels", "0,12", "--seeds", 1, *QUICK) == 0
    assert "trained on" in capsys.readouterr().out
    assert len(rows(folder / "study.csv")) == 8


def test_a_study_of_a_move_without_a_network_says_what_is_missing(survey_dataset, tmp_path, capsys):
    assert run("study", "transfer", survey_dataset, "-o", tmp_path / "study") == 1
    assert "network to start from" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()
