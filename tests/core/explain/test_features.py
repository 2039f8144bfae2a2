from __future__ import annotations

import threading

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from core.errors import NotANumber, Stopped, TooFewGalaxies
from core.events import result_of
from core.explain import features
from core.explain.settings import FeatureMapSettings
from core.nets.predictor import Predictor


def clouds(count: int = 40, width: int = 12, distance: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of points (3 count, width), and their numbers."""
    random = np.random.default_rng(0)
    centres = distance * np.eye(3, width)
    labels = np.repeat(np.arange(3), count)
    return (centres[labels] + random.normal(0, 1, (3 * count, width))).astype(np.float32), labels


def mapped(points: np.ndarray, **knobs):
    return features.embed(points, FeatureMapSettings(**knobs))


def test_principal_components_are_those_of_scikit_learn_and_of_the_definition() -> None:
    points, _ = clouds()
    found, variance = mapped(points, standardise=False)
    expected = PCA(2, svd_solver="full").fit(points.astype(np.float64))
    np.testing.assert_allclose(found, expected.transform(points), atol=1e-3)
    np.testing.assert_allclose(variance, expected.explained_variance_ratio_, rtol=1e-4)
    covariance = np.cov(points.astype(np.float64).T)
    largest = np.linalg.eigvalsh(covariance)[::-1]
    np.testing.assert_allclose(found.var(axis=0, ddof=1), largest[:2], rtol=1e-4)
    np.testing.assert_allclose(variance, largest[:2] / largest.sum(), rtol=1e-4)


def test_standardised_features_count_alike() -> None:
    points, labels = clouds()
    loud = points.copy()
    loud[:, 5] = 1e4 * points[:, 5]  # noise, and nothing else
    np.testing.assert_allclose(mapped(loud)[0], mapped(points)[0], atol=1e-3)
    drowned, _ = mapped(loud, standardise=False)
    assert told_apart(drowned, labels) < 0.9


def told_apart(coordinates: np.ndarray, labels: np.ndarray) -> float:
    """Share of the points whose neighbours on the map are of their own class."""
    return KNeighborsClassifier(5).fit(coordinates, labels).score(coordinates, labels)


@pytest.mark.parametrize("method", ["PCA", "t-SNE"])
def test_planted_classes_lie_apart(method) -> None:
    points, labels = clouds()
    found, variance = mapped(points, method=method)
    assert found.shape == (120, 2) and found.dtype == np.float32
    assert told_apart(found, labels) >= 0.95
    assert (variance is None) == (method == "t-SNE")


def test_the_same_seed_gives_the_same_map_whatever_else_is_drawn() -> None:
    points, _ = clouds(width=80)
    np.random.seed(1)  # noqa: NPY002 - the global state is what it must not look at
    first, _ = mapped(points, method="t-SNE", seed=3)
    np.random.seed(2)  # noqa: NPY002
    again, _ = mapped(points, method="t-SNE", seed=3)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("method", ["PCA", "t-SNE"])
@pytest.mark.parametrize("shape", [(4, 7), (5, 1)])
def test_few_galaxies_and_few_features_are_enough(method, shape) -> None:
    points = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    found, _ = mapped(points, method=method)
    assert found.shape == (shape[0], 2)
    assert np.isfinite(found).all()


def test_where_nothing_varies_all_points_fall_together() -> None:
    found, variance = mapped(np.ones((6, 3), np.float32))
    assert not found.any()
    assert variance.tolist() == [0, 0]


def test_three_galaxies_are_too_few() -> None:
    with pytest.raises(TooFewGalaxies, match="3 galaxies"):
        mapped(np.zeros((3, 5), np.float32))


def test_a_dataset_becomes_a_map_with_its_ids(survey_run, survey_dataset, survey) -> None:
    made = result_of(features.run(survey_run, survey_dataset, FeatureMapSettings(), threading.Event()))
    assert sorted(made.ids) == sorted(survey.ids)
    assert made.coordinates.shape == (len(made), 2)
    assert made.rows.tolist() == list(range(90))
    assert made.explained_variance[0] >= made.explained_variance[1] > 0
    some = FeatureMapSettings(method="t-SNE", most_galaxies=20)
    sample = result_of(features.run(survey_run, survey_dataset, some, threading.Event()))
    assert len(sample) == 20 and len(set(sample.rows.tolist())) == 20
    assert [made.ids[row] for row in sample.rows] == list(sample.ids)


def test_features_that_are_not_finite_are_a_problem(survey_run, survey_dataset, tmp_path) -> None:
    broken = Predictor.load(survey_run)
    broken.normalisation.scale.fill_(float("nan"))
    broken.save(tmp_path / "broken.safetensors")
    work = features.run(tmp_path / "broken.safetensors", survey_dataset, FeatureMapSettings(), threading.Event())
    with pytest.raises(NotANumber, match="90 of 90"):
        result_of(work)


def test_it_can_be_stopped(survey_run, survey_dataset) -> None:
    stop = threading.Event()
    work = features.run(survey_run, survey_dataset, FeatureMapSettings(), stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)
