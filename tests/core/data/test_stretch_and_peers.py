"""Pictures as other programs make them, from whatever pixels, fast enough for a gallery."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.visualization import make_lupton_rgb
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.data.stretch import StretchSettings, apply_stretch, colour_table, thumbnails, to_rgb


def galaxy(seed: int = 0, side: int = 64) -> np.ndarray:
    """A galaxy of other brightness in each of three bands, over a sky of unit noise: float32 (3, side, side)."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    light = 200 * np.exp(-np.hypot(x, 1.7 * y) / (side / 12))
    noise = np.random.default_rng(seed).normal(size=(3, side, side))
    return (np.array([1.2, 0.9, 0.6])[:, None, None] * light + noise).astype(np.float32)


@pytest.mark.truth("Colour pictures", "astropy's Lupton pictures")
@pytest.mark.parametrize("softening", [2.0, 8.0, 50.0])
def test_three_bands_are_coloured_as_by_lupton(softening: float):
    stamp, high = galaxy(), 60.0
    quality = 10 * np.sinh(0.1 * np.arcsinh(softening))  # the same curve in their two numbers
    theirs = make_lupton_rgb(*stamp, minimum=0, stretch=quality * high / softening, Q=quality)
    options = StretchSettings(kind="asinh", limits="manual", low=0, high=high, softening=softening)
    ours = to_rgb(stamp, options, (0, 1, 2))
    usual = (stamp > 0).all(axis=0) & (stamp.mean(axis=0) < high)  # no negative band, no saturated core
    assert usual.mean() > 0.3
    assert np.abs(ours.astype(int) - theirs)[usual].max() <= 2


def test_the_colours_about_zero_are_equally_strong_on_both_sides():
    brightness = colour_table("blue-red") @ [0.299, 0.587, 0.114]
    assert np.abs(brightness - brightness[::-1]).max() < 30
    assert np.argmax(brightness) in (127, 128)


images = arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)))
choices = st.builds(
    StretchSettings,
    kind=st.sampled_from(["linear", "sqrt", "log", "asinh"]),
    limits=st.sampled_from(["sky", "percentile", "zscale", "min-max", "manual"]),
    colour_map=st.sampled_from(["grey", "viridis"]),
    invert=st.booleans(),
)


@settings(max_examples=100)
@example(np.array([[[0, 7.732855e37]]], np.float32), StretchSettings(kind="linear", limits="sky"))
@example(np.array([[[0, -7.732855e37]]], np.float32), StretchSettings(kind="linear", limits="sky"))
@example(np.full((1, 1, 1), np.finfo(np.float32).max), StretchSettings(kind="linear", limits="sky"))
@example(np.full((1, 1, 1), np.finfo(np.float32).min), StretchSettings(kind="linear", limits="min-max"))
@given(images, choices)
def test_no_image_whatever_is_in_it_makes_trouble(image: np.ndarray, options: StretchSettings):
    rgb = to_rgb(image, options)
    assert rgb.shape == (*image.shape[1:], 3)
    assert rgb.dtype == np.uint8
    shown = apply_stretch(image, options)
    assert ((shown >= 0) & (shown <= 1)).all()
    assert thumbnails(np.stack([image] * 2), options, 4).shape == (2, 4, 4, 3)


@pytest.mark.benchmark
@pytest.mark.parametrize("kind", ["sky", "percentile", "manual"])
def test_a_thumbnail_of_64_pixels_takes_less_than_a_tenth_of_a_millisecond(kind: str):
    stamps = np.stack([galaxy(seed) for seed in range(4)] * 32)[:, :1]
    best = np.inf
    for _ in range(15):
        start = time.thread_time()
        thumbnails(stamps, StretchSettings(limits=kind), 64)
        best = min(best, time.thread_time() - start)
    print(f"\n{best / len(stamps) * 1e6:.0f} µs for each thumbnail with {kind} limits")
    assert best / len(stamps) < 100e-6


def test_the_gallery_can_stretch_without_heavy_libraries():
    code = "import core.data.stretch, sys; print({'astropy', 'matplotlib', 'scipy', 'h5py'} & set(sys.modules))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"
