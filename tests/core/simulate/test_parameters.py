import numpy as np
import pytest
from scipy import stats

from core.simulate.composition import compose
from core.simulate.galaxy_settings import GalaxySettings
from core.simulate.light import radius_of
from core.simulate.parameters import components, draw_parameters, galaxy_ids
from core.simulate.priors import RadiusPrior
from core.simulate.profiles import Profiles
from core.simulate.realism_settings import REALISTIC, RealismSettings
from core.simulate.settings import SimulationSettings
from core.simulate.streams import Purpose, Streams

COURSE = SimulationSettings()
SINGLE = SimulationSettings(galaxies=GalaxySettings(kind="single Sérsic"))
LIVELY = SimulationSettings(realism=REALISTIC.model_copy(update={"bands": "i, r, g"}))
NUMBERS = np.arange(3000)


def composed(settings: SimulationSettings, numbers: np.ndarray) -> Profiles:
    return compose(settings, draw_parameters(settings, numbers), numbers)


def of_stamp(profiles: Profiles, stamp: int) -> list[np.ndarray]:
    mine = profiles.stamp == stamp
    names = ("flux", "radius", "index", "axis_ratio", "angle", "x", "y")
    return [getattr(profiles, name)[mine] for name in names]


def test_the_course_galaxies_follow_their_priors():
    drawn = draw_parameters(COURSE, NUMBERS)
    pixels = COURSE.instrument.pixel_scale
    expected = {
        "magnitude": (drawn.column("magnitude") - 18) / 6,
        "bulge_to_total": drawn.column("bulge_to_total"),
        "bulge_radius": (np.log10(drawn.column("bulge_radius") / pixels) - 0.2) / 1.1,
        "disk_radius": (np.log10(drawn.column("disk_radius") / pixels) - 0.2) / 1.3,
        "bulge_index": (drawn.column("bulge_index") - 0.5) / 5.5,
        "bulge_axis_ratio": (drawn.column("bulge_axis_ratio") - 0.05) / 0.9,
        "disk_axis_ratio": (drawn.column("disk_axis_ratio") - 0.05) / 0.9,
        "position_angle": drawn.column("position_angle") / 180,
    }
    for name, uniform in expected.items():
        assert stats.kstest(uniform, "uniform").pvalue > 1e-3, name
    correlations = np.corrcoef(np.stack(list(expected.values()))) - np.eye(len(expected))
    assert np.abs(correlations).max() < 0.08, "each parameter is drawn on its own"


def test_the_truth_of_the_whole_galaxy_follows_from_bulge_and_disk():
    drawn = draw_parameters(COURSE, NUMBERS[:50])
    parts = components({name: np.asarray(values) for name, values in drawn.columns.items()})
    assert drawn.column("half_light_radius") == pytest.approx(radius_of(0.5, parts))
    share = drawn.column("bulge_to_total")
    mean = share * drawn.column("bulge_axis_ratio") + (1 - share) * drawn.column("disk_axis_ratio")
    assert drawn.column("axis_ratio") == pytest.approx(mean)
    assert drawn.units["half_light_radius"] == drawn.units["disk_radius"] == "arcsec"
    assert drawn.units["position_angle"] == "deg"
    assert "sersic_index" not in drawn.units
    assert set(draw_parameters(SINGLE, NUMBERS[:2]).columns) == set(SINGLE.galaxies.parameters)


@pytest.mark.parametrize("settings", [COURSE, SINGLE, LIVELY], ids=["course", "single", "lively"])
def test_a_galaxy_is_the_same_in_any_block(settings: SimulationSettings):
    whole, few = draw_parameters(settings, NUMBERS[:40]), draw_parameters(settings, np.array([37, 3]))
    for name, values in few.columns.items():
        assert np.array_equal(values, whole.columns[name][[37, 3]], equal_nan=values.dtype.kind == "f")
    bands = len(settings.band_names)
    all_of_them, some = composed(settings, NUMBERS[:40]), composed(settings, np.array([37, 3]))
    for place, number in enumerate((37, 3)):
        for band in range(bands):
            mine, other = of_stamp(some, place * bands + band), of_stamp(all_of_them, number * bands + band)
            assert all(np.array_equal(a, b) for a, b in zip(mine, other, strict=True))


def test_a_change_of_one_prior_or_feature_leaves_the_other_parameters_alone():
    larger = GalaxySettings(disk_radius=RadiusPrior(low=5, high=30, unit="arcsec"))
    changed = SimulationSettings(galaxies=larger, realism=RealismSettings(arms=0.5, companions=0.5))
    one, other = draw_parameters(COURSE, NUMBERS[:20]), draw_parameters(changed, NUMBERS[:20])
    for name in ("magnitude", "bulge_to_total", "bulge_radius", "position_angle"):
        assert np.array_equal(one.columns[name], other.columns[name])
    assert (other.column("disk_radius") >= 5).all()


@pytest.mark.parametrize("settings", [COURSE, SINGLE], ids=["course", "single"])
def test_the_profiles_have_the_flux_of_the_magnitude_and_the_angle_of_the_sky(settings: SimulationSettings):
    settings = settings.model_copy(update={"unit_zero_point": 22.5})
    numbers = NUMBERS[:30]
    drawn = draw_parameters(settings, numbers)
    profiles = compose(settings, drawn, numbers)
    total = np.bincount(profiles.stamp, profiles.flux)
    assert total == pytest.approx(10 ** (-0.4 * (drawn.column("magnitude") - 22.5)))
    angle = np.radians(drawn.column("position_angle"))[profiles.stamp]
    north, east = np.cos(angle), np.sin(angle)
    assert np.cos(profiles.angle) == pytest.approx(-east, abs=1e-9), "east is to the left"
    assert np.sin(profiles.angle) == pytest.approx(north, abs=1e-9)
    assert np.abs([profiles.x, profiles.y]).max() <= 0.5


@pytest.mark.parametrize("feature", ["arms", "bars", "clumps", "tidal"])
def test_a_feature_takes_its_light_from_the_galaxy_and_adds_none(feature: str):
    settings = SimulationSettings(realism=RealismSettings(**{feature: 0.5}))
    numbers = NUMBERS[:200]
    drawn = draw_parameters(settings, numbers)
    profiles = compose(settings, drawn, numbers)
    total = np.bincount(profiles.stamp, profiles.flux)
    assert total == pytest.approx(10 ** (-0.4 * (drawn.column("magnitude") - settings.stored_zero_point)))
    has = drawn.features.has[feature]
    assert 0.38 < has.mean() < 0.62
    parts = np.bincount(profiles.stamp)
    assert (parts[has] > parts[~has].max()).all()
    assert (parts[~has] == 2).all()
    column = {"arms": "spiral_arms", "bars": "bar", "clumps": "clumps", "tidal": "tidal_feature"}[feature]
    assert np.array_equal(drawn.columns[column] == "yes", has)


def test_fully_analytic_galaxies_have_no_columns_of_features():
    assert not {"environment", "spiral_arms", "cosmic_ray"} & set(draw_parameters(COURSE, NUMBERS[:2]).columns)


def test_companions_are_as_far_and_as_faint_as_the_truth_says():
    settings = SimulationSettings(realism=RealismSettings(companions=0.6, blended=0.3))
    drawn = draw_parameters(settings, NUMBERS[:300])
    profiles = compose(settings, drawn, NUMBERS[:300])
    has = drawn.companions.exists
    assert 0.5 < has.mean() < 0.7
    third = np.flatnonzero(np.bincount(profiles.stamp) == 3)
    assert np.array_equal(third, np.flatnonzero(has))
    last = np.cumsum(np.bincount(profiles.stamp))[third] - 1
    first = last - 2
    apart = np.hypot(profiles.x[last] - profiles.x[first], profiles.y[last] - profiles.y[first])
    assert apart * settings.instrument.pixel_scale == pytest.approx(drawn.column("neighbour_distance")[third])
    galaxy = 10 ** (-0.4 * (drawn.column("magnitude")[third] - settings.stored_zero_point))
    fainter = -2.5 * np.log10(profiles.flux[last] / galaxy)
    assert fainter == pytest.approx(drawn.column("neighbour_magnitude_difference")[third])
    environment = drawn.columns["environment"]
    assert (environment[~has] == "isolated").all()
    on_stamp = drawn.companions.is_on_stamp[third]
    assert np.array_equal(environment[third] == "bright neighbour", on_stamp & (fainter <= 1.505))
    assert on_stamp.mean() > 0.9
    assert np.isnan(drawn.column("neighbour_distance")[~has]).all()


def test_a_colour_gradient_makes_the_bulge_redder_and_keeps_the_magnitude():
    settings = SimulationSettings(realism=RealismSettings(bands="i, r, g", gradients=1.0))
    drawn = draw_parameters(settings, NUMBERS[:100])
    profiles = compose(settings, drawn, NUMBERS[:100])
    bulge, disk = profiles.flux.reshape(100, 3, 2).transpose(2, 0, 1)
    colour = 2.5 * np.log10(bulge[:, 0] / bulge[:, 2]) - 2.5 * np.log10(disk[:, 0] / disk[:, 2])
    assert colour == pytest.approx(2 * settings.realism.gradient)
    total = 10 ** (-0.4 * (drawn.column("magnitude") - settings.stored_zero_point))
    assert (bulge + disk)[:, 0] == pytest.approx(total)


def test_random_streams_are_uniform_and_know_nothing_of_each_other():
    shares = Streams(1, Purpose.PARAMETERS).shares(NUMBERS, 4)
    other = Streams(1, Purpose.NOISE).shares(NUMBERS, 4)
    assert all(stats.kstest(column, "uniform").pvalue > 1e-3 for column in shares.T)
    neighbours = [np.corrcoef(shares[lag:, 0], shares[:-lag, 0])[0, 1] for lag in (1, 2, 16, 256, 1024)]
    assert np.abs(neighbours).max() < 0.07
    assert abs(np.corrcoef(shares[:, 0], other[:, 0])[0, 1]) < 0.07
    assert np.array_equal(Streams(1, Purpose.PARAMETERS).shares(NUMBERS[5:6], 4)[0], shares[5])


def test_galaxies_have_the_same_names_only_where_they_are_the_same() -> None:
    names = galaxy_ids(SimulationSettings(count=3))
    assert galaxy_ids(SimulationSettings(count=2)) == names[:2] and names[0].startswith("sim-")
    shifted = SimulationSettings(count=3, galaxies=GalaxySettings(shift=0.7))
    for other in (SimulationSettings(count=3, seed=2), shifted):
        assert not set(galaxy_ids(other)) & set(names)
