"""How large must my training set be? The same training with fewer and with more labelled galaxies.

Each size is trained several times. The seeds draw the galaxies, the initial weights and the order; the split is always
that of the settings' own seed, so that all runs are evaluated on the same galaxies, and the test part is that of a
single training with these settings: no run of the study reads it. For one seed, a smaller set is a subset of each
larger one, with the classes in proportion, as in a smaller survey.

The runs are evaluated on the validation part. The best epoch was chosen on the same part, which makes the scores of all
sizes slightly, and about equally, optimistic. The test part can be evaluated at the very end, after every choice.

Each run is a normal run folder. A study that is resumed keeps the finished runs, resumes an interrupted one, and may be
given more sizes and seeds.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data.cutouts import Cutouts
from core.data.settings import HeldOutPart
from core.data.target import Classes
from core.errors import Problem, Stopped, TooFewGalaxies
from core.evaluate import evaluation
from core.events import NEVER, Preview, Progress, Skipped, Work, result_of
from core.metrics import merits
from core.project.labels import LabelJournal
from core.project.metrics_file import read_metrics
from core.project.runs import SIZE_STUDY_FILE, RunFolder
from core.project.unbegun import study_folder
from core.reading import reading
from core.studies import frozen, point_table, run_list, size_figure, size_study
from core.studies.run_list import PlannedRun
from core.studies.settings import TrainingSizeSettings, parse_size
from core.studies.size_study import Point, SizeStudy
from core.train import batch_size, preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings

TABLE, FIGURE = "study.csv", "study.png"
TEST_TABLE, TEST_FIGURE = "study-test.csv", "study-test.png"
_FIXED = ("least_steps",)  # settings with which a study has to go on


@dataclass(frozen=True)
class _Facts:
    """Properties of the dataset that are known before any training."""

    checksums: tuple[str, str]  # its fingerprint, and that of earlier versions
    largest: int  # galaxies in the whole training part
    fewest: int  # with fewer galaxies, a class might be missing
    known: tuple[str, ...]  # figures of merit


@dataclass(frozen=True)
class _PlannedSize(PlannedRun):
    """One planned run of the study."""

    size: int
    seed: int


def run(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study: TrainingSizeSettings,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[SizeStudy]:
    """Train with every size and seed, and estimate what more labels are worth.

    Yields the progress in epochs, and after each run the study so far as a :class:`~core.events.Preview` of a
    :class:`SizeStudy`. Writes ``study.csv``, ``study.png``, the settings and the run folders.

    Parameters
    ----------
    settings
        Of the training. Its limit of training galaxies is set by the study.
    data
        The dataset.
    folder
        A new folder, or that of a study of the same settings and dataset, which is resumed.
    study
        Sizes, seeds and score.
    stop
        When set, the running training is saved, and the study so far is returned.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none. The study keeps those
        with which it begins.

    Raises
    ------
    FolderInUse
        The folder holds something else, or a study of other settings or data, or another program writes to it.
    SettingsProblem
        A size or the score is not known.
    Stopped
        No run was finished.
    Problem
        As a training raises it.
    """
    with study_folder(folder):
        return (yield from _run(settings, data, folder, study, stop, hand_labels))


def _run(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study: TrainingSizeSettings,
    stop: threading.Event,
    hand_labels: LabelJournal | None,
) -> Work[SizeStudy]:
    facts = _inspect(settings, data, frozen.labels_of(folder, hand_labels))
    metric = size_study.choose_metric(study.metric, facts.known)
    sizes = yield from _possible_sizes(study, facts)
    run_list.prepare_folder(settings, folder, study, SIZE_STUDY_FILE, _FIXED)
    hand_labels = frozen.freeze(folder, data, settings, hand_labels)
    wanted = [_plan_run(settings, study, folder, data, size, seed) for seed in range(study.seeds) for size in sizes]
    found = SizeStudy(folder, "validation", metric, (), len(wanted))
    known = _earlier_points(folder, metric)
    reported: set[str] = set()
    ends = np.cumsum([each.epochs for each in wanted])
    for each, end in zip(wanted, ends, strict=True):
        if not run_list.is_finished(each.folder, facts.checksums):
            known.pop((each.size, each.seed), None)
            run_list.require_dataset(data, facts.checksums)
            yield from run_list.train(each, hand_labels, reported, int(end) - each.epochs, int(ends[-1]), stop)
            if stop.is_set():
                break
        try:
            point = known.get((each.size, each.seed)) or _evaluate(each, hand_labels, "validation", metric, stop)
        except Stopped:  # while it was judged, which the next time begins with
            break
        found = found.with_point(point)
        size_study.write_table(found, folder / TABLE)
        yield Preview(found)
    if not found.points:
        raise Stopped
    size_figure.save(found, folder / FIGURE)
    if study.judge_test and not found.missing:
        with contextlib.suppress(Stopped):  # what was trained is kept
            found = replace(found, test=(yield from _evaluate_test(found, wanted, hand_labels, stop)))
    return found


def _inspect(settings: RunSettings, data: Path, hand_labels: LabelJournal | None) -> _Facts:
    with Cutouts.open(data) as cutouts:
        target, labels = read_labels(cutouts, settings.data, hand_labels)
        unlimited = settings.data.model_copy(update={"train_limit": None})
        settings = settings.model_copy(update={"data": unlimited})
        split = preparation.split_dataset(cutouts, target, labels, settings, hand_labels)
        kinds = len(target.names) if isinstance(target, Classes) else 1
        return _Facts(
            (cutouts.checksum, cutouts.sample_checksum), len(split.train), max(4, 2 * kinds), merits.names_for(target)
        )


def _possible_sizes(study: TrainingSizeSettings, facts: _Facts) -> Work[list[int]]:
    """The sizes as numbers, ascending; impossible ones are reported and left out."""
    found: set[int] = set()
    for text in study.sizes:
        size = parse_size(text, facts.largest)
        if facts.fewest <= size <= facts.largest:
            found.add(size)
            continue
        why = f"there are {facts.largest:,}" if size > facts.largest else f"at least {facts.fewest} are needed"
        yield Skipped(Problem(f"The size {text} is left out: {size:,} training galaxies, and {why}.", "", "sizes"))
    if not found:
        raise TooFewGalaxies("None of the sizes is possible.", f"There are {facts.largest:,} training galaxies.")
    return sorted(found)


def read_settings(folder: Path) -> tuple[RunSettings, TrainingSizeSettings]:
    """Read the settings that a study was started with.

    Raises
    ------
    UnreadableFile
        There is no study in this folder.
    """
    return run_list.read_settings(folder, SIZE_STUDY_FILE, TrainingSizeSettings)


def open_study(folder: Path) -> SizeStudy:
    """Open the study in a folder, read-only."""
    with reading("This study", folder, "Restore its files, or remove its folder."):
        return _open_study(folder)


def _open_study(folder: Path) -> SizeStudy:
    _, settings = read_settings(folder)
    points, tested = _read_points(folder / TABLE), _read_points(folder / TEST_TABLE)
    known = list(points[0].values) if points else [settings.metric, "accuracy"]
    metric = size_study.choose_metric(settings.metric, known)
    wanted = max(len(points), len(settings.sizes) * settings.seeds)
    for point, name in itertools.product((*points, *tested), (metric, point_table.error_name(metric))):
        point.values[name]  # or else it is missing
    test = SizeStudy(folder, "test", metric, tested, wanted) if tested else None
    return SizeStudy(folder, "validation", metric, points, wanted, test)


def _plan_run(
    settings: RunSettings, study: TrainingSizeSettings, folder: Path, dataset: Path, size: int, number: int
) -> _PlannedSize:
    """Plan one run: the number of galaxies, its own seed, the same split, enough steps."""
    parts = settings.seed if settings.data.split_seed is None else settings.data.split_seed
    data = settings.data.model_copy(update={"train_limit": size, "train_draw": "in proportion", "split_seed": parts})
    optimiser, stopping = settings.optimiser, settings.stopping
    steps = math.ceil(size / batch_size.choose(optimiser.batch_size, size)) * batch_size.choose_repeats(settings, size)
    longer = max(1.0, study.least_steps / (steps * optimiser.epochs))
    update: dict[str, Any] = {
        "data": data,
        "seed": settings.seed + number,
        "optimiser": optimiser.model_copy(update={"epochs": math.ceil(optimiser.epochs * longer)}),
        "stopping": stopping.model_copy(update={"patience": math.ceil(stopping.patience * longer)}),
    }
    seed = settings.seed + number
    run = RunFolder(folder / "runs" / f"n{size:06d}-seed{seed}")
    return _PlannedSize(settings.model_copy(update=update), run, dataset, size, seed)


def _evaluate(
    wanted: _PlannedSize,
    hand_labels: LabelJournal | None,
    part: HeldOutPart,
    metric: str,
    stop: threading.Event,
) -> Point:
    evaluated = result_of(evaluation.run(wanted.folder, wanted.data, part, stop, hand_labels=hand_labels))
    values = merits.flatten(evaluated.report)
    values[point_table.error_name(metric)] = evaluated.sampling_error(metric, wanted.seed)
    about = read_metrics(wanted.folder.metrics_file)
    return Point(
        size=about["data"]["galaxies"]["training"],
        seed=wanted.seed,
        run=f"runs/{wanted.folder.name}",
        epochs=about["epochs"],
        best_epoch=about["best_epoch"],
        galaxies=evaluated.report.galaxies,
        values=values,
    )


def _evaluate_test(
    found: SizeStudy, wanted: list[_PlannedSize], hand_labels: LabelJournal | None, stop: threading.Event
) -> Work[SizeStudy]:
    """Evaluate all runs on the test part, after the last one was trained."""
    tested = SizeStudy(found.folder, "test", found.metric, (), len(wanted))
    for number, each in enumerate(wanted):
        tested = tested.with_point(_evaluate(each, hand_labels, "test", found.metric, stop))
        yield Progress(number + 1, len(wanted), "runs judged")
    size_study.write_table(tested, found.folder / TEST_TABLE)
    size_figure.save(tested, found.folder / TEST_FIGURE)
    return tested


def _earlier_points(folder: Path, metric: str) -> dict[tuple[int, int], Point]:
    """The runs that were evaluated earlier with this metric, by size and seed."""
    points = _read_points(folder / TABLE)
    return {(point.size, point.seed): point for point in points if point_table.error_name(metric) in point.values}


def _read_points(table: Path) -> tuple[Point, ...]:
    return size_study.read_table(table) if table.exists() else ()
