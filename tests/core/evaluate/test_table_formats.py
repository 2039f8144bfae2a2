from __future__ import annotations

import warnings

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.io.votable.ucd import check_ucd
from astropy.table import Table
from pyarrow import parquet

from core.data.target import Quantities
from core.evaluate.prediction_columns import answer_columns
from core.evaluate.table_formats import ColumnFormat, open_table, width_of

IDS = np.array(["plain", "barré ★ 😀", "a<b&c"])
COLUMNS = (
    ColumnFormat("id", "U", "", "meta.id;meta.main", "Name é", width_of(IDS)),
    ColumnFormat("radius_é", "f4", "arcsec", "phys.angSize", "Half-light radius"),
    ColumnFormat("is_odd", "b1"),
    ColumnFormat("count", "i8"),
)
VALUES = (IDS, np.float32([0.1, np.nan, 1e-7]), np.array([True, False, True]), np.array([1, -2, 2**60]))
ABOUT = {"PROGRAM": "Tuning Fork", "RUN": "élan ★", "WEIGHTS": "sha256:" + 64 * "a"}
KINDS = {".fits": "fits", ".xml": "votable", ".h5": "hdf5"}


def written(path, pieces=((0, 2), (2, 3))):
    with open_table(path, path.suffix, COLUMNS, 3, ABOUT) as append:
        for first, last in pieces:
            append([values[first:last] for values in VALUES])
    return path


@pytest.mark.parametrize("suffix", KINDS)
def test_astropy_reads_values_units_ucds_descriptions_and_metadata_back(tmp_path, suffix) -> None:
    path = written(tmp_path / f"t{suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = Table.read(path, format=KINDS[suffix])
    first, radius, odd, count = table.columns.values()
    assert [str(text) for text in first] == IDS.tolist()
    np.testing.assert_array_equal(np.asarray(radius, np.float32), VALUES[1])
    assert np.asarray(odd).tolist() == VALUES[2].tolist() and count.tolist() == VALUES[3].tolist()
    assert radius.dtype.itemsize == 4 and str(radius.unit) == "arcsec"
    assert (first.description, first.meta["ucd"], radius.meta["ucd"]) == ("Name é", "meta.id;meta.main", "phys.angSize")
    if suffix == ".xml":
        about = {info.name: info.value for info in parse(path).infos}
        assert "RUN = élan ★" in table.meta["description"]
    else:
        about = table.meta
    assert about["RUN"] == "élan ★" and about["WEIGHTS"] == ABOUT["WEIGHTS"]
    assert radius.name == "radius_é" or suffix != ".h5"


def test_the_header_of_a_fits_table_is_ascii_and_has_what_topcat_looks_for(tmp_path) -> None:
    path = written(tmp_path / "t.fits")
    header = fits.getheader(path, 1)
    assert (header["TUCD1"], header["TUCD2"], header["TUNIT2"]) == ("meta.id;meta.main", "phys.angSize", "arcsec")
    assert header["TCOMM2"] == "Half-light radius" and header["TTYPE2"] == r"radius_\xe9"
    assert header["RUN"] == r"\xe9lan \u2605" and header["TEXTENC"] == "UTF-8"
    with fits.open(path, checksum=True) as file:
        file.verify("exception")
        assert file[1].data["count"].tolist() == VALUES[3].tolist()
    assert path.stat().st_size % 2880 == 0


def test_parquet_has_units_and_ucds_of_each_column_and_a_votable_that_describes_it(tmp_path) -> None:
    table = parquet.read_table(written(tmp_path / "t.parquet"))
    assert table["id"].to_pylist() == IDS.tolist()
    np.testing.assert_array_equal(table["radius_é"].to_numpy(), VALUES[1])
    about = table.schema.field("radius_é").metadata
    assert about[b"unit"] == b"arcsec" and about[b"ucd"] == b"phys.angSize"
    said = table.schema.metadata
    assert said[b"run"].decode() == "élan ★" and said[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    assert 'ucd="phys.angSize"' in said[b"IVOA.VOTable-Parquet.content"].decode()


def test_hdf5_says_the_same_to_whoever_reads_it_without_astropy(tmp_path) -> None:
    with h5py.File(written(tmp_path / "t.h5")) as file:
        table = file["table"]
        assert [text.decode() for text in table["id"]] == IDS.tolist()
        assert table.attrs["RUN"] == "élan ★" and table.attrs["unit_1"] == "arcsec"


def test_an_empty_cell_of_a_csv_table_is_a_missing_number(tmp_path) -> None:
    table = Table.read(written(tmp_path / "t.csv"), format="ascii.csv")
    assert table["radius_é"].mask.tolist() == [False, True, False]
    assert table["id"].tolist() == IDS.tolist()


def test_pieces_do_not_matter(tmp_path) -> None:
    for suffix in (".csv", ".fits", ".xml", ".h5"):
        one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
        assert written(one).read_bytes() == written(other, ((0, 0), (0, 3))).read_bytes()


def test_every_ucd_of_a_prediction_is_in_the_vocabulary() -> None:
    names = ("magnitude", "half_light_radius", "sersic_index", "axis_ratio", "position_angle", "flux", "z", "odd")
    target = Quantities(names, ("mag", "arcsec", "", "", "deg", "Jy", "", "furlong"))
    columns = answer_columns(target, names, has_errors=True)
    assert [column.ucd for column in columns[:4:2]] == ["phot.mag", "phys.angSize"]
    assert all(check_ucd(column.ucd, check_controlled_vocabulary=True) for column in columns if column.ucd)
