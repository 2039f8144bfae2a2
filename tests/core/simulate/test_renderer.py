"""The renderer against GalSim and against what is known of Sérsic profiles."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
import torch

from core.errors import NotPossible
from core.simulate import psf as psfs
from core.simulate.galsim_engine import PRECISE, render_with_galsim
from core.simulate.profiles import Profiles
from core.simulate.psf import Psf
from core.simulate.renderer import render
from core.simulate.sersic import surface_brightness

SIZE = 64


def profiles(stamp=0, flux=1.0, radius=5.0, index=1.0, axis_ratio=1.0, angle=0.0, x=0.0, y=0.0) -> Profiles:
    arrays = np.broadcast_arrays(*map(np.atleast_1d, (stamp, flux, radius, index, axis_ratio, angle, x, y)))
    return Profiles(arrays[0].astype(np.int64), *(array.astype(float) for array in arrays[1:]))


def draw(psf: Psf, **values) -> np.ndarray:
    return render(profiles(**values), psf, 1, SIZE)[0].numpy().astype(float)


def test_a_block_has_the_same_bits_again_and_a_stamp_does_not_depend_on_its_neighbours() -> None:
    random = np.random.default_rng(5)
    count = 14
    block = profiles(np.arange(count) % 9, random.uniform(0.5, 2, count), 10 ** random.uniform(0.2, 1.0, count),
                     random.uniform(0.5, 6, count), random.uniform(0.4, 1, count), random.uniform(0, 3, count),
                     random.uniform(-9, 9, count), random.uniform(-9, 9, count))  # fmt: skip
    psf = psfs.Gaussian(3.0)
    first = render(block, psf, 9, SIZE)
    assert torch.equal(first, render(block, psf, 9, SIZE))
    alone = block.take(np.flatnonzero(block.stamp == 7))
    again = render(profiles(0, alone.flux, alone.radius, alone.index, alone.axis_ratio, alone.angle, alone.x, alone.y),
                   psf, 1, SIZE)[0]  # fmt: skip
    assert (again - first[7]).abs().max() < 1e-6 * first[7].max()


def test_what_cannot_be_drawn_is_said() -> None:
    psf = psfs.Gaussian(2.0)
    with pytest.raises(NotPossible, match="index 9 is not between"):
        draw(psf, index=9.0)
    with pytest.raises(NotPossible, match="flux is not finite"):
        draw(psf, flux=np.nan)
    with pytest.raises(NotPossible, match="5,000 pixels from the centre"):
        draw(psf, x=5000.0)


@pytest.mark.truth("Rendered galaxies", "GalSim")
@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_a_galaxy_is_as_galsim_draws_it(angle: float) -> None:
    precise = galsim.GSParams(folding_threshold=1e-3, maxk_threshold=1e-4, kvalue_accuracy=1e-5)
    found = draw(psfs.Gaussian(1.9), radius=6.0, index=2.0, axis_ratio=0.4, angle=angle, x=0.3, y=-0.2)
    galaxy = galsim.Sersic(2.0, half_light_radius=6 * 0.4**0.5, gsparams=precise).shear(
        q=0.4, beta=angle * galsim.radians
    )
    seen = galsim.Convolve(galaxy, galsim.Gaussian(fwhm=1.9, gsparams=precise)).shift(0.3, -0.2)
    expected = seen.drawImage(nx=SIZE, ny=SIZE, scale=1, dtype=float).array
    assert np.abs(found - expected).max() < 5e-5 * expected.max()


@pytest.mark.truth("Flux, half-light radius and axis ratio of what is drawn", "the parameters")
@pytest.mark.parametrize("index", [0.5, 1.0, 4.0])
def test_flux_half_light_radius_and_shape_are_those_of_the_parameters(index: float) -> None:
    size, radius, ratio, angle = 128, 8.0, 0.5, 0.6
    psf = psfs.Gaussian(1.0)
    image = render(profiles(flux=3.0, radius=radius, index=index, axis_ratio=ratio, angle=angle), psf, 1, size)[0]
    pixels = image.numpy().astype(float)
    offset = np.arange(size) - (size - 1) / 2
    x, y = offset[None, :], offset[:, None]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    inside = np.hypot(along, across / ratio) < radius
    assert pixels[inside].sum() / 3.0 == pytest.approx(0.5, abs=0.012)
    if index <= 1:
        assert pixels.sum() == pytest.approx(3.0, rel=1e-4)
        moments = [(pixels * values).sum() / pixels.sum() for values in (along**2, across**2, along * across)]
        blur = 1 / (8 * np.log(2)) + 1 / 12
        assert (moments[1] - blur) / (moments[0] - blur) == pytest.approx(ratio**2, rel=2e-3)
        assert abs(moments[2]) < 1e-3 * moments[0]


def test_no_light_folds_back() -> None:
    psf = psfs.Gaussian(2.0)
    # A stamp is the middle of a larger one, whose periods are longer.
    for index, radius, ratio in [(0.5, 31.6, 0.95), (1.0, 31.6, 0.2), (6.0, 20.0, 0.5)]:
        galaxy = profiles(radius=radius, index=index, axis_ratio=ratio, angle=0.0)
        small, large = (render(galaxy, psf, 1, size)[0] for size in (64, 192))
        assert (small - large[64:128, 64:128]).abs().max() < 1e-4 * large.max()


@pytest.mark.parametrize("psf", [psfs.Airy(1.9, 0.33), psfs.Moffat(4.0, 2.5)], ids=["Airy", "Moffat"])
def test_a_small_stamp_is_the_middle_of_a_larger_one(psf: Psf) -> None:
    for radius in (0.0, 1.6, 8.0):
        galaxy = profiles(radius=radius, axis_ratio=0.5, angle=0.4, x=1.3, y=-0.6)
        small, large = (render(galaxy, psf, 1, size)[0] for size in (16, 80))
        assert (small - large[32:48, 32:48]).abs().max() < 1e-4 * large.max()


@pytest.mark.truth("Galaxies at the corners of the prior", "GalSim")
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "psf",
    [psfs.Gaussian(1.9), psfs.Moffat(3.3, 2.5), psfs.Kolmogorov(3.9), psfs.Airy(1.89, 0.33)],
    ids=["Gaussian", "Moffat", "Kolmogorov", "Airy"],
)
def test_the_corners_of_the_prior_are_as_galsim_draws_them(psf: Psf) -> None:
    errors = {}
    for index in (1.0, 2.5, 4.0, 6.0):  # below 1 GalSim's own table is 2e-4 to 1e-2 off: see the integrals below
        for radius in (10**0.2, 10.0, 10**1.3 if index > 1 else 10**1.5):
            for ratio in (0.05, 0.4, 0.95):
                galaxy = profiles(radius=radius, index=index, axis_ratio=ratio, angle=0.5, x=0.4, y=-0.3)
                found = render(galaxy, psf, 1, SIZE)[0].numpy()
                expected = render_with_galsim(galaxy, psf, 1, SIZE, parameters=PRECISE)[0]
                errors[index, radius, ratio] = np.abs(found - expected).max() / expected.max()
    worst = max(errors, key=errors.__getitem__)
    print(f"\n{type(psf).__name__}: at most {errors[worst]:.1e} of the peak, at (index, radius, axis ratio) {worst}")
    assert errors[worst] < 2e-4


@pytest.mark.truth("The centre of a large galaxy", "the integral")
@pytest.mark.parametrize("index", [0.5, 0.7])
def test_the_centre_of_a_large_flat_galaxy_is_that_of_the_integral(index: float) -> None:
    variance = 1.9**2 / (8 * np.log(2)) + 1 / 12  # of the PSF and the pixel
    r = np.linspace(0, 40, 40_001)
    seen = surface_brightness(r, 31.6, index) * np.exp(-(r**2) / (2 * variance)) / variance * r
    image = render(profiles(radius=31.6, index=index), psfs.Gaussian(1.9), 1, 65)[0]
    assert image[32, 32].item() == pytest.approx(np.trapezoid(seen, r), rel=1e-4)
