"""The terms of galaxies without labels, against their formulas written slowly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from core.train.unlabelled import coral, dann, fixmatch, mcc, mmd


def features(count, width=5, seed=0, shift=0.0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


@pytest.mark.truth("CORAL", "numpy's covariances")
def test_coral_is_the_distance_of_numpys_covariances():
    source, target = features(12), 3 * features(7, seed=1)
    expected = np.square(np.cov(source.T) - np.cov(target.T)).sum() / (4 * 5**2)
    assert float(coral.loss(source, target)) == pytest.approx(expected)
    assert float(coral.loss(source, source + 2.0)) == pytest.approx(0, abs=1e-12), "a shift is no matter of covariances"


@pytest.mark.truth("MMD", "the double sum, written out")
def test_the_discrepancy_is_the_double_sum_over_the_kernels():
    source, target = features(6), features(4, seed=1, shift=1.5)
    both = torch.cat([source, target]).numpy()
    squares = [np.sum((one - two) ** 2) for i, one in enumerate(both) for j, two in enumerate(both) if i != j]
    middle = sorted(squares)[(len(squares) - 1) // 2]

    def kernel(one, two):
        return sum(math.exp(-np.sum((one - two) ** 2) / (2.0**q * middle)) for q in (-2, -1, 0, 1, 2))

    def mean(ones, twos):
        return float(np.mean([kernel(one, two) for one in ones.numpy() for two in twos.numpy()]))

    expected = mean(source, source) + mean(target, target) - 2 * mean(source, target)
    assert float(mmd.loss(source, target)) == pytest.approx(expected)
    assert float(mmd.loss(source, source)) == pytest.approx(0, abs=1e-12)
    assert float(mmd.loss(features(9), features(9, seed=1))) < float(mmd.loss(source, target))


def test_the_discrepancy_of_features_that_are_all_alike_is_zero_and_has_a_gradient():
    alike = torch.ones(4, 3, requires_grad=True)
    value = mmd.loss(alike, torch.ones(5, 3))
    value.backward()
    assert value.item() == 0
    assert alike.grad is not None
    assert bool(alike.grad.isfinite().all())


@pytest.mark.truth("Minimum class confusion", "the paper's formula")
def test_class_confusion_is_that_of_the_paper():
    outputs = 4 * features(6, 3)
    rows = [np.exp(z / 2.5) / np.exp(z / 2.5).sum() for z in outputs.numpy()]
    weights = [1 + math.exp(float((p * np.log(p)).sum())) for p in rows]
    confusion = np.zeros((3, 3))
    for p, w in zip(rows, weights, strict=True):
        for one in range(3):
            for two in range(3):
                confusion[one, two] += len(rows) * w / sum(weights) * p[one] * p[two]
    confusion /= confusion.sum(axis=1, keepdims=True)
    expected = sum(confusion[one, two] for one in range(3) for two in range(3) if one != two) / 3
    assert float(mcc.loss(outputs)) == pytest.approx(expected)
    sure = torch.eye(3, dtype=torch.float64) * 200
    assert float(mcc.loss(sure)) == pytest.approx(0, abs=1e-9)
    assert float(mcc.loss(torch.zeros(6, 3))) == pytest.approx(2 / 3), "as confused as can be"


def test_fixmatch_learns_what_the_weak_view_is_sure_of_and_nothing_else():
    weak = torch.tensor([[5.0, 0, 0], [0.4, 0.3, 0.2], [0, 0, 4.0]], requires_grad=True)
    strong = torch.tensor([[0.1, 0.2, 0.3], [1.0, 0, 0], [0.5, 0, 0.1]], requires_grad=True)
    value, is_sure = fixmatch.loss(strong, weak, 0.95)
    assert is_sure.tolist() == [True, False, True]
    expected = -(strong.log_softmax(1)[0, 0] + strong.log_softmax(1)[2, 2]) / 3
    assert value.item() == pytest.approx(expected.item())
    value.backward()
    assert weak.grad is None
    assert strong.grad is not None
    assert not strong.grad[1].any()
    nothing, is_sure = fixmatch.loss(strong, weak, 0.999)
    assert (nothing.item(), bool(is_sure.any())) == (0.0, False)


def discriminator():
    return dann.Discriminator(5, torch.Generator().manual_seed(3)).double()


def test_the_discriminators_loss_is_the_mean_cross_entropy_of_both_surveys():
    network, source, target = discriminator(), features(6), features(3, seed=1)
    value, told = dann.loss(network, source, target, 0.7)
    share = [1 / (1 + np.exp(-network(each).detach().numpy()[:, 0])) for each in (source, target)]
    expected = (-np.log(share[0]).mean() - np.log(1 - share[1]).mean()) / 2
    assert value.item() == pytest.approx(expected)
    assert told.tolist() == [*(share[0] > 0.5), *(share[1] <= 0.5)]


def test_features_are_moved_against_the_discriminator_and_it_is_moved_against_its_loss():
    network, target, strength, step = discriminator(), features(3, seed=1), 0.7, 1e-6
    source = features(4).requires_grad_()
    dann.loss(network, source, target, strength)[0].backward()
    assert source.grad is not None
    place = (2, 1)
    ends = []
    for sign in (1, -1):
        moved = source.detach().clone()
        moved[place] += sign * step
        ends.append(dann.loss(network, moved, target, strength)[0].item())
    slope = (ends[0] - ends[1]) / (2 * step)
    assert float(source.grad[place]) == pytest.approx(-strength * slope, rel=1e-4)
    weight = next(network.parameters())
    assert weight.grad is not None
    found, ends = float(weight.grad[0, 0]), []
    for sign in (1, -2, 1):
        with torch.no_grad():
            weight[0, 0] += sign * step
        ends.append(dann.loss(network, source, target, strength)[0].item())
    assert found == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-3, abs=1e-9)


def test_the_strength_rises_from_nothing_to_one():
    assert dann.strength_at(0) == 0
    assert dann.strength_at(0.1) == pytest.approx(math.tanh(0.5))
    assert dann.strength_at(1) == pytest.approx(1, abs=1e-4)


def test_a_discriminator_begins_as_its_seed_says():
    one, two = (dann.Discriminator(4, torch.Generator().manual_seed(1)).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert isinstance(dann.Discriminator(4, torch.Generator())[0], nn.Linear)
