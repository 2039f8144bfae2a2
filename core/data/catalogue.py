"""Reading catalogues without losing digits of ids, and recognising their label columns.

An 18-digit SDSS object id does not fit into a floating-point number (beyond 2⁵³ not every integer can be represented),
so text tables are read as text, and only columns that can be converted without loss become numbers.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from numpy.typing import NDArray

from core.data.cells import text_array
from core.data.settings import ImportSettings
from core.data.table_files import read_raw_tables
from core.data.table_problems import no_single_values
from core.data.text_tables import make_unique
from core.errors import CatalogueProblem
from core.events import NEVER

EXACT = 2**53
_LONGEST_NAME = 200  # letters
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LABEL_NAMES = (
    *("morphology", "class_name", "class", "label", "labels", "galaxy_type", "gal_type", "type", "morph", "category"),
    *("target", "targets", "target_name", "y_true", "y_train", "y", "ans", "ttype", "t_type", "gz_class", "gz2_class"),
)
_VOTE_COLUMN = re.compile(r"(?P<question>.+?)(_a\d\d)?_[^_]+(?P<kind>_debiased|_weighted_fraction|_fraction)$")


def read_tables(path: Path, stop: threading.Event = NEVER) -> list[Table]:
    """Read the tables of a catalogue: CSV and other text, ECSV, FITS, VOTable or Parquet.

    Columns come back without masks and in native byte order: text as str with "" for nothing, floats with NaN,
    whole numbers as int64, or as float64 with NaN where some are missing and none needs more than 53 bits (else
    as text). Units are kept. ``meta`` has ``name``, and what could not be read: ``notes`` and ``problems``; see
    :func:`core.data.table_files.read_raw_tables` for the rest.

    Raises
    ------
    CatalogueProblem
        The file is missing, damaged, or no table.
    Stopped
        ``stop`` was set.
    """
    tables, arrays = list[Table](), list[str]()
    for raw in read_raw_tables(path, stop):
        table = _to_plain_columns(raw)
        if table.colnames:
            tables.append(table)
        else:
            arrays += raw.colnames
    if not tables:
        raise no_single_values(arrays, str(path))
    return tables


def read_table(path: Path) -> Table:
    """Read the first table of a catalogue, as :func:`read_tables` does."""
    return read_tables(path)[0]


def _to_plain_columns(raw: Table) -> Table:
    meta: dict[str, Any] = dict(raw.meta or {})
    notes: list[str] = list(meta.get("notes", ()))
    names = dict(zip(raw.colnames, make_unique([_readable_name(name) for name in raw.colnames]), strict=True))
    plain: dict[str, Column] = {}
    for own, name in names.items():
        column: Any = raw[own]
        if isinstance(column, Column) and column.ndim == 2 and column.shape[1] == 1:
            column = column[:, 0]
        if not isinstance(column, Column) or column.ndim > 1 or column.dtype.kind in "cV":
            isot = getattr(column, "isot", None)  # times become text; positions and vectors have no single value
            if isot is None:
                notes.append(f"The catalogue's column “{name}” holds no single values; it was left out.")
                continue
            column = Column(np.asarray(isot, dtype=str))
        try:
            unit = str(column.unit) if column.unit is not None else None
            plain[name] = Column(_plain_values(column), unit=unit, description=column.description)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a column is that column's problem
            reason = (str(error) or type(error).__name__).splitlines()[0][:120]
            notes.append(f"The catalogue's column “{name}” cannot be read ({reason}); it was left out.")
    for key in ("texts", "marks", "forms"):  # by column
        if key in meta:
            meta[key] = {names[own]: value for own, value in meta[key].items() if own in names}
    table = Table(plain, copy=False)
    table.meta = {**meta, "notes": notes}
    return table


def _readable_name(name: str) -> str:
    """The name of a column in one line: without control characters, and not longer than a name is."""
    name = " ".join(_CONTROLS.sub(" ", name).split()) if _CONTROLS.search(name) else name
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def _plain_values(column: Column) -> NDArray[Any]:
    empty = np.ma.getmaskarray(column) if isinstance(column, MaskedColumn) else None
    data = np.asarray(column)
    if data.dtype.kind == "U" and empty is None:
        return np.char.strip(data)
    if data.dtype.kind in "SUO":
        texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else "" if v is None else str(v) for v in data]
        if empty is not None:
            texts = ["" if gone else text for text, gone in zip(texts, empty, strict=True)]
        return text_array([text.strip() for text in texts])
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
    return np.where(empty, "", values if values.dtype.kind == "O" else values.astype(str))


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
        if name in lower and not (name == "y" and "x" in lower):  # a position
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
    """Ids as text with all their digits: in a text table the cells as they were written.

    Raises
    ------
    CatalogueProblem
        The column holds floating-point numbers beyond 2⁵³, whose last digits are lost already.
    """
    written = (table.meta or {}).get("texts", {}).get(name)
    if written is not None:
        return written.tolist()
    values = np.asarray(table[name])
    if values.dtype.kind != "f":
        return [str(value).strip() for value in values.tolist()]
    if has_lost_digits(table, name):
        raise CatalogueProblem(
            f"The ids in the column “{name}” were saved as floating-point numbers and have lost their last digits.",
            "Save them as text or 64-bit integers, or join on the file name.",
            name,
        )
    return ["" if not np.isfinite(v) else str(int(v)) if float(v).is_integer() else repr(v) for v in values.tolist()]


def has_lost_digits(table: Table, name: str) -> bool:
    """Whether integers were stored as floating-point numbers that cannot represent them exactly."""
    values = np.asarray(table[name])
    if values.dtype.kind != "f" or name in (table.meta or {}).get("texts", {}):
        return False
    limit = EXACT if values.dtype.itemsize >= 8 else 2**24
    return bool((np.abs(values[np.isfinite(values)]) > limit).any())
