"""Many cutouts in one file: HDF5 in the layout of Galaxy10, and NumPy's .npz.

The array of images is called ``images`` (or ``image``, ``data``, ``x``), or lies in parts (``x_train`` and ``x_test``,
groups ``train`` and ``test``), which are put together; every other one-dimensional array of the same length is a column
(``ans``, ``ra``, ``dec``, ``redshift``, ``pxscale``). Images may have the bands first or last. 8-bit images with the
bands last are pictures, stored from the top row down, and are flipped as JPEGs are; in all other arrays row 0 is taken
to be at the bottom, as in FITS. A few dozen images are in memory at a time.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from core.data import axes, container_parts, read_errors
from core.data.stamps import Cutout
from core.errors import UnreadableFile

_SCALE_NAMES = ("pxscale", "pixel_scale", "pixscale")
_BLOCK_BYTES = 16 * 2**20  # bytes


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
    with _report_damage(name), _list_arrays(name) as arrays:
        keys = container_parts.choose_images(arrays)
        if not keys or min(arrays[keys[0]][0]) < 1:
            raise UnreadableFile(
                f"This file holds no images; its arrays are {', '.join(arrays) or 'none'}.",
                "The images have to be one array (N, H, W, bands) called “images”.",
                name,
            )
        shape, dtype = arrays[keys[0]]
        if dtype.kind not in "uifb":
            raise UnreadableFile(f"The array “{keys[0]}” holds no numbers.", "Save the images as numbers.", name)
        images = tuple((key, arrays[key][0][0]) for key in keys)
        remark = container_parts.describe_left_out(arrays, keys)
        if len(shape) == 4 and axes.is_ambiguous(shape[1:]):
            remark = f"{remark}; " if remark else ""
            remark += f"the last axis ({shape[3]}) is taken to be the bands, though the second ({shape[1]}) might be"
        if len(keys) == 1:
            alike = [other for other, (size, kind) in arrays.items() if size == shape[:1] and kind.kind != "V"]
            columns = {other: _read_column(name, other) for other in alike}
        else:
            columns = _read_columns_in_parts(name, arrays, images)
        return Container(name, images, (sum(count for _, count in images), *shape[1:]), dtype, columns, remark)


def _read_columns_in_parts(
    name: str, arrays: container_parts.Arrays, images: tuple[tuple[str, int], ...]
) -> dict[str, NDArray[Any]]:
    """The columns of parts that are put together, with NaN or empty text where a part lacks one, and the part."""
    pieces: dict[str, list[NDArray[Any] | None]] = {}
    parts = [container_parts.split_part(key)[1] for key, _ in images]
    for place, ((_, count), part) in enumerate(zip(images, parts, strict=True)):
        for key, (shape, kind) in arrays.items():
            base, its_part = container_parts.split_part(key)
            if its_part == part and shape == (count,) and kind.kind != "V":
                none: list[NDArray[Any] | None] = [None] * len(images)
                pieces.setdefault(base, none)[place] = _read_column(name, key)
    columns: dict[str, NDArray[Any]] = {}
    for base, values in pieces.items():
        is_text = any(value is not None and value.dtype.kind == "U" for value in values)
        filled = [
            np.full(count, "" if is_text else np.nan) if value is None else value
            for value, (_, count) in zip(values, images, strict=True)
        ]
        columns[base] = np.concatenate([piece.astype(str) for piece in filled] if is_text else filled)
    columns.setdefault("split", np.repeat(parts, [count for _, count in images]))
    return columns


def read_cutouts(container: Container, start: int = 0, stop: int | None = None) -> Iterator[Cutout]:
    """Read the images one by one, a few megabytes at a time.

    Raises
    ------
    UnreadableFile
        The file is damaged.
    """
    stop = len(container) if stop is None else min(stop, len(container))
    with _report_damage(container.path):
        for first, block in _read_blocks(container, start, stop):
            for row, image in enumerate(block, start=first):
                yield _to_cutout(container, image, row)


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
    scale = next((float(container.columns[key][row]) for key in _SCALE_NAMES if key in container.columns), math.nan)
    with np.errstate(over="ignore"):
        pixels = np.ascontiguousarray(image, dtype=np.uint8 if is_picture else np.float32)
    remarks = (container.remark,) if container.remark and row == 0 else ()
    return Cutout(pixels, planes, "", scale, remarks=remarks)


def _read_blocks(container: Container, start: int, stop: int) -> Iterator[tuple[int, NDArray[Any]]]:
    before = 0
    for key, count in container.images:
        own = range(max(start - before, 0), min(stop - before, count))
        if own:
            for first, block in _read_array(container, key, own.start, own.stop):
                yield before + first, block
        before += count


def _read_array(container: Container, key: str, start: int, stop: int) -> Iterator[tuple[int, NDArray[Any]]]:
    one = max(1, math.prod(container.shape[1:]) * container.dtype.itemsize)
    rows = max(1, min(1024, _BLOCK_BYTES // one))
    if not container.path.endswith(".npz"):
        with h5py.File(container.path, "r") as file:
            for first in range(start, stop, rows):
                images: Any = file[key]
                yield first, images[first : min(first + rows, stop)]
        return
    with zipfile.ZipFile(container.path) as archive, archive.open(f"{key}.npy") as member:
        shape, is_fortran, dtype = _read_npy_header(member)
        if is_fortran:  # rows are not contiguous, so all of it has to be read
            with np.load(container.path, allow_pickle=False) as file:
                yield start, file[key][start:stop]
            return
        skipped = one * start
        while skipped > 0:
            skipped -= len(member.read(min(skipped, _BLOCK_BYTES))) or skipped
        for first in range(start, stop, rows):
            count = min(rows, stop - first)
            content = member.read(one * count)
            yield first, np.frombuffer(content, dtype).reshape(count, *shape[1:])


def _read_column(name: str, key: str) -> NDArray[Any]:
    if not name.endswith(".npz"):
        with h5py.File(name, "r") as file:
            values = np.asarray(file[key])
    else:
        with np.load(name, allow_pickle=False) as file:
            values = file[key]
    if values.dtype.kind in "SO":
        return np.array([v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values], dtype=str)
    return values.astype(values.dtype.newbyteorder("="))


@contextmanager
def _list_arrays(name: str) -> Iterator[dict[str, tuple[tuple[int, ...], np.dtype[Any]]]]:
    """Shapes and types of the arrays in a file, by name."""
    if name.endswith(".npz"):
        arrays = {}
        with zipfile.ZipFile(name) as archive:
            for entry in archive.namelist():
                if entry.endswith(".npy"):
                    with archive.open(entry) as member:
                        shape, _, dtype = _read_npy_header(member)
                        arrays[entry.removesuffix(".npy")] = (shape, dtype)
        yield {key: value for key, value in arrays.items() if value[1].kind != "O"}
        return
    with h5py.File(name, "r") as file:
        if "bands" in file.attrs and "format" in file.attrs:
            raise UnreadableFile("This is a dataset of this program already.", "Open it instead.", name)
        arrays = {}

        def note(path: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset):
                arrays[path] = (item.shape, item.dtype)

        file.visititems(note)
        yield arrays


def _read_npy_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(member)
    return np.lib.format.read_array_header_2_0(member)


@contextmanager
def _report_damage(name: str) -> Iterator[None]:
    try:
        yield
    except UnreadableFile:
        raise
    except (zipfile.BadZipFile, FileNotFoundError, PermissionError) as error:
        raise read_errors.explain_error(name, error) from error
    except read_errors.READ_ERRORS as error:
        with Path(name).open("rb") as file:
            start = file.read(1024)
        if not start.startswith((b"\x89HDF", b"PK")):
            raise read_errors.explain_content(name, start, "an HDF5 file") from error
        raise read_errors.explain_error(name, error) from error
