"""What the room says of galaxies, samples and datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.simulate.work import Sample
from core.simulate.settings import SimulationSettings
from core.wording import count_of

Histogram: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], str]
"""Simulated values, real values, and their unit."""

_SHORT = {
    "magnitude": "mag",
    "half_light_radius": "rₑ",
    "sersic_index": "n",
    "axis_ratio": "b/a",
    "position_angle": "PA",
    "bulge_to_total": "B/T",
}
_UNITS = {"arcsec": "″", "deg": "°", "mag": ""}
_NO_GALAXIES = "With a dataset open, its noise and sizes are compared with those simulated."
_UNKNOWN_UNIT = "The noise of your galaxies cannot be compared: the magnitude of one unit of their pixels is not known."


def describe_galaxies(columns: Mapping[str, NDArray[Any]], units: Mapping[str, str], count: int) -> list[str]:
    """What each simulated galaxy is, such as ``mag 21.3, rₑ 0.43″, n 2.1``."""
    shown = [name for name in _SHORT if name in columns]
    return [
        ", ".join(
            f"{_SHORT[name]} {float(columns[name][row]):.3g}{_UNITS.get(units.get(name, ''), '')}" for name in shown
        )
        for row in range(count)
    ]


def describe_size(settings: SimulationSettings) -> str:
    """How large the dataset will be."""
    bands = len(settings.band_names)
    size = settings.count * bands * settings.size**2 * 4
    amount = f"{size / 1e9:.{0 if size >= 1e11 else 1}f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"
    planes = "" if bands == 1 else f" in {bands} bands"
    return f"{settings.size} × {settings.size} pixels{planes}, {amount} on disk, with the truth of each galaxy."


def describe_histograms(
    simulated: Sample, real: Sample | None, *, is_open: bool
) -> tuple[Histogram | str, Histogram | str, str]:
    """The histograms of noise and size, or a sentence in place of each, and what they are of.

    Parameters
    ----------
    simulated, real
        The samples; None: nothing is known of real galaxies yet.
    is_open
        Whether a dataset is open.
    """
    noise, size = _noise(simulated, real), _size(simulated, real)
    found = int(np.isfinite(simulated.radius).sum())
    said = f"Filled: {len(simulated.noise)} simulated, {found} of them detected."
    if real is not None:
        detected = int(np.isfinite(real.radius).sum())
        said += f" Line: {len(real.noise)} of your {count_of(real.total or 0, 'galaxy')}, {detected} of them detected."
        said += f" {_UNKNOWN_UNIT}" if _factor(simulated, real) is None else ""
    elif is_open:
        said += " Measuring yours…"
    else:
        said += f" {_NO_GALAXIES}"
    return noise, size, said


def _noise(simulated: Sample, real: Sample | None) -> Histogram | str:
    own = simulated.noise[np.isfinite(simulated.noise)]
    if not len(own):
        return "No stamp shows enough sky for its noise to be measured."
    factor = None if real is None else _factor(simulated, real)
    theirs = np.empty(0) if real is None or factor is None else real.noise[np.isfinite(real.noise)] * factor
    return own, theirs, simulated.unit


def _size(simulated: Sample, real: Sample | None) -> Histogram | str:
    own = simulated.radius[np.isfinite(simulated.radius)]
    if not len(own):
        return "No simulated galaxy stands out of the noise."
    theirs = np.empty(0) if real is None or not real.in_arcsec else real.radius[np.isfinite(real.radius)]
    return own, theirs, "arcsec"


def _factor(simulated: Sample, real: Sample) -> float | None:
    """By what real pixels are multiplied to be in the unit of the simulated ones; None: it is not known."""
    if simulated.zero_point is not None and real.zero_point is not None:
        return float(10 ** (0.4 * (simulated.zero_point - real.zero_point)))
    return 1.0 if simulated.unit and simulated.unit == real.unit else None
