"""What does it gain to label the proposed galaxies first? A study on labelled galaxies that play the unlabelled ones.

Of the training part all labels are hidden. A few are uncovered, a network is trained with them, it chooses which are
uncovered next, and so on: for every method, and in random order. All networks are judged on the same validation part,
from which no order may take a galaxy; the test part is touched by none. Each order is repeated with other seeds; the
orders of one seed have the same initial weights, so that their difference is taken seed by seed.

The first galaxies are chosen by the network from which the trainings start. Without one they are drawn at random. Which
galaxies are similar (typical ones, core-set) is always said by that first network, which has seen most galaxies.

Each run is a normal run folder, with the labels that it was given in ``rounds`` beside it. A study that is resumed
keeps what is done.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.adapt.suggest import suggestions
from core.adapt.suggest.proposals import Known, propose
from core.adapt.suggest.settings import Choice, SuggestionStudySettings, SuggestSettings
from core.data import parts as rules
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.kept_parts import STUDY_LABELS, STUDY_PARTS
from core.data.parts import KeptParts
from core.data.target import Classes
from core.errors import NotPossible, Problem, Stopped, TooFewGalaxies
from core.evaluate import evaluation
from core.events import NEVER, Preview, Progress, Skipped, Work, result_of
from core.metrics import merits
from core.project.labels import LabelJournal, write_labels
from core.project.metrics_file import read_metrics
from core.project.runs import SUGGESTION_STUDY_FILE, RunFolder
from core.project.unbegun import study_folder
from core.studies import frozen, run_list, size_study, suggestion_gain
from core.studies.point_table import error_name
from core.studies.run_list import PlannedRun
from core.studies.suggestion_gain import Point, SuggestionStudy
from core.train import batch_size, preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings

TABLE, FIGURE = "study.csv", "study.png"
_FIXED = ("labels", "switch_at", "least_steps")  # settings with which a study has to go on
_ROUNDS = "rounds"


@dataclass(frozen=True, eq=False)
class _Facts:
    """What is known of the dataset before any training."""

    checksums: tuple[str, str]
    ids: tuple[str, ...]
    pool: NDArray[np.int64]  # rows whose labels are hidden at first, one image of each object
    hidden: tuple[str, ...]  # the ids of all rows whose labels are hidden
    column: str
    classes: int
    known: tuple[str, ...]  # figures of merit


@dataclass(frozen=True)
class _PlannedRound(PlannedRun):
    """One training of the study: with so many labels, chosen by a method, with a seed."""

    method: Choice
    labels: int
    seed: int
    labels_file: Path

    @property
    def is_chosen(self) -> bool:
        """Whether its galaxies have been chosen."""
        return self.labels_file.exists() and self.labels_file.with_name(STUDY_PARTS).exists()


def run(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study: SuggestionStudySettings,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[SuggestionStudy]:
    """Train with more and more labels, in the proposed and in random order.

    Yields the progress in epochs, and after each run the study so far as a :class:`~core.events.Preview` of a
    :class:`SuggestionStudy`. Writes ``study.csv``, ``study.png``, the settings and the run folders.

    Parameters
    ----------
    settings
        Of the trainings; ``transfer.start_from`` is the network that chooses first.
    data
        The dataset; its labels are known, and hidden from the study.
    folder
        A new folder, or that of a study of the same settings and dataset, which is resumed.
    study
        Methods, numbers of labels, seeds and score.
    stop
        When set, the running training is saved, and the study so far is returned.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    FolderInUse
        The folder holds something else, or a study of other settings or data, or another program writes to it.
    NotPossible
        The labels are no classes.
    TooFewGalaxies
        The training part holds fewer galaxies than are to be labelled.
    Stopped
        No run was finished.
    """
    with study_folder(folder):
        return (yield from _run(settings, data, folder, study, stop, hand_labels))


def _run(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study: SuggestionStudySettings,
    stop: threading.Event,
    hand_labels: LabelJournal | None,
) -> Work[SuggestionStudy]:
    settings = settings.model_copy(update={"data": settings.data.model_copy(update={"train_limit": None})})
    facts = _inspect(settings, data, frozen.labels_of(folder, hand_labels))
    metric = size_study.choose_metric(study.metric, facts.known)
    run_list.prepare_folder(settings, folder, study, SUGGESTION_STUDY_FILE, _FIXED)
    hand_labels = frozen.freeze(folder, data, settings, hand_labels)
    counts = [count for count in study.labels if count <= len(facts.pool)]
    if beyond := [count for count in study.labels if count > len(facts.pool)]:
        left_out = ", ".join(f"{count:,}" for count in beyond)
        yield Skipped(
            Problem(f"Left out: {left_out} labels; the training part holds {len(facts.pool):,}.", "", "labels")
        )
    if not counts:
        raise TooFewGalaxies("None of the numbers of labels is possible.", f"There are {len(facts.pool):,} galaxies.")
    orders = [
        [_plan(settings, study, folder, data, method, count, number) for count in counts]
        for number in range(study.seeds)
        for method in ("random", *study.methods)
    ]
    total = sum(each.epochs for order in orders for each in order)
    found = SuggestionStudy(folder, metric, (), sum(map(len, orders)))
    known = {(point.method, point.labels, point.seed): point for point in _earlier_points(folder, metric)}
    reported: set[str] = set()
    done = 0
    for order in orders:
        before: _PlannedRound | None = None
        for each in order:
            if not run_list.is_finished(each.folder, facts.checksums):
                known.pop((each.method, each.labels, each.seed), None)
                run_list.require_dataset(data, facts.checksums)
                if not each.is_chosen:
                    yield from _choose(each, before, settings, study, facts, hand_labels, stop)
                yield from run_list.train(each, LabelJournal(each.labels_file), reported, done, total, stop)
                if stop.is_set():
                    return _conclude(found)
            try:
                point = known.get((each.method, each.labels, each.seed)) or _evaluate(each, metric, stop)
            except Stopped:  # while it was judged, which the next time begins with
                return _conclude(found)
            found = found.with_point(point)
            suggestion_gain.write_table(found, folder / TABLE)
            yield Preview(found)
            before = each
            done += each.epochs
            yield Progress(done, total, "epochs")
    return _conclude(found)


def _conclude(found: SuggestionStudy) -> SuggestionStudy:
    from core.studies import suggestion_figure

    if not found.points:
        raise Stopped
    suggestion_figure.save(found, found.folder / FIGURE)
    return found


def read_settings(folder: Path) -> tuple[RunSettings, SuggestionStudySettings]:
    """Read the settings that a study was started with: those of its runs, and its own.

    Raises
    ------
    UnreadableFile
        There is no study in this folder.
    """
    return run_list.read_settings(folder, SUGGESTION_STUDY_FILE, SuggestionStudySettings)


def open_study(folder: Path) -> SuggestionStudy:
    """Open the study in a folder, read-only.

    Raises
    ------
    UnreadableFile
        There is no such study, or it is damaged.
    """
    _, study = read_settings(folder)
    points = suggestion_gain.read_table(folder / TABLE) if (folder / TABLE).exists() else ()
    metric = size_study.choose_metric(study.metric, list(points[0].values) if points else [study.metric, "accuracy"])
    wanted = max(len(points), (1 + len(study.methods)) * len(study.labels) * study.seeds)
    return SuggestionStudy(folder, metric, points, wanted)


def _inspect(settings: RunSettings, data: Path, hand_labels: LabelJournal | None) -> _Facts:
    with Cutouts.open(data) as cutouts:
        target, labels = read_labels(cutouts, settings.data, hand_labels)
        if not isinstance(target, Classes):
            raise NotPossible("This study is of classes, and these labels are none.", "Choose a column of classes.")
        split = preparation.split_dataset(cutouts, target, labels, settings, hand_labels)
        ranks = rules.group_rows(cutouts.ids).ranks[split.train]
        first_images = np.sort(split.train[np.unique(ranks, return_index=True)[1]])
        return _Facts(
            checksums=(cutouts.checksum, cutouts.sample_checksum),
            ids=tuple(cutouts.ids),
            pool=first_images,
            hidden=tuple(dict.fromkeys(cutouts.ids[row] for row in split.train)),
            column=targets.columns_of(target)[0],
            classes=len(target.names),
            known=merits.names_for(target),
        )


def _plan(
    settings: RunSettings,
    study: SuggestionStudySettings,
    folder: Path,
    data: Path,
    method: Choice,
    labels: int,
    number: int,
) -> _PlannedRound:
    """Plan one training: its own seed, the same parts, enough steps."""
    seed = settings.seed + number
    parts = settings.seed if settings.data.split_seed is None else settings.data.split_seed
    optimiser, stopping = settings.optimiser, settings.stopping
    batches = math.ceil(labels / batch_size.choose(optimiser.batch_size, labels))
    steps = batches * batch_size.choose_repeats(settings, labels)
    longer = max(1.0, study.least_steps / (steps * optimiser.epochs))
    update: dict[str, Any] = {
        "data": settings.data.model_copy(update={"split_seed": parts}),
        "seed": seed,
        "optimiser": optimiser.model_copy(update={"epochs": math.ceil(optimiser.epochs * longer)}),
        "stopping": stopping.model_copy(update={"patience": math.ceil(stopping.patience * longer)}),
    }
    name = f"{method}-n{labels:05d}-seed{seed}"
    return _PlannedRound(
        settings.model_copy(update=update),
        RunFolder(folder / "runs" / name),
        data,
        method,
        labels,
        seed,
        folder / _ROUNDS / name / STUDY_LABELS,
    )


def _choose(
    planned: _PlannedRound,
    before: _PlannedRound | None,
    settings: RunSettings,
    study: SuggestionStudySettings,
    facts: _Facts,
    hand_labels: LabelJournal,
    stop: threading.Event,
) -> Work[None]:
    """Choose the galaxies of a round, those of the round before among them, and write its labels and parts."""
    known_ids: list[str] = [] if before is None else _chosen_ids(before)
    shown = set(known_ids)
    is_known = np.array([facts.ids[row] in shown for row in facts.pool])
    wanted = planned.labels - int(is_known.sum())
    start = settings.transfer.start_from
    base = Path(start) if start else None
    latest = base if before is None else before.folder.path
    choice: Choice = "random" if latest is None else planned.method
    settings_of_choice = SuggestSettings(method=choice, switch_at=study.switch_at)
    method, _ = suggestions.choose_method(settings_of_choice, int(is_known.sum()), facts.classes)
    if method == "random":  # one order for each seed, whatever the counts are
        order = np.random.default_rng(planned.seed).permutation(len(facts.pool))
        new = order[~is_known[order]][:wanted]
    else:
        known = Known(facts.pool, is_known)
        networks = [] if latest is None else [latest]
        known = yield from suggestions.look(networks, planned.data, known, method, base, stop)
        new, _ = propose(known, method, wanted, planned.seed)
    _write_round(planned, shown | {facts.ids[row] for row in facts.pool[new]}, facts, hand_labels)


def _write_round(planned: _PlannedRound, chosen: set[str], facts: _Facts, hand_labels: LabelJournal) -> None:
    """Write labels in which all that are hidden are missing, and parts of all others."""
    hidden = {(name, facts.column): "" for name in facts.hidden if name not in chosen}
    write_labels({**hand_labels.replay(), **hidden}, planned.labels_file)
    kept = KeptParts.load(hand_labels.path.with_name(STUDY_PARTS))
    others = {name: part for name, part in kept.parts.items() if part != rules.PARTS.index("train")}
    parts = KeptParts(kept.seed, {**others, **dict.fromkeys(sorted(chosen), rules.PARTS.index("train"))})
    parts.save(planned.labels_file.with_name(STUDY_PARTS), f"{planned.labels} labels, {planned.method}")


def _chosen_ids(planned: _PlannedRound) -> list[str]:
    parts = KeptParts.load(planned.labels_file.with_name(STUDY_PARTS)).parts
    return [name for name, part in parts.items() if part == rules.PARTS.index("train")]


def _evaluate(planned: _PlannedRound, metric: str, stop: threading.Event) -> Point:
    journal = LabelJournal(planned.labels_file)
    evaluated = result_of(evaluation.run(planned.folder, planned.data, "validation", stop, hand_labels=journal))
    values = merits.flatten(evaluated.report)
    values[error_name(metric)] = evaluated.sampling_error(metric, planned.seed)
    about = read_metrics(planned.folder.metrics_file)
    return Point(
        method=planned.method,
        labels=planned.labels,
        seed=planned.seed,
        run=f"runs/{planned.folder.name}",
        epochs=about["epochs"],
        best_epoch=about["best_epoch"],
        galaxies=evaluated.report.galaxies,
        values=values,
    )


def _earlier_points(folder: Path, metric: str) -> Sequence[Point]:
    points = suggestion_gain.read_table(folder / TABLE) if (folder / TABLE).exists() else ()
    return [point for point in points if error_name(metric) in point.values]
