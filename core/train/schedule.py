r"""The learning-rate schedule, as a fraction of the largest rate.

With :math:`t` the epochs since the warm-up (fractional within an epoch), :math:`T` their total number,
:math:`u = t / T`, :math:`s` the lowest fraction:

============== ==================================================================================================
constant       1
step           :math:`f^{\lfloor t / n \rfloor}`
exponential    :math:`e^{-k t}`
inverse        :math:`1 / (1 + k t)`
cosine         :math:`s + (1 - s)\,(1 + \cos \pi u) / 2`
one-cycle      half a cosine from 1/25 up to 1 while :math:`u < r`, and half a cosine down to s in the rest
plateau        :math:`f^m`, at least s, after the validation did not improve for a number of epochs m times
============== ==================================================================================================

Each of them may be preceded by a linear warm-up from a hundredth to the full rate. There is no state between calls: the
rate follows from the settings, the position in the run, and the validation history, so that a resumed run takes the
same steps as one without interruption.

References
----------
Loshchilov & Hutter 2017 (cosine); Smith 2018, arXiv:1803.09820 (one-cycle); Goyal et al. 2017, arXiv:1706.02677
(warm-up).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.train.settings import OptimiserSettings, RunSettings

_WARM_UP_FROM = 0.01
_ONE_CYCLE_FROM = 1 / 25
_USUAL_BATCH = 64


def largest_rate(settings: RunSettings) -> float:
    """The learning rate of the settings, or the default one, which is a tenth of the usual one when fine-tuning.

    A head that is trained alone, on kept features, learns at the usual rate: nothing in it can be spoilt. In one cycle
    the rate can be larger, and the noise of the gradients in small batches asks for less.
    """
    options = settings.optimiser
    if options.learning_rate is not None:
        return options.learning_rate
    default = 2e-2 if options.method == "sgd" else 1e-3
    if options.decay == "one-cycle" and options.method != "sgd":
        default = 4e-3 * math.sqrt(min(1.0, (options.batch_size or _USUAL_BATCH) / _USUAL_BATCH))
    return default / 10 if settings.transfer.start_from and not settings.transfer.cached_views else default


def rate_at(settings: RunSettings, passed: float, costs: Sequence[float] = ()) -> float:
    """The learning rate after ``passed`` epochs, see :func:`relative_rate`."""
    return largest_rate(settings) * relative_rate(settings.optimiser, passed, costs)


def relative_rate(settings: OptimiserSettings, passed: float, costs: Sequence[float] = ()) -> float:
    """The learning rate at a position in a run, as a fraction of the largest one, 0 … 1.

    Parameters
    ----------
    settings
        The decay and its parameters.
    passed
        Epochs since the run began, including the fraction of the current one; 0 … ``settings.epochs``.
    costs
        The monitored validation value of each epoch so far, with the sign such that lower is better; used by
        ``plateau`` only.
    """
    warm_up = settings.warm_up
    if passed < warm_up:
        return _interpolate(_WARM_UP_FROM, 1, passed / warm_up)
    t = passed - warm_up
    lowest = settings.lowest_share
    match settings.decay:
        case "constant":
            return 1.0
        case "step":
            return settings.decay_factor ** math.floor(t / settings.decay_every)
        case "exponential":
            return math.exp(-settings.decay_rate * t)
        case "inverse":
            return 1 / (1 + settings.decay_rate * t)
        case "cosine":
            return _half_cosine(lowest, t / (settings.epochs - warm_up))
        case "one-cycle":
            return _one_cycle(settings, t / (settings.epochs - warm_up))
        case "plateau":
            reductions = count_plateaus(costs[math.ceil(warm_up) :], settings.plateau_patience)
            return max(lowest, settings.decay_factor**reductions)


def count_plateaus(costs: Sequence[float], patience: int) -> int:
    """Count how often ``patience`` epochs in a row brought no lower cost; the count then restarts. NaN is no better.

    Parameters
    ----------
    costs
        One value for each epoch; lower is better.
    patience
        At least 1.
    """
    best, waited, plateaus = math.inf, 0, 0
    for cost in costs:
        if cost < best:
            best, waited = cost, 0
        else:
            waited += 1
        if waited == patience:
            plateaus, waited = plateaus + 1, 0
    return plateaus


def _one_cycle(settings: OptimiserSettings, done: float) -> float:
    if done < settings.rise:
        return _half_cosine(_ONE_CYCLE_FROM, 1 - done / settings.rise)
    return _half_cosine(settings.lowest_share, (done - settings.rise) / (1 - settings.rise))


def _half_cosine(last: float, done: float) -> float:
    """Fall from 1 to ``last`` while ``done`` goes from 0 to 1."""
    return last + (1 - last) * (1 + math.cos(math.pi * done)) / 2


def _interpolate(first: float, last: float, done: float) -> float:
    return first + (last - first) * done
