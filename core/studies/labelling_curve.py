"""What labelling has brought so far: the score of the networks that were trained on the way, and the random order.

The random order of the very same labelling is not known, since nobody labels the galaxies twice. What it would have
been is measured by a study of suggestions on labelled galaxies (:mod:`core.studies.suggestion_study`); where the
project has one of the same dataset, its mean is shown beside.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.adapt.suggest.run_titles import is_of_labelling
from core.errors import Problem
from core.metrics import judged_labels, merits
from core.metrics.judged_on import JudgedOn, letters_of
from core.metrics.uncertainty import find_error
from core.project.metrics_file import read_metrics
from core.project.runs import SUGGESTION_STUDY_FILE, RunFolder
from core.studies import suggestion_study
from core.studies.suggestion_gain import RANDOM, SuggestionStudy

METRIC = "balanced_accuracy"


@dataclass(frozen=True)
class ScoreAtLabels:
    """A score with its error (0: unknown) at a number of labelled training galaxies."""

    labels: int
    score: float
    error: float


@dataclass(frozen=True)
class LabellingCurve:
    """Scores against the number of labels.

    Attributes
    ----------
    points
        Of the networks trained while labelling, ascending; of each number of labels the latest.
    random
        Means of the random order in a study of this dataset; empty: there is none.
    what
        The name of the score.
    note
        Over which galaxies, and where the random order is from.
    """

    points: tuple[ScoreAtLabels, ...]
    random: tuple[ScoreAtLabels, ...]
    what: str
    note: str


def read(data: Path, runs: Sequence[RunFolder], studies: Path) -> LabellingCurve:
    """Read the scores of the runs of a dataset that were trained while labelling, and of a study's random order.

    Parameters
    ----------
    data
        The dataset.
    runs
        Of the project, oldest first.
    studies
        The folder of the project's studies.
    """
    points: dict[int, ScoreAtLabels] = {}
    judges: set[int] = set()
    judged: dict[int, JudgedOn | None] = {}
    for run in runs:
        if not is_of_labelling(run.title):
            continue
        with contextlib.suppress(Problem, KeyError, TypeError):  # whoever opens that run is told
            values = read_metrics(run.metrics_file)
            validation = values.get("validation") or {}
            if run.find_data() == data.resolve() and validation.get(METRIC) is not None:
                labels = int(values["data"]["galaxies"]["training"])
                error = find_error(validation, METRIC) or 0.0
                points[labels] = ScoreAtLabels(labels, float(validation[METRIC]), error)
                judges.add(int(validation["galaxies"]))
                judged[labels] = judged_labels.find(run, "validation")
    study = next(_studies_of(data, studies), None)
    random = () if study is None else tuple(_random_order(study))
    what = merits.display_name(METRIC)
    note = "" if not judges else f"{_range(judges)} galaxies of the validation part"
    if study is not None:
        note += f"; random order: the study “{study.folder.name}”"
    if any(letters_of(list(judged.values()))):
        note += "; not all scores are of the same galaxies and labels"
    ordered = tuple(points[labels] for labels in sorted(points))
    return LabellingCurve(ordered, random, f"{what[:1].upper()}{what[1:]}", note)


def _studies_of(data: Path, studies: Path) -> Iterator[SuggestionStudy]:
    """The studies of suggestions of a dataset whose score is the same, the newest first."""
    for file in sorted(studies.glob(f"*/{SUGGESTION_STUDY_FILE}"), reverse=True):
        with contextlib.suppress(Problem):
            found = suggestion_study.open_study(file.parent)
            if found.points and found.metric == METRIC:
                first = RunFolder(file.parent / found.points[0].run)
                if first.find_data() == data.resolve():
                    yield found


def _random_order(study: SuggestionStudy) -> Iterator[ScoreAtLabels]:
    for labels in study.counts(RANDOM):
        mean, error = study.mean(RANDOM, labels)
        yield ScoreAtLabels(labels, mean, 0.0 if math.isnan(error) else error)


def _range(numbers: set[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
