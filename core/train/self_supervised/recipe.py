"""The settings with which a training without labels begins unless the user chooses others."""

from __future__ import annotations

from core.train.self_supervised.settings import SelfSupervisedSettings
from core.train.settings import AugmentationSettings, RunSettings, StoppingSettings
from core.train.unlabelled.settings import UnlabelledSettings

_EPOCHS = 100

AUGMENTATION = AugmentationSettings(
    zoom_min=0.6,
    zoom_max=1.5,
    noise=0.1,
    psf_blur=1.5,
    sky_noise=2.0,
    brightness_min=0.6,
    brightness_max=1.7,
)
"""Stronger than in a training with labels: what two variations share is what the network learns to look at.

Brightness, seeing and depth tell galaxies of one survey apart without a look at their shape, and differ from survey to
survey; so they are varied, and noise hides the rest.
"""


def recommended(settings: RunSettings | None = None) -> RunSettings:
    """Settings for a training without labels, with the network, data and machine of given ones."""
    settings = settings or RunSettings()
    chosen = {
        "self_supervised": SelfSupervisedSettings(method="simclr"),
        "unlabelled": UnlabelledSettings(),
        "augmentation": AUGMENTATION,
        "optimiser": settings.optimiser.model_copy(update={"epochs": _EPOCHS, "batch_size": None, "repeats": None}),
        "stopping": StoppingSettings(monitor="loss", patience=0),
    }
    return settings.model_copy(update=chosen)
