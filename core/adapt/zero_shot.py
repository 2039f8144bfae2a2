"""Zero-shot: an unadapted network on the labelled galaxies of another survey, class by class.

Classes are mapped as fine-tuning does (:mod:`core.data.class_names`); new classes that are one old class are counted as
that one. Galaxies of the target's test part are left out, so that nothing that follows is chosen on them. The numbers
hold for the training and validation galaxies together, of which the network has seen none.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.adapt import surveys
from core.adapt.surveys import TargetLabels
from core.data import target as targets
from core.data.settings import DataSettings
from core.data.target import NO_LABEL, Classes, Quantities, Target
from core.errors import Problem
from core.evaluate import predict, remarks
from core.evaluate.predict import Predictions
from core.events import NEVER, Work
from core.metrics.report import ClassReport, Report, make_report
from core.nets import base_scaling, transfer
from core.nets.opening import NetworkOnData, open_network_on_data
from core.project.labels import LabelJournal
from core.train.settings import InputScaling
from core.wording import count_of

_MAP = "Say which of its classes the classes here are."
FEWEST = 10  # galaxies: the error of an accuracy is ± 0.15 then


@dataclass(frozen=True, eq=False)
class ZeroShot:
    """How good an unadapted network is on another survey.

    Attributes
    ----------
    report
        The metrics, by the network's own classes or quantities; None where they would mean nothing.
    sentence
        Over which galaxies the numbers hold; or why there are none.
    names
        What the network answers.
    counted_as
        As which of them each class of the target is counted, or which quantity as which.
    left_out
        Number of galaxies of each class that the network does not know.
    called
        int64 (L, K): how often the galaxies of each of the target's L classes, also of those that are left out, are
        called each of the network's; empty for anything but classes.
    own_names
        The L classes of the target.
    problems
        What the network meets here for the first time, such as another pixel scale.
    scaling
        Whether the network's input scaling is its own, or was fitted to the target.
    units
        Of the quantities in the report.
    """

    report: Report | None
    sentence: str
    names: tuple[str, ...]
    counted_as: Mapping[str, str] = field(default_factory=dict[str, str])
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    called: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    own_names: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    scaling: InputScaling = "kept"
    units: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "sentence": self.sentence,
            "input_scaling": self.scaling,
            "counted_as": dict(self.counted_as),
            "left_out": dict(self.left_out),
            "called": {name: row.tolist() for name, row in zip(self.own_names, self.called, strict=True)},
            "scores": None if self.report is None else self.report.to_json(),
        }


def run(
    network: Path,
    data: Path,
    stop: threading.Event = NEVER,
    *,
    settings: DataSettings | None = None,
    seed: int = 1,
    hand_labels: LabelJournal | None = None,
    class_map: Mapping[str, str] | None = None,
    scaling: InputScaling = "kept",
) -> Work[ZeroShot]:
    """Evaluate a network as it is on the labelled galaxies of a target outside its test part.

    Parameters
    ----------
    network
        A run's folder, or a weights file.
    data
        The target.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    settings, seed
        What is learned of the target, and how its parts are drawn; None: the defaults.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs.
    class_map
        Which of the network's classes a class of the target is, beyond those of the same or a similar name.
    scaling
        Whether the input scaling is the network's own, or fitted to the galaxies of the target, without their labels.

    Raises
    ------
    NotPossible
        The bands or the size of the stamps do not fit the network.
    """
    with open_network_on_data(network, data) as opened:
        labels = surveys.read_target_labels(opened.whole, settings, seed, hand_labels)
        base = opened.predictor
        if labels.target is None:
            return _nothing(opened, f"There are no labels to compare with: {labels.why}")
        rows = transfer.matched_rows(base.target, labels.target, class_map)
        if why := _why_not(base.target, labels.target, rows):
            return _nothing(opened, f"The network as it is has no score here: {why}.")
        if scaling == "refitted":
            images = opened.cutouts.images[surveys.draw_sample(labels.rows, base_scaling.SAMPLE)]
            fitted = base_scaling.fit_anew(base, images).to(base.device)
            opened = replace(opened, predictor=replace(base, normalisation=fitted))
        predictions = yield from predict.predict_rows(opened, labels.labelled, stop)
        predictions = predict.decide(predictions, base, network, None)
        seen = remarks.count_seen(network, opened.whole.ids, labels.labelled)
        doubts = (*opened.doubts, *opened.remarks_on(labels.labelled))
    found = (
        _judge_classes(labels, labels.target, predictions, rows)
        if isinstance(labels.target, Classes)
        else _judge_numbers(labels, predictions, rows)
    )
    found = replace(found, problems=doubts, scaling=scaling)
    return found if found.report is None else replace(found, sentence=_describe(found, labels, data.stem, seen))


def _why_not(old: Target, new: Target, rows: Mapping[int, int]) -> str:
    """Why the answers of a network cannot be compared with the labels; empty: they can."""
    if type(old) is not type(new):
        return "it learned another kind of labels"
    known, own = ", ".join(targets.outputs(old)), ", ".join(targets.outputs(new))
    if not isinstance(new, Classes) and not rows:
        return f"it knows {known}, and here there are {own}"
    if isinstance(new, targets.VoteFractions) and len(rows) < len(new.columns):
        return f"it knows {known}, and here there are {own}"
    return ""


def _judge_classes(labels: TargetLabels, target: Classes, found: Predictions, rows: Mapping[int, int]) -> ZeroShot:
    own, names = labels.encoded[labels.labelled], found.names
    translation = np.full(len(target.names), NO_LABEL)
    translation[list(rows)] = list(rows.values())
    answers = found.decision.choose(found.scores)
    called = np.bincount(own * len(names) + answers, minlength=len(target.names) * len(names))
    true = translation[own] if len(own) else own
    is_known = true != NO_LABEL
    counts = np.bincount(own, minlength=len(target.names))
    made = ZeroShot(
        report=None,
        sentence="",
        names=names,
        counted_as={target.names[row]: names[place] for row, place in rows.items()},
        left_out={name: int(count) for row, (name, count) in enumerate(zip(target.names, counts, strict=True))
                  if row not in rows and count},
        called=called.reshape(len(target.names), len(names)),
        own_names=target.names,
    )  # fmt: skip
    occurring = sorted({names[place] for place in true[is_known].tolist()})
    if len(occurring) < 2:
        which = f"only its class “{occurring[0]}” occurs here" if occurring else "none of its classes occurs here"
        return replace(made, sentence=f"The network as it is has no score here: {which}. {_MAP}")
    if is_known.sum() < FEWEST:
        few = count_of(int(is_known.sum()), "labelled galaxy")
        return replace(made, sentence=f"The network as it is has no score here: {few} of its classes are too few.")
    report = make_report(Classes(target.column, names), true[is_known], found.scores[is_known], found.decision)
    return replace(made, report=report)


def _judge_numbers(labels: TargetLabels, found: Predictions, rows: Mapping[int, int]) -> ZeroShot:
    target, places = labels.target, list(rows)
    assert target is not None
    names = targets.outputs(target)
    counted_as = {names[row]: found.names[place] for row, place in rows.items()}
    made = ZeroShot(None, "", found.names, counted_as)
    if len(labels.labelled) < FEWEST:
        few = count_of(len(labels.labelled), "labelled galaxy")
        return replace(made, sentence=f"The network as it is has no score here: {few} are too few.")
    part: Target = target
    if isinstance(target, Quantities):
        units, periods = tuple(target.units[row] for row in places), tuple(target.periods[row] for row in places)
        part = Quantities(tuple(names[row] for row in places), units, periods)
    true, scores = labels.encoded[labels.labelled][:, places], found.scores[:, list(rows.values())]
    units = part.units if isinstance(part, Quantities) else ("",) * len(places)
    return replace(made, report=make_report(part, true, scores, found.decision), units=units)


def _describe(found: ZeroShot, labels: TargetLabels, name: str, seen: int) -> str:
    """Over which galaxies the numbers hold."""
    report = found.report
    assert report is not None
    text = f"The network as it is, on {report.galaxies:,} labelled galaxies of {name}"
    text += f", without its {labels.test:,} test galaxies" if labels.test else ""
    if found.left_out:
        listed = ", ".join(f"{count:,} “{each}”" for each, count in found.left_out.items())
        text += f" and without {listed}, which it does not know, so that purity is too high"
    renamed = [f"“{own}” as “{other}”" for own, other in found.counted_as.items() if own != other]
    text += f". Counted: {', '.join(renamed)}" if renamed else ""
    if found.scaling == "refitted":
        text += ". Its input scaling was fitted to these galaxies, without their labels"
    if seen:
        text += f". By their ids it was trained on {seen:,} of them: too optimistic for new ones"
    if isinstance(report, ClassReport) and report.guess is not None:
        text += f". {report.guess.sentence.rstrip('.')}"
    return f"{text}. Intervals hold with 68 %."


def _nothing(opened: NetworkOnData, sentence: str) -> ZeroShot:
    return ZeroShot(None, sentence, opened.predictor.output_names, problems=opened.doubts)
