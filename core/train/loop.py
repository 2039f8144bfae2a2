"""The training run, from the first batch to the last checkpoint, in the order in which it happens.

For each epoch: shuffle; for each batch augment the galaxies, compute the loss and its gradient, and update the weights;
then validate, check early stopping, save. The loop knows nothing of the user interface: it yields events and checks
``stop``.

References
----------
Robbins & Monro 1951 (stochastic gradient descent).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from core.data.cutouts import Cutouts
from core.errors import FolderInUse, NotANumber, Stopped
from core.events import NEVER, BatchEnded, CheckpointSaved, EpochEnded, Preview, Scores, Skipped, Work
from core.metrics.part_notes import PARTS
from core.metrics.tally import Tally
from core.nets import device as devices
from core.nets.cnn import CNN
from core.nets.losses import Loss
from core.nets.predictor import Predictor
from core.project.history import append_history
from core.project.labels import LabelJournal
from core.project.metrics_file import write_metrics
from core.project.runs import RunFolder
from core.train import (
    accumulation,
    checkpoint,
    comparison,
    distributed,
    environment,
    feature_cache,
    final_numbers,
    nan_diagnosis,
    optimiser,
    preparation,
    run_labels,
    run_report,
    run_start,
    schedule,
    snapshots,
    start_network,
    stopping,
    tensorboard_log,
    unfreezing,
)
from core.train.batches import ImageSource, batches_in_order, open_images
from core.train.checkpoint import Checkpoint
from core.train.forward import answer_batch, batch_labels, epoch_batches
from core.train.optimiser import OptimiserStep
from core.train.plan import TrainingPlan
from core.train.settings import RunSettings
from core.train.unlabelled import beginning, judgement
from core.train.zero_shot import Baseline, evaluate_base

Reason = Literal["finished", "early", "stopped"]
VALIDATION_BATCH = 256


@dataclass(frozen=True)
class RunResult:
    """The result of a run.

    Attributes
    ----------
    folder
        Where it is.
    reason
        Why it ended: all epochs done, early stopping, or stopped by the user.
    best_epoch, epochs
        The epoch whose weights were kept, and the number of epochs.
    scores
        Of the best weights on the validation part, see :mod:`core.train.final_numbers`.
    baseline
        Of the network that fine-tuning started from, unadapted, on the validation part; None without one.
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
    hand_labels: LabelJournal | None = None,
) -> Work[RunResult]:
    """Train a network on a dataset, or resume an interrupted run.

    Parameters
    ----------
    settings
        Of the run.
    data
        The dataset.
    folder
        An empty run folder, or one that does not exist yet, or with ``resume`` that of the run.
    stop
        When set, the current epoch ends with the current batch, is validated and saved.
    resume
        Continue after the last complete epoch, if there is one. On the same machine, with as many threads, the results
        are those of a run without interruption.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    FolderInUse
        Another program writes to the folder.
    Problem
        The data, the settings or the device do not allow it, or the loss is no longer a number.
    Stopped
        ``stop`` was set before the first batch was done.

    Examples
    --------
    Train, and look at the result:

    >>> from core.events import EpochEnded, result_of
    >>> settings = RunSettings.model_validate({"network": {"depth": 2}, "optimiser": {"epochs": 2}})
    >>> trained = result_of(run(settings, "survey.h5", "runs/second"))
    >>> trained.reason, trained.epochs
    ('finished', 2)

    Or follow the epochs; ``break`` ends the training, which :func:`core.train.resuming.run` resumes:

    >>> for event in run(settings, "survey.h5", "runs/third"):
    ...     if isinstance(event, EpochEnded):
    ...         print(f"epoch {event.epoch} of {event.epochs}: accuracy {event.validation.values['accuracy']:.2f}")
    epoch 1 of 2: accuracy ...
    epoch 2 of 2: accuracy ...
    """
    folder = RunFolder.at(folder)
    if settings.self_supervised.method != "none":
        from core.train.self_supervised import training  # late: it is built on this module

        return (yield from training.run(settings, data, folder, stop, resume=resume, hand_labels=hand_labels))
    with (
        folder.lock(),
        environment.reproducible_training(settings.optimiser.batch_size),
        Cutouts.open(data) as cutouts,
    ):
        earlier = checkpoint.load(folder.last) if resume and folder.has_whole_epoch else None
        if not resume and folder.history_file.exists():
            raise FolderInUse("This folder holds a run already.", "Choose another folder.", str(folder.path))
        goes_on = resume and folder.split_file.exists()  # with its own split, and the labels with which it began
        yield from cutouts.read_checksum(stop)
        labels = run_labels.read(folder, hand_labels, resume=goes_on)
        predictor = earlier.predictor if earlier else None
        plan = preparation.prepare(settings, cutouts, predictor, labels, folder.split_file if goes_on else None)
        if plan.average is not None and earlier is not None and earlier.average is not None:
            plan.average.restore(*earlier.average)
        plan.facts |= run_report.read_overlaps(folder)
        if not goes_on:
            plan.notices += run_start.note_overlaps(plan, cutouts, folder, hand_labels)
        yield from beginning.prepare(plan, labels, folder.unlabelled_file if goes_on else None, stop)
        run_start.prepare_folder(plan, folder, cutouts, earlier)
        start_network.keep(plan, folder)
        if not goes_on:
            run_labels.keep_with_parts(plan, cutouts, folder, labels)
        for notice in plan.notices:
            yield Skipped(notice)
        rows = np.concatenate([plan.split.train, plan.split.validation])
        with (
            (yield from open_images(plan.cutouts, rows, plan.scaling_on_read, plan.device, stop)) as images,
            (yield from beginning.open_images(plan, stop)),
        ):
            baseline = (yield from evaluate_base(plan)) if earlier is None else run_report.read_baseline(folder)
            if baseline is not None:
                yield Preview(baseline)
            done = len(earlier.history) if earlier is not None else 0
            try:
                with tensorboard_log.open_log(folder, wanted=plan.settings.tensorboard, epochs_done=done) as log_epoch:
                    return (yield from _train(plan, images, folder, stop, earlier, baseline, log_epoch))
            except NotANumber as problem:
                run_report.record_breakdown(folder, problem)
                raise


def _train(
    plan: TrainingPlan,
    images: ImageSource,
    folder: RunFolder,
    stop: threading.Event,
    earlier: Checkpoint | None,
    baseline: Baseline | None,
    log_epoch: Callable[[EpochEnded], None],
) -> Work[RunResult]:
    settings, network = plan.settings, plan.predictor.network
    criterion, validation_criterion = optimiser.build_losses(settings, plan.target, plan.training_labels, plan.shift)
    optimiser_step = OptimiserStep(network, settings, plan.precision, start_network.weights_to_return_to(plan, folder))
    if plan.unlabelled is not None:
        plan.unlabelled.join(optimiser_step.optimiser)
    if earlier is not None:
        _restore(plan, optimiser_step, earlier)
    plan.features = yield from feature_cache.compute(plan, images, stop)
    images = plan.features or images
    history = earlier.history if earlier is not None else []
    reason: Reason = "finished"
    for epoch in range(len(history) + 1, settings.optimiser.epochs + 1):
        stopped = distributed.any_process(stop.is_set(), plan.device)
        if stopped or stopping.state_after(history, settings.stopping).should_stop:
            reason = "stopped" if stopped else "early"
            break
        costs = stopping.costs(history, settings.stopping)
        plan.cutouts.require_unchanged()
        unfreezing.begin_epoch(plan, epoch)
        known = len(plan.notices)
        train, seconds = yield from _train_epoch(plan, images, criterion, optimiser_step, epoch, costs, stop)
        run_report.append_notices(folder, plan.notices[known:])
        started = time.perf_counter()
        validation = validate(plan, images, validation_criterion, plan.answering.network).scores()
        if not math.isfinite(validation.loss):
            raise nan_diagnosis.diagnose(plan, f"epoch {epoch}, validation")
        seconds += time.perf_counter() - started
        validations = [*(done.validation for done in history), validation]
        values = [stopping.monitored_value(scores, settings.stopping) for scores in validations]
        state = stopping.state(values, settings.stopping)
        ended = EpochEnded(
            epoch,
            settings.optimiser.epochs,
            train,
            validation,
            optimiser_step.rate,
            seconds,
            state.best_epoch,
            state.epochs_since_best,
            settings.stopping.keep == "best",
        )
        plan.cutouts.require_unchanged()
        history.append(ended)
        log_epoch(ended)
        yield from save_epoch(plan, folder, optimiser_step, history, baseline)
    if not history:
        raise Stopped
    return (yield from _finish(plan, images, folder, validation_criterion, history, reason, baseline))


def _restore(plan: TrainingPlan, optimiser_step: OptimiserStep, earlier: Checkpoint) -> None:
    """Go on as after the last epoch of an interrupted run."""
    if plan.unlabelled is not None:
        plan.unlabelled.restore(earlier.beside)
    optimiser_step.optimiser.load_state_dict(earlier.optimiser)
    if earlier.scaler:  # empty unless the run was computed in float16 before, too
        optimiser_step.scaler.load_state_dict(earlier.scaler)


def _train_epoch(
    plan: TrainingPlan,
    images: ImageSource,
    criterion: Loss,
    optimiser_step: OptimiserStep,
    epoch: int,
    costs: Sequence[float],
    stop: threading.Event,
) -> Work[tuple[Scores, float]]:
    """Train on every training galaxy once, in batches; returns the mean scores and the seconds it took.

    Where classes are shown more evenly than they are, the accuracy is that at the survey's frequencies, which the
    outputs assume: it can be compared with that of the validation part.
    """
    plan.predictor.network.train()
    pools = epoch_batches(plan, epoch)
    batches = sum(len(pool) for pool in pools)
    survey = None if plan.shift is None else list(plan.facts["assumed_frequencies"].values())
    tally, seconds, started = Tally(plan.target, survey, plan.predictor.output_scale), 0.0, time.perf_counter()
    for batch, (rows, stamps) in enumerate(images.batches(pools), 1):
        labels = batch_labels(plan, rows, epoch, batch)
        outputs, value = yield from accumulation.add_gradient(
            plan, optimiser_step, criterion, (rows, stamps, labels), (epoch, batch)
        )
        rate = schedule.rate_at(plan.settings, epoch - 1 + (batch - 1) / batches, costs)
        optimiser_step.finish(rate)
        if plan.average is not None:
            plan.average.update(plan.predictor.network, batches)

        tally.add(outputs, labels, value)
        notice = plan.cores.share(f"batch {batch} of epoch {epoch}")
        seconds += time.perf_counter() - started
        if notice is not None:
            plan.notices.append(notice)
            yield Skipped(notice)
        yield BatchEnded(epoch, batch, batches, value, rate, tally.galaxies / seconds)
        started = time.perf_counter()  # a paused run does not count
        if distributed.any_process(stop.is_set(), plan.device):
            break
    scores = tally.scores()
    return scores if plan.unlabelled is None else plan.unlabelled.end_epoch(scores), seconds


def validate(plan: TrainingPlan, images: ImageSource, criterion: Loss, network: CNN | None = None) -> Tally:
    """Pass the validation part through the network: float32, no augmentation, every galaxy once."""
    network = (network or plan.predictor.network).eval()
    tally = Tally(plan.target, scale=plan.predictor.output_scale)
    with torch.inference_mode():
        for rows, stamps in images.batches(batches_in_order(plan.split.validation, VALIDATION_BATCH)):
            labels = plan.labels[torch.from_numpy(rows).to(plan.device)]
            own = [each[distributed.own_slice(len(stamps))] for each in (stamps, *plan.beside(rows))]
            answers = devices.in_pieces(partial(answer_batch, plan, network), *own)
            outputs = distributed.gather(answers, len(stamps))
            tally.add(outputs, labels, criterion(outputs, labels).item())
    return tally


def save_epoch(
    plan: TrainingPlan,
    folder: RunFolder,
    optimiser_step: OptimiserStep,
    history: list[EpochEnded],
    baseline: Baseline | None,
    values: Mapping[str, Any] | None = None,
) -> Work[None]:
    """Save the epoch that has just ended, so that a killed run is consistent; ``values``: of the validation part."""
    ended, predictor = history[-1], plan.answering
    is_best = ended.best_epoch == ended.epoch
    predictor.card = run_report.card_values(plan, folder, ended)
    if is_best:
        predictor.save(folder.best)
    snapshots.save_snapshot(folder, predictor, ended.epoch, plan.settings.stopping.snapshots)
    append_history(folder.history_file, ended)
    run_report.log_epoch(folder, ended)
    for part in PARTS:  # of weights before the training went on
        folder.predictions_file(part).unlink(missing_ok=True)
    write_metrics(folder.metrics_file, run_report.metrics(plan, history, "running", [], baseline, values))
    scaler = optimiser_step.scaler.state_dict()
    trained = None if plan.average is None else (plan.predictor.network.state_dict(), plan.average.steps)
    beside = None if plan.unlabelled is None else plan.unlabelled.state()
    seed = plan.settings.seed
    path = checkpoint.save(folder.last, predictor, optimiser_step.optimiser, history, seed, scaler, trained, beside)
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
) -> Work[RunResult]:
    """Compute the numbers of the best weights, and write them; ``stop`` does not end this, lest they be missing."""
    best = Predictor.load(folder.best, plan.device)
    warnings = [run_report.CONSTANT] if validate(plan, images, criterion, best.network).is_constant() else []
    ended = history[history[-1].best_epoch - 1]
    final = yield from final_numbers.compute(plan, folder, best, ended.validation.loss)
    afterwards = comparison.compare(plan, baseline, final)
    judged = yield from judgement.judge(plan, best)
    warnings += [] if judged is None or not judged.is_worse else [judged.sentence]
    values = run_report.metrics(plan, history, reason, warnings, baseline, final.values, afterwards)
    values |= {} if judged is None else {"unlabelled": asdict(judged)}
    write_metrics(folder.metrics_file, values)
    run_report.write_card(folder)
    run_report.append_log(folder, run_report.describe_end(reason, plan, history))
    for warning in warnings:
        run_report.append_log(folder, warning)
    return RunResult(
        folder.path, reason, ended.epoch, len(history), final.scores, baseline.scores if baseline else None
    )
