import colorsys
from typing import get_args

import numpy as np
import pytest
from astropy import visualization
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import color

from core.data.stretch import (
    ColourMap,
    StretchSettings,
    apply_stretch,
    colour_planes,
    colour_table,
    default_stretch,
    limits,
    thumbnails,
    to_rgb,
)

KINDS = ("linear", "sqrt", "log", "asinh")
LIMITS = ("sky", "percentile", "zscale", "min-max", "manual")


def sky(shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 5, shape).astype(np.float32)


def starry(seed: int, stars: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    image = random.normal(100, 5, (120, 90))
    y, x = np.mgrid[:120, :90]
    for _ in range(stars):
        at = random.uniform(0, 90, 2)
        image += random.uniform(50, 5000) * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 8)
    return image


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("grey", "000000 808080 ffffff"),
        ("viridis", "440154 21918c fde725"),
        ("magma", "000004 b73779 fcfdbf"),
        ("inferno", "000004 bc3754 fcffa4"),
        ("cividis", "00224e 7d7c78 fee838"),
        ("blue-red", "2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b"),  # ColorBrewer's nine of RdBu
    ],
)
def test_a_colour_map_is_a_table_of_256_colours_with_the_published_ones_at_even_places(name: str, published: str):
    table = colour_table(name)
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    known = np.array([list(bytes.fromhex(colour)) for colour in published.split()])
    places = np.linspace(0, 255, len(known)).round().astype(int)
    assert np.abs(table[places].astype(int) - known).max() <= 3


@pytest.mark.parametrize("name", get_args(ColourMap))
def test_a_colour_map_gets_lighter_evenly(name: str) -> None:
    lightness = color.rgb2lab(colour_table(name)[None])[0, :, 0]
    steps = np.diff(lightness[::15])
    assert steps.min() > 0.4 * steps.mean()
    assert steps.max() < 1.3 * steps.mean()


def test_nobody_can_paint_over_a_colour_map_that_all_share() -> None:
    with pytest.raises(ValueError, match="read-only"):
        colour_table("viridis")[0] = 255


def zscale(image: np.ndarray) -> tuple[float, float]:
    return limits(image, StretchSettings(limits="zscale"))


@pytest.mark.parametrize("stars", [1, 3, 8])
@pytest.mark.parametrize("seed", range(5))
def test_zscale_looks_at_the_sky_and_not_at_the_stars(seed: int, stars: int) -> None:
    low, high = zscale(starry(seed, stars))
    assert 75 < low < 90, "the sky lies at 100 ± 5"
    assert 110 < high < 150, "and the stars up to 5000 above it"


def test_zscale_is_four_times_as_steep_as_the_line_through_the_sorted_pixels() -> None:
    ramp = np.arange(1000.0) + 0.3 * np.sin(np.arange(1000.0))  # in a perfect line, rounding decides what is clipped
    ramp[-10:] = 1e5  # left out of the line; white is where it reaches from the median, at four counts a pixel
    assert zscale(ramp) == pytest.approx((0, 499.5 + 4 * 501), rel=1e-3)
    shuffled = np.random.default_rng(0).permutation(ramp)
    assert zscale(shuffled) == zscale(ramp)


@pytest.mark.parametrize("image", [np.full((20, 20), 7.0), np.arange(3.0), np.array([5.0]), np.r_[np.zeros(99), 1e9]])
def test_zscale_of_odd_images_lies_within_them(image: np.ndarray) -> None:
    low, high = zscale(image)
    assert image.min() <= low < high <= max(image.max(), low + 1)


def test_percentile_limits_are_numpys_and_pass_over_missing_pixels() -> None:
    image = sky((40, 30))
    chosen = StretchSettings(limits="percentile", black=5, white=98)
    expected = np.percentile(image, (5, 98))
    assert limits(image, chosen) == pytest.approx(tuple(expected))
    gappy = np.concatenate([image, np.full((3, 30), np.nan), np.full((3, 30), np.inf)])
    assert limits(gappy, chosen) == pytest.approx(tuple(expected))


def test_sky_limits_put_black_at_half_a_sigma_below_the_sky() -> None:
    image = sky((300, 300))
    low, high = limits(image, StretchSettings(limits="sky"))
    assert low == pytest.approx(100 - 0.5 * 5, abs=0.2)
    assert high == pytest.approx(100 + 15 * 5, rel=0.02), "empty sky is not blown up to white"


def test_manual_limits_are_taken_as_they_are() -> None:
    assert limits(sky((5, 5)), StretchSettings(limits="manual", low=-3, high=8)) == (-3, 8)


@pytest.mark.parametrize("which", LIMITS)
@pytest.mark.parametrize("image", [np.zeros((8, 8)), np.full((8, 8), np.nan), np.full((8, 8), -1e30)])
def test_limits_of_a_blank_image_still_span_something(which: str, image: np.ndarray) -> None:
    low, high = limits(image, StretchSettings(limits=which, low=2, high=2))
    assert np.float32(high) > np.float32(low)
    assert np.isfinite(apply_stretch(image, StretchSettings(limits=which, low=2, high=2))).all()


@pytest.mark.parametrize("level", [0.0, 2.0, -3e5])
def test_equal_manual_limits_make_a_threshold(level: float) -> None:
    ramp = np.float32(level) + np.array([[[-1.0, 1.0]]], np.float32)
    chosen = StretchSettings(limits="manual", low=level, high=level)
    assert to_rgb(ramp, chosen, 0)[0, :, 0].tolist() == [0, 255]
    assert to_rgb(np.concatenate([ramp] * 3), chosen, (0, 1, 2))[0, :, 0].tolist() == [0, 255]


finite = st.floats(-1e6, 1e6, width=32)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(image=arrays(np.float32, (6, 7), elements=finite), which=st.sampled_from(LIMITS))
def test_any_curve_keeps_the_order_of_the_pixels_and_stays_in_0_to_1(kind: str, image: np.ndarray, which: str) -> None:
    shown = apply_stretch(image, StretchSettings(kind=kind, limits=which))
    assert shown.dtype == np.float32
    assert shown.shape == image.shape
    assert shown.min() >= 0
    assert shown.max() <= 1 + 1e-6
    assert (np.diff(shown.ravel()[np.argsort(image, axis=None)]) >= -1e-6).all()


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        ("linear", visualization.LinearStretch()),
        ("sqrt", visualization.SqrtStretch()),
        ("log", visualization.LogStretch(1000)),
        ("asinh", visualization.AsinhStretch(1 / 8)),
    ],
)
def test_the_curves_are_those_of_astropy(kind: str, theirs: visualization.BaseStretch) -> None:
    ramp = np.linspace(0, 1, 50)
    ours = apply_stretch(ramp, StretchSettings(kind=kind, limits="manual"))
    # numpy's log1p(a x) / log1p(a) where astropy has log10(a x + 1) / log10(a + 1)
    assert ours == pytest.approx(theirs(ramp), abs=1e-5)


def test_a_missing_pixel_is_black() -> None:
    image = sky((9, 9))
    image[4, 4] = np.nan
    assert apply_stretch(image, StretchSettings())[4, 4] == 0
    assert to_rgb(image[None], StretchSettings(), 0)[4, 4].tolist() == [0, 0, 0]
    three = np.stack([sky((9, 9)), image, sky((9, 9))])
    assert to_rgb(three, StretchSettings(), (0, 1, 2)).shape == (9, 9, 3)


@pytest.mark.parametrize("kind", ["sqrt", "log", "asinh"])
@pytest.mark.parametrize("peak", [0.3, 1.0, 7.0])
def test_a_curve_keeps_the_hue_also_of_saturated_pixels(kind: str, peak: float) -> None:
    colours = np.array([[0.9, 0.5, 0.2], [0.1, 0.7, 0.6], [0.4, 0.3, 1.0]]) * peak
    stamp = np.repeat(colours.T[:, None, :], 3, axis=1).astype(np.float32)
    rgb = to_rgb(stamp, StretchSettings(kind=kind, limits="manual"), (0, 1, 2))[0]
    for colour, shown in zip(colours, rgb / 255, strict=True):
        assert colorsys.rgb_to_hsv(*shown)[0] == pytest.approx(colorsys.rgb_to_hsv(*colour)[0], abs=0.01)


def test_a_picture_is_shown_as_it_is() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (3, 12, 12)).astype(np.float32)
    assert np.array_equal(to_rgb(picture, default_stretch(is_picture=True), (0, 1, 2)), np.moveaxis(picture, 0, -1))


def test_one_band_is_coloured_by_the_table_and_inverted_through_it() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None, None]
    chosen = StretchSettings(kind="linear", limits="manual", colour_map="magma")
    assert np.array_equal(to_rgb(ramp, chosen, 0)[0], colour_table("magma"))
    inverted = chosen.model_copy(update={"invert": True})
    assert np.array_equal(to_rgb(ramp, inverted, 0)[0], colour_table("magma")[::-1])


def test_two_bands_are_shown_as_their_mean_and_three_in_colour() -> None:
    stamp = np.stack([np.full((4, 4), 0.2), np.full((4, 4), 0.6), np.full((4, 4), 1.0)]).astype(np.float32)
    chosen = StretchSettings(kind="linear", limits="manual")
    assert to_rgb(stamp[:2], chosen)[0, 0].tolist() == [102, 102, 102]
    assert to_rgb(stamp, chosen)[0, 0].tolist() == [51, 153, 255]
    assert to_rgb(stamp, chosen, 2)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("size", [48, 64, 101, 256])
def test_a_single_stamp_is_shown_between_its_own_extremes(size: int) -> None:
    image = sky((size, size))
    image[size // 3, size // 5] = 500  # one bright pixel, wherever it lies
    chosen = StretchSettings(kind="linear", limits="min-max")
    rgb = to_rgb(image[None], chosen, 0)
    assert np.array_equal(rgb[:, :, 0], (apply_stretch(image, chosen) * 255 + 0.5).astype(np.uint8))
    assert rgb[size // 3, size // 5, 0] == 255
    assert (rgb[:, :, 0] == 255).sum() == 1


@pytest.mark.parametrize("which", LIMITS)
def test_a_single_stamp_is_shown_with_the_limits_that_are_told(which: str) -> None:
    image = sky((101, 77))
    chosen = StretchSettings(limits=which, low=90, high=130)
    expected = (apply_stretch(image, chosen) * 255 + 0.5).astype(int)
    assert np.abs(to_rgb(image[None], chosen, 0)[:, :, 0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("which", LIMITS)
@pytest.mark.parametrize("bands", [None, 0, (2, 0, 1)])
def test_thumbnails_look_like_the_stamps(which: str, bands: tuple[int, int, int] | int | None) -> None:
    y, x = np.mgrid[:64, :64] - 31.5
    galaxy = 200 * np.exp(-np.hypot(x, 2 * y) / 6)
    stamps = np.stack([sky((3, 64, 64), seed) + galaxy.astype(np.float32) for seed in range(4)])
    chosen = StretchSettings(limits=which, low=90, high=250)
    small = thumbnails(stamps, chosen, 64, bands)
    assert small.shape == (4, 64, 64, 3)
    assert small.dtype == np.uint8
    large = np.stack([to_rgb(stamp, chosen, bands) for stamp in stamps])
    assert np.abs(small.astype(float) - large).mean() < 12, "limits from a sample of the pixels"


@settings(max_examples=40)
@given(
    count=st.integers(0, 3), channels=st.integers(1, 5), height=st.integers(4, 40), width=st.integers(4, 40),
    side=st.integers(8, 64), dtype=st.sampled_from([np.float32, np.uint8]),
)  # fmt: skip
def test_thumbnails_have_the_size_asked_for(
    count: int, channels: int, height: int, width: int, side: int, dtype: type
) -> None:
    stamps = np.random.default_rng(0).integers(0, 255, (count, channels, height, width)).astype(dtype)
    assert thumbnails(stamps, StretchSettings(), side).shape == (count, side, side, 3)


def test_thumbnails_of_large_stamps_are_averaged_and_keep_their_corner() -> None:
    stamp = np.zeros((1, 1, 64, 64), np.float32)
    stamp[0, 0, :32, :32] = 1  # the bottom left
    small = thumbnails(stamp, StretchSettings(kind="linear", limits="manual"), 16, 0)[0, :, :, 0]
    assert (small[:8, :8] == 255).all()
    assert small[8:].max() == small[:, 8:].max() == 0


@pytest.mark.parametrize(
    ("bands", "planes"),
    [
        (["g", "r", "i"], (2, 1, 0)),
        (["u", "g", "r", "i", "z"], (4, 2, 0)),
        (["VIS", "NIR_Y", "NIR_J", "NIR_H"], (0, 1, 2)),
        (["red", "green", "blue"], (0, 1, 2)),
        (["1", "2", "3"], (0, 1, 2)),
        (["sdss_i", "sdss_g", "sdss_r"], (0, 2, 1)),
        (["r", "g"], None),
        ([], None),
    ],
)
def test_the_reddest_band_is_shown_red(bands: list[str], planes: tuple[int, int, int] | None) -> None:
    assert colour_planes(bands) == planes
