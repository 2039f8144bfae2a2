from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from core.metrics import ranking


def rare(total: int = 600, members: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    is_member = np.zeros(total, bool)
    is_member[random.choice(total, members, replace=False)] = True
    return is_member, 1 / (1 + np.exp(-random.normal(np.where(is_member, 1.2, -1.0), 1)))


@pytest.mark.truth("Areas under ROC and purity curves", "scikit-learn and the definitions")
def test_the_areas_are_those_of_scikit_learn_and_of_their_definitions() -> None:
    is_member, scores = rare()
    found = ranking.rank("lens", is_member, scores)
    assert found is not None
    pairs = scores[is_member][:, None] > scores[~is_member][None]  # the chance that a lens comes first
    assert found.auc.value == pytest.approx(pairs.mean())
    order = np.argsort(-scores)
    ranks = np.flatnonzero(is_member[order]) + 1
    assert found.average_precision.value == pytest.approx((np.arange(1, len(ranks) + 1) / ranks).mean())


def test_a_bootstrap_sample_is_judged_as_scikit_learn_judges_weighted_galaxies() -> None:
    is_member, scores = rare()
    scores = scores.round(2)  # with groups of equal ones
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, [True]))
    drawn = np.random.default_rng(5).integers(0, 600, 600)
    weights = np.bincount(drawn, minlength=600)
    found = ranking._resample(is_member[order], ends, np.random.default_rng(5))[0]
    again = is_member[order], scores[order]
    assert found.auc == pytest.approx(roc_auc_score(*again, sample_weight=weights))
    assert found.average == pytest.approx(average_precision_score(*again, sample_weight=weights))


def test_intervals_are_as_wide_as_the_scatter_of_new_samples() -> None:
    values = [roc_auc_score(*rare(seed=seed)) for seed in range(60)]
    one = ranking.rank("lens", *rare())
    assert one is not None and one.auc.interval is not None
    low, high = one.auc.interval
    assert (high - low) / 2 == pytest.approx(np.std(values), rel=0.5)
    assert (one.roc.low <= one.roc.y).all() and (one.roc.y <= one.roc.high).all()
    assert (one.roc.high - one.roc.low)[60] > 0.01


def test_purity_is_read_off_where_a_completeness_is_first_reached() -> None:
    is_member, scores = rare()
    found = ranking.rank("lens", is_member, scores)
    assert found is not None
    purity, completeness, _ = precision_recall_curve(is_member, scores)
    for share in (0.1, 0.5, 1.0):
        place = np.argmin(np.abs(found.precision.x - share))
        assert found.precision.y[place] == pytest.approx(purity[np.flatnonzero(completeness >= share - 1e-9)[-1]])


def test_of_the_first_k_so_many_are_real() -> None:
    is_member, scores = rare()
    order = np.argsort(-scores)
    for k in (1, 10, 37, 600):
        first = ranking.take_first(is_member, scores, k)
        assert first.hits == is_member[order[:k]].sum()
        assert first.purity is not None and first.completeness is not None
        assert first.completeness[0] == pytest.approx(first.hits / 40)
    found = ranking.rank("lens", is_member, scores)
    assert found is not None
    place = found.top.x.tolist().index(100)
    assert found.top.y[place] == pytest.approx(is_member[order[:100]].mean())
    assert found.top.x.tolist()[:600] == list(range(1, 601))  # the line goes through every rank that can be asked for
    assert found.top.x[-1] == 600 and found.top.y[-1] == pytest.approx(40 / 600)


def test_galaxies_of_equal_probability_have_no_order() -> None:
    is_member = np.array([True, False, False, False, True, False])
    scores = np.array([1.0, 1.0, 1.0, 1.0, 0.2, 0.1])
    assert [ranking.take_first(is_member, scores, k).hits for k in (1, 2, 4, 5)] == [0.25, 0.5, 1, 2]
    assert ranking.take_first(is_member[::-1], scores[::-1], 2).hits == 0.5


def test_completeness_and_purity_follow_a_threshold() -> None:
    is_member, scores = rare()
    limits = np.linspace(0, 1, 21)
    completeness, purity = ranking.against_threshold(is_member, scores, limits)
    for place, limit in enumerate(limits):
        taken = ranking.take_above(is_member, scores, limit)
        expected = (scores >= limit).sum(), is_member[scores >= limit].sum()
        assert (taken.taken, taken.hits) == expected
        assert completeness.y[place] == pytest.approx(expected[1] / 40)
        if expected[0]:
            assert purity.y[place] == pytest.approx(expected[1] / expected[0])
        else:
            assert taken.purity is None and np.isnan(purity.y[place])


def test_purity_in_another_survey_follows_from_the_frequency_there() -> None:
    taken = ranking.Selection(taken=50, hits=40, members=50, galaxies=550)  # completeness 0.8, false rate 0.02
    assert taken.purity_at(50 / 550)[0] == pytest.approx(0.8)
    purity, (low, high) = taken.purity_at(0.001)
    assert purity == pytest.approx(0.001 * 0.8 / (0.001 * 0.8 + 0.999 * 0.02))
    least, most = binomtest(40, 50).proportion_ci(0.6827, "wilson")
    fewest, worst = binomtest(10, 500).proportion_ci(0.6827, "wilson")
    assert low == pytest.approx(0.001 * least / (0.001 * least + 0.999 * worst), rel=1e-3)
    assert high == pytest.approx(0.001 * most / (0.001 * most + 0.999 * fewest), rel=1e-3)


def test_none_mistaken_among_few_others_is_no_promise_for_rare_galaxies() -> None:
    purity, (low, high) = ranking.Selection(taken=5, hits=5, members=47, galaxies=135).purity_at(0.01)
    assert (purity, high) == (1, 1) and low < 0.15
    assert ranking.Selection(taken=0, hits=0, members=47, galaxies=135).purity_at(0.01) is None


def test_without_galaxies_of_the_class_there_is_nothing_to_find() -> None:
    assert ranking.rank("lens", np.zeros(9, bool), np.ones(9)) is None
    assert ranking.rank("lens", np.ones(9, bool), np.ones(9)) is None
