"""How to doubt a map, and a network."""

from __future__ import annotations

from typing import Literal

from core.data.settings import SegmentationSettings
from core.settings.declare import Settings, setting


class DeletionSettings(Settings):
    """Take the pixels that a map calls important away, or only them in, and follow what the network says."""

    steps: int = setting(
        32,
        title="Steps",
        help="In so many equal pieces the pixels go or come.",
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
        4, title="Random orders", help="The map's order is compared with the mean of so many.", ge=1, le=1000
    )
    smoothing: float = setting(
        2.0,
        title="Smoothing",
        help="Standard deviation of the Gaussian that takes the map from pixels to regions first; 0: as it is.",
        unit="pixels",
        ge=0,
        le=64,
        level="expert",
    )
    block: int = setting(
        4,
        title="Random squares",
        help="Side of the squares that go or come at once in random order; 1: single pixels.",
        unit="pixels",
        ge=1,
        le=256,
        level="expert",
        source="Samek et al. 2017",
    )
    seed: int = setting(
        0, title="Seed", help="Origin of the random orders and of the noise.", ge=0, le=2**31 - 1, level="expert"
    )


class RandomisedSettings(Settings):
    """Ask networks that have learned nothing for the same map."""

    networks: int = setting(
        3,
        title="Random networks",
        help="So many times the weights are drawn anew.",
        ge=1,
        le=100,
        source="Adebayo et al. 2018",
    )
    cascade: bool = setting(
        False,
        title="Layer by layer",
        help="The layers forget one after another, from the head down, with a map at each stage.",
        level="expert",
        source="Adebayo et al. 2018",
    )
    threshold: float = setting(
        0.5,
        title="Alike above",
        help="Rank correlation above which two maps resemble each other.",
        gt=0,
        lt=1,
        level="expert",
    )
    seed: int = setting(0, title="Seed", help="Origin of the weights.", ge=0, le=2**31 - 1, level="expert")


class AgreementSettings(Settings):
    """Compare the maps of several methods."""

    brightest: float = setting(
        0.1, title="Brightest part", help="Share of the pixels whose overlap is looked at.", gt=0, lt=1
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


class BeliefSettings(Settings):
    """How it is found out whether a network looks at the galaxy, and whether the map of that tells the truth."""

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
        help="Of the map that is judged, which is made with its default settings.",
    )
    segmentation: SegmentationSettings = setting(
        SegmentationSettings(), title="Galaxy, neighbours and sky", help="How they are told apart."
    )
    deletion: DeletionSettings = setting(
        DeletionSettings(),
        title="Deletion and insertion",
        help="How it is found out whether the network needs those pixels.",
    )
