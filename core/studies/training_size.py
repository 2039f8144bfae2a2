"""How large must my training set be? The same training with fewer and with more labelled galaxies.

Each size is trained several times. The seeds draw the galaxies, the weights and the order; the parts stay as the
settings' own seed draws them, so that all runs are judged on the same galaxies, and the test part is that of a single
training with these settings: no run of the study reads it. Of one seed, a smaller set is a part of each larger one,
with the classes in proportion, as in a smaller survey.

Judged is the validation part. Its best epoch was chosen on the same part, which flatters every size a little, and by
about as much. The test part can be judged at the very end, once nothing is to be chosen any more.

Each run is a normal run folder. A study that was broken off finds those that are finished, goes on with one that is
half-way, and may be given more sizes and seeds.
"""

from __future__ import annotations

import contextlib
import json
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
from core.errors import FolderInUse, Problem, SettingsProblem, Stopped, TooFewGalaxies
from core.evaluate import evaluation
from core.events import NEVER, EpochEnded, Event, Preview, Progress, Skipped, Work, map_events, result_of
from core.metrics import merits
from core.project.files import write_atomically
from core.project.runs import SIZE_STUDY_FILE, RunFolder
from core.settings import toml
from core.studies import size_figure, size_study
from core.studies.settings import TrainingSizeSettings
from core.studies.size_study import Point, SizeStudy
from core.train import loop, preparation
from core.train.labels import labelled
from core.train.settings import RunSettings

TABLE, FIGURE = "study.csv", "study.png"
TEST_TABLE, TEST_FIGURE = "study-test.csv", "study-test.png"
_RUNS, _STUDY = "settings.toml", SIZE_STUDY_FILE
_BEGUN = ("running", "stopped")  # reasons of a run that is not finished


@dataclass(frozen=True)
class _Facts:
    """What the dataset says before anything is trained."""

    checksum: str
    largest: int  # galaxies in the whole training part
    fewest: int  # with fewer, a class might be missing
    known: tuple[str, ...]  # figures of merit


@dataclass(frozen=True)
class _Wanted:
    """One run that belongs to the study."""

    size: int
    seed: int
    settings: RunSettings
    folder: RunFolder

    @property
    def epochs(self) -> int:
        """How many there are at most."""
        return self.settings.optimiser.epochs


def run(
    settings: RunSettings, data: Path, folder: Path, study: TrainingSizeSettings, stop: threading.Event = NEVER
) -> Work[SizeStudy]:
    """Train with every size and seed, and say what more labels are worth.

    Yields the progress in epochs, and after each run the study so far as a :class:`~core.events.Preview` of a
    :class:`SizeStudy`. Leaves ``study.csv``, ``study.png``, the settings and the run folders.

    Parameters
    ----------
    settings
        Of the training. Its limit of training galaxies is set by the study.
    data
        The dataset.
    folder
        A new folder, or that of a study of the same settings and dataset, which is gone on with.
    study
        Sizes, seeds and score.
    stop
        When set, the running training is saved, and the study so far is returned.

    Raises
    ------
    FolderInUse
        The folder holds something else, or a study of other settings or data.
    SettingsProblem
        A size or the score is not known.
    Stopped
        No run was finished.
    Problem
        As a training raises it.
    """
    facts = _inspect(settings, data)
    metric = size_study.chosen_metric(study.metric, facts.known)
    sizes = yield from _sizes(study, facts)
    _begin(settings, folder, study)
    wanted = [_wanted(settings, study, folder, size, seed) for seed in range(study.seeds) for size in sizes]
    found = SizeStudy(folder, "validation", metric, (), len(wanted))
    known = _known(folder, metric)
    told: set[str] = set()
    ends = np.cumsum([each.epochs for each in wanted])
    for each, end in zip(wanted, ends, strict=True):
        if not _is_finished(each.folder, facts.checksum):
            known.pop((each.size, each.seed), None)
            yield from _train(each, data, stop, told, int(end) - each.epochs, int(ends[-1]))
            if stop.is_set():
                break
        point = known.get((each.size, each.seed)) or _evaluate(each, data, "validation", metric, stop)
        found = found.with_point(point)
        size_study.write(found, folder / TABLE)
        yield Preview(found)
    if not found.points:
        raise Stopped
    size_figure.save(found, folder / FIGURE)
    if study.judge_test and not found.missing:
        found = replace(found, test=(yield from _evaluate_test(found, wanted, data, stop)))
    return found


def _inspect(settings: RunSettings, data: Path) -> _Facts:
    with Cutouts.open(data) as cutouts:
        target, labels = labelled(cutouts, settings.data)
        unlimited = settings.data.model_copy(update={"train_limit": None})
        split = preparation.parted(cutouts, target, labels, settings.model_copy(update={"data": unlimited}))
        kinds = len(target.names) if isinstance(target, Classes) else 1
        return _Facts(cutouts.checksum, len(split.train), max(4, 2 * kinds), merits.known(target))


def _sizes(study: TrainingSizeSettings, facts: _Facts) -> Work[list[int]]:
    """The sizes as numbers, ascending; those that cannot be are reported and left out."""
    found: set[int] = set()
    for text in study.sizes:
        size = size_of(text, facts.largest)
        if facts.fewest <= size <= facts.largest:
            found.add(size)
            continue
        why = f"there are {facts.largest:,}" if size > facts.largest else f"at least {facts.fewest} are needed"
        yield Skipped(Problem(f"The size {text} is left out: {size:,} training galaxies, and {why}.", "", "sizes"))
    if not found:
        raise TooFewGalaxies("None of the sizes is possible.", f"There are {facts.largest:,} training galaxies.")
    return sorted(found)


def size_of(text: str, largest: int) -> int:
    """A size as the settings have it: ``200``, ``5%`` or ``all``."""
    plain = text.strip().lower().replace(",", "")
    try:
        if plain.endswith("%"):
            share = float(plain[:-1]) / 100
            if 0 < share <= 1:
                return round(share * largest)
        elif plain == "all":
            return largest
        elif int(plain) > 0:
            return int(plain)
    except ValueError:
        pass
    raise SettingsProblem(f"“{text}” is not a size.", "Write a number (200), a share (5%), or all.", "sizes")


def read(folder: Path) -> tuple[RunSettings, TrainingSizeSettings]:
    """The settings that a study was begun with.

    Raises
    ------
    UnreadableFile
        There is no study in this folder.
    """
    return toml.load(RunSettings, folder / _RUNS), toml.load(TrainingSizeSettings, folder / _STUDY)


def opened(folder: Path) -> SizeStudy:
    """A study as it lies in its folder, to be looked at."""
    _, wish = read(folder)
    points, tested = _points(folder / TABLE), _points(folder / TEST_TABLE)
    known = list(points[0].values) if points else [wish.metric, "accuracy"]
    metric, wanted = size_study.chosen_metric(wish.metric, known), max(len(points), len(wish.sizes) * wish.seeds)
    test = SizeStudy(folder, "test", metric, tested, wanted) if tested else None
    return SizeStudy(folder, "validation", metric, points, wanted, test)


def _begin(settings: RunSettings, folder: Path, study: TrainingSizeSettings) -> None:
    """Make the folder, or see that it holds a study of the same settings."""
    of_runs, of_study = folder / _RUNS, folder / _STUDY
    if of_study.exists() and of_runs.exists():
        earlier, before = read(folder)
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
        write_atomically(of_runs, toml.dumps(settings))
    write_atomically(of_study, toml.dumps(study))


def _wanted(settings: RunSettings, study: TrainingSizeSettings, folder: Path, size: int, number: int) -> _Wanted:
    """The settings of one run: so many galaxies, another seed, the same parts, enough steps."""
    parts = settings.seed if settings.data.split_seed is None else settings.data.split_seed
    data = settings.data.model_copy(update={"train_limit": size, "train_draw": "in proportion", "split_seed": parts})
    optimiser, stopping = settings.optimiser, settings.stopping
    steps = math.ceil(size / optimiser.batch_size)
    longer = max(1.0, study.least_steps / (steps * optimiser.epochs))
    update: dict[str, Any] = {
        "data": data,
        "seed": settings.seed + number,
        "optimiser": optimiser.model_copy(update={"epochs": math.ceil(optimiser.epochs * longer)}),
        "stopping": stopping.model_copy(update={"patience": math.ceil(stopping.patience * longer)}),
    }
    name = f"n{size:06d}-seed{settings.seed + number}"
    return _Wanted(size, settings.seed + number, settings.model_copy(update=update), RunFolder(folder / "runs" / name))


def _is_finished(folder: RunFolder, checksum: str) -> bool:
    """Whether the run is there and whole.

    Raises
    ------
    FolderInUse
        It was trained on another dataset.
    """
    if not folder.metrics_file.exists():
        return False
    values = json.loads(folder.metrics_file.read_text(encoding="utf-8"))
    if values["data"]["checksum"] != checksum:
        raise FolderInUse(
            "The study in this folder was made with another dataset.", "Choose another folder.", str(folder.path)
        )
    return values["reason"] not in _BEGUN


def _train(wanted: _Wanted, data: Path, stop: threading.Event, told: set[str], before: int, total: int) -> Work[None]:
    """Train, or go on after the last whole epoch of a training that was broken off; each notice is told once."""
    half_way = (wanted.folder.last / "current").exists()
    if not half_way and wanted.folder.path.exists():  # it had not come to the end of an epoch
        shutil.rmtree(wanted.folder.path)

    def tell(event: Event) -> Iterator[Event]:
        if isinstance(event, EpochEnded):
            yield Progress(before + event.epoch, total, "epochs")
        elif isinstance(event, Skipped) and str(event.problem) not in told:
            told.add(str(event.problem))
            yield event

    yield Progress(before, total, "epochs")
    with contextlib.suppress(Stopped):  # before the first epoch of this run; others may be done
        yield from map_events(loop.run(wanted.settings, data, wanted.folder, stop, resume=half_way), tell)


def _evaluate(wanted: _Wanted, data: Path, part: HeldOutPart, metric: str, stop: threading.Event) -> Point:
    judgement = result_of(evaluation.run(wanted.folder, data, part, stop))
    values = merits.flat(judgement.report)
    values[size_study.error_name(metric)] = judgement.sampling_error(metric, wanted.seed)
    about = json.loads(wanted.folder.metrics_file.read_text(encoding="utf-8"))
    return Point(
        size=about["data"]["galaxies"]["training"],
        seed=wanted.seed,
        run=f"runs/{wanted.folder.name}",
        epochs=about["epochs"],
        best_epoch=about["best_epoch"],
        galaxies=judgement.report.galaxies,
        values=values,
    )


def _evaluate_test(found: SizeStudy, wanted: list[_Wanted], data: Path, stop: threading.Event) -> Work[SizeStudy]:
    """All runs judged on the test part, after the last one was trained."""
    tested = SizeStudy(found.folder, "test", found.metric, (), len(wanted))
    for number, each in enumerate(wanted):
        tested = tested.with_point(_evaluate(each, data, "test", found.metric, stop))
        yield Progress(number + 1, len(wanted), "runs judged")
    size_study.write(tested, found.folder / TEST_TABLE)
    size_figure.save(tested, found.folder / TEST_FIGURE)
    return tested


def _known(folder: Path, metric: str) -> dict[tuple[int, int], Point]:
    """What was judged before, if it was judged by this metric."""
    points = _points(folder / TABLE)
    return {(point.size, point.seed): point for point in points if size_study.error_name(metric) in point.values}


def _points(table: Path) -> tuple[Point, ...]:
    return size_study.read(table) if table.exists() else ()
