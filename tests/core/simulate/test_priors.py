from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from core.errors import CatalogueProblem, NotPossible
from core.simulate.galaxy_settings import GalaxySettings
from core.simulate.prior_column import read_values
from core.simulate.prior_remarks import describe_priors
from core.simulate.priors import AxisRatioPrior, FractionPrior, MagnitudePrior, Prior, RadiusPrior
from core.simulate.settings import SimulationSettings

COUNT = 4000
LOW, HIGH = 2.0, 20.0


def normal(centre: float, scatter: float, low: float, high: float) -> stats.rv_continuous:
    return stats.truncnorm((low - centre) / scatter, (high - centre) / scatter, centre, scatter)


PRIORS = {
    "uniform": (Prior(low=LOW, high=HIGH), lambda x: stats.uniform(LOW, HIGH - LOW).cdf(x)),
    "log-uniform": (Prior(kind="log-uniform", low=LOW, high=HIGH), lambda x: stats.loguniform(LOW, HIGH).cdf(x)),
    "normal": (
        Prior(kind="normal", typical=5, scatter=4, low=LOW, high=HIGH),
        lambda x: normal(5, 4, LOW, HIGH).cdf(x),
    ),
    "normal in the logarithm": (
        RadiusPrior(kind="normal", typical=5, scatter=0.3, low=LOW, high=HIGH),
        lambda x: normal(np.log10(5), 0.3, np.log10(LOW), np.log10(HIGH)).cdf(np.log10(x)),
    ),
    "falling power law": (
        Prior(kind="power law", slope=-2.5, low=LOW, high=HIGH),
        lambda x: (x**-1.5 - LOW**-1.5) / (HIGH**-1.5 - LOW**-1.5),
    ),
    "rising power law": (
        Prior(kind="power law", slope=3, low=LOW, high=HIGH),
        lambda x: (x**4 - LOW**4) / (HIGH**4 - LOW**4),
    ),
    "power law of −1": (
        Prior(kind="power law", slope=-1, low=LOW, high=HIGH),
        lambda x: np.log(x / LOW) / np.log(HIGH / LOW),
    ),
    "counts of magnitudes": (
        MagnitudePrior(kind="power law", slope=0.3, low=18, high=24),
        lambda x: (10 ** (0.3 * x) - 10**5.4) / (10**7.2 - 10**5.4),
    ),
    "flat counts": (MagnitudePrior(kind="power law", slope=0, low=18, high=24), lambda x: (x - 18) / 6),
    "falling counts": (
        MagnitudePrior(kind="power law", slope=-0.2, low=18, high=24),
        lambda x: (10 ** (-0.2 * x) - 10**-3.6) / (10**-4.8 - 10**-3.6),
    ),
}


@pytest.mark.parametrize(("prior", "below"), PRIORS.values(), ids=PRIORS)
def test_drawn_values_follow_the_distribution(prior: Prior, below):
    values = prior.draw(np.random.default_rng(1), COUNT)
    assert stats.kstest(values, below).pvalue > 1e-3
    assert values.min() >= prior.low
    assert values.max() <= prior.high


@pytest.mark.parametrize(("prior", "below"), PRIORS.values(), ids=PRIORS)
def test_the_density_on_the_plot_is_that_of_the_distribution(prior: Prior, below):
    x = np.linspace(prior.low, prior.high, 20001)
    within = np.cumsum((prior.density(x)[1:] + prior.density(x)[:-1]) / 2 * np.diff(x))
    assert np.abs(within - below(x[1:])).max() < 1e-3
    assert (prior.density(np.array([prior.low - 1e-6, prior.high + 1e-6])) == 0).all()


def test_steep_counts_do_not_overflow():
    for slope in (-20, 20):
        prior = MagnitudePrior(kind="power law", slope=slope, low=0, high=40)
        values = prior.draw(np.random.default_rng(1), 100)
        assert np.isfinite(values).all()
        assert np.isfinite(prior.density(np.linspace(0, 40, 50))).all()


def test_a_tied_size_follows_its_relation_with_the_asked_scatter():
    prior = RadiusPrior(
        kind="tied", tied_to="magnitude", typical=5, pivot=21, slope=-0.1, scatter=0.05, low=0.1, high=99
    )
    magnitude = np.random.default_rng(2).uniform(18, 24, COUNT)
    sizes = prior.draw(np.random.default_rng(1), COUNT, {"magnitude": magnitude})
    off = np.log10(sizes) - (np.log10(5) - 0.1 * (magnitude - 21))
    assert stats.kstest(off / 0.05, stats.norm.cdf).pvalue > 1e-3


def test_a_size_tied_to_a_size_is_a_power_of_it():
    prior = RadiusPrior(
        kind="tied", tied_to="disk_radius", typical=2, pivot=8, slope=0.5, scatter=1e-3, low=0.1, high=99
    )
    sizes = prior.draw(np.random.default_rng(1), 3, {"disk_radius": np.array([2.0, 8.0, 32.0])})
    assert sizes == pytest.approx([1, 2, 4], rel=0.02)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    random = np.random.default_rng(3)
    magnitudes = 24 + np.log(random.random(COUNT)) / (0.4 * np.log(10))  # counts rise as 10^(0.4 m)
    path = tmp_path / "survey.csv"
    lines = [f"{i},{m:.5f},spiral" for i, m in enumerate(magnitudes)]
    path.write_text("\n".join(["id,mag,kind", *lines, "9999,nan,spiral"]), encoding="utf-8")
    return path


def test_values_are_drawn_as_in_the_column_of_a_catalogue(catalogue: Path):
    prior = MagnitudePrior(kind="column", table=str(catalogue), column="mag", low=20, high=24)
    known = read_values(prior.table, prior.column)
    drawn = prior.draw(np.random.default_rng(1), COUNT, known=known)
    assert len(known) == COUNT
    assert stats.ks_2samp(drawn, known[known > 20]).pvalue > 1e-3


def test_flattening_makes_the_rare_bright_galaxies_as_frequent_as_the_others(catalogue: Path):
    prior = MagnitudePrior(kind="column", table=str(catalogue), column="mag", flatten=1, low=21, high=24)
    known = read_values(prior.table, prior.column)
    drawn = prior.draw(np.random.default_rng(1), COUNT, known=known)
    assert stats.kstest(drawn, lambda x: (x - 21) / 3).statistic < 0.04
    half = prior.model_copy(update={"flatten": 0.5}).draw(np.random.default_rng(1), COUNT, known=known)
    assert (known[known > 21] < 22).mean() < (half < 22).mean() < (drawn < 22).mean()


def test_a_catalogue_that_cannot_serve_says_why(catalogue: Path):
    with pytest.raises(CatalogueProblem, match="no such catalogue"):
        read_values(str(catalogue.with_name("other.csv")), "mag")
    with pytest.raises(CatalogueProblem, match="magnitude"):
        read_values(str(catalogue), "magnitude")
    with pytest.raises(CatalogueProblem, match="holds no numbers"):
        read_values(str(catalogue), "kind")
    faint = MagnitudePrior(kind="column", table=str(catalogue), column="mag", low=30, high=32)
    with pytest.raises(CatalogueProblem, match="no values between 30 and 32"):
        faint.draw(np.random.default_rng(1), 3, known=read_values(str(catalogue), "mag"))


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (lambda: Prior(low=2, high=2), "must be smaller"),
        (lambda: Prior(kind="log-uniform", low=0), "above 0"),
        (lambda: AxisRatioPrior(low=0.2, high=1.2), "less than or equal to 1"),
        (lambda: RadiusPrior(kind="tied", tied_to="disk_radius"), "above 0"),
        (lambda: GalaxySettings(bulge_to_total=FractionPrior(kind="tied", tied_to="colour")), "which is no parameter"),
        (
            lambda: GalaxySettings(
                bulge_to_total=FractionPrior(kind="tied", tied_to="bulge_index"),
                bulge_index={"kind": "tied", "tied_to": "bulge_to_total"},
            ),
            "tied to one another in a circle",
        ),
    ],
)
def test_priors_that_make_no_sense_are_refused(wrong, because: str):
    with pytest.raises(ValidationError, match=because):
        wrong()


def test_parameters_are_drawn_after_those_they_are_tied_to():
    settings = GalaxySettings(magnitude=MagnitudePrior(kind="tied", tied_to="disk_radius", pivot=5, typical=20))
    order = settings.drawing_order
    assert order.index("disk_radius") < order.index("magnitude")
    assert sorted(order) == sorted(settings.parameters)


@pytest.mark.parametrize(
    "prior",
    [
        MagnitudePrior(kind="normal"),
        MagnitudePrior(kind="normal", typical=40, scatter=1),
        RadiusPrior(kind="normal", typical=0.01),
    ],
)
def test_a_normal_distribution_far_outside_its_limits_is_refused_and_not_made_one_number(prior: Prior):
    with pytest.raises(NotPossible, match="all galaxies would have the same value"):
        prior.at(np.linspace(0, 1, 9))


def test_what_priors_leave_out_or_pile_up_at_a_limit_is_said(tmp_path: Path) -> None:
    table = tmp_path / "other.csv"
    table.write_text("id,mag\n" + "\n".join(["a,20.5", "b,21.5", "c,", "d,nan", "e,30"] * 4) + "\n")
    galaxies = GalaxySettings(
        kind="single Sérsic",
        magnitude=MagnitudePrior(kind="column", table=str(table), column="mag"),
        half_light_radius=RadiusPrior(kind="tied", tied_to="magnitude", typical=5, slope=-0.5, pivot=20.5, scatter=0.1),
    )
    said = describe_priors(SimulationSettings(galaxies=galaxies))
    assert said[0] == (
        "Magnitude: of 20 rows of the column “mag”, 8 rows without a value and 4 values outside the limits are not "
        "drawn."
    )
    assert len(said) == 1
    steep = galaxies.half_light_radius.model_copy(update={"slope": -1.2})
    said = describe_priors(SimulationSettings(galaxies=galaxies.model_copy(update={"half_light_radius": steep})))
    assert "Half-light radius: for about" in said[1] and "outside 1 to 20: they pile up there" in said[1]
    assert describe_priors(SimulationSettings()) == ()
