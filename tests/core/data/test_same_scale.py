"""Pixel scales that files and headers round are the same; those of resampled stamps are not."""

import math

import pytest

from core.data import same_scale


@pytest.mark.parametrize(("scale", "other"), [(0.396, 0.3961), (0.06, 0.0599), (0.262, 0.2666)])
def test_rounded_and_distorted_scales_are_the_same(scale: float, other: float):
    assert not same_scale.differ(scale, other)
    assert not same_scale.differ(other, scale)


@pytest.mark.parametrize(("scale", "other"), [(0.339, 0.396), (0.2, 0.21)])
def test_others_differ_in_either_order(scale: float, other: float):
    assert same_scale.differ(scale, other)
    assert same_scale.differ(other, scale)


@pytest.mark.parametrize(("scale", "other"), [(math.nan, 0.2), (0.2, math.nan), (math.nan, math.nan)])
def test_an_unknown_scale_differs_from_none(scale: float, other: float):
    assert not same_scale.differ(scale, other)
