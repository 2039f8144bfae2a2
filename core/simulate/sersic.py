"""Sérsic profiles: their constants, the light within a radius, and their Fourier transforms as a table.

The surface brightness at the radius r along the major axis is I(r) ∝ exp(−b (r/Rₑ)^(1/n)), with b(n) such that the
ellipse through Rₑ holds half of the light: Γ(2n, b) = Γ(2n)/2.

The transform F(k) of a round profile of unit flux is its Hankel transform, 2π ∫ I(r) J₀(kr) r dr. It has a closed form
for few indices only: exp(−k²Rₑ²/4b) for n = ½, (1 + k²Rₑ²/b²)^(−3/2) for n = 1. Here it is computed for nodes in ln n
by the fast logarithmic transform, which is exact for what is smooth in ln r, and kept as a table of lines. Towards
small k it is 1 − k²⟨r²⟩/4 with ⟨r²⟩/Rₑ² = Γ(4n)/Γ(2n) b^(−2n), towards large k it falls as k^(−2−1/n).

References
----------
Sérsic 1968; Ciotti & Bertin 1999 (b); Graham & Driver 2005 (formulae); Hamilton 2000 (fast logarithmic transform).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.fft import fht
from scipy.interpolate import CubicSpline
from scipy.special import gammainc, gammaincinv, gammaln
from torch import Tensor

LOWEST_INDEX, HIGHEST_INDEX = 0.3, 8.0

_NODES = 72  # in ln n; four of them are used at a time
_LOWEST, _HIGHEST = -27, 27  # powers of two of (kRₑ)², from where F is 1 to where nothing is left
_BITS = 5
_PARTS = 2**_BITS  # of a power of two; the lines are up to 2e-4 of F off, far out where F falls as k⁻³
_SHIFT = 23 - _BITS  # bits of a float32 after those that number the parts
_FIRST = (127 + _LOWEST) * _PARTS
_STEP = 0.012  # of ln r and ln k
_FFT_LENGTH = 6144  # 74 in ln r, so that whatever wraps around is below 1e-9
_KNOWN = 800  # steps of ln k to both sides of kRₑ = 1
_MEMORY = 8


def sersic_b(index: ArrayLike) -> NDArray[np.float64]:
    """The constant b of profiles of this index, such that half of the light is within Rₑ."""
    return np.asarray(gammaincinv(2 * np.asarray(index, dtype=float), 0.5))


def light_within(radius: ArrayLike, half_light_radius: ArrayLike, index: ArrayLike) -> NDArray[np.float64]:
    """The fraction of the light within the ellipse whose semi-major axis is ``radius``; units as Rₑ's."""
    n = np.asarray(index, dtype=float)
    scaled = np.asarray(radius, dtype=float) / np.asarray(half_light_radius, dtype=float)
    return np.asarray(gammainc(2 * n, sersic_b(n) * scaled ** (1 / n)))


def radius_of_light(fraction: ArrayLike, half_light_radius: ArrayLike, index: ArrayLike) -> NDArray[np.float64]:
    """The semi-major axis of the ellipse that holds this fraction of the light, in units of Rₑ's; inverts the above."""
    n = np.asarray(index, dtype=float)
    return np.asarray(half_light_radius) * (gammaincinv(2 * n, np.asarray(fraction, dtype=float)) / sersic_b(n)) ** n


def surface_brightness(
    radius: ArrayLike, half_light_radius: ArrayLike, index: ArrayLike, axis_ratio: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """The surface brightness of a profile of unit flux, per squared unit of Rₑ, on the ellipse through ``radius``."""
    n, size = np.asarray(index, dtype=float), np.asarray(half_light_radius, dtype=float)
    b = sersic_b(n)
    centre = 2 * n * np.log(b) - gammaln(2 * n) - np.log(2 * math.pi * n * np.asarray(axis_ratio) * size**2)
    return np.exp(centre - b * (np.asarray(radius, dtype=float) / size) ** (1 / n))


@dataclass(frozen=True)
class SersicTable:
    """Transforms of round profiles of unit flux and half-light radius: straight lines in (kRₑ)², cell by cell.

    The cells divide each power of two of (kRₑ)² into 32 equal parts, so that the number of a cell is what the leading
    bits of the float say, and no logarithm is taken.

    Attributes
    ----------
    lines
        (nodes, cells · 2) float32: the value at 0 and the slope of each line, for the indices of the nodes.
    """

    lines: Tensor

    def rows(self, index: Tensor) -> Tensor:
        """The lines for these indices (m,): (m, cells) complex, the real part the value and the imaginary the slope.

        As one number, so that one look-up fetches both. In between the nodes it is the cubic polynomial through the
        four nearest.
        """
        place = (index.double().log() - math.log(LOWEST_INDEX)) / _node_step()
        first = (place.floor() - 1).clamp(0, _NODES - 4)
        at = place - first  # 1 to 2 inside, 0 to 3 at the ends
        weights = torch.stack(
            [
                -(at - 1) * (at - 2) * (at - 3) / 6,
                at * (at - 2) * (at - 3) / 2,
                -at * (at - 1) * (at - 3) / 2,
                at * (at - 1) * (at - 2) / 6,
            ],
            dim=1,
        )
        nodes = first.long()[:, None] + torch.arange(4, device=index.device)
        spread = torch.zeros(len(index), _NODES, dtype=torch.float64, device=index.device).scatter(1, nodes, weights)
        return torch.view_as_complex((spread.to(torch.float32) @ self.lines).view(len(index), -1, 2))


class LookUp:
    """The transforms of profiles at many frequencies, computed in memory that is used again and stays in the cache.

    Parameters
    ----------
    table
        From :meth:`SersicTable.rows`.
    row
        (m,) int32, the row of the table for each profile.
    points
        The most that are computed at a time: profiles times frequencies.
    """

    def __init__(self, table: Tensor, row: Tensor, points: int) -> None:
        self._table = table.view(-1)
        self._start = (row * table.shape[1] - _FIRST)[:, None]
        self._squared = torch.empty(points, device=table.device)
        self._cells = torch.empty(points, dtype=torch.int32, device=table.device)
        self._lines = torch.empty(points, dtype=torch.complex64, device=table.device)

    def __call__(self, ellipses: Tensor, vectors: Tensor, profiles: slice) -> Tensor:
        """F for some profiles (n, points), which is overwritten by the next call.

        Parameters
        ----------
        ellipses
            (n, 3), such that (k Rₑ)² is the square of k times the first two, plus k² times the third.
        vectors
            (3, points): kx, ky and k².
        profiles
            Which they are.
        """
        shape = len(ellipses), vectors.shape[1]
        points = shape[0] * shape[1]
        squared, cells = self._squared[:points].view(shape), self._cells[:points].view(shape)
        torch.mm(ellipses[:, :2], vectors[:2], out=squared)
        squared.square_().addcmul_(ellipses[:, 2:], vectors[2]).clamp_(2.0**_LOWEST, 2.0**_HIGHEST * (1 - 1e-6))
        torch.bitwise_right_shift(squared.view(torch.int32), _SHIFT, out=cells)
        cells += self._start[profiles]
        lines = torch.index_select(self._table, 0, cells.view(-1), out=self._lines[:points])
        value, slope = torch.view_as_real(lines).view(*shape, 2).unbind(-1)
        return torch.addcmul(value, squared, slope, out=squared)


@lru_cache(maxsize=_MEMORY)
def sersic_table(device: str = "cpu") -> SersicTable:
    """The table on a device; it is made once in each process, in about a tenth of a second."""
    if device != "cpu":
        return SersicTable(sersic_table().lines.to(device))
    indices = LOWEST_INDEX * np.exp(_node_step() * np.arange(_NODES))
    lines = np.stack([_lines(index) for index in indices]).astype(np.float32)
    return SersicTable(torch.from_numpy(lines.reshape(_NODES, -1)))


def _node_step() -> float:
    return math.log(HIGHEST_INDEX / LOWEST_INDEX) / (_NODES - 1)


def _lines(index: float) -> NDArray[np.float64]:
    """Value at 0 and slope of the lines, (cells, 2): through the ends of a cell, less the mean by which they miss F."""
    octave = 2.0 ** np.arange(_LOWEST, _HIGHEST)
    edges = np.append((octave[:, None] * (1 + np.arange(_PARTS) / _PARTS)).ravel(), 2.0**_HIGHEST)
    middles = (edges[1:] + edges[:-1]) / 2
    transform = _transform(index)
    ends, middle = transform(np.log(edges) / 2), transform(np.log(middles) / 2)
    slope = np.diff(ends) / np.diff(edges)
    missed = 2 / 3 * ((ends[1:] + ends[:-1]) / 2 - middle)
    return np.stack([ends[:-1] - slope * edges[:-1] - missed, slope], axis=1)


def _transform(index: float) -> CubicSpline:
    """F against ln k, by the fast logarithmic transform of r I(r)."""
    place = _STEP * (np.arange(_FFT_LENGTH) - _FFT_LENGTH / 2 + 0.5)
    radius = np.exp(place)
    transform = fht(radius * surface_brightness(radius, 1.0, index), _STEP, mu=0, offset=0.0)
    # The transform is at the same numbers as the profile, k in 1/Rₑ and r in Rₑ, which are centred on 1.
    inner = slice(_FFT_LENGTH // 2 - _KNOWN, _FFT_LENGTH // 2 + _KNOWN)
    return CubicSpline(place[inner], 2 * math.pi * transform[inner] / radius[inner])
