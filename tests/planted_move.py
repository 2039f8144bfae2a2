"""Studies of a move whose answer is planted: scores follow known laws, with known noise, without any training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.project.files import write_atomically
from core.settings import toml
from core.studies import transfer_study
from core.studies.transfer_settings import TransferStudySettings, default_settings
from core.studies.transfer_study import Judged, TransferPoint, TransferStudy
from core.train.settings import RunSettings

LABELS = (10, 25, 50, 100, 200, 500)
TUNED = {"scratch": -1, "head": 0, "last-1": 1, "last-2": 2, "all": 3}
AHEAD = {"scratch": 1.0, "head": 0.8, "last-1": 1.5, "last-2": 2.0, "all": 3.0}  # labels of scratch for one of these
AS_IS = 0.66
WITHOUT_LABELS = {"coral": 0.72, "dann": 0.55}
SAMPLES = 200


def score(labels: float) -> float:
    """The score of a training from scratch."""
    return 0.4 + 0.075 * float(np.log(labels))


def plant(folder: Path, *, noise: float = 0.012, seeds: int = 3, question: str = "labels") -> TransferStudy:
    """A study in which each strategy is as good as from scratch with ``AHEAD`` times as many labels."""
    random = np.random.default_rng(4)
    shared = random.normal(0, 0.02, SAMPLES)  # of the judged galaxies

    judged = Judged("validation", "balanced_accuracy")

    def add(strategy: str, labels: int, seed: int, value: float, source: float | None) -> None:
        nonlocal judged
        values = {"accuracy": value + 0.03, "balanced_accuracy": value, "balanced_accuracy_error": 0.02}
        if source is not None:
            values |= {
                "source:balanced_accuracy": source,
                "source:balanced_accuracy_error": 0.01,
                "source:galaxies": 450.0,
            }
        run = "" if strategy == "as is" else f"runs/{strategy}-n{labels:06d}-seed{seed}"
        start = "" if strategy == "scratch" else "old"
        tuned = TUNED.get(strategy, -1)
        point = TransferPoint(strategy, labels, seed, start, "new", tuned, run, 30, 30, 0, 105, values)
        judged = judged.with_point(point, value + shared + random.normal(0, 0.004, SAMPLES))

    add("as is", 0, 1, AS_IS, 0.93)
    for strategy, value in WITHOUT_LABELS.items():
        for seed in range(1, seeds + 1):
            add(strategy, 0, seed, value + noise * random.normal(), 0.9)
    for strategy, ahead in AHEAD.items():
        for labels in LABELS:
            for seed in range(1, seeds + 1):
                value = score(ahead * labels) + noise * random.normal()
                forgotten = 0.93 - 0.03 * max(TUNED[strategy], 0) + 0.01 * random.normal()
                add(strategy, labels, seed, value, None if strategy == "scratch" else forgotten)
    return TransferStudy(folder, default_settings(question).question, judged, len(judged.points))


def save(study: TransferStudy, start: Path) -> None:
    """Write a planted study to its folder, as one that has ended."""
    study.folder.mkdir(parents=True)
    settings = RunSettings.model_validate({"transfer": {"start_from": str(start)}})
    wish = TransferStudySettings(question=study.question, labels=("0", *map(str, LABELS)), strategies=("as is", *TUNED))
    write_atomically(study.folder / "settings.toml", toml.dumps(settings))
    write_atomically(study.folder / "transfer.toml", toml.dumps(wish))
    transfer_study.write_table(study.judged, study.folder / "study.csv")
