"""``tuningfork believe``, as a script calls it."""

from __future__ import annotations

import csv
import shutil

import h5py
import numpy as np
import pytest

from core.cli.main import main
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.project.runs import RunFolder

QUICK = ("--set", "deletion.steps=6", "--set", "deletion.rankings=1")


def run(*arguments):
    return main([str(argument) for argument in arguments])


def lines_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_validation_part_is_told_galaxy_by_galaxy_and_by_class(
    survey_run, survey_dataset, tmp_path, capsys
) -> None:
    table = tmp_path / "belief.csv"
    assert run("believe", survey_run, survey_dataset, "-o", table, *QUICK) == 0
    said, lines = capsys.readouterr().out, lines_of(table)
    with Cutouts.open(survey_dataset) as cutouts:
        known = splits.load(RunFolder(survey_run).split_file, cutouts.ids)
        validated = {cutouts.ids[row] for row in known.validation}
        shapes = dict(zip(cutouts.ids, cutouts.columns["shape"].tolist(), strict=True))
    assert {line["id"] for line in lines} == validated, "the test part is opened only where it is asked for"
    for line in lines:
        assert line["class"] == shapes[line["id"]]
        assert sum(float(line[part]) for part in ("galaxy", "neighbours", "sky")) == pytest.approx(1, abs=1e-4)
        assert 0 <= float(line["deletion"]) <= 1 and 0 <= float(line["probability"]) <= 1
    for kind in set(shapes.values()):
        mine = [line for line in lines if line["class"] == kind]
        beside = sum(line["rests_on"] == "neighbour" for line in mine)
        assert f"“{kind}” ({beside} of {len(mine)}) the decision rests on a neighbour." in said
    assert f"validation part, {len(lines)} galaxies" in said and str(table) in said


@pytest.mark.slow
def test_a_damaged_galaxy_is_told_and_counted(survey_run, survey_dataset, tmp_path, capsys) -> None:
    """On another dataset all galaxies are looked at."""
    other, table = tmp_path / "other.h5", tmp_path / "belief.csv"
    shutil.copy(survey_dataset, other)
    with h5py.File(other, "r+") as file:
        name = file["images"].attrs.get("checksum")
        assert name is None or isinstance(name, str | bytes | np.generic)
        file["images"][3] = np.nan
    assert run("believe", survey_run, other, "--split", "all", "-o", table, *QUICK) == 1  # one is missing
    captured = capsys.readouterr()
    with Cutouts.open(other) as cutouts:
        bad = cutouts.ids[3]
    assert bad not in {line["id"] for line in lines_of(table)} and len(lines_of(table)) == 89
    assert bad in captured.err and "not be explained: 1." in captured.out
