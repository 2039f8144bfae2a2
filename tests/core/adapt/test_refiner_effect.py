"""A refiner that is trained long enough to matter: from one simulated survey to a noisier one of worse seeing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.adapt.refiner import applying, training
from core.adapt.refiner.settings import RefinerSettings
from core.data.cutouts import Cutouts
from core.events import result_of
from core.simulate import factory
from core.simulate.settings import SimulationSettings

pytestmark = pytest.mark.slow


def survey(path: Path, seed: int, sky: float, fwhm: float) -> Path:
    """The same population under another sky and seeing."""
    settings = SimulationSettings.model_validate(
        {
            "count": 400,
            "size": 32,
            "seed": seed,
            "unit_zero_point": 22.5,
            "instrument": {"name": "test", "band": "r", "pixel_scale": 0.396, "zero_point": 25.6, "exposure": 54.0}
            | {"exposures": 1, "sky": sky, "gain": 6.0, "read_noise": 5.0},
            "psf": {"kind": "moffat", "fwhm": fwhm},
            "galaxies": {
                "kind": "single Sérsic",
                "magnitude": {"low": 17.0, "high": 18.5},
                "half_light_radius": {"low": 2.5, "high": 4.0},
                "sersic_index": {"low": 0.8, "high": 2.0},
                "axis_ratio": {"low": 0.5, "high": 0.9},
            },
        }
    )
    return result_of(factory.simulate(path, settings, workers=1))


def test_refined_galaxies_are_told_apart_less_and_keep_their_photometry(tmp_path: Path):
    simulated = survey(tmp_path / "a.h5", 1, sky=21.5, fwhm=1.2)
    real = survey(tmp_path / "b.h5", 2, sky=20.8, fwhm=1.25)
    settings = RefinerSettings(epochs=30, device="cpu")
    result = result_of(training.run(settings, simulated, real, tmp_path / "refiner"))
    error = np.hypot(result.before.error, result.after.error)
    assert result.before.accuracy > 0.9, "their noise differs by much"
    assert result.after.accuracy < result.before.accuracy - 3 * error
    made = result_of(applying.refine(tmp_path / "refiner", simulated, tmp_path / "refined.h5", device="cpu"))
    assert abs(made.drift[0].median) < settings.most_flux / 2
    with Cutouts.open(simulated) as before, Cutouts.open(tmp_path / "refined.h5") as after:
        assert np.array_equal(after.columns["magnitude"], before.columns["magnitude"])
        rings = [np.std(each.images[:][:, 0, :6], axis=(1, 2)) for each in (before, after)]
        assert np.median(rings[1]) > 1.2 * np.median(rings[0]), "noise was added"
        noise = after.images[:][:, 0, :6, :6] - before.images[:][:, 0, :6, :6]
        assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.5, "and is no fixed pattern"
