"""A dataset as a network takes it: with the bands that feed the network's, in the units of its training images."""

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
from core.data.store import Band
from core.events import NEVER, Work
from core.nets.band_mapping import BandMapping


class ChangedImages(StoredImages):
    """The stamps of a dataset, changed as they are read; indexed as those are."""

    def __init__(self, images: StoredImages) -> None:
        self._images = images

    def close(self) -> None:
        """Close the dataset's own images."""
        self._images.close()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return self._images.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The stored type of the dataset: float32, or uint8 for pictures."""
        return self._images.dtype

    def __len__(self) -> int:
        return len(self._images)

    def read_stored(self, which: slice | NDArray[Any]) -> NDArray[Any]:
        """As indexing, since what was changed has no stored type."""
        return self[which]


class MappedImages(ChangedImages):
    """The stamps of a dataset with the bands that a network takes."""

    def __init__(self, images: StoredImages, mapping: BandMapping, bands: Sequence[str]) -> None:
        super().__init__(images)
        self._mapping, self._bands = mapping, bands

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, K, H, W)."""
        count, _, height, width = self._images.shape
        return count, len(self._mapping.sources), height, width

    def __getitem__(self, which: int | np.integer[Any] | slice | NDArray[Any]) -> NDArray[np.float32]:
        return self._mapping.apply(self._images[which], self._bands)


class ScaledImages(ChangedImages):
    """The stamps of a dataset, each band multiplied by a factor."""

    def __init__(self, images: StoredImages, factors: Sequence[float]) -> None:
        super().__init__(images)
        self._factors = np.asarray(factors, np.float32)[:, None, None]

    def __getitem__(self, which: int | np.integer[Any] | slice | NDArray[Any]) -> NDArray[np.float32]:
        return self._images[which] * self._factors


class ChangedCutouts(Cutouts):
    """An open dataset with changed images; it is still known by its own fingerprint.

    Parameters
    ----------
    whole
        The dataset as it is. It stays open and is closed with this.
    """

    def __init__(self, whole: Cutouts) -> None:
        self.__dict__.update(whole.__dict__)
        self._whole = whole

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


class MappedCutouts(ChangedCutouts):
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
        super().__init__(whole)
        self.mapping = mapping
        bands = [band.name for band in whole.bands]
        self.images = MappedImages(whole.images, mapping, bands)
        self.bands = tuple(
            _feeding([whole.bands[bands.index(source)] for source in each], name)
            for each, name in zip(mapping.sources, names, strict=True)
        )

    def reopen(self) -> Cutouts:
        """Open the file again, for another thread."""
        return MappedCutouts(self._whole.reopen(), self.mapping, [band.name for band in self.bands])


class ScaledCutouts(ChangedCutouts):
    """An open dataset whose pixel values are brought to other zero points.

    Parameters
    ----------
    whole
        The dataset. It stays open and is closed with this.
    factors
        Of each band.
    zero_points
        Of each band after that.
    """

    def __init__(self, whole: Cutouts, factors: Sequence[float], zero_points: Sequence[float | None]) -> None:
        super().__init__(whole)
        self._factors, self._zero_points = tuple(factors), tuple(zero_points)
        self.images = ScaledImages(whole.images, factors)
        self.bands = tuple(
            replace(band, zero_point=value) for band, value in zip(whole.bands, zero_points, strict=True)
        )

    def reopen(self) -> Cutouts:
        """Open the file again, for another thread."""
        return ScaledCutouts(self._whole.reopen(), self._factors, self._zero_points)


def _feeding(sources: Sequence[Band], name: str) -> Band:
    """The band of a network that these feed; their mean has a zero point if they share it."""
    same = len({band.zero_point for band in sources}) == 1
    return replace(sources[0], name=name, zero_point=sources[0].zero_point if same else None)
