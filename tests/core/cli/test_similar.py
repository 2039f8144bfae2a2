"""``tuningfork similar``, ``unusual`` and ``duplicates``, as a script calls them."""

from __future__ import annotations

import csv

import pytest
from astropy.table import Table
from galaxies import write_dataset

from core.cli.main import main
from core.data.cutouts import Cutouts


def run(*arguments):
    return main([str(argument) for argument in arguments])


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_most_alike_are_printed_and_written_the_nearest_first(
    survey_run, survey_dataset, survey, tmp_path, capsys
) -> None:
    table = tmp_path / "alike.csv"
    assert run("similar", survey_run, survey_dataset, "--to", survey.ids[0], "-n", 6, "-o", table) == 0
    said = capsys.readouterr()
    rows = read(table)
    assert list(rows[0]) == ["id", "distance", "closer_than"] and len(rows) == 6
    distances = [float(row["distance"]) for row in rows]
    assert distances == sorted(distances) and survey.ids[0] not in [row["id"] for row in rows]
    assert all(row["id"] in said.out for row in rows) and "“first”, epoch" in said.err
    shapes = dict(zip(survey.ids, survey.shapes, strict=True))
    assert sum(shapes[row["id"]] == survey.shapes[0] for row in rows) >= 4
    assert (
        run("similar", survey_run, survey_dataset, "--to", *survey.ids[:3], "--distance", "nearest", "-o", table) == 0
    )
    assert len(read(table)) == 20


def test_the_strangest_are_printed_and_all_are_written(survey_run, survey_dataset, survey, tmp_path, capsys) -> None:
    table = tmp_path / "strange.fits"
    assert run("unusual", survey_run, survey_dataset, "-n", 3, "-o", table) == 0
    said = capsys.readouterr()
    written = Table.read(table)
    assert len(written) == 90 and list(written["unlikeness"]) == sorted(written["unlikeness"], reverse=True)
    assert "“first”" in written.meta["RUN"].replace("\\u201c", "“").replace("\\u201d", "”")
    assert set(map(str, written["nearest_training_galaxy"])) <= set(survey.ids)
    assert str(written["id"][0]) in said.out and str(written["id"][3]) not in said.out
    assert "training galaxies of survey.h5" in said.err


@pytest.fixture
def doubled(survey_dataset, tmp_path):
    """Of the survey, ten galaxies turned under other ids."""
    with Cutouts.open(survey_dataset) as cutouts:
        images = cutouts.images[:10][:, :, ::-1].transpose(0, 1, 3, 2).copy()
    ids = [f"copy {row}" for row in range(10)]
    return write_dataset(tmp_path / "doubled.h5", images, {}, [], ("r",), ids=ids)


@pytest.mark.slow
def test_galaxies_of_the_training_in_other_data_are_found(
    survey_run, survey_dataset, doubled, tmp_path, capsys
) -> None:
    table = tmp_path / "pairs.csv"
    assert run("duplicates", doubled, "--run", survey_run, "-o", table) == 0
    rows = read(table)
    with Cutouts.open(survey_dataset) as cutouts:
        assert {(row["id"], row["other_id"]) for row in rows} == {(cutouts.ids[n], f"copy {n}") for n in range(10)}
    assert {row["part"] for row in rows} <= {"train", "validation", "test"}
    assert {row["other_part"] for row in rows} == {""} and all(float(row["correlation"]) > 0.99 for row in rows)
    assert "10 near-duplicates" in capsys.readouterr().out
    assert run("duplicates", doubled, "--against", survey_dataset, "-o", table) == 0
    assert len(read(table)) == 10


@pytest.mark.slow
def test_the_parts_are_those_of_the_run_or_are_not_known(survey_run, survey_dataset, capsys) -> None:
    assert run("duplicates", survey_dataset, "--run", survey_run) == 0
    assert "Parts of the run “first”" in capsys.readouterr().err
    assert run("duplicates", survey_dataset) == 0
    said = capsys.readouterr()
    assert "No parts are known" in said.err and "0 near-duplicates" in said.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("similar", "RUN", "DATA", "--to", "nobody"), "There is no galaxy “nobody”"),
        (("similar", "RUN", "DATA", "--to", "ID", "-n", "0"), "Ask for at least one"),
        (("similar", "RUN", "DATA", "--to", "ID", "-o", "x.txt"), "Tables cannot be written"),
        (("duplicates", "DATA", "--run", "RUN", "--against", "DATA"), "Name one of them"),
    ],
)
def test_what_cannot_be_done_is_said(survey_run, survey_dataset, survey, capsys, arguments, sentence) -> None:
    names = {"RUN": survey_run, "DATA": survey_dataset, "ID": survey.ids[0]}
    assert run(*(names.get(each, each) for each in arguments)) == 1
    assert sentence in capsys.readouterr().err
