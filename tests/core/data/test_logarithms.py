"""Which columns are learned as logarithms."""

from __future__ import annotations

import numpy as np
import pytest

from core.data import logarithms
from core.data.encodings import LOGARITHM, PLAIN, mean, reach, residual
from core.data.target import Quantities, from_dict, recognise, to_dict
from core.errors import SettingsProblem
from core.simulate.factory import LABELS
from core.simulate.parameters import UNITS

POSITIVE = np.array([0.2, 3.0, 40.0, 1.5])


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("half_light_radius", "arcsec"),
        ("radius", ""),
        ("R_e", "kpc"),
        ("re_pix", "pix"),
        ("r50", "arcsec"),
        ("petroR50_r", "arcsec"),
        ("petroRad_r", "arcsec"),
        ("KRON_RADIUS", ""),
        ("FLUX_RADIUS", "pix"),
        ("fwhm", "arcsec"),
        ("size", "pix"),
        ("sersic_index", ""),
        ("sersic_n", ""),
        ("bulge_index", ""),
        ("FLUX_AUTO", "nJy"),
        ("modelFlux_r", "nanomaggy"),
    ],
)
def test_sizes_fluxes_and_sersic_indices_are_recognised_if_they_are_positive(name, unit):
    assert recognise({name: POSITIVE}, [name], "quantities", {name: unit}).logarithms == (name,)
    assert recognise({name: POSITIVE - 0.2}, [name], "quantities", {name: unit}).logarithms == ()


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("magnitude", "mag"),
        ("modelMag_r", ""),
        ("log_radius", ""),
        ("logr", ""),
        ("radius", "dex(arcsec)"),
        ("flux", "mag"),
        ("logmass", ""),
        ("stellar_mass", ""),  # 0.2 to 40: no masses in suns
        ("size", ""),
        ("radius", "mag"),
        ("radius_ratio", ""),
        ("flux_fraction", ""),
        ("half_light_radius_error", "arcsec"),
        ("axis_ratio", ""),
        ("bulge_to_total", ""),
        ("redshift", ""),
        ("p_smooth", ""),
        ("sersic_pa", "deg"),
        ("gradient", ""),
        ("x", "pix"),
    ],
)
def test_magnitudes_logarithms_fractions_and_redshifts_are_not(name, unit):
    assert recognise({name: POSITIVE}, [name], "quantities", {name: unit}).logarithms == ()


def test_masses_are_where_they_are_in_suns_and_no_logarithms():
    assert recognise({"stellar_mass": POSITIVE * 1e9}, ["stellar_mass"], "quantities").logarithms == ("stellar_mass",)
    assert recognise({"stellar_mass": POSITIVE % 3 + 9}, ["stellar_mass"], "quantities").logarithms == ()


def test_of_simulated_galaxies_radii_and_the_sersic_index_are_learned_as_logarithms():
    random = np.random.default_rng(0)
    columns = {name: random.uniform(0.1, 0.9, 20) * (180 if name == "position_angle" else 1) for name in LABELS}
    found = recognise(columns, LABELS, "auto", UNITS)
    assert isinstance(found, Quantities)
    assert found.logarithms == ("half_light_radius", "sersic_index", "bulge_radius", "disk_radius")
    assert found.angles == ("position_angle",)


def test_only_galaxies_that_are_used_decide():
    columns = {"radius": np.array([-99.0, 1, 2, 3]), "magnitude": np.array([np.nan, 20, 21, 22])}
    assert recognise(columns, list(columns), "quantities").logarithms == ("radius",)


def test_the_user_says_which_columns_are_learned_as_logarithms():
    columns = {"radius": POSITIVE, "width": POSITIVE, "depth": POSITIVE - 1.5, "pa": POSITIVE * 4}

    def found(wish):
        return recognise(columns, list(columns), "quantities", {"pa": "deg"}, "auto", wish).logarithms

    assert found("auto") == ("radius",)
    assert found("none") == found("") == ()
    assert found("width, luminosity, radius") == ("radius", "width")
    with pytest.raises(SettingsProblem, match=r"“depth” .* 2 of its 4 values are zero or negative") as told:
        found("depth")
    assert "Leave these values empty" in told.value.remedy and told.value.where == "data.logarithms"
    with pytest.raises(SettingsProblem, match="“pa” is an angle"):
        found("pa")
    assert logarithms.parse("none") == ()


def test_quantities_without_logarithms_are_written_and_compared_as_they_always_were():
    assert to_dict(Quantities(("r",), ("arcsec",))) == {"kind": "quantities", "columns": ["r"], "units": ["arcsec"]}
    both = Quantities(("r", "pa"), ("arcsec", "deg"), (None, 180.0), ("r",))
    assert from_dict(to_dict(both)) == both != Quantities(both.columns, both.units, both.periods)
    assert [each.is_logarithm for each in both.encodings] == [True, False]


def test_error_over_value_is_the_standard_deviation_of_the_logarithm():
    value, error = np.array([2.0]), np.array([1.0])
    low, high = (float(each[0]) for each in reach(value, error, LOGARITHM))
    assert (2 - low, 2 + high) == pytest.approx((2 * np.exp(-0.5), 2 * np.exp(0.5)))
    for end in (2 - low, 2 + high):
        assert abs(residual(value, np.array([end]), LOGARITHM)[0]) == pytest.approx(1)
    assert residual(value, np.array([0.0]), LOGARITHM)[0] == np.inf, "no error bar reaches zero"
    assert np.isnan(residual(value, np.array([np.nan]), LOGARITHM)[0])
    assert residual(value, np.array([3.0]), PLAIN)[0] == -1
    assert float(mean(np.array([1.0, 4.0]), LOGARITHM)) == pytest.approx(2)
