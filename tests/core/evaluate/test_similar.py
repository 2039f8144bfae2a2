from __future__ import annotations

import threading

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_distances
from sklearn.neighbors import NearestNeighbors

from core.errors import Stopped, TooFewGalaxies
from core.evaluate import similar
from core.events import Progress, result_of


def cloud(count: int = 3000, width: int = 90, seed: int = 0) -> np.ndarray:
    """Features as those after an activation: none below zero, on few axes, and a little of everything."""
    random = np.random.default_rng(seed)
    axes = random.normal(0, 1, (8, width))
    return np.maximum(random.normal(0, 1, (count, 8)) @ axes + random.normal(1, 0.4, (count, width)), 0).astype("f4")


@pytest.mark.parametrize("width", [90, 12])
def test_the_neighbours_are_those_of_scikit_learn(width, monkeypatch) -> None:
    monkeypatch.setattr(similar, "_SAMPLE", 400)  # so that the ends of the list are sampled, as those of a million are
    points = cloud(width=width)
    index = result_of(similar.build(points))
    judge = NearestNeighbors(n_neighbors=26, metric="cosine", algorithm="brute").fit(points.astype(np.float64))
    for row in (0, 17, 2999):
        found = index.find([row], 25)
        distances, rows = judge.kneighbors(points[[row]].astype(np.float64))
        np.testing.assert_array_equal(found.rows, rows[0, 1:])
        np.testing.assert_allclose(found.distances, distances[0, 1:], atol=1e-9)


@pytest.mark.parametrize("to_several", ["mean", "nearest"])
def test_the_distance_to_several_is_the_mean_or_the_least_one(to_several) -> None:
    points, chosen = cloud(500), [3, 200, 77]
    found = result_of(similar.build(points)).find(chosen, 40, to_several)
    each = cosine_distances(points.astype(np.float64), points[chosen].astype(np.float64))
    each = each.mean(axis=1) if to_several == "mean" else each.min(axis=1)
    each[chosen] = np.inf
    order = np.argsort(each)[:40]
    np.testing.assert_array_equal(found.rows, order)
    np.testing.assert_allclose(found.distances, each[order], atol=1e-9)


def test_a_distance_is_told_by_the_random_pairs_that_are_farther_apart() -> None:
    points = cloud(400)
    index = result_of(similar.build(points))
    all_pairs = cosine_distances(points.astype(np.float64))[np.triu_indices(400, 1)]
    for share in (0.05, 0.5, 0.9):
        at = np.quantile(all_pairs, share)
        assert index.share_farther(np.array([at]))[0] == pytest.approx(1 - share, abs=0.02)
    assert index.find([0], 1).closer_than[0] > 0.9


def test_brighter_copies_are_at_no_distance_and_equal_galaxies_in_their_order() -> None:
    points = np.ones((300, 70), np.float32) * np.arange(1, 301, dtype=np.float32)[:, None]
    found = result_of(similar.build(points)).find([5], 10)
    assert found.rows.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    np.testing.assert_allclose(found.distances, 0, atol=1e-9)
    dark = np.zeros((10, 70), np.float32)
    np.testing.assert_allclose(result_of(similar.build(dark)).find([5], 3).distances, 1)


def test_of_few_galaxies_all_others_are_found() -> None:
    index = result_of(similar.build(cloud(5)))
    assert sorted(index.find([2], 50).rows.tolist()) == [0, 1, 3, 4]
    assert len(index.find([0, 1, 2, 3, 4], 50)) == 0
    with pytest.raises(TooFewGalaxies):
        result_of(similar.build(cloud(1)))


def test_the_index_of_a_dataset_reports_and_can_be_stopped(survey_run, survey_dataset) -> None:
    events = list(similar.load(survey_run, survey_dataset))
    assert Progress(90, 90, "galaxies") in events
    stop = threading.Event()
    work = similar.load(survey_run, survey_dataset, stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)
