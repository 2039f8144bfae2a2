"""Evaluate a run: select the galaxies, compute the metrics, and save them.

On its own dataset a run is evaluated on one part. The test part is read here and nowhere else: it is not used in the
training or in any choice. On another dataset a run is evaluated on every labelled galaxy whose class it knows, or on a
part that this dataset declares.

A weights file is evaluated as the run to which it belongs; what is found is written for the best weights of a run only.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import target as targets
from core.data.class_names import complete_mapping
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.settings import EvaluatedPart
from core.data.target import Classes, Quantities, Target
from core.errors import CatalogueProblem, NotPossible, Problem
from core.evaluate import decision as decisions
from core.evaluate import judged_part, predict, remarks, saving
from core.evaluate.own_data import find_own_data, predict_validation
from core.evaluate.predict import Predictions
from core.events import NEVER, Skipped, Work
from core.metrics import merits
from core.metrics.decision import Decision
from core.metrics.error_bars import ErrorBarReport, make_error_bar_report
from core.metrics.report import Report, make_report
from core.nets.opening import NetworkOnData, open_network_on_data
from core.project.labels import LabelJournal
from core.project.runs import RunFolder


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The evaluation of a run.

    Attributes
    ----------
    part
        ``"test"``, ``"validation"``, or ``"all"`` labelled galaxies.
    note
        Which galaxies the numbers hold for, as text.
    data
        Name of the dataset.
    target
        What was predicted.
    rows
        int64 (n,): rows of the galaxies in the dataset.
    labels
        Class indices (n,), or (n, K) vote fractions or quantities.
    predictions
        Of the same galaxies, in the same order.
    report
        The metrics.
    unknown
        Classes that the network does not know, with the number of galaxies that are left out.
    mapped
        Classes of another dataset that have another name there: the network's by the dataset's.
    problems
        Warnings, such as a different pixel scale.
    assumed
        Class frequencies (K,) that the probabilities assume; None: not known, or no classes.
    is_own
        Whether it is the dataset that the run was trained on.
    checksum
        Of the dataset.
    views
        The number of mirror images and turns of each galaxy over which the answers are averaged.
    members
        Of an ensemble, the temperature of each of its networks, None where it is not calibrated; else empty.
    beside
        Names of the catalogue columns that the network takes beside the image.
    is_news
        Whether the run's folder held other numbers before.
    """

    part: EvaluatedPart
    note: str
    data: str
    target: Target
    rows: NDArray[np.int64]
    labels: NDArray[Any]
    predictions: Predictions
    report: Report
    unknown: dict[str, int] = field(default_factory=dict[str, int])
    mapped: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[Problem] = field(default_factory=list[Problem])
    assumed: NDArray[np.float64] | None = None
    is_own: bool = True
    checksum: str = ""
    views: int = 1
    members: tuple[float | None, ...] = ()
    beside: tuple[str, ...] = ()
    is_news: bool = False

    @property
    def temperature_sentence(self) -> str:
        """The temperature of the probabilities, and what it was fitted on; empty: there is none."""
        temperature = self.predictions.temperature
        if temperature is None:
            return ""
        is_fitted_here = self.is_own and self.part == "validation"
        return f"{temperature.sentence}{', these here: they fit by construction' if is_fitted_here else ''}."

    @cached_property
    def error_bars(self) -> ErrorBarReport | None:
        """How many galaxies are within the error bars of each quantity; None where the network gives none."""
        found = self.predictions
        is_fitted_here = self.is_own and self.part == "validation"
        return make_error_bar_report(
            self.target, self.labels, found.scores, found.errors, found.calibration, is_fitted_here=is_fitted_here
        )

    @property
    def doubt(self) -> str:
        """What the doubt of an ensemble comes from, as a sentence; empty for a single network."""
        found = self.predictions
        return "" if found.doubt is None else found.doubt.describe(self.target)

    def rows_in(self, true: str, predicted: str) -> NDArray[np.int64]:
        """The galaxies in one cell of the confusion matrix."""
        names = self.predictions.names
        called = self.predictions.decision.choose(self.predictions.scores)
        return self.rows[(self.labels == names.index(true)) & (called == names.index(predicted))]

    def sampling_error(self, metric: str, seed: int) -> float:
        """The error of a figure of merit from the finite number of galaxies, see :mod:`core.metrics.merits`."""
        predictions = self.predictions
        return merits.sampling_error(self.target, self.labels, predictions.scores, metric, seed, predictions.decision)

    def under(self, decision: Decision) -> Evaluation:
        """The same predictions under another decision; the network is not needed for it."""
        predictions = replace(self.predictions, decision=decision)
        report = make_report(self.target, self.labels, predictions.scores, decision)
        return replace(self, predictions=predictions, report=report)


def run(
    network: RunFolder | Path | str,
    data: Path | str | None = None,
    part: EvaluatedPart = "validation",
    stop: threading.Event = NEVER,
    *,
    elsewhere: EvaluatedPart = "all",
    hand_labels: LabelJournal | None = None,
    class_map: Mapping[str, str] | None = None,
    decision: str | None = None,
    keep: bool = False,
) -> Work[Evaluation]:
    """Evaluate a run, and save the metrics in its folder; or a weights file, of which nothing is saved.

    ``metrics.json`` gets them under the name of the part, or for another dataset under ``elsewhere`` and its name
    (with its checksum, where another one of this name was evaluated before);
    the predictions are written beside it as ``predictions-<part>.csv``.

    Parameters
    ----------
    network
        The run, or a weights file.
    data
        The dataset; None: the one it was trained on, if it is found.
    part
        Of its own dataset.
    stop
        Ends the work with :class:`~core.errors.Stopped`; nothing is written then.
    elsewhere
        Of another dataset: all of it, or a part that it declares itself, see :mod:`core.data.declared_parts`.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.
    class_map
        For another dataset: which of the network's classes a class is, an empty name being none; None: by their names,
        see :func:`core.data.class_names.propose_mapping`. The evaluation says what was mapped.
    decision
        How classes follow from probabilities, in words, see :func:`core.evaluate.decision.resolve`. What has to be
        chosen by labels is chosen on the validation part, whichever is evaluated. None: the one kept with the run.
    keep
        Keep the decision with the run, for its predictions from now on.

    Raises
    ------
    SettingsProblem
        There is no such decision.
    UnreadableFile
        The run has no network, or the dataset is not there.
    CatalogueProblem
        The dataset lacks the labels.
    TooFewGalaxies
        There is no galaxy to evaluate it on.
    NotPossible
        The stamps do not fit the network; the parts are not known, or another dataset declares none; or a decision is
        to be kept with a weights file.
    FolderInUse
        The run is being trained, or its folder cannot be written to.

    Examples
    --------
    >>> from core.events import result_of
    >>> evaluated = result_of(run("runs/first", part="validation"))
    >>> evaluated.part, evaluated.target.names
    ('validation', ('disk', 'edge-on', 'spheroid'))
    >>> print(f"completeness of disks: {evaluated.report.completeness['disk']}")
    completeness of disks: ...
    """
    weights, folder = judged_part.locate(network)
    is_of_run = weights == folder.best
    if keep and not is_of_run:
        raise NotPossible("A decision is kept with a run, not with a weights file.", "Name its run.", str(weights))
    path = Path(data) if data else find_own_data(folder, weights)
    with open_network_on_data(weights, path) as opened:
        if is_of_run:
            folder.require_idle()  # whoever trains it would write over the numbers
        target = opened.predictor.target
        is_own, checksum = opened.cutouts.is_known_as(opened.predictor.card.get("checksum")), opened.cutouts.checksum
        labels, unknown, mapped = read_labels(opened.cutouts, target, hand_labels, class_map or {}, exactly=is_own)
        judged = (
            judged_part.choose_own(weights, folder, opened, part, labels)
            if is_own
            else judged_part.choose_elsewhere(opened, elsewhere, labels)
        )
        part, rows = judged.part, judged.rows
        seen = 0 if is_own else remarks.count_seen(folder.path if is_of_run else weights, opened.cutouts.ids, rows)
        problems = _remark(opened, path.name, part, mapped, unknown, (seen, len(rows)), is_own=is_own)
        yield from map(Skipped, problems)
        predictions = yield from predict.predict_rows(opened, rows, stop)
        validation = (labels[rows], predictions.scores) if is_own and part == "validation" else None
        if validation is None and decision is not None:
            validation = yield from _predict_validation(weights, opened, labels if is_own else None, decision, stop)
        predictions = predict.decide(predictions, opened.predictor, weights, decision, validation)
        assumed, views = _assumed_or_none(opened, weights), len(opened.predictor.views)
        members, side = opened.predictor.member_temperatures, opened.predictor.side
        note = remarks.note_basis(judged, folder, opened, path.name, seen, unknown, labels[rows], is_own=is_own)
    evaluation = Evaluation(
        part=part,
        note=note,
        data=path.name,
        target=target,
        rows=rows,
        labels=labels[rows],
        predictions=predictions,
        report=make_report(target, labels[rows], predictions.scores, predictions.decision),
        unknown=unknown,
        mapped=mapped,
        problems=problems + predictions.problems,
        assumed=assumed,
        is_own=is_own,
        checksum=checksum,
        views=views,
        members=members,
        beside=() if side is None else side.names,
    )
    return replace(evaluation, is_news=saving.record(folder, evaluation, keep=keep)) if is_of_run else evaluation


def decide(
    folder: RunFolder, evaluation: Evaluation, wish: str, validation: Evaluation | None, stop: threading.Event = NEVER
) -> Work[Evaluation]:
    """Put an evaluation under another decision in words, keep the decision with the run, and save the metrics anew.

    Parameters
    ----------
    folder
        The run.
    evaluation
        Of any galaxies.
    wish
        See :func:`core.evaluate.decision.resolve`.
    validation
        The evaluation of the same run on its validation part, on which thresholds are chosen and estimates tried;
        None: it is predicted anew if its dataset is found.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    SettingsProblem, NotPossible
        There is no such decision, or what it needs is not known.
    """
    known = None if validation is None else (validation.labels, validation.predictions.scores)
    if known is None and decisions.needs_validation(wish):
        known = yield from predict_validation(folder.best, stop)

    def assumed() -> NDArray[np.float64]:
        if evaluation.assumed is None:
            raise NotPossible("It is not noted how frequent the classes were in the training of this network.")
        return evaluation.assumed

    def labelled() -> decisions.Labelled:
        if known is None:
            raise NotPossible(
                "Thresholds are chosen on the validation part of the run's own dataset.", "Open that dataset first."
            )
        return known

    predictions = evaluation.predictions
    basis = decisions.Basis(predictions.names, assumed, labelled, predictions.scores)
    decided = evaluation.under(decisions.resolve(wish, basis))
    saving.record(folder, decided, keep=True)
    return decided


def _predict_validation(
    weights: Path, opened: NetworkOnData, labels: NDArray[Any] | None, wish: str, stop: threading.Event
) -> Work[decisions.Labelled | None]:
    """The validation part for a decision that needs it; without ``labels`` another dataset is open than the own one."""
    if labels is None:
        return (yield from predict_validation(weights, stop)) if decisions.is_estimated(wish) else None
    if not decisions.needs_validation(wish):
        return None
    rows = judged_part.choose_own(weights, RunFolder.of(weights), opened, "validation", labels).rows
    predictions = yield from predict.predict_rows(opened, rows, stop)
    return labels[rows], predictions.scores


def _assumed_or_none(opened: NetworkOnData, weights: Path) -> NDArray[np.float64] | None:
    try:
        return decisions.assumed_frequencies(opened.predictor, weights)
    except NotPossible:
        return None


def read_labels(
    cutouts: Cutouts,
    target: Target,
    hand_labels: LabelJournal | None,
    class_map: Mapping[str, str],
    *,
    exactly: bool,
) -> tuple[NDArray[Any], dict[str, int], dict[str, str]]:
    """Read labels as the network encodes them; labels by hand override the catalogue.

    Classes of another dataset are mapped to the network's. Returns the labels, the number of galaxies of each unknown
    class, and the classes that have another name.
    """
    columns = labelled_columns(cutouts, hand_labels)
    if isinstance(target, Classes) and target.column not in columns and not exactly and len(cutouts.labels) == 1:
        columns[target.column] = columns[cutouts.labels[0]]  # another survey may name its column of classes differently
    missing = [name for name in targets.columns_of(target) if name not in columns]
    if missing:
        raise CatalogueProblem(
            f"The dataset has no column “{missing[0]}”, which the network predicts.",
            f"Its columns are: {', '.join(columns)}.",
            cutouts.path.name,
        )
    if isinstance(target, Quantities):
        for name, unit in zip(target.columns, target.units, strict=True):
            other = cutouts.units.get(name, "")
            if unit and other and unit != other:
                raise CatalogueProblem(
                    f"“{name}” is in {other} here, and the network predicts it in {unit}.",
                    "Convert the catalogue's column and import it again.",
                    cutouts.path.name,
                )
    if not isinstance(target, Classes):
        return targets.encode(target, columns), {}, {}
    places, texts = targets.texts_of(columns[target.column])
    found = {name: name for name in texts} if exactly else complete_mapping(target.names, texts, class_map)
    labels = targets.classes_of(target, [found.get(text, "") for text in texts])[places]
    counts = np.bincount(places, minlength=len(texts))
    unknown = {text: int(count) for text, count in zip(texts, counts, strict=True) if text}
    unknown = {text: count for text, count in sorted(unknown.items()) if found.get(text) not in target.names}
    return labels, unknown, {text: name for text, name in found.items() if text != name}


def _remark(
    opened: NetworkOnData,
    name: str,
    part: EvaluatedPart,
    mapped: dict[str, str],
    unknown: dict[str, int],
    seen: tuple[int, int],
    *,
    is_own: bool,
) -> list[Problem]:
    """What has to be known of the galaxies, of which so many out of all were trained on."""
    found = [] if is_own else remarks.on_another_of_this_name(name, opened.predictor.card.get("data"))
    found += remarks.on_parts_of_runs(opened.predictor) if is_own and part != "all" else []
    found += [remarks.on_mapped_classes(mapped)] if mapped else []
    found += [remarks.on_unknown_classes(unknown)] if unknown else []
    return found + ([remarks.on_seen_galaxies(*seen)] if seen[0] else [])
