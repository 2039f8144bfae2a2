"""The training without labels, from the first batch to the last checkpoint, in the order in which it happens.

For each epoch: shuffle; for each batch vary every galaxy twice, compute the loss of SimCLR and its gradient, and update
the weights; then the loss of the validation galaxies, the check by nearest neighbours and that against a collapse;
save. Batches, optimiser, schedule, average of the weights, early stopping and checkpoint are those of a training with
labels, and its run folder is like any other.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import FolderInUse, NotANumber, Problem, Stopped
from core.events import NEVER, BatchEnded, EpochEnded, Scores, Skipped, Work
from core.nets.cnn import CNN
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.project.metrics_file import write_metrics
from core.project.runs import RunFolder
from core.train import (
    checkpoint,
    environment,
    loop,
    nan_diagnosis,
    overlaps,
    run_labels,
    run_report,
    run_start,
    schedule,
    stopping,
    tensorboard_log,
)
from core.train.batches import ImageSource, Pool, open_images, shuffle_batches
from core.train.checkpoint import Checkpoint
from core.train.loop import Reason, RunResult
from core.train.optimiser import OptimiserStep
from core.train.plan import TrainingPlan
from core.train.randomness import numpy_generator
from core.train.self_supervised import contrastive, galaxies, neighbours, preparation, report, views
from core.train.settings import RunSettings

_MOST_VALIDATED = 2048  # galaxies in the loss of the validation


def run(
    settings: RunSettings,
    data: Path | str,
    folder: RunFolder | Path | str,
    stop: threading.Event = NEVER,
    *,
    resume: bool = False,
    hand_labels: LabelJournal | None = None,
) -> Work[RunResult]:
    """Train a network on galaxies without labels, or resume such a run.

    Parameters
    ----------
    settings
        Of the run; ``self_supervised.method`` names the method, see :mod:`core.train.self_supervised.recipe`.
    data
        The dataset; labels that it has are used for the check only. Further ones are in the settings.
    folder, stop, resume, hand_labels
        As in :func:`core.train.loop.run`, which calls this.

    Raises
    ------
    FolderInUse
        Another program writes to the folder.
    Problem
        The data, the settings or the device do not allow it, or the loss is no longer a number.
    Stopped
        ``stop`` was set before the first batch was done.
    """
    folder = RunFolder.at(folder)
    with (
        folder.lock(),
        environment.reproducible_training(settings.optimiser.batch_size or preparation.USUAL_BATCH),
        galaxies.open_datasets(settings, data) as opened,
    ):
        earlier = checkpoint.load(folder.last) if resume and folder.has_whole_epoch else None
        if not resume and folder.history_file.exists():
            raise FolderInUse("This folder holds a run already.", "Choose another folder.", str(folder.path))
        goes_on = resume and folder.split_file.exists()  # with its own split, and the labels with which it began
        for cutouts in opened:
            yield from cutouts.read_checksum(stop)
        labels = run_labels.read(folder, hand_labels, resume=goes_on)
        chosen = galaxies.choose(settings, opened, labels, folder.split_file if goes_on else None)
        plan = preparation.prepare(settings, chosen, earlier.predictor if earlier else None)
        if plan.average is not None and earlier is not None and earlier.average is not None:
            plan.average.restore(*earlier.average)
        if not goes_on:
            plan.notices += overlaps.find(plan.split, plan.cutouts, plan.settings, folder, hand_labels)
        run_start.prepare_folder(plan, folder, plan.cutouts, earlier)
        if not goes_on:
            run_labels.keep(opened[0], folder, labels)
            galaxies.keep_parts(chosen, opened, settings, labels)
        for notice in plan.notices:
            yield Skipped(notice)
        rows = np.concatenate([plan.split.train, plan.split.validation])
        with (yield from open_images(plan.cutouts, rows, plan.scaling_on_read, plan.device, stop)) as images:
            training = _Training.begin(plan, chosen, images, folder, earlier)
            try:
                done = len(training.history)
                with tensorboard_log.open_log(folder, wanted=settings.tensorboard, epochs_done=done) as log_epoch:
                    return (yield from training.run(stop, log_epoch))
            except NotANumber as problem:
                run_report.record_breakdown(folder, problem)
                raise


@dataclass
class _Training:
    """A training without labels that is under way.

    Attributes
    ----------
    known, asked, validated
        Rows of the check and of the validation's loss.
    is_collapsed
        Whether a collapse was found, and said.
    """

    plan: TrainingPlan
    images: ImageSource
    folder: RunFolder
    step: OptimiserStep
    history: list[EpochEnded]
    known: NDArray[np.int64]
    asked: NDArray[np.int64]
    validated: NDArray[np.int64]
    is_collapsed: bool = False

    @classmethod
    def begin(
        cls,
        plan: TrainingPlan,
        chosen: galaxies.Galaxies,
        images: ImageSource,
        folder: RunFolder,
        earlier: Checkpoint | None,
    ) -> _Training:
        """Begin, or go on after the last complete epoch."""
        step = OptimiserStep(plan.predictor.network, plan.settings, plan.precision)
        if earlier is not None:
            step.optimiser.load_state_dict(earlier.optimiser)
            if earlier.scaler:
                step.scaler.load_state_dict(earlier.scaler)
        known, asked = (preparation.limit(rows, plan.settings, 1) for rows in (chosen.known, chosen.asked))
        validation = plan.split.validation
        if len(validation) > _MOST_VALIDATED:
            random = numpy_generator(plan.settings.seed, "sample", 2)
            validation = np.sort(random.choice(validation, _MOST_VALIDATED, replace=False))
        history = earlier.history if earlier is not None else []
        return cls(plan, images, folder, step, history, known, asked, validation)

    def run(self, stop: threading.Event, log_epoch: Callable[[EpochEnded], None]) -> Work[RunResult]:
        """Train epoch by epoch, and compute the numbers of the best weights."""
        settings, history = self.plan.settings, self.history
        reason: Reason = "finished"
        for epoch in range(len(history) + 1, settings.optimiser.epochs + 1):
            if stop.is_set() or stopping.state_after(history, settings.stopping).should_stop:
                reason = "stopped" if stop.is_set() else "early"
                break
            self.plan.cutouts.require_unchanged()
            train, seconds = yield from self._train_epoch(epoch, stop)
            started = time.perf_counter()
            validation = self._validate(self.plan.answering.network)
            if not math.isfinite(validation.loss):
                raise nan_diagnosis.diagnose(self.plan, f"epoch {epoch}, validation")
            seconds += time.perf_counter() - started
            yield from self._save_epoch(epoch, train, validation, seconds, log_epoch)
        if not history:
            raise Stopped
        return self._finish(reason)

    def _train_epoch(self, epoch: int, stop: threading.Event) -> Work[tuple[Scores, float]]:
        """Show every galaxy once, in two variations; returns the mean loss and the seconds it took."""
        plan, network = self.plan, self.plan.predictor.network
        network.train()
        pools = _batches(plan, epoch)
        batches = sum(len(pool) for pool in pools)
        costs = stopping.costs(self.history, plan.settings.stopping)
        total, galaxies_done, seconds, started = 0.0, 0, 0.0, time.perf_counter()
        for batch, (rows, stamps) in enumerate(self.images.batches(pools), 1):
            varied = views.vary(plan, stamps, epoch, batch)
            loss = contrastive.nt_xent(
                views.forward(plan, plan.distributed_network, varied), plan.settings.self_supervised.temperature
            )
            value = loss.item()
            if not math.isfinite(value):
                raise nan_diagnosis.diagnose(plan, f"epoch {epoch}, batch {batch}", varied[: len(rows)], rows)
            rate = schedule.rate_at(plan.settings, epoch - 1 + (batch - 1) / batches, costs)
            self.step.step(loss, rate)
            if plan.average is not None:
                plan.average.update(network, batches)
            total, galaxies_done = total + value * len(rows), galaxies_done + len(rows)
            notice = plan.cores.share(f"batch {batch} of epoch {epoch}")
            seconds += time.perf_counter() - started
            if notice is not None:
                run_report.append_log(self.folder, str(notice))
                yield Skipped(notice)
            yield BatchEnded(epoch, batch, batches, value, rate, galaxies_done / seconds)
            started = time.perf_counter()  # a paused run does not count
            if stop.is_set():
                break
        return Scores(total / galaxies_done), seconds

    def _validate(self, network: CNN) -> Scores:
        """The loss of the validation galaxies in two fixed variations, the check by neighbours, and the spread."""
        plan, chosen = self.plan, self.plan.settings.self_supervised
        network.eval()
        total, outputs = 0.0, list[torch.Tensor]()
        size = preparation.choose_batch(plan.settings.optimiser.batch_size, len(plan.split.train))
        pools: list[Pool] = [np.array_split(self.validated, math.ceil(len(self.validated) / size))]
        with torch.inference_mode():
            for batch, (rows, stamps) in enumerate(self.images.batches(pools), 1):
                found = network(views.vary(plan, stamps, 0, batch))
                total += contrastive.nt_xent(found, chosen.temperature).item() * len(rows)
                outputs.append(found)
        right = math.nan
        if len(self.known) and len(self.asked):
            known, asked = (views.features(plan, self.images, network, rows) for rows in (self.known, self.asked))
            classes, true = (plan.encoded[rows] for rows in (self.known, self.asked))
            right = neighbours.accuracy(known, classes, asked, true, chosen.neighbours)
        values = {neighbours.ACCURACY: right, "spread": contrastive.spread(torch.cat(outputs))}
        return Scores(total / len(self.validated), values)

    def _save_epoch(
        self,
        epoch: int,
        train: Scores,
        validation: Scores,
        seconds: float,
        log_epoch: Callable[[EpochEnded], None],
    ) -> Work[None]:
        plan, settings = self.plan, self.plan.settings
        validations = [*(done.validation for done in self.history), validation]
        values = [stopping.monitored_value(scores, settings.stopping) for scores in validations]
        state = stopping.state(values, settings.stopping)
        epochs, since, is_chosen = settings.optimiser.epochs, state.epochs_since_best, settings.stopping.keep == "best"
        best_epoch, rate = state.best_epoch, self.step.rate
        ended = EpochEnded(epoch, epochs, train, validation, rate, seconds, best_epoch, since, is_chosen)
        plan.cutouts.require_unchanged()
        self.history.append(ended)
        log_epoch(ended)
        best = self.history[ended.best_epoch - 1].validation
        numbers = report.numbers(plan, best, len(self.asked))
        yield from loop.save_epoch(plan, self.folder, self.step, self.history, None, numbers)
        if validation.values["spread"] < contrastive.COLLAPSED and not self.is_collapsed:
            self.is_collapsed = True
            problem = report.collapse(validation.values["spread"], epoch)
            run_report.append_log(self.folder, str(problem))
            yield Skipped(problem)

    def _finish(self, reason: Reason) -> RunResult:
        """Write the numbers of the best weights."""
        plan, history = self.plan, self.history
        ended = history[history[-1].best_epoch - 1]
        best = Predictor.load(self.folder.best, plan.device, needs_answers=False)
        final = self._validate(best.network)
        warnings = _collapses(ended.epoch, final)
        values = run_report.metrics(plan, history, reason, warnings, None, report.numbers(plan, final, len(self.asked)))
        write_metrics(self.folder.metrics_file, values)
        run_report.write_card(self.folder)
        run_report.append_log(self.folder, run_report.describe_end(reason, plan, history))
        return RunResult(self.folder.path, reason, ended.epoch, len(history), final, None)


def _collapses(epoch: int, scores: Scores) -> list[str]:
    spread = scores.values["spread"]
    problem: Problem | None = report.collapse(spread, epoch) if spread < contrastive.COLLAPSED else None
    return [] if problem is None else [str(problem)]


def _batches(plan: TrainingPlan, epoch: int) -> Sequence[Pool]:
    """The batches of an epoch, a function of the seed and the epoch's number."""
    options, rows = plan.settings.optimiser, plan.split.train
    random = numpy_generator(plan.settings.seed, "order", epoch)
    size = preparation.choose_batch(options.batch_size, len(rows))
    return [pool for _ in range(options.repeats or 1) for pool in shuffle_batches(rows, size, plan.stamp_bytes, random)]
