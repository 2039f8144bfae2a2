"""Reading the user's point-spread functions from a FITS file: one image, a cube, or one in each extension.

Each is checked, scaled to the sum 1 and centred: its centre is the mean position of its light under a Gaussian window,
to which the transfer function refers. Half a pixel would shift every galaxy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.data import fits, same_scale
from core.errors import NotPossible
from core.simulate.psf import ImagePsf
from core.simulate.psf_settings import PsfSettings

_SMALLEST, _LARGEST, _MOST = 5, 1025, 10_000
_SAME_SUM = 0.01
_SAME_PLACE = 0.1  # pixels
_WINDOW = 2.0  # pixels, σ, at least
_ROUNDS = 30
_NEGATIVE = 0.01  # of the peak
_UNDERSAMPLED = 0.05  # amplitude at the Nyquist frequency of the image


def read_psf_images(settings: PsfSettings, pixel_scale: float) -> ImagePsf:
    """Read, check and centre the images that ``settings.path`` names, for stamps of ``pixel_scale`` arcsec.

    Raises
    ------
    UnreadableFile
        The file cannot be read.
    NotPossible
        It holds no point-spread functions, or its header has another pixel scale than the oversampling says.
    """
    path = settings.path
    if not path:
        raise NotPossible("There is no PSF image.", "Choose the FITS file that holds it.", "psf.path")
    read, scales = _read_planes(path)
    _require_scale(scales, settings.oversampling, pixel_scale, path)
    planes = [np.asarray(plane, float) for plane in read]
    for number, plane in enumerate(planes):
        _require_psf(plane, f"{path} [{number + 1}]" if len(planes) > 1 else path)
    height, width = (max(plane.shape[axis] for plane in planes) for axis in (0, 1))
    images = np.zeros((len(planes), height, width))
    centres = np.empty((len(planes), 2))
    sums, shifts = np.empty(len(planes)), np.empty(len(planes))
    for number, plane in enumerate(planes):
        centres[number] = _centre(plane)
        sums[number] = plane.sum()
        shifts[number] = np.abs(centres[number] - (np.array(plane.shape) - 1) / 2).max()
        images[number, : plane.shape[0], : plane.shape[1]] = plane / sums[number]
    return ImagePsf(
        images,
        centres,
        settings.oversampling,
        count=len(images),
        includes_pixel=settings.includes_pixel,
        remarks=(*_remarks(sums, shifts), *_remarks_on_artefacts(images)),
    )


def _read_planes(path: str) -> tuple[list[NDArray[np.floating]], set[float]]:
    """The images, and the pixel scales [arcsec] that their headers know."""
    planes: list[NDArray[np.floating]] = []
    scales: set[float] = set()
    for cutout in fits.read_images(path):
        planes.extend(cutout.image)
        scales |= {cutout.pixel_scale} if np.isfinite(cutout.pixel_scale) else set()
        if len(planes) > _MOST:
            raise NotPossible(f"The file holds more than {_MOST:,} images.", "Give fewer PSFs.", path)
    return planes, scales


def _require_scale(scales: set[float], oversampling: float, pixel_scale: float, path: str) -> None:
    for scale in sorted(scales):
        if same_scale.differ(scale * oversampling, pixel_scale):
            raise NotPossible(
                f"This PSF has {scale:.4g} arcsec per pixel in its header, and would be used as if it had "
                f"{pixel_scale / oversampling:.4g}.",
                f"Set its oversampling to {pixel_scale / scale:.4g}.",
                path,
            )


def _require_psf(plane: NDArray[np.float64], where: str) -> None:
    remedy = "Choose another image of the point-spread function."
    height, width = plane.shape
    if min(plane.shape) < _SMALLEST or max(plane.shape) > _LARGEST:
        raise NotPossible(
            f"This PSF has {width} × {height} pixels; {_SMALLEST} to {_LARGEST} along each axis are possible.",
            "Cut it out around the star.",
            where,
        )
    missing = int((~np.isfinite(plane)).sum())
    if missing:
        raise NotPossible(f"{missing:,} pixels of this PSF are not finite.", remedy, where)
    if not plane.max() > 0 or plane.sum() <= 0.1 * np.abs(plane).sum():
        raise NotPossible("This PSF has no light: the sum of its pixels is not positive.", remedy, where)
    row, column = np.unravel_index(int(plane.argmax()), plane.shape)
    if min(row, column, height - 1 - row, width - 1 - column) < min(plane.shape) // 4:
        raise NotPossible(
            f"The brightest pixel of this PSF is at its edge (column {column + 1}, row {row + 1}).",
            "Cut it out around the star, with the star in the middle.",
            where,
        )


def _centre(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Row and column of the centre: where the mean of the light under a Gaussian window is the window's own centre."""
    rows, columns = np.indices(plane.shape)
    peak = np.array(np.unravel_index(int(plane.argmax()), plane.shape), float)
    sigma = max(_WINDOW, float(np.sqrt((plane > 0.5 * plane.max()).sum() / np.pi)))
    centre = peak.copy()
    for _ in range(_ROUNDS):
        window = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / (2 * sigma**2))
        weight = np.maximum(plane, 0) * window
        offset = np.array([(weight * (rows - centre[0])).sum(), (weight * (columns - centre[1])).sum()]) / weight.sum()
        centre += 2 * offset  # of a Gaussian as wide as its window half of the offset is seen
        if np.abs(offset).max() < 1e-6:
            break
    return centre if np.abs(centre - peak).max() < 2 * sigma else peak


def _remarks(sums: NDArray[np.float64], shifts: NDArray[np.float64]) -> tuple[str, ...]:
    remarks = []
    count = len(sums)
    subject = "The PSF" if count == 1 else f"{count:,} PSFs"
    off = np.abs(sums - 1) > _SAME_SUM
    if off.any():
        found = f"{sums[0]:.6g}" if count == 1 else f"{sums.min():.6g} to {sums.max():.6g}"
        remarks.append(f"{subject}: the sum of the pixels was {found}; it was scaled to 1.")
    if (shifts > _SAME_PLACE).any():
        remarks.append(
            f"{subject}: the light is up to {shifts.max():.2f} pixels away from the middle of the image; "
            "it was centred."
        )
    return tuple(remarks)


def _remarks_on_artefacts(images: NDArray[np.float64]) -> tuple[str, ...]:
    """What every simulated or fitted galaxy would show, although no telescope does."""
    subject = "The PSF" if len(images) == 1 else f"Of {len(images):,} PSFs some"
    remarks = []
    lowest = (images.min(axis=(1, 2)) / images.max(axis=(1, 2))).min()
    if lowest < -_NEGATIVE:
        remarks.append(
            f"{subject}: pixels are as low as −{-lowest:.1%} of the peak, and bright galaxies get dark rims; "
            "a PSF without noise, or a Moffat profile of the same FWHM, has none."
        )
    highest = max(_amplitude_at_nyquist(image) for image in images)
    if highest > _UNDERSAMPLED:
        remarks.append(
            f"{subject}: undersampled, with an amplitude of {highest:.0%} at the highest frequency that its pixels "
            "hold: rows and columns of ripples surround what is bright. Give an oversampled image, or an Airy profile."
        )
    return tuple(remarks)


def _amplitude_at_nyquist(image: NDArray[np.float64]) -> float:
    """The larger of those along rows and along columns; the light of a well-sampled PSF has nothing there."""
    signs = (-1.0) ** np.arange(max(image.shape))
    return float(max(abs(image.sum(axis=1 - axis) @ signs[: image.shape[axis]]) for axis in (0, 1)))
