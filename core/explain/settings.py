"""Settings of the attribution methods, of dreams and of the galaxy map."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from core.settings.declare import Settings, setting


class OcclusionSettings(Settings):
    """Cover a square of the image and measure how far the score, or the response of a layer, drops."""

    patch: int = setting(
        8,
        title="Patch",
        help="Side of the covering square.",
        unit="pixels",
        ge=1,
        le=256,
        source="Zeiler & Fergus 2014",
    )
    stride: int = setting(
        2, title="Stride", help="Distance between neighbouring positions of the square.", unit="pixels", ge=1, le=256
    )
    fill: Literal["background", "mean", "zero", "noise"] = setting(
        "background",
        title="Cover with",
        help="Background: the median of the border, band by band. Mean: of the image. Zero: in the image's units. "
        "Noise: pixels drawn from the border.",
    )
    layer: str = setting(
        "",
        title="Layer",
        help="Layer whose response is measured instead of the score, such as activation3. Empty: the score of the "
        "output.",
        source="Zeiler & Fergus 2014",
    )
    filter: int | None = setting(
        None, title="Filter", help="Filter of that layer, counted from 1. Empty: all of them.", ge=1, le=65_536
    )
    response: Literal["mean", "maximum"] = setting(
        "mean", title="Response", help="Mean or maximum over the layer's maps."
    )
    seed: int = setting(0, title="Seed", help="Seed of the noise.", ge=0, le=2**31 - 1, level="expert")

    @model_validator(mode="after")
    def _squares_leave_no_gap(self) -> OcclusionSettings:
        if self.stride > self.patch:
            raise ValueError("the stride must not be larger than the patch, or some pixels are never covered")
        return self

    @model_validator(mode="after")
    def _a_filter_is_one_of_a_layer(self) -> OcclusionSettings:
        if self.filter is not None and not self.layer:
            raise ValueError("a filter needs a layer, such as activation3")
        return self


class GradientSettings(Settings):
    """Integrate the gradient along the straight path from a baseline to the image."""

    baseline: Literal["background", "mean", "zero", "blurred", "noise"] = setting(
        "background",
        title="Baseline",
        help="The image where the path starts. Background: the median of the border, band by band. Mean: of the "
        "image. Zero: in the image's units. Blurred: the image itself without its structure. Noise: pixels drawn from "
        "the border.",
        source="Sundararajan, Taly & Yan 2017",
    )
    tolerance: float = setting(
        0.01,
        title="Completeness error",
        help="The integration is refined until the attributions add up to the score difference within this fraction of "
        "it.",
        gt=0,
        le=1,
        scale="log",
    )
    steps: int = setting(
        24,
        title="First number of steps",
        help="Intervals of the first integration; if it misses the completeness error, it is done again with more. The "
        "more there are, the smaller is the error of single pixels.",
        ge=2,
        le=1024,
        level="expert",
    )
    most_steps: int = setting(
        512,
        title="Most steps",
        help="Upper limit of the number of intervals, even if the error is still above the tolerance.",
        ge=2,
        le=8192,
        level="expert",
    )
    blur: float = setting(
        8.0,
        title="Blur",
        help="Standard deviation of the Gaussian of the blurred baseline.",
        unit="pixels",
        gt=0,
        le=256,
        level="expert",
    )
    seed: int = setting(0, title="Seed", help="Seed of the noise.", ge=0, le=2**31 - 1, level="expert")


class SmoothGradSettings(Settings):
    """Average the gradient over copies of the image with added noise."""

    samples: int = setting(50, title="Samples", help="Number of noisy copies of the image.", ge=1, le=10_000)
    noise: float = setting(
        1.0,
        title="Noise",
        help="Standard deviation of the added noise, in units of the sky's own scatter. Zero: the plain gradient.",
        ge=0,
        le=100,
        source="Smilkov et al. 2017",
    )
    seed: int = setting(0, title="Seed", help="Seed of the noise.", ge=0, le=2**31 - 1, level="expert")


class ExpectedGradientSettings(Settings):
    """Average integrated gradients over many baselines of empty sky."""

    samples: int = setting(
        200,
        title="Samples",
        help="Number of skies drawn from the galaxy's border, each with one point on the path from it to the image.",
        ge=1,
        le=10_000,
        source="Erion et al. 2021",
    )
    seed: int = setting(0, title="Seed", help="Seed of the skies and the points.", ge=0, le=2**31 - 1, level="expert")


class DeconvnetSettings(Settings):
    """Project the strongest response of a filter back to the pixels that caused it."""

    layer: str = setting(
        "",
        title="Layer",
        help="Name of the layer, such as activation3. Empty: the last one before the head.",
        source="Zeiler & Fergus 2014",
    )
    filter: int | None = setting(
        None,
        title="Filter",
        help="Number of the filter, counted from 1. Empty: the one that this galaxy excites most.",
        ge=1,
        le=65536,
    )


class GradCamSettings(Settings):
    """Weight the maps of a layer by the gradient of the score with respect to each of its filters."""

    layer: str = setting(
        "",
        title="Layer",
        help="Name of the layer, such as activation3. Empty: the last activation with maps of at least 7 × 7. Maps of "
        "earlier layers are finer, but less meaningful.",
        source="Selvaraju et al. 2017",
    )


class GuidedSettings(Settings):
    """Propagate the score back to the pixels along the paths that raise it at every layer."""

    layer: str = setting(
        "",
        title="Layer",
        help="Propagate the strongest response of a filter of this layer, such as activation3, instead of the score.",
        source="Springenberg et al. 2015",
    )
    filter: int | None = setting(
        None,
        title="Filter",
        help="Filter of that layer, counted from 1. Empty: the one that this galaxy excites most.",
        ge=1,
        le=65536,
    )

    @model_validator(mode="after")
    def _a_filter_is_one_of_a_layer(self) -> GuidedSettings:
        if self.filter is not None and not self.layer:
            raise ValueError("a filter needs a layer, such as activation3")
        return self


class AscentSettings(Settings):
    """Gradient ascent on an image."""

    steps: int = setting(256, title="Steps", help="Number of gradient steps.", ge=1, le=10_000, scale="log")
    step: float = setting(
        0.05,
        title="Step size",
        help="Learning rate of the first step, in standard deviations of the training pixels; it falls to zero along a "
        "cosine.",
        gt=0,
        le=10,
        scale="log",
    )
    jitter: int = setting(
        4,
        title="Jitter",
        help="The image is shifted at random by up to this many pixels before each step, so that patterns do not align "
        "with the grid of the pooling.",
        unit="pixels",
        ge=0,
        le=64,
        source="Mordvintsev et al. 2015",
    )
    smoothness: float = setting(
        1.0,
        title="Smoothness",
        help="Power p of the weight 1/f^p of spatial frequency f. Zero: all frequencies alike, which leads to fine "
        "noise. One: as in natural images.",
        ge=0,
        le=3,
        source="Olah, Mordvintsev & Schubert 2017",
    )
    galaxy_colours: bool = setting(
        True,
        title="Colours of the galaxy",
        help="The bands change together as they covary in the galaxy; otherwise independently, which leads to "
        "colours that no galaxy has.",
        source="Olah, Mordvintsev & Schubert 2017",
    )
    galaxy_range: bool = setting(
        True,
        title="Brightness of the galaxy",
        help="Pixels become neither darker than the sky nor brighter than the galaxy's brightest pixel, band by band.",
    )
    seed: int = setting(0, title="Seed", help="Seed of noise and jitter.", ge=0, le=2**31 - 1, level="expert")


class ClassDreamSettings(AscentSettings):
    """Find the image with the highest score for a class, or with the wished value of a quantity."""

    start: Literal["noise", "empty", "galaxy"] = setting(
        "noise",
        title="Start from",
        help="Noise: drawn as in the galaxy's background. Empty: the level of its sky. Galaxy: the image itself.",
    )
    wished: float | None = setting(
        None,
        title="Wished value",
        help="Value of a quantity, in its unit, that the dream is to have. Empty: as large as possible; an angle as "
        "clearly as possible the one predicted for the galaxy.",
    )
    penalty: float = setting(
        2e-4,
        title="Penalty λ",
        help="Cost of light: λ times the sum of the squared scaled pixels, counted from the sky, is subtracted from "
        "the score.",
        ge=0,
        le=1000,
        source="Simonyan, Vedaldi & Zisserman 2014",
    )
    blur: float = setting(
        0.7,
        title="Blur",
        help="Standard deviation of the Gaussian that regularly smooths out fine patterns; it shrinks with the step "
        "size.",
        unit="pixels",
        ge=0,
        le=16,
        source="Yosinski et al. 2015",
    )
    blur_every: int = setting(
        4, title="Blur after", help="Number of steps from one blur to the next.", ge=1, le=10_000, level="expert"
    )


class DeepDreamSettings(AscentSettings):
    """Amplify in a galaxy whatever a layer, or one of its filters, responds to."""

    layer: str = setting(
        "",
        title="Layer",
        help="The layer to amplify, such as activation3. Empty: the last one.",
        source="Mordvintsev, Olah & Tyka 2015",
    )
    filter: int | None = setting(
        None, title="Filter", help="Only this filter, counted from 1. Empty: the whole layer.", ge=1, le=65_536
    )
    octaves: int = setting(
        4,
        title="Octaves",
        help="Number of image sizes at which patterns are amplified, the coarsest first. Sizes too small for the layer "
        "are left out.",
        ge=1,
        le=16,
    )
    octave_ratio: float = setting(
        1.4, title="Octave ratio", help="Size of each octave relative to the one before.", gt=1, le=4
    )
    step: float = setting(
        0.02,
        title="Step size",
        help="Learning rate of the first step at each octave, in standard deviations of the training pixels; it falls "
        "to zero along a cosine.",
        gt=0,
        le=10,
        scale="log",
    )
    steps: int = setting(
        40, title="Steps", help="Number of gradient steps at each octave.", ge=1, le=10_000, scale="log"
    )


class FeatureMapSettings(Settings):
    """Embed the galaxies in a plane by the network's last features."""

    method: Literal["PCA", "t-SNE"] = setting(
        "PCA",
        title="Map",
        help="PCA: the two directions in which the features vary most. t-SNE: neighbours stay together, distances "
        "have no meaning.",
        source="van der Maaten & Hinton 2008",
    )
    standardise: bool = setting(
        True, title="Standardise", help="Every feature has the same weight, however strong its responses are."
    )
    perplexity: float = setting(
        30.0,
        title="Perplexity",
        help="For t-SNE, the approximate number of neighbours of each galaxy; at most a third of the galaxies.",
        ge=2,
        le=500,
        level="expert",
    )
    most_galaxies: int = setting(
        10_000,
        title="Most galaxies",
        help="For t-SNE, which takes long: of more galaxies than these, a random sample is taken.",
        unit="galaxies",
        ge=4,
        le=1_000_000,
        level="expert",
    )
    seed: int = setting(0, title="Seed", help="Seed of the random numbers.", ge=0, le=2**31 - 1, level="expert")
