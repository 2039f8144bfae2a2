"""From the numbers of galaxies to their stamps and true values: the one way in which they are simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Problem
from core.simulate.composition import compose
from core.simulate.noise import Background
from core.simulate.parameters import draw_parameters
from core.simulate.prior_remarks import describe_priors
from core.simulate.profiles import Profiles
from core.simulate.psf import build_psf
from core.simulate.renderer import render
from core.simulate.settings import SimulationSettings
from core.simulate.streams import Purpose, Streams


@dataclass(frozen=True, eq=False)
class Block:
    """Galaxies with their true values.

    Attributes
    ----------
    images
        (n, C, H, W), in the unit of the dataset.
    truth
        True values (n,) by name.
    units
        The units of those that have one.
    """

    images: NDArray[np.float32]
    truth: dict[str, NDArray[Any]]
    units: dict[str, str]


class BlockMaker:
    """Simulate galaxies by their numbers; each is the same whichever others are simulated with it.

    Parameters
    ----------
    settings
        What to simulate.
    device
        Where the stamps are rendered.

    Raises
    ------
    Problem
        A file that the settings name is not there or damaged.
    """

    def __init__(self, settings: SimulationSettings, device: str = "cpu") -> None:
        self._settings, self._device = settings, device
        self._psf = build_psf(settings.psf, settings.instrument.pixel_scale)
        self._background = Background.of(settings)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was decided about the user's PSF and sky, and what of them and the priors is left out, in sentences."""
        said = (*self._psf.remarks, *self._background.remarks, *describe_priors(self._settings))
        return tuple(sentence if sentence.endswith(".") else f"{sentence}." for sentence in said)

    def make(self, numbers: Sequence[int]) -> Block:
        """Simulate these galaxies.

        Raises
        ------
        Problem
            One cannot be drawn, or has pixels that are no numbers.
        """
        settings, chosen = self._settings, np.asarray(numbers, dtype=np.int64)
        drawn = draw_parameters(settings, chosen)
        profiles = compose(settings, drawn, chosen)
        bands, size = len(settings.band_names), settings.size
        choice = np.repeat(self._draw_psf(chosen), bands)
        stamps = self._render(profiles, len(chosen) * bands, choice).reshape(len(chosen), bands, size, size)
        images = self._background.add(stamps, chosen)
        whole = np.isfinite(images).all(axis=(1, 2, 3))
        if not whole.all():
            raise Problem(
                f"Galaxy {chosen[~whole][0]:,} has pixels that are no numbers.",
                "Look for absurd values in the images of PSF and sky, or in the settings.",
            )
        return Block(images, dict(drawn.columns), dict(drawn.units))

    def _render(self, profiles: Profiles, stamps: int, choice: NDArray[np.int64]) -> NDArray[np.float32]:
        size = self._settings.size
        if self._settings.engine == "batched":
            return render(profiles, self._psf, stamps, size, choice=choice, device=self._device).cpu().numpy()
        from core.simulate.galsim_engine import render_with_galsim

        return render_with_galsim(profiles, self._psf, stamps, size, choice=choice)

    def _draw_psf(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which image of a stack each galaxy has, in all bands."""
        return draw_psf(self._settings.seed, numbers, self._psf.count)


def draw_psf(seed: int, numbers: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Which of so many images of a stack the galaxies of these numbers have, with the seed of their simulation."""
    shares = Streams(seed, Purpose.PSF).shares(numbers, 1)[:, 0]
    return np.minimum((shares * count).astype(np.int64), count - 1)
