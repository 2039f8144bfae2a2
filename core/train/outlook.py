"""What a training will do, before it is started: its galaxies, its network, warnings, and the time that it takes.

Everything is prepared as for the training itself. Then some batches of the training and of the validation part are
timed with a throwaway network, as are reading their images, and saving an epoch to a temporary folder.
"""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import Problem, Stopped
from core.events import NEVER, EpochEnded, Preview, Work, result_of
from core.metrics.tally import Tally
from core.nets import device as devices
from core.nets import layers
from core.nets.cnn import largest_depth
from core.nets.settings import NetworkSettings
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.project.temporary import temporary_folder
from core.train import (
    earlier_run,
    environment,
    feature_cache,
    loop,
    optimiser,
    preparation,
    receptive_field,
    schedule,
    start_network,
)
from core.train.batches import ImageSource, Rows, batches_in_order, open_images
from core.train.earlier_run import EarlierRun
from core.train.forward import batch_labels, epoch_batches
from core.train.optimiser import OptimiserStep
from core.train.plan import TrainingPlan
from core.train.settings import RunSettings
from core.train.unlabelled import beginning
from core.train.unlabelled.term import forward

FEW = 20  # training galaxies of a class
_TIMED = (2, 12)  # batches, fewest and most; one before them is not timed, since the first is slower
_LONG_ENOUGH = 1.5  # seconds of timed batches, after which no further ones are timed
_READ = 1024  # galaxies of the training part that are read for this, unless three batches have more
_LEAST_UNCERTAINTY = 0.1  # relative: other programs, the window, and the disk
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
    """The time of one epoch, and of what a run does before the first and after the last.

    Attributes
    ----------
    training_batches, validation_batches
        Number of batches of an epoch.
    training_seconds, validation_seconds
        Of one batch of each, in seconds.
    saving_seconds
        Of saving an epoch.
    other_seconds
        Of reading the images, and of what is validated before and after the epochs.
    uncertainty
        Relative uncertainty of the whole, from the scatter of the batches.
    earlier
        The run with the same settings whose epochs took so long; empty: it was measured by some batches.
    """

    training_batches: int
    validation_batches: int
    training_seconds: float
    validation_seconds: float
    saving_seconds: float = 0.0
    other_seconds: float = 0.0
    uncertainty: float = _LEAST_UNCERTAINTY
    earlier: str = ""

    @property
    def seconds(self) -> float:
        """Of one epoch, validated and saved."""
        return self.training_batches * self.training_seconds + self._validation + self.saving_seconds

    @property
    def _validation(self) -> float:
        return self.validation_batches * self.validation_seconds

    def of_run(self, epochs: int) -> float:
        """Seconds of a whole run of so many epochs."""
        return self.other_seconds + epochs * self.seconds

    def like(self, earlier: EarlierRun) -> EpochTime:
        """As an earlier run took for its epochs: the best forecast that there is."""
        factor = earlier.seconds / (self.seconds - self.saving_seconds)
        return dataclasses.replace(
            self,
            training_seconds=factor * self.training_seconds,
            validation_seconds=factor * self.validation_seconds,
            other_seconds=factor * self.other_seconds,
            uncertainty=_LEAST_UNCERTAINTY,
            earlier=earlier.title,
        )


def run(
    settings: RunSettings,
    data: Path,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
    measured: bool = True,
    runs: Sequence[RunFolder] = (),
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
    runs
        Of the project, oldest first; a finished one with the same settings tells the time best.

    Raises
    ------
    Problem
        The data, the settings or the device do not allow the training: it would end in the same way.
    """
    with environment.reproducible_training(settings.optimiser.batch_size), Cutouts.open(data) as cutouts:
        plan = preparation.prepare(settings, cutouts, hand_labels=hand_labels)
        yield from beginning.prepare(plan, hand_labels, stop=stop, is_rehearsal=True)
        yield Preview(describe(plan))
        if not measured:
            return None
        earlier = earlier_run.find(plan, runs)
        rows, begun = timed_rows(plan), time.perf_counter()
        with (
            yield from open_images(plan.cutouts, rows, plan.scaling_on_read, plan.device, stop, in_memory=True)
        ) as images:
            all_rows = len(plan.split.train) + len(plan.split.validation)
            again = len(plan.split.validation) * (1 if plan.base is None else 2)  # for the numbers around the epochs
            read = (time.perf_counter() - begun) * (all_rows + again) / len(rows)
            found = measure(plan, images, stop)
            found = dataclasses.replace(found, other_seconds=read + found.other_seconds)
            return found if earlier is None else found.like(earlier)


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
    return np.unique(np.concatenate([*_timed(_training_batches(plan)), *_timed(_validation_batches(plan))]))


def _timed(batches: list[Rows]) -> list[Rows]:
    """The first batches, which are as large as most of the others: one to warm up and those that may be timed."""
    fewest, most = _TIMED
    count = min(most, max(fewest, _READ // len(batches[0]))) + 1
    return (batches * count)[:count]  # there may be a single batch


def measure(
    plan: TrainingPlan, images: ImageSource, stop: threading.Event = NEVER, clock: Clock = time.perf_counter
) -> EpochTime:
    """Time batches of the training and of the validation part, and saving; this changes the network of the plan.

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

    Returns
    -------
    EpochTime
        Its ``other_seconds`` are those of validating before and after the epochs alone.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    training, validation = _training_batches(plan), _validation_batches(plan)
    criterion, validation_criterion = optimiser.build_losses(
        plan.settings, plan.target, plan.training_labels, plan.shift
    )
    start = start_network.weights_to_return_to(plan)
    step = OptimiserStep(plan.predictor.network, plan.settings, plan.precision, start)
    if plan.unlabelled is not None:
        plan.unlabelled.join(step.optimiser)
    rate, tally = schedule.rate_at(plan.settings, 0), Tally(plan.target, scale=plan.predictor.output_scale)

    def train(batch: Rows) -> None:
        rows, stamps = next(iter(images.batches([[batch]])))
        labels = batch_labels(plan, rows, 1, 1)
        _, outputs, added = forward(plan, rows, stamps, 1, 1)
        loss = criterion(outputs.float(), labels)
        value = loss.item()  # waits for a GPU, as the training does
        step.step(loss + added, rate)
        if plan.average is not None:
            plan.average.update(plan.predictor.network, len(training))
        tally.add(outputs, labels, value)

    def validate(batch: Rows) -> Tally:
        part = dataclasses.replace(plan, split=dataclasses.replace(plan.split, validation=batch))
        return loop.validate(part, images, validation_criterion, plan.answering.network)

    kept = whole = None
    if feature_cache.is_wanted(plan.settings, plan.predictor.network):
        whole, _ = _time(validate, _timed(validation), stop, clock)
        kept, images = _time_features(plan, images, stop, clock)
    plan.predictor.network.train()
    trained, scatter = _time(train, _timed(training), stop, clock)
    validated, _ = _time(validate, _timed(validation), stop, clock)
    around = (kept or 0.0) + _validations_around(plan) * len(validation) * (validated if whole is None else whole)
    saved = _time_saving(plan, step, validate(validation[0]), clock)
    uncertainty = max(_LEAST_UNCERTAINTY, scatter)
    return EpochTime(len(training), len(validation), trained, validated, saved, around, uncertainty)


def _time_features(
    plan: TrainingPlan, images: ImageSource, stop: threading.Event, clock: Clock
) -> tuple[float, ImageSource]:
    """Seconds of computing the features that are kept, and what the batches then come from."""
    split = plan.split
    few = dataclasses.replace(
        split,
        train=np.unique(np.concatenate(_timed(_training_batches(plan)))),
        validation=np.unique(np.concatenate(_timed(_validation_batches(plan)))),
    )
    begun = clock()
    plan.features = result_of(feature_cache.compute(dataclasses.replace(plan, split=few), images, stop))
    assert plan.features is not None
    return (clock() - begun) * len(split.train) / len(few.train), plan.features


def _validations_around(plan: TrainingPlan) -> int:
    """How often the validation part is passed through the network before the first and after the last epoch.

    Once to see whether the answers differ, and once for each view over which the final numbers are averaged; before
    fine-tuning, for each view of the unadapted network.
    """
    return 1 + len(plan.predictor.views) + (0 if plan.base is None else len(plan.base.views))


def _time(
    work: Callable[[Rows], object], batches: list[Rows], stop: threading.Event, clock: Clock
) -> tuple[float, float]:
    """Mean seconds of ``work`` on a batch, and their relative standard error; the first batch is not timed."""
    seconds: list[float] = []
    for number, batch in enumerate(batches):
        if stop.is_set():
            raise Stopped
        if len(seconds) >= _TIMED[0] and sum(seconds) >= _LONG_ENOUGH:
            break
        begun = clock()
        work(batch)
        seconds += [clock() - begun] * (number > 0)
    mean = statistics.fmean(seconds)
    return mean, statistics.stdev(seconds) / len(seconds) ** 0.5 / mean if mean else 0.0


def _time_saving(plan: TrainingPlan, step: OptimiserStep, validated: Tally, clock: Clock) -> float:
    """Seconds of saving an epoch, as the training does."""
    scores = validated.scores()
    ended = EpochEnded(1, plan.settings.optimiser.epochs, scores, scores, 0.0, 0.0, 1, 0)
    with temporary_folder() as folder:
        begun = clock()
        result_of(loop.save_epoch(plan, RunFolder(folder), step, [ended], None))
        return clock() - begun


def _training_batches(plan: TrainingPlan) -> list[Rows]:
    return [batch for pool in epoch_batches(plan, 1) for batch in pool]


def _validation_batches(plan: TrainingPlan) -> list[Rows]:
    return [batch for pool in batches_in_order(plan.split.validation, loop.VALIDATION_BATCH) for batch in pool]
