"""Reading the catalogue of a dataset, whose layout is described in :mod:`core.data.store`."""

from __future__ import annotations

import json
import threading
from typing import Any

import h5py
import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from core.data.cells import text_array
from core.data.hdf5 import member
from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.pieces import pieces_of

_WORDS = ("None", "none", "NONE")  # meant “no label” in datasets of earlier versions


def read_catalogue(file: h5py.File, count: int, stop: threading.Event = NEVER) -> Work[Table]:
    """Read the catalogue of ``count`` rows as a table whose text columns are text.

    Raises
    ------
    ValueError, KeyError, TypeError, OSError
        A column is missing, of another kind or of another length; the text says which.
    Stopped
        ``stop`` was set.
    """
    table = Table()
    order = json.loads(str(member(file, "catalogue/order").asstr()[()]))
    if not isinstance(order, dict) or not all(isinstance(name, str) for name in order.values()):
        raise ValueError("the list of the catalogue's columns is damaged")
    for key, name in order.items():
        column = member(file, f"catalogue/{key}")
        is_text = h5py.check_string_dtype(column.dtype) is not None
        if column.shape != (count,) or not (is_text or column.dtype.kind in "biuf"):
            raise ValueError(f"the column “{name}” is of the type {column.dtype}, of the shape {column.shape}")
        values = (yield from _read_texts(column, stop)) if is_text else column[:]
        values.flags.writeable = False  # all that have the dataset open share it
        table.add_column(Column(values, unit=_unit_of(column)), name=name, copy=False)
    if "id" not in table.colnames or table["id"].dtype.kind not in "UO":
        raise ValueError("the catalogue has no ids")
    return table


def _read_texts(column: h5py.Dataset, stop: threading.Event) -> Work[NDArray[Any]]:
    texts: list[str] = []
    for piece in pieces_of(len(column)):
        if stop.is_set():
            raise Stopped
        yield Progress(piece.start, len(column), "rows of the catalogue")
        texts += column.asstr()[piece].tolist()
    return text_array(texts)


def _unit_of(column: h5py.Dataset) -> str | None:
    unit = column.attrs.get("unit")
    return unit if isinstance(unit, str) else None


def clear_words(file: h5py.File, columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Clear the words “None” from the text columns of a dataset of an earlier version, where they meant “no label”.

    The import now decides whether they are a class, and the words that are left in a dataset are one.
    """
    if "missing_text" in file.attrs:
        return columns
    cleared = dict(columns)
    for name, values in columns.items():
        if name != "id" and values.dtype.kind in "UO" and any((values == word).any() for word in _WORDS):
            cleared[name] = np.where(np.isin(values, _WORDS), "", values)
    return cleared
