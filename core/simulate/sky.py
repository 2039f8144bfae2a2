"""The user's own sky: its noise and correlation measured, and patches of it as the background of simulated stamps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from core.errors import NotPossible
from core.simulate.instrument_settings import InstrumentSettings
from core.simulate.settings import SimulationSettings
from core.simulate.sky_frames import Frame, find_files, read_frames

_LAG = 16  # pixels, up to which noise is correlated
_SIGNIFICANT = 5.0  # standard deviations of a measured covariance: what is less is taken for 0,
_NOTABLE = 0.005  # as is a correlation below this
_MASKED_SHARES = (0.1, 0.3)  # of a patch that may be filled: the first that leaves any patch


@dataclass(frozen=True, eq=False)
class Sky:
    """Images of sky, and what was measured on their blank pixels.

    Attributes
    ----------
    frames
        In units of the stored stamps, their level subtracted.
    size
        Side of the stamps in pixels.
    covariance
        (2 L + 1, 2 L + 1) of two pixels by their distance in y and x, from −L to L; beyond L there is none.
    remarks
        What was decided and left out in reading.
    """

    frames: tuple[Frame, ...]
    size: int
    covariance: NDArray[np.float64]
    remarks: tuple[str, ...]

    @property
    def sigma(self) -> float:
        """Standard deviation of a blank pixel."""
        lag = len(self.covariance) // 2
        return float(np.sqrt(self.covariance[lag, lag]))

    def draw_noise(self, random: np.random.Generator) -> NDArray[np.float32]:
        """Gaussian noise (size, size) with the covariance of the blank sky."""
        side = self._side
        white = random.standard_normal((side, side), dtype=np.float32)
        noise = fft.irfft2(fft.rfft2(white) * self._amplitude, s=(side, side))
        return noise[: self.size, : self.size]

    def draw_patch(self, random: np.random.Generator) -> NDArray[np.float32]:
        """A patch (size, size) of the sky, turned and mirrored at random; noise takes the place of sources in it."""
        counts, places = self._places
        number = int(random.integers(counts[-1]))
        which = int(np.searchsorted(counts, number, side="right"))
        frame, place = self.frames[which], int(places[which][number - (counts[which - 1] if which else 0)])
        y, x = divmod(place, frame.image.shape[1] - self.size + 1)
        box = slice(y, y + self.size), slice(x, x + self.size)
        patch, is_blank = frame.image[box], frame.is_blank[box]
        if not is_blank.all():
            patch = np.where(is_blank, patch, self.draw_noise(random))
        turns, is_mirrored = int(random.integers(4)), random.random() < 0.5
        return np.rot90(patch[:, ::-1] if is_mirrored else patch, turns)

    @property
    def _side(self) -> int:
        """Of the periodic noise, of which opposite edges are alike and one is cut off."""
        return fft.next_fast_len(self.size + len(self.covariance) // 2 + 1, real=True)

    @cached_property
    def _amplitude(self) -> NDArray[np.float32]:
        side, lag = self._side, len(self.covariance) // 2
        periodic = np.zeros((side, side))
        places = np.arange(-lag, lag + 1) % side
        periodic[np.ix_(places, places)] = self.covariance
        power = np.maximum(fft.fft2(periodic).real, 0)
        power *= periodic[0, 0] / power.mean()  # what was cut off below 0 must not add noise
        return np.sqrt(power)[:, : side // 2 + 1].astype(np.float32)

    @cached_property
    def _places(self) -> tuple[NDArray[np.int64], list[NDArray[np.int32]]]:
        """Running total of the patches in each frame, and their first pixels."""
        for share in _MASKED_SHARES:
            places = [_blank_boxes(frame.is_blank, self.size, share) for frame in self.frames]
            counts = np.cumsum([len(found) for found in places])
            if counts[-1]:
                return counts, places
        raise NotPossible(
            f"There is no patch of {self.size} × {self.size} pixels in your sky of which less than "
            f"{_MASKED_SHARES[-1]:.0%} is covered by sources.",
            "Choose emptier images, smaller stamps, or correlated noise.",
            "noise.sky",
        )


def read_sky(settings: SimulationSettings) -> Sky:
    """Read the sky that the settings name, and measure it; the last ones are kept until their files change.

    Raises
    ------
    NotPossible, UnreadableFile
        It cannot be used.
    """
    smallest = settings.size if settings.noise.kind == "real sky" else 2 * _LAG
    files = find_files(settings.noise.sky)
    status = tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    relevant = SimulationSettings(
        size=settings.size,
        instrument=InstrumentSettings(band=settings.instrument.band, pixel_scale=settings.instrument.pixel_scale),
        unit_zero_point=settings.stored_zero_point,
        noise=settings.noise,
    )
    return _read(relevant, tuple(files), status, smallest)


@lru_cache(maxsize=2)
def _read(
    settings: SimulationSettings,
    files: tuple[Path, ...],
    status: tuple[tuple[str, int, int], ...],  # noqa: ARG001 - of the cache
    smallest: int,
) -> Sky:
    frames, remarks = read_frames(settings, files, smallest)
    sky = Sky(frames, settings.size, measure_covariance(frames), remarks)
    if settings.noise.kind == "real sky":
        _ = sky._places  # a sky without a blank patch is refused now, not at the first stamp
    return sky


def measure_covariance(frames: tuple[Frame, ...], lag: int = _LAG) -> NDArray[np.float64]:
    """The covariance (2 L + 1, 2 L + 1) of the blank pixels by their distance in y and x.

    L is the largest distance, up to ``lag``, at which any covariance clearly differs from 0.
    """
    products, pairs = np.zeros((2 * lag + 1, 2 * lag + 1)), np.zeros((2 * lag + 1, 2 * lag + 1))
    for frame in frames:
        blank = frame.is_blank.astype(np.float64)
        light = np.where(frame.is_blank, frame.image, 0.0)
        shape = [fft.next_fast_len(length + lag, real=True) for length in blank.shape]
        products += _correlate(light, shape, lag)
        pairs += _correlate(blank, shape, lag)
    covariance = products / np.maximum(pairs, 1)
    error = covariance[lag, lag] / np.sqrt(np.maximum(pairs, 1))
    y, x = np.nonzero(np.abs(covariance) > np.maximum(_SIGNIFICANT * error, _NOTABLE * covariance[lag, lag]))
    furthest = int(max(np.abs(y - lag).max(initial=0), np.abs(x - lag).max(initial=0)))
    inner = slice(lag - furthest, lag + furthest + 1)
    return covariance[inner, inner]


def _correlate(image: NDArray[np.float64], shape: list[int], lag: int) -> NDArray[np.float64]:
    power = np.abs(fft.rfft2(image, s=shape)) ** 2
    correlation = fft.irfft2(power, s=shape)
    places = np.arange(-lag, lag + 1)
    return correlation[np.ix_(places % shape[0], places % shape[1])]


def _blank_boxes(is_blank: NDArray[np.bool_], size: int, most: float) -> NDArray[np.int32]:
    """First pixels of the boxes of which at most this share is masked, as places in the grid of all boxes."""
    sums = np.zeros((is_blank.shape[0] + 1, is_blank.shape[1] + 1), np.int64)
    sums[1:, 1:] = (~is_blank).cumsum(axis=0).cumsum(axis=1)
    masked = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return np.flatnonzero(masked <= most * size**2).astype(np.int32)
