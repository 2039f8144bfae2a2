"""The classifier two-sample test against scikit-learn itself, the analytic accuracy of two Gaussians, and real runs."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from core.adapt import domain_distance
from core.errors import NotPossible, TooFewGalaxies
from core.events import result_of


def gaussian(count, shift=0.0, features=8, seed=0):
    values = np.random.default_rng(seed).normal(0, 1, (count, features))
    values[:, 0] += shift
    return values


def test_equal_surveys_are_told_apart_no_better_than_by_chance():
    found = domain_distance.compare(gaussian(200, seed=1), gaussian(200, seed=2))
    assert abs(found.accuracy - 0.5) < 3 * found.chance_error
    assert found.chance_error == pytest.approx(0.5 / np.sqrt(400))
    assert not found.tells_apart
    assert found.proxy_a_distance < 0.3


@pytest.mark.truth("Distance of two surveys", "the best possible accuracy for two Gaussians")
def test_the_accuracy_for_two_gaussians_is_the_best_possible_one():
    found = domain_distance.compare(gaussian(800, seed=1), gaussian(800, shift=1.5, seed=2))
    best = stats.norm.cdf(0.75)  # half way between the two means
    assert found.accuracy == pytest.approx(best, abs=4 * found.error)
    assert found.tells_apart
    assert found.proxy_a_distance == pytest.approx(2 * (1 - 2 * (1 - found.accuracy)))


def test_surveys_without_overlap_are_always_told_apart():
    found = domain_distance.compare(gaussian(100, seed=1), gaussian(100, shift=40, seed=2))
    assert found.accuracy == 1
    assert found.proxy_a_distance == 2
    assert found.p_value < 1e-30


@pytest.mark.truth("Distance of two surveys", "scikit-learn and scipy")
def test_it_is_the_cross_validated_accuracy_of_scikit_learn_and_the_exact_binomial_probability():
    first, second = gaussian(60, seed=3), gaussian(60, shift=0.7, seed=4)
    found = domain_distance.compare(first, second, seed=5)
    features, surveys = np.concatenate([first, second]), np.repeat([0, 1], 60)
    right = 0
    for train, rest in StratifiedKFold(5, shuffle=True, random_state=5).split(features, surveys):
        scaler = StandardScaler().fit(features[train])
        model = LogisticRegression(max_iter=1000).fit(scaler.transform(features[train]), surveys[train])
        right += (model.predict(scaler.transform(features[rest])) == surveys[rest]).sum()
    assert found.accuracy == right / 120
    assert found.p_value == pytest.approx(stats.binom.sf(right - 1, 120, 0.5))
    model = domain_distance.build_classifier()
    folds = StratifiedKFold(5, shuffle=True, random_state=5)
    assert found.accuracy == pytest.approx(cross_val_score(model, features, surveys, cv=folds).mean())


def test_a_few_galaxies_tell_nothing():
    with pytest.raises(TooFewGalaxies, match="19 galaxies"):
        domain_distance.compare(gaussian(19), gaussian(300))


@pytest.mark.slow
def test_p_values_of_equal_surveys_are_small_as_seldom_as_they_say():
    seeds = range(80)
    values = [
        domain_distance.compare(gaussian(100, seed=2 * seed), gaussian(100, seed=2 * seed + 1)).p_value
        for seed in seeds
    ]
    for level in (0.01, 0.05, 0.1):
        share = np.mean(np.array(values) < level)
        assert share < level + 3 * np.sqrt(level * (1 - level) / len(seeds)) + 0.01, level


def test_a_survey_like_that_of_the_training_is_near_and_a_changed_one_far(survey_run, other):
    near = result_of(domain_distance.run(survey_run, other()))
    assert near.source == "survey" and near.test.galaxies == 68
    assert abs(near.test.accuracy - 0.5) < 3 * near.test.chance_error
    far = result_of(domain_distance.run(survey_run, other(larger=0.5, noise=12)))
    assert far.test.accuracy > 0.9
    assert far.test.tells_apart and far.test.proxy_a_distance > 1.6
    assert "chance 0.500 ±" in far.sentence


def test_without_the_galaxies_of_the_training_there_is_a_sentence(survey_run, other, tmp_path):
    weights = tmp_path / "alone.safetensors"
    weights.write_bytes((survey_run / "best.safetensors").read_bytes())
    with pytest.raises(NotPossible, match="does not come with its run"):
        result_of(domain_distance.run(weights, other()))
