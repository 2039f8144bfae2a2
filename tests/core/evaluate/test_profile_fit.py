"""Fitted profiles against galaxies of known parameters, drawn by the program's renderer and, as a judge, by GalSim."""

from __future__ import annotations

import threading
from pathlib import Path

import galsim
import numpy as np
import pytest
from astropy.io import fits
from galaxies import write_dataset
from scipy import ndimage

from core.errors import NotPossible, Stopped
from core.evaluate import profile_fit
from core.evaluate.profile_fit import ProfileFits
from core.evaluate.settings import FitSettings
from core.events import result_of
from core.simulate.profiles import Profiles
from core.simulate.psf import build_psf
from core.simulate.psf_settings import PsfSettings
from core.simulate.renderer import render

SCALE = 0.4  # arcsec/pixel, as write_dataset has it
SIZE = 40
PSF = PsfSettings(kind="moffat", fwhm=1.0)


def drawn(**columns: np.ndarray) -> np.ndarray:
    """Noise-free stamps float32 (n, 1, SIZE, SIZE) of profiles whose columns are given, each on one of its own."""
    profiles = Profiles(**{"stamp": np.arange(len(columns["flux"])), **columns})
    stamps = int(profiles.stamp.max()) + 1
    return render(profiles, build_psf(PSF, SCALE), stamps, SIZE).numpy()[:, None]


def some_galaxies(count: int, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "flux": 10 ** random.uniform(3.5, 4.5, count),
        "radius": random.uniform(2, 5, count),
        "index": random.uniform(0.8, 4, count),
        "axis_ratio": random.uniform(0.3, 0.9, count),
        "angle": random.uniform(0, np.pi, count),
        "x": random.uniform(-1, 1, count),
        "y": random.uniform(-1, 1, count),
    }


def fitted(folder: Path, images: np.ndarray, settings: FitSettings) -> ProfileFits:
    data = write_dataset(folder / "galaxies.h5", images, {"width": np.ones(len(images))}, ["width"], bands=("r",))
    return result_of(profile_fit.run(data, PSF, settings))


def test_noise_free_galaxies_are_recovered_to_a_thousandth(tmp_path: Path) -> None:
    truth = some_galaxies(4)
    found = fitted(tmp_path, drawn(**truth), FitSettings(noise=0.01, zero_point=25))
    assert found.is_fitted.all() and not any(found.reasons)
    values = found.values
    np.testing.assert_allclose(values["magnitude"], 25 - 2.5 * np.log10(truth["flux"]), atol=1e-3)
    np.testing.assert_allclose(values["half_light_radius"], SCALE * truth["radius"], rtol=1e-3)
    np.testing.assert_allclose(values["sersic_index"], truth["index"], rtol=1e-3)
    np.testing.assert_allclose(values["axis_ratio"], truth["axis_ratio"], rtol=1e-3)
    np.testing.assert_allclose(values["x"], truth["x"], atol=1e-3)
    angle = (np.degrees(truth["angle"]) - 90) % 180  # from +y through −x
    np.testing.assert_allclose((values["position_angle"] - angle + 90) % 180 - 90, 0, atol=0.06)
    assert found.units["half_light_radius"] == "arcsec" and found.units["magnitude"] == "mag"


@pytest.mark.slow
def test_noise_free_bulges_and_disks_are_recovered_to_a_thousandth(tmp_path: Path) -> None:
    flux, share = np.array([3e4, 9e4]), np.array([0.7, 0.25])
    bulge, disk, index = np.array([1.7, 1.9]), np.array([3.6, 4.2]), np.array([3.8, 1.8])
    images = drawn(
        stamp=np.tile(np.arange(2), 2),
        flux=np.concatenate([flux * share, flux * (1 - share)]),
        radius=np.concatenate([bulge, disk]),
        index=np.concatenate([index, np.ones(2)]),
        axis_ratio=np.array([0.7, 0.8, 0.35, 0.5]),
        angle=np.tile([0.3, 1.4], 2),
        x=np.zeros(4),
        y=np.full(4, 0.3),
    )
    found = fitted(tmp_path, images, FitSettings(model="bulge + disk", noise=0.01, zero_point=25))
    values = found.values
    np.testing.assert_allclose(values["bulge_to_total"], share, atol=1e-3)
    np.testing.assert_allclose(values["bulge_radius"], SCALE * bulge, rtol=1e-3)
    np.testing.assert_allclose(values["disk_radius"], SCALE * disk, rtol=1e-3)
    np.testing.assert_allclose(values["bulge_index"], index, rtol=1e-3)
    np.testing.assert_allclose(values["disk_axis_ratio"], [0.35, 0.5], rtol=1e-3)
    assert ((values["half_light_radius"] > values["bulge_radius"]) & (values["half_light_radius"] < SCALE * disk)).all()


@pytest.mark.truth("Fitted Sérsic profiles", "galaxies drawn by GalSim")
def test_galaxies_drawn_by_galsim_come_out_the_same(tmp_path: Path) -> None:
    """Another program, other conventions: the angle there is from the x axis, the radius circularised."""
    exact = galsim.GSParams(folding_threshold=1e-4, maxk_threshold=1e-5, maximum_fft_size=16384)
    moffat = galsim.Moffat(beta=3.5, fwhm=1.0, gsparams=exact)
    images, cases = [], [(1.0, 1.4, 0.5, 30.0), (2.5, 1.1, 0.8, 100.0), (3.5, 0.9, 0.6, 160.0)]
    for index, radius, q, beta in cases:
        galaxy = galsim.Sersic(index, half_light_radius=radius * np.sqrt(q), flux=2e4, gsparams=exact)
        seen = galsim.Convolve(galaxy.shear(q=q, beta=beta * galsim.degrees), moffat)
        images.append(seen.drawImage(nx=SIZE, ny=SIZE, scale=SCALE).array)
    found = fitted(tmp_path, np.array(images, np.float32)[:, None], FitSettings(noise=0.05))
    index, radius, q, beta = np.array(cases).T
    np.testing.assert_allclose(found.values["flux"], 2e4, rtol=3e-3)
    np.testing.assert_allclose(found.values["half_light_radius"], radius, rtol=4e-3)
    np.testing.assert_allclose(found.values["sersic_index"], index, rtol=4e-3)
    np.testing.assert_allclose(found.values["axis_ratio"], q, rtol=2e-3)
    np.testing.assert_allclose(found.values["position_angle"], (beta - 90) % 180, atol=0.1)


@pytest.mark.truth("Fit of a Gaussian galaxy", "astropy")
def test_a_gaussian_galaxy_agrees_with_the_fit_of_astropy(tmp_path: Path) -> None:
    """A profile of index 0.5 is a Gaussian: its widths and those of a Gaussian blur add in quadrature."""
    from astropy.modeling.fitting import LevMarLSQFitter
    from astropy.modeling.models import Gaussian2D

    psf = PsfSettings(kind="gaussian", fwhm=1.2)
    profiles = Profiles(np.zeros(1, np.int64), *(np.array([value]) for value in (1e4, 4.0, 0.5, 0.6, 0.5, 0.2, -0.4)))
    noise = np.random.default_rng(3).normal(0, 1, (1, SIZE, SIZE))
    image = (render(profiles, build_psf(psf, SCALE), 1, SIZE).numpy() + noise).astype(np.float32)
    y, x = np.indices(image.shape[1:]) - (SIZE - 1) / 2
    judge = LevMarLSQFitter()(Gaussian2D(50, 0, 0, 4, 3, 0.4), x, y, image[0])
    blur = (1.2 / SCALE / 2.3548) ** 2 + 1 / 12  # of the point-spread function and the pixel
    long, short = sorted([abs(judge.x_stddev.value), abs(judge.y_stddev.value)], reverse=True)
    radius = np.sqrt(2 * np.log(2)) * np.sqrt(long**2 - blur)
    data = write_dataset(tmp_path / "one.h5", image[None], {"width": [1.0]}, ["width"], bands=("r",))
    found = result_of(profile_fit.run(data, psf, FitSettings(noise=1, sky="subtracted")))
    error = found.errors["half_light_radius"][0]
    assert found.values["half_light_radius"][0] == pytest.approx(SCALE * radius, abs=2 * error)
    assert found.values["axis_ratio"][0] == pytest.approx(
        np.sqrt((short**2 - blur) / (long**2 - blur)), abs=2 * found.errors["axis_ratio"][0]
    )
    assert found.values["sersic_index"][0] == pytest.approx(0.5, abs=4 * found.errors["sersic_index"][0])


def test_each_galaxy_is_fitted_through_its_own_image_of_a_stack_and_else_it_is_said(tmp_path: Path) -> None:
    star = Profiles(np.zeros(1, np.int64), *(np.array([value]) for value in (1.0, 0, 1, 1, 0, 0, 0)))
    sharp, wide = (
        render(star, build_psf(PsfSettings(kind="gaussian", fwhm=width), SCALE), 1, 25).numpy()[0]
        for width in (0.9, 1.8)
    )
    fits.writeto(tmp_path / "stack.fits", np.stack([sharp, wide]))
    psf = PsfSettings(kind="image", path=str(tmp_path / "stack.fits"), includes_pixel=True)
    truth = {name: values[[0, 0]] for name, values in some_galaxies(1).items()}
    choice = np.array([1, 0])
    profiles = Profiles(stamp=np.arange(2), **truth)
    images = render(profiles, build_psf(psf, SCALE), 2, SIZE, choice=choice).numpy()[:, None]
    data = write_dataset(tmp_path / "galaxies.h5", images, {"width": np.ones(2)}, ["width"], bands=("r",))
    own = result_of(profile_fit.run(data, psf, FitSettings(noise=0.01), choice=choice))
    np.testing.assert_allclose(own.values["half_light_radius"], SCALE * truth["radius"], rtol=1e-3)
    assert own.remarks == ()
    first = result_of(profile_fit.run(data, psf, FitSettings(noise=0.01)))
    assert abs(first.values["half_light_radius"][0] / (SCALE * truth["radius"][0]) - 1) > 0.02
    assert "stack of 2 images" in first.summary and "the first was used for all" in first.summary


def test_correlated_noise_which_the_error_bars_do_not_know_is_said(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).normal(0, 20, (3, 1, SIZE, SIZE))
    images = drawn(**some_galaxies(3))
    assert fitted(tmp_path, images + noise.astype(np.float32), FitSettings()).remarks == ()
    smooth = ndimage.gaussian_filter(noise, (0, 0, 0.7, 0.7)).astype(np.float32)
    said = fitted(tmp_path, images + smooth, FitSettings()).summary
    assert "noise of neighbouring pixels is correlated (0." in said and "too small" in said


def test_a_neighbour_is_masked(tmp_path: Path) -> None:
    one = {
        name: np.array([value, value])
        for name, value in zip(some_galaxies(1), (2e4, 3, 1.5, 0.7, 0.4, 0, 0), strict=True)
    }
    other = {name: np.array([value]) for name, value in zip(one, (2e4, 2, 1.0, 0.8, 1.0, 13, 8), strict=True)}
    images = drawn(stamp=np.array([0, 1, 1]), **{name: np.concatenate([one[name], other[name]]) for name in one})
    images += np.random.default_rng(0).normal(0, 1, images.shape).astype(np.float32)
    values = fitted(tmp_path, images, FitSettings()).values
    assert values["half_light_radius"][1] == pytest.approx(values["half_light_radius"][0], rel=0.05)
    assert values["flux"][1] == pytest.approx(values["flux"][0], rel=0.05)


def test_what_cannot_be_fitted_has_no_values_but_a_reason(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    images = np.repeat(drawn(**some_galaxies(1)), 4, axis=0) + random.normal(0, 1, (4, 1, SIZE, SIZE))
    images = images.astype(np.float32)
    images[1] = random.normal(0, 1, images[1].shape)
    images[2, 0, 12:28, 12:28] = np.nan
    images[3, 0, 0:5] = np.nan
    found = fitted(tmp_path, images, FitSettings())
    assert found.is_fitted.tolist() == [True, False, False, True]
    assert found.reasons[1] == "no galaxy at the centre" and found.reasons[2]
    for column in (found.values, found.errors):
        assert np.isnan(column["half_light_radius"][[1, 2]]).all()
        assert np.isfinite(column["half_light_radius"][[0, 3]]).all()
    assert found.values["half_light_radius"][3] == pytest.approx(found.values["half_light_radius"][0], rel=0.1)
    assert "2 of 4" in found.summary and "no galaxy at the centre" in found.summary
    assert 0.5 < found.reduced_chi2[0] < 1.5


def test_round_galaxies_have_no_position_angle_and_steep_ones_are_named(tmp_path: Path) -> None:
    truth = some_galaxies(2) | {"axis_ratio": np.array([1.0, 0.6]), "index": np.array([1.0, 7.8])}
    images = drawn(**truth) + np.random.default_rng(2).normal(0, 0.3, (2, 1, SIZE, SIZE))
    found = fitted(tmp_path, images.astype(np.float32), FitSettings(sky="subtracted"))
    assert np.isnan(found.values["position_angle"][0]) and "too round" in found.reasons[0]
    assert "Sérsic index at its limit" in found.reasons[1] and np.isnan(found.errors["sersic_index"][1])


def test_what_no_galaxy_could_be_fitted_on_is_refused(tmp_path: Path) -> None:
    image = np.zeros((1, 1, 16, 16))
    picture = write_dataset(tmp_path / "p.h5", image.astype(np.uint8), {"width": [1.0]}, ["width"], bands=("r",))
    with pytest.raises(NotPossible, match="8-bit"):
        result_of(profile_fit.run(picture, PSF))
    data = write_dataset(tmp_path / "d.h5", image.astype(np.float32), {"width": [1.0]}, ["width"], bands=("r",))
    with pytest.raises(NotPossible, match="no band 2"):
        result_of(profile_fit.run(data, PSF, FitSettings(band=2)))
    stop = threading.Event()
    work = profile_fit.run(data, PSF, stop=stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)


@pytest.mark.truth("Error bars of fits", "the scatter over noisy galaxies")
@pytest.mark.slow
def test_errors_of_noisy_galaxies_are_as_large_as_the_error_bars_say(tmp_path: Path) -> None:
    """Pulls of unit width and no bias, photon noise of the galaxy included; 900, for a width good to 0.03."""
    truth, gain = some_galaxies(900, seed=7), 2.0
    clean = drawn(**truth)
    random = np.random.default_rng(8)
    noisy = (random.poisson(np.maximum(clean, 0) * gain) / gain + random.normal(0, 3, clean.shape)).astype(np.float32)
    found = fitted(tmp_path, noisy, FitSettings(gain=gain, sky="subtracted"))
    assert found.is_fitted.mean() > 0.98
    wanted = {
        "flux": truth["flux"],
        "half_light_radius": SCALE * truth["radius"],
        "sersic_index": truth["index"],
        "axis_ratio": truth["axis_ratio"],
        "x": truth["x"],
    }
    for name, values in wanted.items():
        pulls = ((found.values[name] - values) / found.errors[name])[found.is_fitted]
        pulls = pulls[np.isfinite(pulls)]
        low, middle, high = np.percentile(pulls, [16, 50, 84])
        print(f"{name}: median pull {middle:+.2f}, width {(high - low) / 2:.2f} of {len(pulls)}")
        assert abs(middle) < 0.25, name
        assert 0.85 < (high - low) / 2 < 1.2, name
    assert np.nanmedian(found.reduced_chi2) == pytest.approx(1, abs=0.05)
