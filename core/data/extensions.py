"""Deciding which extensions of a FITS file are galaxies, which are bands, and which only belong to one.

The header of an extension says what it is: by ``EXTNAME`` (SCI, ERR and DQ of HST and JWST, IMAGE, MASK and VARIANCE
of LSST, SCI, MSK and WGT of DES, DATA and STAT of MUSE), by ``EXTTYPE``, ``IMTYPE``, ``IMAGETYP`` or ``HDUCLAS2``, and
in the output of GALFIT by ``OBJECT`` (“model”, “residual map”). Models, residuals, weights, errors, masks and the like
are left out. Of the images that remain

- several with different filters, or named after different bands, on the same pixels are the bands of one galaxy;
- several at different positions, of different objects, or with names that hold a number are galaxies;
- several without names are a stack of galaxies, unless all show the same place or differ in type;
- of all others the first is taken, since nothing says what they are.

Whatever is left out is named.

References
----------
FITS Standard 4.0, Sect. 4.4.2.6 (EXTNAME); Peng et al. 2010, AJ 139, 2097 (GALFIT's blocks); STScI, HST and JWST data
handbooks; ESO, FITS format for data and error arrays (HDUCLAS2).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.data.bands import is_band_like

_ROLES: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(expression), role)
    for expression, role in (
        (r"models?|bestfit|fitted", "a model"),
        (r"resid(ual)?s?|chi2?|chisq\w*|subtracted", "a residual"),
        (r"w(ei)?gh?ts?(map)?|wht(map)?|i(n|nv)?var(iances?)?|invmse|wmap", "a weight map"),
        (r"var(iances?|poisson|rnoise|flat)?|sigmas?|rms(map|e)?|mse", "a noise map"),
        (r"err(ors?|map|data)?|unc(ert(ainty|ainties)?)?|std(dev)?|noise(map)?|stat", "a noise map"),
        (r"\w*masks?(im|bits?|data)?|msk|dq\w*|flags?|bpm|badpix\w*|qual(ity|data)?|mskim", "a mask"),
        (r"seg(m|ments?|map|im)?|segmentation\w*", "a segmentation map"),
        (r"psf\w*|prf|kernel", "a PSF"),
        (
            r"b(ac)?kgr?(ound|d)?|exp(osure|time|map|osuremap)?|nexp|n?samp|time|con(text)?|ctx|area|cov(erage)?|depth",
            "",
        ),
        (r"wcsdvarr|d2imarr|wcscorr|hdrtab", ""),
    )
)
_WORDS = re.compile(r"[^a-z0-9]+")
_KIND_KEYWORDS = ("EXTTYPE", "IMTYPE", "IMAGETYP", "IMAGETYPE", "HDUCLAS3", "HDUCLAS2")
_GALFIT = {"model": "a model", "residual map": "a residual", "residual": "a residual"}  # in OBJECT
_NAMELESS = {"", "PRIMARY", "COMPRESSED_IMAGE", "SCI", "IMAGE", "IMG", "DATA", "CUTOUT", "FLUX", "SCIDATA"}
_FILTERS = ("FILTER", "BAND", "FILTER1", "FILTER2", "FILTNAM", "FILTNAM1")
_SAME_SCALE = 0.01  # relative difference of pixel scales
_MOST_NAMED = 8  # extensions in a remark


@dataclass(frozen=True)
class Extension:
    """An image extension as its header describes it.

    ``shape`` is (H, W) or (C, H, W); ``position`` is the right ascension and declination of its centre and ``extent``
    half its diagonal, both in degrees, None and NaN where they are unknown; ``scale`` is in arcsec/pixel.
    """

    number: int
    name: str
    role: str
    band: str
    target: str
    shape: tuple[int, ...]
    is_float: bool
    position: tuple[float, float] | None = None
    extent: float = math.nan
    scale: float = math.nan

    @property
    def label(self) -> str:
        """The name of the extension where it says more than that this is an image."""
        return "" if self.name.upper() in _NAMELESS else self.name

    @property
    def description(self) -> str:
        """Name or number, and what it is."""
        return f"{self.label or self.number}{f' ({self.role})' if self.role else ''}"


@dataclass(frozen=True)
class Galaxy:
    """One galaxy of a file: the numbers of its extensions, and where there are several the names of these bands."""

    extensions: tuple[int, ...]
    bands: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Arrangement:
    """The galaxies of a file, with remarks for the report."""

    galaxies: list[Galaxy]
    remarks: list[str] = field(default_factory=list[str])


def role_of(header: Any) -> str:
    """What an extension is beside a galaxy, such as “a mask”; empty if its header says nothing of the kind.

    Parameters
    ----------
    header
        Its ``astropy.io.fits.Header``.
    """
    target = str(header.get("OBJECT", "")).strip().lower()
    if target in _GALFIT:
        return _GALFIT[target]
    for keyword in ("EXTNAME", *_KIND_KEYWORDS):
        for word in _WORDS.split(str(header.get(keyword, "")).lower()):
            for expression, role in _ROLES:
                if expression.fullmatch(word):
                    return role
    return ""


def describe(number: int, unit: Any, scale: float) -> Extension:
    """Describe an image extension.

    Parameters
    ----------
    number
        Its place in the file.
    unit
        The image as ``astropy.io.fits`` opened it; its pixels are not read.
    scale
        Its pixel scale in arcsec, NaN if unknown.
    """
    header = unit.header
    band = next((text for key in _FILTERS if (text := str(header.get(key, "")).strip())), "")
    target = str(header.get("OBJECT", "")).strip()
    position, extent = _position(header)
    is_float = int(header.get("BITPIX", 0)) < 0 or float(header.get("BSCALE", 1)) != 1
    return Extension(
        number, unit.name.strip(), role_of(header), band, target, unit.shape, is_float, position, extent, scale
    )


def _position(header: Any) -> tuple[tuple[float, float] | None, float]:
    from astropy.wcs import WCS  # late: plain files need none of it

    try:
        sky: Any = WCS(header).celestial
        if sky.has_celestial:
            width, height = int(header.get("ZNAXIS1", header["NAXIS1"])), int(header.get("ZNAXIS2", header["NAXIS2"]))
            place = sky.pixel_to_world(width / 2 - 0.5, height / 2 - 0.5).icrs
            corner = sky.pixel_to_world(-0.5, -0.5).icrs
            centre = (float(place.ra.deg), float(place.dec.deg))
            if all(map(math.isfinite, centre)):
                return centre, float(place.separation(corner).deg)
        ra, dec = float(header["RA"]), float(header["DEC"])
    except Exception:  # noqa: BLE001 - whatever is wrong with the coordinates, there are none
        return None, math.nan
    return (ra, dec), math.nan


def arrange(images: Sequence[Extension]) -> Arrangement:
    """Decide which of the image extensions of a file are galaxies."""
    shown = [image for image in images if not image.role]
    shown = shown or list(images[:1])
    galaxies, reason = _arrange_shown(shown)
    used = {number for galaxy in galaxies for number in galaxy.extensions}
    left = [image for image in images if image.number not in used]
    remarks = [reason] if reason else []
    if left:
        named = ", ".join(image.description for image in left[:_MOST_NAMED])
        more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
        kept = ", ".join(image.label or str(image.number) for image in shown if image.number in used)
        remarks.append(
            f"The image is extension {kept}; left out: {named}{more}. Name others as FITS extension (--hdu A,B makes "
            "bands, --hdu '*' one galaxy of each)"
        )
    return Arrangement(galaxies, remarks)


def _arrange_shown(shown: Sequence[Extension]) -> tuple[list[Galaxy], str]:
    if len(shown) == 1:
        return [Galaxy((shown[0].number,))], ""
    numbers = tuple(image.number for image in shown)
    if bands := _bands_of(shown):
        return [Galaxy(numbers, bands)], f"The extensions {', '.join(bands)} are the bands of one galaxy"
    if not _is_stack(shown):
        return [Galaxy((shown[0].number,))], ""
    names = _distinct([image.label for image in shown]) or _distinct([image.target for image in shown])
    galaxies = [Galaxy((number,), (), names[place] if names else "") for place, number in enumerate(numbers)]
    called = "with their names as ids" if names else "numbered"
    return galaxies, f"The {len(shown):,} image extensions of a file are taken as galaxies, {called}; the first"


def _distinct(names: Sequence[str]) -> Sequence[str]:
    """The names if all are there and differ, else an empty list."""
    return names if all(names) and len(set(names)) == len(names) else []


def _bands_of(shown: Sequence[Extension]) -> tuple[str, ...]:
    """Names of the bands if the images are those of one galaxy in different bands on the same pixels."""
    first = shown[0]
    if len(first.shape) != 2 or any(image.shape != first.shape for image in shown) or _are_apart(shown):
        return ()
    if any(abs(image.scale / first.scale - 1) > _SAME_SCALE for image in shown):  # False where one is unknown
        return ()
    labels = _distinct([image.label for image in shown])
    if labels and all(is_band_like(label) for label in labels):
        return tuple(labels)
    return tuple(_distinct([image.band for image in shown]))


def _is_stack(shown: Sequence[Extension]) -> bool:
    if _are_apart(shown):
        return True
    if all(image.position for image in shown):  # all show the same place
        return False
    if _distinct([image.target for image in shown]):
        return True
    if not any(image.label for image in shown):
        return len({image.is_float for image in shown}) == 1
    labels = _distinct([image.label for image in shown])
    return bool(labels) and all(re.search(r"\d", label) for label in labels)


def _are_apart(shown: Sequence[Extension]) -> bool:
    """Whether any two images show different places of the sky; False where that is unknown."""
    for one, other in _pairs_with_first(shown):
        if one.position is None or other.position is None:
            continue
        (ra, dec), (other_ra, other_dec) = one.position, other.position
        turned = abs(ra - other_ra) % 360
        across = min(turned, 360 - turned) * math.cos(math.radians(dec))
        near = one.extent / 2 if math.isfinite(one.extent) else 1 / 3600
        if math.hypot(across, dec - other_dec) > near:
            return True
    return False


def _pairs_with_first(shown: Sequence[Extension]) -> Iterator[tuple[Extension, Extension]]:
    for image in shown[1:]:
        yield shown[0], image
