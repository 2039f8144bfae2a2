"""The range of the galaxies that a network was trained on, beyond which it extrapolates.

A network answers for every image, also for one unlike any that it has seen. What is kept with it are the ranges of the
learned quantities, and of four simple properties of the training images in each band, in the unit of their pixels:

- *background*: median of the border of the stamp;
- *noise*: 1.4826 times the median absolute deviation from it there;
- *peak*: the brightest pixel of the central half of the stamp (of its side), above the background;
- *flux*: the sum over the central half, above the background.

Ranges go from the 0.1st to the 99.9th percentile, and a hundredth of that on either side: of galaxies like those of the
training, about one in a hundred is outside one of the ranges of a band.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import same_scale
from core.data.target import Quantities, Target

STATISTICS = ("background", "noise", "peak", "flux")
_BORDER = 12  # the side of the stamp, divided by this
_QUANTILES = (0.001, 0.999)
_MARGIN = 0.01
_ROUNDING = 1e-5  # of the largest value
_MAD_TO_SIGMA = 1.4826

Range = tuple[float, float]


@dataclass(frozen=True)
class TrainingRange:
    """Ranges of the training galaxies.

    Attributes
    ----------
    galaxies
        The number of training galaxies whose images were measured.
    quantities
        By the name of each quantity, in its unit; empty for classes and vote fractions.
    images
        By property and band, such as ``noise in r``.
    pixel_scale
        Of the stamps [arcsec/pixel]; None where it is not known.
    """

    galaxies: int
    quantities: dict[str, Range]
    images: dict[str, Range]
    pixel_scale: Range | None = None

    @property
    def has_one_scale(self) -> bool:
        """Whether all training stamps had practically the same pixel scale."""
        return self.pixel_scale is not None and not same_scale.differ(*self.pixel_scale)

    def describe_outside(
        self, statistics: NDArray[np.floating[Any]], values: NDArray[np.floating[Any]], names: Sequence[str]
    ) -> list[str]:
        """What lies outside the ranges, for each of n galaxies, such as ``noise in r high``; empty: nothing.

        Parameters
        ----------
        statistics
            (n, S) of their images, see :func:`measure_images`.
        values
            (n, K) quantities that the network predicts.
        names
            Of the K quantities.
        """
        told: list[list[str]] = [[] for _ in range(len(values))]
        columns = [*zip(self.images, statistics.T, strict=True), *zip(names, values.T, strict=True)]
        ranges = self.images | self.quantities
        for name, column in columns:
            if name not in ranges:
                continue
            low, high = ranges[name]
            for row in np.flatnonzero(column < low):
                told[row].append(f"{name} low")
            for row in np.flatnonzero(column > high):
                told[row].append(f"{name} high")
        return [", ".join(each) for each in told]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "galaxies": self.galaxies,
            "quantities": {name: list(each) for name, each in self.quantities.items()},
            "images": {name: list(each) for name, each in self.images.items()},
            "pixel_scale": None if self.pixel_scale is None else list(self.pixel_scale),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingRange:
        """Read what :meth:`to_dict` wrote."""
        scale = values["pixel_scale"]
        return cls(
            values["galaxies"],
            {name: (low, high) for name, (low, high) in values["quantities"].items()},
            {name: (low, high) for name, (low, high) in values["images"].items()},
            None if scale is None else (scale[0], scale[1]),
        )


def measure_images(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Properties (n, 4 C) of images (n, C, H, W): those of :data:`STATISTICS` of the first band, then of the next."""
    count, channels, height, width = images.shape
    rim = max(1, min(height, width) // _BORDER)
    is_border = np.ones((height, width), bool)
    is_border[rim : height - rim, rim : width - rim] = False
    border = images[:, :, is_border].astype(np.float64)  # (n, C, P)
    background = np.median(border, axis=2)
    noise = _MAD_TO_SIGMA * np.median(np.abs(border - background[..., None]), axis=2)
    middle = images[:, :, height // 4 : height - height // 4, width // 4 : width - width // 4]
    above = middle.reshape(count, channels, -1).astype(np.float64) - background[..., None]
    return np.stack([background, noise, above.max(axis=2), above.sum(axis=2)], axis=2).reshape(count, -1)


def fit_training_range(
    images: NDArray[np.float32],
    bands: Sequence[str],
    target: Target,
    labels: NDArray[Any],
    pixel_scales: NDArray[np.float64],
) -> TrainingRange:
    """Find the ranges of the training part.

    Parameters
    ----------
    images
        (n, C, H, W): the training stamps, or a sample of them.
    bands
        Names of the C bands.
    target, labels
        What is learned, and its values (N, K) for the whole training part, all known. An angle goes round and has no
        range; the margins of a quantity that is learned as a logarithm are those of the logarithm.
    pixel_scales
        Of the stamps [arcsec/pixel]; NaN where unknown.
    """
    statistics = measure_images(images)
    names = [f"{statistic} in {band}" for band in bands for statistic in STATISTICS]
    known = pixel_scales[np.isfinite(pixel_scales)]
    return TrainingRange(
        galaxies=len(images),
        quantities=_ranges_of_quantities(target, labels),
        images={name: _range_of(column) for name, column in zip(names, statistics.T, strict=True)},
        pixel_scale=(float(known.min()), float(known.max())) if len(known) else None,
    )


def _ranges_of_quantities(target: Target, labels: NDArray[Any]) -> dict[str, Range]:
    if not isinstance(target, Quantities):
        return {}
    found: dict[str, Range] = {}
    for name, encoding, column in zip(target.columns, target.encodings, labels.T, strict=True):
        values = column.astype(np.float64)
        if encoding.is_logarithm:
            low, high = _range_of(np.log(values))
            found[name] = math.exp(low), math.exp(high)
        elif encoding.period is None:
            found[name] = _range_of(values)
    return found


def _range_of(values: NDArray[np.float64]) -> Range:
    low, high = np.quantile(values, _QUANTILES)
    margin = _MARGIN * (high - low) + _ROUNDING * max(abs(low), abs(high))
    return float(low - margin), float(high + margin)
