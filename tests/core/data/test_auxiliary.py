"""Files beside an image that are none: its mask, its PSF, its noise map."""

from __future__ import annotations

import pytest

from core.data import bands
from core.data.auxiliary import find_auxiliary

_WORDS = sorted(bands._AUXILIARY)


@pytest.mark.parametrize("ending", [".fits", ".FIT", ".fits.gz", ".fits.fz", ".png"])
def test_every_word_is_recognised_behind_the_name_of_an_image_with_every_ending(ending):
    files = [f"/there/g1{ending}", *(f"/there/g1_{word}{ending}" for word in _WORDS)]
    files += [f"/there/g1-{word.upper()}{ending}" for word in _WORDS]
    assert set(find_auxiliary(files)) == set(files[1:])


@pytest.mark.parametrize("end", ["", "im", "img", "map"])
@pytest.mark.parametrize("word", ["mask", "msk", "segm", "psf", "sigma", "rms", "err", "weight", "wht", "model"])
def test_a_word_without_separator_is_recognised_behind_a_number(word, end):
    files = ["/there/G265911fitim.fits", f"/there/G265911{word}{end}.fits"]
    assert set(find_auxiliary(files)) == {files[1]}


def test_images_whose_names_end_alike_by_chance_are_images():
    files = ["/there/a_him.fits", "/there/b_roadmap.fits", "/there/c_exposed.fits", "/there/kim.fits"]
    assert find_auxiliary(files) == {}
