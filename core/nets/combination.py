r"""Several networks that answer together: their mean, and what its error comes from.

Of quantities, with members :math:`m = 1 … M`, each with a value :math:`\mu_m` and an error bar :math:`\sigma_m`, the
answer is the mean of the :math:`\mu_m`, and its variance

.. math:: \sigma^2 = \frac{1}{M} \sum_m \sigma_m^2 + \frac{1}{M - 1} \sum_m (\mu_m - \bar\mu)^2 .

Of angles it is the mean direction, and of quantities learned as logarithms all of this holds for the logarithms. The
first part is what the *data* cause, noise that no network can see through; the second what the networks'
*ignorance* causes: it is large where they had little to learn from, as for galaxies unlike those of the training.

Of classes, with probabilities :math:`p_{mk}`, the answer is the mean :math:`\bar p_k`, and its entropy
:math:`H(\bar p) = -\sum_k \bar p_k \ln \bar p_k / \ln K` divides alike: the mean entropy of the members,
:math:`\frac{1}{M} \sum_m H(p_m)`, is what the data cause, and the rest, the mutual information of the class and the
choice of the member, what the networks' ignorance causes. Entropies are over their largest value: 0 is certain, 1 is
undecided between all classes. Vote fractions are treated as probabilities.

References
----------
Lakshminarayanan, Pritzel & Blundell 2017, arXiv:1612.01474 (deep ensembles); Houlsby et al. 2011, arXiv:1112.5745
(the mutual information, BALD); Walmsley et al. 2020, MNRAS 491, 1554 (for galaxies).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import angles
from core.data.encodings import PLAIN, Encoding, Encodings, mean, units_of_scale
from core.data.target import Quantities, Target


@dataclass(frozen=True, eq=False)
class Combined:
    """What M networks answer together for K quantities of n galaxies, each array (n, K).

    Attributes
    ----------
    values
        Their mean.
    errors
        Standard deviations; None for a single network without error bars.
    data
        The part of them that the data cause; None where not every network has error bars.
    ignorance
        The part that the networks' ignorance causes; None for a single network.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64] | None
    data: NDArray[np.float64] | None
    ignorance: NDArray[np.float64] | None

    def scaled(self, factors: Sequence[float]) -> Combined:
        """With errors, and both parts of them, multiplied by the factor of each quantity."""
        by = np.asarray(factors)

        def scale(errors: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if errors is None else errors * by

        return Combined(self.values, scale(self.errors), scale(self.data), scale(self.ignorance))


@dataclass(frozen=True, eq=False)
class Doubt:
    """What the doubt of several networks comes from, for n galaxies.

    Attributes
    ----------
    data
        What the data cause: standard deviations (n, K) of quantities in their units, or the mean entropy (n, 1) of
        classes or vote fractions over its largest value; None for quantities where not every network has error bars.
    ignorance
        What the networks' ignorance causes: likewise, and of classes the mutual information.
    """

    data: NDArray[np.float64] | None
    ignorance: NDArray[np.float64]

    @property
    def causes(self) -> tuple[str, ...]:
        """What is known of it: ``data`` and ``networks``, or the latter only."""
        return ("networks",) if self.data is None else ("data", "networks")

    @property
    def values(self) -> list[NDArray[np.float64]]:
        """For each quantity, or for the one entropy, the part (n,) of each cause."""
        parts = [each for each in (self.data, self.ignorance) if each is not None]
        return [each[:, place] for place in range(self.ignorance.shape[1]) for each in parts]

    @classmethod
    def join(cls, parts: Sequence[Doubt]) -> Doubt | None:
        """That of several batches of galaxies; None where there are none."""
        if not parts:
            return None
        known = [each.data for each in parts if each.data is not None]
        data = np.concatenate(known) if len(known) == len(parts) else None
        return cls(data, np.concatenate([each.ignorance for each in parts]))

    def describe(self, target: Target) -> str:
        """What the doubt about answers of this kind comes from on average, as a sentence."""
        if self.data is None:
            return "Not every network gives error bars: the errors are the scatter of the networks alone."
        if not isinstance(target, Quantities):
            data, own = float(self.data.mean()), float(self.ignorance.mean())
            what = "Mean entropy of" if len(self.ignorance) > 1 else "Entropy of"
            return (
                f"{what} the networks' mean, before any temperature of all together (0 certain, 1 undecided): "
                f"{data + own:.2f}, of which the data cause "
                f"{data:.2f} and the networks' ignorance {own:.2f}."
            )
        middle = np.median(self.data, axis=0), np.median(self.ignorance, axis=0)
        each = zip(target.columns, target.units, *middle, strict=True)
        parts = [f"{name} {data:.2g} and {own:.2g} {unit}".strip() for name, unit, data, own in each]
        what = "Median errors" if len(self.ignorance) > 1 else "Errors"
        return f"{what} that the data and the networks' ignorance cause: {', '.join(parts)}."


def combine_probabilities(probabilities: NDArray[Any]) -> tuple[NDArray[np.float64], Doubt]:
    """The mean (n, K) of the probabilities (M, n, K) of several networks, and what its entropy comes from.

    Examples
    --------
    Two that are sure and disagree, and two that toss a coin:

    >>> mean, doubt = combine_probabilities(np.array([[[1, 0], [0.5, 0.5]], [[0, 1], [0.5, 0.5]]]))
    >>> mean.tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    >>> doubt.data[:, 0].tolist(), doubt.ignorance[:, 0].tolist()
    ([0.0, 1.0], [1.0, 0.0])
    """
    each = np.asarray(probabilities, np.float64)
    middle = each.mean(axis=0)
    data = _entropy(each).mean(axis=0)
    ignorance = np.maximum(_entropy(middle) - data, 0.0)  # below zero by rounding only
    return middle, Doubt(data[:, None], ignorance[:, None])


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    entropy = -(probabilities * np.log(np.where(probabilities > 0, probabilities, 1))).sum(axis=-1)
    return entropy / np.log(max(probabilities.shape[-1], 2))


def combine(values: NDArray[Any], errors: Sequence[NDArray[Any] | None], encodings: Encodings = ()) -> Combined:
    """Combine the answers of several networks for the same galaxies.

    Parameters
    ----------
    values
        (M, n, K).
    errors
        (n, K) of each network; None for one without error bars.
    encodings
        How each quantity is learned; empty: all as plain numbers.
    """
    stacked = np.asarray(values, np.float64)
    known = tuple(encodings) or (PLAIN,) * stacked.shape[2]
    middle = np.stack([mean(stacked[:, :, place], each) for place, each in enumerate(known)], axis=1)
    by = units_of_scale(middle, known)  # (n, K)
    bars = [
        None if each is None else each / units_of_scale(own, known) for own, each in zip(stacked, errors, strict=True)
    ]
    barred = [each for each in bars if each is not None]
    is_barred = len(barred) == len(stacked)
    data = by * np.sqrt(np.mean(np.square(barred), axis=0)) if is_barred else None
    if len(stacked) == 1:
        return Combined(middle, data, data, None)
    off = np.stack(
        [_deviations(stacked[:, :, place], middle[:, place], each) for place, each in enumerate(known)], axis=2
    )
    ignorance = by * np.sqrt(np.square(off).sum(axis=0) / (len(stacked) - 1))
    return Combined(middle, ignorance if data is None else np.hypot(data, ignorance), data, ignorance)


def _deviations(values: NDArray[np.float64], middle: NDArray[np.float64], encoding: Encoding) -> NDArray[np.float64]:
    """What the values (M, n) of one quantity are off their mean (n,), on the scale that is learned."""
    if encoding.is_logarithm:
        return np.log(values) - np.log(middle)
    return np.asarray(angles.difference(values, middle, encoding.period), np.float64)
