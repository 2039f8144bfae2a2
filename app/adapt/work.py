"""Jobs of the Adapt room, not yet started."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.data.settings import DataSettings
from core.events import Work
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.train.settings import InputScaling, RunSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.adapt.adapted_run import AdaptedRun
    from core.adapt.adapted_run import Method as AdaptingMethod
    from core.adapt.domain_distance import DomainDistance
    from core.adapt.match import SurveyMatch
    from core.adapt.suggest.settings import SuggestSettings
    from core.adapt.suggest.suggestions import Suggestions
    from core.adapt.survey_statistics import SurveyStatistics
    from core.adapt.zero_shot import ZeroShot
    from core.data.resampled import Resampled
    from core.metrics.agreement import Agreement
    from core.studies.labelling_curve import LabellingCurve
    from core.train.loop import RunResult


@dataclass(frozen=True, eq=False)
class Pairing:
    """A network and the dataset that it is carried to.

    Attributes
    ----------
    network, data
        The weights and the dataset.
    settings, seed
        What is learned of the dataset, and how its parts are drawn.
    journal
        Labels given by hand, as they are now.
    class_map
        Which of the network's classes a class of the dataset is, where the user has said so.
    """

    network: Path
    data: Path
    settings: DataSettings
    seed: int
    journal: LabelJournal | None
    class_map: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, eq=False)
class Checked:
    """A match, with histograms of the scaled pixels (C, B) over the same bins; None where there are none."""

    match: SurveyMatch
    edges: NDArray[np.float64] | None
    source: NDArray[np.float64] | None
    target: NDArray[np.float64] | None


def check(pair: Pairing) -> Job:
    """Check how a network fits a dataset, line by line."""

    def run(stop: threading.Event) -> Work[Checked]:
        from core.adapt import match

        yield from begin_unless_stopped(stop)
        found = yield from match.run(
            pair.network,
            pair.data,
            stop,
            settings=pair.settings,
            seed=pair.seed,
            hand_labels=pair.journal,
            class_map=pair.class_map,
        )
        return _draw_histograms(found, found.source, found.target)

    return Job("Comparing the surveys", run)


def _draw_histograms(found: SurveyMatch, source: SurveyStatistics | None, target: SurveyStatistics | None) -> Checked:
    from core.adapt.survey_statistics import histograms

    if target is None:
        return Checked(found, None, None, None)
    if source is None:
        edges, (here,) = histograms(target.scaled)
        return Checked(found, edges, None, here)
    edges, (there, here) = histograms(source.scaled, target.scaled)
    return Checked(found, edges, there, here)


def measure_distance(pair: Pairing) -> Job:
    """Measure how well a classifier tells the two surveys apart by the network's features."""

    def run(stop: threading.Event) -> Work[DomainDistance]:
        from core.adapt import domain_distance

        yield from begin_unless_stopped(stop)
        known = {"settings": pair.settings, "seed": pair.seed, "hand_labels": pair.journal}
        return (yield from domain_distance.run(pair.network, pair.data, stop, **known))

    return Job("Telling the surveys apart", run)


def judge_as_is(pair: Pairing, scaling: InputScaling) -> Job:
    """Evaluate the unadapted network on the labelled galaxies outside the test part."""

    def run(stop: threading.Event) -> Work[ZeroShot]:
        from core.adapt import zero_shot

        yield from begin_unless_stopped(stop)
        return (
            yield from zero_shot.run(
                pair.network,
                pair.data,
                stop,
                settings=pair.settings,
                seed=pair.seed,
                hand_labels=pair.journal,
                class_map=pair.class_map,
                scaling=scaling,
            )
        )

    return Job("Judging the network as it is", run)


def adapt(pair: Pairing, method: AdaptingMethod, folder: RunFolder, scaling: InputScaling) -> Job:
    """Adapt a network to a dataset without its labels; the result is a run."""

    def run(stop: threading.Event) -> Work[AdaptedRun]:
        from core.adapt import adapted_run

        yield from begin_unless_stopped(stop)
        return (
            yield from adapted_run.run(
                pair.network,
                pair.data,
                method,
                folder,
                stop,
                class_map=pair.class_map,
                refits_scaling=scaling == "refitted",
                settings=pair.settings,
                seed=pair.seed,
            )
        )

    return Job(f"Adapting to {pair.data.stem}", run, pausable=method != "adabn")


def resample(data: Path, output: Path, factor: float, size: int, journal: LabelJournal | None) -> Job:
    """Write a dataset with its galaxies enlarged or shrunk."""

    def run(stop: threading.Event) -> Work[Resampled]:
        from core.data import resampled

        return (yield from resampled.run(data, output, factor, size, stop, hand_labels=journal))

    return Job(f"Resampling {data.stem}", run)


def suggest(pair: Pairing, similar_by: Path | None, settings: SuggestSettings) -> Job:
    """Choose the galaxies that should be labelled next; ``similar_by`` says which are similar."""

    def run(stop: threading.Event) -> Work[Suggestions]:
        from core.adapt.suggest import suggestions

        yield from begin_unless_stopped(stop)
        return (
            yield from suggestions.run(
                [pair.network],
                pair.data,
                settings,
                stop,
                similar_by=similar_by,
                parts=pair.settings,
                parts_seed=pair.seed,
                hand_labels=pair.journal,
            )
        )

    return Job("Choosing galaxies to label", run)


def retrain(settings: RunSettings, data: Path, folder: RunFolder, hand_labels: LabelJournal | None) -> Job:
    """Train a network with the labels that there are now."""

    def run(stop: threading.Event) -> Work[RunResult]:
        from core.train import loop

        return (yield from loop.run(settings, data, folder, stop, hand_labels=hand_labels))

    return Job(f"Training with {folder.title}", run, pausable=True)


def measure_agreement(votes: Sequence[Mapping[str, str]]) -> Job:
    """Measure how far people agree; None where no galaxy has several votes."""

    def run(stop: threading.Event) -> Work[Agreement | None]:
        from core.metrics import agreement

        yield from begin_unless_stopped(stop)
        return agreement.measure_agreement(votes)

    return Job("Comparing the votes", run)


def read_labelling_curve(data: Path, runs: Sequence[RunFolder], studies: Path) -> Job:
    """Read the scores of the networks that were trained while labelling, and of the random order in a study."""

    def run(stop: threading.Event) -> Work[LabellingCurve]:
        from core.studies import labelling_curve

        yield from begin_unless_stopped(stop)
        return labelling_curve.read(data, runs, studies)

    return Job("Reading the scores", run)
