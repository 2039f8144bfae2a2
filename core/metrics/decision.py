r"""From probabilities to classes: the decision, kept apart from the probabilities.

A network gives each galaxy probabilities :math:`p_k`. Which class it is then *called* is a choice that depends on what
the catalogue is for, and every choice here has the same form: the galaxy gets the class with the largest
:math:`w_k\,p_k`. The probabilities stay as they are.

============== ==================================================================================================
most probable  :math:`w_k = 1`: fewest wrong classes, if the galaxies are those of the training survey
balanced       :math:`w_k = \pi_k^{-a}` with the class frequencies :math:`\pi_k` that the probabilities assume; for
               :math:`a = 1` all classes count the same, however rare they are
thresholds     :math:`w_k = 1/t_k`: the class whose probability exceeds its threshold by the largest factor. For two
               classes with :math:`t_1 + t_2 = 1` this is the usual threshold, :math:`p_1 > t_1`; equal
               ones are the most probable class
frequencies    :math:`w_k = \pi'_k/\pi_k`: most probable in a survey with the class frequencies :math:`\pi'_k`
============== ==================================================================================================

The frequencies of a survey without labels follow from the predictions for its galaxies, by expectation maximisation:
the predictions are corrected by :math:`\pi'_k/\pi_k` and averaged to new frequencies, until these no longer change.
This assumes that the galaxies of a class look as in the training survey, and only their frequencies differ.

References
----------
Saerens, Latinne & Decaestecker 2002, Neural Computation 14, 21.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsProblem

Kind = Literal["most probable", "balanced", "thresholds", "frequencies"]
Aim = Literal["macro F1", "balanced accuracy", "accuracy"]

_MIN_SHARE = 1e-6
_MIN_PROBABILITY = 1e-12
_STEPS = 2000
_SMALLEST_STEP = 1e-9
_ZERO = 1e-4  # frequencies below count as zero
_BISECTIONS = 30
_STEP = 0.1  # between the logarithms of weights that are tried
_STEPS_TRIED = np.arange(-20, 21) * _STEP
_SMOOTHED = 5  # of them, over which an aim is averaged
_ROUNDS = 6
_EXPECTED = 800  # galaxies with fractional labels that count besides those with labels, when thresholds are chosen

Measure = Callable[[NDArray[np.float64], NDArray[np.int64]], float]
"""From the true class of each galaxy as shares (n, K), and the class (n,) that it is called, to a figure of merit."""


@dataclass(frozen=True)
class Decision:
    """How a galaxy's class follows from its probabilities.

    Parameters
    ----------
    kind
        Which rule.
    names
        The K classes; empty for the most probable class, which needs none.
    weights
        The K factors on the probabilities.
    text
        The rule with its numbers, as it is shown and written into tables.
    asked
        The words by which it was asked for, see :func:`core.evaluate.decision.resolve`.
    frequencies
        The class frequencies of the survey that it is for, by name; None: it is for none.
    """

    kind: Kind = "most probable"
    names: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    text: str = "most probable class"
    asked: str = "most-probable"
    frequencies: dict[str, float] | None = None

    def choose(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """The index of the class (n,) of galaxies with probabilities (n, K)."""
        if not len(scores):
            return np.zeros(0, np.int64)
        if not self.weights:
            return scores.argmax(axis=1)
        return (scores * np.asarray(self.weights)).argmax(axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        values = {"kind": self.kind, "classes": list(self.names), "weights": list(self.weights)}
        frequencies = {} if self.frequencies is None else {"frequencies": self.frequencies}
        return values | {"text": self.text, "asked": self.asked} | frequencies

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Decision:
        """Restore what :meth:`to_dict` gave; raises ValueError if it is none."""
        kind, names = values.get("kind"), tuple(map(str, values.get("classes", ())))
        weights = tuple(float(weight) for weight in values.get("weights", ()))
        if kind not in ("most probable", "balanced", "thresholds", "frequencies") or len(names) != len(weights):
            raise ValueError("not a decision")
        if any(not (weight > 0 and math.isfinite(weight)) for weight in weights):
            raise ValueError("weights of a decision are positive")
        frequencies = values.get("frequencies")
        if frequencies is not None:
            frequencies = {str(name): float(share) for name, share in dict(frequencies).items()}
        return cls(kind, names, weights, str(values.get("text", kind)), str(values.get("asked", kind)), frequencies)


MOST_PROBABLE = Decision()


def balanced(names: Sequence[str], assumed: NDArray[np.float64], power: float = 1.0) -> Decision:
    """Probabilities divided by the class frequencies ``assumed`` (K,), to a power."""
    weights = np.maximum(assumed, _MIN_SHARE) ** -power
    how = "" if power == 1 else f" to the power {power:g}"
    return _weighted("balanced", names, weights, f"balanced: probabilities divided by the class frequencies{how}")


def thresholds(names: Sequence[str], limits: Sequence[float], chosen: str = "") -> Decision:
    """A threshold for each class; ``chosen`` tells how they were found."""
    if len(limits) != len(names) or any(not 0 < limit <= 1 for limit in limits):
        raise SettingsProblem(
            "Each class needs a threshold above 0 and up to 1.", f"The classes are: {', '.join(names)}."
        )
    told = ", ".join(f"{name} {limit:.6g}" for name, limit in zip(names, limits, strict=True))
    text = f"thresholds: {told}; {chosen}" if chosen else f"thresholds: {told}"
    return _weighted("thresholds", names, 1 / np.asarray(limits), text)


def for_frequencies(
    names: Sequence[str],
    assumed: NDArray[np.float64],
    frequencies: NDArray[np.float64],
    errors: NDArray[np.float64] | None = None,
) -> Decision:
    """Most probable in a survey with other class frequencies (K,), known or estimated with ``errors`` (K,)."""
    if len(frequencies) != len(names) or (frequencies < 0).any() or not frequencies.sum() > 0:
        raise SettingsProblem(
            "Each class needs a frequency, and not all can be zero.", f"The classes are: {', '.join(names)}."
        )
    shares = np.maximum(frequencies / frequencies.sum(), _MIN_SHARE)
    weights = shares / np.maximum(assumed, _MIN_SHARE)
    if errors is None:
        text = "class frequencies: " + ", ".join(
            f"{name} {share:.3g}" for name, share in zip(names, shares, strict=True)
        )
    else:
        told = zip(names, shares, errors, strict=True)
        text = "estimated class frequencies: " + ", ".join(f"{name} {a:.3f} ± {da:.3f}" for name, a, da in told)
    rule = _weighted("frequencies", names, weights, text)
    return replace(rule, frequencies=dict(zip(names, shares.tolist(), strict=True)))


def _weighted(kind: Kind, names: Sequence[str], weights: NDArray[np.float64], text: str) -> Decision:
    scaled = weights / weights.max()
    return Decision(kind, tuple(names), tuple(float(f"{weight:.6g}") for weight in scaled), text)


def estimate_frequencies(
    scores: NDArray[np.floating[Any]], assumed: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Estimate the class frequencies of galaxies without labels, with their standard errors.

    The estimate maximises the likelihood :math:`\prod_n \sum_k \pi'_k\,p_{nk}/\pi_k`; the errors follow from its
    curvature there, or from its fall where a frequency is zero, and hold for calibrated probabilities.

    Parameters
    ----------
    scores
        (n, K) probabilities.
    assumed
        (K,) class frequencies that they assume.

    Returns
    -------
    frequencies, errors
        (K,) each.
    """
    ratios = np.asarray(scores, np.float64) / np.maximum(assumed, _MIN_SHARE)  # (n, K)
    found = np.maximum(assumed, _MIN_SHARE) / np.maximum(assumed, _MIN_SHARE).sum()
    for _ in range(_STEPS):
        weighted = ratios * found
        new = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
        step, found = np.abs(new - found).max(), new
        if step < _SMALLEST_STEP:
            break
    return found, _errors_of(found, ratios / (ratios @ found)[:, None])


def _errors_of(found: NDArray[np.float64], slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard errors (K,) of frequencies; ``slopes`` (n, K) are the derivatives of each galaxy's log-likelihood.

    At a frequency of zero the likelihood has no maximum but an end, and its curvature says nothing: there the error is
    how far the frequency may rise, at the expense of all others, until the logarithm has fallen by one half. No error
    is larger than the room that a frequency has.
    """
    errors = np.zeros(len(found))
    inside = np.flatnonzero(found > _ZERO)
    free = slopes[:, inside[:-1]] - slopes[:, inside[-1:]]  # they add up to one: the last follows from the others
    covariance = np.linalg.pinv(free.T @ free)
    errors[inside] = np.sqrt(np.maximum(np.append(np.diag(covariance), covariance.sum()), 0))
    for place in np.flatnonzero(found <= _ZERO).tolist():
        low, high = 0.0, 1.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            fallen = -np.log1p(middle * (slopes[:, place] - 1)).sum() > 0.5
            low, high = (low, middle) if fallen else (middle, high)
        errors[place] = high
    return np.minimum(errors, np.maximum(found, 1 - found))


def choose_thresholds(
    names: Sequence[str], labels: NDArray[np.int64], scores: NDArray[np.floating[Any]], aim: Aim
) -> Decision:
    """Choose the thresholds that are best for an aim on labelled galaxies, which must not be the test part.

    One class after the other, its weight is moved to where the aim, averaged over a range of weights, is reached best:
    that depends on single galaxies less than the best value itself does. This is begun from the most probable class and
    from frequencies balanced by half and wholly, and the best end is taken.

    A few hundred labels are too few to choose by: of the best thresholds on them, most are luck. The galaxies therefore
    count twice: with their labels, and, weighing as much as 800 galaxies, with their probabilities in place of labels,
    which is what the labels of many more galaxies are expected to be. The more labels there are, the more they decide.

    Parameters
    ----------
    names
        The K classes.
    labels
        (n,) index of the true class.
    scores
        (n, K) probabilities.
    aim
        What is maximised.
    """
    measure, count, galaxies = _MEASURES[aim], len(names), len(labels)
    logs = np.log(np.maximum(scores, _MIN_PROBABILITY)).astype(np.float64)
    known = galaxies / (galaxies + _EXPECTED)
    truth = known * np.eye(count)[labels] + (1 - known) * np.asarray(scores, np.float64)  # (n, K)
    rarity = -np.log(np.maximum(truth.sum(axis=0), 1) / max(galaxies, 1))
    ends = [_climb(logs, truth, power * rarity, measure) for power in (0.0, 0.5, 1.0)]
    weights = max(ends, key=lambda end: measure(truth, (logs + end).argmax(axis=1)))
    limits = np.exp(weights.min() - weights)
    chosen = f"chosen for {aim} on {len(labels):,} validation galaxies"
    told = [
        float(f"{limit:.3g}") for limit in limits / limits.sum()
    ]  # as printed, so that a reader gets the same classes
    return thresholds(names, told, chosen)


def _climb(
    logs: NDArray[np.float64], truth: NDArray[np.float64], weights: NDArray[np.float64], measure: Measure
) -> NDArray[np.float64]:
    """Improve the logarithms of the weights (K,) of log-probabilities (n, K) for a measure."""
    weights, count = weights.copy(), logs.shape[1]
    window = np.ones(_SMOOTHED) / _SMOOTHED
    for _ in range(_ROUNDS):
        before = weights.copy()
        for kind in range(count):
            others = logs + weights
            others[:, kind] = -np.inf
            rival, most = others.argmax(axis=1), others.max(axis=1)
            tried = weights[kind] + _STEPS_TRIED
            reached = [measure(truth, np.where(logs[:, kind] + weight > most, kind, rival)) for weight in tried]
            weights[kind] = tried[_SMOOTHED // 2 + int(np.convolve(reached, window, "valid").argmax())]
        weights -= weights.mean()
        if np.allclose(before, weights, atol=_STEP):
            break
    return weights


def _counts(
    truth: NDArray[np.float64], chosen: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    count = truth.shape[1]
    right = truth[np.arange(len(chosen)), chosen]
    hits = np.bincount(chosen, right, minlength=count).astype(np.float64)
    return hits, truth.sum(axis=0), np.bincount(chosen, minlength=count).astype(np.float64)


def _macro_f1(truth: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    hits, true, called = _counts(truth, chosen)
    known = true + called > 0
    return float((2 * hits[known] / (true + called)[known]).mean())


def _balanced_accuracy(truth: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    hits, true, _ = _counts(truth, chosen)
    return float((hits[true > 0] / true[true > 0]).mean())


def _accuracy(truth: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    return float(truth[np.arange(len(chosen)), chosen].mean())


_MEASURES: dict[Aim, Measure] = {
    "macro F1": _macro_f1,
    "balanced accuracy": _balanced_accuracy,
    "accuracy": _accuracy,
}
