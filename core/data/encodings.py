r"""How a quantity is learned: as a plain number, as its logarithm, or as an angle.

In catalogues, answers and tables a quantity is always one number in its unit. What differs is the scale on which the
network learns it, and on which its error bars hold: an angle goes round, and for a quantity learned as a logarithm
that scale is :math:`\ln v`, so that an answer is never negative. With the standard deviation :math:`\sigma` of
:math:`\ln v`, its error is stated in the quantity's unit as :math:`v \sigma`; error over value is :math:`\sigma` again,
and the interval of one error bar goes from :math:`v e^{-\sigma}` to :math:`v e^{\sigma}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import angles


@dataclass(frozen=True)
class Encoding:
    """How one quantity is learned.

    Attributes
    ----------
    period
        Of an angle, in its unit; None: it is no angle.
    is_logarithm
        Whether the natural logarithm of the number is learned.
    """

    period: float | None = None
    is_logarithm: bool = False


PLAIN = Encoding()
LOGARITHM = Encoding(is_logarithm=True)
Encodings = Sequence[Encoding]


def residual(predicted: NDArray[Any], true: NDArray[Any], encoding: Encoding) -> NDArray[np.float64]:
    r"""What is compared with error bars, in the quantity's unit: predicted − true.

    Of an angle the shorter way round; of a logarithm :math:`p \ln (p / t)`, infinite where either is not positive.
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    if not encoding.is_logarithm:
        return np.asarray(angles.difference(predicted, true, encoding.period), np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = predicted * (np.log(predicted) - np.log(true))
    return np.where((predicted > 0) & (true > 0), off, np.where(np.isfinite(predicted + true), np.inf, np.nan))


def reach(
    values: NDArray[Any], errors: NDArray[Any], encoding: Encoding
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far one error bar reaches below and above the values, both positive."""
    values, errors = np.asarray(values, np.float64), np.asarray(errors, np.float64)
    if not encoding.is_logarithm:
        return errors, errors
    sigma = errors / values
    return -values * np.expm1(-sigma), values * np.expm1(sigma)


def mean(values: NDArray[Any], encoding: Encoding, axis: int = 0) -> NDArray[np.float64]:
    """The mean on the scale that is learned: of angles a direction, of logarithms the geometric mean."""
    values = np.asarray(values, np.float64)
    if encoding.period is not None:
        return angles.mean(values, encoding.period, axis)
    return np.exp(np.log(values).mean(axis=axis)) if encoding.is_logarithm else values.mean(axis=axis)


def units_of_scale(values: NDArray[Any], encodings: Encodings) -> NDArray[np.float64]:
    """What a unit of the learned scale is in the quantity's own, for values (..., K): of a logarithm the value."""
    is_logarithm = np.array([each.is_logarithm for each in encodings], bool)
    return np.where(is_logarithm, np.asarray(values, np.float64), 1.0)
