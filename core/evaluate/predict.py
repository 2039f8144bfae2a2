"""Predictions for many galaxies, streamed through the network batch by batch in constant memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.target import Classes, Quantities, Target
from core.errors import NotPossible, Problem
from core.evaluate import decision as decisions
from core.evaluate import raw_files
from core.evaluate.own_data import predict_validation
from core.evaluate.pixel_scales import convert_doubt, convert_sizes
from core.evaluate.raw_files import Sources
from core.events import NEVER, Skipped, Work
from core.metrics.decision import MOST_PROBABLE, Decision
from core.nets import answers as network_answers
from core.nets.calibration import ErrorBarCalibration
from core.nets.combination import Doubt
from core.nets.opening import NetworkOnData, open_network_on_data
from core.nets.predictor import Predictor
from core.nets.temperature import Temperature


@dataclass(frozen=True, eq=False)
class Predictions:
    """A network's predictions for n galaxies.

    Attributes
    ----------
    ids
        n ids, as text.
    names
        The K classes, answers or quantities.
    scores
        float32 (n, K): probabilities, vote fractions, or quantities in their units.
    target
        What the outputs are.
    rows
        int64 (n,): rows of the galaxies in their dataset.
    run
        Name of the run that the network comes from; may be empty.
    errors
        float32 (n, K): standard deviations of the quantities in their units; None where the network has none.
    problems
        Warnings, such as a different pixel scale.
    notes
        Of image files: how their stamps were made, and remarks on decisions.
    decision
        How the predicted classes follow from the probabilities.
    left_out
        Of image files: those that could not be used, and have no prediction.
    calibration
        The factors that are in the errors; None: they are the network's own.
    temperature
        Of the probabilities; None: they are the network's own.
    doubt
        Of an ensemble, what the doubt about each galaxy comes from; None: a single network.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    scores: NDArray[np.float32]
    target: Target
    rows: NDArray[np.int64]
    run: str = ""
    errors: NDArray[np.float32] | None = None
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[str] = field(default_factory=list[str])
    decision: Decision = MOST_PROBABLE
    left_out: list[Problem] = field(default_factory=list[Problem])
    calibration: ErrorBarCalibration | None = None
    temperature: Temperature | None = None
    doubt: Doubt | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the scores; empty text for classes, vote fractions and dimensionless quantities."""
        return self.target.units if isinstance(self.target, Quantities) else ("",) * len(self.names)

    @property
    def predicted(self) -> list[str] | None:
        """The class of each galaxy by the decision, or the most voted answer; None for quantities."""
        if isinstance(self.target, Quantities):
            return None
        return [self.names[place] for place in self.decision.choose(self.scores)]


def run(
    predictor: Path | str,
    data: Sources,
    rows: NDArray[np.int64] | None = None,
    stop: threading.Event = NEVER,
    *,
    catalogue: Path | str | None = None,
    decision: str | None = None,
) -> Work[Predictions]:
    """Predict galaxies of a dataset, or of image files, whose stamps are then made as those of the training.

    Yields :class:`~core.events.Progress`, and a :class:`~core.events.Skipped` for each warning: a pixel scale, bands or
    a size that differ from those in training.

    Parameters
    ----------
    predictor
        A weights file, or the folder of a run.
    data
        The dataset, or image files and folders. How their stamps are made is in the ``notes`` of the result; see
        :mod:`core.evaluate.raw_files` for other choices.
    rows
        Which galaxies, in any order; None: all.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    catalogue
        Of image files, where the field of the stamps or the network needs one of its columns.
    decision
        In words, see :func:`core.evaluate.decision.resolve`; None: the one that is kept with the run.

    Raises
    ------
    NotPossible
        The stamps differ from the network in the number of bands, or the decision cannot be made here.
    SettingsProblem
        There is no such decision; or the field of the stamps is a multiple of a catalogue column, and there is no
        catalogue.
    UnreadableFile, WrongVersion
        A file cannot be read.

    Examples
    --------
    >>> from core.events import result_of
    >>> predictions = result_of(run("runs/first", "survey.h5"))
    >>> predictions.names
    ('disk', 'edge-on', 'spheroid')
    >>> predictions.scores.shape
    (90, 3)
    >>> dict(zip(predictions.ids[:2], predictions.predicted))
    {'587722981742085100': ..., '587722981742085101': ...}
    """
    validation = None
    if decisions.is_estimated(decision):
        validation = yield from predict_validation(predictor, stop)
    if raw_files.are_raw(data):
        with raw_files.temporary_dataset() as made:
            report = yield from raw_files.import_for(predictor, data, made, stop=stop, catalogue=catalogue)
            raw_files.require_fitting_bands(predictor, made)
            with open_network_on_data(predictor, made) as opened:
                predictions = yield from predict_rows(opened, rows, stop)
                predictions = replace(predictions, notes=report.notes, left_out=report.unusable)
                return decide(predictions, opened.predictor, predictor, decision, validation)
    with open_network_on_data(predictor, data if isinstance(data, str | Path) else data[0]) as opened:
        predictions = yield from predict_rows(opened, rows, stop)
        return decide(predictions, opened.predictor, predictor, decision, validation)


def decide(
    predictions: Predictions,
    predictor: Predictor,
    weights: Path | str,
    wish: str | None,
    validation: decisions.Labelled | None = None,
) -> Predictions:
    """Predictions under a decision in words, or under the one that is kept with the run; for classes only.

    ``validation`` has labels and probabilities of the validation part, on which thresholds can be chosen.
    """
    if not isinstance(predictions.target, Classes):
        if wish is not None:
            raise NotPossible("A decision is a choice between classes, and this network predicts none.", "", wish)
        return predictions
    if wish is None:
        return replace(predictions, decision=decisions.read_kept(weights, predictions.names))

    def labelled() -> decisions.Labelled:
        if validation is not None:
            return validation
        raise NotPossible(
            "Thresholds are chosen on the validation part of the run's own dataset.",
            "Choose them with “tuningfork evaluate RUN --decision thresholds --keep” first; predictions follow.",
        )

    basis = decisions.Basis(
        predictions.names,
        lambda: decisions.assumed_frequencies(predictor, weights),
        labelled,
        predictions.scores,
    )
    return replace(predictions, decision=decisions.resolve(wish, basis))


def predict_rows(
    opened: NetworkOnData,
    rows: NDArray[np.int64] | None,
    stop: threading.Event = NEVER,
    observe: network_answers.Observer | None = None,
    *,
    keeps_not_finite: bool = False,
) -> Work[Predictions]:
    """Predict galaxies as :func:`run` does, with a network and a dataset that are open already.

    ``observe`` is shown the images of each batch. With ``keeps_not_finite`` answers that are not finite stay.
    """
    predictor, cutouts = opened.predictor, opened.cutouts
    rows = np.arange(len(cutouts)) if rows is None else np.asarray(rows, dtype=np.int64)
    doubts = [*opened.doubts, *opened.remarks_on(rows)]
    for doubt in doubts:
        yield Skipped(doubt)
    answers = yield from network_answers.compute(
        predictor, cutouts, rows, stop, observe, keeps_not_finite=keeps_not_finite
    )
    scales = cutouts.pixel_scale[rows]
    scores, errors, of_sizes = convert_sizes(answers.scores, answers.errors, predictor, scales)
    for problem in of_sizes:
        yield Skipped(problem)
    ids = cutouts.ids
    return Predictions(
        ids=tuple(ids[row] for row in rows),
        names=predictor.output_names,
        scores=scores,
        target=predictor.target,
        rows=rows,
        run=str(predictor.card.get("run", "")),
        errors=errors,
        problems=[*doubts, *of_sizes],
        calibration=predictor.calibration,
        temperature=predictor.temperature,
        doubt=None if answers.doubt is None else convert_doubt(answers.doubt, answers.scores, predictor, scales),
    )
