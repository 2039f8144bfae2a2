import numpy as np
import pytest
import torch
from scipy import ndimage

from core.train.augmentation.noise import NoisePool, lost_noise
from core.train.augmentation.pipeline import augment
from core.train.settings import AugmentationSettings


def test_the_noise_has_the_width_that_was_asked_for_and_differs_from_batch_to_batch(still):
    settings = still.model_copy(update={"noise": 0.1})
    random = torch.Generator().manual_seed(0)
    images = torch.zeros(64, 1, 32, 32)
    pool = NoisePool.draw(images.numel(), random)
    for source in (None, pool):
        one, two = (augment(images, settings, random, source) for _ in range(2))
        assert one.std().item() == pytest.approx(0.1, rel=0.02)
        assert abs(np.corrcoef(one.flatten(), two.flatten())[0, 1]) < 0.02


@pytest.mark.parametrize("blur", [0.0, 0.7])
def test_the_skys_noise_is_as_strong_after_a_rotation_as_before(blur):
    random = np.random.default_rng(0)
    sky = random.normal(0, [[[[0.4]], [[1.5]]]], (2800, 2, 32, 32))
    sky = ndimage.gaussian_filter(sky, (0, 0, blur, blur), mode="wrap") if blur else sky
    images = torch.from_numpy(sky.astype(np.float32))
    images[::7, :, :12, :12] += 40  # some have a neighbour at the edge
    lost = lost_noise(images)
    settings = AugmentationSettings(noise=0)

    def middle(varied):
        return varied[1::7, :, 12:20, 12:20].std(dim=(0, 2, 3))

    plain = augment(images, settings, torch.Generator().manual_seed(1))
    mended = augment(images, settings, torch.Generator().manual_seed(1), lost=lost)
    assert (middle(plain) < 0.93 * middle(images)).all()
    assert torch.allclose(middle(mended), middle(images), rtol=0.06)  # neighbours hide some of it


def test_flips_alone_take_no_noise_away(still):
    images = torch.randn(8, 1, 16, 16)
    settings = still.model_copy(update={"horizontal_flip": True})
    varied = augment(images, settings, torch.Generator().manual_seed(0), lost=torch.ones(1))
    same = torch.isclose(varied, images, atol=1e-4).all(dim=3).all(dim=2)[:, 0]
    mirrored = torch.isclose(varied, images.flip(3), atol=1e-4).all(dim=3).all(dim=2)[:, 0]
    assert (same ^ mirrored).all()
    assert same.any()
    assert mirrored.any()
