"""The script for others finds the rows of a catalogue as an import of the same files does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from core.data import catalogue as catalogues
from core.data.join import NO_ROW, join
from resources.templates import script_catalogue as script

FLUX = [10.0, 11.0, 12.0]


BESIDE = [{"name": "flux", "unit": "uJy"}]


def read(table: Path, files: list[Path], column: str = "") -> list[float | None]:
    named = [(script.stem(path), path) for path in files]
    found = script.read_catalogue(table, column, named, BESIDE, is_paths=True)
    return [found[path][0] if path in found else None for path in files]


def read_by_program(table: Path, files: list[Path], column: str = "") -> list[float | None]:
    read = catalogues.read_tables(table)[0]
    joined = join(read, [(path.as_posix(), path.stem) for path in files], [], column)
    rows = [joined.row_of(path.as_posix(), path.stem) for path in files]
    return [None if row == NO_ROW else float(read["flux"][row]) for row in rows]


@pytest.mark.parametrize(
    ("columns", "files"),
    [
        ({"filename": ["b.fits", "a.fits", "c.fits"]}, ["a.fits", "b.fits", "z.fits"]),
        ({"name": ["b", "a", "c"], "morph": ["x", "y", "x"]}, ["a.fits", "b.fits.gz", "c.jpg"]),
        ({"path": ["cut/b.fits", "cut/a.fits", "cut/c.fits"]}, ["cut/a.fits", "cut/b.fits"]),
        ({"path": ["one/g.fits", "two/g.fits", "two/h.fits"]}, ["two/g.fits", "one/g.fits", "two/h.fits"]),
        ({"objid": [588017711515172977, 587741390502625443, 7]}, ["sdss_587741390502625443.jpg", "007.jpg"]),
        ({"id": [30, 31, 32], "other": [1, 2, 3]}, ["0031.fits", "32.fits", "33.fits"]),
        ({"row": [0, 1, 2], "name": ["a", "b", "c"]}, ["b.fits", "a.fits"]),
        ({"name": ["a", "b", "c"]}, ["one/a.fits", "two/a.fits", "two/b.fits"]),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "fits", "xml"])
def test_a_catalogue_joins_as_in_the_program(columns, files, ending, tmp_path):
    table = tmp_path / f"catalogue.{ending}"
    Table({**columns, "flux": FLUX}).write(table, **({"format": "votable"} if ending == "xml" else {}))
    paths = [tmp_path / name for name in files]
    found = read(table, paths)
    assert found == read_by_program(table, paths)
    assert any(value is not None for value in found)


def test_the_column_can_be_named_and_is_asked_for_where_two_disagree(tmp_path):
    table, files = tmp_path / "both.csv", [tmp_path / "a.fits", tmp_path / "b.fits"]
    Table({"first": ["a", "b", "c"], "second": ["b", "a", "c"], "flux": FLUX}).write(table)
    with pytest.raises(SystemExit, match=r"could name the files: first, second\. Choose one with --id"):
        read(table, files)
    assert read(table, files, "second") == [11.0, 10.0] == read_by_program(table, files, "second")


def test_what_is_wrong_with_a_catalogue_is_said(tmp_path, capsys):
    table, files = tmp_path / "table.fits", [tmp_path / "a.fits"]
    made = Table({"name": ["q", "r", "s"], "flux": np.array(FLUX)})
    made["flux"].unit = "mJy"
    made.write(table)
    with pytest.raises(SystemExit, match=r"No column of .* names the files, which are called like a\.fits"):
        read(table, files)
    assert "flux is in mJy" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="has no column nothing"):
        read(table, files, "nothing")
