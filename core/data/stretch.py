"""How galaxies are displayed; the stretch never affects the data or the network.

Each stamp is scaled to 0…1 between its black and white level, transformed by a stretch function, and coloured. With
three bands the function is applied to the mean of the bands, which preserves the colours.

References
----------
Lupton et al. 2004, PASP 116, 133 (colours kept under an asinh curve); IRAF's zscale as in National Optical Astronomy
Observatories' ``display`` task.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.settings.declare import Settings, setting

Image = NDArray[np.float32]

ColourMap = Literal["grey", "viridis", "magma", "inferno", "cividis"]

_BANDS_BY_WAVELENGTH = "ugvrizyjhk"
_OVERFLOW_LIMIT = 1e30  # beyond any physical pixel value
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_LOG_SCALE = 1000.0
_MAX_SCALED = 1e6  # times the white level: finite, so that colours stay defined
_SKY_PERCENTILES = (10.0, 30.0)  # from which sky level and noise are estimated
_BELOW_SKY, _ABOVE_SKY = 0.5, 15.0  # standard deviations
_SAMPLE = 1024  # pixels for the limits of a thumbnail


class StretchSettings(Settings):
    """How a stamp is shown."""

    kind: Literal["linear", "sqrt", "log", "asinh"] = setting(
        "asinh", title="Stretch", help="Linear shows the core; square root, log and asinh bring out faint outskirts."
    )
    limits: Literal["sky", "percentile", "zscale", "min-max", "manual"] = setting(
        "percentile",
        title="Limits",
        help="Black and white level, measured on each stamp or set by hand. Sky: black at the level of the sky, white "
        "at the white percentile but well above the noise, so that a faint galaxy stays faint.",
    )
    black: float = setting(
        15.0, title="Black percentile", help="Pixels below this percentile are shown black.", unit="%", ge=0, lt=50
    )
    white: float = setting(
        99.7, title="White percentile", help="Pixels above this percentile are shown white.", unit="%", gt=50, le=100
    )
    low: float = setting(0.0, title="Black", help="Pixel value shown black with manual limits.")
    high: float = setting(1.0, title="White", help="Pixel value shown white with manual limits.")
    softening: float = setting(
        8.0,
        title="Asinh softening",
        help="The larger, the more the asinh curve brings out faint pixels.",
        gt=0,
        le=1000,
        scale="log",
        level="expert",
    )
    colour_map: ColourMap = setting("grey", title="Colours", help="Colours of a single band.")
    invert: bool = setting(False, title="Invert", help="Dark galaxies on a bright sky.")


@cache
def colour_table(name: str) -> NDArray[np.uint8]:
    """A colour map of matplotlib as a table of 256 colours, uint8 (256, 3), not to be written to.

    Parameters
    ----------
    name
        A :data:`ColourMap`; or ``blue-red`` for values about zero, blue against and red for: ColorBrewer's RdBu,
        reversed and without its darkest tenths.
    """
    if name == "grey":  # the gallery's default need not wait for matplotlib
        table = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    else:
        from matplotlib import colormaps  # late: the window is painted first

        their_name, low, high = ("RdBu_r", 0.1, 0.9) if name == "blue-red" else (name, 0.0, 1.0)
        table = np.ascontiguousarray(colormaps[their_name](np.linspace(low, high, 256), bytes=True)[:, :3])
    table.flags.writeable = False
    return table


def default_stretch(is_picture: bool) -> StretchSettings:
    """The default stretch: 8-bit pictures are shown as they are, calibrated images from their sky level up."""
    if is_picture:
        return StretchSettings(kind="linear", limits="manual", low=0, high=255)
    return StretchSettings(limits="sky")


def colour_planes(bands: Sequence[str]) -> tuple[int, int, int] | None:
    """Which planes are shown red, green and blue: the reddest first; None with fewer than three bands.

    Bands of unknown wavelength keep their order.
    """
    if len(bands) < 3:
        return None
    colours = [_BANDS_BY_WAVELENGTH.find(name[-1:].lower()) for name in bands]
    if {"red", "green", "blue"} <= {name.lower() for name in bands} or min(colours) < 0:
        return 0, 1, 2
    order = sorted(range(len(bands)), key=lambda plane: -colours[plane])
    return order[0], order[len(order) // 2], order[-1]


def limits(image: NDArray[Any], settings: StretchSettings) -> tuple[float, float]:
    """Black and white level of an image (any shape), in its units; not-finite pixels are ignored."""
    if settings.limits == "manual":
        low, high = _separate_levels(settings.low, settings.high, 0.0)
        return float(low), float(high)
    pixels = image[np.isfinite(image)]
    if pixels.size == 0:
        return 0.0, 1.0
    if settings.limits == "zscale":
        from astropy.visualization import ZScaleInterval  # late: half a second, and few ask for it

        low, high = (float(level) for level in ZScaleInterval().get_limits(pixels.astype(np.float64)))
    elif settings.limits == "min-max":
        low, high = float(pixels.min()), float(pixels.max())
    elif settings.limits == "sky":
        low, high = _sky_levels(*(float(value) for value in np.percentile(pixels, (*_SKY_PERCENTILES, settings.white))))
    else:
        low, high = (float(value) for value in np.percentile(pixels, (settings.black, settings.white)))
    low, high = _separate_levels(low, high)
    return float(low), float(high)


def _separate_levels(low: Any, high: Any, least: float = 1.0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Raise white levels that float32 cannot distinguish from their black levels, which leave room for it."""
    low = np.minimum(low, (1 - 2e-6) * _FLOAT32_MAX)
    step = np.maximum(least, 1e-6 * np.maximum(np.abs(low), 1e-6))
    return low, np.where(np.float32(high) > np.float32(low), high, low + step)


def _sky_levels(tenth: Any, third: Any, white: Any) -> tuple[Any, Any]:
    """Black and white level from the 10th and 30th percentile, which a galaxy hardly affects, and the white one.

    In Gaussian noise they lie 1.282 and 0.524 standard deviations below the mean.
    """
    sigma = (third - tenth) / (1.2816 - 0.5244)
    sky = third + 0.5244 * sigma
    black, white = sky - _BELOW_SKY * sigma, np.maximum(white, sky + _ABOVE_SKY * sigma)
    return np.maximum(black, -_FLOAT32_MAX), np.minimum(white, _FLOAT32_MAX)  # they may lie beyond all pixels


def apply_stretch(image: NDArray[Any], settings: StretchSettings, levels: tuple[float, float] | None = None) -> Image:
    """Scale an image (any shape) to its limits and apply the stretch function: float32 in 0…1; NaN becomes 0."""
    low, high = levels or limits(image, settings)
    with np.errstate(over="ignore"):  # an overflowing pixel is white
        scaled = np.clip((np.nan_to_num(image, nan=low).astype(np.float32) - low) / (high - low), 0, 1)
    return _apply_curve(scaled, settings)


def _apply_curve(scaled: NDArray[Any], settings: StretchSettings) -> Image:
    match settings.kind:
        case "linear":
            bent = scaled
        case "sqrt":
            bent = np.sqrt(scaled)
        case "log":
            bent = np.log1p(_LOG_SCALE * scaled) / np.log1p(_LOG_SCALE)
        case "asinh":
            bent = np.arcsinh(settings.softening * scaled) / np.arcsinh(settings.softening)
    return bent.astype(np.float32, copy=False)


def to_rgb(
    stamp: NDArray[Any], settings: StretchSettings, bands: tuple[int, int, int] | int | None = None
) -> NDArray[np.uint8]:
    """Colour a stamp.

    Parameters
    ----------
    stamp
        (C, H, W).
    settings
        How.
    bands
        Planes shown red, green and blue, or one plane; None: the first three, or the mean of fewer.

    Returns
    -------
    ndarray
        uint8 (H, W, 3), row 0 at the bottom like the stamp.
    """
    return _colour(_clip_overflow(stamp)[None], settings, bands, stamp.size)[0]


def thumbnails(
    stamps: NDArray[Any], settings: StretchSettings, side: int, bands: tuple[int, int, int] | int | None = None
) -> NDArray[np.uint8]:
    """Colour many stamps (n, C, H, W) as small pictures uint8 (n, side, side, 3), row 0 at the bottom.

    Large stamps are averaged down by a whole factor first, then the nearest pixels are taken.
    """
    stamps = _clip_overflow(stamps)
    height, width = stamps.shape[2:]
    factor = max(1, min(height, width) // side)
    if factor > 1:
        inner = stamps[:, :, : height // factor * factor, : width // factor * factor]
        stamps = inner.reshape(*inner.shape[:2], height // factor, factor, width // factor, factor).mean(axis=(3, 5))
    small = _colour(stamps, settings, bands, _SAMPLE)
    for axis in (1, 2):
        if small.shape[axis] != side:
            small = small.take((np.arange(side) * small.shape[axis] / side).astype(np.intp), axis=axis)
    return small


def _clip_overflow(stamps: NDArray[Any]) -> NDArray[Any]:
    """Clip pixels so bright that their sums would overflow; NaN stays."""
    return np.clip(stamps, -_OVERFLOW_LIMIT, _OVERFLOW_LIMIT) if stamps.dtype in (np.float32, np.float64) else stamps


def _colour(
    stamps: NDArray[Any], settings: StretchSettings, bands: tuple[int, int, int] | int | None, sample: int
) -> NDArray[np.uint8]:
    """Colour stamps (n, C, H, W) as (n, H, W, 3), with limits from about ``sample`` pixels of each."""
    if bands is None:
        bands = (0, 1, 2) if stamps.shape[1] >= 3 else None
    if isinstance(bands, tuple):
        return _colour_bands(stamps[:, bands].astype(np.float32), settings, sample)
    plane = stamps.mean(axis=1) if bands is None else stamps[:, bands]
    low, high = _levels(plane[:, None], settings, sample)
    shown = apply_stretch(plane, settings, (low[:, 0], high[:, 0]))  # pyrefly: ignore[bad-argument-type] - (n, 1, 1) each
    table = colour_table(settings.colour_map)
    shades = (shown * 255 + 0.5).astype(np.uint8)
    return (table[::-1] if settings.invert else table).take(shades, axis=0)  # a third of the time of indexing


def _colour_bands(stamps: Image, settings: StretchSettings, sample: int) -> NDArray[np.uint8]:
    """Stretch the mean of three bands and give each band its share of it (Lupton et al. 2004)."""
    low, high = _levels(stamps, settings, sample)
    with np.errstate(over="ignore"):
        scaled = np.clip((np.nan_to_num(stamps) - low) / (high - low), 0, _MAX_SCALED)  # (n, 3, H, W)
    if settings.kind == "linear":
        colours = np.clip(scaled, 0, 1)
    else:
        mean = scaled.mean(axis=1, keepdims=True)
        bent = _apply_curve(np.clip(mean, 0, 1), settings)
        colours = scaled * (bent / np.maximum(mean, 1e-12))
        colours /= np.maximum(colours.max(axis=1, keepdims=True), 1)  # too bright: keep the hue
    if settings.invert:
        colours = 1 - colours
    return np.moveaxis((colours * 255 + 0.5).astype(np.uint8), 1, -1)


def _levels(stamps: Image, settings: StretchSettings, sample: int) -> tuple[Image, Image]:
    """Black and white level of each stamp (n, C, H, W), each as (n, 1, 1, 1), from a sample of its pixels."""
    flat = stamps.reshape(len(stamps), math.prod(stamps.shape[1:]))
    flat = flat[:, :: max(1, flat.shape[1] // sample)]
    if settings.limits in ("percentile", "sky") and np.isfinite(flat).all():  # all stamps in one go
        shares = (settings.black,) if settings.limits == "percentile" else _SKY_PERCENTILES
        places = [round((flat.shape[1] - 1) * share / 100) for share in (*shares, settings.white)]
        levels = np.partition(flat, places, axis=1)[:, places].T
        low, high = levels if settings.limits == "percentile" else _sky_levels(*levels)
        low, high = _separate_levels(low, high)
    else:
        low, high = np.array([limits(pixels, settings) for pixels in flat]).reshape(-1, 2).T
    shape = (len(stamps), 1, 1, 1)
    return low.reshape(shape).astype(np.float32), high.reshape(shape).astype(np.float32)
