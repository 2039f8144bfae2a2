"""The truth in the catalogue against the rendered stamps."""

import numpy as np
import pytest

from core.simulate.composition import compose
from core.simulate.galaxy_settings import GalaxySettings
from core.simulate.parameters import draw_parameters
from core.simulate.priors import AxisRatioPrior, RadiusPrior
from core.simulate.psf import build_psf
from core.simulate.psf_settings import PsfSettings
from core.simulate.renderer import render
from core.simulate.settings import SimulationSettings

SIDE, SCALE, COUNT = 128, 0.08, 8
SIZES, RATIOS = RadiusPrior(low=7, high=12), AxisRatioPrior(low=0.4, high=0.8)


@pytest.mark.parametrize("kind", ["bulge + disk", "single Sérsic"])
def test_stamps_have_the_magnitude_half_light_radius_and_angle_of_the_truth(kind: str):
    galaxies = GalaxySettings.model_validate(
        {"kind": kind, "bulge_radius": SIZES, "disk_radius": SIZES, "half_light_radius": SIZES}
        | {"bulge_axis_ratio": RATIOS, "disk_axis_ratio": RATIOS, "axis_ratio": RATIOS}
        | {"bulge_index": {"high": 2.0}, "sersic_index": {"high": 2.0}}
    )
    settings = SimulationSettings(size=SIDE, psf=PsfSettings(kind="gaussian", fwhm=0.05), galaxies=galaxies)
    numbers = np.arange(COUNT)
    drawn = draw_parameters(settings, numbers)
    psf = build_psf(settings.psf, SCALE)
    stamps = render(compose(settings, drawn, numbers), psf, COUNT, SIDE).numpy().astype(np.float64)
    magnitude = settings.stored_zero_point - 2.5 * np.log10(stamps.sum(axis=(1, 2)))
    assert magnitude == pytest.approx(drawn.column("magnitude"), abs=0.01)
    north, west = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    for row, stamp in enumerate(stamps):
        y, x = north - drawn.shift[row, 1], west - drawn.shift[row, 0]
        from_north = np.radians(drawn.column("position_angle")[row])
        along = y * np.cos(from_north) - x * np.sin(from_north)  # east is to the left
        across = y * np.sin(from_north) + x * np.cos(from_north)
        ellipse = np.hypot(along, across / drawn.column("axis_ratio")[row]) * SCALE
        share = stamp[ellipse < drawn.column("half_light_radius")[row]].sum() / stamp.sum()
        assert share == pytest.approx(0.5, abs=0.012)
        round_off = (stamp * along * across).sum() / (stamp * along**2).sum()
        assert abs(round_off) < 0.03, "the major axis is where the angle says"
        assert (stamp * along**2).sum() > (stamp * across**2).sum()
