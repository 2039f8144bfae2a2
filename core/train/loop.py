"""The training run, from the first batch to the last checkpoint, in the order in which it happens.

For each epoch: shuffle; for each batch vary the galaxies, compute the loss, its gradient, and move the weights one
step downhill; then validate, judge, save. Nothing here knows of windows: the loop yields what has happened and looks
at ``stop``.

References
----------
Robbins & Monro 1951 (stochastic gradient descent).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, NotANumber, NotPossible, Stopped
from core.events import NEVER, BatchEnded, CheckpointSaved, EpochEnded, Preview, Scores, Skipped, Work
from core.metrics.tally import Tally
from core.nets.device import memory_format
from core.nets.losses import Loss
from core.nets.predictor import Predictor
from core.project.files import write_atomically
from core.project.runs import RunFolder, append_history
from core.settings import toml
from core.train import (
    checkpoint,
    distributed,
    environment,
    nan_diagnosis,
    optimiser,
    preparation,
    run_report,
    schedule,
    snapshots,
    stopping,
    tensorboard_log,
)
from core.train.batches import ImageSource, in_order, open_images
from core.train.checkpoint import Checkpoint
from core.train.forward import forward_batch, order, shown_labels
from core.train.optimiser import OptimiserStep
from core.train.plan import TrainingPlan
from core.train.settings import RunSettings
from core.train.zero_shot import Baseline, evaluate_base

Reason = Literal["finished", "early", "stopped"]
_VALIDATION_BATCH = 256


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes
    ----------
    folder
        Where it is.
    reason
        Why it ended: all epochs done, no more improvement, or asked to stop.
    best_epoch, epochs
        The epoch whose weights were kept, and how many there were.
    scores
        Of the best epoch on the validation part.
    baseline
        Of the network that was started from, unadapted, on the validation part; None without one.
    """

    folder: Path
    reason: Reason
    best_epoch: int
    epochs: int
    scores: Scores
    baseline: Scores | None


def run(
    settings: RunSettings,
    data: Path | str,
    folder: RunFolder | Path | str,
    stop: threading.Event = NEVER,
    *,
    resume: bool = False,
) -> Work[RunResult]:
    """Train a network on a dataset, or go on with a run that was broken off.

    Parameters
    ----------
    settings
        What is asked for.
    data
        The dataset.
    folder
        An empty run folder, or one that is yet to be made, or with ``resume`` the run's.
    stop
        When set, the running epoch ends with the current batch, is validated and saved.
    resume
        Go on from the last whole epoch, if there is one. On the same machine the numbers are those of a run without
        the break.

    Raises
    ------
    Problem
        The data, the settings or the device do not allow it, or the loss is no longer a number.
    Stopped
        ``stop`` was set before the first batch was done.

    Examples
    --------
    Train, and see what comes of it:

    >>> from core.events import EpochEnded, result_of
    >>> settings = RunSettings.model_validate({"network": {"depth": 2}, "optimiser": {"epochs": 2}})
    >>> trained = result_of(run(settings, "survey.h5", "runs/second"))
    >>> trained.reason, trained.epochs
    ('finished', 2)

    Or watch the epochs go by; ``break`` ends the training, which :func:`core.train.resuming.run` takes up again:

    >>> for event in run(settings, "survey.h5", "runs/third"):
    ...     if isinstance(event, EpochEnded):
    ...         print(f"epoch {event.epoch} of {event.epochs}: accuracy {event.validation.values['accuracy']:.2f}")
    epoch 1 of 2: accuracy ...
    epoch 2 of 2: accuracy ...
    """
    folder = RunFolder.at(folder)
    earlier = checkpoint.load(folder.last) if resume and folder.has_whole_epoch else None
    if not resume and folder.history_file.exists():
        raise FolderInUse("This folder holds a run already.", "Choose another folder.", str(folder.path))
    with environment.exact_and_roomy(settings.optimiser.batch_size), Cutouts.open(data) as cutouts:
        plan = preparation.prepare(settings, cutouts, earlier.predictor if earlier else None)
        _begin(plan, folder, cutouts, earlier)
        for notice in plan.notices:
            yield Skipped(notice)
        rows = np.concatenate([plan.split.train, plan.split.validation])
        with (yield from open_images(cutouts, rows, plan.early, plan.device, stop)) as images:
            baseline = evaluate_base(plan, images) if earlier is None else run_report.read_baseline(folder)
            if baseline is not None:
                yield Preview(baseline)
            done = len(earlier.history) if earlier is not None else 0
            try:
                with tensorboard_log.opened(folder, wanted=plan.settings.tensorboard, epochs_done=done) as note:
                    return (yield from _train(plan, images, folder, stop, earlier, baseline, note))
            except NotANumber as problem:
                run_report.note_breakdown(folder, problem)
                raise


def _train(
    plan: TrainingPlan,
    images: ImageSource,
    folder: RunFolder,
    stop: threading.Event,
    earlier: Checkpoint | None,
    baseline: Baseline | None,
    note: Callable[[EpochEnded], None],
) -> Work[RunResult]:
    settings, network = plan.settings, plan.predictor.network
    criterion, judge = optimiser.criteria(settings, plan.target, plan.training_labels)
    moving = OptimiserStep(network, settings, plan.precision)
    history = earlier.history if earlier is not None else []
    if earlier is not None:
        moving.optimiser.load_state_dict(earlier.optimiser)
        if earlier.scaler:  # of a run that was computed in float16 before, too
            moving.scaler.load_state_dict(earlier.scaler)
    reason: Reason = "finished"
    for epoch in range(len(history) + 1, settings.optimiser.epochs + 1):
        stopped = distributed.any_of(stop.is_set(), plan.device)
        if stopped or stopping.after(history, settings.stopping).should_stop:
            reason = "stopped" if stopped else "early"
            break
        costs = stopping.costs(history, settings.stopping)
        train, seconds = yield from _epoch(plan, images, criterion, moving, epoch, costs, stop)
        started = time.perf_counter()
        validation = validate(plan, images, judge).scores()
        if not math.isfinite(validation.loss):
            raise nan_diagnosis.explained(plan, f"epoch {epoch}, validation")
        seconds += time.perf_counter() - started
        validations = [*(done.validation for done in history), validation]
        values = [stopping.monitored(scores, settings.stopping) for scores in validations]
        judgement = stopping.state(values, settings.stopping)
        ended = EpochEnded(
            epoch,
            settings.optimiser.epochs,
            train,
            validation,
            moving.rate,
            seconds,
            judgement.best_epoch,
            judgement.epochs_since_best,
        )
        history.append(ended)
        note(ended)
        yield from _save_epoch(plan, folder, moving, history, baseline)
    if not history:
        raise Stopped
    return _finish(plan, images, folder, judge, history, reason, baseline)


def _epoch(
    plan: TrainingPlan,
    images: ImageSource,
    criterion: Loss,
    moving: OptimiserStep,
    epoch: int,
    costs: Sequence[float],
    stop: threading.Event,
) -> Work[tuple[Scores, float]]:
    """Show the training galaxies once, in batches; returns the mean scores and the seconds it took."""
    plan.predictor.network.train()
    pools = order(plan, epoch)
    batches = sum(len(pool) for pool in pools)
    tally, seconds, started = Tally(plan.target), 0.0, time.perf_counter()
    for batch, (rows, stamps) in enumerate(images.batches(pools), 1):
        labels = shown_labels(plan, rows, epoch, batch)
        varied, outputs = forward_batch(plan, stamps, epoch, batch)
        loss = criterion(outputs.float(), labels)
        value = loss.item()
        if not math.isfinite(value):
            raise nan_diagnosis.explained(plan, f"epoch {epoch}, batch {batch}", varied, rows)
        rate = schedule.rate_at(plan.settings, epoch - 1 + (batch - 1) / batches, costs)
        moving.step(loss, rate)

        tally.add(outputs, labels, value)
        seconds += time.perf_counter() - started
        yield BatchEnded(epoch, batch, batches, value, rate, tally.galaxies / seconds)
        started = time.perf_counter()  # a paused run does not count
        if distributed.any_of(stop.is_set(), plan.device):
            break
    return tally.scores(), seconds


def validate(plan: TrainingPlan, images: ImageSource, criterion: Loss, network: nn.Module | None = None) -> Tally:
    """The validation part through the network: float32, nothing varied, every galaxy once."""
    network = (network or plan.predictor.network).eval()
    tally = Tally(plan.target)
    with torch.inference_mode():
        for rows, stamps in images.batches(in_order(plan.split.validation, _VALIDATION_BATCH)):
            labels = plan.labels[torch.from_numpy(rows).to(plan.device)]
            own = plan.scaled(stamps[distributed.share(len(stamps))])
            outputs = network(own.contiguous(memory_format=memory_format(plan.device)))
            outputs = distributed.gathered(outputs, len(stamps))
            tally.add(outputs, labels, criterion(outputs, labels).item())
    return tally


def _save_epoch(
    plan: TrainingPlan, folder: RunFolder, moving: OptimiserStep, history: list[EpochEnded], baseline: Baseline | None
) -> Work[None]:
    """Write down the epoch that has just ended, in the order in which a killed run can be understood."""
    ended, predictor = history[-1], plan.predictor
    is_best = ended.best_epoch == ended.epoch
    predictor.card = run_report.card_values(plan, folder, ended)
    if is_best:
        predictor.save(folder.best)
    snapshots.keep(folder, predictor, ended.epoch, plan.settings.stopping.snapshots)
    append_history(folder.history_file, ended)
    run_report.note_epoch(folder, ended)
    run_report.write_metrics(folder, run_report.metrics(plan, history, "running", [], baseline))
    scaler = moving.scaler.state_dict()
    path = checkpoint.save(folder.last, predictor, moving.optimiser, history, plan.settings.seed, scaler)
    yield ended
    yield CheckpointSaved(ended.epoch, path, is_best)


def _finish(
    plan: TrainingPlan,
    images: ImageSource,
    folder: RunFolder,
    criterion: Loss,
    history: list[EpochEnded],
    reason: Reason,
    baseline: Baseline | None,
) -> RunResult:
    best = Predictor.load(folder.best, plan.device)
    warnings = [run_report.CONSTANT] if validate(plan, images, criterion, best.network).is_constant() else []
    values = run_report.metrics(plan, history, reason, warnings, baseline)
    run_report.write_metrics(folder, values)
    run_report.write_card(folder, plan, values)
    ended = history[history[-1].best_epoch - 1]
    run_report.note(folder, f"{reason} after epoch {len(history)}; best epoch {ended.epoch}")
    for warning in warnings:
        run_report.note(folder, warning)
    return RunResult(
        folder.path, reason, ended.epoch, len(history), ended.validation, baseline.scores if baseline else None
    )


def _begin(plan: TrainingPlan, folder: RunFolder, cutouts: Cutouts, earlier: Checkpoint | None) -> None:
    """Write down what is about to happen; for a run that goes on, take back what came after its last whole epoch."""
    folder.path.mkdir(parents=True, exist_ok=True)
    drawn = splits.fingerprint(plan.split, cutouts.ids)
    if earlier is not None and _recorded_split(folder, cutouts.ids) not in {None, drawn}:
        raise NotPossible(
            "The parts of the data would not be those with which this run began, so that it cannot go on.",
            "Start a new run from its weights instead; its test galaxies may be training galaxies there.",
            str(folder.split_file),
        )
    write_atomically(folder.settings_file, toml.dumps(plan.settings))
    folder.save_data_path(cutouts.path)
    machine = environment.described(plan.device, plan.precision, plan.settings.seed, cutouts.checksum, drawn)
    write_atomically(folder.environment_file, machine)
    splits.save(plan.split, cutouts.ids, folder.split_file)
    folder.history_file.unlink(missing_ok=True)
    if earlier is not None:
        for ended in earlier.history:
            append_history(folder.history_file, ended)
        run_report.note(folder, f"goes on after epoch {len(earlier.history)}")
    for notice in plan.notices:
        run_report.note(folder, str(notice))


def _recorded_split(folder: RunFolder, ids: Sequence[str]) -> str | None:
    """The fingerprint of the parts with which a run began; the first runs kept the parts only. None: there is none."""
    recorded = environment.recorded_split(folder.environment_file)
    if recorded is None and folder.split_file.exists():
        return splits.fingerprint(splits.load(folder.split_file, ids), ids)
    return recorded
