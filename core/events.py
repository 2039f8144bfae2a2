"""Events: what a long computation may report while it is running.

Every long computation in ``core`` is a generator with the signature ``f(..., stop: threading.Event = NEVER) ->
Work[Result]``: it yields these events, checks ``stop`` often, and *returns* its result. It knows nothing of
threads, windows or progress bars.

Examples
--------
In a notebook, run the computation to its end,

>>> from core.evaluate import predict
>>> from core.events import Progress, result_of
>>> predictions = result_of(predict.run("runs/first", "survey.h5"))

or follow its progress:

>>> for event in predict.run("runs/first", "survey.h5"):
...     if isinstance(event, Progress):
...         print(f"{event.done} of {event.total} {event.unit}")
0 of 90 galaxies
90 of 90 galaxies
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

from core.errors import Problem


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` (None: unknown) ``unit`` are finished."""

    done: int
    total: int | None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something was left out, or is to be noted; the rest goes on.

    ``is_failure`` if something that was asked for is missing from the result, such as the map of one of many galaxies.
    """

    problem: Problem
    is_failure: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """A first, coarse version of the result: an explanation, sixteen stamps."""

    what: object


@dataclass(frozen=True, slots=True)
class NetworkBegun:
    """The training of one of several networks begins: the what of a :class:`Preview`.

    ``number`` counts from 1 to ``total``; ``folder`` is that of its run.
    """

    number: int
    total: int
    seed: int
    folder: Path

    @property
    def sentence(self) -> str:
        """Which one it is."""
        return f"Network {self.number} of {self.total}, with seed {self.seed}."


@dataclass(frozen=True, slots=True)
class Scores:
    """The loss and the named figures of merit of one part of the data."""

    loss: float
    values: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class BatchEnded:
    """One optimiser step is done; ``epoch`` counts from 1, ``batch`` from 1 to ``batches``."""

    epoch: int
    batch: int
    batches: int
    loss: float
    learning_rate: float
    images_per_second: float


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """One epoch is done and validated.

    The state of early stopping (``best_epoch``, ``epochs_since_best``) is included, so that it is computed in one
    place only. Without ``is_chosen`` the last weights are kept, whatever the validation part says.
    """

    epoch: int
    epochs: int
    train: Scores
    validation: Scores
    learning_rate: float
    seconds: float
    best_epoch: int
    epochs_since_best: int
    is_chosen: bool = True

    @property
    def is_best(self) -> bool:
        """Whether the validation part has found it the best so far."""
        return self.is_chosen and self.best_epoch == self.epoch


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """The weights of ``epoch`` are on disk at ``path`` (a predictor file)."""

    epoch: int
    path: Path
    is_best: bool


Event: TypeAlias = Progress | Skipped | Preview | BatchEnded | EpochEnded | CheckpointSaved

R = TypeVar("R")
Work: TypeAlias = Generator[Event, None, R]


class _Never(threading.Event):
    """An event that any number of computations may share, since it cannot be set."""

    def set(self) -> None:
        raise TypeError("NEVER cannot be set: it would stop all work. Pass a threading.Event() of your own.")


NEVER = _Never()
"""The ``stop`` of a computation that is never stopped."""


def result_of(work: Work[R]) -> R:
    """Run a long computation to its end, ignoring its events.

    Parameters
    ----------
    work
        What any of the long-running functions of ``core`` returns.

    Raises
    ------
    Problem
        Whatever the work raises.

    Examples
    --------
    >>> from core.evaluate import evaluation
    >>> result_of(evaluation.run("runs/first")).part
    'validation'
    """
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def map_events(work: Work[R], convert: Callable[[Event], Iterable[Event]]) -> Work[R]:
    """Run a long computation, and report other events in place of its own.

    Parameters
    ----------
    work
        The computation; closed if this generator is closed early.
    convert
        Called with each event; the events that it returns, possibly none, are reported instead.
    """
    try:
        while True:
            try:
                event = next(work)
            except StopIteration as end:
                return end.value
            yield from convert(event)
    finally:
        work.close()
