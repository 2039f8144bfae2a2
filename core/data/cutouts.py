"""A dataset, read lazily: images on demand, and one catalogue row for each.

A ``Cutouts`` holds an open file and belongs to one thread at a time; another thread opens its own.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
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

from core.data import dataset_metadata, file_identity, fingerprint, store, stored_catalogue
from core.data.dataset_metadata import DatasetMetadata
from core.data.file_identity import FileIdentity
from core.data.images import StoredImages
from core.data.recipe import StampRecipe
from core.data.store import Band, Origin
from core.errors import DatasetReplaced, Problem, UnreadableFile
from core.events import NEVER, Work, result_of
from core.pieces import listed
from core.reading import reading

_known: weakref.WeakValueDictionary[FileIdentity, DatasetMetadata] = weakref.WeakValueDictionary()
_COARSEST = 2 * 10**9  # nanoseconds: a network disk may round the time of a file after it was written


class Cutouts:
    """Galaxies with their catalogue, read from a dataset file.

    Attributes
    ----------
    path
        The file.
    identity
        Of the file when it was opened.
    images
        The stamps, see :class:`~core.data.images.StoredImages`.
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
    split_column
        Catalogue column with the parts that the galaxies came with; empty: none.
    origin
        How the dataset was made.
    recipe
        How its stamps were made from files; None where that is not known, as for simulated galaxies.
    """

    def __init__(self, path: Path, file: h5py.File, metadata: DatasetMetadata) -> None:
        self.path = path
        self._file = file
        self._opened = store.descriptor_of(file)
        self.identity = FileIdentity.of(self._opened)
        self._metadata = metadata  # while anybody has the dataset open, nobody else reads it again
        self.catalogue: Table = metadata.catalogue.copy(copy_data=False)
        self.bands: tuple[Band, ...] = metadata.bands
        self.labels: tuple[str, ...] = metadata.labels
        self.split_column = metadata.split_column
        self.origin: Origin = metadata.origin
        self.pixel_scale: NDArray[np.float64] = metadata.pixel_scale
        self.missing: NDArray[np.float32] = metadata.missing
        self.recipe: StampRecipe | None = metadata.recipe
        self.images = StoredImages(store.member(file, "images"), _weakly(self._require_same_content))

    @classmethod
    def open(cls, path: Path | str) -> Cutouts:
        """Open a dataset file.

        Parameters
        ----------
        path
            The file, as :func:`core.data.importing.run` writes it.

        Raises
        ------
        UnreadableFile
            It is missing, damaged, or not a dataset.
        WrongVersion
            A newer program wrote it.
        DatasetReplaced
            The window has the dataset open that was at this path before.

        Examples
        --------
        >>> cutouts = Cutouts.open("survey.h5")
        >>> len(cutouts), cutouts.labels, cutouts.bands[0].name
        (90, ('shape',), 'r')
        >>> cutouts.images[0].shape
        (1, 24, 24)
        >>> [str(name) for name in cutouts.catalogue["shape"][:3]]
        ['disk', 'edge-on', 'spheroid']
        >>> cutouts.close()
        """
        return result_of(cls.opening(path))

    @classmethod
    def opening(cls, path: Path | str, stop: threading.Event = NEVER) -> Work[Self]:
        """Open a dataset file, as :meth:`open` does, with progress.

        Raises
        ------
        UnreadableFile, WrongVersion, DatasetReplaced
            As there.
        Stopped
            ``stop`` was set.
        """
        path = Path(path)
        file = store.open_file(path, stop)
        with contextlib.ExitStack() as on_failure, reading("This dataset", path, "Import the galaxies again."):
            on_failure.callback(file.close)
            identity = FileIdentity.of(store.descriptor_of(file))
            if (metadata := _known.get(identity)) is None:
                metadata = _known[identity] = yield from dataset_metadata.read(file, stop)
            cutouts = cls(path, file, metadata)
            on_failure.callback(cutouts.close)
            cutouts._require_expected()
            on_failure.pop_all()
            return cutouts

    def _require_expected(self) -> None:
        """Require that the file was not replaced between its openings, nor since this program has pinned it."""
        with contextlib.suppress(FileNotFoundError):
            if FileIdentity.of(self.path) != self.identity:
                raise DatasetReplaced.of(self.path)
        file_identity.require_as_pinned(self.path, self.identity, lambda: self.checksum)

    def reopen(self) -> Cutouts:
        """Open the file again, for another thread.

        Raises
        ------
        DatasetReplaced
            Another dataset is at its path now.
        """
        again = Cutouts.open(self.path)
        if again.identity != self.identity and again.checksum != self.checksum:
            again.close()
            raise DatasetReplaced.of(self.path)
        return again

    def close(self) -> None:
        """Close the file; images can no longer be read."""
        self.images.close()
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

    @property
    def median_pixel_scale(self) -> float:
        """Median of the known pixel scales in arcsec/pixel; NaN where none is known."""
        known = self.pixel_scale[np.isfinite(self.pixel_scale)]
        return float(np.median(known)) if len(known) else float("nan")

    @cached_property
    def ids(self) -> list[str]:
        """The galaxies' ids, as text."""
        return listed(np.asarray(self.catalogue["id"]))

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The catalogue as plain arrays by name."""
        return stored_catalogue.clear_words(self._file, self._stored_columns)

    @property
    def _stored_columns(self) -> dict[str, NDArray[Any]]:
        return {name: np.asarray(self.catalogue[name]) for name in self.catalogue.colnames}

    @cached_property
    def units(self) -> dict[str, str]:
        """Units of the catalogue's columns, where they have one."""
        return {name: str(column.unit) for name, column in self.catalogue.columns.items() if column.unit is not None}

    @property
    def unusable(self) -> list[Problem]:
        """What could not be imported."""
        with reading("The report of the import", self.path, "Import the galaxies again."):
            return store.read_unusable(self._file)

    def header(self, row: int) -> str:
        """The celestial coordinates of a stamp as FITS header text; empty if it has none."""
        with reading(f"The coordinates of the galaxy in row {row}", self.path):
            return str(store.member(self._file, "wcs").asstr()[row])

    def wcs(self, row: int) -> WCS | None:
        """The celestial coordinates of a stamp; None if it has none."""
        text = self.header(row)
        with reading(f"The coordinates of the galaxy in row {row}", self.path):
            return WCS(Header.fromstring(text, sep="\n" if "\n" in text else "")) if text else None

    # -- which dataset it is ---------------------------------------------------------------------------------------

    @cached_property
    def checksum(self) -> str:
        """A fingerprint of all images and the whole catalogue, see :mod:`core.data.fingerprint`."""
        known = fingerprint.checksums
        if self.identity not in known:
            digest = fingerprint.image_digest(self._file, self.images, self.identity)
            known[self.identity] = fingerprint.combine(self.shape, self._stored_columns, digest, self.images.dtype)
        return known[self.identity]

    def read_checksum(self, stop: threading.Event = NEVER) -> Work[str]:
        """The fingerprint, with its progress where all images have to be read for it.

        Raises
        ------
        Stopped
            ``stop`` was set.
        """
        yield from fingerprint.read_image_digest(self._file, self.images, self.identity, stop)
        return self.checksum

    def is_known_as(self, recorded: object) -> bool:
        """Whether a fingerprint that was recorded, also one by an earlier version, is that of this dataset."""
        if isinstance(recorded, str) and not recorded.startswith(fingerprint.PREFIX):
            return recorded == self.sample_checksum
        return recorded == self.checksum

    @cached_property
    def sample_checksum(self) -> str:
        """The fingerprint of earlier versions: of the whole catalogue, and an even sample of the images."""
        return fingerprint.of_sample(self.images, self._stored_columns)

    def has_all_of(self, other: Cutouts) -> bool:
        """Whether another dataset holds nothing but the same: galaxies, scales, positions, bands and labels."""
        mine, theirs = (
            (each.bands, each.labels, each.split_column, each.recipe, each.units, list(map(str, each.unusable)))
            for each in (self, other)
        )
        if mine != theirs or self.shape != other.shape:
            return False
        return (
            np.array_equal(self.pixel_scale, other.pixel_scale, equal_nan=True)
            and np.array_equal(self.missing, other.missing, equal_nan=True)
            and np.array_equal(store.member(self._file, "wcs")[:], store.member(other._file, "wcs")[:])
            and self.checksum == other.checksum
        )

    def _require_same_content(self) -> None:
        """Require that the open file was not written to; costs two microseconds unless its time or size has changed.

        Raises
        ------
        DatasetReplaced
            It holds something else, or may do so.
        """
        try:
            found = FileIdentity.of(self._opened)
        except OSError:  # a path that is gone, where HDF5 tells no descriptor
            return
        if found == self.identity:
            return
        if self.identity not in fingerprint.checksums:  # what it held is known no more
            is_rounded = abs(found.modified - self.identity.modified) <= _COARSEST and found.size == self.identity.size
            if not is_rounded:
                raise DatasetReplaced.of(self.path)
            return
        try:
            self.require_unchanged()
        except UnreadableFile:
            raise DatasetReplaced.of(self.path) from None

    def require_unchanged(self) -> None:
        """Require that the file is as it was opened, and still the one at its path; one that is gone is not asked for.

        Raises
        ------
        DatasetReplaced
            It was changed, or another dataset is in its place.
        """
        try:
            found = FileIdentity.of(self.path)
        except OSError:
            found = self.identity
        if found == self.identity == FileIdentity.of(self._opened):
            return
        with Cutouts.open(self.path) as now:
            if now.checksum != self.checksum:
                raise DatasetReplaced.of(self.path)
            if now.identity == FileIdentity.of(self._opened):  # the same file, touched
                self.identity = now.identity


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """A method as a function that does not keep its object, which would otherwise be closed late."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        if (bound := reference()) is not None:
            bound()

    return call
