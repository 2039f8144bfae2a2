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
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data.cutouts import Cutouts
from core.data.settings import HeldOutPart
from core.data.target import Classes
from core.errors import DatasetReplaced, FolderInUse, Problem, Stopped, TooFewGalaxies
from core.evaluate import evaluation
from core.events import NEVER, EpochEnded, Event, Preview, Progress, Skipped, Work, map_events, result_of
from core.metrics import merits
from core.project.files import write_atomically
from core.project.labels import LabelJournal
from core.project.metrics_file import read_metrics
from core.project.runs import SIZE_STUDY_FILE, RunFolder
from core.reading import reading
from core.settings import toml
from core.studies import frozen, size_figure, size_study
from core.studies.settings import TrainingSizeSettings, parse_size
from core.studies.size_study import Point, SizeStudy
from core.train import batch_size, loop, preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings

TABLE, FIGURE = "study.csv", "study.png"
TEST_TABLE, TEST_FIGURE = "study-test.csv", "study-test.png"
_RUNS, _STUDY = "settings.toml", SIZE_STUDY_FILE
_UNFINISHED = ("running", "stopped")  # reasons of a run that is not finished


@dataclass(frozen=True)
class _Facts:
    """Properties of the dataset that are known before any training."""

    checksums: tuple[str, str]  # its fingerprint, and that of earlier versions
    largest: int  # galaxies in the whole training part
    fewest: int  # with fewer galaxies, a class might be missing
    known: tuple[str, ...]  # figures of merit


@dataclass(frozen=True)
class _PlannedRun:
    """One planned run of the study."""

    size: int
    seed: int
    settings: RunSettings
    folder: RunFolder

    @property
    def epochs(self) -> int:
        """The largest number of epochs."""
        return self.settings.optimiser.epochs


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
    with RunFolder(folder).lock("study"):
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
    _prepare_folder(settings, folder, study)
    hand_labels = frozen.freeze(folder, data, settings, hand_labels)
    wanted = [_plan_run(settings, study, folder, size, seed) for seed in range(study.seeds) for size in sizes]
    found = SizeStudy(folder, "validation", metric, (), len(wanted))
    known = _earlier_points(folder, metric)
    reported: set[str] = set()
    ends = np.cumsum([each.epochs for each in wanted])
    for each, end in zip(wanted, ends, strict=True):
        if not _is_finished(each.folder, facts.checksums):
            known.pop((each.size, each.seed), None)
            _require_dataset(data, facts)
            yield from _train(each, data, hand_labels, stop, reported, int(end) - each.epochs, int(ends[-1]))
            if stop.is_set():
                break
        point = known.get((each.size, each.seed)) or _evaluate(each, data, hand_labels, "validation", metric, stop)
        found = found.with_point(point)
        size_study.write_table(found, folder / TABLE)
        yield Preview(found)
    if not found.points:
        raise Stopped
    size_figure.save(found, folder / FIGURE)
    if study.judge_test and not found.missing:
        found = replace(found, test=(yield from _evaluate_test(found, wanted, data, hand_labels, stop)))
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


def _require_dataset(data: Path, facts: _Facts) -> None:
    """Require that the file still holds the dataset with which the study goes on, so that all its runs are alike."""
    with Cutouts.open(data) as cutouts:
        if cutouts.checksum not in facts.checksums:
            raise DatasetReplaced.of(data)


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
    return toml.load(RunSettings, folder / _RUNS), toml.load(TrainingSizeSettings, folder / _STUDY)


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
    for point, name in itertools.product((*points, *tested), (metric, size_study.error_name(metric))):
        point.values[name]  # or else it is missing
    test = SizeStudy(folder, "test", metric, tested, wanted) if tested else None
    return SizeStudy(folder, "validation", metric, points, wanted, test)


def _prepare_folder(settings: RunSettings, folder: Path, study: TrainingSizeSettings) -> None:
    """Create the folder, or require that it holds a study of the same settings."""
    of_runs, of_study = folder / _RUNS, folder / _STUDY
    if of_study.exists() and of_runs.exists():
        earlier, before = read_settings(folder)
        if changed := [name for name, _, _ in toml.differences(earlier, settings)]:
            raise FolderInUse(
                f"The study in this folder was begun with other settings: {', '.join(changed)}.",
                "Choose another folder, or the same settings.",
                str(folder),
            )
        if before.least_steps != study.least_steps:
            raise FolderInUse(
                f"The study in this folder was begun with {before.least_steps} steps at least.",
                "Choose another folder, or the same number.",
                str(folder),
            )
    else:
        RunFolder.create(folder)
        write_atomically(of_runs, toml.dumps(settings.with_paths_for(folder)))
    write_atomically(of_study, toml.dumps(study))


def _plan_run(settings: RunSettings, study: TrainingSizeSettings, folder: Path, size: int, number: int) -> _PlannedRun:
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
    name = f"n{size:06d}-seed{settings.seed + number}"
    return _PlannedRun(
        size, settings.seed + number, settings.model_copy(update=update), RunFolder(folder / "runs" / name)
    )


def _is_finished(folder: RunFolder, checksums: tuple[str, str]) -> bool:
    """Whether the run exists and is finished.

    Raises
    ------
    FolderInUse
        It was trained on another dataset.
    """
    values = read_metrics(folder.metrics_file)
    if not values:
        return False
    if (values.get("data") or {}).get("checksum") not in checksums:
        raise FolderInUse(
            "The study in this folder was made with another dataset.", "Choose another folder.", str(folder.path)
        )
    return values.get("reason", "running") not in _UNFINISHED


def _train(
    wanted: _PlannedRun,
    data: Path,
    hand_labels: LabelJournal | None,
    stop: threading.Event,
    reported: set[str],
    before: int,
    total: int,
) -> Work[None]:
    """Train, or resume an interrupted training after its last complete epoch; each notice is reported once."""
    half_way = (wanted.folder.last / "current").exists()
    if not half_way and wanted.folder.path.exists():  # interrupted before the end of its first epoch
        with wanted.folder.lock():
            pass
        shutil.rmtree(wanted.folder.path)

    def translate(event: Event) -> Iterator[Event]:
        if isinstance(event, EpochEnded):
            yield Progress(before + event.epoch, total, "epochs")
        elif isinstance(event, Skipped) and str(event.problem) not in reported:
            reported.add(str(event.problem))
            yield event

    yield Progress(before, total, "epochs")
    with contextlib.suppress(Stopped):  # before the first epoch of this run; others may be done
        yield from map_events(
            loop.run(wanted.settings, data, wanted.folder, stop, resume=half_way, hand_labels=hand_labels), translate
        )


def _evaluate(
    wanted: _PlannedRun,
    data: Path,
    hand_labels: LabelJournal | None,
    part: HeldOutPart,
    metric: str,
    stop: threading.Event,
) -> Point:
    evaluated = result_of(evaluation.run(wanted.folder, data, part, stop, hand_labels=hand_labels))
    values = merits.flatten(evaluated.report)
    values[size_study.error_name(metric)] = evaluated.sampling_error(metric, wanted.seed)
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
    found: SizeStudy, wanted: list[_PlannedRun], data: Path, hand_labels: LabelJournal | None, stop: threading.Event
) -> Work[SizeStudy]:
    """Evaluate all runs on the test part, after the last one was trained."""
    tested = SizeStudy(found.folder, "test", found.metric, (), len(wanted))
    for number, each in enumerate(wanted):
        tested = tested.with_point(_evaluate(each, data, hand_labels, "test", found.metric, stop))
        yield Progress(number + 1, len(wanted), "runs judged")
    size_study.write_table(tested, found.folder / TEST_TABLE)
    size_figure.save(tested, found.folder / TEST_FIGURE)
    return tested


def _earlier_points(folder: Path, metric: str) -> dict[tuple[int, int], Point]:
    """The runs that were evaluated earlier with this metric, by size and seed."""
    points = _read_points(folder / TABLE)
    return {(point.size, point.seed): point for point in points if size_study.error_name(metric) in point.values}


def _read_points(table: Path) -> tuple[Point, ...]:
    return size_study.read_table(table) if table.exists() else ()
