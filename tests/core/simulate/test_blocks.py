"""Galaxies by their numbers: each is itself, whoever else is simulated, and by whichever engine."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from core.simulate.blocks import BlockMaker
from core.simulate.preview import live_grid
from core.simulate.realism_settings import RealismSettings
from core.simulate.settings import SimulationSettings

PLAIN = SimulationSettings(size=32, seed=3, noise={"kind": "none"}, psf={"kind": "gaussian", "fwhm": 0.2})


def test_a_galaxy_is_the_same_alone_in_a_block_and_in_the_live_grid() -> None:
    settings = PLAIN.model_copy(update={"realism": RealismSettings(companions=1, stars=1, bands="r, g")})
    maker = BlockMaker(settings)
    block, alone = maker.make(range(8)), maker.make([5])
    assert block.images.shape == (8, 2, 32, 32)
    assert np.abs(block.images[5] - alone.images[0]).max() <= 2e-6 * alone.images.max()
    for name, values in alone.truth.items():
        assert block.truth[name][5] == values[0], name
    grid = live_grid(settings.model_copy(update={"count": 9}), 8)
    assert np.array_equal(grid.stamps, block.images)
    assert [band.name for band in grid.bands] == ["r", "g"]
    assert grid.units["half_light_radius"] == "arcsec"


def test_galsim_draws_the_same_galaxies() -> None:
    block = BlockMaker(PLAIN).make(range(3))
    other = BlockMaker(PLAIN.model_copy(update={"engine": "GalSim"})).make(range(3))
    peaks = block.images.max(axis=(1, 2, 3), keepdims=True)
    assert (np.abs(block.images - other.images) / peaks).max() < 0.01  # GalSim's usual accuracy
    assert not np.array_equal(block.images, other.images)
    assert block.truth["magnitude"].tolist() == other.truth["magnitude"].tolist()


def test_each_galaxy_has_one_psf_of_a_stack_and_keeps_it(tmp_path: Path) -> None:
    y, x = np.mgrid[-10:11, -10:11]
    stack = np.stack([np.exp(-(x**2 + y**2) / (2 * width**2)) for width in (0.9, 1.8)])
    fits.writeto(tmp_path / "psf.fits", (stack / stack.sum(axis=(1, 2), keepdims=True)).astype(np.float32))
    values = PLAIN.model_dump() | {"psf": {"kind": "image", "path": str(tmp_path / "psf.fits"), "includes_pixel": True}}
    values["galaxies"] |= {"kind": "single Sérsic", "half_light_radius": {"low": 1.0, "high": 1.001}}
    values["galaxies"] |= {"sersic_index": {"low": 1.0, "high": 1.001}, "axis_ratio": {"low": 0.94, "high": 0.95}}
    maker = BlockMaker(SimulationSettings.model_validate(values))
    block, some = maker.make(range(40)), maker.make([7, 11])
    sharpness = block.images.max(axis=(1, 2, 3)) / block.images.sum(axis=(1, 2, 3))
    is_sharp = sharpness > sharpness.mean()
    assert 8 < is_sharp.sum() < 32, "not both images are drawn"
    assert sharpness[is_sharp].min() > 1.5 * sharpness[~is_sharp].max()
    assert np.allclose(some.images, block.images[[7, 11]], rtol=0, atol=2e-6 * block.images.max())
