"""Reading VOTables: rows as the cells they are, and nothing outside the file.

A table may say that its rows lie in another file or at an address; that is refused, and so are entities, with which a
few hundred bytes become gigabytes. Rows written as TABLEDATA are read here: as text first, so that an id keeps its
digits whatever type its column claims, and one bad cell is the problem of its row. Rows in BINARY are read by astropy.

References
----------
VOTable Format Definition 1.5, Sect. 2.1 and 5.
"""

from __future__ import annotations

import io
import math
import re
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
from astropy.io.votable import parse
from astropy.table import Column, MaskedColumn, Table

from core.data.cells import text_array
from core.data.decompression import read_content
from core.data.table_bounds import UNPACKED, FoundProblems, require_few_columns, require_plausible
from core.data.table_problems import explain_table_error, no_single_values
from core.data.text_tables import TextColumns, make_unique
from core.errors import CatalogueProblem, Stopped
from core.events import NEVER

_BLOCK = 2**20  # bytes that are parsed at a time
_FIRST_ROWS = 512  # that astropy makes room for, however few there are
_MOST_BINARY = 100  # tables, each of which needs the whole file to be parsed
_INTEGERS = {"unsignedByte": np.uint8, "short": np.int16, "int": np.int32, "long": np.int64}
_FLOATS = {"float": np.float32, "double": np.float64}
_TEXTS = ("char", "unicodeChar")
_BYTES = {"boolean": 1, "bit": 1, "unsignedByte": 1, "short": 2, "int": 4, "long": 8, "char": 4, "unicodeChar": 4,
          "float": 4, "double": 8, "floatComplex": 8, "doubleComplex": 16}  # fmt: skip
_TRUE, _FALSE = {"t", "true", "1"}, {"f", "false", "0"}


@dataclass
class _Field:
    name: str
    datatype: str
    size: str
    unit: str
    null: str = ""

    @property
    def is_single(self) -> bool:
        """Whether each cell holds one value; a text is one value."""
        return self.datatype in _TEXTS or self.size in {"", "1"}

    @property
    def memory(self) -> int:
        """The bytes in memory that each row is given for it."""
        counts = [int(count) for count in re.findall(r"\d+", self.size)]
        return _BYTES.get(self.datatype, 8) * (math.prod(counts) if counts else 1)


@dataclass
class _Element:
    """A TABLE: its fields, and its rows if they are written as TABLEDATA."""

    name: str
    number: int
    claimed_rows: int
    fields: list[_Field] = field(default_factory=list[_Field])
    kind: str = ""
    columns: TextColumns | None = None
    problems: FoundProblems = field(default_factory=FoundProblems)
    left_out: array[int] = field(default_factory=lambda: array("q"))  # numbers of rows, from 1
    count: int = 0

    def place(self, row: int) -> str:
        """Where the row with this index among those that are kept stands in the file."""
        gone = self.left_out
        number = row + 1 + bisect_right(range(len(gone)), row, key=lambda place: gone[place] - 1 - place)
        return f"table “{self.name}”, row {number}"


def read_votable(path: Path, stop: threading.Event = NEVER) -> Iterator[Table | CatalogueProblem]:
    """Yield the tables of a VOTable, each with its name and number, or the problem of one that cannot be read.

    Raises
    ------
    CatalogueProblem
        The file is no VOTable, or refers to something outside itself.
    Stopped
        ``stop`` was set.
    """
    content = read_content(path, UNPACKED)
    document = _Document(path)
    document.read(content, stop)
    binary = 0
    for element in document.tables:
        where = f"{path}, table “{element.name}”"
        try:
            if element.kind == "TABLEDATA":
                yield _to_table(element)
            elif element.kind in {"BINARY", "BINARY2"}:
                binary += 1
                yield _read_binary(element, content, where, binary)
            elif element.kind:
                sentence = f"This table has its rows as {element.kind} inside the VOTable, which is not read."
                yield CatalogueProblem(sentence, "Save the table with its rows as TABLEDATA, or as FITS or CSV.", where)
        except CatalogueProblem as problem:
            yield problem


class _Document:
    """The tables of a VOTable, as its tags tell of them."""

    def __init__(self, path: Path) -> None:
        self.tables: list[_Element] = []
        self._path = path
        self._table: _Element | None = None
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._kind = ""
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._refuse_entity

    def read(self, content: bytes, stop: threading.Event) -> None:
        """Parse a document.

        Raises
        ------
        CatalogueProblem
            It is not well formed, or refers to something outside itself.
        Stopped
            ``stop`` was set.
        """
        try:
            for start in range(0, len(content), _BLOCK):
                if stop.is_set():
                    raise Stopped
                self._parser.Parse(content[start : start + _BLOCK], False)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            sentence = f"This VOTable is damaged or truncated (line {error.lineno}: {expat.ErrorString(error.code)})."
            raise CatalogueProblem(sentence, "Download or copy it again.", str(self._path)) from error

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "TD":
            self._cell = []
            return
        if tag == "TR":
            self._row = []
            return
        tag = tag.rpartition(":")[2]
        handler: Callable[[Mapping[str, str]], None] | None = {
            "TABLE": self._start_table,
            "FIELD": self._add_field,
            "VALUES": self._add_null,
            "STREAM": self._refuse_link,
            "TD": self._start_cell,
            "TR": self._start_row,
        }.get(tag)
        if handler is not None:
            handler(attributes)
        elif tag in {"TABLEDATA", "BINARY", "BINARY2", "FITS", "PARQUET"}:
            self._kind = tag
            if self._table is not None:
                self._table.kind = tag

    def _start_cell(self, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - as all handlers
        self._cell = []

    def _start_row(self, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - as all handlers
        self._row = []

    def _start_table(self, attributes: Mapping[str, str]) -> None:
        number = len(self.tables) + 1
        claimed = attributes.get("nrows", "")
        rows = int(claimed) if re.fullmatch(r"[0-9]{1,18}", claimed) else 0
        self._table = _Element(attributes.get("name") or attributes.get("ID") or str(number), number, rows)
        self.tables.append(self._table)

    def _add_field(self, attributes: Mapping[str, str]) -> None:
        if self._table is not None:
            name = attributes.get("name") or attributes.get("ID") or ""
            more = (attributes.get(key, "") for key in ("datatype", "arraysize", "unit"))
            self._table.fields.append(_Field(name, *more))
            require_few_columns(len(self._table.fields), str(self._path))

    def _add_null(self, attributes: Mapping[str, str]) -> None:
        if self._table is not None and self._table.fields:
            self._table.fields[-1].null = attributes.get("null", "")

    def _refuse_link(self, attributes: Mapping[str, str]) -> None:
        if "href" not in attributes:
            return
        link = attributes["href"][:120]
        what = "a Parquet file" if self._kind == "PARQUET" else "another place"
        raise CatalogueProblem(
            f"This VOTable holds no rows itself: they are in {what}, “{link}”, which is not opened.",
            "Choose that file as the catalogue, or save the table with its rows inside.",
            str(self._path),
        )

    def _refuse_entity(self, *about: object) -> None:  # noqa: ARG002 - whatever it stands for
        raise CatalogueProblem(
            "This VOTable declares entities, which could stand for other files or for gigabytes of text.",
            "Save the table without a DOCTYPE that has ENTITY in it.",
            str(self._path),
        )

    def _text(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _end(self, tag: str) -> None:
        if tag != "TD" and tag != "TR":
            tag = tag.rpartition(":")[2]
        if tag == "TD":
            if self._row is not None and self._cell is not None:
                self._row.append("".join(self._cell))
            self._cell = None
        elif tag == "TR":
            if self._table is not None and self._row is not None:
                _add_row(self._table, self._row)
            self._row = None
        elif tag == "TABLE":
            self._table = None


def _add_row(table: _Element, row: list[str]) -> None:
    table.count += 1
    if table.columns is None:
        table.columns = TextColumns(make_unique([each.name for each in table.fields]))
    if len(row) == len(table.fields):
        table.columns.add(row)
        return
    table.left_out.append(table.count)
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    sentence = f"This row of the catalogue has {cells} and not {len(table.fields)}; it was left out."
    table.problems.add(sentence, "Correct the row.", f"table “{table.name}”, row {table.count}")


def _to_table(element: _Element) -> Table:
    notes: list[str] = []
    columns = element.columns.columns() if element.columns is not None else {}
    found: dict[str, Column] = {}
    for about, name in zip(element.fields, list(columns), strict=False):
        texts: list[str] = columns.pop(name).tolist()
        if about.is_single and about.datatype in _BYTES:
            found[name] = _to_column(about, texts, element)
        else:
            notes.append(f"The catalogue's column “{name}” holds no single values; it was left out.")
    if notes and not found:
        raise no_single_values([each.name for each in element.fields], f"table “{element.name}”")
    table = Table(found, copy=False)
    table.meta = {
        "name": element.name, "number": element.number, "notes": notes, "problems": element.problems.problems
    }  # fmt: skip
    return table


def _to_column(about: _Field, texts: list[str], element: _Element) -> Column:
    unit = about.unit or None
    if about.null:
        texts = ["" if text == about.null else text for text in texts]
    if about.datatype in _INTEGERS:
        convert: Callable[[str], Any] = _to_integer
    elif about.datatype in _FLOATS:
        convert = float
    elif about.datatype in {"boolean", "bit"}:
        convert = _to_truth
    else:
        return Column(text_array(texts), unit=unit)
    values: list[Any] = []
    empty = np.zeros(len(texts), dtype=bool)
    for row, text in enumerate(texts):
        try:
            values.append(convert(text) if text else None)
        except ValueError:
            values.append(None)
            sentence = f"“{text[:40]}” in the column “{about.name}” is not of its type, {about.datatype}."
            element.problems.add(sentence, "Correct the cell; it is taken as empty.", element.place(row))
        empty[row] = values[-1] is None
    kind: Any = {**_INTEGERS, **_FLOATS}.get(about.datatype, np.bool_)
    if about.datatype in _INTEGERS:
        there = [value for value in values if value is not None]
        low, high = min(there, default=0), max(there, default=0)
        if low < -(2**63) or high >= 2**63:  # ids that no type of VOTable holds
            return Column(text_array(texts), unit=unit)
        if low < np.iinfo(kind).min or high > np.iinfo(kind).max:
            kind = np.int64
    with np.errstate(over="ignore"):
        data = np.array([0 if value is None else value for value in values]).astype(kind)
    return MaskedColumn(data, mask=empty, unit=unit)


def _to_integer(text: str) -> int:
    return int(text, 16) if text[:2].lower() == "0x" else int(text)


def _to_truth(text: str) -> bool | None:
    if text.lower() in _TRUE or text.lower() in _FALSE:
        return text.lower() in _TRUE
    if text == "?":
        return None
    raise ValueError(text)


def _read_binary(element: _Element, content: bytes, where: str, place: int) -> Table:
    """Read a table with its rows in BINARY, if it has room in memory.

    Raises
    ------
    CatalogueProblem
        It is damaged, claims too much, or is one of too many.
    """
    if place > _MOST_BINARY:
        sentence = f"This file holds more than {_MOST_BINARY} tables with BINARY rows."
        raise CatalogueProblem(sentence, "Save the table with the labels alone.", where)
    memory = sum(each.memory for each in element.fields)
    require_plausible(memory * (element.claimed_rows + _FIRST_ROWS), len(content), where)
    try:
        file = parse(io.BytesIO(content), verify="ignore", filename="", table_number=element.number - 1)
        table = list(file.iter_tables())[element.number - 1].to_table(use_names_over_ids=True)
    except Exception as error:
        raise explain_table_error(error, where) from error
    table.meta = {"name": element.name, "number": element.number}
    return table
