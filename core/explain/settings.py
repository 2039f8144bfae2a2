"""How to ask a network why."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from core.settings.declare import Settings, setting


class OcclusionSettings(Settings):
    """Cover a square of the image and see how far the score falls."""

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
    fill: Literal["background", "mean", "zero"] = setting(
        "background",
        title="Cover with",
        help="Background: the median of the border, band by band. Mean: of the image. Zero: in the image's units.",
    )

    @model_validator(mode="after")
    def _squares_leave_no_gap(self) -> OcclusionSettings:
        if self.stride > self.patch:
            raise ValueError("the stride must not be larger than the patch, or some pixels are never covered")
        return self


class GradientSettings(Settings):
    """Integrate the gradient along the straight way from a baseline to the image."""

    baseline: Literal["background", "mean", "zero"] = setting(
        "background",
        title="Baseline",
        help="The image without the galaxy from which the way starts.",
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
        12,
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
