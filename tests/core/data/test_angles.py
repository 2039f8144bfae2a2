"""Which columns are angles, and differences, means and spreads on the circle."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import circmean, circstd

from core.data import angles
from core.data.settings import DataSettings
from core.data.target import Quantities, from_dict, recognise, to_dict
from core.errors import SettingsProblem

AXES = np.array([3.0, 91.0, 178.5, 45.0])


@pytest.mark.parametrize(
    ("name", "unit", "values", "period"),
    [
        ("position_angle", "deg", AXES, 180.0),
        ("PA", "degree", AXES - 90, 180.0),
        ("pa_r", "", AXES, 180.0),
        ("THETA_IMAGE", "deg", AXES, 180.0),
        ("position_angle", "rad", np.radians(AXES), np.pi),
        ("kinematic_pa", "deg", 2 * AXES, 360.0),
        ("position_angle", "", np.radians(AXES), None),  # degrees of galaxies that lie alike, or radians
        ("position_angle", "arcsec", AXES, None),
        ("pa_err", "deg", AXES, None),
        ("inclination", "deg", AXES, None),
        ("theta_e", "", AXES, None),
        ("parallax", "deg", AXES, None),
        ("position_angle", "deg", np.array([1.0, 2.0, -999.0]), None),
    ],
)
def test_position_angles_are_recognised_by_name_and_unit(name, unit, values, period):
    found = recognise({name: values}, [name], "quantities", {name: unit})
    assert found.periods == (None if period is None else pytest.approx(period),)
    assert found.angles == (() if period is None else (name,))


def test_the_user_says_which_columns_are_angles():
    columns = {"bar": AXES, "position_angle": AXES, "flux": AXES}
    names = list(columns)

    def periods(wish):
        return recognise(columns, names, "quantities", {"bar": "deg"}, wish).periods

    assert periods("auto") == (None, 180.0, None)
    assert periods("none") == (None, None, None)
    assert periods("bar=180, spin = 360") == (180.0, None, None)
    with pytest.raises(SettingsProblem, match="whole part of a full turn"):
        periods("flux=100")
    with pytest.raises(ValueError, match="position_angle=180"):
        DataSettings(angles="bar")
    with pytest.raises(ValueError, match="bar=-3"):
        DataSettings(angles="bar=-3")
    assert angles.repeats(np.pi, "rad") == 2
    assert angles.repeats(360.0, "deg") == 1


def test_quantities_without_angles_are_written_and_compared_as_they_always_were():
    plain = Quantities(("r", "n"), ("arcsec", ""))
    assert plain == Quantities(("r", "n"), ("arcsec", ""), (None, None))
    assert to_dict(plain) == {"kind": "quantities", "columns": ["r", "n"], "units": ["arcsec", ""]}
    mixed = Quantities(("r", "pa"), ("arcsec", "deg"), (None, 180.0))
    assert from_dict(to_dict(mixed)) == mixed


def test_differences_means_and_spreads_are_those_on_the_circle():
    assert angles.difference(np.array([1.0, 179.0, 90.0]), np.array([179.0, 1.0, 30.0]), 180).tolist() == [2, -2, 60]
    assert angles.difference(np.array([1.0]), np.array([179.0]), None).tolist() == [-178]
    drawn = np.random.default_rng(0).normal(2, 12, (50, 3)) % 180
    assert angles.mean(drawn, 180) == pytest.approx(circmean(drawn, 180, 0, axis=0))
    assert angles.standard_deviation(drawn, 180) == pytest.approx(circstd(drawn, 180, 0, axis=0))
    around = np.arange(0.0, 180, 10)
    assert angles.standard_deviation(around, 180) == pytest.approx(180 / np.sqrt(12))
