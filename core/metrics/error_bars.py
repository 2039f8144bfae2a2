r"""Whether the error bars of quantities are as long as they should be, and the factor that makes them so.

A network that learns error bars with the Gaussian likelihood (Nix & Weigend 1994) is too sure of itself, having seen
the galaxies from whose residuals it learned them; or too cautious, where augmentation made the training harder than the
galaxies are, or answers are averaged over views. Its error bars are multiplied by one factor for each quantity,

.. math:: f = \text{the } \lceil 0.683\,(n + 1) \rceil \text{-th smallest of } |p_i - t_i| / \sigma_i,

over the :math:`n` galaxies of the validation part, so that 68.3 % of galaxies like those have their true value within
the error bar, whatever the distribution of the residuals (split conformal prediction). The factor does not change which
galaxies have the longer error bars: among bright or faint ones alone the share may differ. The *coverage*, the share of
galaxies within one and within two error bars, is a test on other galaxies than those; for normal residuals it is 68.3 %
and 95.4 %.

References
----------
Nix & Weigend 1994, IEEE ICNN 1, 55; Lei et al. 2018, J. Am. Stat. Assoc. 113, 1094 (split conformal prediction).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.encodings import PLAIN, Encodings, residual
from core.data.target import Quantities, Target
from core.metrics.fraction import Fraction
from core.nets.calibration import ErrorBarCalibration

FEWEST = 20
"""With fewer galaxies, the factor is wrong by a quarter and more."""
ONE_SIGMA, TWO_SIGMA = (math.erf(number / math.sqrt(2)) for number in (1, 2))  # 68.3 % and 95.4 %


def calibrate(
    labels: NDArray[Any], values: NDArray[Any], errors: NDArray[Any], encodings: Encodings = ()
) -> ErrorBarCalibration | None:
    """Find the factor of the error bars of each quantity.

    Parameters
    ----------
    labels, values, errors
        (n, K): true and predicted values of galaxies on which the network was not trained, and its error bars.
    encodings
        How each quantity is learned; empty: all as plain numbers. The errors of a logarithm hold on its scale, see
        :mod:`core.data.encodings`.

    Returns
    -------
    ErrorBarCalibration or None
        None for fewer than :data:`FEWEST` galaxies, and where a factor would not be a positive number.
    """
    count = len(labels)
    if count < FEWEST:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.sort(_residuals(labels, values, encodings) / np.asarray(errors, np.float64), axis=0)  # (n, K)
    rank = min(count, math.ceil(ONE_SIGMA * (count + 1)))
    factors = ratios[rank - 1]
    if not (np.isfinite(factors) & (factors > 0)).all():
        return None
    margin = math.sqrt(ONE_SIGMA * (1 - ONE_SIGMA) / count)  # of the share of galaxies that are within
    low, high = np.quantile(ratios, [ONE_SIGMA - margin, min(1.0, ONE_SIGMA + margin)], axis=0)
    return ErrorBarCalibration(tuple(factors.tolist()), tuple(((high - low) / 2).tolist()), count)


@dataclass(frozen=True)
class Coverage:
    """How many galaxies have their true value within one and within two error bars of one quantity.

    Attributes
    ----------
    within_one, within_two
        For right error bars and normal residuals 68.3 % and 95.4 %, with Wilson's binomial interval.
    """

    within_one: Fraction
    within_two: Fraction

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "galaxies": self.within_one.total,
            "within_one": self.within_one.value,
            "within_one_interval": self.within_one.interval,
            "within_two": self.within_two.value,
            "within_two_interval": self.within_two.interval,
        }


@dataclass(frozen=True)
class ErrorBarReport:
    """The coverage of each quantity's error bars, and how they were calibrated.

    Attributes
    ----------
    coverage
        By quantity.
    calibration
        The factors that are in the error bars; None: they are the network's own.
    is_fitted_here
        Whether the factors were fitted on the same galaxies, so that 68 % are within one error bar by construction.
    """

    coverage: dict[str, Coverage]
    calibration: ErrorBarCalibration | None
    is_fitted_here: bool

    @property
    def sentence(self) -> str:
        """What the error bars are, and what their coverage tells."""
        text = describe_factors(self.calibration, tuple(self.coverage))
        return f"{text[:-1]}: here by construction." if self.is_fitted_here and self.calibration is not None else text

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "expected": [ONE_SIGMA, TWO_SIGMA],
            "sentence": self.sentence,
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "quantities": {name: each.to_json() for name, each in self.coverage.items()},
        }


def describe_factors(calibration: ErrorBarCalibration | None, names: Sequence[str]) -> str:
    """What the error bars of quantities are: a network's own, or multiplied by factors."""
    if calibration is None:
        return "The error bars are the network's own: they were not calibrated on a validation part."
    known = zip(names, calibration.factors, calibration.uncertainties, strict=True)
    factors = ", ".join(f"{name} {factor:.2f} ± {error:.2f}" for name, factor, error in known)
    return (
        f"The error bars were multiplied by a factor ({factors}), so that 68 % of the {calibration.galaxies:,} "
        "validation galaxies are within one."
    )


def make_error_bar_report(
    target: Target,
    labels: NDArray[Any],
    values: NDArray[Any],
    errors: NDArray[Any] | None,
    calibration: ErrorBarCalibration | None,
    *,
    is_fitted_here: bool,
) -> ErrorBarReport | None:
    """Report on error bars (n, K) that have the factors of ``calibration`` in them; None where there are none."""
    if errors is None or not isinstance(target, Quantities) or not len(labels):
        return None
    found = measure_coverage(labels, values, errors, target.columns, target.encodings)
    return ErrorBarReport(found, calibration, is_fitted_here)


def measure_coverage(
    labels: NDArray[Any],
    values: NDArray[Any],
    errors: NDArray[Any],
    names: Sequence[str],
    encodings: Encodings = (),
) -> dict[str, Coverage]:
    """Measure the coverage of error bars (n, K) by the names of the quantities; the rest as for :func:`calibrate`."""
    residuals, bars = _residuals(labels, values, encodings), np.asarray(errors, np.float64)
    hits = [(residuals <= times * bars).sum(axis=0) for times in (1, 2)]
    count = len(residuals)
    return {
        name: Coverage(Fraction(int(hits[0][place]), count), Fraction(int(hits[1][place]), count))
        for place, name in enumerate(names)
    }


def _residuals(labels: NDArray[Any], values: NDArray[Any], encodings: Encodings) -> NDArray[np.float64]:
    """|predicted − true| (n, K) on the scale of the error bars, see :func:`core.data.encodings.residual`."""
    known = tuple(encodings) or (PLAIN,) * np.shape(labels)[1]
    each = [residual(values[:, place], labels[:, place], encoding) for place, encoding in enumerate(known)]
    return np.abs(np.stack(each, axis=1))
