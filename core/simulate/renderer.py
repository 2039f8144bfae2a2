"""Drawing many galaxies at once: light profiles, point-spread function and pixels multiplied in Fourier space.

A stamp is the inverse transform of Σ flux · F(|A k|) · exp(−i k·x) · PSF(k) · pixel(k) over its profiles, with F from
the table of :mod:`core.simulate.sersic` and A the stretch along the axes of the ellipse.

**Aliasing.** The samples of an image are the samples of its continuous transform whatever its frequencies. So all
frequencies up to the reach of the PSF are evaluated, beyond the Nyquist frequency of the pixels too, and are folded
onto the grid. An undersampled PSF such as that of WFC3 F160W is exact without an oversampled image.

**Light that folds back.** A grid of spacing 2π/P repeats the image with the period P. Periods long enough for the wings
of a large galaxy need a large grid everywhere, though only the lowest frequencies vary so fast. So the plane of
frequencies is divided smoothly: above a frequency of a few tenths a grid whose period P is a little longer than the
stamp; below it a grid four times as fine (period 4P), below a quarter of that frequency one again four times as fine,
and so on, as many as the light of the profile at these distances requires. The fine grids have few points, and are
summed directly onto the pixels. The window between two grids is ½ erfc(k/d − c), whose transform has the range of the
shorter period. A long, thin profile has high frequencies far out; it gets a longer P instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.special import erfc
from torch import Tensor

from core.errors import NotPossible
from core.simulate.profiles import Profiles
from core.simulate.psf import Psf
from core.simulate.sersic import cell_of, sersic_b, sersic_table, surface_brightness

_ROOM = 0.6  # stamp sides between a pixel and the nearest image that folds back
_PERIODS = (1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 12.0)  # in stamp sides: for thin profiles, and far from the centre
_FINER = 4
_MOST_LEVELS = 4
_WIDTH, _CENTRE, _END = 5.3, 2.8, 5.5  # of the window: d × distance, c / d, and where it ends, over d
_FOLDED = 5e-5  # of the peak may fold back
_BLOCK = 256  # stamps that share tables
_POINTS = 2**17  # at a time, so that they stay in a processor's cache
_MANY = 64  # times as many on an accelerator


@dataclass(frozen=True, eq=False)
class _Grid:
    """Frequencies of one spacing: all rows ``ky``, columns ``kx`` ≥ 0; radians per pixel."""

    period: int
    spacing: float
    ky: NDArray[np.float64]
    kx: NDArray[np.float64]
    is_base: bool
    windows: NDArray[np.float32]  # (2, ky, kx): where no finer grid follows, and where one does


@torch.no_grad()
def render(
    profiles: Profiles,
    psf: Psf,
    stamps: int,
    size: int,
    *,
    choice: NDArray[np.int64] | None = None,
    device: str = "cpu",
) -> Tensor:
    """Draw the profiles on stamps, without noise.

    Parameters
    ----------
    profiles
        What is drawn; several may share a stamp, and a stamp may have none.
    psf
        From :func:`core.simulate.psf.build_psf`, for the pixels of the stamps.
    stamps, size
        Their number and side in pixels.
    choice
        (stamps,) which image of a stack of PSFs each stamp has; None: the first.
    device
        Where it is computed and where the result is.

    Returns
    -------
    Tensor
        (stamps, size, size) float32 in units of the fluxes, row 0 at the bottom. On a processor the same arguments
        give the same bits; what else is in a block changes a stamp by less than 1e-6 of its peak.

    Raises
    ------
    NotPossible
        A profile cannot be drawn: not finite, an index outside the table, or far outside the stamp.
    """
    profiles.require_drawable()
    images = torch.zeros(stamps, size, size, device=device)
    planes = np.zeros(stamps, np.int64) if choice is None else np.asarray(choice, np.int64)
    if len(planes) != stamps or (stamps and not 0 <= planes.min() <= planes.max() < psf.count):
        raise ValueError(f"choice must be {stamps} numbers below {psf.count}")
    order = np.argsort(profiles.stamp, kind="stable")
    step = _BLOCK * (1 if device == "cpu" else _MANY)
    first = np.searchsorted(profiles.stamp[order], np.arange(0, stamps + step, step))
    for low, high in pairwise(first):
        if high > low:
            _Drawing(psf, planes, profiles.take(order[low:high]), size, device).add(images)
    return images


class _Drawing:
    """Profiles, sorted by stamp, and what their grids share."""

    def __init__(self, psf: Psf, planes: NDArray[np.int64], profiles: Profiles, size: int, device: str) -> None:
        self.size, self.middle = size, (size - 1) / 2  # the first pixel is at −(size − 1)/2
        self.psf, self.planes, self.profiles, self.device = psf, planes, profiles, device
        indices, self.row = np.unique(profiles.index, return_inverse=True)
        self.table = sersic_table(device).rows(torch.from_numpy(indices).to(device))
        self.points = _POINTS * (1 if device == "cpu" else _MANY)

    def add(self, images: Tensor) -> None:
        """Add the profiles to their stamps."""
        size = self.size
        which = _periods_of(self.profiles, self.psf, size)
        for number in np.unique(which):
            rows = np.flatnonzero(which == number)
            period = _even_fast_length(_PERIODS[number] * size)
            levels = _levels_of(self.profiles.take(rows), self.psf, period, size)
            for level in range(int(levels.max()) + 1):
                grid = _grid(period, level, self.psf.reach, _ROOM * size)
                self._add_grid(images, grid, rows[levels >= level], levels[levels >= level] > level)

    def _add_grid(self, images: Tensor, grid: _Grid, rows: NDArray[np.int64], goes_on: NDArray[np.bool_]) -> None:
        stamps, stamp = np.unique(self.profiles.stamp[rows], return_inverse=True)
        step = 1 + self.points // grid.windows[0].size
        for low in range(0, len(stamps), step):
            own = stamps[low : low + step]
            inside = np.flatnonzero((stamp >= low) & (stamp < low + step))
            shape = (len(own), len(grid.ky), len(grid.kx))
            spectrum = torch.zeros(shape, dtype=torch.complex64, device=self.device)
            order = inside[np.lexsort((self.profiles.y[rows[inside]], self.profiles.x[rows[inside]], stamp[inside]))]
            for first in range(0, len(order), step):
                part = order[first : first + step]
                self._accumulate(spectrum, grid, rows[part], stamp[part] - low, goes_on[part])
            spectrum *= self._transfer(grid, self.planes[own])
            found = (_invert if grid.is_base else _sum_directly)(spectrum, grid, self.size)
            images.index_add_(0, torch.from_numpy(own).to(self.device), found)

    def _accumulate(
        self,
        spectrum: Tensor,
        grid: _Grid,
        rows: NDArray[np.int64],
        slot: NDArray[np.int64],
        goes_on: NDArray[np.bool_],
    ) -> None:
        """Add profiles to the spectra of their stamps; neighbours in the list at the same place share its phases."""
        x, y = self.profiles.x[rows], self.profiles.y[rows]
        is_new = np.ones(len(rows), bool)
        is_new[1:] = (np.diff(slot) != 0) | (np.diff(x) != 0) | (np.diff(y) != 0)
        summed = self._amplitudes(grid, rows)
        if goes_on.any() or not grid.is_base:
            windows = self._tensor(grid.windows)
            summed *= windows[int(goes_on[0])] if goes_on.all() or not goes_on.any() else windows[goes_on.astype(int)]
        if not is_new.all():
            alone = summed.new_zeros(int(is_new.sum()), *summed.shape[1:])
            summed = alone.index_add_(0, torch.from_numpy(np.cumsum(is_new) - 1).to(self.device), summed)
        vertical = self._tensor(np.exp(-1j * (y[is_new, None] + self.middle) * grid.ky))
        horizontal = self._tensor(np.exp(-1j * (x[is_new, None] + self.middle) * grid.kx))
        # Made complex beforehand: torch multiplies complex by real numbers ten times more slowly.
        waves = torch.complex(summed, torch.zeros_like(summed)).mul_(vertical[:, :, None] * horizontal[:, None, :])
        places = slot[is_new]
        if len(places) == len(spectrum) and (places == np.arange(len(places))).all():
            spectrum += waves
        else:
            spectrum.index_add_(0, torch.from_numpy(places).to(self.device), waves)

    def _amplitudes(self, grid: _Grid, rows: NDArray[np.int64]) -> Tensor:
        """Flux times transform of each profile around its own centre, (m, ky, kx)."""
        profiles = self.profiles.take(rows)
        cosine, sine = np.cos(profiles.angle)[:, None], np.sin(profiles.angle)[:, None]
        major, minor = profiles.radius[:, None], (profiles.radius * profiles.axis_ratio)[:, None]
        along = self._outer_sum(major * sine * grid.ky, major * cosine * grid.kx)
        across = self._outer_sum(minor * cosine * grid.ky, -minor * sine * grid.kx)
        places = cell_of(along.square_().addcmul_(across, across))
        cells = places.to(torch.int32)
        places -= cells  # the fraction
        start = torch.from_numpy((self.row[rows] * self.table.shape[1]).astype(np.int32)).to(self.device)
        cells += start[:, None, None]
        found = torch.view_as_real(self.table.view(-1).index_select(0, cells.view(-1)))
        values = places.mul_(found[:, 1].view_as(places)).add_(found[:, 0].view_as(places))
        return values.mul_(self._tensor(profiles.flux)[:, None, None])

    def _outer_sum(self, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Tensor:
        return self._tensor(rows)[:, :, None] + self._tensor(columns)[:, None, :]

    def _transfer(self, grid: _Grid, planes: NDArray[np.int64]) -> Tensor:
        used, plane = np.unique(planes, return_inverse=True)
        transfer = self._tensor(self.psf.on_grid((grid.spacing, len(grid.ky)), grid.ky, grid.kx, used))
        return transfer if len(transfer) == 1 else transfer[torch.from_numpy(plane).to(self.device)]

    def _tensor(self, values: NDArray[np.number]) -> Tensor:
        kind = np.complex64 if np.iscomplexobj(values) else np.float32
        return torch.from_numpy(values.astype(kind, copy=False)).to(self.device)


def _periods_of(profiles: Profiles, psf: Psf, size: int) -> NDArray[np.int64]:
    """The number of the shortest period that does for each profile.

    A profile far from the centre needs a long one. So does one that is long and thin: far out along its major axis it
    still has the high frequencies for which no finer grid follows.

    Raises
    ------
    NotPossible
        A profile is too far away.
    """
    offset = _offset(profiles)
    limits = (np.array(_PERIODS) - 0.5 - _ROOM) * size
    which = np.searchsorted(limits, offset)
    if (which == len(_PERIODS)).any():
        raise NotPossible(
            f"A profile lies {offset.max():,.0f} pixels from the centre of a stamp of {size} pixels.",
            "Leave out what is so far away, or make the stamps larger.",
        )
    peak, width = _peak(profiles, psf), _WIDTH / (_ROOM * size)
    b = sersic_b(profiles.index)
    for number in range(len(_PERIODS) - 1):
        distance = _PERIODS[number] * size - size / 2 - offset
        radius = np.maximum(profiles.radius, 1e-3)
        # Across its major axis at this distance it is a Gaussian, from the curvature of the ellipse.
        slope = profiles.index * distance * (radius / np.maximum(distance, 1)) ** (1 / profiles.index) / b
        across = profiles.axis_ratio**2 * np.abs(distance) * np.abs(slope) + psf.area / (4 * math.pi)
        share = erfc(_CENTRE * width / np.sqrt(2 / across + width**2))  # of its light above the window
        folded = share * _own_light(profiles, np.maximum(distance, 1))
        which[(4 * folded > _FOLDED * peak) & (which == number)] = number + 1
    return which


def _levels_of(profiles: Profiles, psf: Psf, period: int, size: int) -> NDArray[np.int64]:
    """How many finer grids each profile needs, so that none of its light folds back."""
    offset, peak = _offset(profiles), _peak(profiles, psf)
    levels = np.zeros(len(profiles), np.int64)
    for level in range(_MOST_LEVELS):
        distance = period * _FINER**level - size / 2 - offset
        wing = np.array([psf.wing(value) for value in distance])
        light = _own_light(profiles, distance) + wing
        levels[(4 * light > _FOLDED * peak) & (levels == level)] = level + 1  # four neighbours
    return levels


def _offset(profiles: Profiles) -> NDArray[np.float64]:
    return np.maximum(np.abs(profiles.x), np.abs(profiles.y))


def _peak(profiles: Profiles, psf: Psf) -> NDArray[np.float64]:
    """The least that the peak on the stamp may be, for unit flux."""
    blur = math.sqrt(psf.area / math.pi)
    return 1 / (2 * math.pi * (profiles.radius + blur) * (profiles.radius * profiles.axis_ratio + blur))


def _own_light(profiles: Profiles, distance: NDArray[np.float64]) -> NDArray[np.float64]:
    is_point = profiles.radius <= 0
    radius = np.where(is_point, 1.0, profiles.radius)
    return np.where(is_point, 0.0, surface_brightness(distance, radius, profiles.index, profiles.axis_ratio))


@lru_cache(maxsize=32)
def _grid(period: int, level: int, reach: float, room: float) -> _Grid:
    spacing = 2 * math.pi / (period * _FINER**level)
    width = _WIDTH / room
    end = reach if level == 0 else min(reach, _END * width / _FINER ** (level - 1))
    most = int(end / spacing)
    ky, kx = spacing * np.arange(-most, most + 1), spacing * np.arange(most + 1)
    k = np.hypot(ky[:, None], kx)
    last = np.ones_like(k) if level == 0 else _window(k, width / _FINER ** (level - 1))
    more = last - _window(k, width / _FINER**level)
    return _Grid(period, spacing, ky, kx, level == 0, np.stack([last, more]).astype(np.float32))


def _window(k: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    return 0.5 * erfc(k / width - _CENTRE)


def _even_fast_length(least: float) -> int:
    length = math.ceil(least)
    while (fast := int(next_fast_len(length, real=True))) % 2:
        length = fast + 1
    return fast


def _invert(spectrum: Tensor, grid: _Grid, size: int) -> Tensor:
    """Fold the frequencies beyond the pixels' onto the grid, and transform: (n, size, size)."""
    period, half = grid.period, grid.period // 2
    folded = spectrum.new_zeros(len(spectrum), len(grid.ky), half + 1)
    mirrored = None
    for low in range(0, len(grid.kx), period):  # +kx falls on columns 0 to half
        part = spectrum[:, :, low : low + half + 1]
        folded[:, :, : part.shape[2]] += part
    for low in range(0, len(grid.kx), period):  # −kx does
        first, last = max(low + period - half, 1), min(low + period, len(grid.kx) - 1)
        if first <= last:
            mirrored = spectrum[:, :, first : last + 1].flip(1, 2).conj()
            start = low + period - last
            folded[:, :, start : start + mirrored.shape[2]] += mirrored
    rows = spectrum.new_zeros(len(spectrum), period, half + 1)
    for here, there in _segments(len(grid.ky), period):
        rows[:, there] += folded[:, here]
    return torch.fft.irfft2(rows, s=(period, period))[:, :size, :size]


def _segments(length: int, period: int) -> Iterator[tuple[slice, slice]]:
    """Which of the rows −n … n fall on which of the rows 0 … period − 1."""
    position, number = 0, -(length // 2)
    while position < length:
        start = number % period
        count = min(period - start, length - position)
        yield slice(position, position + count), slice(start, start + count)
        position, number = position + count, number + count


def _sum_directly(spectrum: Tensor, grid: _Grid, size: int) -> Tensor:
    """The inverse transform at the pixels of the stamp only: (n, size, size)."""
    rows, columns = _waves(grid, size, str(spectrum.device))
    found = rows @ spectrum  # (n, size, kx)
    return found.real @ columns.real - found.imag @ columns.imag


@lru_cache(maxsize=32)
def _waves(grid: _Grid, size: int, device: str) -> tuple[Tensor, Tensor]:
    """The waves of a grid at the pixels: (size, ky) and, weighted, (kx, size)."""
    pixels = np.arange(size)
    weight = np.where(grid.kx == 0, 1.0, 2.0) * (grid.spacing / (2 * math.pi)) ** 2
    rows = np.exp(1j * pixels[:, None] * grid.ky)
    columns = np.exp(1j * grid.kx[:, None] * pixels) * weight[:, None]
    return (
        torch.from_numpy(rows.astype(np.complex64)).to(device),
        torch.from_numpy(columns.astype(np.complex64)).to(device),
    )
