"""Zero-shot scores: the earlier network on the new data before any adaptation, the baseline of fine-tuning.

Classes are compared by the map of old and new names (:mod:`core.data.class_names`): new classes that are one old class
are merged, galaxies of the others are left out. A score is given with its error, and only where it means something. The
answers are averaged over the views of each galaxy as the earlier network always averages them, so that they compare
with the final numbers of the new one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import target as targets
from core.data.target import Classes, Quantities, Target, VoteFractions
from core.events import Scores, Work
from core.metrics.fraction import Fraction
from core.metrics.r_squared import r_squared
from core.metrics.tally import Tally
from core.nets import answers as network_answers
from core.nets import base_scaling, encoding, heads, losses, transfer, zero_points
from core.nets.heads import OutputScale
from core.nets.predictor import Predictor
from core.train.plan import TrainingPlan

_FEWEST = 10  # galaxies: the error of an accuracy is ± 0.15 then
_BOOTSTRAP_SAMPLES = 200
_LEAST = 1e-12  # of a probability
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
    counted_as
        As which of the earlier classes each new one was counted, or which quantity as which.
    right
        Of classes: whether the answer for each of those galaxies, in the order of their rows, was right; None: not
        known any more.
    """

    scores: Scores | None
    galaxies: int
    names: tuple[str, ...]
    error: float
    sentence: str
    counted_as: Mapping[str, str] = field(default_factory=dict[str, str])
    right: NDArray[np.bool_] | None = None


def evaluate_base(plan: TrainingPlan) -> Work[Baseline | None]:
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
        return (yield from _evaluate_classes(plan, rows))
    return (yield from _evaluate_numbers(plan, list(rows)))


def _evaluate_classes(plan: TrainingPlan, rows: dict[int, int]) -> Work[Baseline]:
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
    outputs, scores = yield from _score(plan, validation, labels, base.target, base)
    right = (outputs.argmax(dim=1) == labels[np.sort(validation)]).numpy()
    low, high = Fraction(int(right.sum()), len(validation)).interval or (math.nan, math.nan)
    error = (high - low) / 2
    text = f"accuracy {scores.values['accuracy']:.3f} ± {error:.3f} on {len(validation)} validation galaxies"
    sentence = f"{_START}: {text} of {', '.join(known)}{counted}."
    counted_as = {names[row]: old[place] for row, place in rows.items()}
    return Baseline(scores, len(validation), known, error, sentence, counted_as, right)


def _evaluate_numbers(plan: TrainingPlan, shared: list[int]) -> Work[Baseline]:
    """Evaluate vote fractions or quantities; the output rows that were transferred are already in the new units."""
    target, names = plan.target, tuple(plan.predictor.output_names[row] for row in shared)
    if isinstance(target, Quantities):
        units, periods = tuple(target.units[row] for row in shared), tuple(target.periods[row] for row in shared)
        target = Quantities(names, units, periods, tuple(name for name in names if name in target.logarithms))
    validation = plan.split.validation
    if len(validation) < _FEWEST:
        return _without_score(f"there are only {len(validation)} validation galaxies", len(validation), names)
    columns = _columns_of_outputs(plan.target, shared)
    labels = plan.labels.cpu()[:, columns]
    plan.predictor.network.eval()
    predictor = plan.predictor
    if plan.base is not None and plan.settings.transfer.input_scaling == "refitted":  # which it is not by itself
        own = base_scaling.in_unit_of(plan.base, predictor.zero_points).to(plan.device)
        predictor = replace(predictor, normalisation=own)
    outputs, scores = yield from _score(plan, validation, labels, target, predictor, columns)
    scale = _scale_of(plan.predictor, columns)
    true = heads.to_answers(target, labels[np.sort(validation)], scale).numpy().astype(np.float64)
    found = heads.apply_activation(target, outputs, scale).numpy().astype(np.float64)
    error = bootstrap_error(true, found, targets.periods_of(target))
    text = f"R² {scores.values['r2']:.3f} ± {error:.3f} on {len(validation)} validation galaxies"
    sentence = f"{_START}: {text}, {', '.join(names)}."
    return Baseline(scores, len(validation), names, error, sentence, {name: name for name in names})


def _columns_of_outputs(target: Target, rows: Sequence[int]) -> list[int]:
    """The outputs of the network that belong to these answers."""
    if not isinstance(target, Quantities):
        return list(rows)
    places = encoding.places(target)
    return [place for row in rows for place in places[row]]


def _without_score(why: str, galaxies: int = 0, names: Sequence[str] = ()) -> Baseline:
    return Baseline(None, galaxies, tuple(names), math.nan, f"{_START} has no score here: {why}.")


def _score(
    plan: TrainingPlan,
    rows: NDArray[np.int64],
    labels: Tensor,
    target: Target,
    predictor: Predictor,
    shared: list[int] | None = None,
) -> Work[tuple[Tensor, Scores]]:
    """The outputs for ``rows`` in ascending order, those in ``shared`` or all, and their scores."""
    rows = np.sort(rows)
    cutouts, _ = zero_points.bring_to_training(plan.cutouts, predictor)
    answers = torch.from_numpy((yield from network_answers.compute(predictor, cutouts, rows)).scores)
    scale = predictor.output_scale
    if scale is None:
        outputs = answers.clamp_min(_LEAST).log()
    else:
        outputs = heads.to_outputs(predictor.target, answers, scale.to("cpu"))
    outputs = outputs if shared is None else outputs[:, shared]
    tally = Tally(target, scale=_scale_of(predictor, shared))
    true = labels[torch.from_numpy(rows)]
    tally.add(outputs, true, float(losses.build_loss(target)(outputs, true)))
    return outputs, tally.scores()


def _scale_of(predictor: Predictor, columns: list[int] | None) -> OutputScale | None:
    """The scale of these outputs of the network, or of all."""
    scale = predictor.output_scale
    return scale if scale is None or columns is None else scale.to("cpu").choose(columns)


def bootstrap_error(true: NDArray[Any], found: NDArray[Any], periods: Sequence[float | None] = ()) -> float:
    """Standard deviation of the mean R² over samples of the galaxies; NaN where it has no value."""
    random = np.random.default_rng(0)
    drawn = (random.integers(0, len(true), len(true)) for _ in range(_BOOTSTRAP_SAMPLES))
    return float(np.std([r_squared(true[rows], found[rows], periods).mean() for rows in drawn]))
