from __future__ import annotations

import json

import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearns

from core.data.target import Classes, Quantities, VoteFractions
from core.metrics import report as metrics
from core.metrics.fraction import Fraction
from core.metrics.report import ClassReport, QuantitiesReport

NAMES = ("disk", "edge-on", "spheroid", "irregular")


@pytest.fixture(params=range(3))
def judged(request) -> tuple[np.ndarray, np.ndarray, ClassReport]:
    """Labels, probabilities and their report; classes of very different size."""
    random = np.random.default_rng(request.param)
    labels = random.choice(4, 200, p=[0.6, 0.25, 0.1, 0.05])
    scores = random.dirichlet([0.5] * 4, 200)
    scores[np.arange(200), labels] += 0.4
    scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    return labels, scores, metrics.classification_report(labels, scores, NAMES)


@pytest.mark.truth("Accuracy, completeness, purity, F1", "scikit-learn")
def test_classification_agrees_with_scikit_learn(judged) -> None:
    labels, scores, report = judged
    predicted = scores.argmax(axis=1)
    precision, recall, f1, support = sklearns.precision_recall_fscore_support(labels, predicted)
    assert report.accuracy.value == pytest.approx(sklearns.accuracy_score(labels, predicted))
    assert report.balanced_accuracy == pytest.approx(sklearns.balanced_accuracy_score(labels, predicted))
    assert report.macro_f1 == pytest.approx(sklearns.f1_score(labels, predicted, average="macro"))
    assert [report.purity[name].value for name in NAMES] == pytest.approx(precision)
    assert [report.completeness[name].value for name in NAMES] == pytest.approx(recall)
    assert [report.f1[name] for name in NAMES] == pytest.approx(f1)
    assert list(report.counts.values()) == support.tolist()
    np.testing.assert_array_equal(report.confusion, sklearns.confusion_matrix(labels, predicted))
    exact = scores / scores.sum(axis=1, keepdims=True, dtype=np.float64)
    assert report.log_loss == pytest.approx(sklearns.log_loss(labels, exact), rel=1e-5)
    truth = np.eye(4)[labels]
    assert report.brier == pytest.approx(((scores - truth) ** 2).sum(axis=1).mean())


def test_what_was_never_predicted_or_never_seen_has_no_value_and_is_not_zero() -> None:
    labels, scores = np.array([0, 0, 1]), np.array([[0.9, 0.1, 0, 0], [0.8, 0.2, 0, 0], [0.7, 0.3, 0, 0]])
    report = metrics.classification_report(labels, scores, NAMES)
    assert report.purity["edge-on"].value is None
    assert report.completeness["edge-on"].value == 0
    assert report.completeness["spheroid"].value is None
    assert report.f1["spheroid"] is None
    assert report.f1["edge-on"] == 0
    assert report.balanced_accuracy == pytest.approx(0.5)
    assert report.macro_f1 == pytest.approx((0.8 + 0) / 2)
    assert str(report.purity["edge-on"]) == "–"
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["purity"]["spheroid"] is None


def test_no_galaxies_give_no_numbers() -> None:
    report = metrics.classification_report(np.zeros(0, np.int64), np.zeros((0, 4)), NAMES)
    assert report.accuracy.value is report.balanced_accuracy is report.log_loss is None
    assert report.confusion.sum() == 0
    other = metrics.regression_report(np.zeros((0, 1)), np.zeros((0, 1)), ["radius"])
    assert other.r2 is other.quantities["radius"].bias is None


def test_a_report_becomes_json(judged) -> None:
    values = json.loads(json.dumps(judged[2].to_json(), allow_nan=False))
    assert values["galaxies"] == 200
    assert values["classes"] == list(NAMES)
    low, high = values["intervals"]["purity"]["disk"]
    assert low < values["purity"]["disk"] < high


@pytest.mark.truth("Intervals of shares", "astropy")
@pytest.mark.parametrize("counts", [(0, 7), (7, 7), (1, 3), (250, 1000), (999, 1000)])
def test_the_interval_is_the_one_that_astropy_gives(counts) -> None:
    confidence = stats.norm.cdf(1) - stats.norm.cdf(-1)
    expected = binom_conf_interval(*counts, confidence_level=confidence, interval="wilson")
    assert Fraction(*counts).interval == pytest.approx(tuple(expected), abs=1e-12)


@given(st.integers(1, 10_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_bounds_of_wilsons_interval_are_one_sigma_from_the_measured_share(counts) -> None:
    fraction = Fraction(*counts)
    value, interval = fraction.value, fraction.interval
    assert value is not None and interval is not None
    assert 0 <= interval[0] <= value <= interval[1] <= 1
    for bound in interval:  # where the true share is at the bound, the measured one is one standard deviation off
        sigma = np.sqrt(bound * (1 - bound) / fraction.total)
        if 0 < bound < 1:
            assert abs(value - bound) == pytest.approx(sigma, rel=1e-6, abs=1e-9)


@pytest.mark.truth("R², bias, scatter", "scikit-learn and percentiles")
def test_regression_agrees_with_scikit_learn_and_percentiles() -> None:
    random = np.random.default_rng(0)
    true = random.uniform(1, 10, (300, 2))
    predicted = true + random.normal([0.3, -0.1], [0.5, 1.0], (300, 2))
    report = metrics.regression_report(true, predicted, ["radius", "index"])
    for place, name in enumerate(("radius", "index")):
        found = report.quantities[name]
        off = predicted[:, place] - true[:, place]
        assert found.r2 == pytest.approx(sklearns.r2_score(true[:, place], predicted[:, place]))
        assert found.mae == pytest.approx(sklearns.mean_absolute_error(true[:, place], predicted[:, place]))
        assert found.bias == pytest.approx(np.median(off))
        assert found.scatter == pytest.approx((np.percentile(off, 84) - np.percentile(off, 16)) / 2)
        assert found.outliers.hits == (np.abs(off) > true[:, place] / 2).sum()
    assert report.r2 == pytest.approx(sklearns.r2_score(true, predicted))
    assert report.accuracy is None
    json.dumps(report.to_json(), allow_nan=False)


def test_an_outlier_of_a_magnitude_is_a_flux_wrong_by_half() -> None:
    true = np.array([[18.0], [20.0], [22.0], [24.0]])
    target = Quantities(("m",), ("mag",))
    report = metrics.make_report(target, true, true + np.array([[0.43], [-0.43], [0.45], [-0.45]]))
    assert report.quantities["m"].outliers.hits == 2
    assert "Outliers in m: wrong by more than 0.44 mag" in report.remark


def test_outliers_of_numbers_with_a_sign_are_counted_in_units_of_their_scatter() -> None:
    true = np.linspace(-1, 1, 101)[:, None]
    predicted = true.copy()
    predicted[:7] += 4 * true.std()
    assert metrics.regression_report(true, predicted, ["colour"]).quantities["colour"].outliers.hits == 7


def test_equal_labels_have_no_r2() -> None:
    report = metrics.regression_report(np.full((5, 1), 2.0), np.arange(5.0)[:, None], ["radius"])
    assert report.r2 is None
    assert report.quantities["radius"].bias == 0


def test_each_kind_of_target_has_its_report() -> None:
    random = np.random.default_rng(1)
    shares = random.dirichlet([1, 1], 50)
    votes = metrics.make_report(VoteFractions(("smooth", "featured")), shares, shares)
    assert isinstance(votes, QuantitiesReport) and votes.accuracy is not None and votes.accuracy.value == 1
    assert isinstance(metrics.make_report(Quantities(("r",), ("",)), shares[:, :1], shares[:, :1]), QuantitiesReport)
    assert isinstance(metrics.make_report(Classes("t", ("a", "b")), np.array([0, 1]), shares[:2]), ClassReport)
