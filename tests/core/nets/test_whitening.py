import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from core.errors import NotPossible
from core.nets import normalisation, whitening


def _images(count, shape, seed=0):
    """Images whose pixels are correlated, float32."""
    random = np.random.default_rng(seed)
    values = int(np.prod(shape))
    mixing = random.normal(0, 1, (values, values)) * np.geomspace(3, 0.1, values)
    return torch.from_numpy((random.normal(0, 1, (count, values)) @ mixing).astype(np.float32)).view(count, *shape)


def _by_numpy(images, floor):
    flat = images.flatten(1).double().numpy()
    flat = flat - flat.mean(axis=0)
    covariance = flat.T @ flat / len(flat)
    u, s, _ = np.linalg.svd(covariance)
    added = floor * np.trace(covariance) / len(covariance)
    return (flat @ (u / np.sqrt(s + added)) @ u.T).reshape(images.shape)


@pytest.mark.parametrize("floor", [1e-3, 0.1])
@pytest.mark.parametrize("count", [40, 600])
def test_it_is_the_written_formula_with_fewer_and_with_more_images_than_values(floor, count):
    images = _images(count, (2, 6, 7))
    white = whitening.fit(images, floor)(images).numpy()
    assert np.allclose(white, _by_numpy(images, floor), atol=2e-3)


@pytest.mark.truth("Whitening", "scikit-learn")
def test_it_is_scikit_learns_whitened_components_turned_back():
    images = _images(500, (1, 6, 5))
    flat = images.flatten(1).double().numpy()
    pca = PCA(whiten=True).fit(flat)
    expected = pca.transform(flat) @ pca.components_ * np.sqrt(500 / 499)  # it divides by n - 1
    white = whitening.fit(images, 1e-12)(images)
    assert np.allclose(white.flatten(1).numpy(), expected, atol=2e-3)


def test_whitened_training_images_have_the_unit_matrix_as_covariance():
    images = _images(800, (1, 6, 6))
    white = whitening.fit(images, 1e-9)(images).flatten(1)
    assert torch.allclose(white.T @ white / 800, torch.eye(36), atol=1e-3)


def test_of_all_whitenings_it_changes_the_images_least():
    images = _images(400, (1, 4, 4))
    flat = (images - images.mean(dim=0)).flatten(1)
    white = whitening.fit(images, 1e-9)(images).flatten(1)
    turned = white @ torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(0))).Q
    assert (white - flat).square().sum() < (turned - flat).square().sum()


@pytest.mark.parametrize("count", [30, 500])
def test_the_inverse_gives_the_images_back(count):
    images = _images(count, (1, 8, 8))
    white = whitening.fit(images, 0.1)
    other = _images(7, (1, 8, 8), seed=5)
    assert torch.allclose(white.inverse(white(other)), other, atol=1e-3)


def test_with_fewer_directions_the_rest_has_the_mean_of_what_is_left(monkeypatch):
    images = _images(500, (1, 6, 6))
    full = whitening.fit(images, 0.01)
    monkeypatch.setattr(whitening, "_MAX_NUMBERS", 36 * 10)
    white = whitening.fit(images, 0.01)
    assert white.directions.shape == (10, 36)
    assert torch.allclose(white.gains, full.gains[:10], rtol=1e-4)
    added = full.gains[-1] ** -2 - _variance_along(images, full.directions[-1])
    mean_left = torch.stack([_variance_along(images, direction) for direction in full.directions[10:]]).mean()
    assert white.rest.item() == pytest.approx((mean_left + added).item() ** -0.5, rel=1e-3)
    assert torch.allclose(white.inverse(white(images)), images, atol=1e-2)


def _variance_along(images, direction):
    return ((images - images.mean(dim=0)).flatten(1) @ direction).square().mean()


def test_images_that_are_all_alike_become_zero():
    white = whitening.fit(torch.full((5, 1, 4, 4), 3.0), 0.1)
    assert torch.equal(white(torch.full((2, 1, 4, 4), 3.0)), torch.zeros(2, 1, 4, 4))


@pytest.mark.parametrize("kind", ["standard", "asinh"])
def test_it_comes_after_the_pixelwise_scaling_and_survives_the_file(kind):
    images = _images(200, (2, 6, 6)).numpy()
    fitted = normalisation.fit(images, kind, "none", 0.1)
    plain = normalisation.fit(images, kind)
    batch = torch.from_numpy(images)
    assert not fitted.is_pixelwise and plain.is_pixelwise
    assert np.allclose(fitted(batch).numpy(), _by_numpy(plain(batch), 0.1), atol=2e-3)
    again = normalisation.restore(kind, "none", fitted.state_dict())
    assert torch.equal(again(batch), fitted(batch))
    assert torch.allclose(fitted.inverse(fitted(batch)), batch, rtol=1e-2, atol=1e-2)


def test_what_each_galaxy_was_scaled_by_cannot_be_undone():
    images = _images(20, (1, 6, 6)).numpy()
    with pytest.raises(NotPossible, match="own mean"):
        normalisation.fit(images, "standard", "centre").inverse(torch.zeros(1, 1, 6, 6))
