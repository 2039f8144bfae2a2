"""From which distribution a parameter of simulated galaxies is drawn.

A prior turns one number between 0 and 1 for each galaxy into the parameter by its quantile function, so that a galaxy's
parameters depend on nothing but its own random numbers, and that a change of one prior leaves the others' values alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from core.errors import CatalogueProblem, NotPossible
from core.settings.declare import Settings, setting

Values = NDArray[np.float64]
Drawn = Mapping[str, Values]

_BINS = 64  # of the histogram that tells how frequent the values of a column are
_LEAST_SHARE = 1e-12  # shares of exactly 0 and 1 would be infinitely many standard deviations away
_FARTHEST = 6.0  # standard deviations: limits that are farther from the typical value would all be one number, a limit


class Prior(Settings):
    """The distribution of one parameter between two limits.

    Attributes
    ----------
    logarithmic
        Whether scatter and relations are those of the decimal logarithm, as of sizes.
    exponential
        Whether a power law is one of 10^x, as the counts of magnitudes are.
    """

    logarithmic: ClassVar[bool] = False
    exponential: ClassVar[bool] = False

    kind: Literal["uniform", "log-uniform", "normal", "power law", "column", "tied"] = setting(
        "uniform",
        title="Distribution",
        help="Uniform; log-uniform: the logarithm is uniform; normal: around the typical value; power law; column: as "
        "in a column of your catalogue; tied: along a relation with another parameter, with scatter. All are cut off "
        "at the limits.",
    )
    low: float = setting(0.0, title="Lowest", help="Smaller values are not drawn.", ge=-1e6, le=1e6)
    high: float = setting(1.0, title="Highest", help="Larger values are not drawn.", ge=-1e6, le=1e6)
    typical: float = setting(
        0.5,
        title="Typical value",
        help="Centre of the normal distribution, or the value at which a tied one starts. For sizes it is the median.",
        ge=-1e6,
        le=1e6,
        applies=("kind", ("normal", "tied")),
    )
    scatter: float = setting(
        0.2,
        title="Scatter",
        help="Standard deviation around the typical value or the relation; of the decimal logarithm (dex) for sizes.",
        gt=0,
        le=1e6,
        applies=("kind", ("normal", "tied")),
    )
    slope: float = setting(
        0.0,
        title="Slope",
        help="Power law: the exponent, numbers ∝ x^slope; for magnitudes, numbers ∝ 10^(slope · m), where 0.6 is that "
        "of real bright galaxies and 0 uniform. Tied: the change for one unit of the other parameter; sizes count in "
        "dex.",
        ge=-20,
        le=20,
        applies=("kind", ("power law", "tied")),
    )
    tied_to: str = setting(
        "magnitude",
        title="Tied to",
        help="Name of the other parameter, such as magnitude or bulge_radius.",
        applies=("kind", ("tied",)),
    )
    pivot: float = setting(
        0.0,
        title="At the other's value",
        help="Where the other parameter has this value, the relation passes through the typical value.",
        ge=-1e6,
        le=1e6,
        applies=("kind", ("tied",)),
    )
    table: str = setting(
        "",
        title="Catalogue",
        help="A table (CSV, FITS, VOTable, Parquet), in the same unit as the limits.",
        applies=("kind", ("column",)),
    )
    column: str = setting("", title="Column", help="Column of the catalogue.", applies=("kind", ("column",)))
    flatten: float = setting(
        0.0,
        title="Flattening",
        help="How much rarer values are favoured: 0 keeps the numbers of the catalogue, 1 makes all values equally "
        "frequent, so that the rare bright galaxies are learned, too.",
        ge=0,
        le=1,
        applies=("kind", ("column",)),
    )

    @model_validator(mode="after")
    def _limits_in_order(self) -> Prior:
        if self.low >= self.high:
            raise ValueError("the lowest value must be smaller than the highest")
        if self.low <= 0 and (self.kind == "log-uniform" or (self.kind == "power law" and not self.exponential)):
            raise ValueError(f"a {self.kind} prior needs a lowest value above 0")
        if self.logarithmic and self.typical <= 0:
            raise ValueError("the typical size must be above 0")
        if self.kind == "tied" and self.tied_to.endswith("radius") and self.pivot <= 0:
            raise ValueError("the size at which the relation passes through the typical value must be above 0")
        return self

    def draw(
        self, random: np.random.Generator, count: int, drawn: Drawn | None = None, known: Values | None = None
    ) -> Values:
        """Draw values for ``count`` galaxies; the rest as for :meth:`at`."""
        return self.at(random.random(count), drawn, known)

    def at(self, share: Values, drawn: Drawn | None = None, known: Values | None = None) -> Values:
        """The values below which these shares of all galaxies lie.

        Parameters
        ----------
        share
            (n,), from 0 to 1.
        drawn
            Values (n,) of the parameters that were drawn before, by name; needed by a tied prior.
        known
            The sorted values of the catalogue's column, as :func:`core.simulate.prior_column.read_values` gives them;
            needed by a prior from a column.

        Raises
        ------
        CatalogueProblem
            The column has no values between the limits.
        NotPossible
            The limits hold nothing of the normal distribution.
        """
        low, high = self.low, self.high
        match self.kind:
            case "uniform":
                values = low + share * (high - low)
            case "log-uniform":
                values = low * (high / low) ** share
            case "power law":
                values = self._at_power_law(share)
            case "normal":
                self._require_typical_near_limits()
                values = self._at_normal(share, np.full(len(share), self._scaled(self.typical)))
            case "column":
                values = np.interp(share, *self._quantiles(known))
            case "tied":
                values = self._at_normal(share, self._relation((drawn or {})[self.tied_to]))
        return np.clip(values, low, high)

    def density(self, values: Values, known: Values | None = None) -> Values:
        """The probability density at some values (n,), for a plot; of a tied prior, that of the relation at its pivot.

        ``known`` is as for :meth:`at`; without it the density of a column is 0.

        Raises
        ------
        CatalogueProblem
            The column has no values between the limits.
        """
        inside = (values >= self.low) & (values <= self.high)
        at = np.where(inside, values, self.high)
        match self.kind:
            case "uniform":
                density = np.full(len(at), 1 / (self.high - self.low))
            case "log-uniform":
                density = 1 / (at * math.log(self.high / self.low))
            case "power law":
                density = self._power_law_density(at)
            case "normal" | "tied":
                density = self._normal_density(at)
            case "column" if known is None:
                density = np.zeros(len(at))
            case "column":
                heights, edges = self._histogram(known)
                place = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(heights) - 1)
                density = np.where((at >= edges[0]) & (at <= edges[-1]), heights[place], 0.0)
        return np.where(inside, density, 0.0)

    @property
    def support(self) -> tuple[float, float]:
        """Between which values a plot should be drawn."""
        return self.low, self.high

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value

    def _relation(self, other: Values) -> Values:
        """What the other parameter's values (n,) lead to, in dex for sizes."""
        is_size = self.tied_to.endswith("radius")
        steps = np.log10(other) - math.log10(self.pivot) if is_size else other - self.pivot
        return self._scaled(self.typical) + self.slope * steps

    def leaves_limits(self, drawn: Drawn) -> NDArray[np.bool_]:
        """For which galaxies (n,) a tied prior's relation, without its scatter, leads outside the limits."""
        centre = self._relation(drawn[self.tied_to])
        return (centre < self._scaled(self.low)) | (centre > self._scaled(self.high))

    def _require_typical_near_limits(self) -> None:
        centre, low, high = (self._scaled(value) for value in (self.typical, self.low, self.high))
        if max(low - centre, centre - high) > _FARTHEST * self.scatter:
            raise NotPossible(
                f"The typical value {self.typical:g} lies more than {_FARTHEST:g} times the scatter ({self.scatter:g}) "
                f"outside the limits {self.low:g} and {self.high:g}: all galaxies would have the same value.",
                "Choose a typical value between the limits, or a larger scatter.",
            )

    def _at_normal(self, share: Values, centre: Values) -> Values:
        """Quantiles of a normal distribution that is cut off at the limits."""
        from scipy.special import ndtr, ndtri

        below, up_to = (
            ndtr((self._scaled(self.low) - centre) / self.scatter),
            ndtr((self._scaled(self.high) - centre) / self.scatter),
        )
        inner = np.clip(below + share * (up_to - below), _LEAST_SHARE, 1 - _LEAST_SHARE)
        values = centre + self.scatter * ndtri(inner)
        return 10**values if self.logarithmic else values

    def _normal_density(self, values: Values) -> Values:
        def below(value: float) -> float:
            return 0.5 * math.erfc((centre - value) / (self.scatter * math.sqrt(2)))

        centre = self._scaled(self.typical)
        kept = below(self._scaled(self.high)) - below(self._scaled(self.low))
        if kept <= 0:  # the limits are too far from the typical value for a density
            return np.zeros(len(values))
        with np.errstate(divide="ignore"):
            off = ((np.log10(values) if self.logarithmic else values) - centre) / self.scatter
        density = np.exp(-0.5 * off**2) / (self.scatter * math.sqrt(2 * math.pi) * kept)
        return density / (values * math.log(10)) if self.logarithmic else density

    def _at_power_law(self, share: Values) -> Values:
        if self.exponential:
            rate = self.slope * math.log(10) * (self.high - self.low)
            if abs(rate) < 1e-9:
                return self.low + share * (self.high - self.low)
            if rate > 0:  # counted from the end that has most, so that nothing overflows
                return self.high + np.log(share + (1 - share) * math.exp(-rate)) / rate * (self.high - self.low)
            return self.low + np.log1p(share * math.expm1(rate)) / rate * (self.high - self.low)
        power = self.slope + 1
        ratio = math.log(self.high / self.low)
        if abs(power * ratio) < 1e-9:
            return self.low * np.exp(share * ratio)
        if power > 0:
            return self.high * (share + (1 - share) * math.exp(-power * ratio)) ** (1 / power)
        return self.low * np.exp(np.log1p(share * math.expm1(power * ratio)) / power)

    def _power_law_density(self, values: Values) -> Values:
        """Normalised on a fine grid, since the integral has several cases."""
        grid = np.linspace(self.low, self.high, 4097) if self.exponential else np.geomspace(self.low, self.high, 4097)
        place = values - self.high if self.exponential else np.log(values / self.high)
        places = grid - self.high if self.exponential else np.log(grid / self.high)
        rate = self.slope * (math.log(10) if self.exponential else 1.0)
        largest = max(rate * float(places[0]), 0.0)
        return np.exp(rate * place - largest) / np.trapezoid(np.exp(rate * places - largest), grid)

    def _kept(self, values: Values | None) -> Values:
        """The values of the column between the limits."""
        if values is None or not len(values):
            raise CatalogueProblem("No values of the catalogue are known.", "Choose a table and a column.", self.table)
        kept = values[(values >= self.low) & (values <= self.high)]
        if not len(kept):
            raise CatalogueProblem(
                f"The column “{self.column}” has no values between {self.low:g} and {self.high:g}.",
                f"It reaches from {values[0]:g} to {values[-1]:g}: change the limits, or convert its unit.",
                self.table,
            )
        return kept

    def _histogram(self, known: Values | None) -> tuple[Values, Values]:
        """Density and edges of the bins of the column, flattened as asked."""
        values = self._kept(known)
        if values[0] == values[-1]:
            width = 1e-6 * max(abs(values[0]), 1.0)
            return np.array([1 / width]), np.array([values[0] - width / 2, values[0] + width / 2])
        counts, edges = np.histogram(values, min(_BINS, max(1, len(values) // 4)))
        weights = np.where(counts > 0, np.maximum(counts, 1.0) ** (1 - self.flatten), 0.0)
        return weights / (weights.sum() * np.diff(edges)), edges

    def _quantiles(self, known: Values | None) -> tuple[Values, Values]:
        """Shares and values between which the quantile function of the column is interpolated."""
        if self.flatten == 0:
            values = self._kept(known)
            return (np.arange(len(values)) + 0.5) / len(values), values
        density, edges = self._histogram(known)
        return np.concatenate([[0.0], np.cumsum(density * np.diff(edges))]), edges


class MagnitudePrior(Prior):
    """The distribution of magnitudes; a power law of their flux makes numbers ∝ 10^(slope · m)."""

    exponential: ClassVar[bool] = True

    low: float = setting(18.0, title="Brightest", help="Brighter galaxies are not drawn.", unit="mag", ge=0, le=40)
    high: float = setting(24.0, title="Faintest", help="Fainter galaxies are not drawn.", unit="mag", ge=0, le=40)


class RadiusPrior(Prior):
    """The distribution of half-light radii along the major axis."""

    logarithmic: ClassVar[bool] = True

    unit: Literal["pixels", "arcsec"] = setting(
        "pixels", title="Unit", help="Of the sizes; those in pixels change with the instrument."
    )
    kind: Literal["uniform", "log-uniform", "normal", "power law", "column", "tied"] = setting(
        "log-uniform",
        title="Distribution",
        help="Uniform; log-uniform: the logarithm is uniform; normal: the logarithm is, around the typical size; power "
        "law; column: as in a column of your catalogue; tied: along a relation with another parameter, with scatter. "
        "All are cut off at the limits.",
    )
    low: float = setting(1.0, title="Smallest", help="Smaller sizes are not drawn.", gt=0, le=1e4, scale="log")
    high: float = setting(20.0, title="Largest", help="Larger sizes are not drawn.", gt=0, le=1e4, scale="log")


class IndexPrior(Prior):
    """The distribution of Sérsic indices, which end where profiles are rendered accurately."""

    low: float = setting(0.5, title="Lowest", help="Lower indices are not drawn.", ge=0.5, le=6)
    high: float = setting(6.0, title="Highest", help="Higher indices are not drawn.", ge=0.5, le=6)


class AxisRatioPrior(Prior):
    """The distribution of the minor over the major axis, b/a = 1 − e."""

    low: float = setting(0.05, title="Flattest", help="Flatter galaxies are not drawn.", ge=0.03, le=1)
    high: float = setting(0.95, title="Roundest", help="Rounder galaxies are not drawn.", ge=0.03, le=1)


class FractionPrior(Prior):
    """The distribution of a fraction of the light."""

    low: float = setting(0.0, title="Lowest", help="Smaller fractions are not drawn.", ge=0, le=1)
    high: float = setting(1.0, title="Highest", help="Larger fractions are not drawn.", ge=0, le=1)


class AnglePrior(Prior):
    """The distribution of position angles, from north (+y) through east (−x)."""

    low: float = setting(0.0, title="Lowest", help="Smaller angles are not drawn.", unit="deg", ge=0, le=180)
    high: float = setting(180.0, title="Highest", help="Larger angles are not drawn.", unit="deg", ge=0, le=180)
