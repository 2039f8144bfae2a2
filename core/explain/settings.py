"""How to ask a network why."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from core.settings.declare import Settings, setting


class OcclusionSettings(Settings):
    """Cover a square of the image and see how far the score falls, or the response of a layer."""

    patch: int = setting(
        8,
        title="Patch",
        help="Side of the covering square.",
        unit="pixels",
        ge=1,
        le=256,
        source="Zeiler & Fergus 2014",
    )
    stride: int = setting(2, title="Stride", help="Step of the square.", unit="pixels", ge=1, le=256)
    fill: Literal["background", "mean", "zero", "noise"] = setting(
        "background",
        title="Cover with",
        help="Background: the median of the border, band by band. Mean: of the image. Zero: in the image's units. "
        "Noise: pixels drawn from the border.",
    )
    layer: str = setting(
        "",
        title="Layer",
        help="Its response is watched, such as that of activation3. Empty: the score of the output.",
        source="Zeiler & Fergus 2014",
    )
    filter: int | None = setting(
        None, title="Filter", help="Of that layer, counted from 1. Empty: all of them.", ge=1, le=65_536
    )
    response: Literal["mean", "maximum"] = setting(
        "mean", title="Response", help="Over the layer's maps: the mean, or the strongest one."
    )
    seed: int = setting(0, title="Seed", help="Origin of the noise.", ge=0, le=2**31 - 1, level="expert")

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
    """Integrate the gradient along the straight way from a baseline to the image."""

    baseline: Literal["background", "mean", "zero", "blurred", "noise"] = setting(
        "background",
        title="Baseline",
        help="The image from which the way starts. Background: the median of the border, band by band. Mean: of the "
        "image. Zero: in the image's units. Blurred: the image itself without its structure. Noise: pixels drawn from "
        "the border.",
        source="Sundararajan, Taly & Yan 2017",
    )
    tolerance: float = setting(
        0.01,
        title="Completeness error",
        help="The way is cut finer until the attributions add up to the score difference within this share of it.",
        gt=0,
        le=1,
        scale="log",
    )
    steps: int = setting(
        10,
        title="First number of steps",
        help="Pieces into which the way is cut first; those where the error is largest are then halved.",
        ge=2,
        le=1024,
        level="expert",
    )
    most_steps: int = setting(
        512,
        title="Most steps",
        help="No more pieces than this, even if the error stays above.",
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
    seed: int = setting(0, title="Seed", help="Origin of the noise.", ge=0, le=2**31 - 1, level="expert")


class SmoothGradSettings(Settings):
    """Average the gradient over copies of the image with more noise."""

    samples: int = setting(50, title="Samples", help="Noisy copies of the image.", ge=1, le=10_000)
    noise: float = setting(
        1.0,
        title="Noise",
        help="Standard deviation of what is added, in units of the sky's own scatter. Zero: the plain gradient.",
        ge=0,
        le=100,
        source="Smilkov et al. 2017",
    )
    seed: int = setting(0, title="Seed", help="Origin of the noise.", ge=0, le=2**31 - 1, level="expert")


class ExpectedGradientSettings(Settings):
    """Average integrated gradients over many empty skies."""

    samples: int = setting(
        200,
        title="Samples",
        help="Skies drawn from the galaxy's border, each with one place on the way from it to the image.",
        ge=1,
        le=10_000,
        source="Erion et al. 2021",
    )
    seed: int = setting(0, title="Seed", help="Origin of the skies and the places.", ge=0, le=2**31 - 1, level="expert")


class DeconvnetSettings(Settings):
    """Lead the strongest response of a filter back to the pixels that caused it."""

    layer: str = setting(
        "",
        title="Layer",
        help="Its name, such as activation3. Empty: the last one before the head.",
        source="Zeiler & Fergus 2014",
    )
    filter: int | None = setting(
        None, title="Filter", help="Counted from 1. Empty: the one that this galaxy excites most.", ge=1, le=65536
    )


class GradCamSettings(Settings):
    """Weigh the maps of a layer by how much each of its filters speaks for the output."""

    layer: str = setting(
        "",
        title="Layer",
        help="Its name, such as activation3. Empty: the last activation with maps of at least 7 × 7. Earlier ones are "
        "finer and mean less.",
        source="Selvaraju et al. 2017",
    )


class GuidedSettings(Settings):
    """Lead the score back to the pixels along the ways that raise it at every layer."""

    layer: str = setting(
        "",
        title="Layer",
        help="Instead of the score, lead back the strongest response of a filter here, such as in activation3.",
        source="Springenberg et al. 2015",
    )
    filter: int | None = setting(
        None,
        title="Filter",
        help="Of that layer, counted from 1. Empty: the one that this galaxy excites most.",
        ge=1,
        le=65536,
    )

    @model_validator(mode="after")
    def _a_filter_is_one_of_a_layer(self) -> GuidedSettings:
        if self.filter is not None and not self.layer:
            raise ValueError("a filter needs a layer, such as activation3")
        return self


class AscentSettings(Settings):
    """How an image grows towards what a network answers to most."""

    steps: int = setting(256, title="Steps", help="How often the image is changed.", ge=1, le=10_000, scale="log")
    step: float = setting(
        0.05,
        title="Step size",
        help="How far the first step moves the pixels, in standard deviations of the training pixels; later ones are "
        "shorter and shorter.",
        gt=0,
        le=10,
        scale="log",
    )
    jitter: int = setting(
        4,
        title="Jitter",
        help="The image is shifted at random by up to so many pixels before each look, so that patterns do not hang "
        "on the grid of the pools.",
        unit="pixels",
        ge=0,
        le=64,
        source="Mordvintsev et al. 2015",
    )
    smoothness: float = setting(
        1.0,
        title="Smoothness",
        help="Power p of 1/f^p: waves of spatial frequency f grow by so much. Zero: all alike, which ends in fine "
        "noise. One: like the images of nature.",
        ge=0,
        le=3,
        source="Olah, Mordvintsev & Schubert 2017",
    )
    galaxy_colours: bool = setting(
        True,
        title="Colours of the galaxy",
        help="The bands grow together as they vary together in the galaxy; otherwise each goes its own way, in "
        "colours that no galaxy has.",
        source="Olah, Mordvintsev & Schubert 2017",
    )
    galaxy_range: bool = setting(
        True,
        title="Brightness of the galaxy",
        help="Pixels get neither darker than the sky nor brighter than the galaxy's brightest pixel, band by band.",
    )
    seed: int = setting(0, title="Seed", help="Origin of noise and jitter.", ge=0, le=2**31 - 1, level="expert")


class ClassDreamSettings(AscentSettings):
    """Find the image that a network calls most clearly a member of a class, or that has the wished quantity."""

    start: Literal["noise", "empty", "galaxy"] = setting(
        "noise",
        title="Start from",
        help="Noise: drawn as in the galaxy's background. Empty: the level of its sky. Galaxy: the image itself.",
    )
    wished: float | None = setting(
        None,
        title="Wished value",
        help="Of a quantity, in its unit: what does the network think it looks like? Empty: as large as can be.",
    )
    penalty: float = setting(
        2e-4,
        title="Penalty λ",
        help="What light costs: λ times the sum of the squared scaled pixels above the sky is taken off the score.",
        ge=0,
        le=1000,
        source="Simonyan, Vedaldi & Zisserman 2014",
    )
    blur: float = setting(
        0.7,
        title="Blur",
        help="Standard deviation of the Gaussian that now and then washes out fine patterns; it shrinks with the step.",
        unit="pixels",
        ge=0,
        le=16,
        source="Yosinski et al. 2015",
    )
    blur_every: int = setting(
        4, title="Blur after", help="So many steps lie between two blurs.", ge=1, le=10_000, level="expert"
    )


class DeepDreamSettings(AscentSettings):
    """Amplify in a galaxy whatever a layer, or one of its filters, sees there."""

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
        help="Sizes at which patterns are drawn, the coarsest first. Those too small for the layer are left out.",
        ge=1,
        le=16,
    )
    octave_ratio: float = setting(
        1.4, title="Octave ratio", help="Each octave is so many times larger than the one before.", gt=1, le=4
    )
    step: float = setting(
        0.02,
        title="Step size",
        help="How far the first step at each octave moves the pixels, in standard deviations of the training pixels; "
        "later ones are shorter and shorter.",
        gt=0,
        le=10,
        scale="log",
    )
    steps: int = setting(
        40, title="Steps", help="How often the image is changed at each octave.", ge=1, le=10_000, scale="log"
    )


class FeatureMapSettings(Settings):
    """Lay out the galaxies by what the network makes of them."""

    method: Literal["PCA", "t-SNE"] = setting(
        "PCA",
        title="Map",
        help="PCA: the two directions in which the features vary most. t-SNE: neighbours stay together, distances "
        "mean nothing.",
        source="van der Maaten & Hinton 2008",
    )
    standardise: bool = setting(
        True, title="Standardise", help="Every feature counts alike, however strong its responses are."
    )
    perplexity: float = setting(
        30.0,
        title="Perplexity",
        help="Of t-SNE: about how many neighbours each galaxy has; at most a third of the galaxies.",
        ge=2,
        le=500,
        level="expert",
    )
    most_galaxies: int = setting(
        10_000,
        title="Most galaxies",
        help="Of t-SNE, which takes long: a random sample is taken of more than these.",
        unit="galaxies",
        ge=4,
        le=1_000_000,
        level="expert",
    )
    seed: int = setting(0, title="Seed", help="Origin of the randomness.", ge=0, le=2**31 - 1, level="expert")
