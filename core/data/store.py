"""The layout of a dataset on disk: one self-describing HDF5 file.

``/images`` (N, C, H, W) float32 or uint8, in chunks of about a megabyte; ``/catalogue/<column>``, row i for image i;
``/pixel_scale`` (N) in arcsec/pixel; ``/wcs`` (N) header text; ``/missing`` (N) share of filled pixels. Attributes of
the file: ``format``, ``split_column`` (with the parts that the galaxies came with), and as JSON ``bands``, ``labels``,
``order``, ``origin``, and ``stamps`` of an import, see :mod:`core.data.recipe`; ``image_digest`` and ``written``, see
:mod:`core.data.fingerprint`. ``/unusable`` holds what could not be imported. A dataset is written once, under a
temporary name, and never modified afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import h5py
import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from core.data import fingerprint, trial
from core.data.hdf5 import member
from core.data.image_writer import ImageWriter
from core.data.recipe import StampRecipe
from core.errors import Problem, Stopped, UnreadableFile, WrongVersion
from core.events import NEVER
from core.project.files import atomic_path, require_space
from core.reading import reading

FORMAT = 1
CHUNK_STAMPS = 64
_CHUNK_BYTES = 1 << 20
_COLUMN_CHUNK = 4096  # rows
SPARE_BYTES = 1 << 25  # HDF5 fails badly if it cannot write its caches when it closes a file
_EXACT = 2**53  # the largest integer up to which float64 represents all integers
TEXT = h5py.string_dtype("utf-8")


@dataclass(frozen=True)
class Band:
    """One plane of the images: its name, the unit of its pixels, and the magnitude of one unit if known."""

    name: str
    unit: str = ""
    zero_point: float | None = None


@dataclass(frozen=True)
class Origin:
    """Where a dataset comes from: program, time (ISO 8601, UTC), a description of the source, settings as TOML."""

    program: str
    time: str
    source: str
    settings: str


class DatasetWriter:
    """Write a dataset stamp by stamp, in constant memory.

    A context manager: the file appears under its name only if :meth:`finish` was called and the block ended well.

    Parameters
    ----------
    path
        The dataset.
    shape
        (C, H, W) of the stamps.
    bands
        One for each plane.
    dtype
        How pixels are stored.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int, int], bands: Sequence[Band], dtype: Literal["float32", "uint8"]
    ) -> None:
        if len(bands) != shape[0]:
            raise ValueError(f"{len(bands)} bands for {shape[0]} planes")
        self._path, self._shape, self._bands, self._dtype = path, shape, tuple(bands), np.dtype(dtype)
        self._stack = contextlib.ExitStack()
        self._finished = False
        self._ids: list[str] = []
        self._written = 0
        self._waiting: list[tuple[NDArray[Any], Sequence[str], NDArray[Any]]] = []  # what stands beside images

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:  # closes the file again if the rest fails
            temporary = stack.enter_context(atomic_path(self._path))
            stack.callback(self._set_time, temporary)  # after the file was closed
            self._file = stack.enter_context(h5py.File(temporary, "w", libver="v110"))
            stamp = int(np.prod(self._shape)) * self._dtype.itemsize
            chunk = max(1, min(CHUNK_STAMPS, _CHUNK_BYTES // max(1, stamp)))
            images = self._file.create_dataset(
                "images",
                (0, *self._shape),
                self._dtype,
                maxshape=(None, *self._shape),
                chunks=(chunk, *self._shape),
            )
            self._scale = self._create_column("pixel_scale", np.float64)
            self._missing = self._create_column("missing", np.float32)
            self._wcs = self._create_column("wcs", TEXT)
            self._images = stack.enter_context(ImageWriter(images, descriptor_of(self._file)))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._finished:
            error = RuntimeError("a dataset was left without its catalogue")
            self._stack.__exit__(RuntimeError, error, None)
            raise error
        self._stack.__exit__(kind, error, trace)
        if kind is None:
            trial.trust(self._path)

    def _set_time(self, file: Path) -> None:
        """Give the file the time that it holds, as a sign that nobody has changed it since."""
        if self._written:
            os.utime(file, ns=(self._written, self._written))

    def _create_column(self, name: str, dtype: Any) -> h5py.Dataset:
        return self._file.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(_COLUMN_CHUNK,))

    def append(
        self,
        images: NDArray[Any],
        ids: Sequence[str],
        pixel_scale: NDArray[np.float64],
        wcs: Sequence[str],
        missing: NDArray[Any],
    ) -> None:
        """Add n stamps (n, C, H, W) with their ids, scales in arcsec/pixel, header texts and filled shares.

        They are written while the caller goes on: the arrays must stay as they are until the next call has returned.

        Raises
        ------
        DiskFull
            There is too little disk space.
        """
        require_space(self._path.parent, images.size * self._dtype.itemsize + SPARE_BYTES)
        self._images.append(images)
        self._ids += ids
        self._waiting.append((pixel_scale, wcs, missing))
        if sum(len(scale) for scale, _, _ in self._waiting) >= _COLUMN_CHUNK:
            self._write_beside()

    def _write_beside(self) -> None:
        """Write what stands beside the images; seldom, since HDF5 takes as long for a few rows as for thousands."""
        self._images.wait()
        if self._waiting:
            scales, texts, missing = zip(*self._waiting, strict=True)
            _extend(self._scale, np.concatenate(scales))
            _extend(self._missing, np.concatenate(missing))
            cleared = [text.replace("\0", "") for part in texts for text in part]
            _extend(self._wcs, np.asarray(cleared, dtype=object))
            self._waiting = []

    def state_zero_points(self, zero_points: Sequence[float | None]) -> None:
        """Say of each band which magnitude one unit of its pixels has; None: that is unknown."""
        together = zip(self._bands, zero_points, strict=True)
        self._bands = tuple(replace(band, zero_point=value) for band, value in together)

    def finish(
        self,
        catalogue: Table,
        labels: Sequence[str],
        origin: Origin,
        unusable: Sequence[Problem],
        recipe: StampRecipe | None = None,
        split_column: str = "",
    ) -> None:
        """Add the catalogue (row i for image i), its label columns, what could not be imported, recipe and parts."""
        if len(catalogue) != len(self._ids):
            raise ValueError(f"{len(catalogue)} catalogue rows for {len(self._ids)} images")
        self._write_beside()
        digest = self._images.finish()
        require_space(self._path.parent, SPARE_BYTES)
        self._written = write_description(
            self._file,
            self._ids,
            catalogue,
            labels,
            self._bands,
            origin,
            digest,
            unusable=unusable,
            recipe=recipe,
            split_column=split_column,
        )
        self._finished = True


def _extend(dataset: h5py.Dataset, values: NDArray[Any]) -> None:
    start = len(dataset)
    dataset.resize(start + len(values), axis=0)
    dataset[start:] = values


def write_description(
    file: h5py.File,
    ids: Sequence[str],
    catalogue: Table,
    labels: Sequence[str],
    bands: Sequence[Band],
    origin: Origin,
    digest: str,
    *,
    unusable: Sequence[Problem] = (),
    recipe: StampRecipe | None = None,
    split_column: str = "",
) -> int:
    """Write all that a dataset says of its images once they are in the file.

    Returns
    -------
    written
        The time in nanoseconds that the file must be given once it is closed, as a sign that the digest of its images
        can be believed.
    """
    group = file.create_group("catalogue")
    columns: dict[str, Any] = {"id": np.asarray(ids, dtype=object)}
    columns |= {name: catalogue[name] for name in catalogue.colnames if name != "id"}
    stored = {f"column{place:04d}": name for place, name in enumerate(columns)}  # names may hold "/"
    for key, name in stored.items():
        _write_column(group, key, columns[name])
    problems = json.dumps([[p.sentence, p.remedy, p.where] for p in unusable])
    file.create_dataset("unusable", data=np.frombuffer(problems.encode(), np.uint8))
    file.attrs.update(
        format=FORMAT,
        missing_text="",
        bands=json.dumps([asdict(band) for band in bands]),
        labels=json.dumps(list(labels)),
        origin=json.dumps(asdict(origin)),
        split_column=split_column,
    )
    if recipe is not None:
        file.attrs["stamps"] = json.dumps(recipe.to_dict())
    written = time.time_ns()
    file.attrs[fingerprint.DIGEST] = digest
    file.attrs[fingerprint.WRITTEN] = np.int64(written)
    group.create_dataset("order", data=np.array(json.dumps(stored), dtype=object), dtype=TEXT)
    return written


def _write_column(group: h5py.Group, key: str, column: Any) -> None:
    unit = getattr(column, "unit", None)
    values = np.ma.asarray(column)
    if values.dtype.kind == "M":
        values = np.ma.masked_array(
            np.datetime_as_string(values.data), np.ma.getmaskarray(values) | np.isnat(values.data)
        )
    if values.dtype.kind in "iu" and np.ma.is_masked(values) and np.abs(values).max() > _EXACT:
        values = values.astype(str)
    if values.dtype.kind in "OUS":
        texts = values.tolist()
        if not _are_plain(texts):
            texts = ["" if text is None or np.ma.is_masked(text) else _clean_text(text) for text in texts]
        dataset = group.create_dataset(key, data=np.asarray(texts, dtype=object), dtype=TEXT)
    else:
        if np.ma.is_masked(values):  # HDF5 has no masks
            values = np.ma.filled(values.astype(np.float64), np.nan)
        dataset = group.create_dataset(key, data=np.ascontiguousarray(np.ma.getdata(values)))
    if unit is not None:
        dataset.attrs["unit"] = _clean_text(unit)


def _are_plain(texts: Sequence[Any]) -> bool:
    """Whether all are texts that HDF5 can hold as they are, without looking at each."""
    try:
        together = "".join(texts)
    except TypeError:
        return False
    return together.isascii() and "\0" not in together


def _clean_text(text: Any) -> str:
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    plain = text.replace("\0", "").encode("utf-8", "backslashreplace")
    return plain.decode("utf-8", "replace")  # a numpy array may hold what is no letter


def is_dataset(path: Path) -> bool:
    """Whether a file is a dataset of this program, and not a folder, an image or an HDF5 file of another make."""
    if path.is_file():
        with contextlib.suppress(Exception), trial.open_file(path) as file:  # whatever HDF5 says of a damaged file
            return {"images", "catalogue"} <= set(file)
    return False


def open_file(path: Path, stop: threading.Event = NEVER) -> h5py.File:
    """Open a dataset for reading.

    Raises
    ------
    UnreadableFile
        It is missing, damaged, or not a dataset.
    WrongVersion
        A newer program wrote it.
    Stopped
        ``stop`` was set.
    """
    if not path.exists():
        raise UnreadableFile("There is no such dataset.", "Was it moved or renamed?", str(path))
    if path.is_dir():
        raise UnreadableFile("This is a folder and no dataset.", "Import the files in it first.", str(path))
    if not path.is_file():
        raise UnreadableFile("This is no regular file, and so no dataset.", "Choose another file.", str(path))
    try:
        file = trial.open_file(path, stop)
    except (UnreadableFile, Stopped):
        raise
    except Exception as error:  # noqa: BLE001 - whatever HDF5 says of a damaged file
        raise UnreadableFile(
            f"This is not a whole HDF5 file ({str(error).split('(')[0].strip()}).",
            "Import the galaxies again.",
            str(path),
        ) from None
    with contextlib.ExitStack() as on_failure, reading("This dataset", path, "Import the galaxies again."):
        on_failure.callback(file.close)
        version = str(file.attrs.get("format", ""))
        if not re.fullmatch("[0-9]{1,9}", version) or not {"images", "catalogue"} <= set(file):
            raise UnreadableFile(
                "This HDF5 file was not written by this program.", "Import it to make a dataset of it.", str(path)
            )
        if int(version) > FORMAT:
            raise WrongVersion("A newer Tuning Fork wrote this dataset.", "Update the program.", str(path))
        on_failure.pop_all()
        return file


def descriptor_of(file: h5py.File) -> int | Path:
    """The descriptor of an open file; its path where HDF5 does not tell it."""
    if file.driver == "stdio":  # tells of something else
        return Path(file.filename)
    with contextlib.suppress(OSError, RuntimeError, NotImplementedError):
        descriptor = int(file.id.get_vfd_handle())
        os.fstat(descriptor)  # HDF5 may have a table of its own, as on Windows
        return descriptor
    return Path(file.filename)


def read_unusable(file: h5py.File) -> list[Problem]:
    """What could not be imported."""
    return [Problem(*parts) for parts in json.loads(member(file, "unusable")[:].tobytes().decode())]
