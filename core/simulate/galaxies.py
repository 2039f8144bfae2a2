"""Simulate one galaxy: bulge and disk with GalSim, spiral arms of young knots, a point-spread function, noise.

References
----------
Rowe et al. 2015 (GalSim); de Vaucouleurs 1948 (bulges); Freeman 1970 (disks); van der Kruit & Searle 1981 (edge-on
disks). Colours are typical of old, mixed and young stars in the SDSS bands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import galsim
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammainc

from core.simulate.settings import SurveySettings

Profile: TypeAlias = Any  # a galsim.GSObject; GalSim's annotations are too wide to be of use

CLASSES = ("disk", "edge-on", "spheroid")
BANDS = ("i", "r", "g")  # the reddest first, so that they are shown as red, green and blue
ZERO_POINT = 22.5  # mag of one nanomaggy

_DE_VAUCOULEURS_B = 7.6692494425  # b of a de Vaucouleurs profile: half the light within one effective radius
_LENTICULAR_FRACTION = 0.25  # of the disks
_FLATNESS = 0.12  # scale height over scale length of a disk
_ARM_KNOTS = 120
_ARM_TURNS = (0.1 * math.pi, 1.7 * math.pi)
_ARM_START = 0.45  # scale lengths
_ARM_WIDTH = 0.16  # radians
_KNOT_SIZE = 0.1  # scale lengths
# Accurate to 3e-5 of the peak, in a third of the time. GalSim applies the strictest of all parts to a convolution, so
# that every profile needs it.
_PRECISION = galsim.GSParams(
    folding_threshold=0.02, kvalue_accuracy=1e-4, integration_relerr=1e-4, integration_abserr=1e-6
)
_GAIN = 60.0  # photons for each nanomaggy

# flux in i, r and g for one unit of flux in r
_OLD = 10 ** (0.4 * np.array([0.40, 0.0, -0.85]))
_MIXED = 10 ** (0.4 * np.array([0.20, 0.0, -0.42]))
_YOUNG = 10 ** (0.4 * np.array([-0.15, 0.0, 0.25]))
_DUST = np.array([0.6, 0.0, -1.0])  # change of colour for one magnitude of E(g - r)


@dataclass(frozen=True)
class Galaxy:
    """The intrinsic parameters of a galaxy.

    Attributes
    ----------
    kind
        One of :data:`CLASSES`.
    magnitude
        Total r magnitude.
    bulge_radius
        Effective radius of the de Vaucouleurs bulge in arcsec.
    scale_length
        Of the exponential disk in arcsec.
    bulge_fraction
        Fraction of the r flux that is in the bulge.
    knots_fraction
        Fraction of the disk's flux that is in its arms.
    inclination
        Of the disk in degrees; 0 is face-on.
    axis_ratio
        Minor over major axis as projected: of the bulge for a spheroid, else of the disk.
    angle
        Of the major axis in degrees, from +x to +y.
    pitch
        Of the arms in degrees; the sign is their handedness.
    dust
        Reddening E(g − r) in mag; the r magnitude includes it.
    """

    kind: str
    magnitude: float
    bulge_radius: float
    scale_length: float
    bulge_fraction: float
    knots_fraction: float
    inclination: float
    axis_ratio: float
    angle: float
    pitch: float
    dust: float = 0.0

    @property
    def flux(self) -> float:
        """The r flux in nanomaggies."""
        return 10 ** (-0.4 * (self.magnitude - ZERO_POINT))

    @property
    def half_light_radius(self) -> float:
        """Semi-major axis that holds half of the r light, in arcsec, before the seeing."""

        def beyond_half(radius: float) -> float:
            bulge = gammainc(8, _DE_VAUCOULEURS_B * (radius / self.bulge_radius) ** 0.25)
            scaled = radius / self.scale_length
            disk = 1 - (1 + scaled) * math.exp(-scaled)
            return self.bulge_fraction * bulge + (1 - self.bulge_fraction) * disk - 0.5

        radius: Any = brentq(beyond_half, 1e-4, 100 * (self.bulge_radius + self.scale_length))
        return float(radius)


def draw_galaxy(kind: str, settings: SurveySettings, random: np.random.Generator) -> Galaxy:
    """Draw the parameters of a galaxy of one class.

    The classes overlap: some disks are inclined almost as much as edge-on ones, one in four has no arms and a large
    bulge, some are reddened by dust, and some spheroids are rather flat.
    """
    magnitude = _draw_magnitude(settings, random)
    size = float(np.clip(random.lognormal(math.log(2.7), 0.3) * 10 ** (-0.09 * (magnitude - 18)), 0.9, 5.0))
    angle, pitch = random.uniform(0, 180), random.choice([-1, 1]) * random.uniform(13, 26)
    dust = abs(random.normal(0, 0.2))
    if kind == "spheroid":
        ratio = random.uniform(0.4, 1.0)
        return Galaxy(kind, magnitude, size, size, 1.0, 0.0, 0.0, ratio, angle, pitch, 0.3 * dust)
    inclination = random.uniform(0, 70) if kind == "disk" else random.uniform(78, 90)
    ratio = math.sqrt(math.cos(math.radians(inclination)) ** 2 * (1 - _FLATNESS**2) + _FLATNESS**2)
    knots = random.beta(4, 3) if kind == "disk" else random.uniform(0, 0.2)
    bulge = random.beta(1.3, 5)
    if kind == "disk" and random.random() < _LENTICULAR_FRACTION:
        knots, bulge = random.uniform(0, 0.15), random.uniform(0.3, 0.7)
    length = size * (1.25 if kind == "disk" else 1.35)
    return Galaxy(kind, magnitude, 0.4 * size, length, bulge, knots, inclination, ratio, angle, pitch, dust)


def draw_stamp(
    galaxy: Galaxy, settings: SurveySettings, psf: Profile, random: np.random.Generator
) -> NDArray[np.float32]:
    """Draw a noisy stamp (3, size, size) in nanomaggies, occasionally with a neighbouring galaxy or star."""
    image = draw_noise_free(galaxy, settings, psf, random)
    image += _draw_neighbours(settings, psf, random)
    sigma = np.sqrt(settings.noise**2 + np.maximum(image, 0) / _GAIN)
    return (image + random.normal(size=image.shape) * sigma).astype(np.float32)


def survey_psf(settings: SurveySettings) -> Profile:
    """The survey's point-spread function."""
    return galsim.Moffat(beta=3.5, fwhm=settings.seeing, gsparams=_PRECISION)


def draw_noise_free(
    galaxy: Galaxy, settings: SurveySettings, psf: Profile, random: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the galaxy convolved with the point-spread function, (3, size, size) in nanomaggies."""
    shift = random.uniform(-0.5, 0.5, 2) * settings.pixel_scale
    disk_flux = galaxy.flux * (1 - galaxy.bulge_fraction)
    ratio = galaxy.axis_ratio if galaxy.kind == "spheroid" else max(0.6, galaxy.axis_ratio)
    image = np.zeros((len(BANDS), settings.size, settings.size))
    parts: list[tuple[Profile, NDArray[np.float64]]] = []
    if galaxy.bulge_fraction > 0:
        flux = galaxy.flux * galaxy.bulge_fraction
        bulge = galsim.DeVaucouleurs(half_light_radius=galaxy.bulge_radius, flux=flux, gsparams=_PRECISION)
        parts.append((bulge.shear(q=ratio, beta=0 * galsim.degrees), _OLD))
    if disk_flux > 0:
        disk = galsim.InclinedExponential(
            inclination=galaxy.inclination * galsim.degrees,
            scale_radius=galaxy.scale_length,
            scale_h_over_r=_FLATNESS,
            flux=disk_flux * (1 - galaxy.knots_fraction),
            gsparams=_PRECISION,
        )
        parts.append((disk, _MIXED))
        if galaxy.knots_fraction > 0:
            arms = _draw_arms(galaxy, disk_flux * galaxy.knots_fraction, shift, settings, psf, random)
            image += _YOUNG[:, None, None] * arms
    for part, colour in parts:
        turned = part.rotate(galaxy.angle * galsim.degrees).shift(*shift)
        image += colour[:, None, None] * _render(turned, settings, psf)
    return image * (10 ** (0.4 * galaxy.dust * _DUST))[:, None, None]


def _draw_arms(
    galaxy: Galaxy,
    flux: float,
    shift: NDArray[np.float64],
    settings: SurveySettings,
    psf: Profile,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw knots along two logarithmic spirals in the plane of the disk, seen at its inclination: (size, size).

    All knots have the same profile: one is drawn and shifted to all positions by a sum of phases in Fourier space.
    """
    sides = math.copysign(1, galaxy.pitch), math.cos(math.radians(galaxy.inclination))
    along = random.uniform(*_ARM_TURNS, (2, _ARM_KNOTS))  # (arm, knot), radians
    radius = _ARM_START * galaxy.scale_length * np.exp(abs(math.tan(math.radians(galaxy.pitch))) * along)
    place = sides[0] * along + np.array([[0.0], [math.pi]]) + random.normal(0, _ARM_WIDTH, along.shape)
    weight = radius * np.exp(-radius / (1.3 * galaxy.scale_length)) * random.exponential(1, along.shape)
    squeeze = max(_FLATNESS, sides[1])  # GalSim's transform reduces the flux by it
    knot = galsim.Gaussian(sigma=_KNOT_SIZE * galaxy.scale_length, flux=1 / squeeze, gsparams=_PRECISION)
    knot = knot.transform(1, 0, 0, squeeze)
    turn = math.radians(galaxy.angle)
    x, y = radius * np.cos(place), sides[1] * radius * np.sin(place)
    at_x = (x * math.cos(turn) - y * math.sin(turn) + shift[0]).ravel() / settings.pixel_scale
    at_y = (x * math.sin(turn) + y * math.cos(turn) + shift[1]).ravel() / settings.pixel_scale
    side = 2 * settings.size  # padding, so that light does not wrap around to the opposite edge
    one = _render(knot.rotate(galaxy.angle * galsim.degrees), settings, psf, side)
    ky, kx = 2j * math.pi * np.fft.fftfreq(side), 2j * math.pi * np.fft.rfftfreq(side)
    share = flux * weight.ravel() / weight.sum()
    rows, columns = share * np.exp(-np.outer(ky, at_y)), np.exp(-np.outer(kx, at_x))
    # Not “@”: BLAS splits this small product among threads that wait for each other, which is slow on a busy machine.
    phases = np.einsum("yk,xk->yx", rows, columns)  # (side, side / 2 + 1)
    image = np.fft.irfft2(np.fft.rfft2(one) * phases, s=(side, side))
    edge = settings.size // 2
    return image[edge : edge + settings.size, edge : edge + settings.size]


def _draw_neighbours(settings: SurveySettings, psf: Profile, random: np.random.Generator) -> NDArray[np.float64]:
    """Draw a faint galaxy beside one galaxy in four, a star beside one in six."""
    image = np.zeros((len(BANDS), settings.size, settings.size))
    half = settings.size * settings.pixel_scale / 2
    for chance, is_star in ((0.25, False), (0.16, True)):
        if random.random() > chance:
            continue
        distance, direction = random.uniform(0.5, 1.0) * half, random.uniform(0, 2 * math.pi)
        magnitude = random.uniform(18.5, 21.0)
        flux = 10 ** (-0.4 * (magnitude - ZERO_POINT))
        source: Profile = galsim.DeltaFunction(flux=flux, gsparams=_PRECISION)
        if not is_star:
            source = galsim.Exponential(scale_radius=random.uniform(0.4, 1.0), flux=flux, gsparams=_PRECISION)
            source = source.shear(q=random.uniform(0.3, 1.0), beta=random.uniform(0, 180) * galsim.degrees)
        source = source.shift(distance * math.cos(direction), distance * math.sin(direction))
        colour = _MIXED if random.random() < 0.5 else _OLD
        image += colour[:, None, None] * _render(source, settings, psf)
    return image


def _render(profile: Profile, settings: SurveySettings, psf: Profile, side: int = 0) -> NDArray[np.float64]:
    blurred: Profile = galsim.Convolve(profile, psf)
    side = side or settings.size
    return blurred.drawImage(nx=side, ny=side, scale=settings.pixel_scale, dtype=float).array


def _draw_magnitude(settings: SurveySettings, random: np.random.Generator) -> float:
    """Draw from counts that rise as 10^(0.2 m), less steeply than the real 10^(0.6 m): bright ones are not rare."""
    low, high = 10 ** (0.2 * settings.brightest), 10 ** (0.2 * settings.faintest)
    return 5 * math.log10(random.uniform(low, high))
