"""Jobs of the Evaluate room, not yet started."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.data.settings import EvaluatedPart
from core.events import Progress, Work
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.wording import capitalised

if TYPE_CHECKING:
    from core.evaluate.charts import Chart
    from core.evaluate.class_charts import Rankings
    from core.evaluate.comparison import Comparison, FitTable, MeasuredQuantity
    from core.evaluate.comparison_columns import MeasuredColumns
    from core.evaluate.comparison_lines import Line, PanelText
    from core.evaluate.doubtful import Doubtful
    from core.evaluate.environment import Environments
    from core.evaluate.evaluation import Evaluation
    from core.evaluate.settings import FitSettings
    from core.evaluate.side_importance import SideImportance
    from core.evaluate.two_runs import TwoRuns
    from core.nets.temperature import Temperature
    from core.simulate.psf_settings import PsfSettings


def evaluate(run: RunFolder, data: Path, part: EvaluatedPart, hand_labels: LabelJournal | None) -> Job:
    """Evaluate a run's network on one part of a dataset."""

    def work(stop: threading.Event) -> Work[Evaluation]:
        from core.evaluate import evaluation

        return (yield from evaluation.run(run, data, part, stop, hand_labels=hand_labels))

    return Job(f"Evaluating “{run.name}”", work)


def decide(run: RunFolder, shown: Evaluation, wish: str, validation: Evaluation | None) -> Job:
    """Put an evaluation under another decision, and keep that with the run; the network is not needed."""

    def work(stop: threading.Event) -> Work[Evaluation]:
        from core.evaluate import evaluation

        yield Progress(0, None)
        return (yield from evaluation.decide(run, shown, wish, validation, stop))

    return Job(f"Deciding for “{run.name}”", work)


@dataclass(frozen=True, eq=False)
class ShownComparison:
    """A comparison with what is drawn of it: the lines of each plot, and the rows of the table."""

    comparison: Comparison
    panels: Mapping[str, tuple[PanelText, Sequence[Line]]]
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def prepare_measured(
    evaluation: Evaluation, columns: Mapping[str, NDArray[Any]], units: Mapping[str, str], fits: FitTable | None
) -> Job:
    """Find the quantities of an evaluation and the columns of the catalogue that they can be shown against."""

    def run(stop: threading.Event) -> Work[MeasuredColumns]:
        from core.evaluate.comparison_columns import find_columns

        yield from begin_unless_stopped(stop)
        return find_columns(evaluation, columns, units, fits)

    return Job("Reading the columns", run)


def compare(
    quantity: MeasuredQuantity, against: tuple[str, NDArray[Any]], split: tuple[str, NDArray[Any]] | None
) -> Job:
    """Compute bias, scatter, outliers and coverage in bins of a column."""

    def run(stop: threading.Event) -> Work[ShownComparison]:
        from core.evaluate import comparison
        from core.evaluate.comparison_lines import PANELS, lines_of

        yield from begin_unless_stopped(stop)
        found = yield from comparison.compare(quantity, against, split, stop)
        panels = {name: (text, lines_of(found, name)) for name, text in PANELS.items()}
        return ShownComparison(found, panels, *comparison.rows_of(found))

    return Job("Comparing in bins", run)


def find_environments(data: Path, rows: NDArray[np.int64]) -> Job:
    """Find the neighbours of galaxies by segmentation, and classify their environments."""

    def run(stop: threading.Event) -> Work[Environments]:
        from core.evaluate import environment

        return (yield from environment.run(data, rows, stop=stop))

    return Job("Looking for neighbours", run)


def read_fits(path: Path, ids: Sequence[str]) -> Job:
    """Read a table of fitted profiles."""

    def run(stop: threading.Event) -> Work[FitTable]:
        from core.evaluate import comparison

        yield from begin_unless_stopped(stop)
        return (yield from comparison.read_fits(path, ids, stop))

    return Job(f"Reading {path.name}", run)


@dataclass(frozen=True)
class FitWish:
    """How galaxies are to be fitted: how many, and with which settings.

    ``preset`` is the instrument that gives the point-spread function and the noise, unless ``psf`` does; neither: the
    simulation that made the dataset.
    """

    count: int
    settings: FitSettings
    preset: str = ""
    psf: PsfSettings | None = None


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fitted profiles of a dataset, and what is to be said of them."""

    data: Path
    table: FitTable
    sentence: str


def fit_profiles(data: Path, rows: NDArray[np.int64], wish: FitWish) -> Job:
    """Fit profiles to so many of these galaxies of a dataset."""

    def run(stop: threading.Event) -> Work[Fitted]:
        from core.evaluate import comparison, fit_sources, profile_fit

        yield from begin_unless_stopped(stop)
        settings = wish.settings
        source = fit_sources.find(data, settings.band, settings.zero_point, wish.preset or None, wish.psf)
        zero_point = source.zero_point if settings.zero_point is None else settings.zero_point
        settings = settings.model_copy(update={"gain": settings.gain or source.gain, "zero_point": zero_point})
        chosen = fit_sources.draw_rows(rows, wish.count)
        fits = yield from profile_fit.run(data, source.psf, settings, chosen, stop, choice=source.choice)
        return Fitted(data, comparison.table_of(fits, data), " ".join([fits.summary, *source.remarks]))

    return Job("Fitting profiles", run)


def save_comparison(found: Comparison, path: Path, *, is_figure: bool) -> Job:
    """Write a comparison as a figure, or its numbers as a table."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.evaluate import comparison, comparison_figure

        yield from begin_unless_stopped(stop)
        if is_figure:
            comparison_figure.save(found, path)
        else:
            comparison.write_table(found, path)
        return path

    return Job(f"Writing {path.name}", run)


def find_rankings(evaluation: Evaluation) -> Job:
    """Judge how well the galaxies of each class are found by its probability."""

    def run(stop: threading.Event) -> Work[Rankings]:
        from core.evaluate import class_charts

        yield from begin_unless_stopped(stop)
        return (yield from class_charts.find_rankings(evaluation, stop))

    return Job("Ranking the galaxies", run, is_reading=True)


def make_chart(rankings: Rankings, kind: str, name: str) -> Chart:
    """One of the charts of :mod:`core.evaluate.class_charts`: a few milliseconds, the work is in the rankings."""
    from core.evaluate import class_charts

    return class_charts.make_chart(rankings, kind, name)  # pyrefly: ignore[bad-argument-type] - one of its kinds


def describe_taken(evaluation: Evaluation, name: str, first: int, threshold: float, frequency: float | None) -> str:
    """What is taken for a class: the first ones by its probability, or those from a threshold on.

    With a ``frequency``, also how pure they would be where the class has that share of all galaxies.
    """
    from core.evaluate import class_charts

    taken = class_charts.select(evaluation, name, first=first, threshold=threshold)
    how = f"the first {taken.taken:,} by probability" if first else f"from a probability of {threshold:.3f} on"
    return class_charts.describe_selection(taken, name, how, frequency)


def figure_titles(evaluation: Evaluation) -> dict[str, str]:
    """The figures of merit of classes that are shown in bins: titles by name."""
    from core.metrics.binned_classes import metrics_for
    from core.metrics.merits import display_name

    titles = {name: display_name(name) for name in metrics_for(evaluation.predictions.names)}
    return {name: capitalised(title) for name, title in titles.items()}


def draw_bins(
    evaluation: Evaluation, metric: str, against: tuple[str, NDArray[Any]], split: tuple[str, NDArray[Any]] | None
) -> Job:
    """A figure of merit of classes in bins of a column."""

    def run(stop: threading.Event) -> Work[Chart]:
        from core.evaluate import class_charts

        yield from begin_unless_stopped(stop)
        return class_charts.draw_bins(evaluation, metric, against, split)

    return Job("Putting galaxies into bins", run, is_reading=True)


def find_doubtful(evaluation: Evaluation, kind: str) -> Job:
    """Find the galaxies to look at."""

    def run(stop: threading.Event) -> Work[Doubtful]:
        from core.evaluate import doubtful

        yield from begin_unless_stopped(stop)
        return doubtful.find(evaluation, kind)  # pyrefly: ignore[bad-argument-type] - one of its kinds

    return Job("Looking for galaxies to look at", run, is_reading=True)


def compare_runs(
    first: RunFolder, second: RunFolder, data: Path, part: EvaluatedPart, hand_labels: LabelJournal | None
) -> Job:
    """Compare two runs on galaxies that neither was trained on."""

    def run(stop: threading.Event) -> Work[ShownRuns]:
        from core.evaluate import two_runs

        found = yield from two_runs.run(first, second, data, part, stop, hand_labels=hand_labels)
        return ShownRuns(found, two_runs.HEADERS, two_runs.rows_of(found))

    return Job(f"Comparing “{first.title}” and “{second.title}”", run)


@dataclass(frozen=True, eq=False)
class ShownRuns:
    """A comparison of two runs with the rows of its table."""

    found: TwoRuns
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def fit_temperature(run: RunFolder, data: Path, hand_labels: LabelJournal | None) -> Job:
    """Fit the temperature of a run on its validation part, and keep it."""

    def work(stop: threading.Event) -> Work[Temperature]:
        from core.evaluate import temperature

        return (yield from temperature.fit(run, data, stop, hand_labels=hand_labels))

    return Job(f"Calibrating “{run.name}”", work)


def remove_temperature(run: RunFolder, data: Path, hand_labels: LabelJournal | None) -> Job:
    """Give a run its own probabilities back."""

    def work(stop: threading.Event) -> Work[None]:
        from core.evaluate import temperature

        yield from begin_unless_stopped(stop)
        yield from temperature.remove(run, data, stop, hand_labels=hand_labels)

    return Job(f"Removing the temperature of “{run.name}”", work)


def measure_side_importance(evaluation: Evaluation, run: RunFolder, data: Path) -> Job:
    """Shuffle each catalogue column beside the image among the galaxies of an evaluation."""

    def work(stop: threading.Event) -> Work[SideImportance]:
        from core.evaluate import side_importance

        yield from begin_unless_stopped(stop)
        return (yield from side_importance.measure(evaluation, run.best, data, stop))

    return Job("Shuffling the columns beside the image", work)


def save_side_importance(found: SideImportance, path: Path, *, is_figure: bool) -> Job:
    """Write what the columns beside the image bring as a figure, or as a table."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.evaluate import side_importance_figure

        yield from begin_unless_stopped(stop)
        (side_importance_figure.save if is_figure else side_importance_figure.write_table)(found, path)
        return path

    return Job(f"Writing {path.name}", run)


def save_chart(chart: Chart, path: Path, *, is_figure: bool) -> Job:
    """Write a chart as a figure, or its numbers as a table."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.evaluate import charts

        yield from begin_unless_stopped(stop)
        (charts.save_figure if is_figure else charts.write_table)(chart, path)
        return path

    return Job(f"Writing {path.name}", run)


def save_confusion(evaluation: Evaluation, share: str, path: Path, *, is_figure: bool) -> Job:
    """Write the confusion matrix as a figure, or as a table."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.evaluate import confusion_figure

        yield from begin_unless_stopped(stop)
        if is_figure:
            confusion_figure.save(evaluation, share, path)  # pyrefly: ignore[bad-argument-type] - one of its shares
        else:
            confusion_figure.write_table(evaluation, path)
        return path

    return Job(f"Writing {path.name}", run)


def save_doubtful(found: Doubtful, path: Path) -> Job:
    """Write the galaxies to look at as a table."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.evaluate import doubtful

        yield from begin_unless_stopped(stop)
        doubtful.write_table(found, path)
        return path

    return Job(f"Writing {path.name}", run)


def save_two_runs(found: TwoRuns, path: Path) -> Job:
    """Write the comparison of two runs as a table."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.evaluate import two_runs

        yield from begin_unless_stopped(stop)
        two_runs.write_table(found, path)
        return path

    return Job(f"Writing {path.name}", run)
