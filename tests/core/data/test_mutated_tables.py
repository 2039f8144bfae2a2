"""However a table is damaged, reading it ends in a table or in a sentence, and so does joining it to images."""

import gzip
import io
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io.votable import from_table, writeto
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from core.data.catalogue import id_texts, read_tables, take
from core.data.catalogue_filter import Finder, sort_rows
from core.data.choose_table import join_tables
from core.data.parts import recognise_column
from core.data.settings import ImportSettings
from core.data.target import encode, recognise
from core.errors import Problem
from core.events import result_of

FILES = [(f"/d/g{n}.fits", f"g{n}") for n in range(6)]
CDS = """Title: Galaxies
================================================================================
Byte-by-byte Description of file: table.dat
--------------------------------------------------------------------------------
   Bytes Format Units  Label  Explanations
--------------------------------------------------------------------------------
   1-  4  A4    ---    name   Name
   6-  9  F4.2  arcsec radius Radius
  11- 16  A6    ---    label  Class
--------------------------------------------------------------------------------
"""
INSERTED = (
    *(b"\0", b"\xff\xfe", b'"', b"'", b"\n", b"\r", b",", b"|", b"#", b"\t", b"<", b">", b"&amp;", b"&x;", b"]"),
    *(b"9" * 400, b"-1", b"1e999", b"nan", b"inf", b"2147483648", b"18446744073709551616", b"\xd9\xa3", b"\x1b[2J"),
    *(b"<TABLE>", b"</TD>", b"<!ENTITY a 'b'>", b"# %ECSV 1.0\n", b"SIMPLE  =", b"PAR1", b"END" + b" " * 77),
    *(b" " * 300, b"[" * 3000, b"E"),
)
TEXTS = {
    "c.csv": "ascii.csv", "c.txt": "ascii.fixed_width_two_line", "c.tbl": "ascii.ipac", "c.tsv": "ascii.tab",
    "c.ecsv": "ascii.ecsv",
}  # fmt: skip
NAMES = (*TEXTS, "tabledata.xml", "binary2.xml", "c.fits", "c.parquet", "c.dat", "c.csv.gz", "c.fits.gz")


@cache
def whole_tables() -> dict[str, bytes]:
    """A small table in every format that is read."""
    table = Table({
        "name": [f"g{n}" for n in range(6)], "radius": np.linspace(0.1, 2, 6), "count": np.arange(6) - 2,
        "label": ["round", "disk"] * 3, "is_barred": [True, False] * 3,
    })  # fmt: skip
    table["radius"].unit = "arcsec"
    found: dict[str, bytes] = {}
    for name, kind in TEXTS.items():
        text = io.StringIO()
        table.write(text, format=kind)
        found[name] = text.getvalue().encode()
    for kind in ("tabledata", "binary2"):
        content = io.BytesIO()
        writeto(from_table(table), content, tabledata_format=kind)
        found[f"{kind}.xml"] = content.getvalue()
    content = io.BytesIO()
    table.write(content, format="fits")
    found["c.fits"] = content.getvalue()
    content = io.BytesIO()
    parquet.write_table(pa.table({name: table[name].tolist() for name in table.colnames}), content)
    found["c.parquet"] = content.getvalue()
    rows = "".join(f"g{n:<3d} {n / 7:4.2f} {('round', 'disk')[n % 2]:6s}\n" for n in range(6))
    found["c.dat"] = (CDS + rows).encode()
    return found | {f"{name}.gz": gzip.compress(found[name], mtime=0) for name in ("c.csv", "c.fits")}


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """The name and the content of a table with up to four damages."""
    name = draw(st.sampled_from(NAMES))
    content = bytearray(whole_tables()[name])
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([1, 1, 2, 8, 80, 3000]))
        match draw(st.sampled_from(["flip", "remove", "insert", "overwrite", "repeat", "cut"])):
            case "flip":
                content[start : start + 1] = bytes(
                    each ^ draw(st.integers(1, 255)) for each in content[start : start + 1]
                )
            case "remove":
                del content[start : start + length]
            case "insert":
                content[start:start] = draw(st.sampled_from(INSERTED))
            case "overwrite":
                new = draw(st.sampled_from(INSERTED))
                content[start : start + len(new)] = new
            case "repeat":
                content[start:start] = content[start : start + length] * draw(st.integers(1, 40))
            case _:
                del content[start:]
    return name, bytes(content)


def follow(path: Path) -> None:
    """Read a table and do with it what an import does; problems are said, and nothing else is raised."""
    try:
        tables = read_tables(path)
    except Problem as problem:
        assert problem.sentence
        assert problem.where
        return
    for table in tables:
        assert len({len(table[name]) for name in table.colnames}) == 1
        assert all(np.asarray(table[name]).dtype.kind in "biufUOM" for name in table.colnames)
        assert all(isinstance(problem, Problem) and problem.where for problem in (table.meta or {})["problems"])
        columns = {name: np.asarray(table[name]) for name in table.colnames}
        recognise_column(columns)
        result_of(Finder(columns).search("g1", len(table)))
        for name, values in columns.items():
            result_of(sort_rows(values, np.arange(len(table))))
            take(values, np.array([0, -1]))
            try:
                id_texts(table, name)
                target = recognise(columns, [name])
                encode(target, columns)
            except Problem:
                pass
    for labels in ((), ("label",), ("radius",)):
        try:
            joined = join_tables(tables, FILES, ImportSettings(labels=labels))
            joined.without_image([0])
        except Problem as problem:
            assert problem.sentence


@pytest.mark.parametrize("name", NAMES)
def test_whole_tables_are_read_and_joined(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(whole_tables()[name])
    joined = join_tables(read_tables(tmp_path / name), FILES, ImportSettings(labels=("label",)))
    assert [joined.row_of(*file) for file in FILES] == list(range(6))
    follow(tmp_path / name)


@given(damaged())
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
def test_a_damaged_table_ends_in_a_table_or_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, table: tuple[str, bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / table[0]
    path.write_bytes(table[1])
    follow(path)


@pytest.mark.slow
@given(damaged())
@settings(max_examples=5000, suppress_health_check=list(HealthCheck))
def test_thousands_of_damaged_tables_end_in_a_table_or_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, table: tuple[str, bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / table[0]
    path.write_bytes(table[1])
    follow(path)
