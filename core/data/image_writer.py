"""Writing the images of a dataset while the next ones are made: digest, file and disk each have a thread of their own.

Whole chunks go into the file as they are, past HDF5's own copy of a chunk, which it would fill with zeros first.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from core.data import fingerprint

_SYNC_BYTES = 1 << 22  # little is left to be waited for at the end
_MOST_UNSYNCED = 1 << 26  # bytes; a slow disk is waited for, so that its work does not all come at the end


class ImageWriter:
    """Append images to a dataset of an open file.

    A context manager, which has to end before the file is closed.

    Parameters
    ----------
    images
        (N, C, H, W), in chunks of some N, and neither packed nor in another byte order.
    descriptor
        Of the file, see :func:`core.data.store.descriptor_of`.
    """

    def __init__(self, images: h5py.Dataset, descriptor: int | Path) -> None:
        self._images, self._dtype = images, images.dtype
        self._chunk: int = images.chunks[0]
        self._count = len(images)
        self._descriptor = descriptor if isinstance(descriptor, int) and hasattr(os, "fdatasync") else None
        self._digest, self._unsynced = fingerprint.new_digest(), 0
        self._stack = contextlib.ExitStack()
        self._pending: list[Future[None]] = []
        self._syncing: Future[None] | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._disk, self._file, self._hash = (
                stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix=f"galaxies: {work}"))
                for work in ("disk", "file", "digest")
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def append(self, images: NDArray[Any]) -> None:
        """Add images (n, C, H, W), which must stay as they are until the next call, or :meth:`wait`, has returned."""
        self.wait()
        images = np.ascontiguousarray(images, self._dtype)
        self._pending = [self._hash.submit(self._digest.update, images.data), self._file.submit(self._write, images)]

    def wait(self) -> None:
        """Wait until the images that were added last are in the file; raise what went wrong with them."""
        pending, self._pending = self._pending, []
        for work in pending:
            work.result()

    def finish(self) -> str:
        """Wait for all that was begun, and return the digest of all images."""
        self.wait()
        if self._syncing is not None:
            self._syncing.result()
        return self._digest.hexdigest()

    def _write(self, images: NDArray[Any]) -> None:
        start, self._count = self._count, self._count + len(images)
        self._images.resize(self._count, axis=0)
        whole = len(images) // self._chunk * self._chunk if start % self._chunk == 0 else 0
        for first in range(0, whole, self._chunk):
            self._images.id.write_direct_chunk((start + first, 0, 0, 0), images[first : first + self._chunk])
        if whole < len(images):
            self._images[start + whole :] = images[whole:]
        self._unsynced += images.nbytes
        if self._unsynced > _SYNC_BYTES and self._descriptor is not None:
            self._sync(self._descriptor)

    def _sync(self, descriptor: int) -> None:
        """Have the disk work while the next images are made, and not only at the end."""
        if self._syncing is not None:
            if not self._syncing.done() and self._unsynced < _MOST_UNSYNCED:
                return
            self._syncing.result()
        self._syncing, self._unsynced = self._disk.submit(os.fdatasync, descriptor), 0
