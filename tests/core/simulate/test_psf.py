"""Point-spread functions: the kinds against GalSim, and images as users have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from core.errors import NotPossible, UnreadableFile
from core.simulate.galsim_engine import PRECISE, render_with_galsim
from core.simulate.profiles import Profiles
from core.simulate.psf import ImagePsf, Psf, build_psf
from core.simulate.psf_settings import PsfSettings
from core.simulate.renderer import render

SIZE = 48


def star(count: int = 1, x: float = 0.3, y: float = -0.2) -> Profiles:
    ones = np.ones(count)
    return Profiles(np.arange(count), ones, 0 * ones, ones, ones, 0 * ones, x * ones, y * ones)


def gaussian(shape: tuple[int, int], centre: tuple[float, float], sigma: float) -> np.ndarray:
    rows, columns = np.indices(shape)
    return np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / (2 * sigma**2)).astype(np.float32)


def from_file(path: Path, *images: np.ndarray, **settings) -> Psf:
    units = [fits.PrimaryHDU(images[0]), *[fits.ImageHDU(image) for image in images[1:]]]
    fits.HDUList(units).writeto(path)
    return build_psf(PsfSettings(kind="image", path=str(path), **settings), 0.1)


@pytest.mark.truth("Point-spread functions", "GalSim")
@pytest.mark.parametrize(
    "settings",
    [
        PsfSettings(kind="gaussian", fwhm=0.19),
        PsfSettings(kind="moffat", fwhm=0.33, beta=2.5),
        PsfSettings(kind="kolmogorov", fwhm=0.4),
        PsfSettings(kind="airy", fwhm=0.19, obscuration=0.33),
        PsfSettings(kind="airy", fwhm=0.15, obscuration=0.0),
    ],
)
def test_a_star_is_as_galsim_draws_it(settings: PsfSettings) -> None:
    psf = build_psf(settings, 0.1)
    found = render(star(), psf, 1, SIZE)[0].numpy()
    expected = render_with_galsim(star(), psf, 1, SIZE, parameters=PRECISE)[0]
    assert np.abs(found - expected).max() < 1e-4 * expected.max()


def test_an_image_off_centre_and_of_another_sum_is_mended_with_a_sentence(tmp_path: Path) -> None:
    psf = from_file(tmp_path / "psf.fits", 7 * gaussian((31, 33), (15.4, 15.7), 2.0), includes_pixel=True)
    assert isinstance(psf, ImagePsf)
    np.testing.assert_allclose(psf.centres[0], [15.4, 15.7], atol=1e-3)
    assert "was scaled to 1" in psf.remarks[0]
    assert "0.40 pixels away from the middle" in psf.remarks[1]
    found = render(star(x=0, y=0), psf, 1, SIZE)[0].numpy()
    middle = (SIZE - 1) / 2
    np.testing.assert_allclose(found, gaussian((SIZE, SIZE), (middle, middle), 2.0) / (8 * np.pi), atol=2e-6)


def test_the_response_of_the_pixel_is_applied_once_and_oversampling_is_undone(tmp_path: Path) -> None:
    fine = gaussian((61, 61), (30, 30), 6.0)
    bare = from_file(tmp_path / "bare.fits", fine, oversampling=3)
    effective = from_file(tmp_path / "effective.fits", fine, oversampling=3, includes_pixel=True)
    variances = []
    for psf in (bare, effective):
        image = render(star(x=0, y=0), psf, 1, SIZE)[0].numpy().astype(float)
        offset = np.arange(SIZE) - (SIZE - 1) / 2
        variances.append((image.sum(0) * offset**2).sum() / image.sum())
    assert variances[1] == pytest.approx(4.0, rel=1e-3)
    assert variances[0] - variances[1] == pytest.approx(1 / 12, abs=2e-3)


def test_negative_light_and_too_coarse_pixels_are_said(tmp_path: Path) -> None:
    fine = gaussian((31, 31), (15, 15), 1.5)
    assert not from_file(tmp_path / "good.fits", fine / fine.sum()).remarks
    ring = fine - 0.1 * gaussian((31, 31), (15, 19), 1.5)
    (said,) = from_file(tmp_path / "ring.fits", ring / ring.sum()).remarks
    assert f"−{-ring.min() / ring.max():.1%} of the peak" in said
    coarse = gaussian((31, 31), (15, 15), 0.6)
    (said,) = from_file(tmp_path / "coarse.fits", coarse / coarse.sum(), oversampling=0.5).remarks
    expected = 2 * np.exp(-((np.pi * 0.6) ** 2) / 2)  # the transform of the Gaussian and its first alias
    assert f"an amplitude of {expected:.0%}" in said


def test_a_header_with_another_pixel_scale_than_the_oversampling_says_is_refused(tmp_path: Path) -> None:
    unit = fits.PrimaryHDU(gaussian((31, 31), (15, 15), 2.0))
    unit.header["PIXSCALE"] = 0.05
    unit.writeto(tmp_path / "psf.fits")
    settings = PsfSettings(kind="image", path=str(tmp_path / "psf.fits"))
    with pytest.raises(NotPossible, match="Set its oversampling to 2"):
        build_psf(settings, 0.1)
    assert build_psf(settings.model_copy(update={"oversampling": 2.0}), 0.1).count == 1


def test_each_stamp_has_the_image_of_the_stack_that_was_drawn_for_it(tmp_path: Path) -> None:
    psf = from_file(
        tmp_path / "stack.fits",
        gaussian((31, 31), (15, 15), 1.5),
        gaussian((33, 31), (16, 15), 2.5),
        includes_pixel=True,
    )
    assert psf.count == 2
    images = render(star(3), psf, 3, SIZE, choice=np.array([1, 0, 1])).numpy()
    np.testing.assert_allclose(images[0], images[2], atol=1e-7)
    assert images[1].max() == pytest.approx(images[0].max() * (2.5 / 1.5) ** 2, rel=0.02)
    with pytest.raises(ValueError, match="below 2"):
        render(star(3), psf, 3, SIZE, choice=np.array([2, 0, 1]))


def test_what_is_no_psf_is_refused(tmp_path: Path) -> None:
    good = gaussian((31, 31), (15, 15), 2.0)
    hole = good.copy()
    hole[3, 4] = np.nan
    for number, (image, words) in enumerate(
        [
            (hole, "1 pixels of this PSF are not finite"),
            (-good, "no light"),
            (good[:4], "31 × 4 pixels"),
            (gaussian((31, 31), (15, 29), 2.0), "at its edge"),
        ]
    ):
        with pytest.raises(NotPossible, match=words):
            from_file(tmp_path / f"{number}.fits", image)
    with pytest.raises(NotPossible, match="no PSF image"):
        build_psf(PsfSettings(kind="image"), 0.1)
    with pytest.raises(UnreadableFile):
        build_psf(PsfSettings(kind="image", path=str(tmp_path / "missing.fits")), 0.1)
    with pytest.raises(NotPossible, match="too sharp"):
        build_psf(PsfSettings(kind="moffat", fwhm=0.01), 0.1)
