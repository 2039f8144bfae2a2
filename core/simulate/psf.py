"""Point-spread functions as transfer functions: what remains of each spatial frequency after telescope and pixel.

With k in radians per pixel and the FWHM w in pixels:

- Gaussian: exp(−k²σ²/2), σ = w / 2√(2 ln 2);
- Moffat: 2 (k r/2)^(β−1) K_{β−1}(k r) / Γ(β−1), r = w / 2√(2^(1/β) − 1);
- Kolmogorov: exp(−3.442 (k w / 0.97586 · 2π)^(5/3));
- Airy: the autocorrelation of an annular aperture, zero beyond k = 2π D/λ;
- image: the discrete transform of the image about its centre, zero beyond the image's own Nyquist frequency.

The response of square pixels is sinc(kx/2) sinc(ky/2), applied once: an image that holds it already does not get it
again.

References
----------
Moffat 1969; Fried 1966 and Roddier 1981 (Kolmogorov); O'Neill 1956 (annular apertures); Rowe et al. 2015 (GalSim).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import gamma, j1, kv

from core.errors import NotPossible
from core.simulate.frequencies import Grid
from core.simulate.psf_settings import PsfSettings

Values = NDArray[np.float64]

HIGHEST = 8 * math.pi  # radians per pixel; what is sharper than that has no place on pixels
_LEFT_OUT = 2e-5  # of the peak of a point source
_TOO_MUCH = 2e-4
_PROBES = 160
_KNOWN = 4000  # values of a function that is slow, between which a spline is drawn
_MOST_KEPT = 256 * 2**20  # bytes
_KOLMOGOROV_WIDTH = 0.9758634299  # FWHM over λ/r₀
_STRUCTURE = 6.8838771823 / 2  # of Kolmogorov turbulence, Fried's constant


@dataclass(frozen=True, eq=False, kw_only=True)
class Psf(ABC):
    """A point-spread function on pixels of the stamps.

    Attributes
    ----------
    count
        Number of images in a stack, one of which is drawn for each stamp; else 1.
    includes_pixel
        Whether it holds the response of the pixels already.
    remarks
        What was mended, a sentence each.
    """

    count: int = 1
    includes_pixel: bool = False
    remarks: tuple[str, ...] = ()

    @abstractmethod
    def transform(self, ky: Values, kx: Values, planes: NDArray[np.int64]) -> NDArray[np.number]:
        """The transfer functions without pixels, (len(planes), len(ky), len(kx)); of one plane where all are equal."""

    @abstractmethod
    def wing(self, distance: Values) -> Values:
        """The surface brightness of a point source of unit flux at this distance, per squared pixel, at most."""

    def only(self, plane: int) -> Psf:
        """One image of a stack; what is no stack remains the same."""
        del plane
        return self

    def transfer(self, ky: Values, kx: Values, planes: NDArray[np.int64]) -> NDArray[np.number]:
        """The transfer functions of telescope and pixel, (len(planes), len(ky), len(kx)); 1 at frequency 0."""
        found = self.transform(ky, kx, planes)
        if self.includes_pixel:
            return found
        return found * (np.sinc(ky / (2 * math.pi))[:, None] * np.sinc(kx / (2 * math.pi)))

    def on_grid(self, grid: Grid, planes: NDArray[np.int64]) -> NDArray[np.float32]:
        """The transfer functions times the weights of the points of a grid, (1 or 2, len(planes), grid.points).

        Real and imaginary part; the latter only where there is one. They are kept, 256 MB or little more in all.
        """
        missing = [plane for plane in planes.tolist() if (grid, plane) not in self._kept]
        if missing and sum(one.nbytes for one in self._kept.values()) > _MOST_KEPT:
            self._kept.clear()
            missing = planes.tolist()
        if missing:
            self._kept.update(zip([(grid, plane) for plane in missing], self._weighted(grid, missing), strict=True))
        return np.stack([self._kept[grid, plane] for plane in planes.tolist()], axis=1)

    def _weighted(self, grid: Grid, planes: list[int]) -> list[NDArray[np.float32]]:
        levels = [
            np.broadcast_to(found, (len(planes), *found.shape[1:])).reshape(len(planes), -1)
            for axis in grid.axes
            for found in [self.transfer(np.concatenate([axis, -axis]), axis, np.array(planes))]
        ]
        found = np.concatenate(levels, axis=1) * grid.weights
        parts = [found.real, found.imag] if np.iscomplexobj(found) else [found]
        return list(np.stack(parts, axis=1).astype(np.float32))

    @cached_property
    def _kept(self) -> dict[tuple[Grid, int], NDArray[np.float32]]:
        return {}

    @cached_property
    def reach(self) -> float:
        """The frequency along x and y, in radians per pixel, beyond which nothing is left of a point source."""
        return self._measured[0]

    @cached_property
    def area(self) -> float:
        """Flux over peak of a point source, in squared pixels."""
        return self._measured[1]

    @cached_property
    def _measured(self) -> tuple[float, float]:
        kx = np.linspace(0, HIGHEST, _PROBES)
        ky = np.linspace(-HIGHEST, HIGHEST, 2 * _PROBES - 1)
        planes = np.unique(np.linspace(0, self.count - 1, 12).astype(np.int64))
        transfer = self.transfer(ky, kx, planes)
        weight = np.where(kx == 0, 1, 2)
        peak = float((transfer.real * weight).sum((1, 2)).mean())
        size = np.abs(transfer).mean(0) * weight
        shells = np.round(np.maximum(np.abs(ky)[:, None], kx) / (HIGHEST / (_PROBES - 1))).astype(int)
        beyond = np.bincount(shells.ravel(), size.ravel())[::-1].cumsum()[::-1] / peak
        if beyond[-_PROBES // 8] > _TOO_MUCH:  # in the last π, about as much as in all that is left out
            raise NotPossible(
                "The point-spread function is too sharp: it is narrower than about half a pixel of the stamps.",
                "Give a wider one, or smaller pixels.",
            )
        area = (2 * math.pi / (kx[1] - kx[0])) ** 2 / peak
        last = int(np.argmax(beyond < _LEFT_OUT)) if (beyond < _LEFT_OUT).any() else len(kx) - 1
        return float(kx[last]), float(area)


@dataclass(frozen=True, eq=False)
class Gaussian(Psf):
    """A Gaussian; ``fwhm`` in pixels."""

    fwhm: float

    def transform(self, ky: Values, kx: Values, planes: NDArray[np.int64]) -> NDArray[np.number]:  # noqa: ARG002
        """exp(−k²σ²/2)."""
        sigma = self.fwhm / math.sqrt(8 * math.log(2))
        return np.exp(-0.5 * (sigma * _length(ky, kx)) ** 2)[None]

    def wing(self, distance: Values) -> Values:
        """exp(−r²/2σ²) / 2πσ²."""
        variance = self.fwhm**2 / (8 * math.log(2))
        return np.exp(-(distance**2) / (2 * variance)) / (2 * math.pi * variance)


@dataclass(frozen=True, eq=False)
class Moffat(Psf):
    """A Moffat profile; ``fwhm`` in pixels."""

    fwhm: float
    beta: float

    @property
    def _radius(self) -> float:
        return self.fwhm / (2 * math.sqrt(2 ** (1 / self.beta) - 1))

    def transform(self, ky: Values, kx: Values, planes: NDArray[np.int64]) -> NDArray[np.number]:
        """2 (kr/2)^(β−1) K_{β−1}(kr) / Γ(β−1)."""
        if self.beta > _NEARLY_GAUSSIAN:
            return Gaussian(self.fwhm).transform(ky, kx, planes)
        k, order = _length(ky, kx), self.beta - 1
        known = np.linspace(0, k.max(), _KNOWN)
        scaled = np.maximum(self._radius * known, 1e-9)
        return CubicSpline(known, 2 * (scaled / 2) ** order * kv(order, scaled) / gamma(order))(k)[None]

    def wing(self, distance: Values) -> Values:
        """(β − 1)/πr² · (1 + (distance/r)²)^(−β)."""
        return (self.beta - 1) / (math.pi * self._radius**2) * (1 + (distance / self._radius) ** 2) ** -self.beta


@dataclass(frozen=True, eq=False)
class Kolmogorov(Psf):
    """A long exposure through the atmosphere; ``fwhm`` in pixels."""

    fwhm: float

    @property
    def _strength(self) -> float:
        return _STRUCTURE * (self.fwhm / (_KOLMOGOROV_WIDTH * 2 * math.pi)) ** (5 / 3)

    def transform(self, ky: Values, kx: Values, planes: NDArray[np.int64]) -> NDArray[np.number]:  # noqa: ARG002
        """exp(−a k^(5/3))."""
        return np.exp(-self._strength * _length(ky, kx) ** (5 / 3))[None]

    def wing(self, distance: Values) -> Values:
        """0.142 a r^(−11/3), the transform of −a k^(5/3)."""
        factor = -(2 ** (5 / 3)) * math.gamma(11 / 6) / (math.pi * math.gamma(-5 / 6))  # the transform of k^(5/3)
        return self._strength * factor * distance ** (-11 / 3)


@dataclass(frozen=True, eq=False)
class Airy(Psf):
    """Diffraction at a round aperture with a round obscuration, as a fraction of its diameter; ``fwhm`` in pixels."""

    fwhm: float
    obscuration: float

    @cached_property
    def diffraction(self) -> float:
        """λ/D in pixels."""
        return self.fwhm / _airy_width(self.obscuration)

    def transform(self, ky: Values, kx: Values, planes: NDArray[np.int64]) -> NDArray[np.number]:  # noqa: ARG002
        """The common area of the aperture and itself, shifted by k λ/2π."""
        shift, inner = _length(ky, kx) * self.diffraction / math.pi, self.obscuration  # in radii of the aperture
        common = _overlap(1.0, 1.0, shift)
        if inner > 0:
            common = common - 2 * _overlap(1.0, inner, shift) + _overlap(inner, inner, shift)
        return (common / (math.pi * (1 - inner**2)))[None]

    def wing(self, distance: Values) -> Values:
        """The mean over the rings, λ/D / π³(1 − obscuration) r³."""
        return self.diffraction / (math.pi**3 * (1 - self.obscuration) * distance**3)


@dataclass(frozen=True, eq=False)
class ImagePsf(Psf):
    """Images of point sources.

    Attributes
    ----------
    images
        (count, h, w), each of sum 1.
    centres
        (count, 2): row and column of each centre.
    oversampling
        Pixels of the images for one of the stamps, along an axis.
    """

    images: NDArray[np.float64]
    centres: NDArray[np.float64]
    oversampling: float

    def transform(self, ky: Values, kx: Values, planes: NDArray[np.int64]) -> NDArray[np.number]:
        """Σ pixel · exp(−i k·(place − centre)), up to the Nyquist frequency of the images."""
        nyquist = math.pi * self.oversampling * (1 - 1e-9)
        y = (np.arange(self.images.shape[1]) - self.centres[planes, :1]) / self.oversampling  # (n, h)
        x = (np.arange(self.images.shape[2]) - self.centres[planes, 1:]) / self.oversampling
        rows = np.exp(-1j * ky[:, None] * y[:, None, :]) * (np.abs(ky) < nyquist)[:, None]  # (n, ky, h)
        columns = np.exp(-1j * kx * x[:, :, None]) * (np.abs(kx) < nyquist)  # (n, w, kx)
        return rows @ self.images[planes] @ columns

    def only(self, plane: int) -> Psf:
        """One image of the stack."""
        if self.count == 1:
            return self
        return replace(self, count=1, images=self.images[[plane]], centres=self.centres[[plane]])

    def wing(self, distance: Values) -> Values:
        """Nothing beyond the images; within them there is no telling."""
        half = math.hypot(*self.images.shape[1:]) / (2 * self.oversampling)
        return np.where(distance > half, 0.0, 1.0)


def build_psf(settings: PsfSettings, pixel_scale: float) -> Psf:
    """The point-spread function of these settings on pixels of ``pixel_scale`` arcsec.

    Raises
    ------
    UnreadableFile
        The file of a PSF cannot be read.
    NotPossible
        Its images are no point-spread functions, or it is too sharp for the pixels.
    """
    width = settings.fwhm / pixel_scale
    found: Psf
    match settings.kind:
        case "gaussian":
            found = Gaussian(width)
        case "moffat":
            found = Moffat(width, settings.beta)
        case "kolmogorov":
            found = Kolmogorov(width)
        case "airy":
            found = Airy(width, settings.obscuration)
        case "image":
            from core.simulate.psf_images import read_psf_images

            found = read_psf_images(settings, pixel_scale)
    if found.reach <= 0:
        raise NotPossible("The point-spread function is wider than anything that can be drawn.", "Give a narrower one.")
    return found


_NEARLY_GAUSSIAN = 60.0  # β from which Γ and K overflow, and a Moffat profile is a Gaussian to 1 %


def _length(ky: Values, kx: Values) -> Values:
    return np.hypot(ky[:, None], kx)


def _overlap(first: float, second: float, shift: NDArray[np.float64]) -> Values:
    """The common area of two discs of these radii, ``shift`` apart."""
    near, far = abs(first - second), first + second
    d = np.clip(shift, max(near, 1e-12), far)
    alpha = np.arccos(np.clip((d**2 + first**2 - second**2) / (2 * d * first), -1, 1))
    beta = np.arccos(np.clip((d**2 + second**2 - first**2) / (2 * d * second), -1, 1))
    lens = np.maximum((near + d) * (d - near) * (far - d) * (far + d), 0)
    return first**2 * alpha + second**2 * beta - 0.5 * np.sqrt(lens)


def _airy_width(obscuration: float) -> float:
    """FWHM over λ/D."""

    def above_half(radius: float) -> float:
        x = math.pi * radius
        amplitude = 2 * j1(x) / x
        if obscuration > 0:
            amplitude -= obscuration * 2 * j1(obscuration * x) / x
        return float((amplitude / (1 - obscuration**2)) ** 2 - 0.5)

    radius = brentq(above_half, 0.1, 0.9)
    return 2 * float(radius)  # pyrefly: ignore[bad-argument-type]
