"""Reading the images of the user's sky: unit, pixel scale, level, and which pixels are blank."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.stats import sigma_clipped_stats
from numpy.typing import NDArray
from photutils.segmentation import detect_sources
from photutils.utils import NoDetectionsWarning, circular_footprint
from scipy import ndimage

from core.data import fits, same_scale
from core.data.read_errors import reading
from core.data.stamps import Cutout
from core.errors import NotPossible, UnreadableFile
from core.simulate.settings import SimulationSettings

_ENDINGS = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".fits.bz2", ".fz")
_LONGEST = 4096  # pixels
_MOST_PIXELS = 1 << 24  # of all images, 150 MB of memory in each process
_LEAST_BLANK = 0.2  # share of an image
_MOST_BANDS = 6  # a cube of more planes without names is a stack
_SMOOTHINGS = (1.5, 4.0)  # pixels: for sources, and for the faint light around them
_THRESHOLD = 3.0  # standard deviations of the smoothed image
_FEWEST_PIXELS = 5
_NOISIEST = 3.0  # times the median noise of all images: what is beyond holds light of a very bright source
_MARGIN = 2.0  # smoothings: pixels around a source that are masked, too
_NANOMAGGY = 22.5
_ZERO_POINTS = ("MAGZERO", "MAGZPT", "MAGZP", "ZEROPT", "PHOTZP", "ABMAGZP", "ZP", "ZPT")


@dataclass(frozen=True, eq=False)
class Frame:
    """An image of sky.

    Attributes
    ----------
    image
        float32 (H, W), in units of the stored stamps; the median of the blank pixels is subtracted.
    is_blank
        (H, W), neither a source nor missing.
    """

    image: NDArray[np.float32]
    is_blank: NDArray[np.bool_]

    @property
    def sigma(self) -> float:
        """Standard deviation of the blank pixels."""
        return float(self.image[self.is_blank].std())


def read_frames(
    settings: SimulationSettings, files: Sequence[Path], smallest: int
) -> tuple[tuple[Frame, ...], tuple[str, ...]]:
    """Read the images of sky, and say what was decided and left out.

    Parameters
    ----------
    settings
        Which name the zero point and the instrument.
    files
        As :func:`find_files` finds them.
    smallest
        Images with a shorter side are left out.

    Raises
    ------
    NotPossible
        No image can be used.
    UnreadableFile
        A file is damaged.
    """
    frames: list[Frame] = []
    small, crowded, unused, pixels = 0, 0, 0, 0
    remarks: dict[str, None] = {}
    for file in files:
        if pixels >= _MOST_PIXELS:
            unused += 1
            continue
        with reading(str(file), "a FITS file"):
            zero_point, told = _zero_point(settings, file)
            remarks |= dict.fromkeys(told)
            for cutout in fits.read_images(file):
                for image in _planes(cutout, settings, file, remarks):
                    if min(image.shape) < smallest:
                        small += 1
                        continue
                    frame = _prepare(image * np.float32(10 ** (-0.4 * (zero_point - settings.stored_zero_point))))
                    if frame is None:
                        crowded += 1
                        continue
                    frames.append(frame)
                    pixels += image.size
    noise = np.array([frame.sigma for frame in frames])
    is_noisy = noise > _NOISIEST * np.median(noise) if frames else noise > 0
    frames = [frame for frame, noisy in zip(frames, is_noisy, strict=True) if not noisy]
    told_of = (
        (int(is_noisy.sum()), f"more than {_NOISIEST:g} times as noisy as most"),
        (small, f"smaller than {smallest} × {smallest} pixels"),
        (crowded, "without enough blank pixels"),
        (unused, f"beyond the {_MOST_PIXELS / 1e6:.0f} million pixels that are kept in memory"),
    )
    left_out = [f"{count:,} image{'s' if count > 1 else ''} of sky {why}" for count, why in told_of if count]
    if not frames:
        raise NotPossible(
            f"None of your images of sky can be used: {'; '.join(left_out)}.",
            "Choose other images, or smaller stamps.",
            settings.noise.sky,
        )
    return tuple(frames), (*remarks, *(f"Left out: {what}" for what in left_out))


def find_files(sky: str) -> list[Path]:
    """The images at a place: the file, or those in the folder and the folders in it.

    Raises
    ------
    NotPossible
        There are none.
    """
    if not sky:
        raise NotPossible(
            "No images of sky are named for this noise.", "Choose a FITS image or a folder of them.", "noise.sky"
        )
    place = Path(sky).expanduser()
    if place.is_file():
        return [place]
    files = sorted(path for path in place.rglob("*") if path.name.lower().endswith(_ENDINGS) and path.is_file())
    if not files:
        what = "holds no FITS image" if place.is_dir() else "does not exist"
        raise NotPossible(f"The place of your sky {what}.", "Choose a FITS image or a folder of them.", sky)
    return files


def _planes(
    cutout: Cutout, settings: SimulationSettings, file: Path, remarks: dict[str, None]
) -> list[NDArray[np.float32]]:
    """The band of an image that is used, or all planes of a stack; checked against the instrument."""
    if cutout.image.dtype == np.uint8:
        raise UnreadableFile(
            "This is a picture with 256 levels, which has no sky noise.", "Choose calibrated images.", str(file)
        )
    wanted, scale = settings.instrument.pixel_scale, cutout.pixel_scale
    if same_scale.differ(scale, wanted):
        raise NotPossible(
            f"Your sky has {scale:.4g}″ per pixel, and the instrument {wanted:g}″.",
            "Choose the instrument that your sky is from: noise is not the same after resampling.",
            str(file),
        )
    if not math.isfinite(scale):
        remarks["Some images of sky do not say their pixel scale; that of the instrument is assumed"] = None
    planes, band = cutout.image, settings.instrument.band
    if len(planes) > _MOST_BANDS and not cutout.bands:
        remarks[f"Cubes of more than {_MOST_BANDS} planes without names are stacks of images"] = None
    elif len(planes) > 1:
        place = cutout.bands.index(band) if band in cutout.bands else 0
        remarks[f"Of images of sky with several bands, band {place + 1} is used"] = None
        planes = planes[place : place + 1]
    if max(planes.shape[1:]) > _LONGEST:
        remarks[f"Of images of sky larger than {_LONGEST:,} pixels the middle is used"] = None
        planes = planes[:, _middle(planes.shape[1]), _middle(planes.shape[2])]
    return list(np.asarray(planes, np.float32))


def _middle(length: int) -> slice:
    start = max(0, (length - _LONGEST) // 2)
    return slice(start, start + _LONGEST)


def _zero_point(settings: SimulationSettings, file: Path) -> tuple[float, list[str]]:
    """Magnitude of one unit of an image: as set, as the header says, or that of the stamps; and a remark on it."""
    if settings.noise.sky_zero_point is not None:
        return settings.noise.sky_zero_point, []
    with fits.opened(file) as units:
        found = next((point for unit in units for point in _stated_zero_points(unit.header)), None)
    if found is not None:
        return found, []
    point = settings.stored_zero_point
    return point, [f"Some images of sky do not say their zero point; that of the stamps, {point:g} mag, is assumed"]


def _stated_zero_points(header: object) -> Iterator[float]:
    def number(name: str) -> float | None:
        value = header.get(name)  # pyrefly: ignore[missing-attribute] - a header of astropy's
        return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None

    if "nanomagg" in str(header.get("BUNIT", "")).lower():  # pyrefly: ignore[missing-attribute]
        yield _NANOMAGGY
    for name in _ZERO_POINTS:
        if (value := number(name)) is not None:
            yield value
    flux, pivot = number("PHOTFLAM"), number("PHOTPLAM")
    if flux and pivot and flux > 0 and pivot > 0:  # AB magnitudes of the Hubble Space Telescope
        yield -2.5 * math.log10(flux) - 5 * math.log10(pivot) - 2.408


def _prepare(image: NDArray[np.float32]) -> Frame | None:
    """Mask sources and subtract the level; None if too little is blank."""
    missing = ~np.isfinite(image)
    is_zero = image == 0
    if is_zero.mean() > 0.01:  # outside of the detector, not a value of the sky
        missing |= is_zero
    if missing.mean() > 1 - _LEAST_BLANK:
        return None
    covered = missing.copy()
    for smoothing in _SMOOTHINGS:
        _, level, _ = sigma_clipped_stats(image, mask=covered)
        flat = np.where(covered, 0, image - np.float32(level))
        smooth = ndimage.gaussian_filter(flat, smoothing)
        _, middle, scatter = sigma_clipped_stats(smooth, mask=covered)
        if not scatter > 0:
            return None
        covered |= _sources(smooth, middle + _THRESHOLD * scatter, covered, _MARGIN * smoothing)
    if covered.mean() > 1 - _LEAST_BLANK:
        return None
    level = np.median(image[~covered])
    if not math.isfinite(float(image[~covered].std())):  # values near the largest number that there is
        return None
    return Frame(np.where(missing, 0, image - level).astype(np.float32), ~covered)


def _sources(
    smooth: NDArray[np.float32], threshold: float, covered: NDArray[np.bool_], margin: float
) -> NDArray[np.bool_]:
    """Sources above the threshold, and a margin around them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        sources = detect_sources(smooth, threshold, _FEWEST_PIXELS, mask=covered)
    if sources is None:
        return np.zeros_like(covered)
    return np.asarray(sources.make_source_mask(footprint=circular_footprint(round(margin))), bool)
