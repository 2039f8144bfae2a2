"""Catalogues as other people write them: no galaxy gets another's label, and nothing is left out in silence."""

import gzip
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.catalogue import read_table, read_tables
from core.data.choose_table import join_tables
from core.data.cutouts import Cutouts
from core.data.importing import run
from core.data.join import NO_ROW, Join
from core.data.preview import preview
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.data.target import Classes, Quantities, recognise
from core.errors import AmbiguousColumn, CatalogueProblem
from core.events import result_of


def cutouts_called(folder: Path, names: Sequence[str]) -> Path:
    for seed, name in enumerate(names):
        path = folder / f"{name}.fits"
        path.parent.mkdir(parents=True, exist_ok=True)
        fits.writeto(path, np.random.default_rng(seed).normal(size=(4, 4)).astype("f4"))
    return folder


def imported(
    tmp_path: Path, names: Sequence[str], catalogue: Path, **values: object
) -> tuple[ImportReport, dict[str, str]]:
    """The report of an import of cutouts with these names, and the first label of each by its id."""
    images = cutouts_called(tmp_path / "images", names)
    data = tmp_path / "data.h5"
    report = result_of(run([images], data, ImportSettings(**values), catalogue, threading.Event()))
    with Cutouts.open(data) as cutouts:
        labels = cutouts.columns[cutouts.labels[0]].tolist()
        return report, {name: str(label) for name, label in zip(cutouts.ids, labels, strict=True)}


def text(folder: Path, content: str, name: str = "catalogue.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def join_text(folder: Path, content: str, files: Sequence[str], **values: object) -> Join:
    paths = [(file, Path(file).name.removesuffix(".fits")) for file in files]
    return join_tables(read_tables(text(folder, content)), paths, ImportSettings(**values))


# --- which column joins


def test_an_index_without_name_never_beats_the_ids_and_the_joined_column_is_named(tmp_path: Path) -> None:
    numbers = [(5 * row + 3) % 12 for row in range(12)]
    rows = "".join(f"{row},{number},{'odd' if number % 2 else 'even'}\n" for row, number in enumerate(numbers))
    report, labels = imported(tmp_path, [str(n) for n in range(12)], text(tmp_path, f",NUMBER,label\n{rows}"))
    assert labels == {str(n): "odd" if n % 2 else "even" for n in range(12)}
    assert "12 of 12 images matched by the column “NUMBER”" in report.notes[0]
    with Cutouts.open(report.path) as cutouts:
        assert 'catalogue_id = "NUMBER"' in cutouts.origin.settings
        assert "“NUMBER”" in cutouts.origin.source


@pytest.mark.parametrize("index", ["", "Unnamed: 0", "index", "row"])
@pytest.mark.parametrize("first", [0, 1])
def test_every_kind_of_row_index_is_known(index: str, first: int, tmp_path: Path) -> None:
    numbers = [2, 0, 3, 1, 4]
    rows = "".join(f"{row + first},{number},c{number}\n" for row, number in enumerate(numbers))
    found = join_text(tmp_path, f"{index},object,label\n{rows}", [f"/d/{n}.fits" for n in range(5)])
    assert found.column == "object"


def test_columns_that_match_equally_well_are_asked_about(tmp_path: Path) -> None:
    content = "number,partner,label\n" + "".join(f"{n},{9 - n},c{n % 2}\n" for n in (3, 1, 4, 5, 9, 2, 6, 8, 7, 0))
    files = [f"/d/{n}.fits" for n in range(10)]
    with pytest.raises(AmbiguousColumn, match="“number” and “partner”") as problem:
        join_text(tmp_path, content, files)
    assert problem.value.columns == ("number", "partner")
    assert "--id" in problem.value.remedy
    assert join_text(tmp_path, content, files, catalogue_id="partner").column == "partner"
    images = cutouts_called(tmp_path / "images", [str(n) for n in range(10)])
    seen = result_of(preview([images], ImportSettings(), None, threading.Event()))
    assert isinstance(seen.problems[0], AmbiguousColumn)  # although nobody chose the catalogue beside the images


def test_columns_that_agree_need_no_question(tmp_path: Path) -> None:
    content = "file,id,label\n" + "".join(f"{n}.fits,{n},c\n" for n in (3, 1, 2))
    assert join_text(tmp_path, content, [f"/d/{n}.fits" for n in (1, 2, 3)]).column == "file"


# --- ids


@pytest.mark.parametrize(
    ("ids", "wrong"),
    [
        (["30.10", "30.20"], ["30.1", "30.2"]),
        (["1e5", "2e3"], ["100000", "2000"]),
        (["+5", "+6"], ["5", "6"]),
        (["1.50", "2.50"], ["1.5", "2.5"]),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "ecsv"])
def test_ids_stay_the_text_that_they_are(ids: list[str], wrong: list[str], ending: str, tmp_path: Path) -> None:
    rows = "\n".join(f"{name},c{place}" for place, name in enumerate(ids))
    head = "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n# - {name: id, datatype: float64}\n"
    head += "# - {name: label, datatype: string}\n# schema: astropy-2.0\n"
    content = f"{head if ending == 'ecsv' else ''}id,label\n{rows}\n"
    files = [(f"/d/{name}.fits", name) for name in (*ids, *wrong)]
    found = join_tables(read_tables(text(tmp_path, content, f"c.{ending}")), files, ImportSettings())
    assert [found.row_of(*file) for file in files] == [0, 1, NO_ROW, NO_ROW]


def test_ids_that_a_program_turned_into_floats_still_match(tmp_path: Path) -> None:
    found = join_text(tmp_path, "id,label\n30.0,a\n31.0,b\n", ["/d/30.fits", "/d/31.fits"])
    assert [found.row_of(f"/d/{n}.fits", n) for n in ("30", "31")] == [0, 1]


def test_leading_zeros_are_left_out_only_where_that_is_unambiguous(tmp_path: Path) -> None:
    found = join_text(tmp_path, "id,label\n7,a\n007,b\n8,c\n", ["/d/7.fits", "/d/0007.fits", "/d/008.fits"])
    assert [found.row_of(f"/d/{n}.fits", n) for n in ("7", "0007", "008")] == [0, NO_ROW, 2]


def test_accents_match_in_both_unicode_forms(tmp_path: Path) -> None:
    found = join_text(tmp_path, "name,label\nMérope,a\n", ["/d/Me\u0301rope.fits"])
    assert found.row_of("/d/Me\u0301rope.fits", "Me\u0301rope") == 0


def test_the_same_name_in_two_folders_is_paired_by_folder_or_not_at_all(tmp_path: Path) -> None:
    images, names = ["/d/a/1.fits", "/d/b/1.fits"], ["a/1", "b/1"]
    found = join_text(tmp_path, "file,label\nb/1.fits,x\na/1.fits,y\n", images)
    assert [found.row_of(path, "1") for path in images] == [1, 0]
    report, labels = imported(tmp_path, [*names, "a/2"], text(tmp_path, "file,label\n1.fits,x\n2.fits,y\n"))
    assert (labels, report.without_label) == ({"a/1": "", "b/1": "", "2": "y"}, ["a/1", "b/1"])
    assert ["a/1, b/1" in problem.sentence for problem in report.unusable] == [True]


def test_the_folder_above_the_folder_counts_too(tmp_path: Path) -> None:
    images = ["/d/a/x/1.fits", "/d/b/x/1.fits"]
    found = join_text(tmp_path, "file,label\nb/x/1.fits,x\na/x/1.fits,y\n", images)
    assert [found.row_of(path, "1") for path in images] == [1, 0]
    alone = join_text(tmp_path, "file,label\na/x/1.fits,y\nc/x/2.fits,z\n", [*images, "/d/c/x/2.fits"])
    assert [alone.row_of(path, "1") for path in images] == [0, NO_ROW]


_NAMES = st.lists(
    st.one_of(
        st.integers(0, 30).map(str),
        st.from_regex(r"[0-3]\.[0-2]{1,2}", fullmatch=True),
        st.sampled_from(["007", "07", "1e5", "+5", "s\u00e9", "se\u0301", "NGC 1", "58772295330391693", "a/1", "b/1"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40)
@given(_NAMES, _NAMES, st.sampled_from(["", "index", "number"]), st.integers(0, 1), st.randoms(use_true_random=False))
def test_no_galaxy_gets_the_label_of_another(
    tmp_path_factory: pytest.TempPathFactory,
    ids: list[str],
    others: list[str],
    index: str,
    first: int,
    random: object,
) -> None:
    """Each row's label is its own id; an image may have the label of that id or none."""
    rows = "".join(f"{row + first},{name},is {name}\n" for row, name in enumerate(ids))
    path = tmp_path_factory.getbasetemp() / "random.csv"
    path.write_text(f"{index},object,label\n{rows}", encoding="utf-8")
    names = [*dict.fromkeys([*ids, *others])]
    random.shuffle(names)  # pyright: ignore[reportAttributeAccessIssue]
    files = [(f"/d/{name}.fits", Path(name).name) for name in names]
    try:
        found = join_tables(read_tables(path), files, ImportSettings(labels=("label",)))
    except CatalogueProblem:
        return
    are_numbers = all(name == str(row + first) for row, name in enumerate(ids))  # both columns then say the same
    assert found.column == "object" or are_numbers
    for name, file in zip(names, files, strict=True):
        row = found.row_of(*file)
        if row != NO_ROW:
            mine, its = (text.replace("e\u0301", "\u00e9") for text in (name, ids[row]))
            same = mine == its or (mine.isdecimal() and its.isdecimal() and int(mine) == int(its))
            alone = (
                sum(Path(other).name == Path(mine).name for other in names) == 1 and Path(mine).name == Path(its).name
            )
            assert same or alone


# --- numbers that are written in other ways, and marks of missing values


def labels_of(tmp_path: Path, cells: Sequence[str], separator: str = ",", **values: object) -> tuple[object, list[str]]:
    content = f"name{separator}z\n" + "".join(f"q{n}{separator}{cell}\n" for n, cell in enumerate(cells))
    files = [f"/d/q{n}.fits" for n in range(len(cells))]
    found = join_text(tmp_path, content, files, labels=("z",), **values)
    return np.asarray(found.table["z"]), found.notes


Z = [(n % 9 + 1) / 10 for n in range(45)]


@pytest.mark.parametrize(
    ("separator", "form", "factor"),
    [
        (";", lambda z: str(z).replace(".", ","), 1),
        (",", lambda z: f'"{int(1e6 * z):,}"', 1e6),
        (",", lambda z: f"{z}D+00", 1),
        ("\t", lambda z: str(z).replace(".", ","), 1),
    ],
)
def test_numbers_written_in_other_ways_are_quantities(tmp_path: Path, separator: str, form, factor: float) -> None:
    values, notes = labels_of(tmp_path, [form(z) for z in Z], separator)
    assert values == pytest.approx(np.array(Z) * factor)
    assert isinstance(recognise({"z": values}, ("z",)), Quantities)
    assert any("written in another way" in note for note in notes)


@pytest.mark.parametrize(
    "mark", ["-", "--", "INDEF", "\\N", "...", "?", "#N/A", "NULL", "nan", "n/a", "-99", "-9999.0"]
)
@pytest.mark.parametrize("count", [1, 5])
def test_marks_of_missing_values_are_missing_and_counted(tmp_path: Path, mark: str, count: int) -> None:
    cells = [mark if n < count else str(z) for n, z in enumerate(Z)]
    values, notes = labels_of(tmp_path, cells)
    assert np.isnan(values).tolist() == [n < count for n in range(len(Z))]
    assert isinstance(recognise({"z": values}, ("z",)), Quantities)
    if mark != "nan":
        assert any(f"in {count} row" in note for note in notes)


def test_a_few_words_among_numbers_are_missing_and_named(tmp_path: Path) -> None:
    values, notes = labels_of(tmp_path, ["0.5:", "faint", *map(str, Z)])
    assert np.isnan(values).sum() == 2
    assert any("“0.5:” in 1 row" in note and "“faint” in 1 row" in note for note in notes)


def test_a_value_that_may_be_real_is_kept_and_named(tmp_path: Path) -> None:
    magnitudes = [f"{15 + n / 10:.1f}" for n in range(40)]
    values, notes = labels_of(tmp_path, [*magnitudes, "-1", "-1", "-1"])
    assert (values == -1).sum() == (0 if any("Taken as missing" in note for note in notes) else 3)
    assert any("“−1” stands 3 times" in note for note in notes)
    declination, notes = labels_of(tmp_path, [str(n) for n in range(-90, 91, 2)] + ["99", "99"])
    assert (declination == 99).sum() == 2
    assert any("“99” stands 2 times" in note for note in notes)


def test_a_class_that_means_no_answer_is_named_with_the_way_to_leave_it_out(tmp_path: Path) -> None:
    cells = ["spiral", "other", "dont_know"] * 5
    values, notes = labels_of(tmp_path, cells)
    assert values.tolist() == cells, "nothing is left out unless the user says so"
    (told,) = (note for note in notes if "no answer" in note)
    assert "“dont_know” is learned" in told and "“other”" not in told
    setting = told.partition("missing_labels=): ")[2].rstrip(".")
    values, notes = labels_of(tmp_path, cells, missing_labels=setting)
    assert values.tolist() == ["spiral", "other", ""] * 5
    assert any("Taken as missing in “z”: “dont_know” in 5 rows" in note for note in notes)
    assert not any("no answer" in note for note in notes)


def test_the_user_decides_what_is_missing(tmp_path: Path) -> None:
    cells = ["-99", "-1", *map(str, Z)]
    assert np.isnan(labels_of(tmp_path, cells, missing_labels="-1")[0]).tolist() == [False, True] + [False] * 45
    assert not np.isnan(labels_of(tmp_path, cells, missing_labels="")[0]).any()
    both = ["1.5"] * 20 + ["2.5"] * 20 + ["-", "0.25", "-1"]
    found = labels_of(tmp_path, both, missing_labels="auto, -1")[0]
    assert np.isnan(found).tolist() == [False] * 40 + [True, False, True]
    texts = labels_of(tmp_path, ["None", "None", "None", "Weak", "Strong"], missing_labels="none, weak")[0]
    assert texts.tolist() == ["", "", "", "", "Strong"]


# --- classes with odd names


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["None", "Weak", "Strong"] * 4, ("None", "Strong", "Weak")),
        (["none", "minor", "major"] * 4, ("major", "minor", "none")),
        (["None", "Weak"] * 4, ("None", "Weak")),
        (["None", "spiral", "elliptical"] * 4, ("elliptical", "spiral")),
        (["NA", "E", "S0"] * 4, ("E", "NA", "S0")),
        (["null", "spiral", "disk"] * 4, ("disk", "spiral")),
        (["+", "-"] * 4, ("+", "-")),
        (["0", "1", "star"] * 4, ("0", "1", "star")),
    ],
)
def test_a_class_called_none_is_a_class_or_noted(cells: list[str], classes: tuple[str, ...], tmp_path: Path) -> None:
    values, notes = labels_of(tmp_path, cells)
    target = recognise({"z": values}, ("z",))
    assert isinstance(target, Classes)
    assert target.names == classes
    if {"None", "none", "NA", "null", "-"} & set(cells):
        assert any(f"in {cells.count(cells[0])} rows" in note or "is a class" in note for note in notes)


def test_a_folder_called_none_is_a_class(tmp_path: Path) -> None:
    images = cutouts_called(tmp_path / "images", ["None/1", "None/2", "Weak/3", "Weak/4"])
    result_of(run([images], tmp_path / "d.h5", ImportSettings(labels_from_folders=True), None, threading.Event()))
    with Cutouts.open(tmp_path / "d.h5") as cutouts:
        assert isinstance(target := recognise(cutouts.columns, ("class",)), Classes)
        assert target.names == ("None", "Weak")


# --- how the table is laid out


@pytest.mark.parametrize(
    "content",
    [
        "# name,label\n{rows,}",
        "#name,label\n{rows,}",
        "# made by hand\n# name,label\n{rows,}",
        "# two words\nname label\n{rows }",
        "# name label\n{rows }",
        "name|label\n{rows|}",
        "name;label\n{rows;}",
        "#   1 name    Name of the galaxy\n#   2 label   Its class\n{rows }",
        "# VizieR\nname\tlabel\n \tclass\n----\t-----\n{rows\t}",
        "name    label\n----    -----\n{rows     }",
    ],
)
def test_headers_are_recognised_and_no_row_is_swallowed(content: str, tmp_path: Path) -> None:
    start, _, rest = content.partition("{rows")
    rows = "".join(f"g{n:02d}{rest.rstrip('}')}{'ab'[n % 2]}\n" for n in range(12))
    table = read_table(text(tmp_path, start + rows))
    assert table.colnames == ["name", "label"]
    assert table["name"].tolist() == [f"g{n:02d}" for n in range(12)]


def test_columns_of_fixed_width_may_hold_blanks(tmp_path: Path) -> None:
    lines = ["ID   Name        Class", "1    NGC 1234    Sb", "2    M 31          ", "3    IC 10 a     E"]
    table = read_table(text(tmp_path, "\n".join(lines), "a.txt"))
    assert (table.colnames, table["Name"].tolist()) == (["ID", "Name", "Class"], ["NGC 1234", "M 31", "IC 10 a"])
    assert table["Class"].tolist() == ["Sb", "", "E"]


def test_a_table_without_header_keeps_its_first_row_or_is_refused(tmp_path: Path) -> None:
    table = read_table(text(tmp_path, "g0.fits,a\ng1.fits,b\n"))
    assert (table.colnames, len(table)) == (["column 1", "column 2"], 2)
    with pytest.raises(CatalogueProblem, match="first line names an image"):
        join_text(tmp_path, "g0,a\ng1,b\n", ["/d/g0.fits", "/d/g1.fits"])


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"name,label\ng0,a\n", mtime=0),
        "name,label\ng0,a\n".encode("utf-16"),
        "name,label\ng0,a\n".encode("utf-16-le"),
    ],
    ids=["gzip", "utf-16", "utf-16-le"],
)
def test_packed_and_wide_text_is_read(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(content)
    assert read_table(tmp_path / "a.csv.gz")["name"].tolist() == ["g0"]


def test_a_spreadsheet_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(CatalogueProblem, match="spreadsheet") as problem:
        read_table(tmp_path / "a.xlsx")
    assert "CSV" in problem.value.remedy


def test_a_quotation_mark_that_is_not_closed_is_reported(tmp_path: Path) -> None:
    rows = "".join(f"g{n},a\n" for n in range(30))
    table = read_table(text(tmp_path, f'name,label\ng,a\nx,"b\n{rows}'))
    assert [problem.where for problem in (table.meta or {})["problems"]] == ["line 3"]


def test_one_long_cell_does_not_widen_the_whole_column(tmp_path: Path) -> None:
    rows = "".join(f"g{n},{'x' * (100_000 if n == 5 else 3)}\n" for n in range(2000))
    table = read_table(text(tmp_path, f"name,note\n{rows}"))
    assert np.asarray(table["note"]).nbytes < 100_000
    assert len(table["note"][5]) == 100_000


# --- files with several tables


def several(folder: Path, kind: str) -> Path:
    catalogue = Table({"name": [f"g{n}" for n in range(6)], "label": [0, 1] * 3})
    path = folder / f"several.{kind}"
    if kind == "fits":
        head = fits.BinTableHDU.from_columns([fits.Column("Field Header Card", "80A", array=["SIMPLE"])], name="HEAD")
        body = fits.table_to_hdu(catalogue)
        body.name = "OBJECTS"
        fits.HDUList([fits.PrimaryHDU(), head, body]).writeto(path)
    else:
        first = from_table(Table({"x": [1]}))
        first.resources.append(from_table(catalogue).resources[0])
        writeto(first, str(path))
    return path


@pytest.mark.parametrize("kind", ["fits", "xml"])
def test_the_table_that_names_the_images_is_taken_and_named(kind: str, tmp_path: Path) -> None:
    names = [f"g{n}" for n in range(6)]
    report, labels = imported(tmp_path, names, several(tmp_path, kind), labels=("label",))
    assert labels == {f"g{n}": str(n % 2) for n in range(6)}
    assert any("2 tables" in note and "was used" in note for note in report.notes)
    with pytest.raises(CatalogueProblem, match="no column “label”"):
        join_tables(read_tables(tmp_path / f"several.{kind}"), [("", "g0")],
                    ImportSettings(catalogue_table="1", labels=("label",)))  # fmt: skip


def test_a_table_of_arrays_is_refused(tmp_path: Path) -> None:
    Table({"spectrum": np.ones((6, 5))}).write(tmp_path / "a.fits")
    with pytest.raises(CatalogueProblem, match="None of its columns holds single values"):
        read_tables(tmp_path / "a.fits")
    Table({"name": ["a", "b"], "label": np.array([[1], [2]])}).write(tmp_path / "b.fits")
    assert read_table(tmp_path / "b.fits")["label"].tolist() == [1, 2]


@pytest.mark.parametrize("kind", ["PARQUET", "FITS", "BINARY"])
def test_a_votable_never_opens_another_file(kind: str, tmp_path: Path) -> None:
    Table({"name": ["a"]}).write(tmp_path / "rows.fits")
    href = (tmp_path / "rows.fits").as_uri()
    data = f'<DATA><{kind}><STREAM href="{href}"/></{kind}></DATA>'
    columns = '<FIELD name="name" datatype="char" arraysize="*"/>'
    table = f"<RESOURCE><TABLE>{columns}{data}</TABLE></RESOURCE>"
    text(tmp_path, f'<?xml version="1.0"?><VOTABLE version="1.4">{table}</VOTABLE>', "a.xml")
    with pytest.raises(CatalogueProblem, match="which is not opened") as problem:
        read_tables(tmp_path / "a.xml")
    assert ("a Parquet file" in problem.value.sentence) == (kind == "PARQUET")


# --- the report


def test_tables_beside_the_cutouts_are_named_in_the_right_number(tmp_path: Path) -> None:
    images = cutouts_called(tmp_path / "images", ["g0"])
    for name in ("a.csv", "b.csv"):
        text(images, "name,label\ng0,a\n", name)
    report = result_of(run([images], tmp_path / "d.h5", ImportSettings(), None, threading.Event()))
    assert "a.csv and b.csv lie beside the cutouts and were not used as a catalogue." in report.notes


def test_rows_that_cannot_be_read_are_in_the_report_with_their_line(tmp_path: Path) -> None:
    report, _ = imported(tmp_path, ["g0"], text(tmp_path, "# made\nname,label\ng0,a\ng1\n"))
    assert [problem.where for problem in report.unusable] == ["line 4"]


@pytest.mark.parametrize("ending", ["fits", "xml", "parquet"])
@pytest.mark.parametrize("mark", [-99.0, "-"])
def test_marks_of_missing_values_are_missing_in_binary_tables_too(tmp_path: Path, ending: str, mark: object) -> None:
    path = tmp_path / f"catalogue.{ending}"
    written = [mark, *Z] if isinstance(mark, float) else [mark, *map(str, Z)]
    table = Table({"name": [f"q{n}" for n in range(len(written))], "z": written})
    if ending == "xml":
        writeto(from_table(table), str(path))
    else:
        table.write(path)
    files = [(f"/d/q{n}.fits", f"q{n}") for n in range(len(written))]
    found = join_tables(read_tables(path), files, ImportSettings(labels=("z",)))
    values = np.asarray(found.table["z"])
    assert np.isnan(values).tolist() == [True] + [False] * len(Z)
    assert isinstance(recognise({"z": values}, ("z",)), Quantities)
    assert any("Taken as missing in “z”" in note and "in 1 row" in note for note in found.notes)
