"""Random access to the stamps of a dataset.

HDF5 spends 0.1 ms on each request. The datasets of this program are not compressed, so that the position of each stamp
in the file is known, and stamps are read directly from there, ten times as fast. Datasets that are stored otherwise are
read through HDF5.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from core.reading import reading


class StoredImages:
    """The stamps of a dataset, in physical units.

    Indexed with an integer it gives (C, H, W), with a slice or an array of integers in any order (n, C, H, W);
    always float32.

    Parameters
    ----------
    dataset
        The stamps in their open file.
    require_same
        Called after each reading; raises if the file was changed since it was opened.
    """

    def __init__(self, dataset: h5py.Dataset, require_same: Callable[[], None] = lambda: None) -> None:
        self._dataset, self._require_same = dataset, require_same
        self._shape: tuple[int, int, int, int] = dataset.shape  # HDF5 would have it told by one thread after another
        self._dtype: np.dtype[Any] = dataset.dtype
        self._chunks = _chunk_offsets(dataset)
        self._name = str(dataset.file.filename)  # HDF5 takes as long to tell it as a stamp to be read
        self._per_chunk: int = (dataset.chunks or dataset.shape)[0]
        self._size = math.prod(self._shape[1:]) * self._dtype.itemsize
        self._file = FileIO(Path(self._name)) if self._chunks is not None else None
        self._is_open = True

    def close(self) -> None:
        """Close the second file handle; nothing is read afterwards."""
        self._is_open = False
        if self._file is not None:
            self._file.close()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The stored type: float32, or uint8 for pictures."""
        return self._dtype

    def __len__(self) -> int:
        return self._shape[0]

    def __getitem__(self, which: int | np.integer[Any] | slice | NDArray[Any]) -> NDArray[np.float32]:
        if isinstance(which, int | np.integer):
            return self.read_stored(np.array([which], dtype=np.int64))[0].astype(np.float32, copy=False)
        return self.read_stored(which).astype(np.float32, copy=False)

    def read_stored(self, which: slice | NDArray[Any]) -> NDArray[Any]:
        """As :meth:`__getitem__`, in the stored type.

        Raises
        ------
        UnreadableFile
            The file is damaged.
        DatasetReplaced
            Its content was changed since it was opened.
        """
        try:
            return self._read(which)
        finally:  # what could not be read may have been overwritten
            self._require_same()

    def _read(self, which: slice | NDArray[Any]) -> NDArray[Any]:
        if not self._is_open:  # no fault of the file
            raise ValueError("the images are read after they were closed")
        if isinstance(which, slice):
            start, stop, step = which.indices(len(self))
            if step == 1:
                with reading("The images of this dataset", self._name, "Import the galaxies again."):
                    return self._dataset[start:stop]
            which = np.arange(start, stop, step)
        rows = np.asarray(which, dtype=np.int64)
        rows = np.where(rows < 0, rows + len(self), rows)
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"images {rows.min()} to {rows.max()} of {len(self)}")
        out = np.empty((len(rows), *self.shape[1:]), dtype=self.dtype)
        with reading("The images of this dataset", self._name, "Import the galaxies again."):
            if self._file is not None and self._chunks is not None:
                self._read_directly(rows, out)
            else:
                for place in np.argsort(rows, kind="stable"):
                    out[place] = self._dataset[rows[place]]
        return out

    def _read_directly(self, rows: NDArray[np.int64], out: NDArray[Any]) -> None:
        """Read stamps directly from the file, in the order of their positions in it.

        Those that lie one after the other in the file, and are wanted so, are read at once.
        """
        assert self._file is not None
        assert self._chunks is not None
        size = self._size
        chunks, inside = np.divmod(rows, self._per_chunk)
        starts = self._chunks[chunks] + inside * size
        places = starts.argsort(kind="stable")
        starts = starts[places]
        begins = places * size
        follows = (starts[1:] - starts[:-1] == size) & (places[1:] - places[:-1] == 1)
        if follows.any():
            first = np.flatnonzero(np.append(True, ~follows))
            starts, begins = starts[first], begins[first]
            ends = begins + np.diff(first, append=len(rows)) * size
        else:
            ends = begins + size
        room = memoryview(out.reshape(-1).view(np.uint8).data)
        handle, read_at = self._file.fileno(), getattr(os, "preadv", self._seek_and_read)  # in one call of the system
        for begin, end, start in zip(begins.tolist(), ends.tolist(), starts.tolist(), strict=True):
            done = begin + read_at(handle, (room[begin:end],), start)
            while done < end:
                count = read_at(handle, (room[done:end],), start + done - begin)
                if count == 0:
                    raise OSError(f"image {rows[begin // size]} is not wholly in the file")
                done += count

    def _seek_and_read(self, _handle: int, parts: Sequence[memoryview], start: int) -> int:
        """As :func:`os.preadv`, where the system has none."""
        assert self._file is not None
        self._file.seek(start)
        return self._file.readinto(parts[0]) or 0


def _chunk_offsets(dataset: h5py.Dataset) -> NDArray[np.int64] | None:
    """Offset of each chunk in the file, or of an array in one piece, in bytes.

    None if the stamps are not stored as plain native arrays.
    """
    plain = dataset.dtype.isnative and dataset.id.get_create_plist().get_nfilters() == 0
    if not plain or dataset.file.driver not in {"sec2", "stdio", "windows"}:
        return None
    chunks: tuple[int, ...] | None = dataset.chunks
    if chunks is None:  # in one piece
        offset = dataset.id.get_offset()
        return None if offset is None else np.array([offset], dtype=np.int64)
    if chunks[1:] != dataset.shape[1:]:
        return None
    places = np.full(math.ceil(len(dataset) / chunks[0]), -1, dtype=np.int64)

    def record(chunk: Any) -> None:
        places[chunk.chunk_offset[0] // chunks[0]] = chunk.byte_offset

    dataset.id.chunk_iter(record)
    return places if (places >= 0).all() else None
