"""Cubes of pixels whose planes may be bands of one galaxy, or galaxies.

A cube is read as the bands of one galaxy, since most are. It is said how it was read whenever its header does not name
the bands, and what speaks for galaxies: many planes, files that are called after bands, or as many rows in the
catalogue. With :data:`PLANES` as the FITS extension, each plane is a galaxy; where several files are called after
bands, as ``g.fits`` and ``r.fits``, they are then the bands of the same galaxies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.data import bands, fits
from core.data.stamps import Cutout
from core.errors import UnreadableFile

if TYPE_CHECKING:
    from core.data.discovery import Found, Source

PLANES = "planes"
"""In place of the name of a FITS extension: each plane of the cube is a galaxy."""

_MOST_BANDS = 16  # more planes are hardly the bands of a galaxy
_SPECTRAL = re.compile(r"(FREQ|WAVE|AWAV|VRAD|VOPT|VELO|ZOPT|WAVN|ENER|BETA|STOKES|FILTER|BAND|LAMBDA)", re.IGNORECASE)


def suggest_pattern(names: Sequence[str]) -> str:
    """The pattern of files that are called after bands and nothing else, such as ``{band:g,r}.fits``; empty if not."""
    ending = {name[len(bands.IMAGE_ENDING.sub("", name)) :] for name in names}
    stems = [bands.IMAGE_ENDING.sub("", name).rpartition("/")[2] for name in names]
    if len(ending) != 1 or len(stems) < 2 or len(set(stems)) < len(stems) or not all(map(bands.is_band_like, stems)):
        return ""
    return f"{{band:{','.join(bands.sort_bands(stems))}}}{ending.pop()}"


def read_planes(source: Source) -> Iterator[Cutout]:
    """Read each plane of a cube as a galaxy; of several files with one band each, the same plane of all.

    Raises
    ------
    UnreadableFile
        A file cannot be read, or the cubes differ in their shape.
    """
    cubes = [fits.read_image(path) for path in (source.path, *source.others)]
    for path, cube in zip((source.path, *source.others), cubes, strict=True):
        if cube.image.shape != cubes[0].image.shape:
            there, first = (" × ".join(map(str, shape)) for shape in (cube.image.shape, cubes[0].image.shape))
            raise UnreadableFile(
                f"This cube has {there} planes and pixels, and that of the first band {first}.",
                "Each plane is to be the same galaxy in all bands; leave it out.",
                path,
            )
    count = len(cubes[0].image)
    for plane in range(count):
        image = np.concatenate([cube.image[plane : plane + 1] for cube in cubes])
        number = f"{plane + 1:0{len(str(count))}d}"
        known = tuple(cube.zero_points[plane] if cube.zero_points else math.nan for cube in cubes)
        yield replace(cubes[0], image=image, bands=source.bands, wcs="", extension=number, name="", zero_points=known)


def name_of(source: Source, cutout: Cutout) -> str:
    """The name of the galaxy in a plane: that of the file, or of the folder where the files are called after bands."""
    stem = source.stem if source.name or not source.others else source.path.replace("\\", "/").split("/")[-2]
    return f"{stem}_{cutout.extension}"


def count_planes(source: Source) -> int:
    """The number of planes of a cube; 1 if it cannot be read, which is reported later."""
    try:
        return len(fits.read_image(source.path).image)
    except UnreadableFile:
        return 1


def describe_axes(found: Found, planes: int, hdu: str, names: Sequence[object], rows: int = 0) -> str:
    """How the cubes were read, and what else is possible; empty where their headers say it.

    Parameters
    ----------
    found
        The files.
    planes
        Of most of them.
    hdu
        The extension that was asked for.
    names
        Of the planes, as the headers or the settings give them; empty if they do not.
    rows
        Of the catalogue; 0: there is none.
    """
    cubes = [source for source in found.sources if source.kind == "fits"]
    if hdu == PLANES:
        return "Each plane of a cube is taken as a galaxy, as the FITS extension “planes” asks."
    if planes < 2 or not cubes or names or "," in hdu or _says_bands(cubes[0].path):
        return ""
    doubts: list[str] = []
    if planes > _MOST_BANDS:
        doubts.append(f"{planes} planes are many")
    if suggest_pattern([source.relative for source in cubes]):
        doubts.append(f"the {len(cubes)} files are called after bands ({', '.join(s.stem for s in cubes[:5])})")
    if rows == planes != len(cubes):
        doubts.append(f"the catalogue has {rows:,} rows")
    taken = f"The {planes} planes of each file are taken as the bands of one galaxy"
    if not doubts:
        return f"{taken} (NAXIS3 = {planes}); FITS extension “planes” makes one galaxy of each."
    return (
        f"{taken}, but {' and '.join(doubts)}: if each plane is a galaxy, choose “planes” as FITS extension (--hdu "
        "planes)."
    )


def _says_bands(path: str) -> bool:
    """Whether the header of a cube names its third axis as one of wavelength, or its planes as bands."""
    try:
        with fits.opened(path) as file:
            header = next((unit.header for unit in file if unit.header.get("NAXIS", 0) > 2), {})
            return bool(_SPECTRAL.match(str(header.get("CTYPE3", ""))))
    except Exception:  # noqa: BLE001 - whatever is wrong with the file is reported when it is read
        return False
