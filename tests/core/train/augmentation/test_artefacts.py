import pytest
import torch

from core.train.augmentation.pipeline import augment
from core.train.augmentation.sky import Sky


def _vary(images, settings, **knobs):
    return augment(images, settings.model_copy(update=knobs), torch.Generator().manual_seed(0))


def test_cosmic_rays_are_bright_tracks_in_one_band_and_as_many_as_asked_for(still, galaxies):
    images = galaxies(400, bands=3)
    images[:, 1] += 4 * (images[:, 1] - 100)  # five times the noise
    noise = Sky.measure(images).noise
    charge = (_vary(images, still, cosmic_rays=0.5) - images) / noise
    hit = charge > 1
    assert charge[hit].min() > 9.9 and charge[hit].max() < 1001
    assert charge[~hit].abs().max() < 1e-3
    per_stamp = hit.any(dim=3).any(dim=2).sum(dim=1)  # bands hit
    assert (per_stamp > 0).float().mean().item() == pytest.approx(1 - 2.718**-0.5, abs=0.06)
    single = hit[per_stamp == 1].sum(dim=(1, 2, 3))
    assert single.max() <= 40 and 2 < single.float().mean() < 6
    values = [charge[row][hit[row]].log() for row in torch.nonzero(single_track(hit))[:, 0]]
    assert max(value.std(correction=0).item() for value in values) < 1e-3  # each of one brightness


def single_track(hit):
    """Stamps with few pixels hit, all of them in one band and next to each other."""
    places = hit.any(dim=1)
    close = torch.nn.functional.max_pool2d(places.float()[:, None], 3, 1, 1)[:, 0]
    return (hit.flatten(1).sum(dim=1) > 1) & (close.sum(dim=(1, 2)) <= 12) & (hit.flatten(2).any(dim=2).sum(dim=1) == 1)


def test_dead_pixels_read_zero_and_are_as_many_as_asked_for(still, galaxies):
    images = galaxies(400)
    varied = _vary(images, still, dead_pixels=5.0)
    dead = varied != images
    assert (varied[dead] == 0).all()
    assert dead.sum().item() / 400 == pytest.approx(5, rel=0.06)


def test_a_missing_band_is_at_its_sky_level_and_one_is_always_left(still, galaxies):
    images = galaxies(2000, bands=3, size=16)
    varied = _vary(images, still, band_drop=0.4)
    lost = (varied != images).flatten(2).any(dim=2)
    expected = 0.4 - 0.4**3 / 3
    assert lost.float().mean().item() == pytest.approx(expected, abs=0.02)
    assert not lost.all(dim=1).any()
    assert (varied == Sky.measure(images).level)[lost].all()
    everything = _vary(images, still, band_drop=1.0)
    assert ((everything != images).flatten(2).any(dim=2).sum(dim=1) == 2).all()
    single = images[:, :1]
    assert torch.equal(_vary(single, still, band_drop=1.0), single)
