import numpy as np
import pytest
import torch

from core.data.target import Classes
from core.nets import cnn, transfer
from core.nets.settings import NetworkSettings
from core.train import descent
from core.train.settings import OptimiserSettings, RunSettings, TransferSettings


def _settings(**values):
    return RunSettings(optimiser=OptimiserSettings(**values))


def test_the_cosine_falls_from_the_whole_rate_to_a_hundredth():
    settings = _settings(learning_rate=0.5, decay="cosine")
    rates = [descent.rate_at(settings, done) for done in np.linspace(0, 1, 101)]
    assert rates[0] == pytest.approx(0.5)
    assert rates[50] == pytest.approx(0.5 * 0.505)
    assert rates[-1] == pytest.approx(0.005)
    assert rates == sorted(rates, reverse=True)
    assert descent.rate_at(_settings(learning_rate=0.5, decay="constant"), 0.9) == 0.5


def test_the_usual_rate_is_a_tenth_when_fine_tuning_and_a_wish_is_kept():
    for method in ("adam", "sgd"):
        settings = _settings(method=method)
        tuned = settings.model_copy(update={"transfer": TransferSettings(start_from="somewhere")})
        assert descent.largest_rate(tuned) == pytest.approx(descent.largest_rate(settings) / 10)
    wished = tuned.model_copy(update={"optimiser": OptimiserSettings(learning_rate=0.3)})
    assert descent.largest_rate(wished) == 0.3


@pytest.mark.parametrize("method", ["adam", "sgd"])
def test_only_weights_that_are_not_frozen_move_and_only_matrices_decay(method):
    network = cnn.build(NetworkSettings(depth=3, channels=8), (1, 16, 16), 2)
    transfer.freeze(network, 2)
    moving = descent.optimiser(network, _settings(method=method, weight_decay=0.1))
    decayed, free = moving.param_groups
    assert {id(p) for p in decayed["params"] + free["params"]} == {id(p) for p in transfer.trainable(network)}
    assert decayed["weight_decay"] == 0.1
    assert free["weight_decay"] == 0
    assert all(p.dim() > 1 for p in decayed["params"])
    descent.set_rate(moving, 0.7)
    assert [group["lr"] for group in moving.param_groups] == [0.7, 0.7]


def test_class_weights_can_be_switched_off():
    target, labels = Classes("c", ("a", "b")), np.array([0, 0, 0, 1])
    assert descent.class_weights(_settings(class_weights=False), target, labels) is None
    assert torch.allclose(descent.class_weights(_settings(), target, labels), torch.tensor([2 / 3, 2.0]))
