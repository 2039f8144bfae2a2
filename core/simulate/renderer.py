"""Drawing many galaxies at once: light profiles, point-spread function and pixels multiplied in Fourier space.

A stamp is the inverse transform of Σ flux · F(|A k|) · exp(−i k·x) · PSF(k) · pixel(k) over its profiles, with F from
the table of :mod:`core.simulate.sersic` and A the stretch along the axes of the ellipse.

**Sources.** Profiles with the same centre on a stamp are one source. Around that centre each of them is symmetric under
k → −k, so its transform is real, and so is their sum G. With E and O the sum and the difference of G at ky and −ky the
image is

    Σ PSF(k) [E cos(ky y) cos(kx x) − O sin(ky y) sin(kx x)]

over the quadrant kx, ky > 0: products of small matrices, for any frequencies and any centre. On 64 pixels they are
faster than a fast Fourier transform, and nothing has to be folded or shifted. The transform of a PSF image that is not
symmetric has an imaginary part, which adds two products.

**Aliasing.** The samples of an image are the samples of its continuous transform whatever its frequencies. So all
frequencies up to the reach of the PSF are summed, beyond the Nyquist frequency of the pixels too. An undersampled PSF
such as that of WFC3 F160W is exact without an oversampled image.

**Light that folds back** is what the levels of :mod:`core.simulate.frequencies` are for. How many a source needs
follows from its light, and that of the PSF, at the distance of the first copies. A long, thin profile has high
frequencies far out; it gets a longer period instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.simulate.folding import choose_grids, periods_of, room_of
from core.simulate.frequencies import Grid
from core.simulate.profiles import Profiles
from core.simulate.psf import Psf
from core.simulate.sersic import LookUp, sersic_table

_BLOCK = 256  # stamps that share tables
_POINTS = 2**16  # at a time, so that they stay in a processor's cache
_MANY = 64  # times as many on an accelerator
_KEPT = 64  # grids


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


@dataclass(frozen=True, eq=False)
class _Batch:
    """Sources that are drawn together on one grid, those of most profiles first.

    Attributes
    ----------
    grid
        The frequencies.
    first
        The first profile of each source.
    rows
        The profiles: the first of all sources, then the second of those that have two, and so on.
    """

    grid: Grid
    first: NDArray[np.int64]
    rows: list[NDArray[np.int64]]


class _Drawing:
    """Profiles in the order of their batches, and the memory in which they are drawn."""

    def __init__(self, psf: Psf, planes: NDArray[np.int64], profiles: Profiles, size: int, device: str) -> None:
        self.psf, self.planes, self.size, self.device = psf, planes, size, device
        profiles = profiles.take(np.lexsort((profiles.y, profiles.x, profiles.stamp)))
        self.batches = _batches(profiles, psf, size, _POINTS * (1 if device == "cpu" else _MANY))
        self.profiles = profiles.take(np.concatenate([rows for batch in self.batches for rows in batch.rows]))
        self.flux = self._tensor(self.profiles.flux.astype(np.float32))[:, None]
        self.ellipses = self._tensor(_ellipses(self.profiles))
        indices, row = np.unique(self.profiles.index, return_inverse=True)
        table = sersic_table(device).rows(self._tensor(indices))
        points = max(len(batch.first) * batch.grid.points for batch in self.batches)
        self.look_up = LookUp(table, self._tensor(row.astype(np.int32)), points)
        self.spectrum = torch.empty(points, device=device)

    def add(self, images: Tensor) -> None:
        """Add the profiles to their stamps."""
        start = 0
        for batch in self.batches:
            sources = slice(start, start + len(batch.first))
            spectrum = self._add_up(batch, start)
            shifts = np.stack([self.profiles.y[sources], self.profiles.x[sources]])
            stamps = self.profiles.stamp[sources]
            real, *imaginary = self._transfer(batch.grid, self.planes[stamps])
            parts = [spectrum * part for part in imaginary]
            found = self._invert([spectrum.mul_(real), *parts], batch.grid, shifts)
            images.index_add_(0, self._tensor(stamps), found)
            start += sum(map(len, batch.rows))

    def _add_up(self, batch: _Batch, start: int) -> Tensor:
        """The transforms (n, points) of the sources of a batch, whose profiles begin at a row, around their centres."""
        points = batch.grid.points
        spectrum = self.spectrum[: len(batch.first) * points].view(-1, points)
        vectors = _vectors(batch.grid, self.device)
        for number, rows in enumerate(batch.rows):
            here = slice(start, start + len(rows))
            found, flux = self.look_up(self.ellipses[here], vectors, here), self.flux[here]
            if number == 0:
                torch.mul(found, flux, out=spectrum)
            else:
                spectrum[: len(rows)].addcmul_(found, flux)
            start += len(rows)
        return spectrum

    def _transfer(self, grid: Grid, planes: NDArray[np.int64]) -> Tensor:
        """Real part, and imaginary part if there is one, of the transfer functions: (1 or 2, n or 1, points)."""
        if self.psf.count == 1:
            return self._tensor(self.psf.on_grid(grid, planes[:1]))
        used, plane = np.unique(planes, return_inverse=True)
        return self._tensor(self.psf.on_grid(grid, used))[:, self._tensor(plane)]

    def _invert(self, parts: list[Tensor], grid: Grid, shifts: NDArray[np.float64]) -> Tensor:
        """The images (n, size, size) of spectra, a real and perhaps an imaginary part, at shifts (2, n) in y and x."""
        down, across = self._waves(grid, shifts)
        images = down.new_zeros(shifts.shape[1], self.size, self.size)
        point = row = 0
        for axis in grid.axes:
            n = len(axis)
            cosines, sines = slice(row, row + n), slice(row + n, row + 2 * n)
            here = [part[:, point : point + 2 * n * n].view(-1, 2, n, n) for part in parts]
            even, odd = [part[:, 0] + part[:, 1] for part in here], [part[:, 1] - part[:, 0] for part in here]
            upper, lower = even[0] @ across[:, cosines], odd[0] @ across[:, sines]
            if len(parts) == 2:
                upper.baddbmm_(even[1], across[:, sines], alpha=-1)
                lower.baddbmm_(odd[1], across[:, cosines])
            images.baddbmm_(down[:, cosines].mT, upper).baddbmm_(down[:, sines].mT, lower)
            point, row = point + 2 * n * n, row + 2 * n
        return images

    def _waves(self, grid: Grid, shifts: NDArray[np.float64]) -> Tensor:
        """Cosines and sines at the pixels, around the centres: as :meth:`Grid.waves`, (2, n, rows, size)."""
        frequencies, waves = _waves(grid, self.size, self.device)
        phases = self._tensor(shifts)[..., None] * frequencies
        cosines, sines = (values.float()[..., None] for values in (phases.cos(), phases.sin()))
        return (waves[0] * cosines).addcmul_(waves[1], sines)

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values).to(self.device)


def _batches(profiles: Profiles, psf: Psf, size: int, points: int) -> list[_Batch]:
    """The sources of profiles, which are sorted by stamp and place, in batches of about so many points."""
    places = np.stack([profiles.stamp, profiles.x, profiles.y])
    first = np.flatnonzero(np.append(True, (np.diff(places) != 0).any(axis=0)))
    count = np.diff(np.append(first, len(profiles)))
    periods = periods_of(size).tolist()
    period, levels = choose_grids(profiles, first, psf, size)
    order = np.lexsort((-count, levels, period))
    bounds = np.flatnonzero(np.diff(period[order]) | np.diff(levels[order])) + 1
    batches = []
    for group in np.split(order, bounds):
        grid = _grid(periods[period[group[0]]], int(levels[group[0]]), psf.reach, room_of(size))
        for part in np.split(group, range(step := 1 + points // grid.points, len(group), step)):
            rows = [first[part][count[part] > number] + number for number in range(count[part[0]])]
            batches.append(_Batch(grid, first[part], rows))
    return batches


def _ellipses(profiles: Profiles) -> NDArray[np.float32]:
    """(m, 3): (k Rₑ)² at k is the square of its product with the first two, plus k² times the third."""
    minor = profiles.radius * profiles.axis_ratio
    longer = np.sqrt(profiles.radius**2 - minor**2)
    values = [longer * np.cos(profiles.angle), longer * np.sin(profiles.angle), minor**2]
    return np.stack(values, axis=1).astype(np.float32)


_grid = lru_cache(maxsize=_KEPT)(Grid)


@lru_cache(maxsize=_KEPT)
def _vectors(grid: Grid, device: str) -> Tensor:
    return torch.from_numpy(grid.vectors).to(device)


@lru_cache(maxsize=_KEPT)
def _waves(grid: Grid, size: int, device: str) -> tuple[Tensor, Tensor]:
    frequencies, waves = grid.waves(size)
    return torch.from_numpy(frequencies).to(device), torch.from_numpy(waves).to(device)
