"""The answers for one piece of a table of predictions, as they are kept until the table is made."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.target import Quantities
from core.errors import NotANumber, Problem
from core.evaluate.flags import Flags
from core.evaluate.predict import predict_rows
from core.evaluate.prediction_columns import doubt_columns
from core.evaluate.table_formats import ColumnFormat
from core.evaluate.unusual import Yardstick
from core.events import NEVER, Skipped, Work
from core.nets import answers as network_answers
from core.nets import features, zero_points
from core.nets.opening import NetworkOnData
from core.nets.predictor import Predictor

_NOT_FINITE = "The network's answer is not a finite number: its pixels are out of all proportion."


@dataclass(frozen=True)
class PieceColumns:
    """What is kept for each galaxy.

    Attributes
    ----------
    outputs
        Number K of the network's answers.
    has_errors
        Whether each has an error bar.
    has_unlikeness
        Whether it is told how unlike the training galaxies they are.
    doubts
        Of an ensemble, number of columns for what its doubt comes from.
    has_flags
        Whether it is told what is doubtful about each galaxy, as of everything that is measured.
    has_side
        Whether the network takes catalogue columns beside the image, of which some may have no value.
    """

    outputs: int
    has_errors: bool
    has_unlikeness: bool
    doubts: int = 0
    has_flags: bool = False
    has_side: bool = False

    @classmethod
    def of(cls, predictor: Predictor, *, has_unlikeness: bool) -> PieceColumns:
        """What is kept of the answers of a network."""
        doubts = len(doubt_columns(predictor.target, predictor.output_names, predictor.causes_of_doubt))
        return cls(
            len(predictor.output_names),
            predictor.has_error_bars,
            has_unlikeness,
            doubts,
            has_flags=isinstance(predictor.target, Quantities),
            has_side=predictor.side is not None,
        )

    @property
    def formats(self) -> list[ColumnFormat]:
        """The columns."""
        names = [f"score{place}" for place in range(self.outputs)]
        names += [f"error{place}" for place in range(self.outputs * self.has_errors)]
        names += [f"doubt{place}" for place in range(self.doubts)]
        names += ["absent"] * self.has_side
        numbers = [ColumnFormat(name, "f4") for name in names]
        distance = [ColumnFormat("distance", "f8")] * self.has_unlikeness
        return [*self.texts, *numbers, *distance]

    @property
    def texts(self) -> list[ColumnFormat]:
        """The first columns."""
        flags = [ColumnFormat("flags", "U")] * self.has_flags
        return [ColumnFormat("id", "U"), ColumnFormat("problem", "U"), *flags]


@dataclass(frozen=True, eq=False)
class Answered:
    """The answers for n galaxies.

    Attributes
    ----------
    ids
        n ids.
    problems
        Why there is no answer; empty where there is one.
    scores
        float32 (n, K), NaN where there is none.
    errors
        float32 (n, K), or None.
    distances
        How unlike the training galaxies they are, float64 (n,), or None.
    doubts
        What the doubt of an ensemble comes from, float32 (n,) for each column; of a single network none.
    flags
        What is doubtful about each galaxy, as texts (n,); None: that is not told.
    absent
        How many of the network's catalogue columns have no value, float32 (n,), or None where it takes none.
    """

    ids: NDArray[np.str_]
    problems: NDArray[np.str_]
    scores: NDArray[np.float32]
    errors: NDArray[np.float32] | None = None
    distances: NDArray[np.float64] | None = None
    doubts: tuple[NDArray[np.float32], ...] = ()
    flags: NDArray[np.str_] | None = None
    absent: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, values: Sequence[NDArray[Any]], columns: PieceColumns) -> Answered:
        """The answers from the values of their columns."""
        ids, problems, *numbers = values
        flags = numbers.pop(0) if columns.has_flags else None
        count = columns.outputs
        scores = np.stack(numbers[:count], axis=1)
        errors = np.stack(numbers[count : 2 * count], axis=1) if columns.has_errors else None
        first = count * (1 + columns.has_errors)
        doubts = tuple(numbers[first : first + columns.doubts])
        absent = numbers[first + columns.doubts] if columns.has_side else None
        distances = numbers[-1] if columns.has_unlikeness else None
        return cls(ids, problems, scores, errors, distances, doubts, flags, absent)

    @property
    def values(self) -> list[NDArray[Any]]:
        """The values of their columns."""
        errors = [] if self.errors is None else list(self.errors.T)
        distances = [] if self.distances is None else [self.distances]
        flags = [] if self.flags is None else [self.flags]
        absent = [] if self.absent is None else [self.absent]
        return [self.ids, self.problems, *flags, *self.scores.T, *errors, *self.doubts, *absent, *distances]

    def with_unread(self, problems: Sequence[Problem]) -> Answered:
        """With a row more for each galaxy or file that could not be read, called by its file."""
        if not problems:
            return self
        count = len(problems)
        nothing = np.full((count, self.scores.shape[1]), np.nan, np.float32)
        return Answered(
            np.concatenate([self.ids, np.array([problem.where for problem in problems])]),
            np.concatenate([self.problems, np.array([problem.sentence for problem in problems])]),
            np.concatenate([self.scores, nothing]),
            None if self.errors is None else np.concatenate([self.errors, nothing]),
            None if self.distances is None else np.concatenate([self.distances, np.full(count, np.nan)]),
            tuple(np.concatenate([each, nothing[:, 0]]) for each in self.doubts),
            None if self.flags is None else np.concatenate([self.flags, np.full(count, "")]),
            None if self.absent is None else np.concatenate([self.absent, nothing[:, 0]]),
        )


def none_answered(columns: PieceColumns) -> Answered:
    """The answers for no galaxy."""
    nothing = np.empty((0, columns.outputs), np.float32)
    texts = np.array([], dtype=str)
    distances = np.empty(0) if columns.has_unlikeness else None
    doubts = (nothing[:, 0],) * columns.doubts
    errors, flags = nothing if columns.has_errors else None, texts if columns.has_flags else None
    absent = nothing[:, 0] if columns.has_side else None
    return Answered(texts, texts, nothing, errors, distances, doubts, flags, absent)


def answer(
    opened: NetworkOnData,
    rows: NDArray[np.int64] | None,
    yardstick: Yardstick | None,
    stop: threading.Event = NEVER,
    seen: frozenset[str] = frozenset(),
) -> Work[Answered]:
    """Ask a network for its answers, and compare its features in the same pass with those of its training galaxies.

    Measured galaxies are flagged, see :class:`core.evaluate.flags.Flags`.

    Parameters
    ----------
    opened
        The network and the dataset.
    rows
        Of the dataset; None: all.
    yardstick
        None: they are not compared.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    seen
        Ids of the galaxies that the network has seen.

    Raises
    ------
    NotANumber
        No answer is finite.
    """
    measured: list[NDArray[np.float64]] = []
    watch: list[network_answers.Observer] = []
    flags = Flags(opened, seen) if isinstance(opened.predictor.target, Quantities) else None
    if flags is not None:
        watch.append(flags.observe)
        for problem in zero_points.describe_unknown_abroad(opened.cutouts, opened.predictor):
            yield Skipped(problem)
    with contextlib.ExitStack() as stack:
        if yardstick is not None:
            take = stack.enter_context(features.watching(opened.predictor))

            def compare(_images: NDArray[np.float32]) -> None:
                with np.errstate(all="ignore"):
                    measured.append(yardstick.measure(take()))

            watch.append(compare)

        def observe(images: NDArray[np.float32]) -> None:
            for look in watch:
                look(images)

        found = yield from predict_rows(opened, rows, stop, observe if watch else None, keeps_not_finite=True)
    is_finite = np.all(np.isfinite(found.scores), axis=1, keepdims=True)[:, 0]
    if len(found) and not is_finite.any():
        raise NotANumber(
            f"The network's output is not finite for {len(found)} of {len(found)} galaxies.",
            "Its training may have gone wrong: train again with a lower learning rate.",
            found.ids[0],
        )
    doubts = [] if found.doubt is None else found.doubt.values
    distances = None
    if yardstick is not None:
        distances = np.concatenate(measured) if measured else np.empty(0)
        if opened.whole.is_known_as(yardstick.training.checksum):
            distances = yardstick.replace_own(distances, found.rows)
        distances = np.where(is_finite, distances, np.nan)
    return Answered(
        np.asarray(found.ids, dtype=str),
        np.where(is_finite, "", _NOT_FINITE),
        np.where(is_finite[:, np.newaxis], found.scores, np.float32(np.nan)),
        None if found.errors is None else np.where(is_finite[:, np.newaxis], found.errors, np.float32(np.nan)),
        distances,
        tuple(np.where(is_finite, each, np.nan).astype(np.float32) for each in doubts),
        None if flags is None else np.array(flags.find(found), dtype=str),
        _count_absent(opened, found.rows),
    )


def _count_absent(opened: NetworkOnData, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
    """How many of the network's catalogue columns have no value for each galaxy; None: it takes none."""
    side = opened.predictor.side
    if side is None:
        return None
    return side.are_missing(side.read(opened.cutouts.columns, rows)).sum(axis=1).astype(np.float32)
