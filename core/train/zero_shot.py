"""Zero-shot scores: the earlier network on the new data before any adaptation, the baseline of fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core.data import target as targets
from core.data.target import Classes, Quantities, VoteFractions
from core.events import Scores
from core.metrics.tally import Tally
from core.nets import losses, transfer
from core.train.batches import ImageSource, batches_in_order
from core.train.plan import TrainingPlan

_BATCH = 256


@dataclass(frozen=True)
class Baseline:
    """Scores of the unadapted network on the new validation part.

    Attributes
    ----------
    scores
        The loss is unweighted.
    galaxies
        Number of galaxies that it was evaluated on: those whose class it knows.
    names
        The outputs that it was evaluated on.
    """

    scores: Scores
    galaxies: int
    names: tuple[str, ...]


def evaluate_base(plan: TrainingPlan, images: ImageSource) -> Baseline | None:
    """Evaluate ``plan.base`` on the validation part, before the first step; None where it knows none of the names.

    All its classes compete: predicting one that the new data does not have is a mistake, too.
    """
    base, target = plan.base, plan.target
    rows = transfer.matched_rows(base.target, target) if base is not None else {}
    if base is None or not rows or (isinstance(target, VoteFractions) and len(rows) < len(target.columns)):
        return None
    validation, labels, shared = plan.split.validation, plan.labels.cpu(), list(rows)
    names = tuple(plan.predictor.output_names[row] for row in shared)
    if isinstance(target, Classes):
        network, target = base.network, base.target
        translation = torch.full((len(plan.predictor.output_names) + 1,), targets.NO_LABEL)  # the last is for no label
        translation[shared] = torch.tensor(list(rows.values()))
        labels = translation[labels]  # (N,) as the base counts its classes
        validation = validation[(labels[validation] != targets.NO_LABEL).numpy()]
    else:  # the output rows that were transferred are already in the new units
        network = plan.predictor.network.eval()
        labels = labels[:, shared]
        if isinstance(target, Quantities):
            target = Quantities(names, tuple(target.units[row] for row in shared))
    if len(validation) == 0:
        return None
    loss, tally = losses.build_loss(target), Tally(target)
    with torch.inference_mode():
        for part, batch in images.batches(batches_in_order(validation, _BATCH)):
            outputs = network(plan.scale(batch)).cpu()
            outputs = outputs if isinstance(target, Classes) else outputs[:, shared]
            true = labels[torch.from_numpy(part)]
            tally.add(outputs, true, float(loss(outputs, true)))
    return Baseline(tally.scores(), tally.galaxies, names)
