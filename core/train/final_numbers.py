"""The numbers of a run, computed once at the end of its training.

They are of the best weights, with answers averaged over the views of each galaxy if the settings say so: what the
evaluation, the predictions and the export will answer, to the last digit. The curves show one view of each galaxy.

The error bars of quantities are calibrated here, on the validation part, and the factors kept with the best weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.target import Classes, encodings_of
from core.errors import Problem
from core.events import Scores, Work
from core.metrics import error_bars, kept_decision, merits, part_notes
from core.metrics.decision import MOST_PROBABLE, Decision
from core.metrics.error_bars import ErrorBarReport
from core.metrics.report import make_report
from core.metrics.tally import followed_metrics
from core.nets import answers as network_answers
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.train.plan import TrainingPlan


@dataclass(frozen=True, eq=False)
class FinalNumbers:
    """The numbers of the validation part.

    Attributes
    ----------
    scores
        The figures of merit that were followed, and the loss of the best epoch.
    values
        All of them as plain values, as ``metrics.json`` keeps them.
    answers
        Scores (n, K) of the validation galaxies in the order of their rows.
    """

    scores: Scores
    values: dict[str, Any]
    answers: NDArray[np.float32]


def compute(plan: TrainingPlan, folder: RunFolder, best: Predictor, loss: float) -> Work[FinalNumbers]:
    """Compute the numbers of the ``best`` weights, under the decision that is kept with the run.

    Where they have error bars, they are saved again, with the factors of these.
    """
    rows = np.sort(plan.split.validation)
    best = replace(best, calibration=None)  # a run that goes on may have been calibrated before
    answers, errors, _ = yield from network_answers.compute(best, plan.cutouts, rows)
    labels = plan.encoded[rows]
    bars = _calibrate(best, folder, labels, answers, errors)
    report = make_report(plan.target, labels, answers, _read_decision(plan, folder))
    followed = followed_metrics(plan.target, labels, answers.astype(np.float64))
    known = {name: value for name, value in merits.flatten(report).items() if math.isfinite(value)}
    scores = Scores(loss, {name: known.get(name, value) for name, value in followed.items()})
    values = {name: value if math.isfinite(value) else None for name, value in {"loss": loss, **scores.values}.items()}
    views = len(best.views)
    values |= report.to_json() | {
        "note": part_notes.note_part("validation", views, plan.settings.stopping.keep),
        "views": views,
    }
    values |= {} if bars is None else {"error_bars": bars.to_json()}
    return FinalNumbers(scores, values, answers)


def _calibrate(
    best: Predictor,
    folder: RunFolder,
    labels: NDArray[Any],
    answers: NDArray[np.float32],
    errors: NDArray[np.float32] | None,
) -> ErrorBarReport | None:
    """Calibrate the error bars (n, K), if there are any, and save the factors with the best weights."""
    if errors is None:
        return None
    found = error_bars.calibrate(labels, answers, errors, encodings_of(best.target))
    if found is not None:
        replace(best, calibration=found).save(folder.best)
        errors = errors * np.asarray(found.factors, np.float32)
    return error_bars.make_error_bar_report(
        best.target, labels, answers, errors, found, is_fitted_here=found is not None
    )


def _read_decision(plan: TrainingPlan, folder: RunFolder) -> Decision:
    """The decision of a run that was evaluated before it is resumed; one that cannot be read does not end it."""
    if not isinstance(plan.target, Classes):
        return MOST_PROBABLE
    try:
        return kept_decision.read(folder.decision_file, plan.target.names)
    except Problem:
        return MOST_PROBABLE
