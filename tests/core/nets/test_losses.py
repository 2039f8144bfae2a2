"""Losses against the written formula, scipy's distributions and finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional

from core.data.target import Classes, Quantities, VoteFractions
from core.nets import losses
from core.nets.settings import LossSettings

CLASSES = Classes("kind", ("a", "b", "c"))
VOTES = VoteFractions(("smooth", "disk", "star"))
RADIUS = Quantities(("radius",), ("arcsec",))


def some_votes(count=6, seed=0):
    """Labels (n, K + 1) in float64: shares, and how many votes are behind them."""
    random = np.random.default_rng(seed)
    votes = random.integers(1, 20, (count, 3))
    total = votes.sum(axis=1, keepdims=True)
    return torch.from_numpy(np.hstack([votes / total, total])), votes


def some_outputs(columns, count=6, seed=1):
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_balanced_weights_let_each_class_count_alike():
    labels = np.repeat([0, 1, 2], [80, 15, 5])
    weights = losses.balanced_weights(CLASSES, labels)
    totals = [float(weights[k]) * count for k, count in enumerate([80, 15, 5])]
    assert totals == pytest.approx([100 / 3] * 3)
    assert losses.balanced_weights(CLASSES, np.repeat([0, 1], [10000, 1])).max() == losses.MAX_WEIGHT


def test_a_class_without_galaxies_weighs_as_if_it_had_one():
    weights = losses.balanced_weights(CLASSES, np.repeat([0, 2], [5, 10]))
    assert weights.tolist() == pytest.approx([15 / (3 * 5), 15 / 3, 15 / (3 * 10)])


def test_the_loss_of_a_part_is_the_mean_of_its_batches_weighted_by_their_size():
    random = torch.Generator().manual_seed(0)
    outputs, labels = torch.randn(100, 3, generator=random), torch.randint(0, 3, (100,), generator=random)
    loss = losses.build_loss(CLASSES, class_weights=torch.tensor([0.3, 1.0, 4.0]))
    parts = [(outputs[:64], labels[:64]), (outputs[64:], labels[64:])]
    together = sum(float(loss(o, y)) * len(y) for o, y in parts) / 100
    assert together == pytest.approx(float(loss(outputs, labels)), rel=1e-6)


def test_the_loss_of_classes_is_the_written_cross_entropy():
    outputs, labels = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), torch.tensor([2, 0])
    p = np.exp([1.0, 2.0, 3.0]) / np.exp([1.0, 2.0, 3.0]).sum()
    expected = -(np.log(p[2]) + np.log(1 / 3)) / 2
    assert float(losses.build_loss(CLASSES)(outputs, labels)) == pytest.approx(expected, rel=1e-6)


def test_smoothing_spreads_a_share_of_each_label_evenly():
    outputs, labels = some_outputs(3), torch.tensor([0, 1, 2, 0, 1, 2])
    smoothed = 0.8 * functional.one_hot(labels, 3) + 0.2 / 3
    expected = -(smoothed * outputs.log_softmax(1)).sum(1).mean()
    loss = losses.build_loss(CLASSES, LossSettings(label_smoothing=0.2))
    assert float(loss(outputs, labels)) == pytest.approx(float(expected))


@pytest.mark.truth("Focal loss", "its formula")
@given(st.floats(0, 5), st.integers(0, 50))
def test_the_focal_loss_is_the_written_one_with_weights(focus, seed):
    outputs, labels = 3 * some_outputs(3, seed=seed), torch.tensor([0, 1, 2, 0, 1, 2])
    weights = torch.tensor([0.5, 1.0, 3.0])
    p = outputs.softmax(1)[range(6), labels].numpy()
    expected = np.mean(weights[labels].numpy() * (1 - p) ** focus * -np.log(p))
    loss = losses.build_loss(CLASSES, LossSettings(classes="focal", focus=focus), weights)
    assert float(loss(outputs, labels)) == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_the_focal_loss_has_a_finite_slope_for_a_galaxy_beyond_doubt():
    outputs = torch.tensor([[80.0, 0.0, 0.0]], requires_grad=True)
    losses.build_loss(CLASSES, LossSettings(classes="focal", focus=0.5))(outputs, torch.tensor([0])).backward()
    assert outputs.grad.isfinite().all()


@pytest.mark.truth("Multinomial loss", "scipy's distribution")
def test_the_multinomial_loss_is_the_likelihood_of_the_votes():
    labels, votes = some_votes()
    outputs = some_outputs(3)
    p = outputs.softmax(1).numpy()
    expected = -np.mean([stats.multinomial.logpmf(v, v.sum(), q) for v, q in zip(votes, p, strict=True)]) / 7
    loss = losses.build_loss(VOTES, LossSettings(votes="multinomial"), mean_votes=7)
    assert float(loss(outputs, labels)) == pytest.approx(expected)


@pytest.mark.truth("Dirichlet-multinomial loss", "scipy's distribution")
def test_the_dirichlet_loss_is_the_likelihood_of_votes_that_scatter():
    labels, votes = some_votes()
    outputs = 2 * some_outputs(3) + 1
    alpha = losses.concentrations(outputs).numpy()
    each = [stats.dirichlet_multinomial.logpmf(v, a, v.sum()) for v, a in zip(votes, alpha, strict=True)]
    loss = losses.build_loss(VOTES, LossSettings(votes="dirichlet"))
    assert float(loss(outputs, labels)) == pytest.approx(-np.mean(each))


def test_concentrations_have_the_predicted_shares_and_a_bounded_sum():
    outputs = torch.cat([some_outputs(3), torch.tensor([[60.0, 50.0, 0.0]], dtype=torch.float64)])
    alpha = losses.concentrations(outputs)
    assert torch.allclose(alpha / alpha.sum(1, keepdim=True), outputs.softmax(1), atol=1e-5)
    assert torch.allclose(alpha[:6], outputs[:6].exp(), rtol=0.05)
    assert float(alpha[-1].sum()) == pytest.approx(1000, rel=1e-3)


def test_a_very_sure_dirichlet_is_the_multinomial():
    labels, _ = some_votes()
    outputs = some_outputs(3)
    sure = losses.build_loss(VOTES, LossSettings(votes="dirichlet"))(outputs + 30, labels)
    plain = losses.build_loss(VOTES, LossSettings(votes="multinomial"))(outputs, labels)
    assert float(sure) == pytest.approx(float(plain), rel=0.1)


def test_more_votes_make_a_galaxy_count_for_more():
    few, many = torch.tensor([[0.5, 0.5, 0.0, 4.0]]), torch.tensor([[0.5, 0.5, 0.0, 40.0]])
    slopes = []
    for labels in (few, many):
        outputs = torch.zeros(1, 3, requires_grad=True)
        losses.build_loss(VOTES, LossSettings(votes="multinomial"))(outputs, labels).backward()
        slopes.append(outputs.grad)
    assert torch.allclose(slopes[1], 10 * slopes[0])


def test_only_the_likelihoods_of_votes_ask_for_their_number():
    assert losses.needs_votes(VOTES, LossSettings(votes="dirichlet"))
    assert not losses.needs_votes(VOTES, LossSettings())
    assert not losses.needs_votes(CLASSES, LossSettings(votes="dirichlet"))


def test_the_losses_of_quantities_are_the_written_ones():
    outputs, labels = torch.tensor([[0.0], [0.0]]), torch.tensor([[0.5], [3.0]])
    expected = {"mse": (0.25 + 9) / 2, "mae": 1.75, "huber": (0.125 + 2.5) / 2}
    for name, value in expected.items():
        assert float(losses.build_loss(RADIUS, LossSettings(quantities=name))(outputs, labels)) == pytest.approx(value)
    wide = losses.build_loss(RADIUS, LossSettings(knee=2.0))
    assert float(wide(outputs, labels)) == pytest.approx((0.5**2 / 4 + 3 - 1) / 2)


def test_the_gaussian_loss_is_the_likelihood_and_lowest_at_the_true_scatter():
    random = np.random.default_rng(0)
    labels = torch.from_numpy(random.normal(2.0, 0.3, (4000, 1)))
    loss = losses.build_loss(RADIUS, LossSettings(quantities="gaussian"))

    def at(mean, sigma):
        free = 5 * np.arctanh(np.log(sigma) / 5)
        return float(loss(torch.tensor([[mean, free]]).expand(4000, 2), labels))

    expected = -stats.norm.logpdf(labels.numpy(), 2.0, 0.3).mean() - np.log(2 * np.pi) / 2
    assert at(2.0, 0.3) == pytest.approx(expected)
    assert at(2.0, 0.3) < min(at(2.0, 0.25), at(2.0, 0.36), at(2.05, 0.3), at(1.95, 0.3))


@pytest.mark.truth("Gradients of the losses of classes", "finite differences")
@pytest.mark.parametrize("settings", [LossSettings(), LossSettings(label_smoothing=0.3), LossSettings(classes="focal")])
def test_slopes_for_classes_are_finite_differences(settings):
    loss, labels = losses.build_loss(CLASSES, settings, torch.tensor([0.5, 1.0, 3.0])), torch.tensor([0, 1, 2, 0, 1, 2])
    assert torch.autograd.gradcheck(lambda o: loss(o, labels), some_outputs(3).requires_grad_())


@pytest.mark.truth("Gradients of the losses of votes", "finite differences")
@pytest.mark.parametrize("votes", ["cross-entropy", "multinomial", "dirichlet"])
def test_slopes_for_votes_are_finite_differences(votes):
    labels, _ = some_votes()
    labels = labels[:, :3] if votes == "cross-entropy" else labels
    loss = losses.build_loss(VOTES, LossSettings(votes=votes), mean_votes=30)
    assert torch.autograd.gradcheck(lambda o: loss(o, labels), some_outputs(3).requires_grad_())


@pytest.mark.truth("Gradients of the losses of quantities", "finite differences")
@pytest.mark.parametrize("quantities", ["huber", "mse", "mae", "gaussian"])
def test_slopes_for_quantities_are_finite_differences(quantities):
    loss, labels = losses.build_loss(RADIUS, LossSettings(quantities=quantities)), some_outputs(1, seed=5)
    outputs = some_outputs(2 if quantities == "gaussian" else 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda o: loss(o, labels), outputs)


def test_one_mad_catalogue_entry_pulls_no_harder_than_a_large_residual():
    loss = losses.build_loss(RADIUS)
    predicted = torch.zeros(1, 1, requires_grad=True)
    loss(predicted, torch.tensor([[1e4]])).backward()
    assert predicted.grad.abs().item() == pytest.approx(1)
