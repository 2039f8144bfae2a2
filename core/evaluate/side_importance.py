"""What each catalogue column beside the image brings: how much worse the answers are when it is shuffled.

The values of one column are exchanged at random among the galaxies that are judged, so that it has the same
distribution and says nothing of the galaxy any more. By how much the accuracy or R² then falls is the column's
importance to this network on these galaxies. Columns that say the same share it.

References
----------
Breiman 2001, Machine Learning 45, 5; Fisher, Rudin & Dominici 2019, JMLR 20, 177.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.target import Classes, Quantities, periods_of
from core.errors import NotPossible, Stopped
from core.evaluate.evaluation import Evaluation
from core.events import NEVER, Progress, Work
from core.metrics.r_squared import r_squared
from core.nets.device import arrange, full_precision
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor
from core.project.runs import describe_weights
from core.wording import count_of

REPEATS = 10
_RESAMPLED = 100
_BATCH = 128


@dataclass(frozen=True)
class ColumnImportance:
    """What a column brings.

    Attributes
    ----------
    column
        With its unit.
    drop
        By how much the score falls when the column is shuffled, the mean of several times.
    error
        Standard error of that, because there are only so many galaxies.
    """

    column: str
    drop: float
    error: float


@dataclass(frozen=True)
class SideImportance:
    """What each catalogue column beside the image brings.

    Attributes
    ----------
    score
        What falls: ``accuracy`` or ``R²``.
    value
        With the columns as they are.
    galaxies, repeats
        Number of galaxies, and how often each column was shuffled.
    columns
        In the order of the network.
    note
        Which galaxies and which weights, and what the numbers are.
    """

    score: str
    value: float
    galaxies: int
    repeats: int
    columns: tuple[ColumnImportance, ...]
    note: str = ""

    @property
    def headers(self) -> tuple[str, ...]:
        """The head of its table."""
        return "column", f"fall of {self.score}", "±"

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The rows of its table as text, the most important column first."""
        ordered = sorted(self.columns, key=lambda each: -each.drop)
        return [(each.column, f"{each.drop:.3f}", f"{each.error:.3f}") for each in ordered]


def measure(
    evaluation: Evaluation,
    weights: Path,
    data: Path,
    stop: threading.Event = NEVER,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Work[SideImportance]:
    """Shuffle each column among the galaxies of an evaluation, and see how much worse the answers are.

    Parameters
    ----------
    evaluation
        Of the network.
    weights, data
        The network's file and the dataset of the evaluation.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    repeats
        How often each column is shuffled.
    seed
        Of the shuffling and the resampling.

    Raises
    ------
    NotPossible
        The network takes the image alone.
    """
    rows = evaluation.rows
    with open_network_on_data(weights, data) as opened:
        predictor, cutouts = opened.predictor, opened.cutouts
        if predictor.side is None:
            raise NotPossible(
                "This network takes nothing beside the image whose importance could be told.",
                "Train one with catalogue columns beside the image.",
            )
        random = np.random.default_rng(seed)
        values = predictor.side.read(cutouts.columns, rows)
        variants = [values, *_shuffled(values, repeats, random)]
        answers: list[NDArray[np.float32]] = []
        for first in range(0, len(rows), _BATCH):
            if stop.is_set():
                raise Stopped
            part = slice(first, first + _BATCH)
            images = torch.from_numpy(cutouts.images[rows[part]])
            answers.append(_answer_variants(predictor, images, [each[part] for each in variants]))
            yield Progress(min(first + _BATCH, len(rows)), len(rows), "galaxies")
        names = [column.title for column in predictor.side.columns]
    found = _compare(evaluation, np.concatenate(answers, axis=1), names, random)
    return replace(found, note=_describe(found, evaluation, weights))


def _describe(found: SideImportance, evaluation: Evaluation, weights: Path) -> str:
    part = "all labelled galaxies" if evaluation.part == "all" else f"the {evaluation.part} part"
    return (
        f"{describe_weights(weights)}, on {count_of(found.galaxies, 'galaxy')}, {part} of {evaluation.data}: by how "
        f"much the {found.score}, {found.value:.3f} with the columns as they are, falls when one of them is shuffled "
        f"among these galaxies, {found.repeats} times; ± from the finite number of galaxies, 68 %. Columns that say "
        "the same share what they bring."
    )


def _shuffled(values: NDArray[np.float64], repeats: int, random: np.random.Generator) -> list[NDArray[np.float64]]:
    """The values (n, K) with the first column shuffled, several times, then with the second, and so on."""
    found: list[NDArray[np.float64]] = []
    for column in range(values.shape[1]):
        for _ in range(repeats):
            changed = values.copy()
            changed[:, column] = random.permutation(changed[:, column])
            found.append(changed)
    return found


@torch.no_grad()
def _answer_variants(
    predictor: Predictor, images: torch.Tensor, variants: Sequence[NDArray[np.float64]]
) -> NDArray[np.float32]:
    """The scores (V, n, K) with each of the values; the convolutions of each network are computed once."""
    each = [_answer_alone(member, images, variants) for member in predictor.members]
    return np.stack([predictor.join(answers)[0].cpu().numpy() for answers in zip(*each, strict=True)])


def _answer_alone(
    predictor: Predictor, images: torch.Tensor, variants: Sequence[NDArray[np.float64]]
) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
    """The scores and standard deviations of one network with each of the values."""
    network, side = predictor.network, predictor.side
    assert side is not None
    with full_precision(predictor.device):
        views = predictor.show_views(images.to(predictor.device, torch.float32))
        features = [network.encode(arrange(predictor.normalisation(view))) for view in views]
        found: list[tuple[torch.Tensor, torch.Tensor | None]] = []
        for values in variants:
            beside = side.scale(torch.from_numpy(values)).to(predictor.device)
            found.append(predictor.combine_views([network.after_encoding(each, beside) for each in features]))
    return found


def _compare(
    evaluation: Evaluation, answers: NDArray[np.float32], names: Sequence[str], random: np.random.Generator
) -> SideImportance:
    """The fall of the score for each column, and its error, from answers (V, n, K)."""
    labels, target, count = evaluation.labels, evaluation.target, answers.shape[1]
    repeats = (len(answers) - 1) // len(names)
    if isinstance(target, Classes):
        decision = evaluation.predictions.decision
        right = np.stack([decision.choose(each) == labels for each in answers]).astype(np.float64)
        falls = right[0] - right[1:].reshape(len(names), -1, count).mean(axis=1)  # of each galaxy
        errors = falls.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(names), np.nan)
        return _put_together("accuracy", right[0].mean(), count, names, falls.mean(axis=1), errors, repeats)
    periods = periods_of(target) if isinstance(target, Quantities) else ()

    def score(scores: NDArray[np.float32], rows: NDArray[np.int64]) -> float:
        return float(np.mean(r_squared(labels[rows], scores[rows], periods)))

    def drops(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        shuffled = np.array([score(each, rows) for each in answers[1:]]).reshape(len(names), -1)
        return score(answers[0], rows) - shuffled.mean(axis=1)

    every = np.arange(count)
    resampled = np.stack([drops(random.integers(count, size=count)) for _ in range(_RESAMPLED)])
    return _put_together(
        "R²", score(answers[0], every), count, names, drops(every), resampled.std(axis=0, ddof=1), repeats
    )


def _put_together(
    score: str,
    value: float,
    galaxies: int,
    names: Sequence[str],
    drops: NDArray[np.float64],
    errors: NDArray[np.float64],
    repeats: int,
) -> SideImportance:
    each = zip(names, drops.tolist(), errors.tolist(), strict=True)
    columns = tuple(ColumnImportance(name, drop, error) for name, drop, error in each)
    return SideImportance(score, float(value), galaxies, repeats, columns)
