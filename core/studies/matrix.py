"""A transfer matrix: networks trained on each of several surveys, judged on each, with and without its labels.

Each survey trains networks of its own, with several seeds. They are judged on the validation part of every survey, as
they are; and after a tuning with a few labels of it, beside networks that were trained with these labels alone. The
parts of each survey are the same in all runs, and the test parts are read by none.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.data.settings import HeldOutPart
from core.errors import NotPossible, Problem, SettingsProblem, Stopped
from core.events import NEVER, Preview, Progress, Skipped, Work
from core.metrics import merits
from core.nets.predictor import Predictor
from core.project.files import file_name, make_folder
from core.project.labels import LabelJournal
from core.project.metrics_file import read_metrics
from core.project.project import journal_of
from core.project.runs import MATRIX_FILE, RunFolder
from core.project.unbegun import study_folder
from core.reading import reading
from core.studies import frozen, judging, matrix_figure, run_list, size_study, transfer_plan, transfer_study
from core.studies.matrix_study import MatrixStudy
from core.studies.point_table import error_name
from core.studies.run_list import PlannedRun
from core.studies.settings import parse_size
from core.studies.strategies import AS_IS, SCRATCH, Strategy, find_strategies, for_longer, with_transfer
from core.studies.transfer_plan import Survey
from core.studies.transfer_settings import NONE, MatrixSettings
from core.studies.transfer_study import Judged, Key, TransferPoint
from core.train.settings import RunSettings

TABLE, FIGURE = "study.csv", "study.png"
TEST_TABLE, TEST_FIGURE = "study-test.csv", "study-test.png"
_FIXED = ("surveys", "strategy", "draw", "epoch", "scratch_epochs")  # settings with which a study has to go on
_SURVEYS = "surveys"  # the folder of their labels and parts


@dataclass(frozen=True, eq=False)
class _Survey:
    """One survey: its name, what is known of it before any training, and the labels given by hand."""

    name: str
    facts: Survey
    hand_labels: LabelJournal | None


@dataclass(frozen=True)
class _Step:
    """One run: a network of a survey (``labels`` 0), one tuned from it, or one from scratch (``start`` None)."""

    start: int | None
    survey: int
    labels: int
    seed: int


def run(settings: RunSettings, folder: Path, study: MatrixSettings, stop: threading.Event = NEVER) -> Work[MatrixStudy]:
    """Train on each survey, tune and judge on each.

    Yields the progress in epochs, and after each point the study so far as a :class:`~core.events.Preview` of a
    :class:`MatrixStudy`. Writes ``study.csv``, ``study.png``, the settings and the run folders.

    Parameters
    ----------
    settings
        Of the trainings; the map of classes in ``transfer`` holds for all surveys.
    folder
        A new folder, or that of a matrix of the same settings, which is resumed.
    study
        Surveys, numbers of labels, seeds and score.
    stop
        When set, the running training is saved, and the study so far is returned.

    Raises
    ------
    FolderInUse
        The folder holds something else, or a study of other settings or data, or another program writes to it.
    SettingsProblem
        There are fewer than two surveys, or there is no such strategy or score.
    Stopped
        No point was finished.
    Problem
        As a training raises it.
    """
    if len(set(study.surveys)) < 2:
        raise SettingsProblem("A transfer matrix needs two surveys or more.", "Name their datasets.", "surveys")
    settings = with_transfer(settings, start_from="", freeze_blocks=0)
    with study_folder(folder):
        return (yield from _run(settings, folder, study, stop))


def _run(settings: RunSettings, folder: Path, study: MatrixSettings, stop: threading.Event) -> Work[MatrixStudy]:
    numbers = _parse_labels(study)
    run_list.prepare_folder(settings, folder, study, MATRIX_FILE, _FIXED)
    surveys = [_open_survey(settings, folder, name, Path(path)) for name, path in _named(study)]
    metric = size_study.choose_metric(study.metric, merits.names_for(surveys[0].facts.target))
    steps = yield from _plan(surveys, study, numbers)
    count = len(surveys)
    wanted = sum(count if not step.labels else 1 for step in steps)
    known = transfer_study.read_table(folder / TABLE, "validation", metric)
    found = MatrixStudy(folder, Judged("validation", metric), wanted, tuple(each.name for each in surveys))
    reported, epochs = set[str](), settings.optimiser.epochs
    impossible: set[tuple[str, str]] = set()
    for number, step in enumerate(steps):
        planned = _plan_run(step, surveys, study, folder)
        if planned is None:  # from a network that does not fit the survey
            continue
        survey = surveys[step.survey]
        is_new = not run_list.is_finished(planned.folder, survey.facts.checksums)
        if is_new:
            run_list.require_dataset(planned.data, survey.facts.checksums)
            try:
                yield from run_list.train(
                    planned, survey.hand_labels, reported, number * epochs, len(steps) * epochs, stop
                )
            except NotPossible as problem:  # its bands or stamps do not fit
                yield Skipped(problem, is_failure=True)
                continue
        if stop.is_set():
            break
        for judged_on in range(count) if not step.labels else (step.survey,):
            key = _key(step, surveys, study, judged_on)
            earlier = None if is_new else _find(known, key, metric)
            try:
                point, samples = earlier or _judge(step, planned, surveys, judged_on, key, metric, "validation", stop)
            except Stopped:
                break
            except NotPossible as problem:
                if (pair := (key[1], key[2])) not in impossible:
                    impossible.add(pair)
                    yield Skipped(problem, is_failure=True)
                continue
            found = found.with_point(point, samples)
            transfer_study.write_table(found.judged, folder / TABLE)
            yield Preview(found)
        if stop.is_set():
            break
    if not found.points:
        raise Stopped
    matrix_figure.save(found, folder / FIGURE)
    if study.judge_test and not stop.is_set():
        with contextlib.suppress(Stopped):  # what was trained is kept
            found = replace(found, test=(yield from _judge_test(found, steps, surveys, study, stop)))
    return found


def _parse_labels(study: MatrixSettings) -> list[int]:
    texts = [text.strip() for text in study.labels if text.strip() != NONE]
    if any(text.endswith("%") or text.lower() == "all" for text in texts):
        raise SettingsProblem(
            "Surveys of a matrix get equal numbers of labels.", "Write numbers, such as 50.", "labels"
        )
    return sorted({parse_size(text, 1) for text in texts})


def _named(study: MatrixSettings) -> Iterator[tuple[str, str]]:
    """Each survey with a name of its own: that of its file, with a number where two have the same."""
    used: list[str] = []
    for path in study.surveys:
        stem = Path(path).stem
        used.append(stem)
        yield (stem if used.count(stem) == 1 else f"{stem} ({used.count(stem)})"), path


def _open_survey(settings: RunSettings, folder: Path, name: str, data: Path) -> _Survey:
    place = folder / _SURVEYS / file_name(name)
    make_folder(place)
    labels = frozen.freeze(place, data, settings, frozen.labels_of(place, journal_of(data)))
    return _Survey(name, transfer_plan.inspect(settings, data, labels), labels)


def _plan(surveys: list[_Survey], study: MatrixSettings, numbers: list[int]) -> Work[list[_Step]]:
    """Plan the runs, one seed after the other, networks of the surveys first; impossible numbers are told."""
    steps: list[_Step] = []
    first = surveys[0].facts.settings.seed
    for seed in range(first, first + study.seeds):
        steps += [_Step(None, survey, 0, seed) for survey in range(len(surveys))]
        for labels in numbers:
            for place, survey in enumerate(surveys):
                if lack := _find_lack(survey, study, labels, seed):
                    sentence = f"{survey.name}: {labels} labels are left out for seed {seed}: {lack}."
                    yield Skipped(Problem(sentence, "", "labels"))
                    continue
                others = [other for other in range(len(surveys)) if other != place]
                steps += [_Step(start, place, labels, seed) for start in (None, *others)]
    return steps


def _find_lack(survey: _Survey, study: MatrixSettings, labels: int, seed: int) -> str:
    facts = survey.facts
    if labels > len(facts.split.train):
        return f"there are {len(facts.split.train):,}"
    settings = transfer_plan.plan_run(facts, study.draw, study.epoch, labels, seed)
    with Cutouts.open(facts.data) as cutouts:
        return transfer_plan.find_lack(cutouts, facts, settings, labels, survey.hand_labels)


def _plan_run(step: _Step, surveys: list[_Survey], study: MatrixSettings, folder: Path) -> PlannedRun | None:
    """The run of a step; None: the network from which it would start could not be trained."""
    survey = surveys[step.survey]
    name = file_name(survey.name)
    if not step.labels:
        settings = transfer_plan.plan_run(
            survey.facts, study.draw, study.epoch, len(survey.facts.split.train), step.seed
        )
        return PlannedRun(settings, _base(folder, survey, step.seed), survey.facts.data)
    common = transfer_plan.plan_run(survey.facts, study.draw, study.epoch, step.labels, step.seed)
    end = f"n{step.labels:06d}-seed{step.seed}"
    if step.start is None:
        settings = for_longer(SCRATCH.change(common), study.scratch_epochs)
        return PlannedRun(settings, RunFolder(folder / "runs" / f"scratch-{name}-{end}"), survey.facts.data)
    start = surveys[step.start]
    base = _base(folder, start, step.seed)
    if not base.best.exists():
        return None
    strategy = _strategy(study, base)
    settings = strategy.change(with_transfer(common, start_from=str(base.path.resolve())))
    run = RunFolder(folder / "runs" / f"{file_name(start.name)}-to-{name}-{end}")
    return PlannedRun(settings, run, survey.facts.data)


def _base(folder: Path, survey: _Survey, seed: int) -> RunFolder:
    return RunFolder(folder / "runs" / f"{file_name(survey.name)}-seed{seed}")


def _strategy(study: MatrixSettings, base: RunFolder) -> Strategy:
    (found,) = find_strategies((study.strategy,), len(Predictor.load(base.best).network.blocks))
    return found


def _key(step: _Step, surveys: list[_Survey], study: MatrixSettings, judged_on: int) -> Key:
    if not step.labels:
        return AS_IS.name, surveys[step.survey].name, surveys[judged_on].name, 0, step.seed
    if step.start is None:
        return SCRATCH.name, "", surveys[judged_on].name, step.labels, step.seed
    return study.strategy, surveys[step.start].name, surveys[judged_on].name, step.labels, step.seed


def _find(known: Judged, key: Key, metric: str) -> tuple[TransferPoint, NDArray[np.float64]] | None:
    point = next((each for each in known.points if each.key == key), None)
    if point is None or key not in known.samples or error_name(metric) not in point.values:
        return None
    return point, known.samples[key]


def _judge(
    step: _Step,
    planned: PlannedRun,
    surveys: list[_Survey],
    judged_on: int,
    key: Key,
    metric: str,
    part: HeldOutPart,
    stop: threading.Event,
) -> tuple[TransferPoint, NDArray[np.float64]]:
    facts = surveys[judged_on].facts
    judged = judging.part_of_new(facts.data, part, facts.target, facts.labels, facts.split)
    links = None
    if judged_on != step.survey:
        network = Predictor.load(planned.folder.best)
        links = judging.links_to_new(network, facts.target, planned.settings.transfer.class_map)
    found = judging.judge(planned.folder.best, judged, metric, links, stop=stop)
    about = read_metrics(planned.folder.metrics_file)
    galaxies: dict[str, Any] = about["data"]["galaxies"]
    strategy, start, survey, labels, seed = key
    point = TransferPoint(
        strategy=strategy,
        labels=labels,
        seed=seed,
        start=start,
        survey=survey,
        tuned=-1,
        run=f"runs/{planned.folder.name}",
        epochs=about["epochs"],
        best_epoch=about["best_epoch"],
        chosen_by=galaxies["validation"] if planned.settings.stopping.keep == "best" else 0,
        galaxies=found.galaxies,
        values={**found.values, error_name(metric): found.error},
    )
    return point, found.samples


def _judge_test(
    found: MatrixStudy, steps: list[_Step], surveys: list[_Survey], study: MatrixSettings, stop: threading.Event
) -> Work[Judged]:
    """Judge all networks on the test parts, after the last one was trained."""
    tested = Judged("test", found.metric)
    keys = {point.key for point in found.points}
    for number, step in enumerate(steps, 1):
        planned = _plan_run(step, surveys, study, found.folder)
        for judged_on in range(len(surveys)) if not step.labels else (step.survey,):
            key = _key(step, surveys, study, judged_on)
            if planned is not None and key in keys:
                judged = _judge(step, planned, surveys, judged_on, key, found.metric, "test", stop)
                tested = tested.with_point(*judged)
        yield Progress(number, len(steps), "networks judged")
    transfer_study.write_table(tested, found.folder / TEST_TABLE)
    matrix_figure.save(replace(found, judged=tested), found.folder / TEST_FIGURE)
    return tested


def read_settings(folder: Path) -> tuple[RunSettings, MatrixSettings]:
    """Read the settings that a study was started with.

    Raises
    ------
    UnreadableFile
        There is no study in this folder.
    """
    return run_list.read_settings(folder, MATRIX_FILE, MatrixSettings)


def open_study(folder: Path) -> MatrixStudy:
    """Open the study in a folder, read-only."""
    with reading("This study", folder, "Restore its files, or remove its folder."):
        _, study = read_settings(folder)
        metric = transfer_study.metric_of(folder / TABLE, study.metric)
        judged = transfer_study.read_table(folder / TABLE, "validation", metric)
        tested = transfer_study.read_table(folder / TEST_TABLE, "test", metric)
        names = tuple(name for name, _ in _named(study))
        return MatrixStudy(folder, judged, len(judged.points), names, tested if tested.points else None)
