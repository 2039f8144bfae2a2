"""The storage of a search, shared by any number of processes and machines: Optuna's journal in the study's folder.

The journal is a text file with a line of JSON for each event; nothing in it is executed when it is read. Lines are only
ever appended, under a lock file that is created exclusively, which works on NFS 3 and later, where the locks of SQLite
do not. A lock whose owner has died is taken over after half a minute.

A trial belongs to the process that trains it. If that process has died, the trial counts as failed, and its values are
tried again. On this machine that is known from the process number; a trial on another machine is abandoned when its run
has written nothing for an hour.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import psutil
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from core.errors import UnreadableFile
from core.reading import reading, require_file
from core.studies import search_space as spaces
from core.studies.search_space import Choices, Dimension, Space
from core.studies.settings import SearchSettings
from core.studies.study_folders import JOURNAL_FILE
from core.studies.trials import SearchStage, Trial, TrialStatus
from core.train.settings import RunSettings

STAGES: tuple[SearchStage, ...] = ("coarse", "fine")
_STATES: dict[TrialState, TrialStatus] = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_ASSIGNED = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED)
_MAX_SILENCE = 3600.0  # seconds without a line in the log of a run on another machine
_GRACE_PERIOD = 60.0  # seconds in which a new trial may lack an owner
_STARTUP_TRIALS = 10  # trials before TPE has enough to learn from
_MIN_TRIALS_FOR_IMPORTANCE = 6


class Journal:
    """The trials of one search.

    Parameters
    ----------
    folder
        The study's.
    base
        The settings that all trials share.
    search
        Of the search.
    worker
        A number unique among the processes of this search, so that they draw different values.
    """

    def __init__(self, folder: Path, base: RunSettings, search: SearchSettings, worker: int = 0) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.folder, self.base, self.search = folder, base, search
        self._worker = worker
        self._process = f"{platform.node()}:{os.getpid()}:{psutil.Process().create_time():.0f}"
        self._important = 0, dict[str, float]()  # number of trials, and their importances
        path = folder / JOURNAL_FILE
        lock = JournalFileOpenLock(str(path))
        _truncate_partial_line(path, lock)
        self._storage = optuna.storages.JournalStorage(JournalFileBackend(str(path), lock))

    def begin(self, stage: SearchStage, space: Space, wanted: int, first: Iterable[Mapping[str, Any]]) -> None:
        """Begin a stage with the values that are tried first, or change its number of trials."""
        if (study := self._load_study(stage)) is None:
            direction = "maximize" if self.search.objective == "score" else "minimize"
            study = optuna.create_study(storage=self._storage, study_name=stage, direction=direction)
            study.set_user_attr("space", [str(axis) for axis in space])
            study.set_user_attr("epochs", self.search.coarse_epochs if stage == "coarse" else self.search.fine_epochs)
        study.set_user_attr("wanted", wanted)
        for values in first:
            study.enqueue_trial(dict(values), skip_if_exists=True)

    def has(self, stage: SearchStage) -> bool:
        """Whether a stage has begun."""
        return self._load_study(stage) is not None

    def space(self, stage: SearchStage) -> Space:
        """The ranges of a stage that has begun."""
        return spaces.parse_space(self._require_study(stage).user_attrs["space"], self.base)

    def wanted(self, stage: SearchStage) -> int:
        """The requested number of trials of a stage; 0 before it has begun."""
        study = self._load_study(stage)
        return 0 if study is None else int(study.user_attrs["wanted"])

    def epochs(self, stage: SearchStage) -> int:
        """The largest number of epochs of a trial of a stage."""
        return int(self._require_study(stage).user_attrs["epochs"])

    def missing(self, stage: SearchStage) -> int:
        """The number of trials of a stage that are not finished, including those that are running."""
        done = self._require_study(stage).get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        return max(0, self.wanted(stage) - len(done))

    def ask(self, stage: SearchStage) -> optuna.Trial | None:
        """Start the next trial, which then belongs to this process; None if all are assigned."""
        study = self._require_study(stage)
        wanted = self.wanted(stage)
        taken = study.get_trials(deepcopy=False, states=_ASSIGNED)
        if len(taken) >= wanted:
            return None
        study.sampler = self._build_sampler(stage, len(study.get_trials(deepcopy=False)))
        study.pruner = self._build_pruner(stage)
        trial = study.ask({axis.name: _distribution(axis) for axis in self.space(stage)})
        trial.set_user_attr("worker", self._process)
        before = [each for each in study.get_trials(deepcopy=False, states=_ASSIGNED) if each.number < trial.number]
        if len(before) >= wanted:  # another process has started one at the same moment
            study.tell(trial, state=TrialState.FAIL)
            return None
        return trial

    def finish(self, trial: optuna.Trial, score: float, best_epoch: int) -> None:
        """Record that the trial is finished."""
        trial.set_user_attr("best_epoch", best_epoch)
        trial.study.tell(trial, score)

    def prune(self, trial: optuna.Trial, reason: str = "") -> None:
        """Record that the trial was pruned, or could not be trained because of its values."""
        trial.set_user_attr("reason", reason)
        trial.study.tell(trial, state=TrialState.PRUNED)

    def requeue(self, trial: optuna.Trial) -> None:
        """Record that the trial was interrupted, and queue its values for the next process."""
        _requeue(trial.study, trial.number, trial.params)

    def requeue_abandoned(self) -> None:
        """Queue the values of trials whose processes have died."""
        for stage in STAGES:
            if (study := self._load_study(stage)) is not None:
                for trial in study.get_trials(states=(TrialState.RUNNING,)):
                    if self._is_abandoned(stage, trial):
                        _requeue(study, trial.number, trial.params)

    def trials(self) -> tuple[Trial, ...]:
        """All trials so far."""
        return tuple(
            _to_trial(stage, trial)
            for stage in STAGES
            if (study := self._load_study(stage)) is not None
            for trial in study.get_trials(deepcopy=False)
        )

    def importance(self) -> dict[str, float]:
        """Fraction of the variance among the coarse trials that each setting explains (fANOVA).

        A pruned trial counts with its last objective, so that the settings that made it bad are recognised.
        """
        study = self._load_study("coarse")
        known = [] if study is None else [(t, _score(t)) for t in study.get_trials(deepcopy=False)]
        scored = [(trial, score) for trial, score in known if score is not None]
        if len(scored) == self._important[0]:
            return self._important[1]
        if len(scored) < _MIN_TRIALS_FOR_IMPORTANCE or len({score for _, score in scored}) < 2:
            return {}
        copy = optuna.create_study(direction="maximize")
        for trial, score in scored:
            copy.add_trial(
                optuna.trial.create_trial(params=trial.params, distributions=trial.distributions, value=score)
            )
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self.base.seed)
        shares = optuna.importance.get_param_importances(copy, evaluator=evaluator)
        self._important = len(scored), {name: float(share) for name, share in shares.items()}
        return self._important[1]

    def _load_study(self, stage: SearchStage) -> optuna.Study | None:
        try:
            return optuna.load_study(study_name=stage, storage=self._storage)
        except KeyError:
            return None

    def _require_study(self, stage: SearchStage) -> optuna.Study:
        study = self._load_study(stage)
        if study is None:
            raise UnreadableFile(f"The {stage} search has not begun.", "", str(self.folder / JOURNAL_FILE))
        return study

    def _build_sampler(self, stage: SearchStage, trials: int) -> optuna.samplers.BaseSampler:
        """Build the sampler of the next values; its seed follows from the trials so far, so that results repeat."""
        place = (self.base.seed, STAGES.index(stage), trials, self._worker)
        seed = int(np.random.SeedSequence(place).generate_state(1)[0])
        if stage == "coarse" and self.search.method == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        first = min(_STARTUP_TRIALS, math.ceil(self.wanted(stage) / 3))
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=first, multivariate=True, constant_liar=True)

    def _build_pruner(self, stage: SearchStage) -> optuna.pruners.BasePruner:
        epochs = self.epochs(stage)
        match self.search.pruner:
            case "median":
                return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=max(2, epochs // 2))
            case "hyperband":
                return optuna.pruners.HyperbandPruner(min_resource=max(1, epochs // 9), max_resource=epochs)
            case "none":
                return optuna.pruners.NopPruner()

    def _is_abandoned(self, stage: SearchStage, trial: optuna.trial.FrozenTrial) -> bool:
        now, owner = time.time(), trial.user_attrs.get("worker")
        born = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        if owner is None:
            return now - born > _GRACE_PERIOD
        host, process, started = str(owner).rsplit(":", 2)
        if host == platform.node():
            try:
                return abs(psutil.Process(int(process)).create_time() - float(started)) > 2
            except psutil.NoSuchProcess:
                return True
        log = self.folder / run_path(stage, trial.number) / "log.txt"
        return now - (log.stat().st_mtime if log.exists() else born) > _MAX_SILENCE


def run_path(stage: SearchStage, number: int) -> str:
    """The run folder of a trial, relative to the study's."""
    return f"runs/{stage}-{number:04d}"


def _requeue(study: optuna.Study, number: int, values: Mapping[str, Any]) -> None:
    study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
    if values:
        study.enqueue_trial(dict(values))


def _distribution(axis: Dimension) -> optuna.distributions.BaseDistribution:
    if isinstance(axis, Choices):
        return optuna.distributions.CategoricalDistribution(axis.values)
    if axis.whole:
        return optuna.distributions.IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return optuna.distributions.FloatDistribution(axis.low, axis.high, log=axis.log)


def _to_trial(stage: SearchStage, trial: optuna.trial.FrozenTrial) -> Trial:
    history = tuple(trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values))
    return Trial(
        stage=stage,
        number=trial.number,
        state=_STATES[trial.state],
        values=dict(trial.params),
        score=_score(trial),
        history=history,
        best_epoch=int(trial.user_attrs.get("best_epoch", 0)),
        run=run_path(stage, trial.number),
        worker=str(trial.user_attrs.get("worker", "")).rpartition(":")[0],
        reason=str(trial.user_attrs.get("reason", "")),
    )


def _score(trial: optuna.trial.FrozenTrial) -> float | None:
    """The objective; for a pruned trial its last one."""
    if trial.state == TrialState.COMPLETE:
        return trial.value
    if trial.state == TrialState.PRUNED and trial.last_step is not None:
        return trial.intermediate_values[trial.last_step]
    return None


def _truncate_partial_line(path: Path, lock: JournalFileOpenLock) -> None:
    """Remove a last line that a power cut left incomplete; no process has acted on it."""
    if not path.exists():
        return
    with reading("The journal of this search", path, "Restore the file."):
        require_file(path)
    if not path.stat().st_size:
        return
    lock.acquire()
    try:
        with path.open("r+b") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if len(content) > whole and not content[whole:].startswith(b"{"):
                raise UnreadableFile(
                    "The journal of this search is damaged: its last line is none.", "Restore the file.", str(path)
                )
            file.truncate(whole)
    finally:
        lock.release()
