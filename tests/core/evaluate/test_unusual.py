from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from galaxies import write_dataset
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score
from small_survey import SIDE, draw

from core.errors import NotPossible, TooFewGalaxies, UnreadableFile
from core.evaluate import unusual
from core.evaluate.unusual import TrainingGalaxies
from core.events import result_of
from core.project.runs import RunFolder


def training_of(features: np.ndarray) -> TrainingGalaxies:
    count = len(features)
    return TrainingGalaxies(Path("data.h5"), np.arange(count), tuple(map(str, range(count))), features, "", count)


@pytest.mark.truth("Unlikeness", "scikit-learn and scipy")
def test_the_distance_is_the_one_of_mahalanobis_with_the_covariance_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    known = (random.normal(0, 1, (300, 6)) @ random.normal(0, 1, (6, 6))).astype(np.float32)
    new = random.normal(0, 3, (50, 6)).astype(np.float32)
    found = result_of(unusual.rank(new, training_of(known)))
    mean, spread = known.mean(axis=0, dtype=np.float64), known.std(axis=0, dtype=np.float64)
    judge = LedoitWolf(assume_centered=True).fit((known - mean) / spread)
    np.testing.assert_allclose(found.distances**2, judge.mahalanobis((new - mean) / spread), rtol=1e-6)
    assert found.order[0] == found.distances.argmax()


def test_new_ordinary_galaxies_are_more_unlike_than_half_of_the_training_galaxies_on_average() -> None:
    """Also where there are hardly more training galaxies than features, and each is at the middle of itself."""
    random = np.random.default_rng(1)
    known, new = random.normal(0, 1, (60, 40)).astype("f4"), random.normal(0, 1, (400, 40)).astype("f4")
    found = result_of(unusual.rank(new, training_of(known)))
    assert found.more_than.mean() == pytest.approx(0.5, abs=0.1)


def test_a_feature_that_does_not_vary_is_no_reason() -> None:
    known = np.random.default_rng(2).normal(0, 1, (100, 4)).astype(np.float32)
    known[:, 2] = 7
    assert np.isfinite(result_of(unusual.rank(known, training_of(known))).distances).all()


def strange(random: np.random.Generator) -> np.ndarray:
    """A stamp as no survey should have: half of it missing, crossed by a trail, or two galaxies in one."""
    one, other = (draw("disk", 4.5, 0.3, random) for _ in range(2))
    kind = random.integers(3)
    if kind == 0:
        one[:, : SIDE // 2] = 0
    elif kind == 1:
        one[random.integers(6, 18)] += 120
    else:
        one = np.roll(one, 6, 1) + np.roll(other, -6, 1)
    return one


def test_planted_strange_galaxies_come_first(survey_run, tmp_path) -> None:
    random = np.random.default_rng(5)
    usual = [draw(("disk", "edge-on", "spheroid")[n % 3], random.uniform(3.5, 5.5), n, random) for n in range(60)]
    images = np.stack([*usual, *(strange(random) for _ in range(12))])[:, None]
    data = write_dataset(tmp_path / "new.h5", images, {"shape": ["disk"] * 72}, ["shape"], ("r",))
    found = result_of(unusual.run(survey_run, data))
    assert roc_auc_score(np.arange(72) >= 60, found.distances) > 0.95
    assert (found.more_than[found.order[:8]] > 0.95).all()
    assert np.median(found.more_than[:60]) < 0.9


def test_a_training_galaxy_is_compared_with_the_others(survey_run, survey_dataset) -> None:
    found = result_of(unusual.run(survey_run, survey_dataset))
    training = found.training.rows
    ranks = np.sort(found.more_than[training])
    np.testing.assert_allclose(ranks, np.arange(len(training)) / len(training))  # it is one of them
    nearest = found.nearest_training_galaxies(training[:4])
    own = [found.training.ids[place] for place in range(4)]
    assert all(name != mine and name in found.training.ids for (name, _), mine in zip(nearest, own, strict=True))
    assert all(0 <= distance < 1 for _, distance in nearest)


def test_without_its_training_galaxies_nothing_is_ranked(survey_run, survey_dataset, tmp_path, monkeypatch) -> None:
    alone = tmp_path / "alone.safetensors"
    shutil.copy(RunFolder(survey_run).best, alone)
    with pytest.raises(NotPossible, match="folder of a run"):
        result_of(unusual.run(alone, survey_dataset))
    elsewhere = tmp_path / "elsewhere" / "run"
    shutil.copytree(survey_run, elsewhere)
    RunFolder(elsewhere).data_file.unlink()
    with pytest.raises(UnreadableFile, match="not beside it"):
        result_of(unusual.run(elsewhere, survey_dataset))
    monkeypatch.setattr(unusual, "_FEWEST", 1000)
    with pytest.raises(TooFewGalaxies, match="training galaxies"):
        result_of(unusual.run(survey_run, survey_dataset))
