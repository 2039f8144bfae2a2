"""A study of label suggestion whose answer is planted: scores follow known laws, without any training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.adapt.suggest.settings import SuggestionStudySettings
from core.project.files import write_atomically
from core.settings import toml
from core.studies import suggestion_gain
from core.studies.suggestion_gain import RANDOM, Point, SuggestionStudy
from core.train.settings import RunSettings

LABELS = (20, 50, 100, 200, 400)
GAINS = {RANDOM: 0.0, "auto": 0.05, "uncertain": -0.03}


def score(labels: float) -> float:
    """The score in random order."""
    return 0.4 + 0.07 * float(np.log(labels))


def plant(folder: Path, *, noise: float = 0.012, seeds: int = 3) -> SuggestionStudy:
    """A study in which each order is better than the random one by ``GAINS``; the noise of a seed is shared."""
    random = np.random.default_rng(4)
    found = SuggestionStudy(folder, "balanced_accuracy", (), len(GAINS) * len(LABELS) * seeds)
    for seed in range(1, seeds + 1):
        for labels in LABELS:
            shared = noise * random.normal()
            for method, gain in GAINS.items():
                value = score(labels) + gain + shared + 0.1 * noise * random.normal()
                values = {"accuracy": value, "balanced_accuracy": value, "balanced_accuracy_error": 0.02}
                run = f"runs/{method}-n{labels:05d}-seed{seed}"
                found = found.with_point(Point(method, labels, seed, run, 30, 21, 105, values))
    return found


def save(study: SuggestionStudy, start: str = "") -> None:
    """Write a planted study to its folder, as one that has ended."""
    study.folder.mkdir(parents=True)
    settings = RunSettings.model_validate({"transfer": {"start_from": start}})
    wish = SuggestionStudySettings(methods=tuple(name for name in GAINS if name != RANDOM), labels=LABELS)
    write_atomically(study.folder / "settings.toml", toml.dumps(settings))
    write_atomically(study.folder / "suggestions.toml", toml.dumps(wish))
    suggestion_gain.write_table(study, study.folder / "study.csv")
