"""How good the defaults are: against a plain PyTorch script, on the same galaxies, split and time.

On the simulated survey, or on the dataset of classes that BENCHMARK_DATASET names, such as real galaxies; on three
splits, or as many as BENCHMARK_SPLITS says. A quarter of the galaxies, the same for both, is never seen in training;
thresholds for the macro F1 are chosen, for both in the same way, on the validation part.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss

from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.split import Split
from core.data.target import outputs
from core.evaluate import predict
from core.events import result_of
from core.metrics import decision
from core.simulate import demo
from core.train import loop, preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings
from tests.benchmarks import plain_script

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]
SPLITS = int(os.environ.get("BENCHMARK_SPLITS", "3"))
FIGURES = (
    "accuracy",
    "macro F1",
    "macro F1 by thresholds",
    "balanced accuracy",
    "balanced accuracy by thresholds",
    "log loss",
)
LONGER = {100: 2.0, 200: 2.0}  # few galaxies are shown more often than by the script
Answers = tuple[np.ndarray, np.ndarray, float]


@pytest.fixture(scope="module")
def data() -> Path:
    named = os.environ.get("BENCHMARK_DATASET")
    return Path(named) if named else result_of(demo.cached_survey())


def by_default(data: Path, settings: RunSettings, folder: Path, parts: Split) -> Answers:
    """Probabilities by the program's default recipe for validation and test part, and the seconds of the training."""
    started = time.perf_counter()
    result_of(loop.run(settings, data, folder))
    spent = time.perf_counter() - started
    validation, test = (result_of(predict.run(folder, data, rows)).scores for rows in (parts.validation, parts.test))
    return validation, test, spent


def by_script(data: Path, parts: Split, labels: np.ndarray, seed: int) -> Answers:
    """The same by the script."""
    with Cutouts.open(data) as cutouts:
        train, validation, test = (cutouts.images[rows] for rows in (parts.train, parts.validation, parts.test))
    started = time.perf_counter()
    answer = plain_script.train(train, labels[parts.train], (validation, labels[parts.validation]), seed=seed)
    spent = time.perf_counter() - started
    return answer(validation), answer(test), spent


def figures(names: Sequence[str], labels: np.ndarray, parts: Split, answers: Answers) -> tuple[float, ...]:
    """The figures of merit on the test part."""
    validation, test, _ = answers
    true, called = labels[parts.test], test.argmax(axis=1)

    def called_by_thresholds(figure: decision.Aim) -> np.ndarray:
        return decision.choose_thresholds(names, labels[parts.validation], validation, figure).choose(test)

    return (
        accuracy_score(true, called),
        f1_score(true, called, average="macro"),
        f1_score(true, called_by_thresholds("macro F1"), average="macro"),
        balanced_accuracy_score(true, called),
        balanced_accuracy_score(true, called_by_thresholds("balanced accuracy")),
        log_loss(true, test / test.sum(axis=1, keepdims=True), labels=range(len(names))),
    )


def told(each: ArrayLike, pattern: str = "{:.3f}±{:.3f}") -> str:
    """Mean and standard error over the splits, a figure after the other."""
    values = np.array(each)
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return " ".join(pattern.format(*pair) for pair in zip(values.mean(axis=0), errors, strict=True))


@pytest.mark.parametrize("size", [100, 200, 500, 1000, None])
def test_the_defaults_are_no_worse_than_a_plain_script_and_take_no_longer(data, tmp_path, size):
    rows: dict[str, list[tuple[float, ...]]] = {"ours": [], "script": []}
    seconds = {"ours": 0.0, "script": 0.0}
    for seed in range(1, SPLITS + 1):
        split = DataSettings(test=0.25, train_limit=size, train_draw="in proportion")
        settings = RunSettings(data=split, seed=seed)
        with Cutouts.open(data) as cutouts:
            target, labels = read_labels(cutouts, settings.data, None)
            parts = preparation.split_dataset(cutouts, target, labels, settings)
        if size is not None and len(parts.train) < size:
            pytest.skip(f"there are only {len(parts.train)} training galaxies")
        answers = {
            "ours": by_default(data, settings, tmp_path / str(seed), parts),
            "script": by_script(data, parts, labels, seed),
        }
        for name, each in answers.items():
            rows[name].append(figures(outputs(target), labels, parts, each))
            seconds[name] += each[2] / SPLITS
    apart = np.array(rows["ours"]) - np.array(rows["script"])
    print(f"\n{size or 'all'} training galaxies, {SPLITS} splits: {', '.join(FIGURES)}", end="")
    for name, each in rows.items():
        print(f"\n{name}: {told(each)}; {seconds[name]:.0f} s", end="")
    print(f"\nours - script: {told(apart, '{:+.3f}±{:.3f}')}")
    by_thresholds = apart[:, FIGURES.index("macro F1 by thresholds")]
    assert by_thresholds.mean() > -2 * by_thresholds.std(ddof=1) / np.sqrt(SPLITS)
    assert seconds["ours"] < LONGER.get(size, 1.2) * seconds["script"]
