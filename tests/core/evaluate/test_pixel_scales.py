from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core.data.target import Quantities
from core.errors import NotPossible
from core.evaluate.pixel_scales import convert_sizes
from core.nets.predictor import Predictor
from core.nets.training_range import TrainingRange

ONE_SCALE = TrainingRange(100, {}, {}, (0.1, 0.1))


def trained(unit: str, known: TrainingRange | None = ONE_SCALE) -> Predictor:
    """All that is asked of a network here, trained at 0.1 arcsec/pixel."""
    target = Quantities(("x",), (unit,))
    return cast("Predictor", SimpleNamespace(target=target, pixel_scale=0.1, training_range=known))


def converted(unit: str, value: float, scale: float, known: TrainingRange | None = ONE_SCALE) -> Any:
    values, errors, problems = convert_sizes(
        np.full((1, 1), value, np.float32), np.full((1, 1), 0.5, np.float32), trained(unit, known), np.array([scale])
    )
    assert errors is not None
    return float(values[0, 0]), float(errors[0, 0]), [problem.sentence for problem in problems]


@pytest.mark.parametrize(
    ("unit", "value", "expected", "error"),
    [
        ("arcsec", 2.0, 8.0, 2.0),
        ("arcmin", 2.0, 8.0, 2.0),
        ("arcsec2", 2.0, 32.0, 8.0),
        ("1 / arcsec2", 2.0, 0.125, 0.03125),
        ("dex(arcsec)", 0.3, 0.3 + np.log10(4), 0.5),
        ("mag / arcsec2", 22.0, 22.0 + 5 * np.log10(4), 0.5),
        ("mag", 22.0, 22.0, 0.5),
        ("", 0.3, 0.3, 0.5),
        ("pix", 3.0, 3.0, 0.5),
        ("deg", 30.0, 30.0, 0.5),
        ("log(solMass)", 10.0, 10.0, 0.5),
    ],
)
def test_each_unit_follows_a_pixel_scale_four_times_as_large(unit, value, expected, error):
    found, bar, said = converted(unit, value, 0.4)
    assert found == pytest.approx(expected, rel=1e-6) and bar == pytest.approx(error, rel=1e-6)
    assert bool(said) == (found != pytest.approx(value))
    assert converted(unit, value, 0.1) == (pytest.approx(value), 0.5, [])


def test_a_surface_brightness_is_that_of_the_same_counts_per_pixel():
    counts, zero_point = 7.0, 25.0  # in one pixel, wherever it is
    then, now = (zero_point - 2.5 * np.log10(counts / scale**2) for scale in (0.1, 0.4))
    assert converted("mag / arcsec2", then, 0.4)[0] == pytest.approx(now, rel=1e-6)


def test_a_unit_with_arcsec_that_is_not_understood_is_refused_only_where_scales_differ():
    assert converted("log arcsec", 0.3, 0.1)[0] == pytest.approx(0.3)
    with pytest.raises(NotPossible, match="“x”, log arcsec, is not understood"):
        converted("log arcsec", 0.3, 0.4)


@pytest.mark.parametrize(
    ("known", "why"),
    [(None, "an earlier version"), (dataclasses.replace(ONE_SCALE, pixel_scale=(0.1, 0.2)), "several")],
)
def test_sizes_stay_where_the_scale_of_the_training_is_not_one(known, why):
    value, _, said = converted("arcsec", 2.0, 0.4, known)
    assert value == 2.0 and len(said) == 1 and "not converted" in said[0] and why in said[0]


def test_galaxies_within_the_scales_of_the_training_stay_as_they_are():
    near = dataclasses.replace(ONE_SCALE, pixel_scale=(0.099, 0.1005))
    assert converted("arcsec", 2.0, 0.0995, near) == (2.0, 0.5, [])
    value, _, said = converted("arcsec", 2.0, np.nan)
    assert value == 2.0 and "is not known" in said[0]
