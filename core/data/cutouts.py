"""A dataset, read lazily: images as they are asked for, and one catalogue row for each.

A ``Cutouts`` holds an open file and belongs to the thread that opened it; another thread opens its own.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from astropy.io.fits import Header
from astropy.table import Table
from astropy.wcs import WCS
from numpy.typing import NDArray

from core.data import store
from core.data.store import Band, Origin
from core.errors import Problem

_GAP = 16  # stamps: reading over a gap this small beats another request
_READ_BYTES = 1 << 22
_SAMPLE = 64


class Images:
    """The stamps of a dataset, in physical units.

    Indexed with an integer it gives (C, H, W), with a slice or an array of integers in any order (n, C, H, W);
    always float32.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return self._dataset.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """How they are stored: float32, or uint8 for pictures."""
        return self._dataset.dtype

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, which: int | np.integer[Any] | slice | NDArray[Any]) -> NDArray[np.float32]:
        if isinstance(which, int | np.integer):
            place = int(which) + (len(self) if which < 0 else 0)
            if not 0 <= place < len(self):
                raise IndexError(f"image {which} of {len(self)}")
            return self._dataset[place].astype(np.float32, copy=False)
        return self.stored(which).astype(np.float32, copy=False)

    def stored(self, which: slice | NDArray[Any]) -> NDArray[Any]:
        """As :meth:`__getitem__`, in the stored type."""
        if isinstance(which, slice):
            start, stop, step = which.indices(len(self))
            if step == 1:
                return self._dataset[start:stop]
            which = np.arange(start, stop, step)
        rows = np.asarray(which, dtype=np.int64)
        rows = np.where(rows < 0, rows + len(self), rows)
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"images {rows.min()} to {rows.max()} of {len(self)}")
        out = np.empty((len(rows), *self.shape[1:]), dtype=self.dtype)
        order = np.argsort(rows, kind="stable")
        block = max(1, _READ_BYTES * len(self) // max(1, self._dataset.nbytes))  # stamps that stay in the cache
        breaks = (np.diff(rows[order]) > _GAP) | (np.diff(rows[order] // block) > 0)
        runs = np.split(order, np.flatnonzero(breaks) + 1) if len(rows) else []
        for run in runs:  # neighbours on disk, read in one go and scattered
            first, last = rows[run[0]], rows[run[-1]]
            out[run] = self._dataset[first : last + 1][rows[run] - first]
        return out


class Cutouts:
    """Galaxies with their catalogue, read from a dataset file.

    Attributes
    ----------
    path
        The file.
    images
        The stamps, see :class:`Images`.
    catalogue
        Row i belongs to image i; the column ``id`` is text.
    bands
        One for each plane.
    pixel_scale
        (N,) arcsec/pixel, NaN where unknown.
    missing
        (N,) share of pixels that were filled.
    labels
        Catalogue columns that hold labels.
    origin
        Where the dataset comes from.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self._file = file
        self.images = Images(store.member(file, "images"))
        self.catalogue: Table = store.read_catalogue(file)
        self.bands = tuple(Band(**band) for band in json.loads(str(file.attrs["bands"])))
        self.labels: tuple[str, ...] = tuple(json.loads(str(file.attrs["labels"])))
        self.origin = Origin(**json.loads(str(file.attrs["origin"])))
        self.pixel_scale: NDArray[np.float64] = store.member(file, "pixel_scale")[:]
        self.missing: NDArray[np.float32] = store.member(file, "missing")[:]

    @classmethod
    def open(cls, path: Path) -> Cutouts:
        """Open a dataset file.

        Raises
        ------
        UnreadableFile
            It is missing, damaged, or not a dataset.
        WrongVersion
            A newer program wrote it.
        """
        file = store.open_file(path)
        try:
            return cls(path, file)
        except (KeyError, ValueError, TypeError, OSError) as error:
            file.close()
            raise store.UnreadableFile(
                f"This dataset is damaged ({error}).", "Import the galaxies again.", str(path)
            ) from error

    def close(self) -> None:
        """Close the file; images can no longer be read."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return self.images.shape

    @property
    def is_picture(self) -> bool:
        """Whether these are 8-bit pictures rather than calibrated images."""
        return self.images.dtype == np.uint8

    @cached_property
    def ids(self) -> list[str]:
        """The galaxies' ids, as text."""
        return np.asarray(self.catalogue["id"]).tolist()

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The catalogue as plain arrays by name."""
        return {name: np.asarray(self.catalogue[name]) for name in self.catalogue.colnames}

    @cached_property
    def units(self) -> dict[str, str]:
        """Units of the catalogue's columns, where they have one."""
        return {name: str(column.unit) for name, column in self.catalogue.columns.items() if column.unit is not None}

    @property
    def unusable(self) -> list[Problem]:
        """What could not be imported."""
        return store.read_unusable(self._file)

    def header(self, row: int) -> str:
        """The celestial coordinates of a stamp as FITS header text; empty without."""
        return str(store.member(self._file, "wcs").asstr()[row])

    def wcs(self, row: int) -> WCS | None:
        """The celestial coordinates of a stamp; None without."""
        text = self.header(row)
        return WCS(Header.fromstring(text, sep="\n" if "\n" in text else "")) if text else None

    @cached_property
    def checksum(self) -> str:
        """A fingerprint of images and catalogue: all of the catalogue, and an even sample of the images."""
        digest = hashlib.blake2b(repr((self.shape, str(self.images.dtype))).encode(), digest_size=16)
        for name, values in self.columns.items():
            digest.update(name.encode())
            digest.update("\n".join(values.tolist()).encode() if values.dtype.kind == "U" else values.tobytes())
        for row in np.unique(np.linspace(0, max(0, len(self) - 1), _SAMPLE).astype(np.int64)) if len(self) else ():
            digest.update(self.images[int(row)].tobytes())
        return digest.hexdigest()
