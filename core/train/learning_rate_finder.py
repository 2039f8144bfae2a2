r"""The learning-rate range test: a short training whose learning rate grows from far too small to far too large.

The rate grows by a constant factor from batch to batch, and the training loss is recorded before each step. At tiny
rates the loss does not change, then it falls, and beyond some rate it diverges. The curve is smoothed with a Gaussian
over the logarithm of the rate, and two rates are read off:

- where the smoothed loss falls most steeply, :math:`\min\,dL / d\log\lambda`;
- where it *diverges*: the first rate after the minimum at which it has risen again by a tenth of its total fall, and by
  more than three standard deviations of the noise that the smoothing leaves.

The suggestion is the first, but at most a tenth of the second. A throwaway network is trained for this on galaxies of
the training part; those of the validation and test parts are not even read.

References
----------
Smith 2017, Cyclical learning rates for training neural networks, arXiv:1506.01186.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.data.cutouts import Cutouts
from core.errors import NotPossible, Stopped
from core.events import NEVER, Progress, Skipped, Work
from core.project.labels import LabelJournal
from core.train import environment, feature_cache, optimiser, preparation, start_network
from core.train.batches import ImageSource, Rows, open_images
from core.train.forward import batch_labels, epoch_batches, forward_batch
from core.train.optimiser import OptimiserStep
from core.train.plan import TrainingPlan
from core.train.settings import RunSettings

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 120
_SMOOTHING_WIDTH = 4.0  # standard deviation of the Gaussian, in steps
_DIVERGENCE_RISE = 0.1  # of the total fall: a larger rise is a divergence
_SIGNIFICANCE = 3.0  # standard deviations
_ABORT_FACTOR = 4.0  # times the lowest loss: there is no need to continue
_MIN_STEPS = 10
_SAFETY_FACTOR = 10.0


@dataclass(frozen=True, eq=False)
class RateRange:
    """The result of a learning-rate range test.

    Attributes
    ----------
    rates, losses, smoothed
        One value for each step, float64 (n,).
    steepest
        The rate at which the smoothed loss falls fastest.
    diverged
        The rate at which the loss diverges; None if it does not up to the highest rate.
    suggestion
        A learning rate for a training with these settings.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    steepest: float
    diverged: float | None
    suggestion: float


def run(
    settings: RunSettings,
    data: Path,
    stop: threading.Event = NEVER,
    *,
    steps: int = STEPS,
    hand_labels: LabelJournal | None = None,
) -> Work[RateRange]:
    """Try learning rates from 1e-6 to 10 on a throwaway network.

    Parameters
    ----------
    settings
        Of the planned training; its learning rate and decay do not matter.
    data
        The dataset.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    steps
        Number of batches.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    Problem
        The data, the settings or the device do not allow a training, or the loss falls at no rate.
    """
    with environment.reproducible_training(settings.optimiser.batch_size), Cutouts.open(data) as cutouts:
        plan = preparation.prepare(feature_cache.without(settings), cutouts, hand_labels=hand_labels)
        for notice in plan.notices:
            yield Skipped(notice)
        with (
            yield from open_images(plan.cutouts, plan.split.train, plan.scaling_on_read, plan.device, stop)
        ) as images:
            rates = np.geomspace(LOWEST, HIGHEST, steps)
            losses = yield from _measure_losses(plan, images, rates, stop)
    return analyse_curve(rates[: len(losses)], losses)


def analyse_curve(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> RateRange:
    """Find steepest descent, divergence and suggestion in a curve of losses (n,) against growing rates (n,).

    Raises
    ------
    NotPossible
        The loss falls nowhere.
    """
    curve = smooth(losses)
    lowest = int(curve.argmin())
    if len(curve) < _MIN_STEPS or lowest == 0:
        raise NotPossible("The loss falls at no learning rate.", "Check whether the labels fit the images.")
    fall = float(curve[: lowest + 1].max() - curve[lowest])
    single = 1.4826 * float(np.median(np.abs(np.diff(losses)))) / math.sqrt(2)  # about zero, not about their median
    noise = single / math.sqrt(2 * math.sqrt(math.pi) * _SMOOTHING_WIDTH)  # of the smoothed curve
    if fall < _SIGNIFICANCE * noise:
        raise NotPossible(
            "The loss falls at no learning rate by more than its noise from batch to batch.",
            "Choose a larger batch size, or check whether the labels fit the images.",
            "optimiser.batch_size",
        )
    slope = np.gradient(curve, np.log(rates))
    steepest = float(rates[slope[: lowest + 1].argmin()])
    risen = np.flatnonzero(curve[lowest:] > curve[lowest] + max(_DIVERGENCE_RISE * fall, _SIGNIFICANCE * noise))
    diverged = float(rates[lowest + risen[0]]) if len(risen) else None
    suggestion = steepest if diverged is None else min(steepest, diverged / _SAFETY_FACTOR)
    return RateRange(rates, losses, curve, steepest, diverged, suggestion)


def smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth losses (n,) with a Gaussian of four steps, normalised near the ends."""
    steps = np.arange(len(losses))
    weights = np.exp(-((steps[:, None] - steps[None, :]) ** 2) / (2 * _SMOOTHING_WIDTH**2))
    return weights @ losses / weights.sum(axis=1)


def _measure_losses(
    plan: TrainingPlan, images: ImageSource, rates: NDArray[np.float64], stop: threading.Event
) -> Work[NDArray[np.float64]]:
    """Record the loss before each step, until it is not finite or has diverged."""
    network = plan.predictor.network.train()
    criterion, _ = optimiser.build_losses(plan.settings, plan.target, plan.training_labels, plan.shift)
    start = start_network.weights_to_return_to(plan)
    optimiser_step, losses = OptimiserStep(network, plan.settings, plan.precision, start), list[float]()
    batches = _repeat_epochs(plan, images)
    for step, rate in enumerate(rates, 1):
        if stop.is_set():
            raise Stopped
        epoch, (rows, stamps) = next(batches)
        _, outputs = forward_batch(plan, rows, stamps, epoch, step)
        loss = criterion(outputs.float(), batch_labels(plan, rows, epoch, step))
        value = loss.item()
        if not math.isfinite(value) or (losses and value > _ABORT_FACTOR * max(losses[0], min(losses))):
            break
        losses.append(value)
        optimiser_step.step(loss, float(rate))
        yield Progress(step, len(rates), "steps")
    return np.array(losses)


def _repeat_epochs(plan: TrainingPlan, images: ImageSource) -> Iterator[tuple[int, tuple[Rows, Tensor]]]:
    """Yield batches of the training part, epoch after epoch, without end."""
    epoch = 0
    while True:
        epoch += 1
        for batch in images.batches(epoch_batches(plan, epoch)):
            yield epoch, batch
