import numpy as np
import pytest
import torch

from core.data.target import Classes, Quantities, VoteFractions
from core.nets import heads

CLASSES = Classes("kind", ("a", "b", "c"))


def test_balanced_weights_let_each_class_count_alike():
    labels = np.repeat([0, 1, 2], [80, 15, 5])
    weights = heads.balanced_weights(CLASSES, labels)
    totals = [float(weights[k]) * count for k, count in enumerate([80, 15, 5])]
    assert totals == pytest.approx([100 / 3] * 3)
    assert heads.balanced_weights(CLASSES, np.repeat([0, 1], [10000, 1])).max() == heads.MOST_WEIGHT


def test_the_loss_of_a_part_is_the_mean_of_its_batches_weighted_by_their_size():
    random = torch.Generator().manual_seed(0)
    outputs, labels = torch.randn(100, 3, generator=random), torch.randint(0, 3, (100,), generator=random)
    loss = heads.loss(CLASSES, torch.tensor([0.3, 1.0, 4.0]))
    parts = [(outputs[:64], labels[:64]), (outputs[64:], labels[64:])]
    together = sum(float(loss(o, y)) * len(y) for o, y in parts) / 100
    assert together == pytest.approx(float(loss(outputs, labels)), rel=1e-6)


def test_the_loss_of_classes_is_the_written_cross_entropy():
    outputs, labels = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), torch.tensor([2, 0])
    p = np.exp([1.0, 2.0, 3.0]) / np.exp([1.0, 2.0, 3.0]).sum()
    expected = -(np.log(p[2]) + np.log(1 / 3)) / 2
    assert float(heads.loss(CLASSES)(outputs, labels)) == pytest.approx(expected, rel=1e-6)


def test_vote_fractions_are_learned_as_shares():
    target = VoteFractions(("smooth", "disk"))
    shares = torch.tensor([[0.25, 0.75]])
    best = torch.log(shares)
    assert torch.allclose(heads.activation(target, best), shares)
    loss = heads.loss(target)
    assert loss(best, shares) < loss(best + torch.tensor([[0.5, 0.0]]), shares)


def test_quantities_come_back_in_their_units():
    target = Quantities(("radius", "ratio"), ("arcsec", ""))
    labels = np.array([[1.0, 0.2], [3.0, 0.4], [8.0, 0.9]], np.float32)
    scale = heads.fit_output_scale(target, labels)
    standardised = scale.standardised(torch.from_numpy(labels))
    assert torch.allclose(standardised.mean(0), torch.zeros(2), atol=1e-6)
    assert torch.allclose(standardised.std(0, unbiased=False), torch.ones(2), atol=1e-6)
    assert torch.allclose(heads.activation(target, standardised, scale), torch.from_numpy(labels))


def test_one_mad_catalogue_entry_pulls_no_harder_than_a_large_residual():
    loss = heads.loss(Quantities(("radius",), ("arcsec",)))
    predicted = torch.zeros(1, 1, requires_grad=True)
    loss(predicted, torch.tensor([[1e4]])).backward()
    assert predicted.grad.abs().item() == pytest.approx(1)
