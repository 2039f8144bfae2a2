"""Whole runs with images that are scaled after they are varied."""

import threading

import numpy as np
import pytest
import torch

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.errors import NotPossible
from core.events import EpochEnded
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.settings import toml
from core.train import loop, preparation, resuming
from core.train.settings import AugmentationSettings, OptimiserSettings, RunSettings, TransferSettings

SKY = AugmentationSettings(psf_blur=2, sky_noise=2, neighbours=0.3, gradient=2, cosmic_rays=1, band_drop=0.1)


def _settings(augmentation=SKY, epochs=2, **network):
    return RunSettings(
        augmentation=augmentation,
        network=NetworkSettings(depth=2, channels=8, dense=8, **network),
        optimiser=OptimiserSettings(epochs=epochs, batch_size=32, learning_rate=5e-3, class_weights=False),
        device="cpu",
    )


def _train(wish, data, folder, until=None):
    """The epochs of a run; it is broken off after ``until`` events."""
    epochs = []
    for number, event in enumerate(loop.run(wish, data, folder, threading.Event())):
        if number == until:
            break
        if isinstance(event, EpochEnded):
            epochs.append(event)
    return epochs


@pytest.mark.parametrize(
    ("augmentation", "network"),
    [
        (SKY, {}),
        pytest.param(AugmentationSettings(), {"samplewise": "standard"}, marks=pytest.mark.slow),
        pytest.param(AugmentationSettings(), {"whitening": "ZCA"}, marks=pytest.mark.slow),
        (SKY, {"samplewise": "centre", "whitening": "ZCA"}),
    ],
)
def test_the_reported_scores_are_those_of_the_saved_network_on_physical_images(blobs, new_run, augmentation, network):
    folder = new_run()
    wish = _settings(augmentation, **network)
    epochs = _train(wish, blobs, folder)
    predictor = Predictor.load(folder.best)
    assert predictor.normalisation.is_pixelwise == (not network)
    with Cutouts.open(blobs) as cutouts:
        split = splits.load(folder.split_file, cutouts.ids)
        images = torch.from_numpy(cutouts.images[split.validation])
        true = np.array([predictor.output_names.index(name) for name in cutouts.columns["kind"][split.validation]])
    best = epochs[predictor.card["epoch"] - 1]
    logits = predictor.logits(images)
    found = torch.nn.functional.cross_entropy(logits, torch.from_numpy(true)).item()
    assert (logits.argmax(1).numpy() == true).mean() == pytest.approx(best.validation.values["accuracy"])
    assert found == pytest.approx(best.validation.loss, rel=1e-3)
    assert toml.load(RunSettings, folder.settings_file) == wish


@pytest.mark.slow
def test_a_run_in_physical_pixels_that_was_killed_goes_on_as_if_nothing_had_happened(blobs, new_run):
    whole, broken = new_run("whole"), new_run("broken")
    _train(_settings(epochs=3), blobs, whole)
    _train(_settings(epochs=3), blobs, broken, until=16)
    for _ in resuming.run(broken, threading.Event()):
        pass
    one, two = (Predictor.load(folder.best) for folder in (whole, broken))
    for name, value in one.network.state_dict().items():
        assert torch.equal(value, two.network.state_dict()[name])


def test_the_whitening_rests_on_the_training_part_alone_and_is_taken_over_in_fine_tuning(blobs, new_run):
    folder = new_run()
    _train(_settings(AugmentationSettings(), whitening="ZCA", whitening_floor=1e-3), blobs, folder)
    scaling = Predictor.load(folder.best).normalisation
    with Cutouts.open(blobs) as cutouts:
        split = splits.load(folder.split_file, cutouts.ids)
        white = scaling(torch.from_numpy(cutouts.images[split.train])).flatten(1)
        assert torch.allclose(white.mean(dim=0), torch.zeros(white.shape[1]), atol=1e-2)
        again = _settings(AugmentationSettings()).model_copy(
            update={"transfer": TransferSettings(start_from=str(folder.path))}
        )
        plan = preparation.prepare(again, cutouts)
        assert plan.scales_per_batch
        images = torch.from_numpy(cutouts.images[:3])
        assert torch.equal(plan.predictor.normalisation(images), scaling(images))
        with pytest.raises(NotPossible, match="24 × 24"):
            plan.predictor.check(["g", "r"], (2, 32, 32), 0.4)


def test_images_are_scaled_once_where_nothing_needs_physical_pixels(blobs):
    with Cutouts.open(blobs) as cutouts:
        plain = preparation.prepare(_settings(AugmentationSettings()), cutouts)
        physical = preparation.prepare(_settings(), cutouts)
        images = torch.from_numpy(cutouts.images[:5])
    assert plain.scaling_on_batch is None and plain.scaling_on_read is plain.predictor.normalisation
    assert physical.scaling_on_batch is physical.predictor.normalisation
    assert torch.equal(physical.scaling_on_read(images), images)
    assert torch.allclose(
        physical.scale(physical.scaling_on_read(images)), plain.scale(plain.scaling_on_read(images)), atol=1e-5
    )
