"""A dataset as a network takes it: with the bands that feed the network's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.data.images import StoredImages
from core.events import NEVER, Work
from core.nets.band_mapping import BandMapping


class MappedImages(StoredImages):
    """The stamps of a dataset with the bands that a network takes; indexed as those are."""

    def __init__(self, images: StoredImages, mapping: BandMapping, bands: Sequence[str]) -> None:
        self._images, self._mapping, self._bands = images, mapping, bands

    def close(self) -> None:
        """Close the dataset's own images."""
        self._images.close()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, K, H, W)."""
        count, _, height, width = self._images.shape
        return count, len(self._mapping.sources), height, width

    @property
    def dtype(self) -> np.dtype[Any]:
        """The stored type of the dataset: float32, or uint8 for pictures."""
        return self._images.dtype

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, which: int | np.integer[Any] | slice | NDArray[Any]) -> NDArray[np.float32]:
        return self._mapping.apply(self._images[which], self._bands)

    def read_stored(self, which: slice | NDArray[Any]) -> NDArray[Any]:
        """As :meth:`__getitem__`, since a mean has no stored type."""
        return self[which]


class MappedCutouts(Cutouts):
    """An open dataset as a network takes it: its images have the network's bands.

    Parameters
    ----------
    whole
        The dataset with all its bands. It stays open and is closed with this.
    mapping
        What feeds each band.
    names
        Names of the network's bands.

    Attributes
    ----------
    mapping
        What feeds each band.
    """

    def __init__(self, whole: Cutouts, mapping: BandMapping, names: Sequence[str]) -> None:
        self.__dict__.update(whole.__dict__)
        self._whole, self.mapping = whole, mapping
        bands = [band.name for band in whole.bands]
        self.images = MappedImages(whole.images, mapping, bands)
        self.bands = tuple(
            replace(whole.bands[bands.index(each[0])], name=name)
            for each, name in zip(mapping.sources, names, strict=True)
        )

    def reopen(self) -> Cutouts:
        """Open the file again, for another thread."""
        return MappedCutouts(self._whole.reopen(), self.mapping, [band.name for band in self.bands])

    @cached_property
    def checksum(self) -> str:
        """The fingerprint of the dataset itself."""
        return self._whole.checksum

    @cached_property
    def sample_checksum(self) -> str:
        """The fingerprint of earlier versions, of the dataset itself."""
        return self._whole.sample_checksum

    def read_checksum(self, stop: threading.Event = NEVER) -> Work[str]:
        """The fingerprint of the dataset itself, with its progress."""
        return self._whole.read_checksum(stop)
