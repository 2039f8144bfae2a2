"""Reading the galaxies of every kind of source."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.data import bands, containers, cube_planes, fits, pictures, read_errors
from core.data.discovery import Source, is_picture
from core.data.marks import clear_marks
from core.data.settings import ImportSettings
from core.data.stamps import Cutout
from core.errors import UnreadableFile


@dataclass(frozen=True, slots=True)
class Member:
    """One galaxy as read; ``row`` is its index in a file of many, else −1."""

    name: str
    cutout: Cutout
    row: int = -1


def read(source: Source, settings: ImportSettings, damaged: list[UnreadableFile] | None = None) -> Iterator[Member]:
    """Read the galaxies of one source, with NaN in place of marks of missing pixels.

    Parameters
    ----------
    source
        What :func:`core.data.discovery.discover` found.
    settings
        How it is read.
    damaged
        Galaxies of a file of many that cannot be read are added, and the others are read; None: they end it.

    Raises
    ------
    UnreadableFile
        A file is damaged or not of the expected type, or reading it fails in any other way.
    """
    with read_errors.reading(source.path):
        for member in _read_members(source, settings, damaged):
            if not member.cutout.image.size:
                raise UnreadableFile("The image has no pixels.", "Download it again or leave it out.", source.path)
            cleared = clear_marks(member.cutout)
            yield member if cleared is member.cutout else replace(member, cutout=cleared)


def _read_members(source: Source, settings: ImportSettings, damaged: list[UnreadableFile] | None) -> Iterator[Member]:
    if settings.hdu == cube_planes.PLANES and source.kind in {"fits", "bands"}:
        for cutout in cube_planes.read_planes(source):
            yield Member(cube_planes.name_of(source, cutout), cutout)
    elif source.kind == "fits":
        for cutout in fits.read_images(source.path, settings.hdu, damaged):
            name = cutout.name or (f"{source.stem}_{cutout.extension}" if cutout.extension else source.stem)
            yield Member(name, cutout)
    elif source.kind == "picture":
        yield Member(source.stem, pictures.read_picture(source.path))
    elif source.kind == "bands":
        yield Member(source.stem, _stack_bands(source, settings))
    else:
        container = containers.inspect_container(source.path)
        names = containers.names(container)
        for row, cutout in containers.read_cutouts(container, *(source.rows or ()), damaged=damaged):
            yield Member(names[row], cutout, row)


def _stack_bands(source: Source, settings: ImportSettings) -> Cutout:
    """Stack one file per band into one cutout; coordinates and unit are those of the first band."""
    planes: list[Cutout] = []
    for path in (source.path, *source.others):
        if is_picture(path):
            planes.append(pictures.read_picture(path))
        else:
            planes.append(fits.read_image(path, "" if settings.hdu == "*" else settings.hdu))
        first, last = planes[0], planes[-1]
        if len(last.image) != 1:
            raise UnreadableFile(f"This file has {len(last.image)} planes and not one band.", "Leave it out.", path)
        if last.image.shape != first.image.shape:
            (height, width), (other_height, other_width) = last.image.shape[1:], first.image.shape[1:]
            sentence = f"It has {width} × {height} pixels, and the first band {other_width} × {other_height}."
            raise UnreadableFile(sentence, "Bring the bands to the same pixels first.", path)
        if abs(last.pixel_scale / first.pixel_scale - 1) > 0.01:  # False where one is unknown
            sentence = (
                f"Its pixels are {last.pixel_scale:.4g} arcsec wide, those of the first band {first.pixel_scale:.4g}."
            )
            raise UnreadableFile(sentence, "Bring the bands to the same pixels first.", path)
    are_pictures = all(plane.image.dtype == np.uint8 for plane in planes)
    image = np.concatenate([plane.image.astype(np.uint8 if are_pictures else np.float32) for plane in planes])
    scale = next((plane.pixel_scale for plane in planes if not math.isnan(plane.pixel_scale)), math.nan)
    remarks = tuple(dict.fromkeys(remark for plane in planes for remark in plane.remarks))
    known = tuple(plane.zero_points[0] if plane.zero_points else math.nan for plane in planes)
    return Cutout(image, source.bands, planes[0].wcs, scale, planes[0].unit, remarks=remarks, zero_points=known)


def band_names(settings: ImportSettings) -> tuple[str, ...]:
    """Names of the planes that the settings list; empty if they list none."""
    if bands.parse(settings.bands) is not None or settings.bands == "*":
        return ()
    return tuple(name.strip() for name in settings.bands.split(",") if name.strip())
