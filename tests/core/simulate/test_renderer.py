"""The renderer against GalSim and against what is known of Sérsic profiles."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
import torch

from core.errors import NotPossible
from core.simulate import psf as psfs
from core.simulate.profiles import Profiles
from core.simulate.psf import Psf
from core.simulate.renderer import render

SIZE = 64


def profiles(stamp=0, flux=1.0, radius=5.0, index=1.0, axis_ratio=1.0, angle=0.0, x=0.0, y=0.0) -> Profiles:
    arrays = np.broadcast_arrays(*map(np.atleast_1d, (stamp, flux, radius, index, axis_ratio, angle, x, y)))
    return Profiles(arrays[0].astype(np.int64), *(array.astype(float) for array in arrays[1:]))


def draw(psf: Psf, **values) -> np.ndarray:
    return render(profiles(**values), psf, 1, SIZE)[0].numpy().astype(float)


def test_a_block_has_the_same_bits_again_and_a_stamp_does_not_depend_on_its_neighbours() -> None:
    random = np.random.default_rng(5)
    count = 40
    block = profiles(np.arange(count) % 23, random.uniform(0.5, 2, count), 10 ** random.uniform(0.2, 1.5, count),
                     random.uniform(0.5, 6, count), random.uniform(0.1, 1, count), random.uniform(0, 3, count),
                     random.uniform(-20, 20, count), random.uniform(-20, 20, count))  # fmt: skip
    psf = psfs.Moffat(3.3, 2.5)
    first = render(block, psf, 23, SIZE)
    assert torch.equal(first, render(block, psf, 23, SIZE))
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
