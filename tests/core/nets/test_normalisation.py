import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from core.errors import NotANumber, TooFewGalaxies
from core.nets import normalisation


def _stamps(count=200, sky=(100.0, -3.0), noise=(2.0, 0.1), seed=0):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32] - 15.5
    galaxy = np.exp(-(x**2 + y**2) / 30)
    images = np.stack([s + random.normal(0, n, (count, 32, 32)) for s, n in zip(sky, noise, strict=True)], axis=1)
    images += random.uniform(1, 50, (count, 1, 1, 1)) * galaxy
    return images.astype(np.float32)


@pytest.mark.parametrize("kind", ["standard", "asinh"])
def test_scaled_training_images_have_zero_mean_and_unit_variance_in_each_band(kind):
    images = _stamps()
    scaled = normalisation.fit(images, kind)(torch.from_numpy(images))
    assert torch.allclose(scaled.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-3)
    assert torch.allclose(scaled.std(dim=(0, 2, 3)), torch.ones(2), atol=1e-3)


def test_asinh_finds_the_sky_and_its_noise_under_galaxies():
    fitted = normalisation.fit(_stamps(), "asinh")
    assert fitted.sky.tolist() == pytest.approx([100.0, -3.0], abs=0.1)
    assert fitted.knee.tolist() == pytest.approx([2.0, 0.1], rel=0.1)


def test_a_sky_that_differs_from_stamp_to_stamp_does_not_pass_for_noise():
    images = _stamps() + np.random.default_rng(1).normal(0, 5, (200, 1, 1, 1)).astype(np.float32)
    assert normalisation.fit(images, "asinh").knee.tolist() == pytest.approx([2.0, 0.1], rel=0.1)


def test_asinh_is_the_written_formula():
    images = _stamps(20)
    fitted = normalisation.fit(images, "asinh")
    sky, knee, centre, scale = (
        getattr(fitted, name).numpy()[:, None, None] for name in ("sky", "knee", "centre", "scale")
    )
    expected = (np.arcsinh((images - sky) / knee) - centre) / scale
    assert np.allclose(fitted(torch.from_numpy(images)).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["standard", "asinh"])
def test_the_inverse_gives_the_physical_pixels_back_and_is_differentiable(kind):
    images = torch.from_numpy(_stamps(20))
    images[0] *= 1e4 if kind == "asinh" else 3  # far up on the logarithmic part; a linear one is limited
    images[1] *= -1
    fitted = normalisation.fit(_stamps(), kind)
    noise = fitted.knee[:, None, None] if kind == "asinh" else fitted.scale[:, None, None]
    back = fitted.inverse(fitted(images))
    assert ((back - images).abs() <= 1e-5 * (images.abs() + noise)).all()
    scaled = torch.linspace(-5, 5, 2 * 7 * 9).reshape(1, 2, 7, 9).requires_grad_()
    assert torch.allclose(fitted(fitted.inverse(scaled)), scaled, atol=1e-4)
    (slope,) = torch.autograd.grad(fitted.inverse(scaled).sum(), scaled)
    assert (slope > 0).all()


def test_an_empty_band_and_noiseless_images_stay_finite():
    images = np.zeros((5, 2, 16, 16), np.float32)
    images[:, 0, 6:10, 6:10] = 3
    for kind in ("standard", "asinh"):
        scaled = normalisation.fit(images, kind)(torch.from_numpy(images))
        assert torch.isfinite(scaled).all()
        assert (scaled[:, 1] == 0).all()


@pytest.mark.parametrize("mark", [-1e30, 1.6e38, 1e20, 1e10])
@pytest.mark.parametrize("samplewise", ["none", "centre", "standard"])
@pytest.mark.parametrize("kind", ["standard", "centre", "asinh"])
def test_one_wild_pixel_changes_the_scaling_of_no_other_galaxy_and_floods_no_network(kind, samplewise, mark):
    clean = _stamps(80)
    marked = clean.copy()
    marked[5, 1, 3, 3] = mark
    others = np.arange(80) != 5
    expected = normalisation.fit(clean[others], kind, samplewise)(torch.from_numpy(clean[others]))
    fitted = normalisation.fit(marked, kind, samplewise)
    for scaled in (fitted(torch.from_numpy(marked)), fitted.scale_fast(torch.from_numpy(marked))):
        assert torch.allclose(scaled[others], expected, rtol=0.02, atol=0.02 if samplewise == "none" else 0.15)
        assert scaled.abs().max() <= max(60, 10.1 * expected.abs().max())


def test_a_network_saved_without_limits_answers_as_before_and_stays_finite_beside_wild_pixels():
    images = torch.from_numpy(_stamps(20))
    for kind in ("standard", "asinh"):
        fitted = normalisation.fit(images.numpy(), kind)
        stored = {name: value for name, value in fitted.state_dict().items() if name != "limit"}
        old = normalisation.restore(kind, "none", stored)
        assert old.limit is None
        far = 1e4 * images
        expected = (far - fitted.centre[:, None, None]) / fitted.scale[:, None, None]
        if kind == "standard":
            assert torch.equal(old(far), expected)
        far[0, 0, 0, 0] = 3e38
        assert torch.isfinite(old(far).square()).all()
        assert torch.isfinite(old.scale_fast(far)).all()


def test_limits_are_saved_with_the_scaling():
    images = _stamps(20)
    fitted = normalisation.fit(images, "standard")
    again = normalisation.restore("standard", "none", fitted.state_dict())
    wild = torch.from_numpy(images * 1e6)
    assert torch.equal(again(wild), fitted(wild))


def test_nan_pixels_and_no_images_are_problems():
    images = _stamps(4)
    images[2, 0, 3, 3] = np.nan
    with pytest.raises(NotANumber) as caught:
        normalisation.fit(images, "standard")
    assert "image 2" in caught.value.where
    with pytest.raises(TooFewGalaxies):
        normalisation.fit(images[:0], "standard")


def test_the_border_of_a_stamp_counts_every_edge_pixel_once():
    image = np.arange(20, dtype=np.float32).reshape(1, 1, 4, 5)
    inner = {6, 7, 8, 11, 12, 13}
    assert sorted(normalisation.border_pixels(image)[0, 0].tolist()) == sorted(set(range(20)) - inner)


def test_standard_is_scikit_learns_scaler_over_all_pixels_of_a_band():
    images = _stamps(30)
    pixels = images.transpose(0, 2, 3, 1).reshape(-1, 2)
    expected = StandardScaler().fit_transform(pixels.astype(np.float64))
    found = normalisation.fit(images, "standard")(torch.from_numpy(images))
    assert np.allclose(found.permute(0, 2, 3, 1).reshape(-1, 2).numpy(), expected, atol=1e-4)
    centred = normalisation.fit(images, "centre")(torch.from_numpy(images))
    assert np.allclose(centred.permute(0, 2, 3, 1).reshape(-1, 2).numpy(), pixels - pixels.mean(axis=0), atol=1e-3)


@pytest.mark.parametrize("samplewise", ["centre", "standard"])
def test_each_galaxy_by_itself_is_the_written_formula_over_all_its_bands(samplewise):
    images = _stamps(10)
    found = normalisation.scale_samplewise(torch.from_numpy(images), samplewise).numpy()
    expected = images - images.mean(axis=(1, 2, 3), keepdims=True)
    if samplewise == "standard":
        expected = expected / images.std(axis=(1, 2, 3), keepdims=True)
    assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["standard", "centre", "asinh"])
@pytest.mark.parametrize("samplewise", ["centre", "standard"])
def test_the_bands_are_scaled_as_they_are_after_each_galaxy_was_scaled_by_itself(kind, samplewise):
    images = _stamps()
    fitted = normalisation.fit(images, kind, samplewise)
    own = normalisation.scale_samplewise(torch.from_numpy(images), samplewise)
    assert torch.allclose(fitted(torch.from_numpy(images)), normalisation.fit(own.numpy(), kind)(own), atol=1e-5)
    assert not fitted.is_pixelwise
    if samplewise == "standard":  # no longer knows how bright a galaxy is
        brighter = torch.from_numpy(7 * images + 100)
        assert torch.allclose(fitted(brighter), fitted(torch.from_numpy(images)), atol=2e-2)


def test_a_constant_stamp_by_itself_is_zero_and_not_its_rounding_error():
    flat = torch.full((2, 1, 31, 31), 0.1)
    assert normalisation.scale_samplewise(flat, "standard").abs().max() < 1e-6


def test_the_quick_way_is_the_same_to_rounding():
    images = torch.from_numpy(_stamps(20) * np.geomspace(1e-3, 1e4, 20, dtype=np.float32)[:, None, None, None])
    for kind in ("standard", "asinh"):
        fitted = normalisation.fit(_stamps(), kind)
        assert torch.allclose(fitted.scale_fast(images), fitted(images), rtol=1e-5, atol=1e-5)
