"""The command that says which galaxies should be labelled next."""

import csv

import numpy as np
import pytest
from galaxies import write_dataset

from core.cli.main import main
from core.data.cutouts import Cutouts


@pytest.fixture
def half(survey_dataset, tmp_path):
    """The survey, of which every second galaxy has no label."""
    with Cutouts.open(survey_dataset) as cutouts:
        shape = np.where(np.arange(90) % 2 == 0, cutouts.columns["shape"], "")
        return write_dataset(tmp_path / "half.h5", cutouts.images[:], {"shape": shape}, ["shape"], "r", ids=cutouts.ids)


def test_it_prints_why_and_writes_a_table_that_it_may_write_again(half, survey_run, tmp_path, capsys):
    table = tmp_path / "next.csv"
    command = ["suggest", str(survey_run), str(half), "-n", "4", "--method", "diverse", "-o", str(table), "-q"]
    assert main(command) == 0
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    printed = capsys.readouterr().out
    assert [row["suggested"] for row in rows] == ["1", "2", "3", "4"]
    assert sum(float(rows[0][f"p_{name}"]) for name in ("disk", "edge-on", "spheroid")) == pytest.approx(1, abs=1e-4)
    assert {row["method"] for row in rows} == {"diverse"}
    for row in rows:
        assert row["id"] in printed
        assert row["why"].startswith("Its label would change the network")
    assert main(command) == 0


def test_what_cannot_be_is_said_in_a_line(half, tmp_path, capsys):
    assert main(["suggest", str(half), "--method", "uncertain", "-q"]) == 1
    assert "A network is needed" in capsys.readouterr().err
    assert main(["suggest", str(half), "--method", "random", "-n", "3", "-q"]) == 0
    assert "Drawn at random" in capsys.readouterr().out
    assert main(["suggest", str(half), "--method", "guess", "-q"]) == 1
    assert "typical" in capsys.readouterr().err


@pytest.mark.slow
def test_the_study_prints_the_gain_and_goes_on(survey_dataset, survey_run, tmp_path, capsys):
    command = ["study", "suggestions", str(survey_dataset), "-o", str(tmp_path / "study"), "--counts", "10,20"]
    command += ["--start-from", str(survey_run), "--seeds", "1", "--least-steps", "0"]
    command += ["--set", "optimiser.epochs=1", "-q"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "gain over random" in said
    assert "20 labels (auto)" in said
    assert (tmp_path / "study" / "study.png").exists()
    assert main(command) == 0


def test_options_of_one_study_are_not_dropped_in_silence_by_another(survey_dataset, survey_run, tmp_path, capsys):
    command = ["study", "training-size", str(survey_dataset), "-o", str(tmp_path / "study"), "-q"]
    with pytest.raises(SystemExit):
        main([*command, "--start-from", str(survey_run)])
    assert "unrecognized arguments: --start-from" in capsys.readouterr().err
    command[1] = "suggestions"
    assert main([*command, "--counts", "ten"]) == 1
    assert "not a list of numbers" in capsys.readouterr().err
