"""Zero-shot scores: the earlier network on the new data before any adaptation, the baseline of fine-tuning.

Classes are compared by the map of old and new names (:mod:`core.data.class_names`): new classes that are one old class
are merged, galaxies of the others are left out. A score is given with its error, and only where it means something.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import target as targets
from core.data.target import Classes, Quantities, Target, VoteFractions
from core.events import Scores
from core.metrics.report import Fraction, r_squared
from core.metrics.tally import Tally
from core.nets import heads, losses, transfer
from core.train.batches import ImageSource, batches_in_order
from core.train.plan import TrainingPlan

_BATCH = 256
_FEWEST = 10  # galaxies: the error of an accuracy is ± 0.15 then
_BOOTSTRAP_SAMPLES = 200
_START = "Before fine-tuning, the unadapted network"


@dataclass(frozen=True)
class Baseline:
    """Scores of the unadapted network on the new validation part.

    Attributes
    ----------
    scores
        The loss is unweighted. None where a score would mean nothing.
    galaxies
        Number of galaxies that it was evaluated on: those whose class it knows.
    names
        The outputs of the earlier network that it was evaluated on.
    error
        Standard error of the accuracy or R²; NaN: unknown.
    sentence
        All of that, or why there is no score.
    """

    scores: Scores | None
    galaxies: int
    names: tuple[str, ...]
    error: float
    sentence: str


def evaluate_base(plan: TrainingPlan, images: ImageSource) -> Baseline | None:
    """Evaluate ``plan.base`` on the validation part, before the first step; None for a network that starts at random.

    All its classes compete: predicting one that the new data does not have is a mistake, too.
    """
    base, target = plan.base, plan.target
    if base is None:
        return None
    rows = transfer.matched_rows(base.target, target, plan.settings.transfer.class_map)
    if type(base.target) is not type(target):
        return _without_score("it learned another kind of labels")
    if not rows or (isinstance(target, VoteFractions) and len(rows) < len(target.columns)):
        own, new = ", ".join(targets.outputs(base.target)), ", ".join(targets.outputs(target))
        return _without_score(f"it knows {own}, and here {new} are learned")
    if isinstance(target, Classes):
        return _evaluate_classes(plan, images, rows)
    return _evaluate_numbers(plan, images, list(rows))


def _evaluate_classes(plan: TrainingPlan, images: ImageSource, rows: dict[int, int]) -> Baseline:
    base = plan.base
    assert base is not None
    names, old = plan.predictor.output_names, base.output_names
    translation = torch.full((len(names) + 1,), targets.NO_LABEL)  # the last is for no label
    translation[list(rows)] = torch.tensor(list(rows.values()))
    labels = translation[plan.labels.cpu()]  # (N,) as the base counts its classes
    validation = plan.split.validation
    validation = validation[(labels[validation] != targets.NO_LABEL).numpy()]
    occurring = sorted(set(labels[validation].tolist()))
    known = tuple(old[place] for place in occurring)
    merged = [f"“{names[row]}” as “{old[place]}”" for row, place in rows.items() if names[row] != old[place]]
    counted = f" ({', '.join(merged)})" if merged else ""
    if len(occurring) < 2:
        which = f"only its class “{known[0]}” occurs here" if known else "none of its classes occurs here"
        return _without_score(f"{which}{counted}, so that there is nothing to tell apart", len(validation), known)
    if len(validation) < _FEWEST:
        return _without_score(f"only {len(validation)} validation galaxies are of its classes", len(validation), known)
    outputs, scores = _score(plan, images, validation, labels, base.target, base.network)
    right = int((outputs.argmax(dim=1) == labels[np.sort(validation)]).sum())
    low, high = Fraction(right, len(validation)).interval or (math.nan, math.nan)
    error = (high - low) / 2
    text = f"accuracy {scores.values['accuracy']:.3f} ± {error:.3f} on {len(validation)} validation galaxies"
    return Baseline(scores, len(validation), known, error, f"{_START}: {text} of {', '.join(known)}{counted}.")


def _evaluate_numbers(plan: TrainingPlan, images: ImageSource, shared: list[int]) -> Baseline:
    """Evaluate vote fractions or quantities; the output rows that were transferred are already in the new units."""
    target, names = plan.target, tuple(plan.predictor.output_names[row] for row in shared)
    if isinstance(target, Quantities):
        target = Quantities(names, tuple(target.units[row] for row in shared))
    validation = plan.split.validation
    if len(validation) < _FEWEST:
        return _without_score(f"there are only {len(validation)} validation galaxies", len(validation), names)
    labels = plan.labels.cpu()[:, shared]
    outputs, scores = _score(plan, images, validation, labels, target, plan.predictor.network.eval(), shared)
    true = labels[np.sort(validation)].numpy().astype(np.float64)
    found = heads.apply_activation(target, outputs).numpy().astype(np.float64)
    error = _bootstrap_error(true, found)
    text = f"R² {scores.values['r2']:.3f} ± {error:.3f} on {len(validation)} validation galaxies"
    return Baseline(scores, len(validation), names, error, f"{_START}: {text}, {', '.join(names)}.")


def _without_score(why: str, galaxies: int = 0, names: Sequence[str] = ()) -> Baseline:
    return Baseline(None, galaxies, tuple(names), math.nan, f"{_START} has no score here: {why}.")


def _score(
    plan: TrainingPlan,
    images: ImageSource,
    rows: NDArray[np.int64],
    labels: Tensor,
    target: Target,
    network: torch.nn.Module,
    shared: list[int] | None = None,
) -> tuple[Tensor, Scores]:
    """The outputs for ``rows`` in ascending order, those in ``shared`` or all, and their scores."""
    loss, tally, found = losses.build_loss(target), Tally(target), list[Tensor]()
    with torch.inference_mode():
        for part, batch in images.batches(batches_in_order(rows, _BATCH)):
            outputs = network(plan.scale(batch)).cpu()
            outputs = outputs if shared is None else outputs[:, shared]
            true = labels[torch.from_numpy(part)]
            tally.add(outputs, true, float(loss(outputs, true)))
            found.append(outputs)
    return torch.cat(found), tally.scores()


def _bootstrap_error(true: NDArray[Any], found: NDArray[Any]) -> float:
    """Standard deviation of the mean R² over samples of the galaxies; NaN where it has no value."""
    random = np.random.default_rng(0)
    drawn = (random.integers(0, len(true), len(true)) for _ in range(_BOOTSTRAP_SAMPLES))
    return float(np.std([r_squared(true[rows], found[rows]).mean() for rows in drawn]))
