"""Many cutouts in one file: HDF5 in the layout of Galaxy10, and NumPy's .npz.

The array of images is called ``images`` (or ``image``, ``data``, ``x``), or lies in parts (``x_train`` and ``x_test``,
groups ``train`` and ``test``), which are put together; every other one-dimensional array of the same length is a column
(``ans``, ``ra``, ``dec``, ``redshift``, ``pxscale``). Images may have the bands first or last. 8-bit images with the
bands last are pictures, stored from the top row down, and are flipped as JPEGs are; in all other arrays row 0 is taken
to be at the bottom, as in FITS. A few dozen images are in memory at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import axes, cells, container_parts, hdf5, npz, trial
from core.data.label_arrays import as_column, may_be_column
from core.data.limits import MOST_COLUMN, require_moderate_size
from core.data.read_errors import explain_error, reading
from core.data.stamps import SMALLEST, Cutout
from core.errors import UnreadableFile

_SCALE_NAMES = ("pxscale", "pixel_scale", "pixscale")
_BLOCK_BYTES = 16 * 2**20  # bytes
_MOST_NAMED = 4  # arrays in a remark
_MOST_DAMAGED = 64  # images in one file; with more of them the rest is given up


@dataclass(frozen=True)
class Container:
    """The contents of a file of many cutouts: ``shape`` of its images, and its columns by name.

    ``images`` are the arrays with their lengths, one or several parts; ``remark`` says what was left out.
    """

    path: str
    images: tuple[tuple[str, int], ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    columns: Mapping[str, NDArray[Any]]
    remark: str = ""

    def __len__(self) -> int:
        return self.shape[0]


def inspect_container(path: Path | str) -> Container:
    """Find the images and read the columns of a file.

    Raises
    ------
    UnreadableFile
        The file is damaged, holds no images, or is a dataset of this program.
    """
    name = str(path)
    with reading(name, "" if _is_npz(name) else "an HDF5 file"):
        arrays, refused = _list_arrays(name)
        keys = container_parts.choose_images(arrays)
        if not keys or min(arrays[keys[0]][0]) < 1:
            raise UnreadableFile(
                f"This file holds no images; its arrays are {', '.join(arrays) or 'none'}.{_describe(refused, ' Not')}",
                "The images have to be one array (N, H, W, bands) called “images”.",
                name,
            )
        shape, dtype = arrays[keys[0]]
        _refuse_images(keys[0], shape, dtype, name)
        images = tuple((key, arrays[key][0][0]) for key in keys)
        remarks = [container_parts.describe_left_out(arrays, keys)]
        if len(shape) == 4 and axes.is_ambiguous(shape[1:]):
            remarks.append(
                f"the last axis ({shape[3]}) is taken to be the bands, though the second ({shape[1]}) might be"
            )
        columns = _Columns(name, refused)
        if len(keys) == 1:
            alike = [other for other, (size, kind) in arrays.items() if may_be_column(size, kind, shape[0])]
            read = {other: values for other in alike if (values := columns.read(other, arrays)) is not None}
        else:
            read = _read_columns_in_parts(columns, arrays, images)
        remark = "; ".join(part for part in (*remarks, *columns.remarks, _describe(refused, "not")) if part)
        return Container(name, images, (sum(count for _, count in images), *shape[1:]), dtype, read, remark)


def _is_npz(name: str) -> bool:
    return name.lower().endswith(".npz")


def _refuse_images(key: str, shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    """Refuse an array that cannot hold the images of galaxies."""
    if dtype.kind not in "uifb":
        raise UnreadableFile(f"The array “{key}” holds no numbers.", "Save the images as numbers.", name)
    if sorted(shape[1:])[-2] < SMALLEST:
        told = " × ".join(map(str, shape[1:]))
        raise UnreadableFile(f"The images in “{key}” have only {told} pixels.", "Save larger ones.", name)
    require_moderate_size(shape[1:], name)


def _describe(refused: Mapping[str, str], begin: str) -> str:
    """A remark on arrays that are not read; empty if there are none."""
    if not refused:
        return ""
    few = ", ".join(f"{key} ({reason})" for key, reason in list(refused.items())[:_MOST_NAMED])
    more = f" and {len(refused) - _MOST_NAMED:,} more" if len(refused) > _MOST_NAMED else ""
    return f"{begin} read: {few}{more}"


class _Columns:
    """The columns of a file; those that cannot be read are added to ``refused``, with the reason."""

    def __init__(self, name: str, refused: dict[str, str]) -> None:
        self._name, self._refused = name, refused
        self.remarks: list[str] = []

    def read(self, key: str, arrays: container_parts.Arrays) -> NDArray[Any] | None:
        """The values of a column; None if it cannot be read."""
        shape, kind = arrays[key]
        count = math.prod(shape)
        if count * kind.itemsize > MOST_COLUMN:
            self._refused[key] = f"it has {count * kind.itemsize / 2**20:,.0f} MB, too much for a column"
            return None
        try:
            values = as_column(_read_column(self._name, key))
        except Exception as error:  # noqa: BLE001 - the images and the other columns are read
            self._refused[key] = f"it is damaged ({type(error).__name__})"
            return None
        if values is not None and len(shape) == 2 and shape[1] > 1:
            self.remarks.append(f"the rows of “{key}” are one-hot: their classes are numbered 0 to {shape[1] - 1}")
        return values


def _read_columns_in_parts(
    reader: _Columns, arrays: container_parts.Arrays, images: tuple[tuple[str, int], ...]
) -> dict[str, NDArray[Any]]:
    """The columns of parts that are put together, with NaN or empty text where a part lacks one, and the part."""
    pieces: dict[str, list[NDArray[Any] | None]] = {}
    parts = [container_parts.split_part(key)[1] for key, _ in images]
    for place, ((_, count), part) in enumerate(zip(images, parts, strict=True)):
        for key, (shape, kind) in arrays.items():
            base, its_part = container_parts.split_part(key)
            if its_part == part and may_be_column(shape, kind, count):
                none: list[NDArray[Any] | None] = [None] * len(images)
                pieces.setdefault(base, none)[place] = reader.read(key, arrays)
    columns: dict[str, NDArray[Any]] = {}
    for base, values in pieces.items():
        is_text = any(value is not None and value.dtype.kind in "UO" for value in values)
        filled = [
            np.full(count, "" if is_text else np.nan) if value is None else value
            for value, (_, count) in zip(values, images, strict=True)
        ]
        columns[base] = _join_texts(filled) if is_text else np.concatenate(filled)
    columns.setdefault("split", np.repeat(parts, [count for _, count in images]))
    return columns


def _join_texts(pieces: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return cells.text_array([str(value) for piece in pieces for value in piece.tolist()])


def read_cutouts(
    container: Container, start: int = 0, stop: int | None = None, damaged: list[UnreadableFile] | None = None
) -> Iterator[tuple[int, Cutout]]:
    """Read the images one by one, a few megabytes at a time, each with its row.

    Parameters
    ----------
    container
        As :func:`inspect_container` gives it.
    start, stop
        The rows.
    damaged
        Images that cannot be read are added, and the others are read; None: they end it.

    Raises
    ------
    UnreadableFile
        No image can be read.
    """
    stop = len(container) if stop is None else min(stop, len(container))
    row = start - 1
    try:
        with reading(container.path):
            for first, block in _read_blocks(container, start, stop, damaged):
                for row, image in enumerate(block, start=first):
                    yield row, _to_cutout(container, image, row)
    except UnreadableFile as problem:
        if damaged is None or row < start:
            raise
        where = f"{container.path} [images {row + 2:,} to {stop:,}]"
        damaged.append(UnreadableFile(problem.sentence, problem.remedy, where, problem.detail))


def names(container: Container) -> list[str]:
    """Ids of the cutouts: the column with the ids if there is one, else the file's name and the row."""
    for key in ("id_str", "id", "objid", "object_id", "dr7objid", "name"):
        values = container.columns.get(key)
        if values is not None and values.dtype.kind in "iuOUS":
            return [value.decode() if isinstance(value, bytes) else str(value) for value in values.tolist()]
    stem = Path(container.path).stem
    width = len(str(len(container) - 1))
    return [f"{stem}_{row:0{width}d}" for row in range(len(container))]


def _to_cutout(container: Container, image: NDArray[Any], row: int) -> Cutout:
    is_picture = image.dtype == np.uint8
    planes: tuple[str, ...] = ()
    if image.ndim == 2:
        image = image[np.newaxis]
    elif axes.has_bands_last(image.shape):
        image = image.transpose(2, 0, 1)  # (C, H, W)
        planes = ("red", "green", "blue") if is_picture and len(image) == 3 else ()
        image = image[:, ::-1] if is_picture else image
    known = (container.columns[key] for key in _SCALE_NAMES if key in container.columns)
    scale = next((float(values[row]) for values in known if values.dtype.kind in "iuf"), math.nan)
    with np.errstate(over="ignore"):
        pixels = np.ascontiguousarray(image, dtype=np.uint8 if is_picture else np.float32)
    remarks = (container.remark,) if container.remark and row == 0 else ()
    return Cutout(pixels, planes, "", scale, remarks=remarks)


def _read_blocks(
    container: Container, start: int, stop: int, damaged: list[UnreadableFile] | None
) -> Iterator[tuple[int, NDArray[Any]]]:
    before = 0
    for key, count in container.images:
        own = range(max(start - before, 0), min(stop - before, count))
        if own:
            for first, block in _read_array(container, key, own, before, damaged):
                yield before + first, block
        before += count


def _read_array(
    container: Container, key: str, own: range, before: int, damaged: list[UnreadableFile] | None
) -> Iterator[tuple[int, NDArray[Any]]]:
    one = max(1, math.prod(container.shape[1:]) * container.dtype.itemsize)
    rows = max(1, min(1024, _BLOCK_BYTES // one))
    if _is_npz(container.path):
        yield from npz.read_rows(container.path, key, own.start, own.stop, rows)
        return

    def note(row: int, error: Exception) -> None:
        if damaged is None or len(damaged) >= _MOST_DAMAGED:
            raise error
        problem = explain_error(container.path, error)
        where = f"{container.path} [image {before + row + 1:,}]"
        damaged.append(UnreadableFile(problem.sentence, problem.remedy, where, problem.detail))

    with trial.open_file(container.path) as file:
        images = hdf5.member(file, key)
        for first in range(own.start, own.stop, rows):
            yield from hdf5.read_rows(images, first, min(first + rows, own.stop), note)


def _read_column(name: str, key: str) -> NDArray[Any]:
    if _is_npz(name):
        values = npz.read_column(name, key)
    else:
        with trial.open_file(name) as file:
            values = np.asarray(hdf5.member(file, key)[:])
    if values.dtype.kind in "SO":
        return cells.text_array([v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values])
    return values.astype(values.dtype.newbyteorder("="))


def _list_arrays(name: str) -> tuple[dict[str, tuple[tuple[int, ...], np.dtype[Any]]], dict[str, str]]:
    """Shapes and types of the arrays in a file by name, and by name why others are not read."""
    if _is_npz(name):
        return npz.list_arrays(name)
    with trial.open_file(name) as file:
        if "bands" in file.attrs and "format" in file.attrs:
            raise UnreadableFile("This is a dataset of this program already.", "Open it instead.", name)
        datasets, refused = hdf5.list_datasets(file)
        return {key: (item.shape, item.dtype) for key, item in datasets.items()}, refused
