"""The last features of whole datasets, kept in the user's cache folder: a network need not look at a galaxy twice.

They are known by the network (its weights, input scaling and views), the fingerprint of the dataset and the bands that
feed the network, and read as a file in memory: a million galaxies take no more of it than what is looked at.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import DiskFull
from core.events import NEVER, Work
from core.nets import features
from core.nets.opening import NetworkOnData
from core.nets.predictor import Predictor
from core.project.files import atomic_path, make_folder, require_space
from core.project.user_folders import cache_folder

_FORMAT = 1
_ROOM = 4_000_000_000  # bytes of features that are kept; those not used for longest go first


def of_dataset(opened: NetworkOnData, stop: threading.Event = NEVER) -> Work[NDArray[np.float32]]:
    """The last features (N, F) of all galaxies of an open dataset, kept ones or new ones, which are then kept.

    Where there is no room for them on the disk, they are only given.

    Raises
    ------
    NotANumber, OutOfMemory, Stopped
        As :func:`core.nets.features.compute`.
    DiskFull
        The disk has become full meanwhile.
    """
    place = yield from _place_of(opened, stop)
    shape = _shape(opened)
    if (kept := _read(place, shape)) is not None:
        return kept
    rows = np.arange(shape[0])
    try:
        make_folder(place.parent)
        require_space(place.parent, 4 * shape[0] * shape[1])
    except (OSError, DiskFull):
        return (yield from features.compute(opened.predictor, opened.cutouts, rows, stop))
    with atomic_path(place) as written, written.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        yield from features.compute_batches(
            opened.predictor, opened.cutouts, rows, lambda found: file.write(found.astype("<f4").tobytes()), stop
        )
    _make_room(place)
    found = _read(place, shape)
    assert found is not None
    return found


def of_rows(opened: NetworkOnData, rows: NDArray[np.int64], stop: threading.Event = NEVER) -> Work[NDArray[np.float32]]:
    """The last features (n, F) of some galaxies: kept ones if those of the whole dataset are kept, else new ones."""
    place = yield from _place_of(opened, stop)
    if (kept := _read(place, _shape(opened))) is not None:
        return kept[rows]
    return (yield from features.compute(opened.predictor, opened.cutouts, rows, stop))


def _shape(opened: NetworkOnData) -> tuple[int, int]:
    return len(opened.cutouts), features.feature_count(opened.predictor)


def _place_of(opened: NetworkOnData, stop: threading.Event) -> Work[Path]:
    """Where the features of a dataset are kept: the name says what they depend on."""
    checksum = yield from opened.whole.read_checksum(stop)
    digest = _digest(opened.predictor)
    mapping = getattr(opened.cutouts, "mapping", None)
    fed = [[(band.name, band.zero_point) for band in each.bands] for each in (opened.whole, opened.cutouts)]
    about = (_FORMAT, checksum, fed, None if mapping is None else mapping.text)
    digest.update(json.dumps(about).encode())
    return cache_folder() / "features" / f"{digest.hexdigest()}.npy"


def _digest(predictor: Predictor) -> hashlib.blake2b:
    """Of all that the features of an image follow from."""
    digest = hashlib.blake2b(digest_size=16)
    for member in predictor.members:
        network, scaling = member.network, member.normalisation
        about = (network.settings.model_dump(mode="json"), scaling.kind, scaling.samplewise, member.views)
        digest.update(json.dumps(about).encode())
        for part in (network.state_dict(), scaling.state_dict()):
            for name, value in part.items():
                digest.update(name.encode())
                digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest


def _read(place: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """The features in a file; None where it is not there, or not whole."""
    try:
        found = np.load(place, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if found.shape != shape or found.dtype != np.float32:
        return None
    with contextlib.suppress(OSError):
        os.utime(place)  # used now
    return found


def _make_room(newest: Path) -> None:
    """Remove the features that were not used for longest, until the rest has room."""
    with contextlib.suppress(OSError):
        known = [(path.stat(), path) for path in newest.parent.glob("*.npy")]
        known.sort(key=lambda each: each[0].st_mtime, reverse=True)
        used = 0
        for status, path in known:
            used += status.st_size
            if used > _ROOM and path != newest:
                path.unlink(missing_ok=True)
