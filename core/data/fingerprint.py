"""The fingerprint of a dataset: of every image and the whole catalogue, without reading the images each time.

The digest of the images is computed while they are written, and kept in the file together with the time to which the
file is then set. It is believed as long as the file has that time: whoever changes an image changes it. Of any other
file, such as one of an earlier version or a plain copy, all images are read once; the digest is then remembered for
this very file (device, number, size and time), in the user's cache folder if reading took long.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from core.data.file_identity import FileIdentity
from core.data.images import StoredImages
from core.errors import Problem, Stopped
from core.events import NEVER, Progress, Work, result_of
from core.pieces import pieces_of
from core.project.files import write_atomically
from core.project.user_folders import cache_folder

PREFIX = "2:"  # of the fingerprints of all images; those of earlier versions, of some images, have none
DIGEST, WRITTEN = "image_digest", "written"  # attributes of the file
_READ_BYTES = 16 << 20  # at once
_WORTH_KEEPING = 64 << 20  # bytes of images whose digest is kept for the next program
_SAMPLE = 64
_known: dict[FileIdentity, str] = {}  # digests of images
checksums: dict[FileIdentity, str] = {}  # of whole datasets, so that each is computed once


def new_digest() -> hashlib.blake2b:
    """An empty digest of images, to which they are added in their order."""
    return hashlib.blake2b(digest_size=16)


def combine(shape: tuple[int, ...], columns: Mapping[str, NDArray[Any]], digest: str, dtype: np.dtype[Any]) -> str:
    """The fingerprint of a dataset from the digest of its images."""
    return PREFIX + _of_catalogue(shape, columns, dtype, digest).hexdigest()


def of_sample(images: StoredImages, columns: Mapping[str, NDArray[Any]]) -> str:
    """The fingerprint of earlier versions: of all the catalogue, and of an even sample of the images."""
    digest = _of_catalogue(images.shape, columns, images.dtype)
    count = len(images)
    for row in np.unique(np.linspace(0, max(0, count - 1), _SAMPLE).astype(np.int64)) if count else ():
        digest.update(images[int(row)].tobytes())
    return digest.hexdigest()


def read_image_digest(
    file: h5py.File, images: StoredImages, identity: FileIdentity, stop: threading.Event = NEVER
) -> Work[str]:
    """The digest of all images: that in the file if it can be believed, the remembered one, or a new one.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    stored, written = file.attrs.get(DIGEST), file.attrs.get(WRITTEN)
    if isinstance(stored, str) and isinstance(written, np.integer) and _has_time(identity, int(written)):
        return stored
    size = images.shape[0] * int(np.prod(images.shape[1:])) * images.dtype.itemsize
    if identity not in _known:
        kept = _file_of(identity)
        with contextlib.suppress(OSError, UnicodeDecodeError):
            _known[identity] = kept.read_text(encoding="utf-8").strip()
    if identity not in _known:
        _known[identity] = yield from _digest_images(images, size, stop)
        if size > _WORTH_KEEPING:
            with contextlib.suppress(OSError, Problem):
                write_atomically(_file_of(identity), _known[identity] + "\n")
    return _known[identity]


def image_digest(file: h5py.File, images: StoredImages, identity: FileIdentity) -> str:
    """As :func:`read_image_digest`, at once."""
    return result_of(read_image_digest(file, images, identity))


def _digest_images(images: StoredImages, size: int, stop: threading.Event) -> Work[str]:
    digest, count = new_digest(), len(images)
    step = max(1, _READ_BYTES * count // max(1, size))
    for start in range(0, count, step):
        if stop.is_set():
            raise Stopped
        yield Progress(start, count, "galaxies")
        digest.update(np.ascontiguousarray(images.read_stored(slice(start, start + step))).data)
    return digest.hexdigest()


def _of_catalogue(
    shape: tuple[int, ...], columns: Mapping[str, NDArray[Any]], dtype: np.dtype[Any], *more: str
) -> hashlib.blake2b:
    digest = hashlib.blake2b(repr((shape, str(dtype), *more)).encode(), digest_size=16)
    for name, values in columns.items():
        digest.update(name.encode())
        if values.dtype.kind not in "UO":
            digest.update(values.tobytes())
            continue
        for piece in pieces_of(len(values)):
            digest.update(("\n" * bool(piece.start) + "\n".join(values[piece].tolist())).encode())
    return digest


def _has_time(identity: FileIdentity, written: int) -> bool:
    """Whether a file has the time to which its writer has set it; some disks and archives keep whole seconds only."""
    is_whole = identity.modified % 10**9 == 0
    return identity.modified == written or (is_whole and abs(identity.modified - written) <= 2 * 10**9)


def _file_of(identity: FileIdentity) -> Path:
    name = hashlib.blake2b(repr(identity).encode(), digest_size=12).hexdigest()
    return cache_folder() / "fingerprints" / f"{name}.txt"
