"""How good the defaults are: against a plain PyTorch script, on the same galaxies, split and time.

On the simulated survey, or on the dataset of classes that BENCHMARK_DATASET names, such as real galaxies. A quarter of
the galaxies, the same for both and for all sizes, is never seen in training.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.evaluate import predict
from core.events import result_of
from core.simulate import demo
from core.train import loop, preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings
from tests.benchmarks import plain_script

pytestmark = pytest.mark.benchmark
SPLITS = 3


@pytest.fixture(scope="module")
def data() -> Path:
    named = os.environ.get("BENCHMARK_DATASET")
    return Path(named) if named else result_of(demo.cached_survey())


def by_default(data: Path, settings: RunSettings, folder: Path, rows: np.ndarray):
    """Probabilities of the program's default recipe for some rows, and the seconds that the training took."""
    started = time.perf_counter()
    result_of(loop.run(settings, data, folder))
    return result_of(predict.run(folder, data, rows)).scores, time.perf_counter() - started


def by_script(data: Path, parts, labels: np.ndarray, seed: int):
    """The same by the script."""
    with Cutouts.open(data) as cutouts:
        train, validation, test = (cutouts.images[rows] for rows in (parts.train, parts.validation, parts.test))
    started = time.perf_counter()
    answer = plain_script.train(train, labels[parts.train], (validation, labels[parts.validation]), seed=seed)
    return answer(test), time.perf_counter() - started


@pytest.mark.parametrize("size", [100, 200, 500, 1000, None])
def test_the_defaults_are_no_worse_than_a_plain_script_and_take_no_longer(data, tmp_path, size):
    rows = {"ours": [], "script": []}
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
            "ours": by_default(data, settings, tmp_path / str(seed), parts.test),
            "script": by_script(data, parts, labels, seed),
        }
        true = labels[parts.test]
        for name, (scores, spent) in answers.items():
            called = scores.argmax(axis=1)
            reached = (f1_score(true, called, average="macro"), accuracy_score(true, called))
            rows[name].append((*reached, balanced_accuracy_score(true, called)))
            seconds[name] += spent / SPLITS
    means = {name: np.mean(each, axis=0) for name, each in rows.items()}
    for name in rows:
        told = " ".join(f"{value:.3f}" for value in means[name])
        print(f"\n{size or 'all'} {name}: macro F1, accuracy, balanced accuracy {told}; {seconds[name]:.0f} s", end="")
    apart = np.array(rows["ours"])[:, 0] - np.array(rows["script"])[:, 0]
    assert apart.mean() > -2 * apart.std(ddof=1) / np.sqrt(SPLITS)
    assert seconds["ours"] < 1.2 * seconds["script"]
