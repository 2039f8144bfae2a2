"""Settings of the augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from core.settings.declare import Settings, setting

FillMode = Literal["reflect", "nearest", "constant", "wrap"]


class AugmentationSettings(Settings):
    """How a galaxy is varied each time it is shown to the network, in training only."""

    rotation: float = setting(
        180,
        title="Rotation",
        help="Rotate by an angle drawn from ± this. Position angles turn with the galaxy; left out where they "
        "are learned as plain numbers.",
        unit="deg",
        ge=0,
        le=180,
    )
    width_shift: float = setting(
        0.1, title="Width shift", help="Move sideways by up to this share of the width.", ge=0, le=0.5
    )
    height_shift: float = setting(
        0.1, title="Height shift", help="Move up or down by up to this share of the height.", ge=0, le=0.5
    )
    zoom_min: float = setting(
        0.75,
        title="Zoom from",
        help="Smallest magnification; 1: as it is. Left out where sizes or magnitudes are learned.",
        gt=0.2,
        le=1,
    )
    zoom_max: float = setting(1.3, title="Zoom to", help="Largest magnification; 1: as it is.", ge=1, lt=5)
    horizontal_flip: bool = setting(
        True,
        title="Horizontal flip",
        help="Mirror left and right half of the time. It swaps clockwise and anticlockwise spirals, and is left out "
        "where classes distinguish them, unless their labels are swapped, too.",
    )
    vertical_flip: bool = setting(
        True,
        title="Vertical flip",
        help="Mirror top and bottom half of the time. Swaps handedness too, and is left out likewise.",
    )
    swap_labels: bool = setting(
        False,
        title="Swap labels",
        help="Where classes come in pairs such as clockwise and anticlockwise, keep the flips, and give a galaxy that "
        "is mirrored the other label.",
        level="expert",
    )
    average_answers: bool = setting(
        True,
        title="Average answers",
        help="Predictions are means over a galaxy's mirror images and quarter turns, as far as the training mirrors "
        "and rotates it. For classes this lowers the log loss a little; for vote fractions and quantities it was "
        "neither better nor worse. It takes up to eight times as long. Maps explain the galaxy as it stands.",
        level="expert",
    )
    noise: float = setting(
        0.02,
        title="Gaussian noise",
        help="Standard deviation of noise added to the network's scaled input, where each band has unit variance.",
        ge=0,
        le=2,
    )
    psf_blur: float = setting(
        0.0,
        title="Worse seeing",
        help="Blur by a Gaussian whose full width at half maximum is drawn up to this; the sky noise is kept at its "
        "level. Left out where sizes are learned.",
        unit="pixels",
        ge=0,
        le=20,
    )
    sky_noise: float = setting(
        1.0,
        title="More sky noise",
        help="Increase the sky noise by a factor drawn up to this, as in a shallower survey; 1: as it is.",
        ge=1,
        le=20,
    )
    distance: float = setting(
        1.0,
        title="Farther away",
        help="Rebin as if seen from up to this many times as far, or with pixels larger by this factor: the surface "
        "brightness is kept, and the margin is filled with sky. Left out where sizes or magnitudes are learned.",
        ge=1,
        le=5,
    )
    neighbours: float = setting(
        0.0,
        title="Neighbours",
        help="Probability that another galaxy of the training set is added beside the centre.",
        ge=0,
        le=1,
    )
    shear: float = setting(
        0.0,
        title="Shear",
        help="Shear by an angle drawn from ± this. Left out where shapes, sizes or position angles are learned.",
        unit="deg",
        ge=0,
        le=45,
        level="expert",
    )
    fill_mode: FillMode = setting(
        "reflect",
        title="Beyond the edge",
        help="How pixels from outside the stamp are filled. Reflect: the stamp mirrored at its edge. Nearest: its "
        "outermost pixels. Constant: the sky level. Wrap: the opposite side.",
        level="expert",
    )
    brightness_min: float = setting(
        1.0,
        title="Brightness from",
        help="Smallest factor on everything above the sky level, noise included, as if the photometric zero point "
        "were off; 1: as it is. Left out where magnitudes are learned.",
        gt=0,
        le=1,
        level="expert",
    )
    brightness_max: float = setting(
        1.0, title="Brightness to", help="Largest factor on it; 1: as it is.", ge=1, le=10, level="expert"
    )
    signal_to_noise: float = setting(
        0.0,
        title="Faintest S/N",
        help="Add sky noise until the signal-to-noise ratio of the light within a quarter of the stamp's side from its "
        "centre has fallen to a random value between its own and this; 0: off.",
        ge=0,
        le=10000,
        level="expert",
    )
    gradient: float = setting(
        0.0,
        title="Sky gradient",
        help="Largest linear gradient of the sky from one side to the other, in standard deviations of its noise.",
        unit="σ",
        ge=0,
        le=100,
        level="expert",
    )
    cosmic_rays: float = setting(
        0.0,
        title="Cosmic rays",
        help="Mean number of bright tracks per stamp, each in one band.",
        ge=0,
        le=100,
        level="expert",
    )
    dead_pixels: float = setting(
        0.0,
        title="Dead pixels",
        help="Mean number of pixels per stamp that are set to zero, each in one band.",
        ge=0,
        le=1000,
        level="expert",
    )
    band_drop: float = setting(
        0.0,
        title="Missing bands",
        help="Probability that a band is missing, replaced by the sky level. One band is always left.",
        ge=0,
        le=1,
        level="expert",
    )

    def differs_from(self, values: Mapping[str, float]) -> bool:
        """Whether any of these settings has another value."""
        return any(getattr(self, name) != value for name, value in values.items())
