"""The format of a dataset's stamps, decided from a sample of the cutouts."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from core.data import bands, containers, zero_points
from core.data.automatic_fit import LOOKS, Look, look_at
from core.data.cube_planes import PLANES, count_planes
from core.data.discovery import Found, Source
from core.data.read_errors import reading
from core.data.readers import Member, band_names, read
from core.data.remarks import Remarks
from core.data.settings import ImportSettings
from core.data.stamps import SMALLEST, Cutout, field_in_pixels
from core.errors import Problem, SettingsProblem, Stopped, UnreadableFile
from core.events import NEVER, Progress, Work

SAMPLE = 128  # sources
_PER_SOURCE = 32  # members of one source


@dataclass(frozen=True)
class StampFormat:
    """The shape and type of all stamps of a dataset.

    ``native`` is the median size [pixels] and pixel scale [arcsec/pixel] of the files; NaN where unknown.
    """

    planes: int
    size: int
    dtype: Literal["float32", "uint8"]
    bands: tuple[str, ...]
    unit: str
    native: tuple[float, float] = (math.nan, math.nan)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a stamp."""
        return self.planes, self.size, self.size

    def in_float32(self) -> StampFormat:
        """The same stamps with float32 pixels."""
        return replace(self, dtype="float32")

    def differs_in_order(self, cutout: Cutout, settings: ImportSettings) -> bool:
        """Whether a cutout names the bands of the stamps in another order, and the user has named none."""
        same = cutout.bands != self.bands and sorted(cutout.bands) == sorted(self.bands)
        return same and not band_names(settings)

    def put_in_order(self, cutout: Cutout, settings: ImportSettings) -> Cutout:
        """A cutout with its bands in the order of the stamps', where by their names they are the same."""
        if not self.differs_in_order(cutout, settings):
            return cutout
        places = [cutout.bands.index(name) for name in self.bands]
        known = tuple(cutout.zero_points[place] for place in places) if cutout.zero_points else ()
        return replace(cutout, image=cutout.image[places], bands=self.bands, zero_points=known)


@dataclass
class SampleSummary:
    """Summary of the sample: counts of the shapes (C, H, W), band names and units, pixel scales, and some images."""

    shapes: Counter[tuple[int, int, int]] = field(default_factory=Counter[tuple[int, int, int]])
    bands: Counter[tuple[str, ...]] = field(default_factory=Counter[tuple[str, ...]])
    units: Counter[str] = field(default_factory=Counter[str])
    wide: set[int] = field(default_factory=set[int])  # numbers of planes of cutouts with more than 8 bits
    problems: list[Problem] = field(default_factory=list[Problem])
    scales: list[float] = field(default_factory=list[float])  # arcsec/pixel, where they are known
    looks: list[Look] = field(default_factory=list[Look])
    remarks: Remarks = field(default_factory=Remarks)

    def plan(self, settings: ImportSettings, wanted: int | None = None) -> StampFormat:
        """Choose the number of bands and the size of the stamps.

        Parameters
        ----------
        settings
            Their size, if it is set; else it is that of the field, or the most frequent shorter side.
        wanted
            A number of bands, which is chosen if any cutout has it; else the most frequent one is.

        Raises
        ------
        SettingsProblem
            The number of band names, or of zero points, differs from the number of bands.
        """
        planes_of: Counter[int] = Counter()
        large = {shape: count for shape, count in self.shapes.items() if min(shape[1:]) >= SMALLEST}
        shapes = large or self.shapes  # smaller ones become no stamps, however many they are
        for (planes, _, _), count in shapes.items():
            planes_of[planes] += count
        planes = max(planes_of, key=lambda number: (number == wanted, planes_of[number], number))
        sizes: Counter[int] = Counter()
        for (number, height, width), count in shapes.items():
            sizes[min(height, width)] += count if number == planes else 0
        size = settings.size or self._field(settings) or max(SMALLEST, max(sizes, key=lambda side: (sizes[side], side)))
        names = band_names(settings) or self._names(planes)
        if len(names) != planes:
            raise SettingsProblem(
                f"{len(names)} bands are named ({', '.join(names)}), and the cutouts have {planes}.",
                "Name as many bands as there are planes, or leave the field empty.",
                "bands",
            )
        if settings.zero_point:
            zero_points.spread(settings.zero_point, names)
        unit = self.units.most_common(1)[0][0] if self.units else ""
        native = self._native_size(planes), self.pixel_scale
        return StampFormat(planes, size, "float32" if planes in self.wide else "uint8", names, unit, native)

    def has_planes(self, count: int) -> bool:
        """Whether any cutout has so many bands."""
        return any(planes == count for planes, _, _ in self.shapes)

    @property
    def pixel_scale(self) -> float:
        """Median of the pixel scales that the files give [arcsec/pixel]; NaN where none does."""
        return float(np.median(self.scales)) if self.scales else math.nan

    def _native_size(self, planes: int) -> float:
        """Median of the shorter sides of the cutouts with so many bands [pixels]."""
        return float(
            np.median([min(height, width) for number, height, width in self.shapes.elements() if number == planes])
        )

    def _field(self, settings: ImportSettings) -> int | None:
        """Side of the field in whole pixels of the files; None if there is no field, or not the same one for all."""
        scale = settings.pixel_scale or math.nan if math.isnan(self.pixel_scale) else self.pixel_scale
        if settings.field_column or (settings.field_unit == "arcsec" and math.isnan(scale)):
            return None
        side = field_in_pixels(settings, scale)
        return None if side is None else round(side)

    def _names(self, planes: int) -> tuple[str, ...]:
        fitting = Counter({names: count for names, count in self.bands.items() if len(names) == planes})
        if fitting:
            return fitting.most_common(1)[0][0]
        return ("image",) if planes == 1 else tuple(f"band {plane + 1}" for plane in range(planes))

    def add(self, member: Member) -> None:
        """Count one cutout."""
        image = member.cutout.image
        planes, height, width = image.shape
        self.shapes[planes, height, width] += 1
        self.units[member.cutout.unit] += 1
        self.remarks.add(member.cutout.remarks, member.name)
        if not math.isnan(member.cutout.pixel_scale):
            self.scales.append(member.cutout.pixel_scale)
        if member.cutout.bands:
            self.bands[member.cutout.bands] += 1
        if image.dtype != np.uint8:
            self.wide.add(planes)


def measure_sample(found: Found, settings: ImportSettings, stop: threading.Event = NEVER) -> Work[SampleSummary]:
    """Read a sample spread evenly over the sources; all of them if none of the sample can be read.

    Raises
    ------
    UnreadableFile
        No source can be read at all.
    Stopped
        ``stop`` was set.
    """
    result = SampleSummary()
    sources = found.sources
    step = max(1, math.ceil(len(sources) / SAMPLE))
    every = max(1, math.ceil(min(len(sources), SAMPLE) / LOOKS)) if settings.decides_fit else 0
    others = (source for place, source in enumerate(sources) if place % step)
    for place, source in enumerate((*sources[::step], *others) if step > 1 else sources):
        if place >= SAMPLE and result.shapes:
            break
        if stop.is_set():
            raise Stopped
        try:
            with reading(source.path):
                for member in _read_some(source, settings):
                    result.add(member)
                    if every and place % every == 0 and len(result.looks) < LOOKS:
                        result.looks.append(look_at(member.cutout.image))
        except UnreadableFile as problem:
            result.problems.append(problem)
        yield Progress(0, len(sources), "files")
    if not result.shapes:
        raise none_usable(len(sources), result.problems)
    return result


def _read_some(source: Source, settings: ImportSettings) -> Iterator[Member]:
    for member, _ in zip(read(source, settings, []), range(_PER_SOURCE), strict=False):
        yield member


def count_of(source: Source, hdu: str = "") -> int:
    """How many galaxies a source holds; 1 if that is unknown before it is read."""
    if hdu == PLANES and source.kind in {"fits", "bands"}:
        return count_planes(source)
    try:
        return len(containers.inspect_container(source.path)) if source.kind == "container" else 1
    except UnreadableFile:
        return 1  # it will be reported when it is read


def none_usable(files: int, problems: list[Problem]) -> UnreadableFile:
    """The problem that no file could be imported, with the count and the first reason."""
    first = problems[0] if problems else UnreadableFile("it holds no cutout")
    return UnreadableFile(
        f"None of {files:,} files could be used. The first: {first.sentence}", first.remedy, first.where
    )


def pattern_note(found: Found) -> str:
    """The note on the recognised file-name pattern; empty if there is none."""
    pattern = bands.parse(found.pattern)
    if pattern is None:
        return ""
    return f"The names show one file per band ({found.pattern}): bands {', '.join(pattern.bands)}."
