"""``tuningfork top``, as a script calls it."""

from __future__ import annotations

import csv

import pytest

from core.cli.main import main
from core.data.cutouts import Cutouts


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_a_figure_and_a_table_of_the_strongest_are_written(survey_run, survey_dataset, tmp_path, capsys) -> None:
    assert run("top", survey_run, survey_dataset, "--layer", "activation2", "-o", tmp_path) == 0
    table, picture = tmp_path / "strongest-activation2.csv", tmp_path / "strongest-activation2.png"
    said = capsys.readouterr().out
    assert str(table) in said and str(picture) in said and "90 galaxies" in said
    assert picture.read_bytes().startswith(b"\x89PNG")
    with Cutouts.open(survey_dataset) as cutouts:
        shapes = dict(zip(cutouts.ids, cutouts.columns["shape"].tolist(), strict=True))
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["filter", "rank", "id", "class", "response", "x", "y"]
    for number in {row["filter"] for row in rows}:
        mine = [row for row in rows if row["filter"] == number]
        assert [int(row["rank"]) for row in mine] == list(range(1, len(mine) + 1))
        responses = [float(row["response"]) for row in mine]
        assert responses == sorted(responses, reverse=True) and responses[-1] > 0
        assert len({row["id"] for row in mine}) == len(mine) <= 9
    for row in rows:
        assert row["class"] == shapes[row["id"]]
        assert 0 <= float(row["x"]) < 24 and 0 <= float(row["y"]) < 24


def test_raw_files_are_searched_as_their_dataset_is(survey_run, survey_dataset, survey, tmp_path, capsys) -> None:
    options = ("--layer", "conv1", "--filters", "2")
    tables = []
    for source, folder in ((survey_dataset, tmp_path / "a"), (survey.folder, tmp_path / "b")):
        assert run("top", survey_run, source, *options, "-o", folder) == 0
        with (folder / "strongest-conv1.csv").open() as file:
            tables.append([(row["filter"], row["id"], row["response"]) for row in csv.DictReader(file)])
    assert sorted(tables[0]) == sorted(tables[1])
    assert "Stamps are made as in training: central 24 px" in capsys.readouterr().err


def test_filters_format_and_smoothing_can_be_chosen(survey_run, survey_dataset, tmp_path) -> None:
    options = ("--layer", "conv1", "--filters", "2, 5", "--format", "svg", "--smooth", 0, "-o", tmp_path / "new")
    assert run("top", survey_run, survey_dataset, *options) == 0
    assert "<svg" in (tmp_path / "new" / "strongest-conv1.svg").read_text()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--layer", "activation9"), "Its layers are: conv1, pool1"),
        (("--layer", "conv1", "--filters", "99"), "filters are 1 to 8"),
        (("--layer", "conv1", "--filters", "0"), "numbers from 1"),
        (("--layer", "conv1", "--filters", "one"), "numbers from 1"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    survey_run, survey_dataset, tmp_path, capsys, options, sentence
) -> None:
    assert run("top", survey_run, survey_dataset, *options, "-o", tmp_path / "new") == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
