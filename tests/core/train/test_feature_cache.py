"""The head trained on kept features of frozen blocks."""

import itertools

import numpy as np
import pytest
import torch

from core.data.cutouts import Cutouts
from core.errors import SettingsProblem
from core.events import BatchEnded, result_of
from core.nets.predictor import Predictor
from core.project.history import read_history
from core.project.runs import RunFolder
from core.train import feature_cache, learning_rate_finder, loop, outlook, preparation, resuming
from core.train.batches import open_images
from core.train.forward import batch_labels, forward_batch
from core.train.settings import RunSettings

BLOCKS = 2
NONE = {
    "rotation": 0.0,
    "width_shift": 0.0,
    "height_shift": 0.0,
    "zoom_min": 1.0,
    "zoom_max": 1.0,
    "horizontal_flip": False,
    "vertical_flip": False,
    "noise": 0.0,
}


def settings(epochs, start="", augmentation=(), data=(), **chosen):
    values = {
        "network": {"depth": BLOCKS, "channels": 8, "dense": 8, "dropout": 0.2},
        "optimiser": {"epochs": epochs, "batch_size": 48, "learning_rate": 3e-3, "decay": "constant"},
        "augmentation": dict(augmentation),
        "data": dict(data),
        "transfer": {"start_from": start, "freeze_blocks": BLOCKS if start else 0, **chosen},
        "device": "cpu",
        "precision": "float32",
    }
    return RunSettings.model_validate(values)


@pytest.fixture(scope="module")
def base(blobs, tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "base")
    result_of(loop.run(settings(1), blobs, folder))
    return str(folder.path)


def weights(folder):
    return {name: value.numpy().tobytes() for name, value in Predictor.load(folder.best).network.state_dict().items()}


def test_without_augmentation_the_head_learns_what_it_learns_through_the_whole_network(blobs, base, new_run):
    histories = []
    for views in (0, 2):
        folder = new_run(f"{views} views")
        result_of(loop.run(settings(2, base, NONE, cached_views=views), blobs, folder))
        histories.append([(row["loss"], row["val_loss"]) for row in read_history(folder.history_file)])
    assert np.allclose(histories[0], histories[1], atol=1e-5)


def test_only_the_head_changes_and_the_other_blocks_byte_by_byte_not(blobs, base, new_run):
    folder = new_run()
    result_of(loop.run(settings(1, base, cached_views=3), blobs, folder))
    old, new, network = weights(RunFolder.at(base)), weights(folder), Predictor.load(base).network
    assert {name for name in old if old[name] != new[name]} == {
        name for name in old if network.block_of(name) == BLOCKS + 1
    }


@pytest.mark.slow
def test_a_run_on_kept_features_is_resumed_bit_by_bit(blobs, base, new_run):
    wish = settings(4, base, cached_views=3)
    whole, parts = new_run("whole"), new_run("parts")
    result_of(loop.run(wish, blobs, whole))
    for event in loop.run(wish, blobs, parts):
        if isinstance(event, BatchEnded) and (event.epoch, event.batch) == (3, 2):
            break
    result_of(resuming.run(parts))
    assert weights(parts) == weights(whole)
    assert [row["val_loss"] for row in read_history(parts.history_file)] == [
        row["val_loss"] for row in read_history(whole.history_file)
    ]


def computed(wish, data, in_memory=True):
    with Cutouts.open(data) as cutouts:
        plan = preparation.prepare(wish, cutouts)
        rows = np.concatenate([plan.split.train, plan.split.validation])
        with result_of(open_images(cutouts, rows, plan.scaling_on_read, plan.device, in_memory=in_memory)) as images:
            plan.features = result_of(feature_cache.compute(plan, images))
    return plan


def test_features_are_those_of_the_varied_galaxies_whether_streamed_or_in_memory(blobs, base):
    wish = settings(1, base, cached_views=2)
    plans = [computed(wish, blobs, in_memory) for in_memory in (True, False)]
    rows = plans[0].split.train[:40]
    batches = [next(plan.features.batches([[rows]])) for plan in plans]
    assert torch.equal(batches[0][1], batches[1][1])
    assert batches[0][1].shape[:2] == (40, 2)
    assert not torch.allclose(batches[0][1][:, 0], batches[0][1][:, 1])  # two variations of each galaxy
    shown, outputs = forward_batch(plans[0], *batches[0], 1, 1)
    chosen = (shown[:, None] == batches[0][1]).all(dim=2).float().argmax(dim=1)
    assert 0 < chosen.float().mean() < 1  # of some galaxies the first, of others the second
    assert torch.equal(outputs, plans[0].predictor.network.head(shown))


@pytest.mark.slow
def test_an_angle_is_kept_as_the_view_has_turned_it(draw, new_dataset, new_run):
    """The same galaxy in the same view: its features and its label belong together."""
    images, _, _ = draw(60)
    angles = np.linspace(0, 179, 60)
    data = new_dataset(images, {"position_angle": angles}, ["position_angle"], units={"position_angle": "deg"})
    start = new_run("start")
    result_of(loop.run(settings(1), data, start))
    plan = computed(settings(1, str(start.path), cached_views=3), data)
    rows = np.sort(plan.split.train)
    kept = torch.stack([plan.features.labels_of(rows, torch.full((len(rows),), view)) for view in range(3)])
    plan.features = None
    for view in range(3):
        assert torch.equal(kept[view], batch_labels(plan, rows, view + 1, 1))
    assert not torch.equal(kept[0], kept[1])


def test_features_that_do_not_fit_into_the_memory_are_refused_in_a_sentence(blobs, base, monkeypatch):
    monkeypatch.setattr(feature_cache, "free_memory", lambda: 10_000)
    with pytest.raises(SettingsProblem, match="features of all views"):
        computed(settings(1, base, cached_views=2), blobs)


def test_the_forecast_and_the_search_for_a_rate_know_of_kept_features(blobs, base):
    wish = settings(1, base, cached_views=2)
    ticks = itertools.count()
    with Cutouts.open(blobs) as cutouts:
        plan = preparation.prepare(wish, cutouts)
        rows = outlook.timed_rows(plan)
        with result_of(open_images(cutouts, rows, plan.scaling_on_read, plan.device)) as images:
            found = outlook.measure(plan, images, clock=lambda: next(ticks))
    assert found.other_seconds > 9 + 8  # those of a run without kept features
    assert found.seconds == found.training_batches + found.validation_batches + 1
    assert len(result_of(learning_rate_finder.run(wish, blobs, steps=30)).rates) > 9
