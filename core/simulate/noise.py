"""The noise and the sky of simulated stamps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.simulate import features
from core.simulate.instrument_settings import InstrumentSettings
from core.simulate.settings import SimulationSettings
from core.simulate.streams import Purpose, Streams

if TYPE_CHECKING:
    from core.simulate.sky import Sky

Stamps = NDArray[np.float32]

_GAUSSIAN_FROM = 200.0  # electrons of sky in a pixel: from there on a Poisson distribution is Gaussian (skewness 0.07)
_CHARGE = (600.0, 1.0)  # electrons that a cosmic ray leaves in a pixel of its track: median, scatter in natural logs
_LONGEST_TRACK = 20.0  # pixels
_STEPS = 4  # of a track in one pixel


def electrons_per_unit(settings: SimulationSettings) -> float:
    """Electrons in all exposures together for one unit of the stored stamps."""
    instrument = settings.instrument
    return instrument.total_exposure * 10 ** (0.4 * (instrument.zero_point - settings.stored_zero_point))


def sky_electrons(instrument: InstrumentSettings) -> float:
    """Electrons of the blank sky in a pixel, in all exposures together."""
    rate = 10 ** (-0.4 * (instrument.sky - instrument.zero_point)) * instrument.pixel_scale**2
    return rate * instrument.total_exposure


def readout_variance(instrument: InstrumentSettings) -> float:
    """Variance of a pixel from read noise and rounding to whole digital units, in squared electrons."""
    return instrument.exposures * (instrument.read_noise**2 + instrument.gain**2 / 12)


def sky_noise(settings: SimulationSettings) -> float:
    """Standard deviation of a pixel of the instrument's blank sky, in units of the stored stamps."""
    variance = sky_electrons(settings.instrument) + readout_variance(settings.instrument)
    return math.sqrt(variance) / electrons_per_unit(settings)


class Background:
    """Noise, sky and cosmic rays, added to noise-free stamps; the level of the sky is subtracted.

    The numbers of a galaxy come from its own stream and depend on nothing else.

    Attributes
    ----------
    sky
        The user's sky, if the settings ask for it.
    """

    def __init__(self, settings: SimulationSettings, sky: Sky | None) -> None:
        self._settings = settings
        self.sky = sky

    @classmethod
    def of(cls, settings: SimulationSettings) -> Background:
        """Prepare the background that the settings ask for, and read the user's sky where it is needed.

        Raises
        ------
        NotPossible, UnreadableFile
            The sky cannot be used: missing, damaged, another pixel scale, too small, or without blank pixels.
        """
        if settings.noise.kind not in {"correlated", "real sky"}:
            return cls(settings, None)
        from core.simulate.sky import read_sky  # photutils takes seconds to import

        return cls(settings, read_sky(settings))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was decided in reading the user's sky, and what of it was left out."""
        return self.sky.remarks if self.sky else ()

    def add(self, stamps: Stamps, numbers: NDArray[np.int64]) -> Stamps:
        """Noise-free stamps with their background.

        Parameters
        ----------
        stamps
            (n, C, H, W), in units of the stored stamps.
        numbers
            (n,), which galaxies they are.
        """
        noisy = stamps.astype(np.float32)
        noise = Streams(self._settings.seed, Purpose.NOISE)
        sky = Streams(self._settings.seed, Purpose.SKY)
        for stamp, number in zip(noisy, numbers, strict=True):
            self._add_noise(stamp, noise.at(number))
            if self.sky is not None:
                random = sky.at(number)
                for band in stamp:
                    is_real = self._settings.noise.kind == "real sky"
                    band += self.sky.draw_patch(random) if is_real else self.sky.draw_noise(random)
        if self._settings.realism.cosmic_rays > 0:
            self._add_cosmic_rays(noisy, numbers)
        return noisy

    def _add_noise(self, stamp: Stamps, random: np.random.Generator) -> None:
        settings = self._settings.noise
        match settings.kind:
            case "gaussian":
                sigma = sky_noise(self._settings) if settings.sigma is None else settings.sigma
                stamp += np.float32(sigma) * random.standard_normal(stamp.shape, dtype=np.float32)
            case "ccd":
                self._add_ccd_noise(stamp, random)
            case "correlated" | "real sky" if settings.source_noise:
                unit = np.float32(electrons_per_unit(self._settings))
                sigma = np.sqrt(np.maximum(stamp, 0) / unit)
                stamp += sigma * random.standard_normal(stamp.shape, dtype=np.float32)
            case _:
                pass

    def _add_ccd_noise(self, stamp: Stamps, random: np.random.Generator) -> None:
        """Poisson noise of source and sky, and read noise; with many electrons of sky as one Gaussian."""
        unit, sky = electrons_per_unit(self._settings), sky_electrons(self._settings.instrument)
        readout = readout_variance(self._settings.instrument)
        if sky >= _GAUSSIAN_FROM:
            variance = np.maximum(stamp, 0) * np.float32(1 / unit) + np.float32((sky + readout) / unit**2)
            stamp += np.sqrt(variance) * random.standard_normal(stamp.shape, dtype=np.float32)
            return
        expected = np.maximum(stamp.astype(np.float64) * unit, 0) + sky
        electrons = random.poisson(expected) - expected + math.sqrt(readout) * random.standard_normal(stamp.shape)
        stamp += (electrons / unit).astype(np.float32)

    def _add_cosmic_rays(self, stamps: Stamps, numbers: NDArray[np.int64]) -> None:
        hit = features.draw_features(self._settings, numbers).has["cosmic_rays"]
        streams = Streams(self._settings.seed, Purpose.COSMIC_RAYS)
        for row in np.flatnonzero(hit):
            random = streams.at(numbers[row])
            band = stamps[row, int(random.integers(len(stamps[row])))]
            band += _draw_track(random, band.shape) / np.float32(electrons_per_unit(self._settings))


def _draw_track(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The electrons (H, W) of a cosmic ray that crosses the detector in a straight line."""
    height, width = shape
    length = min(_LONGEST_TRACK, 1.5 + random.pareto(1.0) * 2)
    angle, charge = random.uniform(0, math.pi), _CHARGE[0] * math.exp(_CHARGE[1] * random.standard_normal())
    y, x = random.uniform(0, height - 1), random.uniform(0, width - 1)
    along = np.arange(0, length, 1 / _STEPS)
    columns = np.rint(x + along * math.cos(angle)).astype(np.int64)
    rows = np.rint(y + along * math.sin(angle)).astype(np.int64)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    track = np.zeros((height, width), np.float32)
    np.add.at(track, (rows[inside], columns[inside]), np.float32(charge / _STEPS))
    return track
