"""Batches of galaxies without labels: in which order, at which size, and varied as the labelled ones are.

Which galaxies come with which batch is a function of the seed, the epoch and the batch alone, so that a run that is
resumed sees the same ones. An epoch shows as many for each labelled batch as the settings say; where there are fewer
galaxies than that, all of them are shown again in another order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.data.cutouts import Cutouts
from core.data.images import StoredImages
from core.nets.mapped_cutouts import ChangedCutouts, ChangedImages
from core.train.batches import POOL_BYTES, ImageSource, Pool, Rows, shuffle_batches
from core.train.randomness import numpy_generator


class ResampledImages(ChangedImages):
    """The stamps of a dataset, shrunk or enlarged to another size; their surface brightness is kept."""

    def __init__(self, images: StoredImages, height: int, width: int) -> None:
        super().__init__(images)
        self._size = (height, width)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W) after that."""
        return (*self._images.shape[:2], *self._size)

    def __getitem__(self, which: int | np.integer[Any] | slice | NDArray[Any]) -> NDArray[np.float32]:
        images = torch.from_numpy(np.ascontiguousarray(self._images[which]))
        batch = images if images.dim() == 4 else images[None]
        resized = functional.interpolate(batch, self._size, mode="bilinear", antialias=True, align_corners=False)
        return (resized if images.dim() == 4 else resized[0]).numpy()


class ResampledCutouts(ChangedCutouts):
    """An open dataset whose stamps are brought to another size.

    Parameters
    ----------
    whole
        The dataset. It stays open and is closed with this.
    height, width
        Of the stamps after that; with the same ratio as before.
    """

    def __init__(self, whole: Cutouts, height: int, width: int) -> None:
        super().__init__(whole)
        self._size = (height, width)
        self.images = ResampledImages(whole.images, height, width)
        self.pixel_scale = whole.pixel_scale * (whole.shape[3] / width)

    def reopen(self) -> Cutouts:
        """Open the file again, for another thread."""
        return ResampledCutouts(self._whole.reopen(), *self._size)


def draw_batches(rows: Rows, sizes: Sequence[int], stamp_bytes: int, random: np.random.Generator) -> list[Pool]:
    """Draw the batches of an epoch, of these sizes, from the rows; all come before one comes again.

    Parameters
    ----------
    rows
        Rows of the dataset, at least one.
    sizes
        Of the batches.
    stamp_bytes
        Bytes of one stamp as float32; determines how many stamps make a pool.
    random
        The random generator.
    """
    needed, drawn = sum(sizes), list[Rows]()
    while sum(map(len, drawn)) < needed:
        pools = shuffle_batches(rows, max(sizes), stamp_bytes, random)
        drawn += [batch for pool in pools for batch in pool]
    order = np.concatenate(drawn)
    batches = np.split(order[:needed], np.cumsum(sizes)[:-1])
    per_pool = math.ceil(max(POOL_BYTES // stamp_bytes, 1) / max(sizes))  # batches that are read together
    return [batches[first : first + per_pool] for first in range(0, len(batches), per_pool)]


class UnlabelledBatches:
    """The batches of galaxies without labels of a training, each beside a labelled one.

    Parameters
    ----------
    images
        Of ``rows``.
    rows
        Rows of their dataset.
    seed
        Of the run.
    stamp_bytes
        Bytes of one stamp as float32.
    """

    def __init__(self, images: ImageSource, rows: Rows, seed: int, stamp_bytes: int) -> None:
        self._images, self._rows, self._seed, self._stamp_bytes = images, rows, seed, stamp_bytes
        self._next = (0, 0)
        self._coming: Iterator[tuple[Rows, Tensor]] = iter(())

    def take(self, epoch: int, batch: int, sizes: Sequence[int]) -> tuple[Rows, Tensor]:
        """The rows and images (m, C, H, W) of a batch; both count from 1, and ``sizes`` are of the whole epoch."""
        if self._next != (epoch, batch):
            random = numpy_generator(self._seed, "unlabelled", epoch)
            pools = draw_batches(self._rows, sizes, self._stamp_bytes, random)
            self._coming = itertools.islice(self._images.batches(pools), batch - 1, None)
        self._next = (epoch, batch + 1)
        return next(self._coming)

    def close(self) -> None:
        """Close files and end threads."""
        self._coming = iter(())
        self._images.close()
