"""The average of the weights against its formula, and as what a run keeps."""

from __future__ import annotations

import torch

from core.nets import cnn
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.train import checkpoint
from core.train.averaging import WeightAverage


def make_network(seed: int) -> cnn.CNN:
    return cnn.build(NetworkSettings(depth=2, channels=8), (1, 8, 8), 2, torch.Generator().manual_seed(seed))


def test_it_is_the_exponential_average_of_weights_and_batch_statistics():
    network = make_network(0)
    average = WeightAverage(network, 2.0)
    expected = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.Generator().manual_seed(1)
    for step in range(1, 60):
        with torch.no_grad():
            for value in network.state_dict().values():
                if value.is_floating_point():
                    value += torch.randn(value.shape, generator=random)
        average.update(network, batches=3)
        share = 1 / max(1.0, min(6.0, (step + 10) / 9))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                expected[name] += share * (value - expected[name])
    for name, value in average.network.state_dict().items():
        assert torch.allclose(value, expected[name], atol=1e-4), name


def test_a_network_without_batch_statistics_is_averaged_too_and_another_one_is_followed_from_then_on():
    networks = [
        cnn.build(
            NetworkSettings(depth=2, channels=8, normalise="none"), (1, 8, 8), 2, torch.Generator().manual_seed(n)
        )
        for n in range(3)
    ]
    average = WeightAverage(networks[0], 1.0)
    expected = networks[0].state_dict()["features.conv1.weight"].clone()
    for step, network in enumerate([networks[1], networks[1], networks[2]], 1):
        average.update(network, batches=100)
        expected += 9 / (step + 10) * (network.state_dict()["features.conv1.weight"] - expected)
    assert torch.allclose(average.network.state_dict()["features.conv1.weight"], expected, atol=1e-6)


def test_an_average_goes_on_where_it_was():
    network, other = make_network(0), make_network(1)
    whole, broken = WeightAverage(network, 1.0), WeightAverage(network, 1.0)
    for average in (whole, broken):
        average.update(other, 4)
    resumed = WeightAverage(make_network(2), 1.0)
    resumed.restore(broken.network.state_dict(), broken.steps)
    for average in (whole, resumed):
        average.update(network, 4)
    pairs = zip(whole.network.state_dict().values(), resumed.network.state_dict().values(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_a_run_keeps_the_average_and_goes_on_from_the_weights(survey_run):
    earlier = checkpoint.load(survey_run / "last")
    assert earlier.average is not None
    average, steps = earlier.average
    trained = earlier.predictor.network.state_dict()
    assert steps > 0
    assert any(not torch.equal(value, trained[name]) for name, value in average.items())
    name = (survey_run / "last" / "current").read_text().strip()
    shown = Predictor.load(survey_run / "last" / name / "network.safetensors").network.state_dict()
    assert all(torch.equal(value, average[name]) for name, value in shown.items())
