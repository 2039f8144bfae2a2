"""Jobs of the Simulate room, not yet started. They import the renderer late, on the job's thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.events import Work
from core.settings import toml
from core.simulate.priors import Prior
from core.simulate.settings import SimulationSettings

if TYPE_CHECKING:
    from core.simulate.preview import LiveGrid

_POINTS = 121


@dataclass(frozen=True, eq=False)
class Sample:
    """Noise and apparent size of some galaxies.

    Attributes
    ----------
    noise
        (n,) of the sky in a pixel, in the unit of the stamps; NaN where no sky is seen.
    radius
        (n,) half-light radii as measured, in arcsec, or in pixels where the scale is not known; NaN without a galaxy.
    in_arcsec
        Whether the radii are.
    unit, zero_point
        Of the pixels; None: the magnitude of a unit is not known.
    total
        Galaxies from which the sample was taken; None: without limit.
    """

    noise: NDArray[np.float64]
    radius: NDArray[np.float64]
    in_arcsec: bool
    unit: str
    zero_point: float | None
    total: int | None = None


def draw_grid(settings: SimulationSettings, count: int) -> Job:
    """Simulate the first galaxies of a survey."""

    def run(stop: threading.Event) -> Work[LiveGrid]:
        from core.simulate import preview

        yield from begin_unless_stopped(stop)
        return preview.live_grid(settings, count)

    return Job("Simulating some galaxies", run)


def measure_simulated(settings: SimulationSettings) -> Job:
    """Measure noise and sizes of a sample of a simulated survey, in its first band."""

    def run(stop: threading.Event) -> Work[Sample]:
        from core.data.sample_statistics import SAMPLE, measure_sample
        from core.simulate import preview

        yield from begin_unless_stopped(stop)
        grid = preview.live_grid(settings, SAMPLE)
        found = measure_sample(grid.stamps[:, 0], stop)
        band = grid.bands[0]
        return Sample(found.noise, found.radius * settings.instrument.pixel_scale, True, band.unit, band.zero_point)

    return Job("Measuring simulated galaxies", run)


def measure_real(data: Path, plane: int) -> Job:
    """Measure noise and sizes of a sample of a dataset, in one band."""

    def run(stop: threading.Event) -> Work[Sample]:
        from core.data.cutouts import Cutouts
        from core.data.sample_statistics import SAMPLE, measure_sample

        yield from begin_unless_stopped(stop)
        with Cutouts.open(data) as cutouts:
            rows = np.unique(np.linspace(0, len(cutouts) - 1, min(len(cutouts), SAMPLE)).astype(np.int64))
            found = measure_sample((cutouts.images[row][plane].astype(np.float32) for row in rows), stop)
            scale, band = cutouts.pixel_scale[rows], cutouts.bands[plane]
            known = bool(np.isfinite(scale).any())
            radius = found.radius * (scale if known else 1.0)
            return Sample(found.noise, radius, known, band.unit, band.zero_point, len(cutouts))

    return Job("Measuring your galaxies", run)


def read_density(prior: Prior) -> Job:
    """Read the density of a prior from its catalogue; gives values and density there."""

    def run(stop: threading.Event) -> Work[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        from core.simulate.prior_column import read_values

        yield from begin_unless_stopped(stop)
        values = np.linspace(*prior.support, _POINTS)
        return values, prior.density(values, read_values(prior.table, prior.column))

    return Job("Reading the catalogue", run)


def list_unfinished(folder: Path) -> Job:
    """The simulations in a folder that were interrupted: the dataset to be, galaxies that are there, and all."""

    def run(stop: threading.Event) -> Work[list[tuple[Path, int, int]]]:
        from core.simulate import unfinished

        yield from begin_unless_stopped(stop)
        return [(path, found.galaxies, found.blocks.shape[0]) for path, found in unfinished.list_unfinished(folder)]

    return Job("Looking for unfinished simulations", run)


def read_unfinished(output: Path) -> Job:
    """The settings of an unfinished simulation."""

    def run(stop: threading.Event) -> Work[tuple[Path, SimulationSettings]]:
        from core.simulate import unfinished

        yield from begin_unless_stopped(stop)
        return output, toml.load(SimulationSettings, unfinished.settings_of(output))

    return Job("Reading the settings", run)


def remove_unfinished(output: Path) -> Job:
    """Remove what there is of an unfinished simulation."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.simulate import unfinished

        yield from begin_unless_stopped(stop)
        unfinished.remove_unfinished(output)
        return output

    return Job(f"Removing “{output.stem}”", run)


def make(settings: SimulationSettings, output: Path) -> Job:
    """Make the galaxies, and write them as a dataset; what an earlier attempt has written is not made again."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.simulate import factory

        return (yield from factory.simulate(output, settings, stop))

    return Job(f"Simulating “{output.stem}”", run)
