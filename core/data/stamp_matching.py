"""Whether two stamps show the same galaxy: turned, mirrored, shifted, brighter, or cut out a little larger.

Two steps, both on grey stamps of 64 × 64 pixels with compressed brightness. A *description* of 64 numbers finds the few
pairs that may be the same: the Fourier–Mellin transform, whose amplitudes depend neither on position nor on orientation
nor on scale. A *registration* then decides: of the 8 mirror images and quarter turns, of scales up to 15 % smaller or
larger and of shifts up to an eighth of the stamp, the best Pearson correlation. What all galaxies of a kind share, the
round profile and what is wider than about six pixels, is taken off before: it would make any two ellipticals the same.

References
----------
Casasent & Psaltis 1976, "Position, rotation, and scale invariant optical correlation", Applied Optics 15, 1795;
Padfield 2012, "Masked object registration in the Fourier domain", IEEE Trans. Image Processing 21, 2706.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

SIDE = 64
_BORDER = 3  # pixels, of which the background is the median
_KNEE = 3.0  # times the noise, above which brightness is compressed
_FAINTEST = 0.01  # of the peak: the least noise, for 8-bit pictures without any
_PEAK = 0.995  # quantile
_SMOOTH, _BROAD, _PEAK_WIDTH = 0.8, 6.0, 2.0  # standard deviations in pixels
_MAD_TO_SIGMA = 1.4826
# of the description
_FREQUENCIES = (2.0, 24.0)  # cycles per stamp
_RADII, _ANGLES, _HARMONICS, _PADDED = 32, 32, 8, 128
# of the registration
_COARSE, _FINE = (0.9, 1.0, 1.1), (-0.06, -0.03, 0.03, 0.06)
_PLACES, _SHIFT = 76, 8  # length of the transforms, and largest shift in pixels
_HOPELESS = 0.5  # a coarse correlation that no finer scale makes a high one
_LEAST_VARIANCE = 1e-6


def prepare(images: NDArray[Any]) -> NDArray[np.float32]:
    """Grey stamps (n, 64, 64) of images (n, C, H, W), of their middle square, with compressed brightness."""
    height, width = images.shape[2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    grey = images[:, :, top : top + side, left : left + side].mean(axis=1, dtype=np.float64)
    overlaps = _overlaps(side)
    grey = overlaps @ grey @ overlaps.T
    border = np.ones((SIDE, SIDE), bool)
    border[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    sky = grey[:, border]
    background = np.median(sky, axis=1)
    noise = _MAD_TO_SIGMA * np.median(np.abs(sky - background[:, None]), axis=1)
    grey -= background[:, None, None]
    peak = np.quantile(np.abs(grey), _PEAK, axis=(1, 2))
    unit = _KNEE * np.maximum(noise, _FAINTEST * peak)
    grey = np.arcsinh(grey / np.where(unit > 0, unit, 1)[:, None, None])
    return ndimage.gaussian_filter(grey, (0, _SMOOTH, _SMOOTH)).astype(np.float32)


def describe(prepared: NDArray[np.float32]) -> NDArray[np.float32]:
    """The description (n, 64) of prepared stamps (n, 64, 64)."""
    rows, columns, growth = _polar_grid()
    window = np.sqrt(np.outer(*2 * [np.hanning(SIDE + 2)[1:-1]]))
    found = np.empty((len(prepared), _HARMONICS * _HARMONICS), np.float32)
    for number, stamp in enumerate(prepared):
        strengths = np.abs(fft.fftshift(fft.fft2(stamp * window, (_PADDED, _PADDED))))
        polar = np.sqrt(ndimage.map_coordinates(strengths, [rows, columns], order=1)) * growth
        around = fft.fft(fft.rfft(polar, axis=1)[:, :_HARMONICS], axis=0)
        along = np.abs(around[:_HARMONICS])
        along[1:] = (along[1:] + np.abs(around[:-_HARMONICS:-1])) / 2  # a mirror image has them the other way round
        found[number] = along.ravel()
    return found


def find_structure(prepared: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a prepared stamp (64, 64) has beyond its round profile, without what is broad."""
    quarter = SIDE // 4
    middle = ndimage.gaussian_filter(prepared, _PEAK_WIDTH)[quarter:-quarter, quarter:-quarter]
    y, x = np.unravel_index(middle.argmax(), middle.shape)
    radius = np.hypot(*np.ogrid[-(y + quarter) : SIDE - y - quarter, -(x + quarter) : SIDE - x - quarter])
    rings = np.minimum(radius.round().astype(np.int64), SIDE // 2 + quarter // 2)
    profile = np.bincount(rings.ravel(), prepared.ravel()) / np.maximum(np.bincount(rings.ravel()), 1)
    rest = prepared - profile[rings]
    return (rest - ndimage.gaussian_filter(rest, _BROAD)).astype(np.float32)


class Registration:
    """One galaxy, by its structure (64, 64), with which others are compared."""

    def __init__(self, structure: NDArray[np.float32]) -> None:
        self._structure = structure
        self._variants = {scale: _Variants(structure, scale) for scale in _COARSE}

    def correlate(self, other: NDArray[np.float32]) -> float:
        """The best correlation with the structure of another galaxy, over views, scales and shifts; 1: the same."""
        base = _Transformed(other)
        by_scale = {scale: variants.correlate(base) for scale, variants in self._variants.items()}
        scale = max(by_scale, key=lambda each: by_scale[each].max())
        best = float(by_scale[scale].max())
        if best < _HOPELESS:
            return best
        view = int(by_scale[scale].argmax())
        finer = [_Variants(self._structure, scale + step, (view,)).correlate(base).max() for step in _FINE]
        return float(max(best, *finer))


class _Transformed:
    """The transforms of a structure and of its square."""

    def __init__(self, structure: NDArray[np.float32]) -> None:
        self.whole, self.squared = _transform(structure), _transform(structure**2)
        self.mask = _transform(np.ones_like(structure))


class _Variants:
    """Views of a structure at one scale, and where they have pixels."""

    def __init__(self, structure: NDArray[np.float32], scale: float, views: tuple[int, ...] = tuple(range(8))) -> None:
        scaled, mask = _rescale(structure, scale), _rescale(np.ones_like(structure), scale)
        mask = (mask > 1 - 1e-3).astype(np.float32)
        seen = np.stack([_view(scaled * mask, number) for number in views])
        self._whole, self._squared, self._mask = _transform(seen), _transform(seen**2), _transform(mask)

    def correlate(self, base: _Transformed) -> NDArray[np.float64]:
        """The best correlation of each view with another structure, over the shifts."""
        count = np.maximum(_slide(base.mask, self._mask), 1)
        mine, theirs = _slide(base.mask, self._whole), _slide(base.whole, self._mask)
        mine_squared, theirs_squared = _slide(base.mask, self._squared), _slide(base.squared, self._mask)
        both = _slide(base.whole, self._whole) - mine * theirs / count
        spread = (mine_squared - mine**2 / count) * (theirs_squared - theirs**2 / count)
        floor = (_LEAST_VARIANCE * SIDE**2) ** 2
        return (both / np.sqrt(np.maximum(spread, floor))).max(axis=(1, 2))


def _transform(images: NDArray[np.float32]) -> NDArray[np.complex64]:
    return fft.rfft2(images, (_PLACES, _PLACES))


def _slide(one: NDArray[np.complex64], other: NDArray[np.complex64]) -> NDArray[np.float64]:
    """Sums of products of one image with another that is shifted, for all shifts: (…, 17, 17)."""
    sums = fft.irfft2(one * other.conj(), (_PLACES, _PLACES)).astype(np.float64)
    shifts = np.r_[0 : _SHIFT + 1, _PLACES - _SHIFT : _PLACES]
    return np.atleast_3d(sums[..., shifts, :][..., shifts]).reshape(-1, len(shifts), len(shifts))


def _view(stamp: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """One of the 8 mirror images and quarter turns."""
    return np.rot90(stamp[:, ::-1] if number >= 4 else stamp, number % 4)


def _rescale(stamp: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """The stamp, enlarged by this factor about its middle; zero beyond its edges."""
    if scale == 1:
        return stamp
    offset = (SIDE - 1) / 2 * (1 - 1 / scale)
    return ndimage.affine_transform(stamp, np.eye(2) / scale, offset=offset, order=1, cval=0.0)


def _polar_grid() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns in a padded spectrum, by radius and angle, and what each is multiplied by."""
    low, high = _FREQUENCIES
    radii = np.geomspace(low, high, _RADII)[:, None]
    angles = np.pi * np.arange(_ANGLES) / _ANGLES
    places = radii * _PADDED / SIDE
    growth = radii / low * np.hanning(_RADII + 2)[1:-1, None]
    return places * np.sin(angles) + _PADDED // 2, places * np.cos(angles) + _PADDED // 2, growth


def _overlaps(side: int) -> NDArray[np.float64]:
    """Weights (64, side) of the pixels of a side in those of the grey stamp, by how much they overlap."""
    edges = np.arange(SIDE + 1)[:, None] * side / SIDE
    pixels = np.arange(side)
    shared = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return np.maximum(shared, 0) * SIDE / side
