"""How much of an earlier network is tuned: rates per block, gradual unfreezing, kept statistics, pull to the start."""

import shutil

import pytest
import torch

from core.data.cutouts import Cutouts
from core.errors import UnreadableFile
from core.events import BatchEnded, result_of
from core.nets import cnn, transfer
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project.runs import RunFolder
from core.train import loop, optimiser, preparation, resuming, schedule, tuned_blocks
from core.train.parameter_groups import make_groups
from core.train.settings import RunSettings, TransferSettings

BLOCKS = 3


def settings(epochs=1, start="somewhere", optimiser=(), **chosen):
    values = {
        "network": {"depth": BLOCKS, "channels": 8, "dense": 8},
        "optimiser": {"epochs": epochs, "batch_size": 48, **dict(optimiser)},
        "transfer": {"start_from": start, **chosen},
        "device": "cpu",
        "precision": "float32",
    }
    return RunSettings.model_validate(values)


def network(**more):
    return cnn.build(NetworkSettings(depth=BLOCKS, channels=8, dense=8, **more), (1, 16, 16), 2)


@pytest.fixture(scope="module")
def base(blobs, tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "base")
    result_of(loop.run(settings(1, start=""), blobs, folder))
    return folder


def tensors(path):
    return {name: value.numpy().tobytes() for name, value in Predictor.load(path).network.state_dict().items()}


def changed_blocks(before, after):
    """The blocks, the head being the last, of which something differs, weights apart from buffers."""
    found = Predictor.load(before).network
    old, new, weights = tensors(before), tensors(after), dict(found.named_parameters())
    differing = [name for name in old if old[name] != new[name]]
    return tuple({found.block_of(name) for name in differing if (name in weights) == which} for which in (True, False))


def test_each_block_learns_at_a_share_of_the_rate_behind_it_and_the_head_at_the_full_rate():
    whole, wish = network(), settings(block_rate=0.5, freeze_blocks=1)
    transfer.freeze(whole, 1)
    moving = optimiser.OptimiserStep(whole, wish)
    moving.step(whole(torch.randn(4, 1, 16, 16)).square().mean(), 0.08)
    rates = {id(weight): group["lr"] for group in moving.optimiser.param_groups for weight in group["params"]}
    for name, weight in whole.named_parameters():
        block = whole.block_of(name)
        if block == 1:
            assert id(weight) not in rates
        else:
            assert rates[id(weight)] == pytest.approx({2: 0.02, 3: 0.04, 4: 0.08}[block]), name
    assert moving.rate == 0.08


def test_with_the_defaults_the_groups_are_the_two_that_earlier_checkpoints_have():
    for wish in (settings(), settings(start="", block_rate=0.5, pull_to_start=1.0)):
        weights = list(network().parameters())
        groups = make_groups(network(), wish)
        assert [len(group.weights) for group in groups] == [
            sum(weight.dim() > 1 for weight in weights),
            sum(weight.dim() <= 1 for weight in weights),
        ]


@pytest.mark.parametrize("method", ["adamw", "adam", "sgd"])
def test_the_pull_takes_the_place_of_the_decay_and_leads_to_the_start(method):
    """AdamW and plain SGD as their formulas have it, with the distance from the start in place of the weights."""
    whole = network()
    start = {name: value + 1 for name, value in transfer.copied_weights(whole).items()}
    plain = {"method": method, "momentum": 0.0, "weight_decay": 0.1}
    wish = settings(pull_to_start=2.0, optimiser=plain)
    before = {name: value.detach().clone() for name, value in whole.named_parameters()}
    moving = optimiser.OptimiserStep(whole, wish, start=start)
    moving.step(0 * whole(torch.zeros(1, 1, 16, 16)).sum(), 0.01)
    for name, weight in whole.named_parameters():
        if name.startswith("head.output"):
            shrinks = weight.dim() > 1 and method != "adam"
            expected = before[name] * (1 - 0.01 * 0.1 * shrinks)
        else:
            expected = before[name] + (0.01 if method == "adam" else 0.01 * 2.0)
        if not (method == "adam" and name == "head.output.weight"):  # Adam's step is the rate, whatever the decay
            assert torch.allclose(weight, expected, atol=1e-6), name


def test_blocks_are_unfrozen_from_the_last_one_on():
    chosen = TransferSettings(start_from="x", unfreeze_every=2, freeze_blocks=1)
    assert [tuned_blocks.frozen_blocks(chosen, 3, epoch) for epoch in range(1, 9)] == [3, 3, 2, 2, 1, 1, 1, 1]
    assert [tuned_blocks.first_epoch(chosen, 3, block) for block in (1, 2, 3, 4)] == [None, 5, 3, 1]
    plain = chosen.model_copy(update={"start_from": ""})
    assert tuned_blocks.frozen_blocks(plain, 3, 1) == 1


def test_what_is_not_unfrozen_yet_keeps_its_weights_and_statistics_byte_by_byte(blobs, base, new_run):
    folder = new_run()
    chosen = {"unfreeze_every": 1, "freeze_blocks": 1, "pull_to_start": 0.5, "block_rate": 0.5}
    result_of(loop.run(settings(3, str(base.path), **chosen), blobs, folder))
    epochs = [changed_blocks(base.best, folder.snapshot(epoch)) for epoch in (1, 2, 3)]
    assert epochs == [({4}, set()), ({3, 4}, {3}), ({2, 3, 4}, {2, 3})]


def test_kept_statistics_are_byte_identical_although_all_weights_are_tuned(blobs, base, new_run):
    folder = new_run()
    result_of(loop.run(settings(1, str(base.path), batch_statistics="kept"), blobs, folder))
    assert changed_blocks(base.best, folder.best) == ({1, 2, 3, 4}, set())
    with Cutouts.open(blobs) as cutouts:
        fresh = preparation.prepare(settings(1, "", batch_statistics="kept"), cutouts).predictor.network
    assert all(module.training for module in fresh.modules())


def test_a_run_that_is_unfrozen_and_pulled_is_resumed_bit_by_bit_without_the_network_it_started_from(
    blobs, base, tmp_path
):
    own = RunFolder(shutil.copytree(base.path, tmp_path / "own"))
    chosen = {"unfreeze_every": 1, "pull_to_start": 5.0, "block_rate": 0.6, "batch_statistics": "kept"}
    wish = settings(2, str(own.path), optimiser={"decay": "constant"}, **chosen)
    whole, parts = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parts")
    result_of(loop.run(wish, blobs, whole))
    for event in loop.run(wish, blobs, parts):
        if isinstance(event, BatchEnded) and event.epoch == 2:
            break
    shutil.rmtree(own.path)
    result_of(resuming.run(parts))
    assert tensors(parts.best) == tensors(whole.best)
    assert tensors(parts.snapshot(2)) == tensors(whole.snapshot(2))
    parts.start.unlink()
    with pytest.raises(UnreadableFile, match="start"):
        result_of(resuming.run(parts, epochs=3))


@pytest.mark.slow
def test_the_pull_keeps_the_weights_near_to_those_of_the_start_which_is_kept_beside_the_run(blobs, base, new_run):
    moved = []
    steps = {"learning_rate": 5e-3, "decay": "constant", "averaging": 0.0}
    for number, pull in enumerate((0.0, 100.0)):
        folder = new_run(f"run {number}")
        result_of(loop.run(settings(1, str(base.path), optimiser=steps, pull_to_start=pull), blobs, folder))
        assert tensors(folder.start) == tensors(base.best)
        assert Predictor.load(folder.start).output_names == Predictor.load(base.best).output_names
        old, new = (transfer.copied_weights(Predictor.load(each).network) for each in (folder.start, folder.best))
        moved.append(float(sum((new[name] - old[name]).square().sum() for name in old)) ** 0.5)
    assert 0 < moved[1] < 0.7 * moved[0]
    assert not base.start.exists()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"cached_views": 4}, "only where all 3 blocks"),
        ({"freeze_blocks": 3}, "tenth of the usual learning rate"),
        ({"freeze_blocks": 3, "block_rate": 0.5}, "no effect"),
        ({"freeze_blocks": 3, "unfreeze_every": 2}, "no effect"),
        ({"freeze_blocks": 3, "batch_statistics": "kept"}, "no effect"),
        ({"unfreeze_every": 1}, "2 blocks will not be tuned"),
    ],
)
def test_a_choice_without_effect_is_told_of(blobs, base, chosen, words):
    with Cutouts.open(blobs) as cutouts:
        notices = preparation.prepare(settings(2, str(base.path), **chosen), cutouts).notices
    assert any(words in notice.text and notice.where.startswith("transfer.") for notice in notices)


def test_a_choice_of_how_much_is_tuned_without_an_earlier_network_is_told_of(blobs):
    with Cutouts.open(blobs) as cutouts:
        notices = preparation.prepare(settings(2, "", block_rate=0.5), cutouts).notices
    assert [notice.where for notice in notices if notice.where.startswith("transfer.")] == ["transfer.block_rate"]


def test_a_head_alone_on_kept_views_learns_at_the_usual_rate_and_everything_else_at_a_tenth(blobs, base):
    usual = schedule.largest_rate(settings(start=""))
    assert schedule.largest_rate(settings(freeze_blocks=3, cached_views=4)) == usual
    with Cutouts.open(blobs) as cutouts:
        whole, idle = (
            preparation.prepare(settings(2, str(base.path), cached_views=4, freeze_blocks=blocks), cutouts).settings
            for blocks in (3, 1)
        )
    assert (whole.transfer.cached_views, idle.transfer.cached_views) == (4, 0)
    assert schedule.largest_rate(idle) == pytest.approx(usual / 10)


def test_the_rates_of_the_blocks_are_told_with_the_epoch_in_which_they_begin():
    wish = settings(freeze_blocks=1, block_rate=0.5, unfreeze_every=2, optimiser={"learning_rate": 4e-3})
    assert tuned_blocks.describe_rates(wish, 3) == {1: "–", 2: "epoch 5: 0.001", 3: "epoch 3: 0.002", 4: "0.004"}
