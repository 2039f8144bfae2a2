"""Reading NumPy's ``.npz`` files row by row, without trusting the sizes that they tell of."""

from __future__ import annotations

import contextlib
import math
import zipfile
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from core.data.limits import MOST_COLUMN, lack_of
from core.data.regular_files import open_regular
from core.errors import UnreadableFile

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # those that NumPy writes
_BLOCK = 2**24  # bytes


@contextlib.contextmanager
def _opened(name: str) -> Iterator[zipfile.ZipFile]:
    with open_regular(name) as file, zipfile.ZipFile(file) as archive:
        yield archive


def list_arrays(name: str) -> tuple[dict[str, tuple[tuple[int, ...], np.dtype[Any]]], dict[str, str]]:
    """Shapes and types of the arrays by name, and by name why others are not read."""
    arrays: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    refused: dict[str, str] = {}
    with _opened(name) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(".npy"):
                key = entry.filename.removesuffix(".npy")
                try:
                    shape, dtype, reason = _look_at(archive, entry)
                except Exception as error:  # noqa: BLE001 - a damaged array is left out, and the others are read
                    refused[key] = f"it is damaged ({type(error).__name__})"
                    continue
                if reason:
                    refused[key] = reason
                elif dtype.kind != "O":
                    arrays[key] = shape, dtype
    return arrays, refused


def _look_at(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype[Any], str]:
    """Shape and type of an array, and why it is not read."""
    if entry.compress_type not in _METHODS:
        return (), np.dtype("O"), "it is packed in another way than NumPy's"
    with archive.open(entry) as member:
        shape, _, dtype = _read_header(member)
        claimed = math.prod(shape) * dtype.itemsize
        if member.tell() + claimed > entry.file_size:
            return shape, dtype, lack_of(shape, dtype.itemsize, 0) or "it is not wholly in the file"
    return shape, dtype, lack_of(shape, dtype.itemsize, entry.compress_size)


def read_column(name: str, key: str) -> NDArray[Any]:
    """The values of an array."""
    with _opened(name) as archive, archive.open(f"{key}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def read_rows(name: str, key: str, start: int, end: int, rows: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Read the rows of an array from ``start`` to ``end`` in blocks of ``rows``; each with the number of its first row.

    Raises
    ------
    UnreadableFile
        It lies in the file in an order that needs all of it in memory, and is too large.
    """
    with _opened(name) as archive, archive.open(f"{key}.npy") as member:
        shape, is_fortran, dtype = _read_header(member)
        one = math.prod(shape[1:]) * dtype.itemsize
        if is_fortran:  # rows are not contiguous
            if one * shape[0] > MOST_COLUMN:
                raise UnreadableFile(
                    f"The array “{key}” is in Fortran's order, and needs {one * shape[0] / 2**20:,.0f} MB of memory.",
                    "Save it in C order (numpy.ascontiguousarray).",
                    name,
                )
            yield start, read_column(name, key)[start:end]
            return
        skipped = one * start
        while skipped > 0:
            skipped -= len(member.read(min(skipped, _BLOCK))) or skipped
        for first in range(start, end, rows):
            count = min(rows, end - first)
            yield first, np.frombuffer(member.read(one * count), dtype).reshape(count, *shape[1:])


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(member)
    return np.lib.format.read_array_header_2_0(member)
