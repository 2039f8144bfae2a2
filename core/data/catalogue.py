"""Reading catalogues without losing digits of ids, and recognising their label columns.

An 18-digit SDSS object id does not fit into a floating-point number (beyond 2⁵³ not every integer can be represented),
so text tables are read as text, and only columns that can be converted without loss become numbers.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import Column, MaskedColumn, Table
from numpy.typing import NDArray

from core.data import read_errors
from core.data.settings import ImportSettings
from core.errors import CatalogueProblem

EXACT = 2**53
_MISSING = ("", "nan", "NaN", "NAN", "null", "NULL", "None", "none", "--", "N/A", "n/a", "NA")
_LABEL_NAMES = (
    *("morphology", "class_name", "class", "label", "labels", "galaxy_type", "gal_type", "type", "morph", "category"),
    *("target", "target_name", "ans", "ttype", "t_type", "gz_class", "gz2_class"),
)
_VOTE_COLUMN = re.compile(r"(?P<question>.+?)(_a\d\d)?_[^_]+(?P<kind>_debiased|_weighted_fraction|_fraction)$")


def read_table(path: Path) -> Table:
    """Read a catalogue: CSV, ECSV, FITS, VOTable or Parquet.

    Columns come back without masks and in native byte order: text as str with "" for nothing, floats with NaN,
    whole numbers as int64, or as float64 with NaN where some are missing and none needs more than 53 bits (else
    as text). Units are kept. ``meta["notes"]`` lists what could not be read, as sentences.

    Raises
    ------
    CatalogueProblem
        The file is missing, damaged, or no table.
    """
    readers: dict[str, Callable[[Path], Table]] = {
        **dict.fromkeys((".fits", ".fit", ".fts", ".gz", ".fz"), _read_fits),
        **dict.fromkeys((".xml", ".vot", ".votable"), _read_votable),
        **dict.fromkeys((".parquet", ".pq"), _read_parquet),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units spelt in odd ways are kept as they are
            raw = readers.get(path.suffix.lower(), _read_text)(path)
    except CatalogueProblem:
        raise
    except (*read_errors.READ_ERRORS, csv.Error) as error:
        problem = read_errors.explain_error(str(path), error)
        raise CatalogueProblem(problem.sentence, problem.remedy, str(path)) from error
    if not raw.colnames or not len(raw):
        raise CatalogueProblem("The catalogue has no rows.", "Choose another table.", str(path))
    return _to_plain_columns(raw)


def _read_text(path: Path) -> Table:
    content = path.read_bytes()
    if content.startswith(b"# %ECSV"):
        return Table.read(path, format="ascii.ecsv")
    if content[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")) or b"\0" in content[:4096]:
        problem = read_errors.explain_content(str(path), content[:1024], "a table")
        raise CatalogueProblem(problem.sentence, problem.remedy, str(path))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    if not lines:
        raise CatalogueProblem("The catalogue is empty.", "Choose another table.", str(path))
    delimiter = max(",;\t|", key=lines[0].count)
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    names = _make_unique([name.strip() for name in next(rows)])
    width, notes = len(names), list[str]()
    good: list[list[str]] = []
    for number, row in enumerate(rows, start=2):
        if len(row) < width or any(cell.strip() for cell in row[width:]):
            notes.append(f"Row {number} of the catalogue has {len(row)} cells and not {width}; it was left out.")
        else:
            good.append(row)
    columns = list(zip(*good, strict=False)) if good else [()] * width
    table = Table({name: _parse_cells(cells) for name, cells in zip(names, columns, strict=False)})
    table.meta = {"notes": notes}
    return table


def _make_unique(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    result: list[str] = []
    for place, name in enumerate(names):
        name = name or f"column {place + 1}"
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _parse_cells(cells: Sequence[str]) -> NDArray[Any]:
    """Convert cells to numbers if every cell is a number (or missing) and no digit is lost; else leave them as text."""
    texts = np.char.strip(np.array(cells, dtype=str))
    there = ~np.isin(texts, _MISSING)
    known = texts[there]
    if not len(known) or (np.char.find(known, "_") >= 0).any():  # Python takes 1_000 for a number
        return texts
    digits = np.char.lstrip(known, "+-")
    is_whole = bool(np.char.isdecimal(digits).all())
    lengths = np.char.str_len(digits)
    if is_whole and ((lengths > 15) | ((lengths > 1) & np.char.startswith(digits, "0"))).any():
        return texts  # an id: 18 digits, or leading zeros
    try:
        numbers = known.astype(np.float64)
    except ValueError:
        return texts
    if is_whole and there.all():
        return numbers.astype(np.int64)
    values = np.full(len(texts), np.nan)
    values[there] = numbers
    return values


def _read_fits(path: Path) -> Table:
    with fits.open(path, memmap=False) as file:
        number = next((n for n, unit in enumerate(file) if isinstance(unit, fits.BinTableHDU | fits.TableHDU)), None)
        if number is None:
            raise CatalogueProblem("This FITS file holds no table.", "Choose the catalogue.", str(path))
        return Table.read(file[number])


def _read_votable(path: Path) -> Table:
    return parse_single_table(path, verify="ignore").to_table(use_names_over_ids=True)


def _read_parquet(path: Path) -> Table:
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
            filled = np.array(["" if value is None else str(value) for value in values.to_pylist()], dtype=str)
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        table[field.name] = MaskedColumn(filled, mask=empty, unit=unit or None)
    table.meta = {"notes": notes}
    return table


def _to_plain_columns(raw: Table) -> Table:
    notes: list[str] = list((raw.meta or {}).get("notes", ()))
    table = Table()
    for name in raw.colnames:
        column: Any = raw[name]
        if not isinstance(column, Column) or column.ndim > 1:
            isot = getattr(column, "isot", None)  # times become text; positions and vectors have no single value
            if isot is None:
                notes.append(f"The catalogue's column “{name}” holds no single values; it was left out.")
                continue
            column = Column(np.asarray(isot, dtype=str))
        unit = str(column.unit) if column.unit is not None else None
        table[name] = Column(_plain_values(column), unit=unit, description=column.description)
    table.meta = {"notes": notes}
    return table


def _plain_values(column: Column) -> NDArray[Any]:
    empty = np.ma.getmaskarray(column) if isinstance(column, MaskedColumn) else None
    data = np.asarray(column)
    if data.dtype.kind == "U" and empty is None:
        return np.char.strip(data)
    if data.dtype.kind in "SUO":
        texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else "" if v is None else str(v) for v in data]
        if empty is not None:
            texts = ["" if gone else text for text, gone in zip(texts, empty, strict=True)]
        return np.array([text.strip() for text in texts], dtype=str)
    data = data.astype(data.dtype.newbyteorder("="))
    if empty is None or not empty.any():
        return data.astype(np.int64) if data.dtype.kind == "i" else data
    return _fill_missing(data, empty)


def _fill_missing(values: NDArray[Any], empty: NDArray[np.bool_]) -> NDArray[Any]:
    """Fill missing values: NaN for numbers, "" for text; integers that float64 cannot represent become text."""
    if values.dtype.kind == "f":
        return np.where(empty, np.nan, values)
    there = values[~empty]
    if values.dtype.kind in "iu" and (not len(there) or max(abs(int(there.min())), int(there.max())) <= EXACT):
        return np.where(empty, np.nan, values.astype(np.float64))
    return np.where(empty, "", values.astype(str))


def take(values: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return ``values[rows]``, where row −1 stands for a missing value."""
    empty = rows < 0
    picked = values[np.where(empty, 0, rows)] if len(values) else np.full(len(rows), np.nan)
    return _fill_missing(picked, empty) if empty.any() else picked


def label_columns(table: Table, settings: ImportSettings) -> tuple[str, ...]:
    """The columns with labels: those that the settings name, else those recognised by their names.

    Of vote fractions, those of the first question.

    Raises
    ------
    CatalogueProblem
        A column that was named does not exist.
    """
    for name in settings.labels:
        require_column(table, name)
    if settings.labels:
        return settings.labels
    lower = {name.lower(): name for name in reversed(table.colnames)}
    for name in _LABEL_NAMES:
        if name in lower:
            return (lower[name],)
    first: tuple[str, str] | None = None
    votes: list[str] = []
    for name in table.colnames:
        if (match := _VOTE_COLUMN.match(name)) and np.asarray(table[name]).dtype.kind == "f":
            question = (match["question"], match["kind"])
            first = first or question
            votes += [name] if question == first else []
    return tuple(votes) if len(votes) > 1 else ()


def require_column(table: Table, name: str) -> None:
    """Raise :class:`CatalogueProblem` unless the table has this column."""
    if name not in table.colnames:
        there = ", ".join(table.colnames)
        raise CatalogueProblem(f"The catalogue has no column “{name}”.", f"Its columns are: {there}.", name)


def id_texts(table: Table, name: str) -> list[str]:
    """Ids as text with all their digits.

    Raises
    ------
    CatalogueProblem
        The column holds floating-point numbers beyond 2⁵³, whose last digits are lost already.
    """
    values = np.asarray(table[name])
    if values.dtype.kind != "f":
        return [str(value).strip() for value in values.tolist()]
    if has_lost_digits(values):
        raise CatalogueProblem(
            f"The ids in the column “{name}” were saved as floating-point numbers and have lost their last digits.",
            "Save them as text or 64-bit integers, or join on the file name.",
            name,
        )
    return ["" if not np.isfinite(v) else str(int(v)) if float(v).is_integer() else repr(v) for v in values.tolist()]


def has_lost_digits(values: NDArray[Any]) -> bool:
    """Whether integers were stored as floating-point numbers that cannot represent them exactly."""
    limit = EXACT if values.dtype.itemsize >= 8 else 2**24
    return values.dtype.kind == "f" and bool((np.abs(values[np.isfinite(values)]) > limit).any())
