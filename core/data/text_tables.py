"""Reading text tables as text: encodings, headers, delimiters, fixed columns, comments.

Nothing is converted here; :mod:`core.data.cells` decides which columns are numbers.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.bands import IMAGE_ENDING
from core.data.cells import is_mark, parse_number
from core.errors import CatalogueProblem, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DELIMITERS = ",;\t|"
_ROWS = 20_000  # converted at a time, so that not every cell is a Python string at once
_SAMPLE = 200  # lines that decide how a table is laid out
_LONG_CELL = 20  # lines in one cell: a quotation mark was not closed
_SEXTRACTOR = re.compile(r"#\s*(\d+)\s+([A-Za-z_]\w*)(\s|$)")
_OPENERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}
_HEADER_WORDS = frozenset(
    (
        *("id", "id_str", "objid", "object", "object_id", "name", "file", "filename", "file_name", "file_loc", "path"),
        *("image", "img", "number", "ra", "dec", "label", "labels", "class", "class_name", "morphology", "type", "z"),
        *("redshift", "galaxy", "galaxy_id", "source", "source_id", "target", "category", "x", "y", "mag"),
    )
)


@dataclass
class TextTable:
    """A table as text: for each column its cells, stripped, as an array (N,) of variable-width strings.

    ``problems`` are rows that cannot be used; ``notes`` are remarks for the report; ``units`` by column name.
    """

    columns: dict[str, NDArray[Any]]
    delimiter: str
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[str] = field(default_factory=list[str])
    units: dict[str, str] = field(default_factory=dict[str, str])


def unpack(content: bytes) -> bytes:
    """Uncompress the content of a gzip, bzip2 or xz file; other content is returned as it is."""
    for magic, opener in _OPENERS.items():
        if content.startswith(magic):
            return opener(content)
    return content


def decode(content: bytes) -> str:
    """Text from bytes: UTF-8, UTF-16 or, if it is neither, Latin-1; lines end with a line feed alone."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16")
    elif b"\0" in content[1:200:2] and b"\0" not in content[:200:2]:
        text = content.decode("utf-16-le")
    elif b"\0" in content[:200:2] and b"\0" not in content[1:200:2]:
        text = content.decode("utf-16-be")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str, path: Path) -> TextTable:
    """Split a text table into named columns of cells.

    Understood are tables with commas, semicolons, tabs, bars or blanks between the cells, and columns of fixed
    width; a header that is a comment (``# name label``), SExtractor's numbered header, and VizieR's lines of units
    and dashes.

    Raises
    ------
    CatalogueProblem
        The table is empty.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    rows = [(number, line) for number, line in lines if not line.startswith("#")]
    if not rows:
        raise CatalogueProblem("The catalogue is empty.", "Choose another table.", str(path))
    comments = [line for number, line in lines if number < rows[0][0]]
    layout = _Layout(rows, comments)
    table = TextTable({}, layout.delimiter, units=layout.units)
    inside = sum(line.startswith("#") for number, line in lines if number > layout.rows[0][0]) if layout.rows else 0
    if inside:
        which = "1 line that begins" if inside == 1 else f"{inside:,} lines that begin"
        table.notes.append(f"{which} with # among the rows of the catalogue: left out as comments.")
    if not layout.has_header:
        table.notes.append("The catalogue has no line with column names; its columns are numbered.")
    _split_rows(layout, table)
    return table


class _Layout:
    """How a table is laid out: column names, units, rows without the header, and how to split them."""

    def __init__(self, rows: list[tuple[int, str]], comments: Sequence[str]) -> None:
        self.rows, self.units, self.has_header = rows, dict[str, str](), True
        sample = [line for _, line in rows[:_SAMPLE]]
        self.delimiter = max(_DELIMITERS, key=sample[0].count)
        self.starts: list[int] = []
        if not sample[0].count(self.delimiter):
            self._find_blanks(sample)
        header = _numbered_header(comments) or self._commented_header(sample, comments)
        if not header and self._is_data(self.split(sample[0]), sample[1:]):
            self.has_header = False
            header = [""] * len(self.split(sample[0]))
        if not header:
            header = self.split(sample[0])
            self.rows = rows[1:]
            later = [self.split(line) for line in sample[1:]]
            if later and all(len(cells) == len(header) + 1 and cells[-1] for cells in later):
                header = ["", *header]  # R writes no name above the names of the rows
        self.names = _make_unique(header)
        self._skip_dashes()

    def split(self, line: str) -> list[str]:
        """The cells of one line."""
        if self.starts:
            ends = [*self.starts[1:], None]
            return [line[start:end].strip() for start, end in zip(self.starts, ends, strict=True)]
        return [cell.strip() for cell in next(self.read([line]))]

    def read(self, lines: Sequence[str]) -> Any:
        """A reader of rows as lists of cells; its ``line_num`` is the number of lines read."""
        if self.delimiter == " ":
            lines = [" ".join(line.split()) for line in lines]
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)

    def _find_blanks(self, sample: Sequence[str]) -> None:
        """Blanks separate the cells, or the columns have a fixed width."""
        expanded = [line.expandtabs() for line in sample]
        ruler = next((line for line in expanded[:3] if re.fullmatch(r"[-=]+( +[-=]+)+ *", line)), "")
        if ruler:
            self.starts = [found.start() for found in re.finditer(r"[-=]+", ruler)]
            return
        if len(sample[0].split()) > 1:
            self.delimiter = " "
            if len({len(self.split(line)) for line in sample}) > 1:
                self.starts = _fixed_columns(expanded)
        elif any(len(line.split()) > 1 for line in sample[1:]):
            self.starts = _fixed_columns(expanded)

    def _commented_header(self, sample: Sequence[str], comments: Sequence[str]) -> list[str]:
        """The column names from a comment before the first row; empty if none fits better than the first row does."""
        first = self.split(sample[0])
        for comment in reversed(comments):
            text = comment.lstrip("#").strip()
            names = self.split(comment.replace("#", " ", 1)) if self.starts else self.split(text)
            named = [name for name in names if name]
            fits = len(names) == len(first) > 1 and len(set(named)) == len(names)
            if not fits or any(parse_number(name) == parse_number(name) for name in names):
                continue
            if _knows(names) or not (_knows(first) or self._has_words_over_numbers(first, sample[1:])):
                return names
        return []

    def _has_words_over_numbers(self, first: Sequence[str], others: Sequence[str]) -> bool:
        columns = list(zip(*(cells for line in others if len(cells := self.split(line)) == len(first)), strict=True))
        return any(
            cell and not is_mark(cell) and parse_number(cell) != parse_number(cell)
            and all(is_mark(text) or parse_number(text) == parse_number(text) for text in column)
            for cell, column in zip(first, columns, strict=False)
        )  # fmt: skip

    def _is_data(self, first: Sequence[str], others: Sequence[str]) -> bool:
        """Whether the first line is a row of data and no header: it holds numbers or names of image files."""
        if _knows(first):
            return False
        has_number = any(parse_number(cell) == parse_number(cell) for cell in first)
        has_file = any(IMAGE_ENDING.search(cell) for cell in first)
        return has_file or (has_number and len(others) > 0 and not self._has_words_over_numbers(first, others))

    def _skip_dashes(self) -> None:
        """Leave out a line of dashes below the header, and the units between them, as VizieR writes them."""
        for place, (_, line) in enumerate(self.rows[:2]):
            cells = [cell for cell in self.split(line) if cell]
            if cells and all(set(cell) <= {"-", "="} for cell in cells) and any(len(cell) > 1 for cell in cells):
                if place == 1:
                    units = self.split(self.rows[0][1])
                    self.units = {name: unit for name, unit in zip(self.names, units, strict=False) if unit}
                self.rows = self.rows[place + 1 :]
                return


def _knows(cells: Sequence[str]) -> bool:
    return any(cell.lower() in _HEADER_WORDS for cell in cells)


def _numbered_header(comments: Sequence[str]) -> list[str]:
    """Column names of SExtractor's header (``#   1 NUMBER   Running object number``); vectors span several columns."""
    found = [(int(match[1]), match[2]) for line in comments if (match := _SEXTRACTOR.match(line))]
    if not found or [place for place, _ in found] != sorted({place for place, _ in found}) or found[0][0] != 1:
        return []
    names: list[str] = []
    for (place, name), following in zip(found, [*found[1:], (found[-1][0] + 1, "")], strict=True):
        names += [name, *(f"{name}_{number}" for number in range(1, following[0] - place))]
    return names


def _fixed_columns(lines: Sequence[str]) -> list[int]:
    """Where columns of fixed width begin: after blanks that all lines share, below a word of the header."""
    width = max(map(len, lines))
    padded = [line.ljust(width) for line in lines]
    is_blank = [all(line[place] == " " for line in padded) for place in range(width)]
    begins = [place for place in range(width) if not is_blank[place] and (place == 0 or is_blank[place - 1])]
    ends = [*begins[1:], width]
    named = [begin for begin, end in zip(begins, ends, strict=True) if lines[0][begin:end].strip()]
    return [0, *named[1:]] if len(named) > 1 else []


def _make_unique(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    result: list[str] = []
    for place, name in enumerate(names):
        name = name or f"column {place + 1}"
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _split_rows(layout: _Layout, table: TextTable) -> None:
    rows = _good_rows(layout, table)
    blocks: list[list[NDArray[Any]]] = [[] for _ in layout.names]
    while chunk := list(islice(rows, _ROWS)):
        for block, cells in zip(blocks, zip(*chunk, strict=False), strict=False):
            block.append(np.array(list(map(str.strip, cells)), dtype=np.dtypes.StringDType()))
    empty = np.array([], dtype=np.dtypes.StringDType())
    table.columns = {
        name: np.concatenate(block) if block else empty for name, block in zip(layout.names, blocks, strict=True)
    }


def _good_rows(layout: _Layout, table: TextTable) -> Iterator[list[str]]:
    """Yield the rows with a cell for each column; the others become problems."""
    width = len(layout.names)
    reader: Any = _FixedReader(layout) if layout.starts else layout.read([line for _, line in layout.rows])
    before = 0
    for row in reader:
        place, before = before, reader.line_num
        if len(row) == width or (len(row) > width and not any(cell.strip() for cell in row[width:])):
            if before - place <= _LONG_CELL:
                yield row
                continue
            sentence = f"A cell that begins here has {before - place:,} lines."
            remedy = "Close the quotation mark, or remove it."
        else:
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            sentence = f"This row of the catalogue has {cells} and not {width}; it was left out."
            remedy = "Correct the row; cells that hold the separator need quotation marks."
        table.problems.append(CatalogueProblem(sentence, remedy, f"line {layout.rows[place][0]}"))


class _FixedReader:
    """Rows of a table with columns of fixed width."""

    def __init__(self, layout: _Layout) -> None:
        self._layout, self.line_num = layout, 0

    def __iter__(self) -> Iterator[list[str]]:
        for _, line in self._layout.rows:
            self.line_num += 1
            yield self._layout.split(line.expandtabs())
