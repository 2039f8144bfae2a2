"""Reading tables from files of every kind: text, FITS, VOTable, Parquet, ECSV.

A file may hold several tables (extensions of a FITS file, tables of a VOTable). No file makes the program open
another one or an address.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, Table

from core.data import cells, read_errors, text_lines, text_tables
from core.data.decompression import is_packed, read_content, read_start
from core.data.table_bounds import UNPACKED
from core.data.table_fits import read_fits
from core.data.table_parquet import read_parquet
from core.data.table_problems import explain_table_error
from core.data.table_votable import read_votable
from core.errors import CatalogueProblem, Problem, Stopped
from core.events import NEVER

_EXCEL = "Save the sheet with the labels as CSV in the spreadsheet program, and choose that file."
_MOST_TABLES = 200  # of a file
_HEAD = 100_000  # bytes of a text that show its format
_LONGEST_HEADER = 2**18  # letters; YAML is read slowly
_NO_HEADER = re.compile(r"(?:[\[{?-]\s*){30}|subtype:.*\d{7}")
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


def read_raw_tables(path: Path, stop: threading.Event = NEVER) -> list[Table]:
    """Read all tables of a file that have rows, their columns as the format has them.

    ``meta`` holds the table's ``name``, and for text tables ``texts`` (the cells of columns of numbers, as they were
    written), ``marks`` and ``forms`` (as in :class:`core.data.cells.Numbers`, by column), ``notes`` and ``problems``.

    Raises
    ------
    CatalogueProblem
        The file is missing, damaged, or holds no table with rows.
    Stopped
        ``stop`` was set; text and VOTables are looked at row by row, other files table by table.
    """
    tables, problems = list[Table](), list[Problem]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units spelt in odd ways are kept as they are
        try:
            for found in _until_stopped(_reader(path)(path, stop), stop):
                if isinstance(found, CatalogueProblem):
                    problems.append(found)
                elif found.colnames and len(found):
                    tables.append(found)
                else:
                    problems += (found.meta or {}).get("problems", ())
                if len(tables) + len(problems) > _MOST_TABLES:
                    sentence = f"The tables of this file beyond the first {len(tables):,} are not read."
                    problems.append(CatalogueProblem(sentence, "Save the one with the labels alone.", str(path)))
                    break
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a table is that table's problem
            problems.append(explain_table_error(error, str(path)))
    if not tables:
        raise problems[0] if problems else CatalogueProblem("The catalogue has no rows.", "Choose another.", str(path))
    for table in tables:
        meta: dict[str, Any] = dict(table.meta or {})
        table.meta = {**meta, "problems": [*meta.get("problems", ()), *problems]}
    return tables


def _until_stopped(
    tables: Iterable[Table | CatalogueProblem], stop: threading.Event
) -> Iterator[Table | CatalogueProblem]:
    for table in tables:
        if stop.is_set():
            raise Stopped
        yield table


def _reader(path: Path) -> Callable[[Path, threading.Event], Iterable[Table | CatalogueProblem]]:
    """The reader of a file: by its content, and by its ending if that does not show."""
    start = read_start(path, 64)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in {".gz", ".bz2", ".xz"} and is_packed(path):
        suffixes.pop()
    text = start.lstrip(b"\xef\xbb\xbf\xff\xfe \n\r\t").replace(b"\0", b"").lower()
    kind = next((kind for magic, kind in _SIGNATURES if start.startswith(magic)), "")
    if not kind and (text.startswith(b"<votable") or (text.startswith(b"<?xml") and b"html" not in text)):
        kind = "votable"
    kind = kind or _ENDINGS.get(suffixes[-1] if suffixes else "", "text")
    readers = {"fits": _read_fits, "votable": read_votable, "parquet": _read_parquet, "excel": _refuse_excel}
    return readers.get(kind, _read_text)


def _refuse_excel(path: Path, _stop: threading.Event) -> Iterable[Table]:
    raise CatalogueProblem("This is a spreadsheet or an archive, which this program does not read.", _EXCEL, str(path))


def _read_fits(path: Path, _stop: threading.Event) -> Iterator[Table | CatalogueProblem]:
    return read_fits(path)


def _read_parquet(path: Path, _stop: threading.Event) -> Iterator[Table]:
    yield read_parquet(path)


def _read_text(path: Path, stop: threading.Event) -> Iterator[Table]:
    content = read_content(path, UNPACKED)
    start = content[:1024]
    content, foreign = text_lines.normalise(content)
    head = content[:_HEAD].decode("utf-8", "ignore")
    if start[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")) or text_lines.is_binary(head):
        problem = read_errors.explain_content(str(path), start, "a table")
        raise CatalogueProblem(problem.sentence, problem.remedy, str(path))
    if head.startswith("# %ECSV"):
        table = _read_ecsv(content, path, stop)
    elif "Byte-by-byte Description" in head:
        table = Table.read(content.decode().split("\n"), format="ascii.cds")
    elif re.match(rb"(\\.*\n)*\|.*\|\s*\n\|.*\|", content):
        table = Table.read(content.decode().split("\n"), format="ascii.ipac")
    else:
        parsed = text_tables.parse(content, path, stop)
        del content  # a table of a million rows is in memory once
        table = _to_table(parsed, stop)
    if foreign:
        places = "1 place in the catalogue is" if foreign == 1 else f"{foreign:,} places in the catalogue are"
        said = f"{places} not UTF-8 and read as Latin-1."
        table.meta = {**(table.meta or {}), "notes": [*(table.meta or {}).get("notes", ()), said]}
    yield table


def _read_ecsv(content: bytes, path: Path, stop: threading.Event) -> Table:
    """Read an ECSV table; its ids stay the text they are although the header may call them numbers."""
    text = content.decode()
    header = "\n".join(re.findall(r"^#.*", text[: 2 * _LONGEST_HEADER], re.MULTILINE))
    if len(header) > _LONGEST_HEADER or _NO_HEADER.search(header):
        sentence = "The header of this ECSV table is longer, nested more deeply or claims larger arrays than is read."
        raise CatalogueProblem(sentence, "Save the columns with ids and labels alone.", str(path))
    table = Table.read(text.split("\n"), format="ascii.ecsv")
    plain = text_tables.parse(content, path, stop).columns
    numbers = [name for name in table.colnames if getattr(table[name], "dtype", np.dtype("O")).kind == "f"]
    table.meta = {"texts": {name: plain[name] for name in numbers if name in plain and len(plain[name]) == len(table)}}
    return table


def _to_table(text: text_tables.TextTable, stop: threading.Event) -> Table:
    """Convert the columns of a text table to numbers where they are numbers."""
    converted: dict[str, Column] = {}
    kept, marks, forms = dict[str, Any](), dict[str, Any](), dict[str, str]()
    listed = {name: column.tolist() for name, column in text.columns.items()} if len(text.columns) < 2 else None
    guesses: list[str] = []
    has_commas = False
    for name in list(text.columns):
        if stop.is_set():
            raise Stopped
        column = text.columns[name]
        texts = listed[name] if listed else column.tolist()
        found = cells.parse_numbers(texts, text.delimiter)
        if found is None:
            converted[name] = Column(cells.text_array(texts))
            del text.columns[name]  # long texts are not there twice
            continue
        converted[name] = Column(found.values, unit=text.units.get(name))
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
            converted[name], forms[name] = Column(again.values, unit=text.units.get(name)), again.form
    table = Table(converted, copy=False)
    table.meta = {"texts": kept, "marks": marks, "forms": forms, "notes": text.notes, "problems": text.problems}
    return table
