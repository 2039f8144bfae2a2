import math

import pytest
import torch

from core.data.target import Classes
from core.errors import UnreadableFile, WrongVersion
from core.events import EpochEnded, Scores
from core.nets import cnn, normalisation
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.train import checkpoint


def _epoch(number):
    scores = Scores(0.5, {"accuracy": 0.75})
    return EpochEnded(number, 9, scores, scores, 1e-3, 2.5, number, 0)


def _train(kind):
    network = cnn.build(NetworkSettings(depth=2, channels=8), (1, 16, 16), 2)
    optimiser = kind(network.parameters())
    for _ in range(3):
        optimiser.zero_grad()
        network(torch.randn(8, 1, 16, 16)).square().mean().backward()
        optimiser.step()
    target = Classes("kind", ("a", "b"))
    return Predictor(network, normalisation.identity(1), target, ("g",), (1, 16, 16), math.nan), optimiser


@pytest.mark.parametrize(
    "kind",
    [
        lambda parameters: torch.optim.AdamW(parameters, fused=True),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    ],
)
def test_the_optimisers_memory_comes_back_bit_by_bit(tmp_path, kind):
    predictor, optimiser = _train(kind)
    checkpoint.save(tmp_path, predictor, optimiser, [_epoch(1), _epoch(2)], 7)
    loaded = checkpoint.load(tmp_path)
    assert loaded.history == [_epoch(1), _epoch(2)]
    assert loaded.seed == 7
    other = kind(loaded.predictor.network.parameters())
    other.load_state_dict(loaded.optimiser)
    before, after = optimiser.state_dict()["state"], other.state_dict()["state"]
    assert before.keys() == after.keys()
    for number, state in before.items():
        for name, value in state.items():
            same = torch.equal(value, after[number][name]) if torch.is_tensor(value) else value == after[number][name]
            assert same, (number, name)


def test_only_the_last_two_epochs_are_kept_and_the_pointer_names_the_whole_one(tmp_path):
    predictor, optimiser = _train(torch.optim.AdamW)
    for number in range(1, 5):
        path = checkpoint.save(tmp_path, predictor, optimiser, [_epoch(n + 1) for n in range(number)], 1)
    assert path == tmp_path / "epoch-0004" / "network.safetensors"
    assert {folder.name for folder in tmp_path.iterdir()} == {"epoch-0003", "epoch-0004", "current"}
    assert (tmp_path / "current").read_text().strip() == "epoch-0004"
    (tmp_path / "epoch-0005").mkdir()  # as a kill in the middle of saving leaves it
    assert len(checkpoint.load(tmp_path).history) == 4


def test_nothing_to_go_on_from_is_a_problem(tmp_path):
    with pytest.raises(UnreadableFile, match="no complete epoch"):
        checkpoint.load(tmp_path)
    predictor, optimiser = _train(torch.optim.AdamW)
    checkpoint.save(tmp_path, predictor, optimiser, [_epoch(1)], 1)
    state = tmp_path / "epoch-0001" / "state.json"
    text = state.read_text()
    state.write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(WrongVersion):
        checkpoint.load(tmp_path)
    state.write_text(text[:50])
    with pytest.raises(UnreadableFile):
        checkpoint.load(tmp_path)
