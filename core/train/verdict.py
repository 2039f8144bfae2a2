r"""Has the run converged? A verdict as text, as a pure function of a run's history.

A validation curve fluctuates from epoch to epoch, and the lowest of many such values is low partly by chance. So the
curve is smoothed with a running median over five epochs, and its noise σ is estimated from the residuals: the distance
within which 68 per cent of the values lie, divided by what it would be for independent Gaussian values of unit scatter.
It is estimated over the five epochs before and after, since it shrinks with the learning rate. Whether a stretch falls
or rises is decided by Kendall's rank test against time, which is robust to single bad epochs and independent of the
scale of the values.

The questions are asked in this order: Is a value not finite? Are there enough epochs? Is it better than guessing? Is
the noise as large as the total gain, or does even the training loss rise? Does the validation get worse while the
training gets better? Does it still improve? If none of these applies, the run has converged.

References
----------
Prechelt 1998, Early stopping — but when?; Mann 1945, Econometrica 13, 245 (the rank test against time).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from core.events import EpochEnded
from core.train import stopping
from core.train.settings import RunSettings
from core.wording import count_of

VerdictKind = Literal["not a number", "too early", "stuck", "rate too high", "over-fitting", "improving", "converged"]
Values = NDArray[np.float64]

MIN_EPOCHS = 8
_ENDED = ("finished", "early", "stopped")  # reasons for the end of a run
_TREND_EPOCHS = 200  # at most, in which a trend is looked for
_MEDIAN_REACH = 2  # epochs before and after in a running median
_NOISE_REACH = 5  # epochs before and after from which the noise is taken
_QUANTILE = 0.683  # of the distances from the running median …
_QUANTILE_IN_SIGMA = 0.845  # … and its value for independent Gaussian values, in σ
_SIGNIFICANCE = 3.0  # standard deviations
_LEAD_SIGNIFICANCE = 4.0  # standard deviations: by chance the lowest of forty values leads by more once in twenty
_MOST_SIGMA = 20.0  # a larger lead is not counted in σ: the noise is not Gaussian so far out
_NO_NOISE = 1e-4  # of the range of a curve: noise below is too small to measure anything by it
_SWING_OF_GAIN = 0.3  # of the total gain: more noise than this is too much
_SWING_OF_LEVEL = 0.1  # of the values themselves: less noise than this is harmless
_NEGLIGIBLE_GAIN = 0.03  # of the total gain: a smaller change counts as none
_ABOVE_GUESSING = 0.03  # in balanced accuracy or R²: less than this is no better than guessing
_ADVICE_SLOWER = "Choose a lower learning rate, or one that decays; tuningfork rate suggests one."
_FALLING = ("cosine", "one-cycle")  # decays of the learning rate that are planned to the last epoch
_ADVICE_MORE_DATA = "The training still improves: more galaxies, augmentation or dropout may gain more."
_ADVICE_REGULARISE = "More augmentation, dropout, weight decay or galaxies; the best weights are kept."


@dataclass(frozen=True)
class Verdict:
    """The verdict on a run's history.

    Attributes
    ----------
    kind
        Which of the cases it is.
    epoch
        The epoch since which it holds, counted from 1; 0 where that has no meaning.
    sentence
        The verdict as text.
    advice
        What to do; may be empty.
    """

    kind: VerdictKind
    epoch: int
    sentence: str
    advice: str


def describe(metrics: Mapping[str, Any], *, with_advice: bool = True) -> str:
    """The verdict in a run's metrics as text; empty where there is none.

    Of a run that has ended with too few epochs for a verdict, it says so: to wait for one would be in vain.
    """
    found = metrics.get("verdict") or {}
    if found.get("kind") == "too early" and metrics.get("reason") in _ENDED:
        epochs = count_of(metrics.get("epochs", 0), "epoch")
        return f"No verdict on the convergence: the run ended after {epochs}, and a verdict needs {MIN_EPOCHS}."
    parts = [found.get("sentence", ""), found.get("advice", "") if with_advice else ""]
    return " ".join(part for part in parts if part)


def judge(history: Sequence[EpochEnded], settings: RunSettings, classes: int | None = None) -> Verdict:
    """Judge a run by its epochs.

    Parameters
    ----------
    history
        The epochs so far, in order.
    settings
        Of the run: the monitored quantity and the learning-rate schedule.
    classes
        Number of classes; None for quantities and vote fractions.
    """
    for ended in history:
        if not (math.isfinite(ended.train.loss) and math.isfinite(ended.validation.loss)):
            sentence = f"Since epoch {ended.epoch} the loss is not a number."
            return Verdict("not a number", ended.epoch, sentence, _ADVICE_SLOWER)
    if len(history) < MIN_EPOCHS:
        return Verdict("too early", 0, f"Too early to say: a verdict needs {MIN_EPOCHS} epochs.", "")
    if (guessing := _no_better_than_guessing(history, classes, settings)) is not None:
        return guessing
    costs = np.array(stopping.costs(history, settings.stopping))
    training = np.array(stopping.costs(history, settings.stopping, part="train"))
    name = {"score": "score", "r2": "R²"}.get(settings.stopping.monitor, settings.stopping.monitor)
    return _judge_curves(training, costs, name, settings)


def _judge_curves(training: Values, costs: Values, name: str, settings: RunSettings) -> Verdict:
    smooth, noise = running_median(costs), scatter(costs)
    half, recent = (costs[-min(max(MIN_EPOCHS, len(costs) // part), _TREND_EPOCHS) :] for part in (2, 4))
    lowest = int(smooth.argmin())
    now = float(noise[-len(recent) :].mean())
    gained = max(float(np.median(costs[:3]) - smooth[lowest]) - now, 0.0)  # the lowest is low by about that by chance
    if _rise(training) > _NEGLIGIBLE_GAIN * np.ptp(training):
        since = int(running_median(training).argmin()) + 2
        sentence = f"Since epoch {since} even the training gets worse: the learning rate is too high."
        return Verdict("rate too high", since, sentence, _ADVICE_SLOWER)
    if now > _SWING_OF_GAIN * gained and now > _SWING_OF_LEVEL * abs(float(np.median(recent))):
        sentence = f"The validation {name} swings by ±{now:.2g} between epochs, and gained only {gained:.2g} in all."
        return Verdict("rate too high", 0, sentence, _ADVICE_SLOWER)
    if _rise(costs) > _NEGLIGIBLE_GAIN * gained and trend(training[lowest:][-_TREND_EPOCHS:]) < 0:
        sentence = f"Over-fitting since epoch {lowest + 2}: the validation {name} gets worse, the training better."
        return Verdict("over-fitting", lowest + 2, f"{sentence} {_describe_best(costs, noise)}", _ADVICE_REGULARISE)
    gain = -10 * slope(recent)
    falls = trend(recent) < -_SIGNIFICANCE or (trend(half) < -_SIGNIFICANCE and trend(recent) < -1)
    if falls and gain > _NEGLIGIBLE_GAIN * gained:
        sentence = f"Still improving: the validation {name} gets better by {gain:.2g} in ten epochs."
        return Verdict("improving", 0, sentence, _advise_longer(settings))
    level = float(np.median(recent)) + max(now, _NEGLIGIBLE_GAIN * gained)
    settled = int(np.flatnonzero(smooth[:-_MEDIAN_REACH] > level).max(initial=-1)) + 2
    falling = settings.optimiser.decay in _FALLING and len(costs) < settings.optimiser.epochs
    so_far = " so far" if falling else ""
    sentence = f"Converged{so_far} at epoch {settled}: since then the validation {name} has changed by less than "
    sentence += (
        f"its scatter of {now:.2g}."
        if now > _NEGLIGIBLE_GAIN * gained
        else f"{_NEGLIGIBLE_GAIN:.0%} of what it had gained."
    )
    advice = _ADVICE_MORE_DATA if trend(training[-len(recent) :]) < -_SIGNIFICANCE else ""
    if falling:
        advice = f"The learning rate falls until epoch {settings.optimiser.epochs}, which often gains more."
    return Verdict("converged", settled, f"{sentence} {_describe_best(costs, noise)}", advice)


def _rise(costs: Values) -> float:
    """By how much the last values lie above the lowest part of the curve; 0 if that is not significant."""
    smooth, noise = running_median(costs), scatter(costs)
    lowest, last = int(smooth.argmin()), costs[-MIN_EPOCHS:]
    if lowest >= len(costs) - MIN_EPOCHS:
        return 0.0
    rise = float(np.median(last) - smooth[lowest])
    doubt = 1.25 * math.hypot(noise[lowest] / math.sqrt(2 * _MEDIAN_REACH + 1), noise[-1] / math.sqrt(MIN_EPOCHS))
    return rise if rise > (_SIGNIFICANCE + 1) * doubt else 0.0  # one more, since the lowest was selected


def slope(values: Values) -> float:
    """The median of the slopes between all pairs (Theil & Sen), per epoch."""
    from scipy.stats import theilslopes  # imported late: it takes a second, and the curve plot needs the noise only

    found: Any = theilslopes(values)  # scipy's results have no types
    return float(found.slope)


def _describe_best(costs: Values, noise: Values) -> str:
    """Say by how many σ the best epoch leads, and whether that is significant; where σ means nothing, say why."""
    best = int(np.argmin(costs)) + 1
    if np.ptp(costs) == 0:
        return "All epochs are equally good."
    ahead = lead(costs, noise)
    if math.isnan(ahead):
        return f"Epoch {best} is the best; neighbouring epochs hardly scatter, so its lead has no significance in σ."
    if ahead > _MOST_SIGMA:
        return f"Epoch {best} is the best, more than {_MOST_SIGMA:.0f} σ ahead of its neighbours, more than chance."
    chance = "more than chance" if ahead > _LEAD_SIGNIFICANCE else "which may be chance"
    return f"Epoch {best} is the best, {ahead:.1f} σ ahead of its neighbours, {chance}."


def _no_better_than_guessing(
    history: Sequence[EpochEnded], classes: int | None, settings: RunSettings
) -> Verdict | None:
    """Compare with guessing: classes by the balanced accuracy, 1/K for any guess, all else by R², 0 for the mean."""
    name, guess = ("balanced_accuracy", 1 / classes) if classes else ("r2", 0.0)
    training, validation = (
        np.array([part.values.get(name, math.nan) for part in parts])
        for parts in ([epoch.train for epoch in history], [epoch.validation for epoch in history])
    )
    known = validation[np.isfinite(validation)]
    if len(known) < MIN_EPOCHS or np.median(known[-MIN_EPOCHS:]) > guess + _ABOVE_GUESSING:
        return None
    words = name.replace("_", " ").replace("r2", "R²")
    if np.nanmedian(training[-MIN_EPOCHS:]) > guess + 3 * _ABOVE_GUESSING:
        sentence = f"Over-fitting from the beginning: the validation is no better than guessing ({words} {guess:.2g})."
        return Verdict("over-fitting", 1, sentence, _ADVICE_REGULARISE)
    sentence = f"Stuck: after {len(history)} epochs it is no better than guessing ({words} {guess:.2g})."
    faster = "a smaller" if settings.optimiser.learning_rate else "another"
    return Verdict("stuck", 0, sentence, f"Try {faster} learning rate or more depth, and check the labels.")


def running_median(values: Values) -> Values:
    """Running median (n,) over five values, over three and one at the ends; n is at least five."""
    middle = np.median(sliding_window_view(values, 2 * _MEDIAN_REACH + 1), axis=1)
    first, last = np.median(values[:3]), np.median(values[-3:])
    return np.concatenate([[values[0], first], middle, [last, values[-1]]])


def scatter(values: Values) -> Values:
    """Noise (n,) about the running median, from the neighbourhood of each value; robust against outliers."""
    away = np.abs(values - running_median(values))[
        _MEDIAN_REACH:-_MEDIAN_REACH
    ]  # nearer the ends the median is that of fewer
    size = min(2 * _NOISE_REACH + 1, len(away))
    near = np.quantile(sliding_window_view(away, size), _QUANTILE, axis=1)
    places = np.arange(len(values)) - _MEDIAN_REACH - size // 2
    return near[np.clip(places, 0, len(near) - 1)] / _QUANTILE_IN_SIGMA


def trend(values: Values) -> float:
    """Significance of a rise (positive) or fall, in standard deviations of Kendall's rank test against time."""
    if len(values) < 3 or np.ptp(values) == 0:
        return 0.0
    from scipy.stats import kendalltau, norm  # imported late, as above

    found: Any = kendalltau(np.arange(len(values)), values, method="asymptotic")
    return math.copysign(float(norm.isf(found.pvalue / 2)), found.statistic)


def lead(costs: Values, noise: Values) -> float:
    """By how many standard deviations the lowest value lies below the median of the three before and after it.

    NaN where the noise is negligible against the range of the curve, as of a score that hardly changes any more.
    """
    best = int(np.argmin(costs))
    around = np.delete(costs[max(0, best - 3) : best + 4], min(best, 3))
    largest = noise[max(0, best - _NOISE_REACH) : best + _NOISE_REACH + 1].max()  # the noise may shrink quickly
    if largest <= _NO_NOISE * np.ptp(costs):
        return math.nan
    return float((np.median(around) - costs[best]) / largest)


def _advise_longer(settings: RunSettings) -> str:
    if settings.optimiser.decay in _FALLING:
        return "Train again for more epochs, over which the learning rate then falls more slowly."
    return "Train for more epochs."
