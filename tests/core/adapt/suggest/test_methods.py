"""The ways to choose galaxies, against the formulas of the papers written out slowly."""

import itertools

import numpy as np
import pytest
from scipy.stats import entropy

from core.adapt.suggest import methods


def probabilities(*shape, seed=0):
    drawn = np.random.default_rng(seed).gamma(0.6, size=shape)
    return drawn / drawn.sum(axis=-1, keepdims=True)


def clumps(sizes=(40, 20, 10), seed=0, spread=0.05):
    """Galaxies (n, 3) in clumps around the axes, which clump each is in, and how far it is from its middle."""
    random = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(sizes)), sizes)
    off = random.normal(0, spread, (len(of), 3))
    return (np.eye(3)[of] + off).astype(np.float32), of, np.linalg.norm(off, axis=1)


def mean_distance_to_neighbours(points, neighbours):
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    return np.sort(distances, axis=1)[:, 1 : neighbours + 1].mean(axis=1)


def test_the_most_typical_galaxy_has_the_nearest_neighbours():
    points = np.random.default_rng(3).normal(size=(60, 4)).astype(np.float32)
    assert methods.rank_typical(points).tolist() == np.argsort(mean_distance_to_neighbours(points, 20)).tolist()
    assert methods.rank_typical(points[:9]).tolist() == np.argsort(mean_distance_to_neighbours(points[:9], 4)).tolist()
    assert methods.rank_typical(points[:1]).tolist() == [0]
    assert methods.rank_typical(points[:0]).tolist() == []


def test_each_clump_gives_its_most_typical_galaxy_and_the_largest_clump_the_first():
    points, of, _ = clumps()
    found = methods.choose_typical(points, np.zeros(len(points), bool), 3)
    assert of[found.chosen].tolist() == [0, 1, 2]
    assert found.sizes.tolist() == [40, 20, 10]
    assert found.labelled.tolist() == [0, 0, 0]
    for clump, place in enumerate(found.chosen):
        mine = np.flatnonzero(of == clump)
        best = mine[mean_distance_to_neighbours(points[mine], min(20, len(mine) // 2)).argmin()]
        assert place == best


def test_a_clump_with_a_label_comes_after_those_without():
    points, of, _ = clumps()
    is_labelled = np.zeros(len(points), bool)
    is_labelled[np.flatnonzero(of == 0)[:1]] = True
    found = methods.choose_typical(points, is_labelled, 2)
    assert of[found.chosen].tolist() == [1, 2]
    assert found.groups == 3


def test_more_galaxies_than_groups_are_chosen_in_turns_and_none_twice():
    points = np.repeat(np.eye(3, dtype=np.float32), 8, axis=0)  # three kinds of equal galaxies
    is_labelled = np.arange(len(points)) == 0
    found = methods.choose_typical(points, is_labelled, 100)
    assert sorted(found.chosen.tolist()) == list(range(1, 24))
    kinds = found.chosen // 8
    assert np.bincount(kinds[:2], minlength=3).tolist() == [0, 1, 1]
    assert np.bincount(kinds[:5], minlength=3).tolist() == [1, 2, 2]


def test_outliers_come_last():
    points, of, _ = clumps((40, 30, 2))
    found = methods.choose_typical(points, np.zeros(len(points), bool), 3)
    assert 2 not in of[found.chosen].tolist()


def test_the_margin_is_the_difference_of_the_two_largest():
    drawn = probabilities(50, 4)
    slow = [max(row) - sorted(row)[-2] for row in drawn]
    assert methods.margin(drawn) == pytest.approx(slow)


@pytest.mark.truth("Disagreement of networks", "the mutual information, written out")
def test_disagreement_is_the_mutual_information_of_label_and_network():
    drawn = probabilities(3, 20, 4, seed=1)
    for place in range(20):
        mean = drawn[:, place].mean(axis=0)
        expected = np.mean([entropy(own, mean, base=2) for own in drawn[:, place]])  # Kullback & Leibler
        assert methods.disagreement(drawn)[place] == pytest.approx(expected, abs=1e-9)


def test_networks_that_agree_do_not_disagree_however_much_they_doubt():
    same = np.broadcast_to(probabilities(1, 5, 3), (4, 5, 3))
    assert methods.disagreement(same) == pytest.approx(np.zeros(5), abs=1e-12)
    sure = np.stack([np.tile([1.0, 0.0], (5, 1)), np.tile([0.0, 1.0], (5, 1))])
    assert methods.disagreement(sure) == pytest.approx(np.ones(5))


@pytest.mark.truth("Gradients for diverse suggestions", "torch's automatic derivatives")
def test_the_gradients_of_badge_are_those_of_the_loss_in_the_last_layer():
    """The choice equals k-means++ on the gradients that torch computes, with the same random numbers."""
    import torch

    random = np.random.default_rng(2)
    features = random.normal(size=(30, 5))
    layer = torch.nn.Linear(5, 3, bias=False).double()
    outputs = layer(torch.from_numpy(features))
    likeliest = outputs.argmax(dim=1)
    gradients = []
    for output, label in zip(outputs, likeliest, strict=True):
        loss = torch.nn.functional.cross_entropy(output[None], label[None])
        gradients.append(torch.autograd.grad(loss, layer.weight, retain_graph=True)[0].flatten().numpy())
    expected = seeds_of_k_means(np.array(gradients), 8, seed=7)
    found = methods.choose_diverse(features, outputs.softmax(dim=1).detach().numpy(), 8, seed=7)
    assert found.tolist() == expected


def seeds_of_k_means(vectors, count, seed):
    random = np.random.default_rng(seed)
    chosen = [int((vectors**2).sum(axis=1).argmax())]
    while len(chosen) < count:
        nearest = np.array([min(((row - vectors[other]) ** 2).sum() for other in chosen) for row in vectors])
        nearest[chosen] = 0
        place = random.random() * nearest.sum()
        chosen.append(next(row for row, total in enumerate(np.cumsum(nearest)) if total > place))
    return chosen


def test_diverse_galaxies_are_never_the_same_one_twice_even_where_all_are_alike():
    features, alike = np.ones((6, 2)), np.tile([0.6, 0.4], (6, 1))
    assert sorted(methods.choose_diverse(features, alike, 6).tolist()) == list(range(6))
    assert len(methods.choose_diverse(features, alike, 100)) == 6


def test_of_the_sure_galaxies_one_stands_for_all():
    """Their gradients are all zero, and therefore the same."""
    features = np.random.default_rng(0).normal(size=(40, 3))
    given = np.tile([1.0, 0.0], (40, 1))
    given[7] = given[21] = (0.5, 0.5)
    found = methods.choose_diverse(features, given, 3).tolist()
    assert {7, 21} < set(found)


def test_the_core_set_takes_the_farthest_from_all_that_are_taken():
    points = np.random.default_rng(5).normal(size=(30, 3)).astype(np.float32)
    is_labelled = np.arange(30) < 4
    chosen, distances = methods.choose_farthest(points, is_labelled, 6)
    taken = list(range(4))
    for place, distance in zip(chosen, distances, strict=True):
        away = [min(np.linalg.norm(points[row] - points[other]) for other in taken) for row in range(30)]
        assert place == int(np.argmax(away))
        assert distance == pytest.approx(max(away), rel=1e-5)
        taken.append(int(place))


def test_without_labels_the_core_set_begins_in_the_middle():
    points = np.array([[0, 0], [10, 0], [5, 0.2], [5, 8]], np.float32)
    chosen, distances = methods.choose_farthest(points, np.zeros(4, bool), 10)
    assert chosen[0] == 2
    assert np.isinf(distances[0])
    assert sorted(chosen.tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [30, 25_000])
def test_groups_are_numbered_without_gaps_and_follow_from_the_seed(count):
    points = np.random.default_rng(1).normal(size=(count, 3)).astype(np.float32)
    found = methods.find_groups(points, 6, seed=4)
    assert set(found.tolist()) == set(range(found.max() + 1))
    assert found.max() >= 3
    assert methods.find_groups(points, 6, seed=4).tolist() == found.tolist()
    assert methods.find_groups(np.ones((9, 2), np.float32), 6).tolist() == [0] * 9


def test_distances_between_features_do_not_depend_on_their_units():
    features = np.random.default_rng(2).normal(size=(80, 70)).astype(np.float32)
    features[:, 3] = 5.0  # says nothing
    made = methods.standardise(features)
    assert made.shape == (80, 50)
    assert np.linalg.norm(made, axis=1) == pytest.approx(np.ones(80), rel=1e-5)
    scaled = methods.standardise(features * np.geomspace(1e-3, 1e3, 70, dtype=np.float32))
    pairs = list(itertools.combinations(range(0, 80, 9), 2))
    before = [np.linalg.norm(made[a] - made[b]) for a, b in pairs]
    assert [np.linalg.norm(scaled[a] - scaled[b]) for a, b in pairs] == pytest.approx(before, rel=1e-2)
