"""Fitting the temperature of a run's probabilities on its validation part, keeping it with the run, and removing it.

The test part takes no part in it. Of an ensemble it is that of the mean of its networks' probabilities, as these are
calibrated or not, fitted on the validation galaxies that none of them was trained on. See :mod:`core.nets.temperature`
for what is kept, and where it is used.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import split as splits
from core.data.target import Classes
from core.errors import NotPossible
from core.evaluate import decision as decisions
from core.evaluate import evaluation, judged_part, predict
from core.evaluate.own_data import find_own_data
from core.evaluate.predict import Predictions
from core.events import NEVER, Work
from core.metrics import temperature as temperatures
from core.metrics.decision import Decision
from core.metrics.report import ClassReport, classification_report
from core.nets import temperature as kept
from core.nets.opening import open_network_on_data
from core.nets.temperature import Temperature
from core.project import ensembles
from core.project.labels import LabelJournal
from core.project.runs import RunFolder


@dataclass(frozen=True, eq=False)
class _Validation:
    """The validation part: labels (n,), the network's own probabilities, and the checksum of what gave them."""

    labels: NDArray[np.int64]
    predictions: Predictions
    answered_by: str


def fit(
    folder: RunFolder | Path | str,
    data: Path | str | None = None,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[Temperature]:
    """Fit the temperature of a run on its validation part, and keep it with the run.

    Thresholds that were chosen on the validation part are chosen there again, with the new probabilities.

    Parameters
    ----------
    folder
        The run.
    data
        The dataset on which it was trained; None: it is looked for.
    stop
        Ends the work with :class:`~core.errors.Stopped`; nothing is written then.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs.

    Raises
    ------
    NotPossible
        The network predicts no classes, the dataset is another one, or no temperature fits.
    UnreadableFile
        The run has no network, or the dataset is not there.
    FolderInUse
        The run is being trained, or its folder cannot be written to.
    """
    folder = RunFolder.at(folder)
    validation = yield from _predict(folder, data, stop, hand_labels)
    labels, raw = validation.labels, np.asarray(validation.predictions.scores, np.float64)
    fitted = temperatures.fit(labels, raw)
    scores = temperatures.apply(raw, fitted.value)
    reports = [classification_report(labels, each, validation.predictions.names) for each in (raw, scores)]
    losses, errors = ([float(value or 0) for value in pair] for pair in zip(*map(_figures, reports), strict=True))
    found = Temperature(fitted.value, fitted.error, len(labels), (losses[0], losses[1]), (errors[0], errors[1]))
    decision = _choose_again(folder, validation, scores)
    with folder.locked_briefly():
        kept.keep(folder.best, found, validation.answered_by)
        if decision is not None:
            decisions.keep(folder, decision)
    return found


def remove(
    folder: RunFolder | Path | str,
    data: Path | str | None = None,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[None]:
    """Give a run its own probabilities back; thresholds chosen on the validation part are chosen there again.

    Raises
    ------
    FolderInUse
        The run is being trained, or its folder cannot be written to.
    """
    folder = RunFolder.at(folder)
    decision = None
    if _is_chosen(decisions.kept_wish(folder)):
        validation = yield from _predict(folder, data, stop, hand_labels)
        decision = _choose_again(folder, validation, validation.predictions.scores)
    with folder.locked_briefly():
        kept.remove(folder.best)
        if decision is not None:
            decisions.keep(folder, decision)


def _predict(
    folder: RunFolder, data: Path | str | None, stop: threading.Event, hand_labels: LabelJournal | None
) -> Work[_Validation]:
    """Predict the validation part without a temperature."""
    answered_by = kept.checksum(folder.best)
    with open_network_on_data(folder.best, data or find_own_data(folder)) as opened:
        folder.require_idle()
        if not isinstance(opened.predictor.target, Classes):
            raise NotPossible("A temperature is for the probabilities of classes, and this network predicts none.")
        if not opened.cutouts.is_known_as(opened.predictor.card.get("checksum")):
            raise NotPossible(
                "A temperature is fitted on the validation part of the dataset on which the run was trained, and this "
                "is another one.",
                "Open that dataset.",
                opened.cutouts.path.name,
            )
        opened.predictor.temperature = None
        labels, _, _ = evaluation.read_labels(opened.cutouts, opened.predictor.target, hand_labels, {}, exactly=True)
        rows = judged_part.select_rows(folder, opened.cutouts, "validation", labels)
        for member in ensembles.read(folder.ensemble_file).members if folder.is_ensemble else ():
            rows = np.setdiff1d(rows, splits.load(member.split_file, opened.cutouts.ids).train)
        predictions = yield from predict.predict_rows(opened, rows, stop)
        return _Validation(labels[rows], predictions, answered_by)


def _choose_again(folder: RunFolder, validation: _Validation, scores: NDArray[Any]) -> Decision | None:
    """The kept decision with new probabilities, where it was chosen by them on the validation part; None: it stays."""
    names = validation.predictions.names
    wish = decisions.kept_wish(folder)
    if not _is_chosen(wish):
        return None

    def assumed() -> NDArray[np.float64]:
        raise NotPossible("Thresholds need no frequencies.")

    return decisions.resolve(wish, decisions.Basis(names, assumed, lambda: (validation.labels, scores), scores))


def _is_chosen(wish: str) -> bool:
    """Whether a decision in words chooses thresholds by the validation part; an estimate of frequencies stays."""
    return decisions.needs_validation(wish) and not decisions.is_estimated(wish)


def _figures(report: ClassReport) -> tuple[float | None, float | None]:
    return report.log_loss, report.calibration.error
