"""Jobs of the Train room, not yet started."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.data.target import Quantities, Target
from core.errors import Problem, Stopped
from core.events import Progress, Skipped, Work
from core.nets.settings import NetworkSettings
from core.project.files import ask_before_writing
from core.project.labels import LabelJournal
from core.project.project import Project
from core.project.runs import RunFolder
from core.train.settings import AugmentationSettings, RunSettings

if TYPE_CHECKING:
    from core.metrics.judged_on import JudgedOn
    from core.nets.layers import LayerRow
    from core.nets.normalisation import Normalisation
    from core.publish.export import Exported
    from core.studies.ensemble_training import EnsembleResult
    from core.train.batch_size_finder import BatchSizes
    from core.train.learning_rate_finder import RateRange
    from core.train.loop import RunResult
    from core.train.outlook import EpochTime
    from core.train.run_summary import RunSummary


def build_layer_table(
    settings: NetworkSettings, shape: tuple[int, int, int], target: Target | None, *, error_bars: bool
) -> Job:
    """Build a network with these settings, and list its layers; without a target it has three outputs."""

    def run(stop: threading.Event) -> Work[list[LayerRow]]:
        from core.nets import cnn, heads, layers

        yield from begin_unless_stopped(stop)
        has_error_bars = error_bars and isinstance(target, Quantities)
        outputs = 3 if target is None else heads.output_count(target, error_bars=has_error_bars)
        return layers.table(cnn.build(settings, shape, outputs), shape)

    return Job("Describing the network", run)


@dataclass(frozen=True)
class BaseOutline:
    """What matters of a network to start from: what it learned, its bands, and what fed them in its training."""

    target: Target
    bands: tuple[str, ...]
    bands_from: tuple[tuple[str, ...], ...]


def describe_base(base: Path) -> Job:
    """Describe a network to start from."""

    def run(stop: threading.Event) -> Work[BaseOutline]:
        from core.nets.predictor import Predictor

        yield from begin_unless_stopped(stop)
        loaded = Predictor.load(base, needs_answers=False)
        return BaseOutline(loaded.target, loaded.bands, loaded.bands_from)

    return Job("Reading the earlier network", run)


def measure_galaxies(data: Path, settings: RunSettings, hand_labels: LabelJournal | None) -> Job:
    """Measure the median diameter in pixels of the galaxies outside the test part; NaN: it cannot be measured."""

    def run(stop: threading.Event) -> Work[float]:
        from core.data import size
        from core.data.cutouts import Cutouts
        from core.train import preparation

        with Cutouts.open(data) as cutouts:
            _, rows = preparation.usable_rows(cutouts, settings, hand_labels)
            yield from begin_unless_stopped(stop)
            return size.median_size(cutouts.images[row] for row in size.choose_sample(rows))

    return Job("Measuring the galaxies", run)


def augment_stamp(
    stamp: NDArray[np.float32], settings: AugmentationSettings, seed: int, others: NDArray[np.float32] | None = None
) -> Job:
    """Augment one galaxy sixteen times; ``others`` may be pasted beside it."""

    def run(stop: threading.Event) -> Work[NDArray[np.float32]]:
        from core.train.augmentation import pipeline

        yield from begin_unless_stopped(stop)
        return pipeline.sixteen_variations(stamp, settings, seed, others)

    return Job("Varying a galaxy", run)


def augment_as_seen(
    stamp: NDArray[np.float32],
    settings: RunSettings,
    data: Path,
    seed: int,
    others: NDArray[np.float32] | None,
    scaling: Normalisation | None,
    hand_labels: LabelJournal | None,
) -> Job:
    """Augment one galaxy sixteen times, after input scaling; returns that scaling too, fitted unless given."""

    def run(stop: threading.Event) -> Work[tuple[NDArray[np.float32], Normalisation]]:
        from core.data.cutouts import Cutouts
        from core.train import preparation
        from core.train.augmentation import pipeline

        yield from begin_unless_stopped(stop)
        found = scaling
        if found is None:
            with Cutouts.open(data) as cutouts:
                found = preparation.fit_scaling(cutouts, settings, hand_labels)
        return pipeline.sixteen_network_inputs(stamp, settings.augmentation, seed, found, others), found

    return Job("Varying a galaxy", run)


def foresee(
    settings: RunSettings, data: Path, hand_labels: LabelJournal | None, project: Project | None, *, measured: bool
) -> Job:
    """Find out what a training will do, as a preview, and how long an epoch of it takes, if that is to be measured."""

    def run(stop: threading.Event) -> Work[EpochTime | None]:
        from core.train import outlook

        yield from begin_unless_stopped(stop)
        runs = [] if project is None else project.runs()
        return (yield from outlook.run(settings, data, stop, hand_labels=hand_labels, measured=measured, runs=runs))

    return Job("Looking ahead", run)


def train(settings: RunSettings, data: Path, folder: RunFolder, hand_labels: LabelJournal | None) -> Job:
    """Train a network."""

    def run(stop: threading.Event) -> Work[RunResult]:
        from core.train import loop

        return (yield from loop.run(settings, data, folder, stop, hand_labels=hand_labels))

    return Job(f"Training “{folder.name}”", run, pausable=True)


def train_ensemble(
    settings: RunSettings, data: Path, runs: Sequence[RunFolder], folder: RunFolder, hand_labels: LabelJournal | None
) -> Job:
    """Train a network with another seed in each of these runs, and make an ensemble of them in a folder."""

    def run(stop: threading.Event) -> Work[EnsembleResult]:
        from core.studies import ensemble_training

        return (yield from ensemble_training.run(settings, data, runs, folder, stop, hand_labels=hand_labels))

    return Job(f"Training “{folder.title}”", run, pausable=True)


def make_ensemble(runs: Sequence[RunFolder], folder: RunFolder) -> Job:
    """Make an ensemble of runs in a new folder, and evaluate it on the validation part."""

    def run(stop: threading.Event) -> Work[EnsembleResult]:
        from core.evaluate import ensemble_making
        from core.studies.ensemble_training import EnsembleResult, describe

        try:
            yield from ensemble_making.make(runs, folder, stop)
        finally:
            with contextlib.suppress(OSError):  # nothing was written
                folder.path.rmdir()
        return EnsembleResult(folder.path, tuple(each.path for each in runs), describe(folder, runs))

    return Job(f"Joining {len(runs)} networks", run)


def resume(
    folder: RunFolder, data: Path | None, epochs: int | None, patience: int | None, hand_labels: LabelJournal | None
) -> Job:
    """Resume a training."""

    def run(stop: threading.Event) -> Work[RunResult]:
        from core.train import resuming

        return (yield from resuming.run(folder, stop, data, epochs=epochs, patience=patience, hand_labels=hand_labels))

    return Job(f"Training “{folder.name}”", run, pausable=True)


def summarise_runs(folder: Path) -> Job:
    """Summarise each run in a folder."""

    def run(stop: threading.Event) -> Work[list[RunSummary]]:
        from core.metrics import judged_labels
        from core.train import run_summary

        found: list[RunSummary] = []
        folders = run_summary.find_runs(folder)
        for number, each in enumerate(folders):
            if stop.is_set():
                raise Stopped
            found.append(run_summary.summarise(each, judged_labels.find_all(each)))
            yield Progress(number + 1, len(folders), "runs")
        return found

    return Job("Reading the runs", run)


@dataclass(frozen=True)
class Remarks:
    """Of a run: a warning for each part whose numbers are outdated, and over which galaxies and labels each is."""

    outdated: Mapping[str, str]
    judged: Mapping[str, JudgedOn]


def find_remarks(runs: Sequence[RunFolder]) -> Job:
    """Find what has to be known of the numbers of runs before they are compared: see :class:`Remarks`, by run."""

    def run(stop: threading.Event) -> Work[dict[Path, Remarks]]:
        from core.metrics import judged_labels
        from core.train import run_summary

        found: dict[Path, Remarks] = {}
        for number, each in enumerate(runs):
            if stop.is_set():
                raise Stopped
            with contextlib.suppress(Problem):  # the list says what cannot be read
                judged = judged_labels.find_all(each)
                found[each.path] = Remarks(run_summary.find_outdated(each, judged), judged)
            yield Progress(number + 1, len(runs), "runs")
        return found

    return Job("Comparing what the runs' numbers are over", run)


def read_histories(runs: Sequence[RunFolder]) -> Job:
    """Read the histories of runs, by the paths of their folders; empty for a run without one."""

    def run(stop: threading.Event) -> Work[dict[str, list[dict[str, float]]]]:
        from core.project.history import read_history

        yield from begin_unless_stopped(stop)
        found: dict[str, list[dict[str, float]]] = {}
        for each in runs:
            try:
                found[str(each.path)] = read_history(each.history_file) if each.history_file.exists() else []
            except Problem as problem:
                found[str(each.path)] = []
                yield Skipped(problem)
        return found

    return Job("Reading the curves", run)


def find_learning_rate(settings: RunSettings, data: Path, hand_labels: LabelJournal | None) -> Job:
    """Run the learning-rate range test on a throwaway network."""

    def run(stop: threading.Event) -> Work[RateRange]:
        from core.train import learning_rate_finder

        return (yield from learning_rate_finder.run(settings, data, stop, hand_labels=hand_labels))

    return Job("Trying learning rates", run)


def find_batch_size(settings: RunSettings, data: Path, hand_labels: LabelJournal | None) -> Job:
    """Try batch sizes on a throwaway network."""

    def run(stop: threading.Event) -> Work[BatchSizes]:
        from core.train import batch_size_finder

        return (yield from batch_size_finder.run(settings, data, stop, hand_labels=hand_labels))

    return Job("Trying batch sizes", run)


def write_report(run: RunFolder, path: Path) -> Job:
    """Write a run as a report in one HTML file; the result is its path."""

    def work(stop: threading.Event) -> Work[Path]:
        from core.publish import html_report

        return (yield from html_report.write(run, path, stop))

    return Job(f"Report on {run.title}", work)


def export(run: RunFolder, folder: Path) -> Job:
    """Write the network of a run for others into a folder: ONNX file, script, weights, model card, methods."""

    def work(stop: threading.Event) -> Work[Exported]:
        from core.project.outputs import refuse_foreign
        from core.publish import export as exporting

        with ask_before_writing(refuse_foreign):
            return (yield from exporting.run(run.path, folder, stop))

    return Job(f"Exporting {run.title}", work)
