from __future__ import annotations

import csv

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from pyarrow import parquet

from core.data.target import Classes, Quantities
from core.errors import SettingsProblem
from core.evaluate import tables
from core.evaluate.predict import Predictions

IDS = ("587736618793959865", "587736618793959866", "barré ★ 1")
SCORES = np.float32([[0.9, 0.1], [0.25, 0.75], [1e-7, 1]])


@pytest.fixture
def classes() -> Predictions:
    target = Classes("kind", ("disk", "edge-on"))
    return Predictions(IDS, target.names, SCORES, target, np.arange(3), run="first")


@pytest.fixture
def quantities() -> Predictions:
    target = Quantities(("radius", "index"), ("arcsec", "furlong of sorts"))
    return Predictions(IDS, target.columns, SCORES, target, np.arange(3), run="first")


def test_csv_holds_a_header_and_rows_with_exact_ids(classes, tmp_path) -> None:
    tables.write(classes, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "predicted", "p_disk", "p_edge-on"]
    assert [row[0] for row in rows[1:]] == list(IDS)
    assert [row[1] for row in rows[1:]] == ["disk", "edge-on", "edge-on"]
    np.testing.assert_array_equal(np.float32([row[2:] for row in rows[1:]]), SCORES)


@pytest.mark.parametrize("suffix", [".fits", ".xml", ".parquet"])
def test_other_tables_come_back_through_astropy_with_exact_ids_and_values(classes, tmp_path, suffix) -> None:
    path = tmp_path / f"t{suffix}"
    tables.write(classes, path)
    formats = {".fits": "fits", ".xml": "votable", ".parquet": "parquet"}
    found = parquet_table(path) if suffix == ".parquet" else Table.read(path, format=formats[suffix])
    assert found.colnames == ["id", "predicted", "p_disk", "p_edge-on"]
    ids = [str(text) for text in found["id"]]
    assert ids[:2] == list(IDS[:2])
    assert ids[2] == IDS[2]
    assert [str(name) for name in found["predicted"]] == ["disk", "edge-on", "edge-on"]
    found_scores = [np.asarray(found[name]) for name in ("p_disk", "p_edge-on")]
    np.testing.assert_array_equal(np.stack(found_scores, axis=1), SCORES)
    assert found_scores[0].dtype.itemsize == 4


def parquet_table(path) -> Table:
    return Table(parquet.read_table(path).to_pydict(), dtype=[str, str, np.float32, np.float32])


def test_tables_say_which_program_and_run_made_them(classes, tmp_path) -> None:
    for suffix in (".fits", ".xml", ".parquet"):
        tables.write(classes, tmp_path / f"t{suffix}")
    header = fits.getheader(tmp_path / "t.fits", 1)
    assert header["PROGRAM"].startswith("Tuning Fork") and header["RUN"] == "first" and header["DATE"][:2] == "20"
    infos = {info.name: info.value for info in parse(tmp_path / "t.xml").infos}
    assert infos["RUN"] == "first" and infos["PROGRAM"].startswith("Tuning Fork")
    about = parquet.read_schema(tmp_path / "t.parquet").metadata
    assert about[b"run"] == b"first"


def test_quantities_keep_their_names_and_units(quantities, tmp_path) -> None:
    for suffix in (".csv", ".fits", ".xml", ".parquet", ".h5"):
        tables.write(quantities, tmp_path / f"t{suffix}")
    assert (tmp_path / "t.csv").read_text().startswith("id,radius,index\n")
    for suffix in (".fits", ".xml"):
        found = Table.read(tmp_path / f"t{suffix}", format="fits" if suffix == ".fits" else "votable")
        assert found.colnames == ["id", "radius", "index"]
        assert str(found["radius"].unit) == "arcsec" and found["index"].unit is None
    assert parquet.read_schema(tmp_path / "t.parquet").field("radius").metadata[b"unit"] == b"arcsec"


def test_no_galaxies_make_an_empty_table(tmp_path) -> None:
    target = Classes("kind", ("disk", "edge-on"))
    nothing = Predictions((), target.names, np.zeros((0, 2), np.float32), target, np.zeros(0, np.int64))
    for suffix in (".csv", ".fits", ".xml", ".parquet", ".h5"):
        tables.write(nothing, tmp_path / f"t{suffix}")
    assert len(Table.read(tmp_path / "t.fits")) == 0
    assert (tmp_path / "t.csv").read_text() == "id,predicted,p_disk,p_edge-on\n"


def test_an_unknown_kind_of_table_is_refused(classes, tmp_path) -> None:
    with pytest.raises(SettingsProblem, match=r"“\.xlsx”"):
        tables.write(classes, tmp_path / "t.xlsx")
    assert not list(tmp_path.iterdir())
