from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy import units
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from core.data.catalogue import id_texts, label_columns, read_table, take
from core.data.join import NO_ROW, Join, join
from core.data.settings import ImportSettings
from core.errors import CatalogueProblem

IDS = [587722953303916935, 587722981750865959, 1237648720693755918]
FORMATS = ["csv", "ecsv", "fits", "xml", "parquet"]


def written(folder: Path, ending: str) -> Path:
    """The same table in each format, with 18- and 19-digit ids as integers."""
    table = Table(
        {
            "objid": np.array(IDS, dtype=np.int64),
            "morphology": ["spiral", "elliptical", ""],
            "radius": np.array([1.5, np.nan, 3.0]) * units.arcsec,
            "count": [3, 4, 5],
        }
    )
    path = folder / f"table.{ending}"
    match ending:
        case "xml":
            table.write(path, format="votable")
        case "parquet":
            columns = {name: np.asarray(table[name]).tolist() for name in table.colnames}
            schema = [
                pa.field(name, pa.array(values).type, metadata={"unit": "arcsec"} if name == "radius" else None)
                for name, values in columns.items()
            ]
            parquet.write_table(pa.table(columns, schema=pa.schema(schema)), path)
        case "ecsv":
            table.write(path, format="ascii.ecsv")
        case "csv":
            table.write(path, format="ascii.csv")
        case _:
            table.write(path)
    return path


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_keeps_ids_labels_numbers_and_units(ending: str, tmp_path: Path) -> None:
    table = read_table(written(tmp_path, ending))
    assert id_texts(table, "objid") == [str(number) for number in IDS]
    assert np.asarray(table["morphology"]).tolist() == ["spiral", "elliptical", ""]
    assert np.asarray(table["radius"]).tolist() == pytest.approx([1.5, np.nan, 3.0], nan_ok=True)
    assert np.asarray(table["count"]).tolist() == [3, 4, 5]
    assert str(table["radius"].unit) == ("None" if ending == "csv" else "arcsec")
    assert all(np.asarray(table[name]).dtype.isnative for name in table.colnames)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20))
def test_ids_in_text_tables_keep_every_digit(tmp_path_factory: pytest.TempPathFactory, ids: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "ids.csv"
    path.write_text("objid,x\n" + "\n".join(f"{number},1" for number in ids))
    assert id_texts(read_table(path), "objid") == [str(number) for number in ids]


def test_leading_zeros_and_words_stay_text_and_numbers_become_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,n,m,x,name\n007,1,1,2.5,a\n008,2,,nan,\n")
    table = read_table(tmp_path / "a.csv")
    assert [np.asarray(table[name]).dtype.kind for name in table.colnames] == ["U", "i", "f", "f", "U"]
    assert table["id"][0] == "007"


@pytest.mark.parametrize(
    "text", ["a;b\n1;x\n", "a\tb\n1\tx\n", "\ufeffa,b\n1,x\n", "# a comment\na,b\n1,x\n", 'a,"b"\n1, "x"\n']
)
def test_text_tables_are_read_whatever_their_delimiter(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    table = read_table(tmp_path / "a.csv")
    assert (table.colnames, table["a"][0], table["b"][0]) == (["a", "b"], 1, "x")


def test_rows_with_the_wrong_number_of_cells_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n2\n3,y,z\n4,w,\n")
    table = read_table(tmp_path / "a.csv")
    assert np.asarray(table["a"]).tolist() == [1, 4]
    assert [problem.where for problem in (table.meta or {})["problems"]] == ["line 3", "line 4"]


def test_missing_numbers_become_nan_and_missing_long_ids_empty_text(tmp_path: Path) -> None:
    table = Table({"n": MaskedColumn([1, 2], mask=[False, True]), "long": MaskedColumn(IDS[:2], mask=[True, False])})
    table.write(tmp_path / "a.fits")
    read = read_table(tmp_path / "a.fits")
    assert np.asarray(read["n"]).tolist() == pytest.approx([1, np.nan], nan_ok=True)
    assert np.asarray(read["long"]).tolist() == ["", str(IDS[1])]


def test_columns_without_single_values_are_left_out_and_noted(tmp_path: Path) -> None:
    Table({"a": [1, 2], "vector": np.ones((2, 3))}).write(tmp_path / "a.fits")
    table = read_table(tmp_path / "a.fits")
    assert table.colnames == ["a"]
    assert "vector" in (table.meta or {})["notes"][0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"a,b\n"),
        ("a.csv", b"<html>not found</html>"),
        ("a.fits", b"SIMPLE"),
        ("a.fits", b""),
        ("a.xml", b"<VOTABLE>"),
        ("a.parquet", b"PAR1 nonsense"),
        ("a.ecsv", b"# %ECSV 1.0\nnonsense"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_catalogue_problem(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CatalogueProblem) as problem:
        read_table(tmp_path / name)
    assert problem.value.sentence
    assert problem.value.where == str(tmp_path / name)


def test_a_missing_table_is_a_catalogue_problem(tmp_path: Path) -> None:
    with pytest.raises(CatalogueProblem, match="does not exist"):
        read_table(tmp_path / "gone.csv")


def test_taking_rows_leaves_gaps_where_there_is_none() -> None:
    rows = np.array([1, -1, 0])
    assert take(np.array(["a", "b"]), rows).tolist() == ["b", "", "a"]
    assert take(np.array([1.0, 2.0]), rows).tolist() == pytest.approx([2, np.nan, 1], nan_ok=True)
    assert take(np.array([1, 2]), rows).tolist() == pytest.approx([2, np.nan, 1], nan_ok=True)
    assert take(np.array(IDS[:2]), rows).tolist() == [str(IDS[1]), "", str(IDS[0])]


# --- labels


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        (["id_str", "file_loc", "morphology"], ("morphology",)),
        (["file", "objid", "Class_Name"], ("Class_Name",)),
        (["ra", "ans", "class"], ("class",)),
        (["file", "ra", "dec"], ()),
        (["t01_smooth_a01_smooth_fraction", "t01_smooth_a02_features_fraction", "t02_edge_a04_yes_fraction"],
         ("t01_smooth_a01_smooth_fraction", "t01_smooth_a02_features_fraction")),
        (["smooth-or-featured_smooth_fraction", "smooth-or-featured_featured_fraction"],
         ("smooth-or-featured_smooth_fraction", "smooth-or-featured_featured_fraction")),
    ],
)  # fmt: skip
def test_label_columns_are_recognised_by_name(columns: list[str], labels: tuple[str, ...]) -> None:
    assert label_columns(Table({name: [0.5] for name in columns}), ImportSettings()) == labels


def test_a_label_column_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(CatalogueProblem, match="no column “kind”") as problem:
        label_columns(Table({"a": [1], "b": [2]}), ImportSettings(labels=("kind",)))
    assert "a, b" in problem.value.remedy


# --- joins


def joined(columns: dict[str, list[object]], files: list[str], column: str = "", labels: tuple[str, ...] = ()) -> Join:
    return join(Table(columns), [(file, Path(file).stem) for file in files], labels, column)


@pytest.mark.parametrize(
    ("values", "files"),
    [
        (["587722953303916935", "587722953303916936"], ["/d/587722953303916935.fits", "/d/587722953303916936.fits"]),
        (["cut/1.fits", "cut/2.fits"], ["/d/cut/1.fits", "/d/cut/2.fits"]),
        (["/elsewhere/cut/1.fits", "/elsewhere/cut/2.fits"], ["/d/cut/1.fits", "/d/cut/2.fits"]),
        (["./1.jpg", ".\\2.jpg"], ["/d/1.jpg", "/d/2.jpg"]),
        (["1", "2"], ["/d/0001.fits", "/d/0002.fits"]),
        (["587722953303916935", "587722953303916936"], [f"/d/58772295330391693{n}_GZOO_.jpg" for n in (5, 6)]),
        (["a/1.fits", "b/1.fits"], ["/d/a/1.fits", "/d/b/1.fits"]),
        (["J12.5+3.1", "J12.5-3.1"], ["/d/J12.5+3.1.fits", "/d/J12.5-3.1.fits"]),
    ],
)  # fmt: skip
def test_rows_find_their_images(values: list[str], files: list[str]) -> None:
    found = joined({"ra": [1.5, 2.5], "key": values}, files)
    assert found.column == "key"
    assert [found.row_of(file, Path(file).stem) for file in files] == [0, 1]


def test_an_ambiguous_name_finds_no_row() -> None:
    found = joined({"file": ["a/1.fits", "b/1.fits", "c/2.fits"]}, ["/x/1.fits", "/x/2.fits"])
    assert [found.row_of(f"/x/{n}.fits", str(n)) for n in (1, 2)] == [NO_ROW, 2]


def test_the_column_that_finds_most_images_is_taken_and_the_object_id_is_the_galaxys_id() -> None:
    table = {"id": [1, 2, 3], "objid": ["x1", "x2", "x3"], "file": ["a.fits", "b.fits", "c.fits"]}
    found = joined(table, ["/d/a.fits", "/d/b.fits"])
    assert (found.column, found.ids) == ("file", ["x1", "x2", "x3"])
    assert found.without_image([0, 1]) == ["c.fits"]


def test_file_names_are_no_ids() -> None:
    assert joined({"file": ["a.fits"]}, ["/d/a.fits"]).ids == [""]


def test_ids_that_were_floats_are_refused() -> None:
    with pytest.raises(CatalogueProblem, match="lost their last digits"):
        joined({"objid": [5.87722953303916935e17, 5.9e17]}, ["/d/587722953303916935.fits"])
    with pytest.raises(CatalogueProblem, match="lost their last digits"):
        joined({"objid": [5.87722953303916935e17]}, ["/d/587722953303916935.fits"], "objid")


def test_ids_that_were_floats_do_no_harm_beside_file_names() -> None:
    found = joined(
        {"objid": [5.87722953303916935e17], "file": ["587722953303916935.jpg"]}, ["/d/587722953303916935.jpg"]
    )
    assert (found.column, found.ids) == ("file", [""])


def test_whole_floats_within_53_bits_are_ids() -> None:
    found = joined({"GalaxyID": [100008.0, 100023.0]}, ["/d/100023.jpg"])
    assert found.row_of("/d/100023.jpg", "100023") == 1


def test_a_catalogue_that_names_no_image_shows_both_kinds_of_names() -> None:
    with pytest.raises(CatalogueProblem) as problem:
        joined({"objid": ["abc"], "x": [1.5]}, ["/d/77.fits"])
    assert "77.fits" in problem.value.sentence
    assert "abc" in problem.value.sentence
    with pytest.raises(CatalogueProblem, match="no column “key”"):
        joined({"objid": ["abc"]}, ["/d/77.fits"], "key")


def test_identical_copies_count_once_and_contradictions_have_no_label() -> None:
    table = {
        "file": ["a.fits", "a.fits", "b.fits", "b.fits", "c.fits", "c.fits", ""],
        "class": ["s", "s", "s", "e", "e", "e", "e"],
        "ra": [1.5, 1.5, 2.5, 2.5, 3.5, 4.5, 5.5],
    }
    found = joined(table, ["/d/a.fits", "/d/b.fits"], labels=("class",))
    assert found.contradictory == {2}
    assert [problem.where for problem in found.problems] == ["file", "b.fits"]
    assert "e and s" in found.problems[1].sentence
    assert "Row 7" in found.problems[0].sentence
    assert len(found.notes) == 2
    assert found.notes[0].startswith("1 catalogue rows are identical")
