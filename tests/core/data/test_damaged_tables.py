"""One bad cell, row, column or table is its own problem; no table is trusted in what it claims or refers to."""

import gzip
import io
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import Table
from pyarrow import parquet

from core.data import importing, table_bounds, table_votable
from core.data.catalogue import label_columns, read_table, read_tables
from core.data.catalogue_filter import Finder, sort_rows
from core.data.choose_table import named_table
from core.data.label_values import clean_labels
from core.data.parts import group_rows
from core.data.preview import preview
from core.data.settings import ImportSettings
from core.errors import CatalogueProblem, Stopped
from core.events import result_of

FIELDS = '<FIELD name="name" datatype="char" arraysize="*"/><FIELD name="label" datatype="int"/>'
ROW = "<TR><TD>g0</TD><TD>1</TD></TR>"
MIXIN = """# - {name: name, datatype: string}
# meta: !!omap
# - __serialized_columns__:
#     v:
#       __class__: os.system
#       value: !astropy.table.SerializedColumn {name: name}"""
MIB = 2**20


def text(folder: Path, content: str | bytes, name: str = "c.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def votable(rows: str = ROW, fields: str = FIELDS, attributes: str = "", before: str = "") -> str:
    inside = element(rows, fields, attributes)
    return f'<?xml version="1.0"?>{before}<VOTABLE version="1.4"><RESOURCE>{inside}</RESOURCE></VOTABLE>'


def element(rows: str = ROW, fields: str = FIELDS, attributes: str = "") -> str:
    data = rows if "<STREAM" in rows else f"<TABLEDATA>{rows}</TABLEDATA>"
    return f"<TABLE{attributes}>{fields}<DATA>{data}</DATA></TABLE>"


def problems(table: Table) -> list[str]:
    return [str(problem) for problem in (table.meta or {})["problems"]]


def notes(table: Table) -> str:
    return " ".join((table.meta or {})["notes"])


@pytest.fixture
def little_memory() -> Iterator[None]:
    """For the test, Python and NumPy may take 100 MiB at most."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * MIB


# --- one bad table, row, cell, column


def test_a_bad_table_of_a_fits_file_leaves_the_others(tmp_path: Path) -> None:
    table = Table({"name": ["g0", "g1"], "label": [1, 2]})
    units = [fits.PrimaryHDU(), *(fits.table_to_hdu(table) for _ in range(2))]
    units[1].name, units[2].name = "BROKEN", "WHOLE"
    buffer = io.BytesIO()
    fits.HDUList(units).writeto(buffer)
    whole = buffer.getvalue()
    place = whole.index(b"TFORM1")
    text(tmp_path, whole[:place] + b"TFORM1  = 'ZZZ     '          " + whole[place + 30 :], "c.fits")
    (found,) = read_tables(tmp_path / "c.fits")
    assert found["label"].tolist() == [1, 2]
    assert any("c.fits, table “BROKEN”" in problem and "ZZZ" in problem for problem in problems(found))
    with pytest.raises(CatalogueProblem, match="ZZZ"):
        named_table([found], "broken")


def test_a_bad_table_of_a_votable_leaves_the_others(tmp_path: Path) -> None:
    bad = element(fields='<FIELD name="v" datatype="double" arraysize="3"/>', rows="<TR><TD>1 2 3</TD></TR>")
    empty = element(rows="<TR><TD>g0</TD></TR>", attributes=' name="short"')
    whole = element(attributes=' name="whole"')
    content = f"<VOTABLE><RESOURCE>{bad}{empty}{whole}</RESOURCE></VOTABLE>"
    (found,) = read_tables(text(tmp_path, content, "c.xml"))
    assert (found.meta or {})["name"] == "whole"
    assert any("None of its columns holds single values" in problem for problem in problems(found))
    assert (
        "table “short”, row 1: This row of the catalogue has 1 cell and not 2; it was left out." in problems(found)[1]
    )


def test_a_bad_cell_of_a_votable_is_named_and_the_columns_stay_in_place(tmp_path: Path) -> None:
    fields = FIELDS + '<FIELD name="z" datatype="double"/>'
    rows = "<TR><TD>g9</TD></TR><TR><TD>g0</TD><TD>x1</TD><TD>0.1</TD></TR><TR><TD>g1</TD><TD>2</TD><TD>far</TD></TR>"
    table = read_table(text(tmp_path, votable(rows, fields), "c.xml"))
    assert np.asarray(table["label"]).tolist() == pytest.approx([np.nan, 2], nan_ok=True)
    assert np.asarray(table["z"]).tolist() == pytest.approx([0.1, np.nan], nan_ok=True)
    told = problems(table)
    assert [problem.partition(":")[0] for problem in told] == [f"table “1”, row {row}" for row in (1, 2, 3)]
    assert "“x1” in the column “label” is not of its type, int" in told[1]


def test_ids_in_a_votable_keep_their_digits_whatever_type_their_column_claims(tmp_path: Path) -> None:
    rows = "<TR><TD>g0</TD><TD>587722953303916935</TD></TR><TR><TD>g1</TD><TD>99999999999999999999</TD></TR>"
    assert read_table(text(tmp_path, votable(rows), "c.xml"))["label"].tolist() == [
        "587722953303916935",
        "99999999999999999999",
    ]
    short = FIELDS.replace('"*"', '"2"')
    assert read_table(text(tmp_path, votable(rows, short).replace("g0", "galaxy-0"), "c.xml"))["name"][0] == "galaxy-0"


def test_values_of_all_types_of_a_votable_are_read_as_astropy_reads_them(tmp_path: Path) -> None:
    table = Table({
        "name": ["g0", "g1"], "flag": [True, False], "byte": np.array([1, 200], np.uint8), "i": [-5, 2**40],
        "f": np.array([0.1, np.nan], np.float32), "d": [1e-300, np.inf], "short": np.array([1, 2], np.int16),
    })  # fmt: skip
    table["d"].unit = "arcsec"
    columns = {}
    for kind in ("tabledata", "binary", "binary2"):
        writeto(from_table(table), str(tmp_path / f"{kind}.xml"), tabledata_format=kind)
        columns[kind] = read_table(tmp_path / f"{kind}.xml")
    for name in table.colnames:
        found = [np.asarray(columns[kind][name]) for kind in columns]
        assert all(each.dtype == found[1].dtype for each in found)
        np.testing.assert_array_equal(found[0], found[1])
    assert str(columns["tabledata"]["d"].unit) == "arcsec"
    null = FIELDS.replace('datatype="int"/>', 'datatype="int"><VALUES null="-9"/></FIELD>')
    masked = read_table(text(tmp_path, votable(ROW + ROW.replace(">1<", ">-9<"), null), "c.xml"))
    assert np.asarray(masked["label"]).tolist() == pytest.approx([1, np.nan], nan_ok=True)


def test_a_quotation_mark_that_stays_open_costs_its_row_only(tmp_path: Path) -> None:
    rows = [f"g{n},{n}" for n in range(60)]
    rows[5] = '"g5,5'
    table = read_table(text(tmp_path, "name,label\n" + "\n".join(rows) + "\n"))
    assert table["name"].tolist() == [f"g{n}" for n in range(60) if n != 5]
    (told,) = problems(table)
    assert told.startswith("line 7: A cell that begins in this row has more than 20 lines; the row was left out. Close")


def test_a_huge_cell_costs_its_row_at_most(tmp_path: Path) -> None:
    table = read_table(text(tmp_path, f"name,label\ng0,{'x' * 200_000}\ng1,b\n"))
    assert [len(label) for label in table["label"]] == [200_000, 1]
    table = read_table(text(tmp_path, f"name,label\ng0,{'x' * 5 * MIB}\ng1,b\n"))
    assert table["name"].tolist() == ["g1"]
    assert "line 2: This line has 5,242,882 letters" not in problems(table)[0]
    assert "line 2: This line has" in problems(table)[0]


def test_a_table_with_mostly_bad_rows_is_refused_with_the_first(tmp_path: Path) -> None:
    with pytest.raises(CatalogueProblem, match=r"Most rows .* cannot be used\. The first, line 3: This row"):
        read_tables(text(tmp_path, "name,label\ng0,a\n" + "g1\n" * 20_000))
    few = read_table(text(tmp_path, "name,label\n" + "g0,a\n" * 1200 + "g1\n" * 1100))
    assert (
        problems(few)[-1] == "up to line 2301: 100 more rows of the catalogue cannot be used. Correct the first ones."
    )


def test_a_bad_column_of_a_parquet_file_leaves_the_others(tmp_path: Path) -> None:
    field = pa.field("name", pa.string(), metadata={b"unit": b"\xff"})
    columns = [["g0", "g1"], [1, 2], pa.array([1, 2], pa.time64("ns")), pa.array([2**62, 1], pa.timestamp("us"))]
    schema = pa.schema([field, ("a", pa.int64()), ("time", pa.time64("ns")), ("date", pa.timestamp("us"))])
    parquet.write_table(pa.table([pa.array(c) for c in columns], schema=schema), tmp_path / "c.parquet")
    table = read_table(tmp_path / "c.parquet")
    assert table["name"].tolist() == ["g0", "g1"]
    assert {"time", "date"}.isdisjoint(table.colnames)
    assert "column “time” cannot be read" in notes(table)
    parquet.write_table(pa.table([columns[1], columns[0]], names=["x", "x"]), tmp_path / "d.parquet")
    assert read_table(tmp_path / "d.parquet").colnames == ["x", "x (2)"]


def test_columns_of_any_length_in_fits_are_left_out_unread(tmp_path: Path) -> None:
    values = fits.Column("v", "PD()", array=np.array([np.ones(2), np.ones(3)], dtype=object))
    fits.BinTableHDU.from_columns([fits.Column("name", "3A", array=["g0", "g1"]), values]).writeto(tmp_path / "c.fits")
    table = read_table(tmp_path / "c.fits")
    assert table.colnames == ["name"]
    assert "column “v” holds no single values" in notes(table)


# --- what a table claims


def patched(raw: bytes, key: str, value: object) -> bytes:
    place = raw.index(key.ljust(8).encode() + b"=", 2880)
    return raw[:place] + f"{key:8s}= {value!s:>20}".encode() + raw[place + 30 :]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("NAXIS2", 10**9, "claims 1,000,000,000 rows"),
        ("NAXIS2", 3 * 10**7, "claims 30,000,000 rows"),
        ("NAXIS2", -5, "claims -5 rows"),
        ("NAXIS1", 10**9, "of 1,000,000,000 bytes"),
        ("PCOUNT", 10**12, "the file ends 2,880 bytes after its header"),
        ("TFIELDS", 10**9, "1,000,000,000 columns"),
        ("TFORM1", "'999999999A'", "1,000,000,007 bytes in each row"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_fits_table_is_compared_with_its_bytes(
    key: str, value: object, said: str, ending: str, tmp_path: Path, little_memory: None
) -> None:
    buffer = io.BytesIO()
    Table({"name": ["a", "b"], "label": [1, 2]}).write(buffer, format="fits")
    content = patched(buffer.getvalue(), key, value)
    text(tmp_path, gzip.compress(content) if ending else content, f"c.fits{ending}")
    with pytest.raises(CatalogueProblem, match=said) as problem:
        read_tables(tmp_path / f"c.fits{ending}")
    assert str(tmp_path / f"c.fits{ending}") in problem.value.where


def test_a_parquet_file_cannot_claim_rows_without_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_bounds, "_FREE", 4 * MIB)  # 256 MiB take seconds to claim
    path = tmp_path / "c.parquet"
    ones = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10**6, np.int8)), pa.array([1]))
    with parquet.ParquetWriter(path, pa.schema([("x", ones.type)])) as writer:
        writer.write_table(pa.table({"x": ones}))
    assert path.stat().st_size < 50_000
    with pytest.raises(CatalogueProblem, match="claims to need 8 MiB, and its file has"):
        read_tables(path)


def test_long_texts_that_rows_of_a_parquet_file_share_are_in_memory_once(tmp_path: Path, little_memory: None) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, np.int32)), pa.array(["y" * 20_000]))
    parquet.write_table(pa.table({"name": texts}), tmp_path / "c.parquet")
    assert {len(name) for name in read_table(tmp_path / "c.parquet")["name"]} == {20_000}


@pytest.mark.parametrize(
    "content",
    [
        votable(attributes=' nrows="60000000"'),
        votable(attributes=' nrows="1000000000000"'),
        votable(fields=FIELDS.replace('"*"', '"2000000000"')),
        votable(ROW * 3000, FIELDS.replace('"*"', '"100000"')),
        votable('<BINARY><STREAM encoding="base64">AAAAAWEAAAAB</STREAM></BINARY>'),
    ],
    ids=range(5),
)
def test_what_a_votable_claims_of_its_size_takes_no_memory(content: str, tmp_path: Path, little_memory: None) -> None:
    table = read_table(text(tmp_path, content, "c.xml"))
    assert np.asarray(table["label"]).tolist() == [1] * len(table)


@pytest.mark.parametrize(("rows", "size"), [("1000000000", "*"), ("1", "2000000")])
def test_a_binary_votable_that_claims_too_much_is_refused(
    rows: str, size: str, tmp_path: Path, little_memory: None
) -> None:
    stream = '<BINARY><STREAM encoding="base64">AAAAAWEAAAAB</STREAM></BINARY>'
    content = votable(stream, FIELDS.replace('"*"', f'"{size}"'), f' nrows="{rows}"')
    with pytest.raises(CatalogueProblem, match="This table claims to need"):
        read_tables(text(tmp_path, content, "c.xml"))


@pytest.mark.parametrize("name", ["c.csv", "c.xml", "c.fits"])
def test_a_compressed_table_cannot_become_gigabytes(name: str, tmp_path: Path) -> None:
    start = {"c.fits": b"SIMPLE  =".ljust(2880), "c.xml": b"<VOTABLE>"}.get(name, b"name,label\n")
    text(tmp_path, gzip.compress(start + bytes([10]) * 20 * MIB, 1), f"{name}.gz")
    with pytest.raises(CatalogueProblem, match="unpacks to more than"):
        read_tables(tmp_path / f"{name}.gz")


def test_a_spreadsheet_is_refused_unopened_however_large_it_would_be(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "c.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(30 * MIB))
    with pytest.raises(CatalogueProblem, match="spreadsheet"):
        read_tables(tmp_path / "c.xlsx")


def test_one_long_cell_does_not_make_all_rows_as_long(tmp_path: Path, little_memory: None) -> None:
    count = 3000
    rows = (f"g{n},{'x' * 100_000 if n == 7 else f'n{n}'}\n" for n in range(count))
    table = read_table(text(tmp_path, "name,note\n" + "".join(rows)))
    column = np.asarray(table["note"])
    clean_labels(table, ["note"], ImportSettings())
    assert result_of(Finder({"note": column}).search("N123", count)).sum() == 11
    assert result_of(sort_rows(column, np.arange(count)))[-1] == 7
    assert len(group_rows(column.tolist()).checksums) == count


@pytest.mark.parametrize("letter", [pytest.param("", marks=pytest.mark.slow), "星"])
def test_long_cells_in_all_rows_take_no_more_than_their_letters(letter: str, tmp_path: Path) -> None:
    rows = "".join(f"g{n},{'x' * 10_000}\n" for n in range(3000))
    size = text(tmp_path, f"name,note\n{letter},\n{rows}").stat().st_size
    tracemalloc.start()
    assert len(read_table(tmp_path / "c.csv")) == 3001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * size  # 0.9 GB for ten times as many rows


class Impatient(threading.Event):
    """Somebody who asks to stop after some looks."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left = looks

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("name", ["c.csv", "c.xml", "c.ecsv"])
def test_the_reading_of_a_large_table_can_be_stopped_on_its_way(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_votable, "_BLOCK", 1000)
    content = {
        "c.csv": "name,label\n" + "g0,1\n" * 1000,
        "c.xml": votable(ROW * 1000),
        "c.ecsv": "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: string}\na\n" + "g0\n" * 1000,
    }[name]
    (tmp_path / name).write_text(content)
    hurry = Impatient(20)
    with pytest.raises(Stopped):
        read_tables(tmp_path / name, hurry)
    assert hurry.left == -1
    stopped = threading.Event()
    stopped.set()
    fits.PrimaryHDU(np.ones((8, 8), np.float32)).writeto(tmp_path / "g0.fits")
    with pytest.raises(Stopped):
        result_of(importing.run(tmp_path / "g0.fits", tmp_path / "out.h5", catalogue=tmp_path / name, stop=stopped))


# --- what a table refers to


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has called
            server.accept()


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize(
    "content",
    [
        votable('<BINARY><STREAM href="URL"/></BINARY>'),
        votable('<BINARY2><STREAM encoding="a>b" href="URL"/></BINARY2>'),
        votable('<FITS><STREAM actuate="onLoad" href="URL"></STREAM></FITS>'),
        votable('<v:FITS><v:STREAM href="URL"/></v:FITS>'),
        votable('<PARQUET type="VOTable-remote-file"><STREAM href="URL"/></PARQUET>'),
        votable('<BINARY><STREAM href="URL"/></BINARY>').encode("utf-16"),
        votable(ROW.replace("g0", "&a;"), before='<!DOCTYPE VOTABLE [<!ENTITY a SYSTEM "URL">]>'),
        votable(before='<!DOCTYPE VOTABLE [<!ENTITY % a SYSTEM "URL"> %a;]>'),
    ],
    ids=range(8),
)
def test_a_votable_opens_no_address_and_no_other_file(
    content: str | bytes, scheme: str, tmp_path: Path, listener: socket.socket
) -> None:
    Table({"name": ["g0"], "label": [1]}).write(tmp_path / "rows.fits")
    there = f"http://127.0.0.1:{listener.getsockname()[1]}/rows.fits"
    url = there if scheme == "http" else (tmp_path / "rows.fits").as_uri()
    is_wide = isinstance(content, bytes)
    known = content.decode("utf-16") if isinstance(content, bytes) else content
    text(tmp_path, known.replace("URL", url).encode("utf-16" if is_wide else "utf-8"), "c.xml")
    with pytest.raises(CatalogueProblem, match=r"which is not opened|declares entities"):
        read_tables(tmp_path / "c.xml")


def test_links_of_a_votable_and_the_address_of_its_grammar_are_not_followed(
    tmp_path: Path, listener: socket.socket
) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    link = f'<LINK href="{url}"/>'
    content = votable(fields=FIELDS + link, before=f'<!DOCTYPE VOTABLE SYSTEM "{url}">')
    assert len(read_table(text(tmp_path, content, "c.xml"))) == 1


def test_the_preview_sends_no_request_for_a_votable_beside_the_cutouts(tmp_path: Path, listener: socket.socket) -> None:
    fits.PrimaryHDU(np.ones((8, 8), np.float32)).writeto(tmp_path / "g0.fits")
    href = f"http://127.0.0.1:{listener.getsockname()[1]}/rows.fits"
    text(tmp_path, votable(f'<FITS><STREAM href="{href}"/></FITS>'), "catalogue.xml")
    assert result_of(preview([tmp_path], ImportSettings(), None)).count == 1


@pytest.mark.parametrize(
    "header",
    [
        "# - {name: name, datatype: !!python/object/apply:os.system ['touch made']}",
        "# - {name: name, datatype: string}\n# meta: !!python/object/new:os.system ['touch made']",
        MIXIN,
        "# - {name: name, datatype: string}\n# meta: {x: !numpy.ndarray {buffer: '', dtype: O, shape: [9000000000]}}",
        "# - {name: name, datatype: string, subtype: 'float64[9000000000]'}",
        "# - " + "[" * 5000,
        "# - {name: name, datatype: string}\n" * 10_000,
    ],
    ids=range(7),
)
def test_the_header_of_an_ecsv_table_makes_nothing(
    header: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, little_memory: None
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CatalogueProblem):
        read_tables(text(tmp_path, f"# %ECSV 1.0\n# ---\n# datatype:\n{header}\nname\ng0\n", "c.ecsv"))
    assert [path.name for path in tmp_path.iterdir()] == ["c.ecsv"]


def test_a_pipe_is_no_catalogue(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.csv")
    with pytest.raises(CatalogueProblem, match="a device or a pipe"):
        read_tables(tmp_path / "c.csv")


# --- odd content


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"name,label\ng\0a,b\ng1,c\n", ["g\0a", "g1"]),
        ("name,label\ng0,é\n".encode() + "gé,é\n".encode("latin-1"), ["g0", "gé"]),
        ("name,label\ng0,a\n".encode("utf-32"), ["g0"]),
        ("name,label\ng0,a\n".encode("utf-16-be"), ["g0"]),
        (b"\xef\xbb\xbfname,label\r\rg0,a\r", ["g0"]),
        ("name,label\n٣,a\n²,b\n".encode(), ["٣", "²"]),
        (b"name,label\n" + b"9" * 5000 + b",1\n", ["9" * 5000]),
    ],
    ids=range(7),
)
def test_odd_letters_are_read(content: bytes, names: list[str], tmp_path: Path) -> None:
    table = read_table(text(tmp_path, content))
    assert table["name"].tolist() == names
    assert ("not UTF-8" in notes(table)) == (b"g\xe9" in content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0\1\2\3" * 1000, "not a table"),
        ("name,label\ng0,a\n".encode("utf-16")[:-1], "damaged"),
        (b"," * 6 * MIB + b"\n1,2\n", "6,291,456 letters"),
        (",".join(f"c{n}" for n in range(20_000)).encode() + b"\n1,2\n", "20,000 columns"),
        (" ".join(f"c{n}" for n in range(20_000)).encode() + b"\n1,2\n", "20,000 columns"),
        (b"#\n#\n", "is empty"),
        (b"name,label\n", "has no rows"),
        (b"name,label\n" + b"x" * 5 * MIB + b",1\n", "This line has 5,242,882 letters"),
    ],
    ids=range(8),
)
def test_what_is_no_table_is_said(content: bytes, said: str, tmp_path: Path, little_memory: None) -> None:
    started = time.monotonic()
    with pytest.raises(CatalogueProblem, match=said):
        read_tables(text(tmp_path, content))
    assert time.monotonic() - started < 60  # no hang


@pytest.mark.parametrize("width", [2_000_000, 100_000])
def test_wide_lines_of_blanks_are_read_at_once(width: int, tmp_path: Path, little_memory: None) -> None:
    content = f"name    label   {' ' * width}\n" + "ab      c d    \n" * 200
    assert len(read_table(text(tmp_path, content))) == 200


def test_very_many_empty_lines_and_comments_take_little(tmp_path: Path, little_memory: None) -> None:
    assert len(read_table(text(tmp_path, b"name,label\ng0,a\n" + b"\n" * 200_000))) == 1
    assert len(read_table(text(tmp_path, b"#\n" * 20_000 + b"name,label\ng0,a\n"))) == 1


def test_names_of_columns_are_one_short_line_each_and_all_different(tmp_path: Path) -> None:
    long = "x" * 100_000
    header = f'name,"la\x1b[31m\nbel",{long},{long},,a,a (2),a\n'
    table = read_table(text(tmp_path, header + "g0,b,1,2,3,4,5,6\n"))
    assert len(set(table.colnames)) == 8
    assert all(name.isprintable() and len(name) < 220 for name in table.colnames)
    votes = f'name,"smooth\n_fraction"\ng0,0.{"1" * 20}\n'
    table = read_table(text(tmp_path, votes))
    assert label_columns(table, ImportSettings(labels=("smooth_fraction",))) == ("smooth_fraction",)
    assert (table.meta or {})["texts"]["smooth_fraction"].tolist() == [f"0.{'1' * 20}"]


def test_numbers_beyond_all_bounds_are_no_labels(tmp_path: Path) -> None:
    table = read_table(text(tmp_path, "name,label\ng0,1e999\ng1,-1e999\ng2,3\n"))
    assert np.asarray(table["label"]).tolist() == [np.inf, -np.inf, 3]
