import numpy as np
import pytest
import torch

from core.train.settings import AugmentationSettings


@pytest.fixture(scope="session")
def still() -> AugmentationSettings:
    """Nothing is varied."""
    return AugmentationSettings(
        rotation=0,
        width_shift=0,
        height_shift=0,
        zoom_min=1,
        zoom_max=1,
        horizontal_flip=False,
        vertical_flip=False,
        noise=0,
    )


@pytest.fixture
def galaxies():
    """``galaxies(count, bands, size, width, noise)``: round galaxies on noise and a sky of 100, (n, C, H, W)."""

    def drawn(count=64, bands=2, size=32, width=2.0, noise=1.0, peak=50.0):
        random = np.random.default_rng(0)
        y, x = np.mgrid[:size, :size] - (size - 1) / 2
        light = peak * np.exp(-(x**2 + y**2) / (2 * width**2))
        return torch.from_numpy((100 + light + random.normal(0, noise, (count, bands, size, size))).astype(np.float32))

    return drawn
