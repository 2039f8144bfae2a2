"""Reading text tables as text: encodings, headers, delimiters, fixed columns, comments.

Nothing is converted here; :mod:`core.data.cells` decides which columns are numbers.
"""

from __future__ import annotations

import csv
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.bands import IMAGE_ENDING
from core.data.cells import is_mark, parse_number
from core.data.table_bounds import FoundProblems, require_few_columns
from core.data.text_lines import LONGEST, Lines
from core.errors import CatalogueProblem, Problem, Stopped
from core.events import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DELIMITERS = ",;\t|"
_CELLS = 800_000  # converted at a time, so that not every cell is a Python string at once
_LETTERS = 2**24  # in them
_SAMPLE = 200  # lines that decide how a table is laid out
_LONG_CELL = 20  # lines in one cell: a quotation mark was not closed
_WIDEST = 20_000  # letters of a line whose columns have a fixed width
_QUOTES = "Correct the row; cells that hold the separator need quotation marks."
csv.field_size_limit(LONGEST)  # of all readers of this process; it was 131,072 letters
_SEXTRACTOR = re.compile(r"#\s*(\d+)\s+([A-Za-z_]\w*)(\s|$)")
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


def parse(content: bytes, path: Path, stop: threading.Event = NEVER) -> TextTable:
    """Split a text table, in UTF-8, into named columns of cells.

    Understood are tables with commas, semicolons, tabs, bars or blanks between the cells, and columns of fixed
    width; a header that is a comment (``# name label``), SExtractor's numbered header, and VizieR's lines of units
    and dashes.

    Raises
    ------
    CatalogueProblem
        The table is empty, or its first line is longer or has more columns than a table's.
    Stopped
        ``stop`` was set.
    """
    lines = Lines(content, stop)
    if not len(lines):
        raise CatalogueProblem("The catalogue is empty.", "Choose another table.", str(path))
    if lines.too_long and lines.too_long[0][0] < lines.number(0):
        sentence = f"A line at the beginning of this table has {lines.too_long[0][1]:,} letters."
        raise CatalogueProblem(sentence, "Choose a table with one line for each galaxy.", str(path))
    layout = _Layout(lines, path)
    table = TextTable({}, layout.delimiter, units=layout.units)
    if inside := lines.comments_after(layout.first):
        which = "1 line that begins" if inside == 1 else f"{inside:,} lines that begin"
        table.notes.append(f"{which} with # among the rows of the catalogue: left out as comments.")
    if not layout.has_header:
        table.notes.append("The catalogue has no line with column names; its columns are numbered.")
    found = FoundProblems()
    for number, letters in lines.too_long:
        found.add(f"This line has {letters:,} letters; it was left out.", "Close quotation marks.", f"line {number}")
    columns = TextColumns(layout.names)
    for row in _good_rows(layout, found, path):
        if stop.is_set():
            raise Stopped
        columns.add(row)
    table.columns = columns.columns()
    table.problems = found.problems
    return table


class _Layout:
    """How a table is laid out: column names, units, the first row below the header, and how to split rows."""

    def __init__(self, lines: Lines, path: Path) -> None:
        self.lines, self.first, self.units, self.has_header = lines, 0, dict[str, str](), True
        sample = lines.sample(_SAMPLE)
        self.delimiter = max(_DELIMITERS, key=sample[0].count)
        self.starts: list[int] = []
        if not sample[0].count(self.delimiter):
            self._find_blanks(sample)
        require_few_columns(len(self.split(sample[0])), str(path))
        comments = lines.comments
        header = _numbered_header(comments) or self._commented_header(sample, comments)
        if not header and self._is_data(self.split(sample[0]), sample[1:]):
            self.has_header = False
            header = [""] * len(self.split(sample[0]))
        if not header:
            header = self._read_header(sample[0])
            later = [self.split(line) for line in sample[1:]]
            if later and all(len(cells) == len(header) + 1 and cells[-1] for cells in later):
                header = ["", *header]  # R writes no name above the names of the rows
        self.names = make_unique(header)
        self._skip_dashes()

    def split(self, line: str) -> list[str]:
        """The cells of one line."""
        if self.starts:
            ends = [*self.starts[1:], None]
            return [line[start:end].strip() for start, end in zip(self.starts, ends, strict=True)]
        try:
            return [cell.strip() for cell in next(self.read([line]))]
        except csv.Error:
            return [line.strip()]

    def _read_header(self, line: str) -> list[str]:
        """The names in the first line, and in further ones if a name in quotation marks goes on there."""
        self.first = 1
        if line.count('"') % 2 and not self.starts:
            feed = _Feed(self.lines, 0)
            feed.until = _LONG_CELL
            names, reason = _next_row(self.read(feed))
            if not reason and feed.place < feed.until:
                self.first = feed.place
                return [name.strip() for name in names]
        return self.split(line)

    def _split_fixed(self, line: str) -> list[str]:
        return self.split(line.expandtabs())

    def read(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Yield the rows as lists of cells."""
        if self.starts:
            return map(self._split_fixed, lines)  # unlike a generator, it goes on where ``lines`` does
        if self.delimiter == " ":
            lines = map(_single_blanks, lines)
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
        for place in range(2):
            row = self.first + place
            if row == len(self.lines):
                return
            line = self.lines[row]
            cells = [cell for cell in self.split(line) if cell]
            if cells and all(set(cell) <= {"-", "="} for cell in cells) and any(len(cell) > 1 for cell in cells):
                if place == 1:
                    units = self.split(self.lines[row - 1])
                    self.units = {name: unit for name, unit in zip(self.names, units, strict=False) if unit}
                self.first = row + 1
                return


def _single_blanks(line: str) -> str:
    return " ".join(line.split())


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
    if width > _WIDEST:
        return []
    padded = [line.ljust(width) for line in lines]
    is_blank = [all(line[place] == " " for line in padded) for place in range(width)]
    begins = [place for place in range(width) if not is_blank[place] and (place == 0 or is_blank[place - 1])]
    ends = [*begins[1:], width]
    named = [begin for begin, end in zip(begins, ends, strict=True) if lines[0][begin:end].strip()]
    return [0, *named[1:]] if len(named) > 1 else []


def make_unique(names: Sequence[str]) -> list[str]:
    """Names of columns, all different, and none of them empty."""
    seen: Counter[str] = Counter()
    result: dict[str, None] = {}
    for place, name in enumerate(names):
        first = unique = name or f"column {place + 1}"
        while unique in result:
            seen[first] += 1
            unique = f"{first} ({seen[first] + 1})"
        result[unique] = None
    return list(result)


class TextColumns:
    """Columns that are filled row by row, and kept as arrays of texts of variable width.

    Parameters
    ----------
    names
        Their names, all different.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._blocks: list[list[NDArray[Any]]] = [[] for _ in names]
        self._rows: list[Sequence[str]] = []
        self._letters = 0
        self._most = max(1, _CELLS // max(1, len(names)))

    def add(self, row: Sequence[str]) -> None:
        """Add a row with a cell for each column; further cells are left out."""
        self._rows.append(row)
        self._letters += sum(map(len, row))
        if len(self._rows) == self._most or self._letters > _LETTERS:
            self._flush()

    def _flush(self) -> None:
        for block, cells in zip(self._blocks, zip(*self._rows, strict=False), strict=False):
            block.append(np.array(list(map(str.strip, cells)), dtype=np.dtypes.StringDType()))
        self._rows, self._letters = [], 0

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns (N,) by name, stripped of blanks at both ends."""
        self._flush()
        return {name: _join(blocks) for name, blocks in zip(self._names, self._blocks, strict=True)}


def _join(blocks: list[NDArray[Any]]) -> NDArray[Any]:
    """One array from several, each of which is given up as soon as it is copied: long texts are not there twice."""
    joined = np.empty(sum(map(len, blocks)), dtype=np.dtypes.StringDType())
    end = len(joined)
    while blocks:
        block = blocks.pop()
        joined[end - len(block) : end] = block
        end -= len(block)
    return joined


class _Feed:
    """Lines for a reader of rows, which may look at ``until`` at most."""

    def __init__(self, lines: Lines, place: int) -> None:
        self._lines, self.place, self.until = lines, place, place

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.place >= self.until or self.place == len(self._lines):
            raise StopIteration
        self.place += 1
        return self._lines[self.place - 1]


def _good_rows(layout: _Layout, found: FoundProblems, path: Path) -> Iterator[list[str]]:
    """Yield the rows with a cell for each column; the others become problems.

    A row that cannot be used is one line: the next one is read for itself, whatever quotation mark was left open.
    """
    width = len(layout.names)
    feed = _Feed(layout.lines, layout.first)
    reader = layout.read(feed)
    while (place := feed.place) < len(layout.lines):
        feed.until = place + _LONG_CELL + 1
        row, reason = _next_row(reader)
        is_whole = not reason and feed.place < feed.until
        if is_whole and (len(row) == width or (len(row) > width and not any(map(str.strip, row[width:])))):
            yield row
            continue
        if reason:
            sentence = f"This row of the catalogue cannot be read ({reason}); it was left out."
        elif not is_whole:
            sentence = f"A cell that begins in this row has more than {_LONG_CELL} lines; the row was left out."
        else:
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            sentence = f"This row of the catalogue has {cells} and not {width}; it was left out."
        remedy = _QUOTES if is_whole else "Close the quotation mark, or remove it."
        found.add(sentence, remedy, f"line {layout.lines.number(place)}")
        found.require_fewer_than(place - found.count, str(path))
        feed.place = place + 1


def _next_row(reader: Iterator[list[str]]) -> tuple[list[str], str]:
    """The next row, or the reason for which it cannot be read."""
    try:
        return next(reader), ""
    except csv.Error as error:
        return [], str(error)
