"""Can a classifier tell refined stamps from real ones? A two-sample test, on features that the refiner never saw.

The features are fixed: quantiles of the pixels, profile and scatter in rings, colour of the noise, power spectrum and
asymmetry of each stamp. A second test, on flux, size and axis ratio alone, says how far the simulated population
differs from the real one: a refiner must not change that, so its stamps can hardly be told apart less often.

References
----------
Lopez-Paz & Oquab 2017, arXiv:1610.06545 (classifier two-sample tests); Conselice 2003, ApJS 147, 1 (asymmetry).
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata
from torch import Tensor

from core.adapt import domain_distance
from core.adapt.domain_distance import TwoSampleTest
from core.adapt.refiner.photometry import Photometry

_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_RINGS = (0.0, 1.5, 3.0, 5.0, 7.5, 11.0, 16.0, 23.0, 32.0)  # edges [pixels of a stamp of 64]
_LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))  # rows and columns
_FREQUENCIES = 10


def compare_stamps(refined: Tensor, real: Tensor, seed: int) -> TwoSampleTest:
    """Test stamps (n, C, H, W) and (m, C, H, W) in units of the noise above the sky."""
    return compare_features(features(refined), features(real), seed)


def compare_populations(simulated: Tensor, real: Tensor, seed: int) -> TwoSampleTest:
    """Test flux, size and axis ratio alone, which a refiner must not change."""
    return compare_features(_measure_population(simulated), _measure_population(real), seed)


def compare_features(one: NDArray[np.float64], other: NDArray[np.float64], seed: int) -> TwoSampleTest:
    """Test features (n, F) and (m, F), see :func:`core.adapt.domain_distance.compare`.

    Each feature is replaced by its rank among all galaxies, as a normal score, so that no single stamp decides.

    Raises
    ------
    TooFewGalaxies
        There are fewer than twenty of each.
    """
    random = np.random.default_rng(seed)
    count = min(len(one), len(other))
    chosen = np.concatenate([each[random.permutation(len(each))[:count]] for each in (one, other)])
    scores = ndtri((rankdata(chosen, axis=0) - 0.5) / (2 * count))
    return domain_distance.compare(scores[:count], scores[count:], seed)


def features(stamps: Tensor) -> NDArray[np.float64]:
    """Fixed features (n, F) of stamps (n, C, H, W) in units of the noise above the sky, band by band."""
    found: list[Tensor] = []
    for band in range(stamps.shape[1]):
        scaled = torch.asinh(stamps[:, band].to(torch.float64))
        flat = scaled.flatten(1)
        found.append(torch.quantile(flat, flat.new_tensor(_QUANTILES), dim=1).T)
        found.append(_rings(scaled))
        found.append(_noise_colour(scaled))
        found.append(_power(scaled))
        turned = scaled.flip(1, 2)
        found.append(((scaled - turned).abs().sum((1, 2)) / scaled.abs().sum((1, 2)).clamp_min(1e-6))[:, None])
    return torch.cat(found, dim=1).numpy()


def _rings(scaled: Tensor) -> Tensor:
    """Mean and scatter in rings about the centre."""
    _, height, width = scaled.shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=scaled.dtype) - (height - 1) / 2,
        torch.arange(width, dtype=scaled.dtype) - (width - 1) / 2,
        indexing="ij",
    )
    radius = torch.hypot(x, y) * 64 / min(height, width)
    found: list[Tensor] = []
    for low, high in itertools.pairwise(_RINGS):
        ring = scaled[:, (radius >= low) & (radius < high)]
        if ring.shape[1] > 1:
            found += [ring.mean(1), ring.std(1)]
    return torch.stack(found, dim=1)


def _noise_colour(scaled: Tensor) -> Tensor:
    """Scatter of the sky, and correlations of neighbouring pixels, on the faint half of the pixels."""
    sky = scaled - scaled.flatten(1).median(1).values[:, None, None]
    limit = sky.flatten(1).abs().median(1).values[:, None, None] * 4
    sky = sky.clamp(-limit, limit)
    square = (sky**2).mean((1, 2))
    found = [square.sqrt()]
    height, width = sky.shape[1:]
    for down, along in _LAGS:
        product = sky[:, down:, along:] * sky[:, : height - down, : width - along]
        found.append(product.mean((1, 2)) / square.clamp_min(1e-12))
    return torch.stack(found, dim=1)


def _power(scaled: Tensor) -> Tensor:
    """Logarithm of the power in rings of spatial frequency."""
    _, height, width = scaled.shape
    power = torch.fft.rfft2(scaled - scaled.mean((1, 2), keepdim=True)).abs() ** 2 / (height * width)
    frequency = torch.hypot(
        torch.fft.fftfreq(height, dtype=scaled.dtype)[:, None], torch.fft.rfftfreq(width, dtype=scaled.dtype)
    )
    place = (frequency / 0.5 * _FREQUENCIES).long()
    return torch.stack([torch.log10(power[:, place == ring].mean(1) + 1e-6) for ring in range(_FREQUENCIES)], dim=1)


def _measure_population(stamps: Tensor) -> NDArray[np.float64]:
    measured = Photometry(stamps)
    values = [torch.asinh(measured.flux), measured.radius[:, None], measured.ellipses.axis_ratio[:, None]]
    return torch.cat(values, dim=1).nan_to_num(0.0).cpu().numpy()
