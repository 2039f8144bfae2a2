import numpy as np
import pytest
import torch
from sklearn import metrics

from core.data.target import Classes, Quantities, VoteFractions
from core.metrics.tally import Tally

CLASSES = Classes("kind", ("a", "b", "c"))
QUANTITIES = Quantities(("radius", "ratio"), ("arcsec", ""))


def score(target, outputs, labels):
    tally = Tally(target)
    tally.add(torch.as_tensor(outputs), torch.as_tensor(labels), 0.0)
    return tally.scores().values


def test_accuracies_agree_with_scikit_learn():
    random = np.random.default_rng(0)
    true = random.choice(3, 500, p=[0.8, 0.15, 0.05])
    predicted = random.dirichlet([3, 1, 1], 500)
    values = score(CLASSES, np.log(predicted), true)
    assert list(values) == ["accuracy", "balanced_accuracy"]
    assert values["accuracy"] == pytest.approx(metrics.accuracy_score(true, predicted.argmax(1)))
    assert values["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(true, predicted.argmax(1)))


def test_the_accuracy_of_evenly_drawn_galaxies_is_that_of_the_survey():
    """The same outputs come to the same accuracy, whether classes are drawn evenly or as frequent as they are."""
    outputs = torch.tensor([[2.0, 1, 0]] * 10 + [[2.0, 1, 0]] * 5 + [[0, 1.0, 0]] * 5 + [[2.0, 1, 0]] * 10)
    labels = torch.tensor([0] * 10 + [1] * 10 + [2] * 10)
    tally = Tally(CLASSES, [0.8, 0.15, 0.05])
    tally.add(outputs, labels, 0.0)
    values = tally.scores().values
    assert values["accuracy"] == pytest.approx(0.8 + 0.15 / 2)
    assert values["balanced_accuracy"] == pytest.approx(0.5)


def test_a_class_without_galaxies_does_not_count_in_the_accuracy_of_the_survey():
    tally = Tally(CLASSES, [0.8, 0.15, 0.05])
    tally.add(torch.eye(3)[[0, 0, 0, 1]], torch.tensor([0, 0, 1, 1]), 0.0)
    assert tally.scores().values["accuracy"] == pytest.approx((0.8 + 0.15 / 2) / 0.95)


def test_r2_agrees_with_scikit_learn():
    random = np.random.default_rng(0)
    true = random.normal(3, 2, (300, 2))
    predicted = (true + random.normal(0, [0.5, 3], (300, 2))).astype(np.float32).astype(np.float64)
    values = score(QUANTITIES, predicted, true)
    assert list(values) == ["r2", "r2:radius", "r2:ratio"]
    assert values["r2"] == pytest.approx(metrics.r2_score(true, predicted))
    assert values["r2:ratio"] == pytest.approx(metrics.r2_score(true[:, 1], predicted[:, 1]))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_r2_of_equal_labels_and_of_outputs_that_are_not_finite_is_unknown_without_a_warning(wrong):
    outputs, labels = torch.tensor([[1.0, 1.0], [1.0, wrong]]), torch.tensor([[1.0, 1.0], [1.0, 2.0]])
    values = score(QUANTITIES, outputs, labels)
    assert np.isnan([values["r2"], values["r2:radius"], values["r2:ratio"]]).all()


def test_the_number_of_votes_behind_the_fractions_is_no_fraction():
    shares = torch.tensor([[0.2, 0.8], [0.6, 0.4]])
    votes = torch.cat([shares, torch.tensor([[40.0], [38.0]])], dim=1)
    values = score(VoteFractions(("smooth", "disk")), torch.log(shares), votes)
    assert list(values) == ["r2", "r2:smooth", "r2:disk"]
    assert values["r2"] == pytest.approx(1)


def test_batches_of_any_size_add_up_to_the_whole():
    random = torch.Generator().manual_seed(0)
    outputs, labels = torch.randn(50, 3, generator=random), torch.randint(0, 3, (50,), generator=random)
    whole, parts = Tally(CLASSES), Tally(CLASSES)
    whole.add(outputs, labels, 2.0)
    parts.add(outputs[:45], labels[:45], 1.0)
    parts.add(outputs[45:], labels[45:], 11.0)
    assert parts.scores() == whole.scores()
    assert parts.galaxies == 50


def test_vote_fractions_are_scored_after_the_softmax():
    shares = torch.tensor([[0.2, 0.8], [0.6, 0.4]])
    tally = Tally(VoteFractions(("smooth", "disk")))
    tally.add(torch.log(shares) + 5, shares, 0.0)
    assert tally.scores().values["r2"] == pytest.approx(1)


def test_a_network_that_says_the_same_of_everything_is_noticed():
    for target, outputs, labels, expected in (
        (CLASSES, torch.tensor([[1.0, 0, 0], [0.4, 0, 0]]), torch.tensor([0, 1]), True),
        (CLASSES, torch.tensor([[1.0, 0, 0], [0.4, 0, 0]]), torch.tensor([0, 0]), False),
        (CLASSES, torch.tensor([[1.0, 0, 0], [0, 0.4, 0]]), torch.tensor([0, 1]), False),
        (QUANTITIES, torch.tensor([[1.0, 0], [1.0, 1]]), torch.tensor([[1.0, 0], [2.0, 1]]), True),
        (QUANTITIES, torch.tensor([[1.0, 0], [1.5, 1]]), torch.tensor([[1.0, 0], [2.0, 1]]), False),
    ):
        tally = Tally(target)
        tally.add(outputs, labels, 0.0)
        assert tally.is_constant() is expected
