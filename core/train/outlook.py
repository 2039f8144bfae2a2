"""What a training will do, before it is started: its galaxies, its network, warnings, and the time of an epoch.

Everything is prepared as for the training itself. The time is measured on a few batches of the training and of the
validation part, with a throwaway network.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import Problem, Stopped
from core.events import NEVER, Preview, Work
from core.nets import device as devices
from core.nets import layers
from core.nets.cnn import largest_depth
from core.nets.settings import NetworkSettings
from core.project.labels import LabelJournal
from core.train import environment, loop, optimiser, preparation, receptive_field, schedule
from core.train.batches import ImageSource, Rows, batches_in_order, open_images
from core.train.forward import batch_labels, epoch_batches, forward_batch
from core.train.optimiser import OptimiserStep
from core.train.plan import TrainingPlan
from core.train.settings import RunSettings

FEW = 20  # training galaxies of a class
_TIMED = 2  # batches; one before them is not timed, since the first is slower
Clock = Callable[[], float]


@dataclass(frozen=True)
class RunOutlook:
    """What a training will do.

    Attributes
    ----------
    galaxies
        Number in ``training``, ``validation`` and ``test``.
    classes
        Number of training galaxies of each class; empty where no classes are learned.
    stamp
        Shape (C, H, W) of the network's input.
    deepest
        Largest number of blocks that stamps of this size allow; 0: the network has no such limit.
    parameters, trainable
        Number of weights, and how many of them are learned.
    receptive_field
        Side in pixels of what the last block sees.
    device
        As text, such as ``CPU · 2 threads · float32``.
    notices
        What the user should know before.
    """

    galaxies: Mapping[str, int]
    classes: Mapping[str, int]
    stamp: tuple[int, int, int]
    deepest: int
    parameters: int
    trainable: int
    receptive_field: int
    device: str
    notices: tuple[Problem, ...]


@dataclass(frozen=True)
class EpochTime:
    """The time of one epoch.

    Attributes
    ----------
    training_batches, validation_batches
        Number of batches of an epoch.
    training_seconds, validation_seconds
        Of one batch of each, in seconds.
    """

    training_batches: int
    validation_batches: int
    training_seconds: float
    validation_seconds: float

    @property
    def seconds(self) -> float:
        """Of one epoch with its validation; without reading the images for the first time, and without saving."""
        return self.training_batches * self.training_seconds + self.validation_batches * self.validation_seconds


def run(
    settings: RunSettings,
    data: Path,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
    measured: bool = True,
) -> Work[EpochTime | None]:
    """Report what a training will do as a :class:`~core.events.Preview`, then measure the time of an epoch.

    Parameters
    ----------
    settings
        Of the planned training.
    data
        The dataset.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.
    measured
        Whether the time is measured; if not, the result is None.

    Raises
    ------
    Problem
        The data, the settings or the device do not allow the training: it would end in the same way.
    """
    with environment.reproducible_training(settings.optimiser.batch_size), Cutouts.open(data) as cutouts:
        plan = preparation.prepare(settings, cutouts, hand_labels=hand_labels)
        yield Preview(describe(plan))
        if not measured:
            return None
        rows = timed_rows(plan)
        with (yield from open_images(cutouts, rows, plan.scaling_on_read, plan.device, stop, in_memory=True)) as images:
            return measure(plan, images, stop)


def describe(plan: TrainingPlan) -> RunOutlook:
    """Say in numbers what a training will do."""
    network, stamp = plan.predictor.network, plan.predictor.stamp_shape
    weights = list(network.parameters())
    classes = plan.facts["classes"]["training"] if isinstance(plan.target, Classes) else {}
    return RunOutlook(
        galaxies=plan.facts["galaxies"],
        classes=classes,
        stamp=stamp,
        deepest=deepest(plan.settings.network, stamp),
        parameters=sum(each.numel() for each in weights),
        trainable=sum(each.numel() for each in weights if each.requires_grad),
        receptive_field=receptive_field.final_receptive_field(layers.table(network, stamp)),
        device=devices.describe(plan.device, plan.precision),
        notices=(*plan.notices, *_few_galaxies(classes)),
    )


def deepest(settings: NetworkSettings, stamp: tuple[int, int, int]) -> int:
    """The largest number of blocks that stamps of shape (C, H, W) allow; 0: a backbone has no such limit."""
    return 0 if settings.backbone else largest_depth(*stamp[1:])


def _few_galaxies(classes: Mapping[str, int]) -> list[Problem]:
    few = [f"“{name}” ({count})" for name, count in classes.items() if count < FEW]
    if not few:
        return []
    return [
        Problem(
            f"There are fewer than {FEW} training galaxies of {', '.join(few)}.",
            "What is learned of a class from so few depends on chance; label more of them, or leave it out.",
        )
    ]


def timed_rows(plan: TrainingPlan) -> Rows:
    """The rows of the galaxies that :func:`measure` looks at, ascending."""
    timed = [*_training_batches(plan)[: _TIMED + 1], *_validation_batches(plan)[: _TIMED + 1]]
    return np.unique(np.concatenate(timed))


def measure(
    plan: TrainingPlan, images: ImageSource, stop: threading.Event = NEVER, clock: Clock = time.perf_counter
) -> EpochTime:
    """Time two batches of the training and two of the validation part; this changes the network of the plan.

    Parameters
    ----------
    plan
        Of the planned training.
    images
        At least those of :func:`timed_rows`.
    stop
        Ends the measurement.
    clock
        Seconds that have passed.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    training, validation = _training_batches(plan), _validation_batches(plan)
    criterion, validation_criterion = optimiser.build_losses(plan.settings, plan.target, plan.training_labels)
    step, rate = (
        OptimiserStep(plan.predictor.network, plan.settings, plan.precision),
        schedule.rate_at(plan.settings, 0),
    )

    def train(batch: Rows) -> None:
        rows, stamps = next(iter(images.batches([[batch]])))
        _, outputs = forward_batch(plan, stamps, 1, 1)
        loss = criterion(outputs.float(), batch_labels(plan, rows, 1, 1))
        loss.item()  # waits for a GPU, as the training does
        step.step(loss, rate)

    def validate(batch: Rows) -> None:
        part = dataclasses.replace(plan, split=dataclasses.replace(plan.split, validation=batch))
        loop.validate(part, images, validation_criterion)

    plan.predictor.network.train()
    training_seconds = _time(train, training, stop, clock)
    return EpochTime(len(training), len(validation), training_seconds, _time(validate, validation, stop, clock))


def _time(work: Callable[[Rows], None], batches: list[Rows], stop: threading.Event, clock: Clock) -> float:
    """Mean seconds of ``work`` on the first batches, which are as large as most of the others."""
    timed, seconds = (batches * 3)[: _TIMED + 1], 0.0  # there may be a single batch
    for number, batch in enumerate(timed):
        if stop.is_set():
            raise Stopped
        begun = clock()
        work(batch)
        seconds += (clock() - begun) * (number > 0)
    return seconds / _TIMED


def _training_batches(plan: TrainingPlan) -> list[Rows]:
    return [batch for pool in epoch_batches(plan, 1) for batch in pool]


def _validation_batches(plan: TrainingPlan) -> list[Rows]:
    return [batch for pool in batches_in_order(plan.split.validation, loop.VALIDATION_BATCH) for batch in pool]
