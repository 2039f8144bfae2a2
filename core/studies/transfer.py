"""How many labels does a network need on another survey? The same move with fewer and more labels, and several ways.

Each strategy is tried with each number of labels and several seeds. One seed draws the same galaxies for all
strategies, and for one seed a smaller set is a subset of each larger one. All networks are judged on the same
validation galaxies, the network as it is among them; the test part is judged at the very end, after every choice, and
only where that is asked for. Those that started from a network are judged on its own survey, too: what was forgotten.

All strategies make equally many steps with equally many labels: an epoch of few galaxies shows them repeatedly. By
default every run keeps its last weights, and no galaxy beyond the labels counted has a say in it.

References
----------
Domínguez Sánchez et al. 2019, MNRAS 484, 93; Tuccillo et al. 2018, MNRAS 475, 894 (simulations).
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.settings import HeldOutPart
from core.data.target import outputs
from core.errors import NotANumber, NotPossible, Problem, SettingsProblem, Stopped, TooFewGalaxies
from core.events import NEVER, Preview, Progress, Skipped, Work
from core.metrics import merits
from core.project.labels import LabelJournal
from core.project.metrics_file import read_metrics
from core.project.runs import TRANSFER_FILE
from core.project.unbegun import study_folder
from core.reading import reading
from core.studies import frozen, judging, run_list, size_study, transfer_figure, transfer_study, without_labels
from core.studies.judging import JudgedPart, Judgement, Links
from core.studies.point_table import error_name
from core.studies.run_list import PlannedRun
from core.studies.strategies import ADABN, Strategy, find_strategies
from core.studies.transfer_plan import Move, PlannedPoint, inspect_move, plan_points, possible_numbers
from core.studies.transfer_settings import TransferStudySettings
from core.studies.transfer_study import SOURCE, Judged, Key, TransferPoint, TransferStudy
from core.studies.workers import Crew
from core.train.settings import RunSettings

TABLE, FIGURE = "study.csv", "study.png"
TEST_TABLE, TEST_FIGURE = "study-test.csv", "study-test.png"
_WORKER = ("study", "transfer")  # the command of a worker, whatever the question
_POLL = 1.0  # seconds
_FIXED = ("draw", "epoch", "scratch_epochs", "percent_of", "source")  # settings with which a study has to go on


@dataclass(frozen=True, eq=False)
class _Jury:
    """The galaxies on which networks are judged, and how their answers are translated.

    ``to_new`` and ``within_old`` are for the network as it is, on either survey, ``to_old`` is for the tuned ones.
    """

    new: JudgedPart
    old: JudgedPart | None
    to_new: Links | None
    to_old: Links
    within_old: Links


def run(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study: TransferStudySettings,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[TransferStudy]:
    """Train with every strategy, number of labels and seed, and estimate how many labels the move saves.

    Yields the progress in epochs, and after each point the study so far as a :class:`~core.events.Preview` of a
    :class:`TransferStudy`. Writes ``study.csv``, ``study.png``, the settings and the run folders.

    Parameters
    ----------
    settings
        Of the trainings; ``transfer.start_from`` is the network, with the bands and classes that feed it.
    data
        The new survey.
    folder
        A new folder, or that of a study of the same settings and dataset, which is resumed.
    study
        Numbers of labels, strategies, seeds and score.
    stop
        When set, the running training is saved, and the study so far is returned.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    FolderInUse
        The folder holds something else, or a study of other settings or data, or another program writes to it.
    SettingsProblem
        No network is named, or there is no such strategy or score.
    Stopped
        No point was finished.
    Problem
        As a training raises it.
    """
    if not settings.transfer.start_from:
        raise SettingsProblem(
            "The study of a move needs a network to start from.",
            "Choose a run or a weights file.",
            "transfer.start_from",
        )
    settings = settings.with_whole_paths()
    with study_folder(folder):
        return (yield from _run(settings, data, folder, study, stop, hand_labels))


def _run(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study: TransferStudySettings,
    stop: threading.Event,
    hand_labels: LabelJournal | None,
) -> Work[TransferStudy]:
    move = inspect_move(settings, data, frozen.labels_of(folder, hand_labels))
    metric = size_study.choose_metric(study.metric, merits.names_for(move.target))
    strategies = find_strategies(study.strategies, move.blocks)
    numbers = yield from possible_numbers(study, move)
    run_list.prepare_folder(settings, folder, study, TRANSFER_FILE, _FIXED)
    hand_labels = frozen.freeze(folder, data, settings, hand_labels)
    jury = yield from _call_jury(move, study, strategies, "validation")
    wanted: list[PlannedPoint] = []
    if 0 in numbers and jury.to_new is not None:
        wanted = yield from without_labels.plan_points(move, study, folder, strategies)
    wanted += yield from plan_points(move, study, folder, strategies, numbers, hand_labels)
    if not wanted:
        raise TooFewGalaxies("None of the numbers of labels is possible.", f"There are {len(move.split.train):,}.")
    found = TransferStudy(folder, study.question, Judged("validation", metric), len(wanted))
    with Crew(data, folder, study.workers, None, _WORKER) if study.workers > 1 else contextlib.nullcontext() as crew:
        found = yield from _train_and_judge(found, wanted, move, jury, crew, hand_labels, stop)
    if not found.points:
        raise Stopped
    transfer_figure.save(found, folder / FIGURE)
    if study.judge_test and not found.missing and not stop.is_set():
        with contextlib.suppress(Stopped):  # what was trained is kept
            found = replace(found, test=(yield from _judge_test(found, wanted, move, study, stop)))
    return found


def _train_and_judge(
    found: TransferStudy,
    wanted: list[PlannedPoint],
    move: Move,
    jury: _Jury,
    crew: Crew | None,
    hand_labels: LabelJournal | None,
    stop: threading.Event,
) -> Work[TransferStudy]:
    """Train what is not trained, or wait for the workers to do so, and judge it.

    The table keeps what was judged earlier, also of numbers and strategies that are not wanted this time.
    """
    known = transfer_study.read_table(found.folder / TABLE, "validation", found.metric)
    table = known.with_metric_only()
    reported: set[str] = set()
    ends = np.cumsum([each.epochs for each in wanted])
    for each, end in zip(wanted, ends, strict=True):
        earlier = _find(known, _key(each, move), found.metric)
        try:
            if each.run is not None and not _is_finished(each, move):
                earlier = None
                run_list.require_dataset(move.data, move.checksums)
                if crew is not None and each.old is None:
                    yield from _wait_for(each.run, wanted, crew, move, stop)
                if not _is_finished(each, move) and not stop.is_set():
                    labels = hand_labels if each.old is None else each.old.hand_labels
                    before, total = int(end) - each.epochs, int(ends[-1])
                    yield from run_list.train(each.run, labels, reported, before, total, stop)
            if stop.is_set():
                break
            judged = earlier or _judge(each, move, jury, found.folder, found.metric, stop)
            found, table = found.with_point(*judged), table.with_point(*judged)
        except Stopped:  # while it was judged, which the next time begins with
            break
        except (NotANumber, NotPossible, TooFewGalaxies) as problem:  # befalls this strategy or number, and not others
            if str(problem) not in reported:
                reported.add(str(problem))
                yield Skipped(problem, is_failure=True)
            continue
        transfer_study.write_table(table, found.folder / TABLE)
        yield Preview(found)
    return found


def _is_finished(planned: PlannedPoint, move: Move) -> bool:
    checksums = move.checksums if planned.old is None else planned.old.checksums
    return planned.run is not None and run_list.is_finished(planned.run.folder, checksums)


def _wait_for(run: PlannedRun, wanted: list[PlannedPoint], crew: Crew, move: Move, stop: threading.Event) -> Work[None]:
    """Wait until the workers have finished a run, or have all ended; the progress is that of all runs."""
    runs = [each.run for each in wanted if each.run is not None and each.old is None]
    while crew.is_at_work and not stop.is_set() and not run_list.is_finished(run.folder, move.checksums):
        stop.wait(_POLL)
        done = sum(int(read_metrics(each.folder.metrics_file).get("epochs", 0)) for each in runs)
        yield Progress(done, sum(each.epochs for each in runs), "epochs")


def run_worker(data: Path, folder: Path, number: int, stop: threading.Event = NEVER) -> Work[int]:
    """Train a worker's share of a study that another process runs and judges; returns the number of its runs.

    Parameters
    ----------
    data
        The new survey.
    folder
        The study's, with the labels and parts with which it began.
    number
        Of the worker, from 1; it trains one of as many runs as there are workers.
    stop
        When set, the running training is saved, and the worker ends.
    """
    settings, study = read_settings(folder)
    hand_labels = frozen.labels_of(folder, None)
    move = inspect_move(settings, data, hand_labels)
    strategies = find_strategies(study.strategies, move.blocks)
    numbers = yield from possible_numbers(study, move)
    wanted = yield from plan_points(move, study, folder, strategies, numbers, hand_labels)
    runs = [each.run for each in wanted if each.run is not None]
    mine = runs[number - 1 :: study.workers]
    reported: set[str] = set()
    for place, run in enumerate(mine):
        if stop.is_set():
            break
        if not run_list.is_finished(run.folder, move.checksums):
            with contextlib.suppress(NotANumber):  # the process that judges it tells
                yield from run_list.train(run, hand_labels, reported, place * run.epochs, len(mine) * run.epochs, stop)
    return len(mine)


def _call_jury(move: Move, study: TransferStudySettings, strategies: list[Strategy], part: HeldOutPart) -> Work[_Jury]:
    """The galaxies of a part of both surveys; says so where one of them cannot be judged."""
    class_map = move.settings.transfer.class_map
    new = judging.part_of_new(move.data, part, move.target, move.labels, move.split)
    to_new: Links | None = None
    if any(each.labels_of != "new" for each in strategies):
        try:
            to_new = judging.links_to_new(move.base, move.target, class_map)
            if unknown := [name for name in outputs(move.target) if name not in {name for _, name in to_new}]:
                yield Skipped(Problem(f"As is, the network does not know {', '.join(unknown)}: these count as missed."))
        except NotPossible as problem:
            yield Skipped(problem)
    old: JudgedPart | None = None
    links: Links = {}
    if study.judge_source:
        try:
            links = judging.links_to_old(move.base.target, move.target, class_map)
            source = Path(study.source).expanduser() if study.source else None
            old = judging.part_of_old(move.network, move.base, source, part, {name for _, name in links})
        except NotPossible as problem:
            yield Skipped(problem)
    return _Jury(new, old, to_new, links, {(name, name): 1.0 for _, name in links})


def _key(planned: PlannedPoint, move: Move) -> Key:
    starts_afresh = planned.strategy.tuned is None and planned.strategy.labels_of == "new"
    start = "" if starts_afresh else move.start
    return planned.strategy.name, start, move.data.stem, planned.labels, planned.seed


def _find(known: Judged, key: Key, metric: str) -> tuple[TransferPoint, NDArray[np.float64]] | None:
    """The point as it was judged earlier with this metric; None: it was not. The network as it is, is judged anew."""
    point = next((each for each in known.points if each.key == key and each.run), None)
    if point is None or key not in known.samples or error_name(metric) not in point.values:
        return None
    return point, known.samples[key]


def _judge(
    planned: PlannedPoint, move: Move, jury: _Jury, folder: Path, metric: str, stop: threading.Event
) -> tuple[TransferPoint, NDArray[np.float64]]:
    bands = move.settings.transfer.bands
    about: dict[str, Any] = {}
    network, old = move.network, None
    if planned.run is not None:
        network, about = planned.run.folder.best, read_metrics(planned.run.folder.metrics_file)
    elif planned.strategy is ADABN:
        network = without_labels.adapt_statistics(move, folder, stop)
    if planned.strategy.labels_of == "new":
        found, within_old = judging.judge(network, jury.new, metric, stop=stop), jury.to_old
        is_of_old = planned.strategy.tuned is not None
    else:
        found, within_old = judging.judge(network, jury.new, metric, jury.to_new, bands, stop), jury.within_old
        is_of_old = planned.old is None or planned.old.shares_parts
    if jury.old is not None and is_of_old:
        old = judging.judge(network, jury.old, metric, within_old, stop=stop)
    strategy, start, survey, labels, seed = _key(planned, move)
    chooses = planned.run is not None and planned.run.settings.stopping.keep == "best"
    point = TransferPoint(
        strategy=strategy,
        labels=labels,
        seed=seed,
        start=start,
        survey=survey,
        tuned=-1 if planned.strategy.tuned is None else planned.strategy.tuned,
        run="" if planned.run is None else f"runs/{planned.run.folder.name}",
        epochs=about.get("epochs", 0),
        best_epoch=about.get("best_epoch", 0),
        chosen_by=about["data"]["galaxies"]["validation"] if chooses else 0,
        galaxies=found.galaxies,
        values=_values(found, old, metric),
    )
    return point, found.samples


def _values(found: Judgement, old: Judgement | None, metric: str) -> dict[str, float]:
    values = {**found.values, error_name(metric): found.error}
    if old is not None:
        of_old = {**old.values, error_name(metric): old.error, "galaxies": float(old.galaxies)}
        values |= {f"{SOURCE}{name}": value for name, value in of_old.items()}
    return values


def _judge_test(
    found: TransferStudy, wanted: list[PlannedPoint], move: Move, study: TransferStudySettings, stop: threading.Event
) -> Work[Judged]:
    """Judge all networks on the test part, after the last one was trained; the table keeps what was judged earlier."""
    jury = yield from _call_jury(move, study, find_strategies(study.strategies, move.blocks), "test")
    known = transfer_study.read_table(found.folder / TEST_TABLE, "test", found.metric)
    table, tested = known.with_metric_only(), Judged("test", found.metric)
    for number, each in enumerate(wanted, 1):
        earlier = _find(known, _key(each, move), found.metric)
        judged = earlier or _judge(each, move, jury, found.folder, found.metric, stop)
        table, tested = table.with_point(*judged), tested.with_point(*judged)
        yield Progress(number, len(wanted), "networks judged")
    transfer_study.write_table(table, found.folder / TEST_TABLE)
    transfer_figure.save(replace(found, judged=tested), found.folder / TEST_FIGURE)
    return tested


def read_settings(folder: Path) -> tuple[RunSettings, TransferStudySettings]:
    """Read the settings that a study was started with.

    Raises
    ------
    UnreadableFile
        There is no study in this folder.
    """
    return run_list.read_settings(folder, TRANSFER_FILE, TransferStudySettings)


def open_study(folder: Path) -> TransferStudy:
    """Open the study in a folder, read-only."""
    with reading("This study", folder, "Restore its files, or remove its folder."):
        _, study = read_settings(folder)
        metric = transfer_study.metric_of(folder / TABLE, study.metric)
        judged = transfer_study.read_table(folder / TABLE, "validation", metric)
        tested = transfer_study.read_table(folder / TEST_TABLE, "test", metric)
        return TransferStudy(folder, study.question, judged, len(judged.points), tested if tested.points else None)
