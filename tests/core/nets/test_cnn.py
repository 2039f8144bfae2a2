import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from core.errors import NotPossible
from core.nets import cnn
from core.nets.settings import NetworkSettings


@effort(max_examples=25)
@given(
    depth=st.integers(1, 4),
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    bands=st.integers(1, 5),
    kernel=st.sampled_from([3, 5, 7]),
    activation=st.sampled_from(["relu", "leaky relu", "prelu", "gelu"]),
    normalise=st.sampled_from(["batch", "group", "none"]),
    layers=st.integers(1, 4),
    residual=st.booleans(),
    pooling=st.sampled_from(["global", "flatten"]),
    dense=st.sampled_from([0, 8]),
)
def test_any_allowed_network_gives_one_row_of_outputs_per_stamp(
    depth, height, width, bands, kernel, activation, normalise, layers, residual, pooling, dense
):
    settings = NetworkSettings(
        depth=depth,
        channels=8,
        kernel=kernel,
        activation=activation,
        normalise=normalise,
        layers=layers,
        residual=residual,
        pooling=pooling,
        dense=dense,
    )
    network = cnn.build(settings, (bands, height, width), 4)
    outputs = network(torch.randn(2, bands, height, width))
    assert outputs.shape == (2, 4)
    assert torch.isfinite(outputs).all()
    assert len(network.blocks) == depth


def test_too_deep_a_network_is_refused_with_the_deepest_possible():
    with pytest.raises(NotPossible, match="at most 6 blocks"):
        cnn.build(NetworkSettings(depth=7), (1, 32, 32), 2)
    deepest = cnn.build(NetworkSettings(depth=6), (1, 32, 32), 2).eval()
    assert deepest(torch.zeros(1, 1, 32, 32)).shape == (1, 2)


def test_weights_depend_on_the_generator_alone_and_leave_the_global_random_state():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (
        cnn.build(NetworkSettings(), (3, 32, 32), 3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_responses_keep_their_size_through_a_fresh_deep_network():
    network = cnn.build(NetworkSettings(depth=6, normalise="none"), (3, 64, 64), 3)
    with torch.no_grad():
        responses = network.features(torch.randn(16, 3, 64, 64))
    assert 0.05 < responses.std() < 20


@pytest.mark.parametrize("activation", ["relu", "gelu", "prelu"])
def test_only_the_convolution_sees_the_pixels_that_pooling_drops(activation):
    network = cnn.build(NetworkSettings(depth=2, channels=8, activation=activation), (1, 16, 16), 2)
    kinds = [name for name, _ in network.features.named_children()]
    assert kinds == [f"{kind}{block}" for block in (1, 2) for kind in ("conv", "pool", "norm", "activation")]


def test_every_parameter_belongs_to_a_block_or_to_the_head():
    network = cnn.build(NetworkSettings(depth=3), (2, 32, 32), 5)
    blocks = {name: network.block_of(name) for name, _ in network.named_parameters()}
    assert blocks["features.conv1.weight"] == 1
    assert blocks["features.norm3.bias"] == 3
    assert {block for name, block in blocks.items() if name.startswith("head")} == {4}
    deep = cnn.build(NetworkSettings(depth=10), (1, 1024, 1024), 2)
    assert deep.block_of("features.conv10.weight") == 10
    assert deep.block_of("features.conv1.weight") == 1


def test_dropout_draws_from_its_own_generator():
    layer = cnn.OwnDropout(0.5)
    layer.generator = torch.Generator().manual_seed(1)
    torch.manual_seed(0)
    first = layer(torch.ones(1000))
    layer.generator.manual_seed(1)
    torch.manual_seed(99)
    assert torch.equal(layer(torch.ones(1000)), first)
    assert set(first.tolist()) == {0.0, 2.0}
    assert first.mean() == pytest.approx(1, abs=0.15)
    assert torch.equal(layer.eval()(torch.ones(5)), torch.ones(5))


def test_layers_of_a_block_keep_its_size_and_bear_its_number():
    network = cnn.build(NetworkSettings(depth=2, layers=3, channels=8), (1, 16, 16), 2)
    names = [name for name, _ in network.features.named_children()]
    assert names[:7] == ["conv1_1", "norm1_1", "activation1_1", "conv1_2", "norm1_2", "activation1_2", "conv1"]
    assert names[7:10] == ["pool1", "norm1", "activation1"]
    assert network.block_of("features.conv1_2.weight") == 1
    assert network.block_of("features.conv2_1") == 2


def test_groups_are_normalised_galaxy_by_galaxy():
    network = cnn.build(NetworkSettings(depth=1, channels=12, normalise="group"), (1, 8, 8), 2)
    norm = network.features.norm1
    x = torch.randn(3, 12, 4, 4) * 5 + 2
    groups = x.reshape(3, 4, 3 * 16)  # the largest common divisor of 8 and 12 is 4
    by_hand = (groups - groups.mean(2, keepdim=True)) / (groups.var(2, unbiased=False, keepdim=True) + 1e-5).sqrt()
    assert torch.allclose(norm(x), by_hand.reshape(x.shape), atol=1e-5)
    assert torch.allclose(norm(x)[:1], norm(x[:1]), atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_residual_block_adds_what_it_was_given(layers):
    settings = NetworkSettings(depth=2, channels=8, growth=1, layers=layers, residual=True)
    network = cnn.build(settings, (8, 16, 16), 2).eval()
    x = torch.randn(2, 8, 16, 16)
    block = network.features.residual1
    halved = torch.nn.functional.avg_pool2d(x, 2)
    assert torch.allclose(block(x), block.main(x) + halved)
    for parameter in block.main.parameters():
        parameter.data.zero_()
    assert torch.allclose(network.features[:2](x), halved.clamp(min=0))
    wider = cnn.build(settings.model_copy(update={"growth": 2.0}), (8, 16, 16), 2)
    assert wider.features.residual2.way_round[1].weight.shape == (16, 8, 1, 1)


def test_the_default_network_is_what_it_always_was():
    network = cnn.build(NetworkSettings(depth=2), (3, 16, 16), 2, torch.Generator().manual_seed(1))
    names = [name for name, _ in network.features.named_children()]
    assert names == ["conv1", "pool1", "norm1", "activation1", "conv2", "pool2", "norm2", "activation2"]
    random = torch.Generator().manual_seed(1)
    first = torch.empty(32, 3, 3, 3).normal_(0, (2 / (32 * 9)) ** 0.5, generator=random)  # He et al. 2015
    assert torch.equal(network.features.conv1.weight, first)
