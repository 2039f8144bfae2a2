"""Reading tables from files of every kind: text, FITS, VOTable, Parquet, ECSV.

A file may hold several tables (extensions of a FITS file, tables of a VOTable). No file makes the program open
another one or an address.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Column, MaskedColumn, Table

from core.data import cells, read_errors, text_tables
from core.errors import CatalogueProblem, Problem

_PARTS = re.compile(
    rb"<(?:\w+:)?(PARQUET|FITS|BINARY2?)\b|<(?:\w+:)?STREAM\b[^>]*?\bhref\s*=\s*[\"']([^\"']*)", re.IGNORECASE
)
_EXCEL = "Save the sheet with the labels as CSV in the spreadsheet program, and choose that file."
_SIGNATURES = (
    (b"SIMPLE  =", "fits"),
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "excel"),
    (b"\xd0\xcf\x11\xe0", "excel"),
    (b"# %ECSV", "ecsv"),
)
_ENDINGS = {
    **dict.fromkeys((".fits", ".fit", ".fts", ".fz"), "fits"),
    **dict.fromkeys((".xml", ".vot", ".votable"), "votable"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "excel"),
}


def read_raw_tables(path: Path) -> list[Table]:
    """Read all tables of a file that have rows, their columns as the format has them.

    ``meta`` holds the table's ``name``, and for text tables ``texts`` (the cells of columns of numbers, as they were
    written), ``marks`` and ``forms`` (as in :class:`core.data.cells.Numbers`, by column), ``notes`` and ``problems``.

    Raises
    ------
    CatalogueProblem
        The file is missing, damaged, or holds no table with rows.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units spelt in odd ways are kept as they are
            tables = _reader(path)(path)
    except CatalogueProblem:
        raise
    except Exception as error:
        problem = read_errors.explain_error(str(path), error)
        raise CatalogueProblem(problem.sentence, problem.remedy, str(path)) from error
    with_rows = [table for table in tables if table.colnames and len(table)]
    if not with_rows:
        raise CatalogueProblem("The catalogue has no rows.", "Choose another table.", str(path))
    return with_rows


def _reader(path: Path) -> Callable[[Path], list[Table]]:
    """The reader of a file: by its content, and by its ending if that does not show."""
    with path.open("rb") as file:
        start = file.read(64)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in {".gz", ".bz2", ".xz"} and start:
        try:
            start = text_tables.unpack(path.read_bytes())[:64]
        except EOFError:
            start = b""
        suffixes.pop()
    text = start.lstrip(b"\xef\xbb\xbf \n\r\t").lower()
    kind = next((kind for magic, kind in _SIGNATURES if start.startswith(magic)), "")
    if not kind and (text.startswith(b"<votable") or (text.startswith(b"<?xml") and b"html" not in text)):
        kind = "votable"
    kind = kind or _ENDINGS.get(suffixes[-1] if suffixes else "", "text")
    readers = {"fits": _read_fits, "votable": _read_votable, "parquet": _read_parquet, "excel": _refuse_excel}
    return readers.get(kind, _read_text)


def _refuse_excel(path: Path) -> list[Table]:
    raise CatalogueProblem("This is a spreadsheet or an archive, which this program does not read.", _EXCEL, str(path))


def _read_text(path: Path) -> list[Table]:
    content = text_tables.unpack(path.read_bytes())
    start = content[:512].lstrip().lower()
    text = text_tables.decode(content)
    if start.startswith((b"<!doctype html", b"<html")) or "\0" in text[:4096]:
        problem = read_errors.explain_content(str(path), content[:1024], "a table")
        raise CatalogueProblem(problem.sentence, problem.remedy, str(path))
    if text.startswith("# %ECSV"):
        return [_read_ecsv(text, path)]
    if "Byte-by-byte Description" in text[:100_000]:
        return [Table.read(text.split("\n"), format="ascii.cds")]
    if re.match(r"(\\.*\n)*\|.*\|\s*\n\|.*\|", text):
        return [Table.read(text.split("\n"), format="ascii.ipac")]
    return [_to_table(text_tables.parse(text, path))]


def _read_ecsv(text: str, path: Path) -> Table:
    """Read an ECSV table; its ids stay the text they are although the header may call them numbers."""
    table = Table.read(text.split("\n"), format="ascii.ecsv")
    plain = text_tables.parse(text, path).columns
    numbers = [name for name in table.colnames if getattr(table[name], "dtype", np.dtype("O")).kind == "f"]
    table.meta = {"texts": {name: plain[name] for name in numbers if name in plain and len(plain[name]) == len(table)}}
    return table


def _to_table(text: text_tables.TextTable) -> Table:
    """Convert the columns of a text table to numbers where they are numbers."""
    table = Table()
    kept, marks, forms = dict[str, Any](), dict[str, Any](), dict[str, str]()
    listed = {name: column.tolist() for name, column in text.columns.items()} if len(text.columns) < 2 else None
    guesses: list[str] = []
    has_commas = False
    for name, column in text.columns.items():
        texts = listed[name] if listed else column.tolist()
        found = cells.parse_numbers(texts, text.delimiter)
        if found is None:
            table[name] = cells.text_array(texts)
            continue
        table[name] = Column(found.values, unit=text.units.get(name))
        if found.values.dtype.kind == "f" or any(cell[0] == "+" or cell == "-0" for cell in texts):
            kept[name] = column
        guesses += [name] if found.is_guess else []
        has_commas |= "decimal comma" in found.form and not found.is_guess
        if found.marks:
            marks[name] = found.marks
        if found.form:
            forms[name] = found.form
    for name in guesses if has_commas else ():
        if again := cells.parse_numbers(text.columns[name].tolist(), text.delimiter, has_commas=True):
            table[name], forms[name] = again.values, again.form
    table.meta = {"texts": kept, "marks": marks, "forms": forms, "notes": text.notes, "problems": text.problems}
    return table


def _read_fits(path: Path) -> list[Table]:
    tables: list[Table] = []
    with fits.open(path, memmap=False) as file:
        for number, unit in enumerate(file):
            if isinstance(unit, fits.BinTableHDU | fits.TableHDU) and not isinstance(unit, fits.CompImageHDU):
                table = Table.read(unit)
                table.meta = {"name": unit.name or str(number), "number": number}
                tables.append(table)
    if not tables:
        raise CatalogueProblem("This FITS file holds no table.", "Choose the catalogue.", str(path))
    return tables


def _read_votable(path: Path) -> list[Table]:
    content = text_tables.unpack(path.read_bytes())
    _refuse_links(content, path)
    file = parse(io.BytesIO(content), verify="ignore", filename=str(path))
    tables: list[Table] = []
    for number, element in enumerate(file.iter_tables(), start=1):
        table = element.to_table(use_names_over_ids=True)
        table.meta = {"name": element.name or element.ID or str(number), "number": number}
        tables.append(table)
    return tables


def _refuse_links(content: bytes, path: Path) -> None:
    """Refuse a VOTable that holds no rows itself but tells the reader to open another file or an address."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in content[:200]:
        content = text_tables.decode(content).encode()
    if b"href" not in content.lower():
        return
    kind = b""
    for part in _PARTS.finditer(content):
        if part[1]:
            kind = part[1]
            continue
        link = part[2].decode("utf-8", "replace")
        what = "a Parquet file" if kind.upper() == b"PARQUET" else "another place"
        raise CatalogueProblem(
            f"This VOTable holds no rows itself: they are in {what}, “{link[:120]}”, which is not opened.",
            "Choose that file as the catalogue, or save the table with its rows inside.",
            str(path),
        )


def _read_parquet(path: Path) -> list[Table]:
    import pyarrow as pa
    from pyarrow import parquet, types

    try:
        arrow = parquet.read_table(path)
    except pa.ArrowException as error:
        raise CatalogueProblem(f"The Parquet file is damaged ({error}).", "Copy it again.", str(path)) from error
    table, notes = Table(), list[str]()
    for field, values in zip(arrow.schema, arrow.columns, strict=True):
        if types.is_nested(field.type) or types.is_binary(field.type) or types.is_large_binary(field.type):
            notes.append(f"The catalogue's column “{field.name}” holds no plain values; it was left out.")
            continue
        if types.is_dictionary(field.type):
            values = values.cast(field.type.value_type)
        empty = values.is_null().to_numpy()
        if types.is_integer(field.type) or types.is_floating(field.type):
            filled = values.fill_null(0).to_numpy() if empty.any() else values.to_numpy()
        else:
            filled = cells.text_array(["" if value is None else str(value) for value in values.to_pylist()])
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        table[field.name] = MaskedColumn(filled, mask=empty, unit=unit or None)
    if notes and not table.colnames:
        raise no_single_values([field.name for field in arrow.schema], str(path))
    table.meta = {"notes": notes}
    return [table]


def no_single_values(names: list[str], where: str) -> Problem:
    """The problem of a table all of whose columns hold arrays."""
    columns = f"“{names[0]}”" if len(names) == 1 else ", ".join(f"“{name}”" for name in names[:5])
    return CatalogueProblem(
        f"None of its columns holds single values: {columns} hold{'s' * (len(names) == 1)} arrays.",
        "Choose a table with one value for each galaxy in its columns.",
        where,
    )
