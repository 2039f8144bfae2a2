import math

import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.wcs import WCS
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.data.settings import ImportSettings
from core.data.stamps import Cutout, prepare
from core.errors import UnreadableFile

CROP, RESAMPLE = ImportSettings(fit="crop or pad"), ImportSettings(fit="resample")
CARDS = """\
CTYPE1  = 'RA---TAN'
CTYPE2  = 'DEC--TAN'
CRVAL1  =                 10.0
CRVAL2  =                -20.0
CRPIX1  =                  7.0
CRPIX2  =                  9.0
CDELT1  =               -1E-04
CDELT2  =                1E-04"""


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def world(text: str, x: float, y: float) -> list[float]:
    return [float(value) for value in WCS(Header.fromstring(text, sep="\n")).all_pix2world(x, y, 0)]


def test_a_cutout_of_the_right_size_is_left_as_it_is() -> None:
    image = noise(2, 8, 8)
    stamp = prepare(Cutout(image, wcs=CARDS, pixel_scale=0.36), 8, CROP)
    assert stamp.image is image
    assert (stamp.wcs, stamp.pixel_scale, stamp.missing) == (CARDS, 0.36, 0)


def test_cropping_takes_the_centre() -> None:
    image = noise(1, 11, 9)
    stamp = prepare(Cutout(image, pixel_scale=0.2), 5, CROP)
    assert np.array_equal(stamp.image, image[:, 3:8, 2:7])
    assert (stamp.pixel_scale, stamp.missing) == (0.2, 0)


def test_padding_fills_with_the_border_and_counts_as_missing() -> None:
    image = noise(1, 6, 6) + 100
    border = np.concatenate([image[0, 0], image[0, -1], image[0, 1:-1, 0], image[0, 1:-1, -1]])
    stamp = prepare(Cutout(image), 8, CROP)
    assert np.array_equal(stamp.image[:, 1:7, 1:7], image)
    assert stamp.image[0, 0, 0] == np.median(border)
    assert stamp.missing == pytest.approx(1 - 36 / 64)
    assert prepare(Cutout(image), 8, ImportSettings(fill="zero")).image[0, 0, 0] == 0


@settings(max_examples=60)
@given(
    height=st.integers(4, 24),
    width=st.integers(4, 24),
    size=st.integers(4, 24),
    fit=st.sampled_from([CROP, RESAMPLE]),
)
def test_a_place_keeps_its_sky_coordinates_whatever_is_done(
    height: int, width: int, size: int, fit: ImportSettings
) -> None:
    assume(fit is CROP or min(height, width) * size >= max(height, width))  # a thinner strip fills no pixel by half
    stamp = prepare(Cutout(noise(1, height, width), wcs=CARDS, pixel_scale=0.36), size, fit)
    assert stamp.image.shape == (1, size, size)
    side = max(height, width) if fit is RESAMPLE else size
    zoom = size / side
    left, bottom = (width - side) // 2, (height - side) // 2
    x, y = 2.0, 3.0  # in the old pixels, from 0
    moved = [(x - left + 0.5) * zoom - 0.5, (y - bottom + 0.5) * zoom - 0.5]
    assert world(stamp.wcs, *moved) == pytest.approx(world(CARDS, x, y), abs=1e-9)
    assert stamp.pixel_scale == pytest.approx(0.36 / zoom)


@settings(max_examples=60)
@given(old=st.integers(4, 40), new=st.integers(4, 40))
def test_resampling_conserves_surface_brightness_and_flux(old: int, new: int) -> None:
    image = noise(2, old, old) + 5
    stamp = prepare(Cutout(image, pixel_scale=1.0), new, RESAMPLE)
    flux_before = image.sum(axis=(1, 2)) * 1.0
    flux_after = stamp.image.sum(axis=(1, 2)) * stamp.pixel_scale**2
    assert flux_after == pytest.approx(flux_before, rel=1e-5)


def test_halving_averages_four_pixels() -> None:
    image = noise(1, 8, 8)
    expected = image.reshape(1, 4, 2, 4, 2).mean(axis=(2, 4))
    assert prepare(Cutout(image), 4, RESAMPLE).image == pytest.approx(expected, abs=1e-6)


def test_missing_pixels_do_not_leak_into_their_neighbours_when_resampled() -> None:
    image = np.full((1, 8, 8), 3, np.float32)
    image[0, 4, 4] = 4
    image[0, 0, 1] = np.nan
    stamp = prepare(Cutout(image), 4, RESAMPLE)
    assert stamp.image[0, 0, 0] == 3
    assert stamp.missing == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_missing_pixels_are_filled_band_by_band(bad: float) -> None:
    image = np.stack([noise(8, 8) + 10, noise(8, 8) - 10])
    image[:, 3:5, 3:5] = bad
    stamp = prepare(Cutout(image), 8, CROP)
    assert np.isfinite(stamp.image).all()
    assert stamp.missing == pytest.approx(4 / 64)
    assert stamp.image[0, 3, 3] > 5
    assert stamp.image[1, 3, 3] < -5
    assert np.isnan(image[0, 3, 3]) or np.isinf(image[0, 3, 3])  # the input is not touched


def test_pictures_stay_8_bit_when_padded_and_resampled() -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 10, 12)).astype(np.uint8)
    for fit in (CROP, RESAMPLE):
        assert prepare(Cutout(image), 7, fit).image.dtype == np.uint8
        assert prepare(Cutout(image), 16, fit).image.dtype == np.uint8


def test_the_stated_pixel_scale_counts_only_where_the_file_has_none() -> None:
    stated = ImportSettings(pixel_scale=0.4)
    assert prepare(Cutout(noise(1, 8, 8)), 8, stated).pixel_scale == 0.4
    assert prepare(Cutout(noise(1, 8, 8), pixel_scale=0.1), 8, stated).pixel_scale == 0.1
    assert math.isnan(prepare(Cutout(noise(1, 8, 8)), 8, CROP).pixel_scale)


def one_band_empty() -> np.ndarray:
    image = noise(3, 8, 8)
    image[1] = np.nan
    return image


def mostly_missing() -> np.ndarray:
    image = noise(1, 8, 8)
    image[0, :6] = np.nan
    return image


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.ones((1, 1, 1), np.float32), "1 × 1 pixels"),
        (np.full((1, 8, 8), 7, np.float32), "same value, 7"),
        (np.zeros((3, 8, 8), np.uint8), "same value, 0"),
        (np.full((1, 8, 8), np.nan, np.float32), "No pixel has a value"),
        (mostly_missing(), "75% of the pixels are missing, and 50% are allowed"),
        (one_band_empty(), "Band 2 of 3 has no pixel"),
    ],
)
def test_a_cutout_that_shows_nothing_is_refused_with_a_reason(image: np.ndarray, words: str) -> None:
    with pytest.raises(UnreadableFile) as problem:
        prepare(Cutout(image), 8, CROP)
    assert words in problem.value.sentence
    assert problem.value.remedy


def test_padding_a_small_cutout_is_no_reason_to_refuse_it() -> None:
    assert prepare(Cutout(noise(1, 5, 5)), 64, CROP).missing > 0.9


def test_what_is_left_after_cropping_decides_about_missing_pixels() -> None:
    image = noise(1, 16, 16)
    image[0, 6:10, 6:10] = np.nan
    with pytest.raises(UnreadableFile, match="No pixel has a value"):
        prepare(Cutout(image), 4, CROP)
