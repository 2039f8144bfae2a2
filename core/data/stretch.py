"""How galaxies are shown: for the eye only; nothing here ever touches the data or the network.

Brightness limits are found for each stamp, scaled to 0…1, bent by a curve, and coloured. With three bands the
curve is applied to the mean of the bands and the colours are kept.

References
----------
Lupton et al. 2004, PASP 116, 133 (colours kept under an asinh curve); IRAF's zscale as in National Optical Astronomy
Observatories' ``display`` task.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.settings.declare import Settings, setting

Image = NDArray[np.float32]

ColourMap = Literal["grey", "viridis", "magma", "inferno", "cividis"]

_ANCHORS = {
    "grey": "000000ffffff",
    "viridis": (
        "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e"
        "21918c1f988b1fa08822a78528ae8032b67a3fbc734ec36b5ec96270cf5784d44b98d83eaddc30c2df23d8e219ece51b"
        "fde725"
    ),
    "magma": (
        "0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81762181832681902a819c2e7faa337d"
        "b73779c43c75d0416fdc4869e75263ef5d5ef56b5cf9795dfc8961fd9869fea772feb67cfec488fed395fde2a3fcf0b2"
        "fcfdbf"
    ),
    "inferno": (
        "0000040403120b0724150b37210c4a2f0a5b3d09654a0c6b57106e64156e71196e7d1e6d8a226a972766a32c61b0315b"
        "bc3754c73e4cd24644db503be45a31eb6628f1731df68013f98e09fb9d07fcac11fbbc21f9cb35f5db4cf2ea69f3f68a"
        "fcffa4"
    ),
    "cividis": (
        "00224e00285b002e6a0533711a386f273e6e32436d3b496c434e6c4b546c535a6d5a5f6e61656f686a716f7073767676"
        "7d7c788482798c8878938e789b9476a39a74aba072b4a76fbcae6cc4b468cdbb63d5c25edec958e7d150f0d846f9e03a"
        "fee838"
    ),
    "blue-red": "2166ac4393c392c5ded1e5f0f7f7f7fddbc7f4a582d6604db2182b",  # ColorBrewer RdBu, reversed
}
_FAINT_TO_RED = "ugvrizyjhk"
_LARGEST = 1e30  # no detector counts so far
_LOG_SCALE = 1000.0
_BRIGHTEST = 1e6  # times the white level: finite, so that colours stay defined
_SKY = (10.0, 30.0)  # percentiles from which sky and noise are judged
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
        help="What is black and what is white, found for each stamp or typed by hand. Sky: black at the sky's level, "
        "white at the white percentile but well above the noise, so that a faint galaxy stays faint.",
    )
    black: float = setting(
        15.0, title="Black percentile", help="This share of the pixels is shown black.", unit="%", ge=0, lt=50
    )
    white: float = setting(
        99.7, title="White percentile", help="The pixels above this share are shown white.", unit="%", gt=50, le=100
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


def _table(anchors: str) -> NDArray[np.uint8]:
    points = np.frombuffer(bytes.fromhex(anchors), np.uint8).reshape(-1, 3).astype(np.float64)
    places = np.linspace(0, len(points) - 1, 256)
    table = [np.interp(places, np.arange(len(points)), points[:, channel]) for channel in range(3)]
    return np.round(np.stack(table, axis=1)).astype(np.uint8)


COLOUR_MAPS: dict[str, NDArray[np.uint8]] = {name: _table(anchors) for name, anchors in _ANCHORS.items()}
"""Tables of 256 colours, uint8 (256, 3). ``blue-red`` is for values about zero: blue against, red for."""


def suited(is_picture: bool) -> StretchSettings:
    """The stretch to begin with: 8-bit pictures are shown as they are, images above their sky."""
    if is_picture:
        return StretchSettings(kind="linear", limits="manual", low=0, high=255)
    return StretchSettings(limits="sky")


def colour_planes(bands: Sequence[str]) -> tuple[int, int, int] | None:
    """Which planes are shown red, green and blue: the reddest first; None with fewer than three bands.

    Bands of unknown wavelength keep their order.
    """
    if len(bands) < 3:
        return None
    colours = [_FAINT_TO_RED.find(name[-1:].lower()) for name in bands]
    if {"red", "green", "blue"} <= {name.lower() for name in bands} or min(colours) < 0:
        return 0, 1, 2
    order = sorted(range(len(bands)), key=lambda plane: -colours[plane])
    return order[0], order[len(order) // 2], order[-1]


def limits(image: NDArray[Any], settings: StretchSettings) -> tuple[float, float]:
    """Black and white level of an image (any shape), in its units; not-finite pixels are ignored."""
    if settings.limits == "manual":
        return settings.low, float(_apart(settings.low, settings.high, 0.0))
    pixels = image[np.isfinite(image)]
    if pixels.size == 0:
        return 0.0, 1.0
    if settings.limits == "zscale":
        low, high = zscale(pixels)
    elif settings.limits == "min-max":
        low, high = float(pixels.min()), float(pixels.max())
    elif settings.limits == "sky":
        low, high = _above_sky(*(float(value) for value in np.percentile(pixels, (*_SKY, settings.white))))
    else:
        low, high = (float(value) for value in np.percentile(pixels, (settings.black, settings.white)))
    return low, float(_apart(low, high))


def _apart(low: Any, high: Any, least: float = 1.0) -> NDArray[Any]:
    """White levels that also float32 can tell from their black levels."""
    step = np.maximum(least, 1e-6 * np.maximum(np.abs(low), 1e-6))
    return np.where(np.float32(high) > np.float32(low), high, low + step)


def _above_sky(tenth: Any, third: Any, white: Any) -> tuple[Any, Any]:
    """Black and white level from the 10th and 30th percentile, which a galaxy hardly touches, and the white one.

    In Gaussian noise they lie 1.282 and 0.524 standard deviations below the mean.
    """
    sigma = (third - tenth) / (1.2816 - 0.5244)
    sky = third + 0.5244 * sigma
    return sky - _BELOW_SKY * sigma, np.maximum(white, sky + _ABOVE_SKY * sigma)


def zscale(pixels: NDArray[Any], contrast: float = 0.25, samples: int = 1000) -> tuple[float, float]:
    """IRAF's zscale limits: a line is fitted to the sorted pixels, outliers left out, and made steeper."""
    step = max(1, pixels.size // samples)
    values = np.sort(pixels.reshape(-1)[::step][:samples].astype(np.float64))
    count = len(values)
    lowest, highest = float(values[0]), float(values[-1])
    x = np.arange(count)
    bad = np.zeros(count, dtype=bool)
    least = max(5, int(count * 0.5))
    good, before, slope = count, count + 1, 0.0
    grow = np.ones(max(1, int(count * 0.01)), dtype=bool)
    for _ in range(5):
        if good >= before or good < least:
            break
        slope, offset = np.polyfit(x[~bad], values[~bad], 1)
        residual = values - (slope * x + offset)
        bad = np.abs(residual) > 2.5 * residual[~bad].std()
        bad = np.convolve(bad, grow, mode="same").astype(bool)
        before, good = good, int((~bad).sum())
    if good < least or slope == 0:
        return lowest, highest
    middle = (count - 1) // 2
    median = float(np.median(values))
    steep = slope / contrast
    return max(lowest, median - middle * steep), min(highest, median + (count - middle) * steep)


def stretched(image: NDArray[Any], settings: StretchSettings, levels: tuple[float, float] | None = None) -> Image:
    """An image (any shape) between its limits, bent by the curve, float32 in 0…1; NaN becomes 0."""
    low, high = levels or limits(image, settings)
    with np.errstate(over="ignore"):  # a pixel that is brighter than all measure is white
        scaled = np.clip((np.nan_to_num(image, nan=low).astype(np.float32) - low) / (high - low), 0, 1)
    return _bent(scaled, settings)


def _bent(scaled: NDArray[Any], settings: StretchSettings) -> Image:
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
    return _coloured(_tamed(stamp)[None], settings, bands, stamp.size)[0]


def thumbnails(
    stamps: NDArray[Any], settings: StretchSettings, side: int, bands: tuple[int, int, int] | int | None = None
) -> NDArray[np.uint8]:
    """Colour many stamps (n, C, H, W) as small pictures uint8 (n, side, side, 3), row 0 at the bottom.

    Large stamps are averaged down by a whole factor first, then the nearest pixels are taken.
    """
    stamps = _tamed(stamps)
    height, width = stamps.shape[2:]
    factor = max(1, min(height, width) // side)
    if factor > 1:
        inner = stamps[:, :, : height // factor * factor, : width // factor * factor]
        stamps = inner.reshape(*inner.shape[:2], height // factor, factor, width // factor, factor).mean(axis=(3, 5))
    small = _coloured(stamps, settings, bands, _SAMPLE)
    for axis in (1, 2):
        if small.shape[axis] != side:
            small = small.take((np.arange(side) * small.shape[axis] / side).astype(np.intp), axis=axis)
    return small


def _tamed(stamps: NDArray[Any]) -> NDArray[Any]:
    """Pixels so bright that sums of them overflow are as bright as can be; NaN stays."""
    return np.clip(stamps, -_LARGEST, _LARGEST) if stamps.dtype in (np.float32, np.float64) else stamps


def _coloured(
    stamps: NDArray[Any], settings: StretchSettings, bands: tuple[int, int, int] | int | None, sample: int
) -> NDArray[np.uint8]:
    """Colour stamps (n, C, H, W) as (n, H, W, 3), with limits from about ``sample`` pixels of each."""
    if bands is None:
        bands = (0, 1, 2) if stamps.shape[1] >= 3 else None
    if isinstance(bands, tuple):
        return _in_colour(stamps[:, bands].astype(np.float32), settings, sample)
    plane = stamps.mean(axis=1) if bands is None else stamps[:, bands]
    low, high = _levels(plane[:, None], settings, sample)
    shown = stretched(plane, settings, (low[:, 0], high[:, 0]))  # pyright: ignore[reportArgumentType] - (n, 1, 1) each
    table = COLOUR_MAPS[settings.colour_map]
    shades = (shown * 255 + 0.5).astype(np.uint8)
    return (table[::-1] if settings.invert else table).take(shades, axis=0)  # a third of the time of indexing


def _in_colour(stamps: Image, settings: StretchSettings, sample: int) -> NDArray[np.uint8]:
    """Bend the mean of three bands and give each band its share of it (Lupton et al. 2004)."""
    low, high = _levels(stamps, settings, sample)
    with np.errstate(over="ignore"):
        scaled = np.clip((np.nan_to_num(stamps) - low) / (high - low), 0, _BRIGHTEST)  # (n, 3, H, W)
    if settings.kind == "linear":
        colours = np.clip(scaled, 0, 1)
    else:
        mean = scaled.mean(axis=1, keepdims=True)
        bent = _bent(np.clip(mean, 0, 1), settings)
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
        shares = (settings.black,) if settings.limits == "percentile" else _SKY
        places = [round((flat.shape[1] - 1) * share / 100) for share in (*shares, settings.white)]
        levels = np.partition(flat, places, axis=1)[:, places].T
        low, high = levels if settings.limits == "percentile" else _above_sky(*levels)
        high = _apart(low, high)
    else:
        low, high = np.array([limits(pixels, settings) for pixels in flat]).reshape(-1, 2).T
    shape = (len(stamps), 1, 1, 1)
    return low.reshape(shape).astype(np.float32), high.reshape(shape).astype(np.float32)
