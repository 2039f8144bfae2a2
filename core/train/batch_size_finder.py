"""The batch-size test: real training steps on batches that double, until they gain nothing or memory ends.

A larger batch keeps a device busier, up to a size from which on the galaxies per second stay the same. It also changes
what is learned: an epoch has fewer steps. So the suggestion is the usual size where that is about as fast as any, else
the nearest one that is, among those that leave an epoch enough steps. A throwaway network is trained for this, at a
learning rate of zero, on galaxies of the training part that are in memory: a disk that is slower than the training is
not seen.

The test draws no random number that a training draws: before and after it the same seed gives the same run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import torch
from torch import Tensor

from core.data.cutouts import Cutouts
from core.errors import NotPossible, Stopped
from core.events import NEVER, Preview, Progress, Skipped, Work
from core.nets import device as devices
from core.project.labels import LabelJournal
from core.train import batch_size, environment, feature_cache, optimiser, preparation, start_network
from core.train.batches import ImageSource, Rows, open_images
from core.train.forward import batch_labels
from core.train.optimiser import OptimiserStep
from core.train.plan import TrainingPlan
from core.train.settings import RunSettings
from core.train.unlabelled import beginning
from core.train.unlabelled.term import forward
from core.wording import count_of

SMALLEST, LARGEST = 8, 8192
_TIMED = (4, 12)  # steps, fewest and most; one before them is not timed, since the first is slower
_LONG_ENOUGH = 0.6  # seconds of timed steps, after which no further ones are timed
_TOO_LONG = 20.0  # seconds that the steps of a size may take
_GAIN = 1.05  # times as fast: less is no gain
_PATIENCE = 2  # sizes without gain, after which no larger ones are tried
_ABOUT = 0.9  # of the largest speed is about as fast
_FREE = 3.0  # times the memory of a step that has to be free for one twice as large, where others use it, too
_READ_GALAXIES, _READ_BYTES = 1024, 2**28
_MB, _GB = 1e6, 1e9
Step = Callable[[int, AbstractContextManager[object]], None]
End = Literal["speed", "memory", "galaxies", "time", "largest"]
_ENDS: dict[End, str] = {
    "speed": "Larger ones gain nothing.",
    "memory": "Larger ones do not fit in memory.",
    "galaxies": "The training part has no more galaxies for larger ones.",
    "time": "Larger ones were not tried, since their steps take too long.",
    "largest": "Larger ones are not possible.",
}


@dataclass(frozen=True)
class TriedSize:
    """What was measured of a batch size.

    Attributes
    ----------
    size
        Galaxies per step.
    seconds
        Of a training step.
    memory
        Bytes: on a graphics card all that are in use during a step; elsewhere those that it keeps for its gradient.
    """

    size: int
    seconds: float
    memory: int = 0

    @property
    def speed(self) -> float:
        """Galaxies per second."""
        return self.size / self.seconds


@dataclass(frozen=True)
class BatchSizes:
    """The result of a batch-size test.

    Attributes
    ----------
    tried
        The sizes that fit, ascending.
    end
        Why no larger one was tried.
    galaxies
        That an epoch shows, repeats included.
    repeats
        How often an epoch shows each galaxy; it has to be chosen with the size, or small surveys lose their repeats.
    usual
        The size that is taken where none is chosen.
    suggestion
        A batch size for a training with these settings.
    total_memory
        Bytes that the device has; 0: it does not tell.
    """

    tried: tuple[TriedSize, ...]
    end: End
    galaxies: int
    repeats: int
    usual: int
    suggestion: int
    total_memory: int

    def of(self, size: int) -> TriedSize:
        """What was measured of a size that was tried."""
        return next(each for each in self.tried if each.size == size)

    def values(self, size: int) -> dict[str, int]:
        """Settings by dotted name that take a size: with their repeats where it is a choice that changes them."""
        return {"optimiser.batch_size": size} | ({"optimiser.repeats": self.repeats} if self.repeats > 1 else {})

    def describe(self, size: int) -> str:
        """Say what a size that was tried comes to, and what it changes."""
        found, usual = self.of(size), next((each for each in self.tried if each.size == self.usual), None)
        said = f"{found.speed:,.0f} galaxies per second"
        if size == self.usual:
            said += ", with the usual size"
        elif usual is not None:
            said += f", {found.speed / usual.speed:.2g} times as many as with the usual {self.usual}"
        if found.memory:
            of_all = f" of {describe_bytes(self.total_memory)}" if self.total_memory else ""
            said += f", in {describe_bytes(found.memory)}{of_all} of memory"
        said += f". An epoch has {count_of(self._steps(size), 'step')}"
        return said + ("; with fewer steps it takes more epochs to learn the same." if size > self.usual else ".")

    def _steps(self, size: int) -> int:
        return math.ceil(self.galaxies / size)

    @property
    def sentence(self) -> str:
        """What is suggested, and why."""
        said = f"Suggested: {count_of(self.suggestion, 'galaxy')} per step. {self.describe(self.suggestion)}"
        fastest = max(self.tried, key=lambda each: each.speed)
        ratio = fastest.speed / self.of(self.suggestion).speed
        if ratio * _ABOUT > 1:
            steps = count_of(self._steps(fastest.size), "step")
            return f"{said} {fastest.size} would be {ratio:.2g} times as fast, but leave an epoch only {steps}."
        return f"{said} {_ENDS[self.end]}"


def run(
    settings: RunSettings,
    data: Path,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
    largest: int = LARGEST,
) -> Work[BatchSizes]:
    """Try batch sizes on a throwaway network; each that was measured is reported in a :class:`~core.events.Preview`.

    Parameters
    ----------
    settings
        Of the planned training; its batch size does not matter.
    data
        The dataset.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.
    largest
        No larger size is tried.

    Raises
    ------
    Problem
        The data, the settings or the device do not allow a training, or memory does not suffice for the smallest batch.
    """
    settings = settings.model_copy(
        update={"optimiser": settings.optimiser.model_copy(update={"batch_size": None, "averaging": 0})}
    )
    with environment.reproducible_training(SMALLEST), Cutouts.open(data) as cutouts:
        plan = preparation.prepare(settings, cutouts, hand_labels=hand_labels)
        if feature_cache.is_wanted(plan.settings, plan.predictor.network):
            raise NotPossible(
                "With kept features the head alone is trained, which takes seconds at any batch size.",
                "Tune a block, or keep no features, to compare batch sizes.",
                "transfer.cached_views",
            )
        for notice in plan.notices:
            yield Skipped(notice)
        yield from beginning.prepare(plan, hand_labels, stop=stop, is_rehearsal=True)
        rows = _rows_to_read(plan)
        with (
            yield from open_images(plan.cutouts, rows, plan.scaling_on_read, plan.device, stop, in_memory=True)
        ) as images:
            return (yield from _try_sizes(plan, images, rows, largest, stop))


def sizes_for(galaxies: int, largest: int = LARGEST) -> list[int]:
    """The sizes that may be tried for a number of training galaxies: powers of two; of fewer than 8 all at once.

    Examples
    --------
    >>> sizes_for(100)
    [8, 16, 32, 64]
    """
    return [SMALLEST * 2**power for power in range(11) if SMALLEST * 2**power <= min(galaxies, largest)] or [galaxies]


def gains_nothing(tried: Sequence[TriedSize]) -> bool:
    """Whether the last sizes, ascending, are no faster than a smaller one was."""
    best, since = 0.0, 0
    for each in tried:
        since = 0 if each.speed > _GAIN * best else since + 1
        best = max(best, each.speed)
    return since >= _PATIENCE


def suggest(tried: Sequence[TriedSize], usual: int, galaxies: int) -> int:
    """The size to take of those that were tried.

    Parameters
    ----------
    tried
        At least one, ascending.
    usual
        The size that is taken where none is chosen.
    galaxies
        That an epoch shows; it should keep 30 steps.

    Returns
    -------
    int
        Of the sizes that leave enough steps and are about as fast as the fastest of them, the nearest to the usual one.
    """
    roomy = [each for each in tried if each.size <= max(galaxies / batch_size.STEPS, usual)] or list(tried[:1])
    fastest = max(each.speed for each in roomy)
    fast = [each.size for each in roomy if each.speed >= _ABOUT * fastest]
    return min(fast, key=lambda size: abs(math.log2(size / usual)))


def describe_bytes(count: int) -> str:
    """A number of bytes, in MB or GB.

    Examples
    --------
    >>> describe_bytes(1_234_000_000), describe_bytes(56_700_000)
    ('1.2 GB', '57 MB')
    """
    return f"{count / _GB:.1f} GB" if count >= _GB else f"{count / _MB:.0f} MB"


def _rows_to_read(plan: TrainingPlan) -> Rows:
    most = min(_READ_GALAXIES, max(batch_size.USUAL, _READ_BYTES // plan.stamp_bytes))
    return np.sort(plan.split.train)[:most]


def _try_sizes(
    plan: TrainingPlan, images: ImageSource, rows: Rows, largest: int, stop: threading.Event
) -> Work[BatchSizes]:
    """Measure one size after the other until it is not worth while, or not possible, to go on."""
    count = len(plan.split.train)
    sizes, usual = sizes_for(count, largest), batch_size.choose(None, count)
    train = _make_step(plan, images, rows)
    tried: list[TriedSize] = []
    end: End = "largest" if sizes[-1] * 2 > largest else "galaxies"
    for number, size in enumerate(sizes):
        if tried and (reason := _reason_to_end(tried, usual, plan.device)) is not None:
            end = reason
            break
        found: TriedSize | None = None
        try:
            found = _measure(train, size, plan.device, stop)
        except (RuntimeError, MemoryError) as error:
            if not tried or not devices.is_out_of_memory(error):
                raise
        if found is None:  # the frames of the exception are gone, and the tensors in them
            devices.release_memory(plan.device)
            end = "memory"
            break
        tried.append(found)
        yield Preview(tuple(tried))
        yield Progress(number + 1, len(sizes), "batch sizes")
    repeats = plan.settings.optimiser.repeats or 1
    shown = count * repeats
    return BatchSizes(
        tuple(tried), end, shown, repeats, usual, suggest(tried, usual, shown), _total_memory(plan.device)
    )


def _reason_to_end(tried: Sequence[TriedSize], usual: int, device: torch.device) -> End | None:
    """Why the next size, twice the last one, is not tried; None: it is."""
    last = tried[-1]
    if last.size >= usual and gains_nothing(tried):
        return "speed"
    if device.type != "cuda" and _FREE * last.memory > devices.free_memory():  # a card's may end: it is its own
        return "memory"
    return "time" if len(tried) > 1 and 2 * last.seconds * (1 + _TIMED[0]) > _TOO_LONG else None


def _make_step(plan: TrainingPlan, images: ImageSource, rows: Rows) -> Step:
    """A function that takes a training step with a batch of any size, of galaxies that come again where they must."""
    network = plan.predictor.network.train()
    criterion, _ = optimiser.build_losses(plan.settings, plan.target, plan.training_labels, plan.shift)
    step = OptimiserStep(network, plan.settings, plan.precision, start_network.weights_to_return_to(plan))
    if plan.unlabelled is not None:
        plan.unlabelled.join(step.optimiser)
    plans: dict[int, TrainingPlan] = {}

    def train(size: int, watch: AbstractContextManager[object]) -> None:
        if size not in plans:  # the noise of a batch is a stretch of numbers that were drawn for its size
            plans.clear()
            pixels = size * math.prod(plan.predictor.stamp_shape)
            noise = preparation.noise_pool(pixels, plan.settings.seed, plan.device)
            plans[size] = dataclasses.replace(plan, noise=noise)
        sized = plans[size]
        batch, stamps = next(iter(images.batches([[np.resize(rows, size)]])))
        labels = batch_labels(sized, batch, 1, 1)
        with watch:
            _, outputs, added = forward(sized, batch, stamps, 1, 1)
            loss = criterion(outputs.float(), labels) + added
        step.step(loss, 0.0)

    return train


def _measure(train: Step, size: int, device: torch.device, stop: threading.Event) -> TriedSize:
    """Measure steps with a size: of the first its memory, of the others the fastest, since others only disturb."""
    seconds: list[float] = []
    memory = _Memory(device)
    for number in range(1 + _TIMED[1]):
        if stop.is_set():
            raise Stopped
        if len(seconds) >= _TIMED[0] and sum(seconds) >= _LONG_ENOUGH:
            break
        begun = time.perf_counter()
        train(size, contextlib.nullcontext() if number else memory.watch())
        devices.wait_for(device)
        seconds += [time.perf_counter() - begun] * (number > 0)
    return TriedSize(size, min(seconds), memory.taken)


class _Memory:
    """How much memory a step takes: as a graphics card counts it, elsewhere what the step keeps for its gradient."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kept: dict[int, int] = {}  # bytes by address
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def watch(self) -> AbstractContextManager[object]:
        """Watch what is kept from here on."""
        if self._device.type == "cuda":
            return contextlib.nullcontext()
        return torch.autograd.graph.saved_tensors_hooks(self._note, lambda kept: kept)

    def _note(self, kept: Tensor) -> Tensor:
        storage = kept.untyped_storage()
        self._kept[storage.data_ptr()] = storage.nbytes()
        return kept

    @property
    def taken(self) -> int:
        """Bytes."""
        if self._device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device))
        return sum(self._kept.values())


def _total_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    return torch.mps.recommended_max_memory() if device.type == "mps" else int(psutil.virtual_memory().total)
