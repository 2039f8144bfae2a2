"""The knobs of augmentation."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting

FillMode = Literal["reflect", "nearest", "constant", "wrap"]


class AugmentationSettings(Settings):
    """How a galaxy is varied each time it is shown to the network, in training only."""

    rotation: float = setting(
        180,
        title="Rotation",
        help="Turn by an angle drawn from ± this. Left out where position angles are learned.",
        unit="deg",
        ge=0,
        le=180,
    )
    width_shift: float = setting(
        0.05, title="Width shift", help="Move sideways by up to this share of the width.", ge=0, le=0.5
    )
    height_shift: float = setting(
        0.05, title="Height shift", help="Move up or down by up to this share of the height.", ge=0, le=0.5
    )
    zoom_min: float = setting(
        0.9,
        title="Zoom from",
        help="Smallest magnification; 1: as it is. Left out where sizes or magnitudes are learned.",
        gt=0.2,
        le=1,
    )
    zoom_max: float = setting(1.1, title="Zoom to", help="Largest magnification; 1: as it is.", ge=1, lt=5)
    horizontal_flip: bool = setting(
        True,
        title="Horizontal flip",
        help="Mirror left and right half of the time. It swaps clockwise and anticlockwise spirals, and is left out "
        "where classes tell them apart, unless their labels are swapped with it.",
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
        "is shown mirrored the other label.",
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
        help="Blur by a Gaussian whose width at half maximum is drawn up to this; the sky's noise stays as strong as "
        "it was. Left out where sizes are learned.",
        unit="pixels",
        ge=0,
        le=20,
    )
    sky_noise: float = setting(
        1.0,
        title="More sky noise",
        help="Make the sky's noise stronger by a factor drawn up to this, as in a shallower survey; 1: as it is.",
        ge=1,
        le=20,
    )
    distance: float = setting(
        1.0,
        title="Farther away",
        help="Rebin as if seen from up to so many times as far, or with so much larger pixels: the surface brightness "
        "stays, and what becomes free is filled with sky. Left out where sizes or magnitudes are learned.",
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
        help="What comes into the stamp from outside. Reflect: the stamp mirrored at its edge. Nearest: its outermost "
        "pixels. Constant: the sky's level. Wrap: the opposite side.",
        level="expert",
    )
    brightness_min: float = setting(
        1.0,
        title="Brightness from",
        help="Smallest factor on all that lies above the sky, noise included, as if the photometric zero point were "
        "off; 1: as it is. Left out where magnitudes are learned.",
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
        "centre has fallen to a value between its own and this; 0: off.",
        ge=0,
        le=10000,
        level="expert",
    )
    gradient: float = setting(
        0.0,
        title="Sky gradient",
        help="Tilt the sky by up to so many standard deviations of its noise from one side to the other.",
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
        help="Mean number of pixels per stamp that read zero, each in one band.",
        ge=0,
        le=1000,
        level="expert",
    )
    band_drop: float = setting(
        0.0,
        title="Missing bands",
        help="Probability of each band to be empty: nothing but the sky's level. One band is always left.",
        ge=0,
        le=1,
        level="expert",
    )
