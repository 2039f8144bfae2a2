"""A dataset whose images are written by several processes at once, in any order, beside the HDF5 library.

The file is laid out first: its array of images is in one piece, and where it begins is known, so that whoever has the
file open writes stamp i at its place. Once all are there, the catalogue is added. The result is a dataset like any
other, see :mod:`core.data.store`.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from astropy.table import Table

from core.data import store
from core.data.store import Band, Origin
from core.project.files import require_space

DTYPE = np.dtype("<f4")
_PAGE = 4096  # bytes: no two stamps' writers share the page in which the array begins


def allocate(path: Path, shape: tuple[int, int, int, int], pixel_scale: float) -> int:
    """Lay out a dataset, replacing any earlier file.

    Parameters
    ----------
    path
        Of the unfinished file.
    shape
        (N, C, H, W) of the images.
    pixel_scale
        Of all of them, arcsec/pixel.

    Returns
    -------
    offset
        Where the images begin, in bytes. They are float32 in C order, little-endian.

    Raises
    ------
    DiskFull
        There is too little space for all of it.
    """
    require_space(path.parent, math.prod(shape) * DTYPE.itemsize + store.SPARE_BYTES)
    count = shape[0]
    with h5py.File(
        path, "w", libver="v110", alignment_threshold=math.prod(shape) * DTYPE.itemsize, alignment_interval=_PAGE
    ) as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        kind, space = h5py.h5t.py_create(DTYPE), h5py.h5s.create_simple(shape)
        images = h5py.h5d.create(file.id, b"images", kind, space, layout)  # the others' names stay in the file's head
        chunks = (min(count, 4096),)
        file.create_dataset("pixel_scale", data=np.full(count, pixel_scale))
        file.create_dataset("missing", (count,), np.float32, chunks=chunks)  # zeros, which take no room
        file.create_dataset("wcs", (count,), store.TEXT, chunks=chunks)
        return int(images.get_offset())


def offset_of_images(path: Path, shape: tuple[int, int, int, int]) -> int | None:
    """Where the images of an unfinished dataset begin; None if it is not as :func:`allocate` left it."""
    with contextlib.suppress(Exception), h5py.File(path, "r") as file:  # whatever HDF5 says of a damaged file
        images = file["images"]
        if images.shape == shape and images.dtype == DTYPE and images.chunks is None and "catalogue" not in file:
            return int(images.id.get_offset())
    return None


def require_space_for_rest(path: Path) -> None:
    """Require room for those images of an unfinished dataset that are not on the disk yet.

    Raises
    ------
    DiskFull
        There is too little.
    """
    status = path.stat()
    there = getattr(status, "st_blocks", 0) * 512
    require_space(path.parent, max(0, status.st_size - there) + store.SPARE_BYTES)


def complete(
    path: Path,
    ids: Sequence[str],
    catalogue: Table,
    labels: Sequence[str],
    bands: Sequence[Band],
    origin: Origin,
    digest: str,
) -> None:
    """Add what a dataset says of its images, and give the file the time at which their digest is believed.

    Parameters
    ----------
    path
        Of the file whose images are all there.
    ids, catalogue, labels, bands, origin
        As :meth:`core.data.store.DatasetWriter.finish` takes them.
    digest
        Of all images in their order, see :func:`core.data.fingerprint.new_digest`.

    Raises
    ------
    DiskFull
        There is too little space for the catalogue.
    """
    require_space(path.parent, store.SPARE_BYTES)
    with h5py.File(path, "r+", libver="v110") as file:
        written = store.write_description(file, ids, catalogue, labels, bands, origin, digest)
    os.utime(path, ns=(written, written))
