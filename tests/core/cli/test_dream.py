"""Dreams on the command line."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from astropy.io import fits

from core.cli.main import main


def run(*arguments) -> int:
    return main([str(argument) for argument in arguments])


def listed(path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_without_a_galaxy_there_is_a_dream_of_each_class(survey_run, survey_dataset, tmp_path, capsys):
    free = ("--set", "steps=30", "--set", "penalty=0", "--set", "galaxy_range=false")
    options = ("--method", "dream", *free, "-o", tmp_path)
    assert run("explain", survey_run, survey_dataset, *options) == 0
    assert "3 dreams" in capsys.readouterr().out
    rows = listed(tmp_path / "dream.csv")
    assert [row["target"] for row in rows] == ["disk", "edge-on", "spheroid"]
    for row in rows:
        with fits.open(tmp_path / row["fits"]) as file:
            assert file[0].data.shape[1:] == (24, 24)
            assert file[0].header["TARGET"] == row["target"]
            assert len(file["CURVE"].data) == 30
        assert float(row["score"]) > float(row["score_before"])
        assert (tmp_path / row["png"]).read_bytes().startswith(b"\x89PNG")


def test_named_galaxies_are_dreamt_of_one_by_one(survey_run, survey_dataset, survey, tmp_path):
    ids, options = survey.ids[3:5], ("--set", "start=galaxy", "--set", "steps=4", "--output-name", "disk")
    assert run("explain", survey_run, survey_dataset, "--id", *ids, "--method", "dream", *options, "-o", tmp_path) == 0
    rows = listed(tmp_path / "dream.csv")
    assert [row["id"] for row in rows] == list(ids)
    assert {row["target"] for row in rows} == {"disk"}


def test_a_deep_dream_begins_with_the_galaxy(survey_run, survey_dataset, survey, tmp_path):
    options = ("--set", "layer=conv2", "--set", "filter=2", "--set", "steps=5", "--id", survey.ids[0])
    assert run("explain", survey_run, survey_dataset, "--method", "deep-dream", *options, "-o", tmp_path) == 0
    (row,) = listed(tmp_path / "deep-dream.csv")
    assert row["target"] == "conv2, filter 2"
    with fits.open(tmp_path / row["fits"]) as file:
        assert file[0].header["CTYPE1"] == "RA---TAN"
        assert not np.array_equal(file[0].data, file["START"].data)
        assert file[0].data.shape == file["START"].data.shape


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--method", "dream", "--set", "start=galaxy"), "--id"),
        (("--method", "dream", "--set", "wished=3"), "not a quantity"),
        (("--method", "deep-dream", "--set", "layer=conv7"), "conv7"),
    ],
)
def test_what_cannot_be_dreamt_is_told_in_a_line(options, sentence, survey_run, survey_dataset, tmp_path, capsys):
    assert run("explain", survey_run, survey_dataset, *options, "-o", tmp_path) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_its_settings_are_printed(capsys):
    assert run("settings", "dream") == 0
    assert "penalty = 0.0002" in capsys.readouterr().out
