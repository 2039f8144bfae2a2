"""Whether a network fits another survey: checked line by line, with numbers, and with what can be done about it.

Each line is about one thing that has to agree between the survey that a network was trained on and the one that it is
carried to: bands, stamps, the size of the galaxies on them, pixel values, noise, zero points, classes, labels. Where
the galaxies of the training are not at hand, that is said in place of their numbers.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.adapt import match_lines, survey_statistics, surveys
from core.adapt.match_lines import ClassChoice, MatchLine, Surveys
from core.adapt.survey_statistics import SurveySample, SurveyStatistics
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.target import Target
from core.errors import NotPossible, Problem, UnreadableFile
from core.events import NEVER, Skipped, Work
from core.nets import base_scaling
from core.nets.ensemble import scales_alike
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal


@dataclass(frozen=True, eq=False)
class SurveyMatch:
    """How a network fits a target.

    Attributes
    ----------
    network, data
        The weights and the dataset.
    lines
        What was checked.
    source, target
        Statistics of the two surveys; None where they could not be measured.
    why_no_source
        Why nothing is known of the training galaxies; empty: they were measured.
    wanted
        Names of the network's bands.
    bands
        What feeds the network's bands, as text, chosen or proposed; empty: the bands as they are.
    resample
        The factor by which galaxies would have to be enlarged to span as many pixels as in the training; NaN: unknown.
    side
        Of the network's stamps [pixels].
    old, new
        What the network learned, and what the target's labels are; None: it has none.
    classes
        Which of the network's classes those of the target are, or could be.
    """

    network: Path
    data: Path
    lines: tuple[MatchLine, ...]
    source: SurveyStatistics | None
    target: SurveyStatistics | None
    why_no_source: str
    wanted: tuple[str, ...]
    bands: str
    resample: float
    side: int
    old: Target
    new: Target | None
    classes: ClassChoice

    def line(self, aspect: str) -> MatchLine:
        """The line about one thing."""
        return next(line for line in self.lines if line.aspect == aspect)

    def with_classes(self, class_map: Mapping[str, str]) -> SurveyMatch:
        """The same with other classes chosen; nothing has to be measured for it."""
        classes = match_lines.find_classes(self.old, self.new, class_map)
        changed = match_lines.on_classes(self.old, self.new, "", classes)
        lines = tuple(changed if line.aspect == "classes" else line for line in self.lines)
        return replace(self, lines=lines, classes=classes)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "lines": [line.to_json() for line in self.lines],
            "source": None if self.source is None else self.source.to_json(),
            "target": None if self.target is None else self.target.to_json(),
            "resample": None if math.isnan(self.resample) else self.resample,
            "class_map": dict(self.classes.mapping),
            "suggested_classes": dict(self.classes.suggested),
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
) -> Work[SurveyMatch]:
    """Check how a network fits a target; galaxies of the target's test part are not looked at.

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
        Labels given by hand, of the project to which the target belongs.
    class_map
        Which of the network's classes a class of the target is, beyond those of the same or a similar name.

    Raises
    ------
    UnreadableFile, WrongVersion
        The network or the dataset cannot be read.
    """
    predictor = Predictor.load(network, needs_answers=False)
    if not scales_alike(predictor):
        yield Skipped(
            Problem(
                "The networks of this ensemble scale pixel values in different ways; they are compared as the first of "
                "them scales them."
            )
        )
    source, why = yield from _measure_source(predictor, network, stop)
    with Cutouts.open(data) as whole:
        if not len(whole):
            raise UnreadableFile("There is no galaxy in this dataset.", "Import some.", data.name)
        labels = surveys.read_target_labels(whole, settings, seed, hand_labels)
        own_bands = tuple(band.name for band in whole.bands)
        mapping, is_proposed = surveys.find_bands(predictor, network, own_bands)
        sample, known_zero_points = None, ()
        if mapping is not None or len(own_bands) == len(predictor.bands):
            cutouts, _ = surveys.feed(predictor, whole, mapping)
            sample = yield from survey_statistics.measure(cutouts, labels.rows, predictor.normalisation, stop)
            known_zero_points = tuple(band.zero_point for band in cutouts.bands)
        recipe, shape = whole.recipe, whole.shape[1:]
    target = None if sample is None else sample.statistics
    both = Surveys(predictor, source, target, why)
    classes = match_lines.find_classes(predictor.target, labels.target, class_map or {})
    sizes = match_lines.on_sizes(both, recipe)
    lines = (
        match_lines.on_bands(predictor.bands, own_bands, mapping, is_proposed=is_proposed),
        match_lines.on_stamps(predictor, shape, recipe, sizes_fit=sizes.state == "fits"),
        sizes,
        _check_values(both, sample),
        match_lines.on_noise(both),
        match_lines.on_zero_points(predictor, known_zero_points),
        match_lines.on_classes(predictor.target, labels.target, labels.why, classes),
        match_lines.on_labels(len(labels.labelled), len(labels.unlabelled), labels.test),
    )
    bands = "" if mapping is None else mapping.text
    side, learned = predictor.stamp_shape[1], (predictor.target, labels.target)
    return SurveyMatch(
        network, data, lines, source, target, why, predictor.bands, bands, both.resample, side, *learned, classes
    )


def _measure_source(
    predictor: Predictor, network: Path, stop: threading.Event
) -> Work[tuple[SurveyStatistics | None, str]]:
    """Statistics of the training galaxies; None with the reason where they are not known."""
    try:
        with surveys.open_source(predictor, network) as source:
            found = yield from survey_statistics.measure(source.cutouts, source.train, predictor.normalisation, stop)
            return found.statistics, ""
    except NotPossible as problem:
        return None, problem.text


def _check_values(both: Surveys, sample: SurveySample | None) -> MatchLine:
    """The line about pixel values, as the scaling is and as it could be fitted to the target."""
    if sample is None:
        return match_lines.on_values(both, None, None)
    scaled, source = sample.statistics.scaled, both.source
    outside = None if source is None else survey_statistics.share_outside(scaled, source.scaled)
    refitted = survey_statistics.scale(sample.images, base_scaling.fit_anew(both.predictor, sample.images))
    return match_lines.on_values(both, outside, refitted)
