"""Least squares by Levenberg and Marquardt's method for many small problems at once.

All problems of a batch take their steps together, each with a damping of its own; those that have converged drop out.
Parameters are kept within limits: one that is at its limit and would leave it is held there for the step.

References
----------
Levenberg 1944; Marquardt 1963; Moré 1978 (scaling by the diagonal); Kanzow, Yamashita & Fukushima 2004 (limits).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import Stopped
from core.events import NEVER

Array = NDArray[np.float64]

_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-2, 1e-8, 1e8
_EASE, _TIGHTEN = 0.15, 6.0  # factors of the damping after a step that was taken, and after one that was not
_EDGE = 1e-9  # of the range between the limits


class Problems(Protocol):
    """What is to be fitted: m problems of P values and K parameters."""

    def evaluate(self, parameters: Array, which: NDArray[np.int64]) -> Array:
        """The model (len(which), P) of some of the problems, for their parameters (len(which), K)."""
        ...

    def differentiate(self, parameters: Array, which: NDArray[np.int64], *, centred: bool = False) -> Array:
        """Its derivatives (len(which), K, P); ``centred``: more exact, for the covariance."""
        ...


@dataclass(frozen=True, eq=False)
class Limits:
    """Limits of the parameters, (K,) or (m, K) each, and the longest step of each, (K,)."""

    low: Array
    high: Array
    longest_step: Array


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the fits came to.

    Attributes
    ----------
    parameters
        (m, K).
    covariance
        (m, K, K), of the free parameters; NaN in rows and columns of those at a limit, and where it cannot be computed.
    chi2
        (m,): sum of the squared residuals over their variances.
    at_limit
        bool (m, K).
    has_converged
        bool (m,).
    steps
        int64 (m,): how many were tried.
    """

    parameters: Array
    covariance: Array
    chi2: Array
    at_limit: NDArray[np.bool_]
    has_converged: NDArray[np.bool_]
    steps: NDArray[np.int64]


def minimise(
    problems: Problems,
    values: Array,
    weights: Array,
    start: Array,
    limits: Limits,
    *,
    most_steps: int = 60,
    tolerance: float = 1e-4,
    stop: threading.Event = NEVER,
) -> Solution:
    """Fit the models to the values.

    Parameters
    ----------
    problems
        The models.
    values
        (m, P), finite.
    weights
        (m, P): inverse variances; 0: not used.
    start
        (m, K): parameters to begin with.
    limits
        Of the parameters.
    most_steps
        After which a fit has not converged.
    tolerance
        A fit has converged when the next step would lower χ² by less than this.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    """
    low, high = (np.broadcast_to(each, start.shape) for each in (limits.low, limits.high))
    parameters = np.clip(start, low, high)
    count = len(parameters)
    residuals = values - problems.evaluate(parameters, np.arange(count))
    chi2 = _chi2(residuals, weights)
    damping = np.full(count, _FIRST_DAMPING)
    has_converged, steps = np.zeros(count, bool), np.zeros(count, np.int64)
    normal, slope = np.zeros((count, start.shape[1], start.shape[1])), np.zeros_like(parameters)
    is_stale = np.ones(count, bool)  # whether the derivatives are of earlier parameters
    active = np.flatnonzero(np.isfinite(chi2))
    while len(active):
        if stop.is_set():
            raise Stopped
        stale = active[is_stale[active]]
        if len(stale):
            derivatives = problems.differentiate(parameters[stale], stale)
            normal[stale], slope[stale] = _normal_equations(derivatives, residuals[stale], weights[stale])
            is_stale[stale] = False
        step = _solve(normal[active], slope[active], damping[active], parameters[active], low[active], high[active])
        step = np.clip(step, -limits.longest_step, limits.longest_step)
        trial = np.clip(parameters[active] + step, low[active], high[active])
        step = trial - parameters[active]
        gain = _expected_gain(normal[active], slope[active], step)
        left = values[active] - problems.evaluate(trial, active)
        new = _chi2(left, weights[active])
        taken = new <= chi2[active]
        is_small = (gain < tolerance) & (np.abs(chi2[active] - new) < np.maximum(tolerance, 1e-9 * chi2[active]))
        parameters[active[taken]], chi2[active[taken]], residuals[active[taken]] = trial[taken], new[taken], left[taken]
        is_stale[active[taken]] = True
        damping[active] = np.clip(damping[active] * np.where(taken, _EASE, _TIGHTEN), _LEAST_DAMPING, _MOST_DAMPING)
        steps[active] += 1
        is_stuck = ~taken & (damping[active] >= _MOST_DAMPING)
        has_converged[active] = is_small | (is_stuck & (gain < 1))
        active = active[~has_converged[active] & ~is_stuck & (steps[active] < most_steps)]
    covariance, at_limit = _covariance(problems, parameters, weights, low, high)
    return Solution(parameters, covariance, chi2, at_limit, has_converged, steps)


def _chi2(residuals: Array, weights: Array) -> Array:
    return np.einsum("mp,mp,mp->m", weights, residuals, residuals)


def _normal_equations(derivatives: Array, residuals: Array, weights: Array) -> tuple[Array, Array]:
    """JᵀWJ (n, K, K) and JᵀWr (n, K)."""
    weighted = derivatives * weights[:, None]
    return weighted @ derivatives.transpose(0, 2, 1), (weighted @ residuals[..., None])[..., 0]


def _solve(normal: Array, slope: Array, damping: Array, parameters: Array, low: Array, high: Array) -> Array:
    """The damped step, in which a parameter at its limit that would leave it is held."""
    is_free = _is_inside(parameters, slope, low, high)
    diagonal = np.einsum("mkk->mk", normal)
    scale = np.sqrt(np.where(is_free & (diagonal > 0), diagonal, 1.0))
    scaled = normal / (scale[:, :, None] * scale[:, None, :]) * (is_free[:, :, None] & is_free[:, None, :])
    eye = np.eye(normal.shape[1])
    scaled = scaled + eye * (damping[:, None] + np.where(is_free & (diagonal > 0), 0.0, 1.0))[:, None, :]
    return np.linalg.solve(scaled, (slope * is_free / scale)[..., None])[..., 0] / scale


def _is_inside(parameters: Array, slope: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    edge = _EDGE * (high - low)
    return ~(((parameters <= low + edge) & (slope < 0)) | ((parameters >= high - edge) & (slope > 0)))


def _expected_gain(normal: Array, slope: Array, step: Array) -> Array:
    """By how much χ² would fall in the step if the model were linear."""
    return 2 * np.einsum("mk,mk->m", slope, step) - np.einsum("mk,mkl,ml->m", step, normal, step)


def _covariance(
    problems: Problems, parameters: Array, weights: Array, low: Array, high: Array
) -> tuple[Array, NDArray[np.bool_]]:
    derivatives = problems.differentiate(parameters, np.arange(len(parameters)), centred=True)
    normal, _ = _normal_equations(derivatives, np.zeros_like(weights), weights)
    edge = _EDGE * (high - low)
    at_limit = (parameters <= low + edge) | (parameters >= high - edge)
    covariance = np.full(normal.shape, np.nan)
    for place, matrix in enumerate(normal):
        free = np.flatnonzero(~at_limit[place])
        part = matrix[np.ix_(free, free)]
        scale = np.sqrt(np.diag(part))
        if not (np.isfinite(part).all() and (scale > 0).all()):
            continue
        try:
            inverse = np.linalg.inv(part / np.outer(scale, scale)) / np.outer(scale, scale)
        except np.linalg.LinAlgError:
            continue
        if (np.diag(inverse) > 0).all():
            covariance[place][np.ix_(free, free)] = inverse
    return covariance, at_limit
