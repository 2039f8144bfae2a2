r"""The temperature at which a network's probabilities fit the labels best.

With :math:`\beta = 1/T` and the logarithms :math:`l_{nk}` of the probabilities of galaxy :math:`n`, the mean log loss

.. math:: L(\beta) = \frac1N \sum_n \Big( \ln \sum_k e^{\beta l_{nk}} - \beta\, l_{n y_n} \Big)

is convex in :math:`\beta`, and has its only minimum where its derivative vanishes. The error of :math:`\beta` is that
of an estimating equation, :math:`\sqrt{\sum g_n^2} / \sum h_n` with the first and second derivatives of each galaxy's
loss, which holds whether the probabilities at this temperature are calibrated or not.

References
----------
Guo, Pleiss, Sun & Weinberger 2017, Proc. ICML 34, 1321 (arXiv:1706.04599); Huber 1967, Proc. 5th Berkeley Symposium 1,
221 (the error).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import softmax

from core.errors import NotPossible

FEWEST = 20
"""Galaxies that are needed."""
_LEAST, _MOST = 0.02, 50.0  # of β
_TINY = float(np.finfo(np.float32).tiny)


class FittedTemperature(NamedTuple):
    """A temperature and its standard error."""

    value: float
    error: float


def fit(labels: NDArray[np.int64], scores: NDArray[np.floating[Any]]) -> FittedTemperature:
    """Find the temperature of the smallest log loss.

    Parameters
    ----------
    labels
        (n,) index of the true class, of galaxies that the network was not trained on and that are not the test part.
    scores
        (n, K) probabilities at temperature 1.

    Raises
    ------
    NotPossible
        There are too few galaxies, or no finite temperature is the best.
    """
    if len(labels) < FEWEST:
        raise NotPossible(
            f"A temperature needs {FEWEST} labelled validation galaxies, and there are {len(labels)}.",
            "Label more galaxies.",
        )
    logarithms = np.log(np.maximum(np.asarray(scores, np.float64), _TINY))

    def slope(beta: float) -> float:
        return float(_slopes(labels, logarithms, beta).sum())

    of_label = logarithms[np.arange(len(labels)), labels]
    if (of_label == logarithms.max(axis=1)).all() or slope(_MOST) < 0:
        raise NotPossible(
            "No temperature fits best: every validation galaxy is right, and the surer the network is, the better.",
            "Take more galaxies into the validation part.",
        )
    if slope(_LEAST) > 0:
        raise NotPossible(
            "No temperature helps: the network tells these galaxies apart no better than chance.",
            "Train it longer, or look at its labels.",
        )
    beta: float = brentq(slope, _LEAST, _MOST, xtol=1e-9)  # pyrefly: ignore[bad-assignment] - alone without full_output
    found, curvature = _slopes(labels, logarithms, beta), _curvatures(logarithms, beta).sum()
    error = math.sqrt((found**2).sum()) / curvature if curvature > 0 else math.inf
    return FittedTemperature(1 / beta, error / beta**2)


def apply(scores: NDArray[np.floating[Any]], value: float) -> NDArray[np.float64]:
    """Probabilities (n, K) at a temperature."""
    return softmax(np.log(np.maximum(np.asarray(scores, np.float64), _TINY)) / value, axis=1)


def _slopes(labels: NDArray[np.int64], logarithms: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """Derivative (n,) of each galaxy's log loss in β."""
    expected = (softmax(beta * logarithms, axis=1) * logarithms).sum(axis=1)
    return expected - logarithms[np.arange(len(labels)), labels]


def _curvatures(logarithms: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """Second derivative (n,) of each galaxy's log loss in β: the variance of the logarithms."""
    shares = softmax(beta * logarithms, axis=1)
    return (shares * logarithms**2).sum(axis=1) - (shares * logarithms).sum(axis=1) ** 2
