import math

import pytest
import torch
from torch.nn import functional

from core.data.target import Classes, Quantities, VoteFractions
from core.errors import SettingsProblem
from core.nets import cnn, normalisation, transfer
from core.nets.heads import OutputScale
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings

SHAPE = (2, 32, 32)


def _base(target, scale=None):
    outputs = len(target.names if isinstance(target, Classes) else target.columns)
    network = cnn.build(NetworkSettings(depth=3, channels=8), SHAPE, outputs, torch.Generator().manual_seed(3))
    network(3 + torch.randn(32, *SHAPE))
    network.eval()
    return Predictor(network, normalisation.identity(2), target, ("g", "r"), SHAPE, math.nan, scale)


def test_rows_of_the_head_follow_their_names_and_the_rest_is_taken_over():
    base = _base(Classes("kind", ("disk", "edge", "round")))
    network = transfer.prepare(base, SHAPE, Classes("type", ("merger", "round", "disk")))
    images = torch.randn(6, *SHAPE)
    before, after = base.network(images), network.eval()(images)
    assert torch.equal(after[:, 1], before[:, 2])
    assert torch.equal(after[:, 2], before[:, 0])
    assert not torch.isclose(after[:, 0:1], before).any()
    assert torch.equal(network.features.norm1.running_mean, base.network.features.norm1.running_mean)


def test_shared_quantities_keep_their_physical_values_in_the_new_scale():
    old = OutputScale(torch.tensor([2.0, 20.0]), torch.tensor([0.5, 1.5]))
    new = OutputScale(torch.tensor([18.0, 1.0]), torch.tensor([3.0, 0.25]))
    base = _base(Quantities(("radius", "magnitude"), ("arcsec", "mag")), old)
    network = transfer.prepare(base, SHAPE, Quantities(("magnitude", "radius"), ("mag", "arcsec")), new).eval()
    images = torch.randn(5, *SHAPE)
    physical = old.to_physical(base.network(images))
    assert torch.allclose(new.to_physical(network(images)), physical[:, [1, 0]], atol=1e-4)


def test_another_kind_of_target_gets_a_fresh_last_layer():
    assert transfer.matched_rows(Classes("a", ("x", "y")), VoteFractions(("x", "y"))) == {}
    assert transfer.changed_units(Quantities(("r",), ("px",)), Quantities(("r", "q"), ("arcsec", ""))) == ["r"]


@pytest.mark.parametrize("blocks", [0, 1, 3])
@pytest.mark.parametrize("method", ["adam", "sgd"])
def test_frozen_blocks_are_byte_identical_after_training_and_the_others_are_not(blocks, method):
    network = transfer.prepare(_base(Classes("kind", ("a", "b"))), SHAPE, Classes("kind", ("a", "b")))
    transfer.freeze(network, blocks)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    parameters = list(network.parameters())  # all of them, as a careless caller would
    optimiser = (
        torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1)
        if method == "adam"
        else torch.optim.SGD(parameters, lr=0.01, momentum=0.9, weight_decay=0.1)
    )
    for _ in range(3):
        network.eval()
        network.train()
        optimiser.zero_grad()
        functional.cross_entropy(network(5 + 3 * torch.randn(16, *SHAPE)), torch.randint(0, 2, (16,))).backward()
        optimiser.step()
    for name, value in network.state_dict().items():
        is_frozen = network.block_of(name) <= blocks
        assert (value.numpy().tobytes() == before[name].numpy().tobytes()) == is_frozen, name


def test_only_what_is_not_frozen_is_trainable():
    network = transfer.prepare(_base(Classes("kind", ("a", "b"))), SHAPE, Classes("kind", ("a", "b")))
    transfer.freeze(network, 3)
    assert sum(p.numel() for p in transfer.trainable_parameters(network)) == sum(
        p.numel() for p in network.head.parameters()
    )


def test_more_frozen_blocks_than_there_are_is_refused():
    network = cnn.build(NetworkSettings(depth=2), SHAPE, 2)
    with pytest.raises(SettingsProblem, match="2 blocks"):
        transfer.freeze(network, 3)
