"""Settings of the checks of attribution maps."""

from __future__ import annotations

from typing import Literal

from core.data.settings import SegmentationSettings
from core.settings.declare import Settings, setting


class DeletionSettings(Settings):
    """Delete the pixels that a map calls important, or insert only them, and follow the network's output."""

    steps: int = setting(
        32,
        title="Steps",
        help="Number of equal portions in which the pixels are deleted or inserted.",
        ge=2,
        le=4096,
        source="Petsiuk, Das & Saenko 2018",
    )
    fill: Literal["background", "mean", "zero", "noise"] = setting(
        "background",
        title="Replace by",
        help="Background: the median of the border, band by band. Mean: of the image. Zero: in the image's units. "
        "Noise: pixels drawn from the border.",
    )
    rankings: int = setting(
        4, title="Random orders", help="Number of random orders; the map is compared with their mean.", ge=1, le=1000
    )
    smoothing: float = setting(
        2.0,
        title="Smoothing",
        help="Standard deviation of the Gaussian that smooths the map before its pixels are ranked; 0: none.",
        unit="pixels",
        ge=0,
        le=64,
        level="expert",
    )
    block: int = setting(
        4,
        title="Random squares",
        help="Side of the squares that are deleted or inserted at once in random order; 1: single pixels.",
        unit="pixels",
        ge=1,
        le=256,
        level="expert",
        source="Samek et al. 2017",
    )
    seed: int = setting(
        0, title="Seed", help="Seed of the random orders and of the noise.", ge=0, le=2**31 - 1, level="expert"
    )


class SanityCheckSettings(Settings):
    """Make the same map with networks that have learned nothing."""

    networks: int = setting(
        3,
        title="Random networks",
        help="Number of networks with random weights.",
        ge=1,
        le=100,
        source="Adebayo et al. 2018",
    )
    cascade: bool = setting(
        False,
        title="Layer by layer",
        help="Randomise the layers one after another, from the head down, with a map at each stage.",
        level="expert",
        source="Adebayo et al. 2018",
    )
    threshold: float = setting(
        0.5,
        title="Alike above",
        help="Rank correlation above which two maps count as much the same.",
        gt=0,
        lt=1,
        level="expert",
    )
    seed: int = setting(0, title="Seed", help="Seed of the random weights.", ge=0, le=2**31 - 1, level="expert")


class AgreementSettings(Settings):
    """Compare the maps of several methods."""

    brightest: float = setting(
        0.1, title="Brightest part", help="Fraction of the pixels whose overlap is measured.", gt=0, lt=1
    )
    resolution: float = setting(
        1.0,
        title="Finest resolution",
        help="Standard deviation of the Gaussian with which finer maps are smoothed first.",
        unit="pixels",
        ge=0,
        le=64,
        level="expert",
    )


class FaithfulnessSettings(Settings):
    """How to find out whether a network looks at the galaxy, and whether the map that shows it is faithful."""

    method: Literal[
        "integrated-gradients",
        "occlusion",
        "smoothgrad",
        "expected-gradients",
        "guided-backprop",
        "grad-cam",
        "deconvnet",
    ] = setting(
        "integrated-gradients",
        title="Method",
        help="Method of the assessed map, with its default settings.",
    )
    segmentation: SegmentationSettings = setting(
        SegmentationSettings(), title="Galaxy, neighbours and sky", help="How the image is segmented."
    )
    deletion: DeletionSettings = setting(
        DeletionSettings(),
        title="Deletion and insertion",
        help="How to find out whether the network needs the pixels that the map calls important.",
    )
