import math

import numpy as np
import pytest
import torch
from tolerances import summed

from core.data.target import Classes
from core.nets import cnn, transfer
from core.nets.settings import NetworkSettings
from core.train import optimiser, schedule
from core.train.settings import OptimiserSettings, RunSettings, TransferSettings


def _settings(**values):
    return RunSettings(optimiser=OptimiserSettings(**values))


def test_the_usual_rate_is_a_tenth_when_fine_tuning_and_a_wish_is_kept():
    for method in ("adamw", "adam", "sgd"):
        settings = _settings(method=method)
        tuned = settings.model_copy(update={"transfer": TransferSettings(start_from="somewhere")})
        assert schedule.largest_rate(tuned) == pytest.approx(schedule.largest_rate(settings) / 10)
    wished = tuned.model_copy(update={"optimiser": OptimiserSettings(learning_rate=0.3)})
    assert schedule.largest_rate(wished) == 0.3


def test_the_usual_rate_of_one_cycle_is_larger_and_falls_with_small_batches():
    assert schedule.largest_rate(_settings(decay="cosine")) == 1e-3
    assert schedule.largest_rate(_settings(batch_size=64)) == schedule.largest_rate(_settings(batch_size=256)) == 4e-3
    assert schedule.largest_rate(_settings(batch_size=16)) == pytest.approx(2e-3)
    assert schedule.largest_rate(_settings(method="sgd", batch_size=16)) == 2e-2


@pytest.mark.parametrize("method", ["adamw", "adam", "sgd"])
def test_only_weights_that_are_not_frozen_move_and_only_matrices_decay(method):
    network = cnn.build(NetworkSettings(depth=3, channels=8), (1, 16, 16), 2)
    transfer.freeze(network, 2)
    decayed, free = optimiser.OptimiserStep(network, _settings(method=method, weight_decay=0.1)).optimiser.param_groups
    assert {id(p) for p in decayed["params"] + free["params"]} == {
        id(p) for p in transfer.trainable_parameters(network)
    }
    assert decayed["weight_decay"] == 0.1
    assert free["weight_decay"] == 0
    assert all(p.dim() > 1 for p in decayed["params"])


def test_classes_are_weighted_only_where_it_is_wished():
    target, labels = Classes("c", ("a", "b")), np.array([0, 0, 0, 1])
    outputs, wrong = torch.tensor([[2.0, 0.0]]), torch.tensor([1])
    plain = optimiser.build_losses(_settings(), target, labels)
    weighted = optimiser.build_losses(_settings(class_weights=True, survey_probabilities=False), target, labels)
    assert [float(loss(outputs, wrong)) / float(plain[0](outputs, wrong)) for loss in weighted] == [2.0, 2.0]


def test_with_balanced_batches_only_the_validation_weighs_the_classes():
    target, labels = Classes("c", ("a", "b")), np.array([0, 0, 0, 1])
    outputs, wrong = torch.tensor([[2.0, 0.0]]), torch.tensor([1])
    wish = {"balanced_batches": True, "class_weights": True, "survey_probabilities": False}
    training, validation = optimiser.build_losses(_settings(**wish), target, labels)
    assert float(validation(outputs, wrong)) == pytest.approx(2 * float(training(outputs, wrong)))


def _written(method, weights, slopes, wish, rate, steps):
    """The weights after some steps, from the papers' formulas in float64."""
    w, first, second = weights.copy(), np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        g = slopes(w)
        if method == "adamw":
            w -= rate * wish.weight_decay * w
        else:
            g = g + wish.weight_decay * w
        if method == "sgd":
            first = g if step == 1 else wish.momentum * first + g
            w -= rate * (g + wish.momentum * first if wish.nesterov else first)
            continue
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        w -= rate * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return w


@pytest.mark.truth("Steps of SGD, Adam and AdamW", "the papers' formulas")
@pytest.mark.parametrize(
    ("method", "more"),
    [("adamw", {}), ("adam", {}), ("sgd", {}), ("sgd", {"nesterov": False}), ("sgd", {"momentum": 0.0})],
)
def test_steps_are_those_of_the_papers(method, more):
    network = torch.nn.Linear(4, 3, bias=False).double()
    settings = _settings(method=method, weight_decay=0.2, **more)
    start, goal = network.weight.detach().numpy().copy(), np.arange(12.0).reshape(3, 4) / 10
    moving = optimiser.OptimiserStep(network, settings)
    for _ in range(5):
        moving.step(((network.weight - torch.from_numpy(goal)) ** 2).sum(), 0.05)
    expected = _written(method, start, lambda w: 2 * (w - goal), settings.optimiser, 0.05, 5)
    assert np.allclose(network.weight.detach().numpy(), expected, rtol=1e-6)
    assert moving.rate == 0.05


def test_the_default_takes_bit_by_bit_the_steps_of_plain_adamw():
    networks = [cnn.build(NetworkSettings(depth=2, channels=8), (1, 8, 8), 2) for _ in range(2)]
    moving = optimiser.OptimiserStep(networks[0], RunSettings())
    matrices = [p for p in networks[1].parameters() if p.dim() > 1]
    others = [p for p in networks[1].parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
    plain = torch.optim.AdamW(groups, lr=4e-3, fused=True)
    images = torch.randn(10, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    epochs, batches = RunSettings().optimiser.epochs, 3
    for step in range(9):
        epoch, batch = step // batches + 1, step % batches + 1
        rate = schedule.rate_at(RunSettings(), epoch - 1 + (batch - 1) / batches)
        done = (epoch - 1 + (batch - 1) / batches) / epochs
        assert rate == pytest.approx(4e-3 * (0.04 + 0.96 * (1 - math.cos(math.pi * done / 0.3)) / 2))
        moving.step(networks[0].eval()(images).square().mean(), rate)
        for group in plain.param_groups:
            group["lr"] = rate
        plain.zero_grad(set_to_none=True)
        networks[1].eval()(images).square().mean().backward()
        plain.step()
    pairs = zip(*(network.state_dict().values() for network in networks), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_float16_scales_the_loss_and_leaves_out_a_step_that_overflowed():
    network = torch.nn.Linear(1, 1, bias=False)
    moving = optimiser.OptimiserStep(network, _settings(method="sgd", momentum=0.0, weight_decay=0.0), torch.float16)
    before = network.weight.item()
    moving.step(network(torch.full((1, 1), 3e38)).sum() * 1e3, 0.1)
    assert network.weight.item() == before
    moving.step(network(torch.ones(1, 1)).sum(), 0.1)
    assert network.weight.item() == pytest.approx(before - 0.1, abs=summed(1, 0.1, np.float16))
    assert moving.scaler.state_dict()["scale"] == 2.0**15
