"""The hyperparameter search, first coarse and then fine.

The coarse search tries wide ranges in short runs, and prunes bad ones. The fine search tries narrow ranges around the
best coarse trials in long runs, beginning with the best coarse values themselves. All trials have the same split, the
same seed and the same validation galaxies, so that they differ by their settings alone; none of them reads the test
part. Each is a normal run folder.

The folder's journal (``journal.py``) stores the trials. Any number of processes may take part, on any number of
machines that share the folder: one runs the search, the others are its workers. An interrupted search can be resumed,
also with more trials.

References
----------
Bergstra & Bengio 2012 (random search); Bergstra et al. 2011 (TPE); Li et al. 2018 (Hyperband); Akiba et al. 2019
(Optuna); Hutter et al. 2014 (fANOVA).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data.cutouts import Cutouts
from core.errors import DatasetReplaced, FolderInUse, Problem
from core.evaluate import evaluation
from core.events import NEVER, Preview, Progress, Work, result_of
from core.metrics import merits
from core.project.files import write_atomically
from core.project.labels import LabelJournal
from core.project.runs import SEARCH_FILE, RunFolder
from core.project.unbegun import study_folder
from core.reading import read_text, reading
from core.settings import toml
from core.studies import frozen, search_figure, trials
from core.studies import search_space as spaces
from core.studies.journal import STAGES, Journal
from core.studies.settings import SearchSettings
from core.studies.trial import run_trial
from core.studies.trials import Search, SearchStage
from core.studies.workers import Crew
from core.train.settings import RunSettings

TABLE, BEST, FIGURE = "trials.csv", "best.toml", "search.png"
_SETTINGS, _SEARCH, _DATA = "settings.toml", SEARCH_FILE, "data.checksum"
_MAY_CHANGE = {"coarse", "fine", "workers"}
_REMEDY = "Restore its files, or remove its folder."
_POLL = 1.0  # seconds


def run(
    settings: RunSettings,
    data: Path,
    folder: Path,
    search: SearchSettings,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[Search]:
    """Search, first coarsely and then finely.

    Yields the progress in trials, and after each the search so far as a :class:`~core.events.Preview` of a
    :class:`~core.studies.trials.Search`. Writes ``trials.csv``, ``best.toml`` (settings for a training),
    ``search.png``, the journal and the run folders.

    Parameters
    ----------
    settings
        The settings that the trials share. The number of epochs is that of the stage.
    data
        The dataset.
    folder
        A new folder, or that of a search with the same settings and dataset, which is resumed.
    search
        Ranges, numbers of trials and epochs, and number of processes.
    stop
        When set, running trials are interrupted, to be repeated later; the search so far is returned.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none. The search keeps those
        with which it begins.

    Raises
    ------
    FolderInUse
        The folder holds something else, or a search with other settings or data, or another program writes to it.
    SettingsProblem
        A setting is unknown or its range impossible.
    Problem
        No trial could be trained, or all workers have failed.
    """
    with study_folder(folder):
        return (yield from _run(settings, data, folder, search, stop, hand_labels))


def _run(
    settings: RunSettings,
    data: Path,
    folder: Path,
    search: SearchSettings,
    stop: threading.Event,
    hand_labels: LabelJournal | None,
) -> Work[Search]:
    wide = spaces.parse_space(search.space, settings)
    _prepare_folder(settings, data, folder, search, hand_labels)
    hand_labels = frozen.labels_of(folder, hand_labels)
    journal = _open_journal(folder, settings, search)
    journal.requeue_abandoned()
    with Crew(data, folder, search.workers, hand_labels) if search.workers > 1 else contextlib.nullcontext() as crew:
        for stage in STAGES:
            if _trial_count(search, stage) and not stop.is_set():
                _begin_stage(journal, stage, wide)
                yield from _run_stage(stage, journal, data, hand_labels, crew, stop)
    journal.requeue_abandoned()
    return _conclude(journal, data, hand_labels)


def _run_stage(
    stage: SearchStage,
    journal: Journal,
    data: Path,
    hand_labels: LabelJournal | None,
    crew: Crew | None,
    stop: threading.Event,
) -> Work[None]:
    """Run the trials of a stage, or wait for the workers to run them, until all are done."""
    while journal.missing(stage) and not stop.is_set():
        _require_dataset(journal.folder, data)
        trial = journal.ask(stage) if crew is None else None
        if trial is not None:
            yield from run_trial(trial, stage, journal, data, stop, hand_labels)
        else:
            stop.wait(_POLL)
            journal.requeue_abandoned()
            if crew is not None and not crew.is_at_work and journal.missing(stage):
                raise crew.problem
        yield from _report_progress(journal)


def run_worker(
    data: Path, folder: Path, worker: int, stop: threading.Event = NEVER, *, hand_labels: LabelJournal | None = None
) -> Work[int]:
    """Work on a search that another process runs, until it is over; returns the number of trials done here.

    Parameters
    ----------
    data
        The dataset.
    folder
        The search's, which the machines share.
    worker
        A number that no other worker has, not 0.
    stop
        When set, the running trial is interrupted and queued again.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.
    """
    hand_labels = frozen.labels_of(folder, hand_labels)
    journal, done = _open_journal(folder, *read_settings(folder), worker), 0
    while not stop.is_set():
        stage: SearchStage | None = next((each for each in STAGES if journal.has(each) and journal.missing(each)), None)
        _require_dataset(folder, data)
        trial = journal.ask(stage) if stage is not None else None
        if stage is not None and trial is not None:
            yield from run_trial(trial, stage, journal, data, stop, hand_labels)
            done += 1
            yield Progress(done, None, "trials")
        elif stage is None and journal.has("fine" if journal.search.fine else "coarse"):
            break
        else:
            stop.wait(_POLL)
    return done


def _prepare_folder(
    settings: RunSettings, data: Path, folder: Path, search: SearchSettings, hand_labels: LabelJournal | None
) -> None:
    """Create the folder, or require that it holds a search with the same settings and data."""
    if (folder / _SEARCH).exists():
        earlier, before = read_settings(folder)
        changed = [name for name, _, _ in toml.differences(earlier, settings)]
        changed += [name for name, _, _ in toml.differences(before, search) if name not in _MAY_CHANGE]
        if changed:
            raise FolderInUse(
                f"The search in this folder was begun with other settings: {', '.join(changed)}.",
                "Choose another folder, or the same settings.",
                str(folder),
            )
        if not was_made_with(folder, data):
            raise FolderInUse(
                "The search in this folder was made with another dataset.", "Choose another folder.", str(folder)
            )
    else:
        with Cutouts.open(data) as cutouts:
            checksum = cutouts.checksum
        RunFolder.create(folder)
        write_atomically(folder / _SETTINGS, toml.dumps(settings.with_paths_for(folder)))
        write_atomically(folder / _DATA, checksum + "\n")
    with contextlib.suppress(Problem):  # which the trials raise, too
        frozen.freeze(folder, data, settings, hand_labels)
    write_atomically(folder / _SEARCH, toml.dumps(search))  # the last: with it, the search has begun


def _open_journal(folder: Path, settings: RunSettings, search: SearchSettings, worker: int = 0) -> Journal:
    """Open the journal of a search that goes on, and make sure that all of it can be read."""
    with reading("The journal of this search", folder, _REMEDY):
        journal = Journal(folder, settings, search, worker)
        for stage in filter(journal.has, STAGES):
            _ = journal.space(stage), journal.wanted(stage), journal.epochs(stage)
        _ = journal.trials()
        return journal


def read_settings(folder: Path) -> tuple[RunSettings, SearchSettings]:
    """Read the settings that a search was started with.

    Raises
    ------
    UnreadableFile
        There is no search in this folder.
    """
    return toml.load(RunSettings, folder / _SETTINGS), toml.load(SearchSettings, folder / _SEARCH)


def _begin_stage(journal: Journal, stage: SearchStage, wide: spaces.Space) -> None:
    search = journal.search
    if journal.has(stage):
        space = journal.space(stage)
    elif stage == "fine" and journal.has("coarse"):
        space = spaces.narrow_space(journal.space("coarse"), _best_coarse_values(journal))
    else:
        space = wide
    wanted, first = _trial_count(search, stage), list[Mapping[str, Any]]()
    if stage == "coarse" and search.method == "grid":
        whole = list(spaces.grid(space, search.grid_points))
        order = np.random.default_rng(journal.base.seed).permutation(len(whole))
        first = [whole[place] for place in order[:wanted]]
        wanted = len(first)
    elif stage == "fine" and journal.has("coarse") and not journal.has("fine"):
        first = _best_coarse_values(journal)[:1]
    journal.begin(stage, space, wanted, first)


def _trial_count(search: SearchSettings, stage: SearchStage) -> int:
    return search.coarse if stage == "coarse" else search.fine


def _best_coarse_values(journal: Journal) -> list[Mapping[str, Any]]:
    """Values of the best finished coarse trials, the best first."""
    done = tuple(each for each in journal.trials() if each.stage == "coarse" and each.state == "finished")
    if not done:
        reasons = [each.reason for each in journal.trials() if each.reason]
        raise Problem(
            "No coarse trial has come to its end.",
            reasons[0] if reasons else "Ask for more trials, or more epochs.",
            str(journal.folder),
        )
    ranked = trials.rank(done, journal.search.objective)
    return [each.values for each in ranked[: spaces.best_count(len(ranked))]]


def current_search(journal: Journal) -> Search:
    """The search so far, from its journal."""
    begun: list[SearchStage] = [stage for stage in STAGES if journal.has(stage)]
    return Search(
        folder=journal.folder,
        base=journal.base,
        objective=journal.search.objective,
        spaces={stage: journal.space(stage) for stage in begun},
        wanted={stage: journal.wanted(stage) or _trial_count(journal.search, stage) for stage in STAGES},
        epochs={stage: journal.epochs(stage) for stage in begun},
        trials=journal.trials(),
        importance=journal.importance(),
    )


def open_search(folder: Path) -> Search:
    """Open the search in a folder, read-only."""
    with reading("This search", folder, _REMEDY):
        return current_search(Journal(folder, *read_settings(folder)))


def with_sampling_error(found: Search, data: Path, hand_labels: LabelJournal | None = None) -> Search:
    """Add the error of the best score, from a bootstrap over the validation galaxies.

    There is none for a loss.
    """
    if found.best is None or found.objective != "score":
        return found
    evaluated = result_of(
        evaluation.run(RunFolder(found.folder / found.best.run), data, "validation", hand_labels=hand_labels)
    )
    known = merits.flatten(evaluated.report)
    metric = "balanced_accuracy" if "balanced_accuracy" in known else "r2"
    return replace(found, noise=evaluated.sampling_error(metric, found.base.seed))


def was_made_with(folder: Path, data: Path) -> bool:
    """Whether a search was made with this dataset."""
    with Cutouts.open(data) as cutouts, reading("The fingerprint of the search's dataset", folder / _DATA, _REMEDY):
        return cutouts.is_known_as(read_text(folder / _DATA).strip())


def _require_dataset(folder: Path, data: Path) -> None:
    """Require that the file still holds the dataset with which the search began, so that all its trials are alike."""
    if not was_made_with(folder, data):
        raise DatasetReplaced.of(data)


def _report_progress(journal: Journal) -> Work[None]:
    found = current_search(journal)
    total = sum(found.wanted.values())
    trials.write_table(found, journal.folder / TABLE)
    yield Progress(total - found.missing, total, "trials")
    yield Preview(found)


def _conclude(journal: Journal, data: Path, hand_labels: LabelJournal | None) -> Search:
    found = current_search(journal)
    trials.write_table(found, journal.folder / TABLE)
    if found.best is None or found.settings is None:
        return found
    found = with_sampling_error(found, data, hand_labels)
    write_atomically(journal.folder / BEST, toml.dumps((found.settings or journal.base).with_paths_for(journal.folder)))
    search_figure.save(found, journal.folder / FIGURE)
    return found
