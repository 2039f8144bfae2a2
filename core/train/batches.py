"""Mini-batches: their order in an epoch, and the images, held in memory or streamed from the file.

The order of an epoch is a pure function of the seed and the epoch's number. Rows are shuffled in groups of
neighbours, the groups are combined into pools, and each pool is shuffled: for up to some thousands of galaxies this is
a plain shuffle, and a file larger than the memory can still be read in long contiguous stretches. Order and results are
the same whether the images are in memory or streamed.
"""

from __future__ import annotations

import concurrent.futures
import math
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data.cutouts import Cutouts
from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.nets.device import free_memory
from core.nets.normalisation import Normalisation
from core.train import distributed

Rows = NDArray[np.int64]
Pool = list[Rows]  # the batches that are read from the file together

GROUP_SIZE = 64
POOL_BYTES = 256 * 2**20
_MEMORY_FRACTION = 0.4
_ROWS_PER_READ = 1024


def shuffle_batches(rows: Rows, batch_size: int, stamp_bytes: int, random: np.random.Generator) -> list[Pool]:
    """Shuffle the rows into the batches of one training epoch, pool by pool.

    Every row comes once. Batch sizes differ by at most a few galaxies, so that there is no tiny last batch (batch
    normalisation over one galaxy is undefined) and no galaxy is dropped.

    Parameters
    ----------
    rows
        Rows of the dataset.
    batch_size
        Largest number of galaxies in a batch.
    stamp_bytes
        Bytes of one stamp as float32; determines how many stamps make a pool.
    random
        The random generator.
    """
    rows = np.sort(rows)
    groups = [rows[start : start + GROUP_SIZE] for start in range(0, len(rows), GROUP_SIZE)]
    groups = [groups[place] for place in random.permutation(len(groups))]
    per_pool = max(POOL_BYTES // stamp_bytes, 4 * GROUP_SIZE, 4 * batch_size)
    count = math.ceil(len(rows) / per_pool)
    pools: list[Pool] = []
    for part in np.array_split(np.arange(len(groups)), count):
        pool = random.permutation(np.concatenate([groups[place] for place in part]))
        pools.append(np.array_split(pool, math.ceil(len(pool) / batch_size)))
    return pools


def draw_balanced(rows: Rows, labels: NDArray[np.int64], random: np.random.Generator) -> Rows:
    """Resample the rows so that all classes are equally frequent: rare ones are repeated, frequent ones subsampled.

    The number of rows stays the same. Within a class no row is repeated before all have been drawn once.

    Parameters
    ----------
    rows
        Rows of the dataset.
    labels
        The class of each row, (n,).
    random
        The random generator.
    """
    classes = np.unique(labels)
    chosen: list[Rows] = []
    for index, part in enumerate(np.array_split(np.arange(len(rows)), len(classes))):
        own = rows[labels == classes[index]]
        rounds = math.ceil(len(part) / len(own))
        chosen.append(np.concatenate([random.permutation(own) for _ in range(rounds)])[: len(part)])
    return np.concatenate(chosen)


def batches_in_order(rows: Rows, batch_size: int) -> list[Pool]:
    """The batches of a validation pass: every row once, in the order of the file."""
    rows = np.sort(rows)
    return [[rows[start : start + batch_size]] for start in range(0, len(rows), batch_size)]


class ImageSource(Protocol):
    """Where batches come from: images on the device, with the input scaling applied."""

    def batches(self, pools: Sequence[Pool]) -> Iterator[tuple[Rows, Tensor]]:
        """Each batch's rows, and their images (n, C, H, W)."""
        ...

    def close(self) -> None:
        """Close files and end threads."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _ContextManager:
    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ImagesInMemory(_ContextManager):
    """All images read once and kept in memory.

    Parameters
    ----------
    images
        Images (n, C, H, W) of ``rows``.
    rows
        Rows of the dataset, ascending.
    device
        The device that batches are moved to.
    """

    def __init__(self, images: Tensor, rows: Rows, device: torch.device) -> None:
        self._images, self._rows, self._device = images, rows, device

    def batches(self, pools: Sequence[Pool]) -> Iterator[tuple[Rows, Tensor]]:
        """Each batch's rows, and their images (n, C, H, W)."""
        for rows in (rows for pool in pools for rows in pool):
            places = torch.from_numpy(np.searchsorted(self._rows, rows)).to(self._images.device)
            yield rows, self._images.index_select(0, places).to(self._device)


class StreamedImages(_ContextManager):
    """Images streamed from the file, read one pool ahead by a thread with its own file handle."""

    def __init__(self, cutouts: Cutouts, normalisation: Normalisation, device: torch.device) -> None:
        self._normalisation, self._device = normalisation, device
        self._reader = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="read galaxies")
        self._file = self._reader.submit(cutouts.reopen).result()

    def batches(self, pools: Sequence[Pool]) -> Iterator[tuple[Rows, Tensor]]:
        """Each batch's rows, and their images (n, C, H, W)."""
        waiting = self._reader.submit(self._read, pools[0]) if pools else None
        for number, pool in enumerate(pools):
            assert waiting is not None
            rows, read = waiting.result()
            images = torch.from_numpy(read)
            if number + 1 < len(pools):
                waiting = self._reader.submit(self._read, pools[number + 1])
            for wanted in pool:
                places = torch.from_numpy(np.searchsorted(rows, wanted))
                yield wanted, self._normalisation.scale_fast(images.index_select(0, places).to(self._device))

    def close(self) -> None:
        """Close the file in the thread that opened it, and end the thread."""
        self._reader.submit(self._file.close)
        self._reader.shutdown()

    def _read(self, pool: Pool) -> tuple[Rows, NDArray[np.float32]]:
        rows = np.unique(np.concatenate(pool))
        return rows, self._file.images[rows]


def open_images(
    cutouts: Cutouts,
    rows: Rows,
    normalisation: Normalisation,
    device: torch.device,
    stop: threading.Event = NEVER,
    in_memory: bool | None = None,
) -> Work[ImageSource]:
    """Read ``rows`` into memory if they fit there, or prepare to stream them.

    Parameters
    ----------
    cutouts
        The dataset.
    rows
        All rows that will be used.
    normalisation
        The input scaling, applied when images are read; on ``device``.
    device
        The device that batches are moved to.
    stop
        Ends the reading.
    in_memory
        True: read all images into memory, False: stream them, None: according to the free memory.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    rows = np.sort(rows)
    shape = cutouts.shape[1:]
    needed = 4 * len(rows) * math.prod(shape)
    if in_memory is None:
        in_memory = needed < _MEMORY_FRACTION * free_memory() / distributed.local_processes()
    if not in_memory:
        return StreamedImages(cutouts, normalisation, device)
    fits_on_device = device.type == "cpu" or (
        device.type == "cuda" and needed < _MEMORY_FRACTION * torch.cuda.mem_get_info(device)[0]
    )
    images = torch.empty(len(rows), *shape, device=device if fits_on_device else "cpu")
    for start in range(0, len(rows), _ROWS_PER_READ):
        if stop.is_set():
            raise Stopped
        part = torch.from_numpy(cutouts.images[rows[start : start + _ROWS_PER_READ]])
        images[start : start + len(part)] = normalisation.scale_fast(part.to(device))
        yield Progress(start + len(part), len(rows), "galaxies")
    return ImagesInMemory(images, rows, device)
