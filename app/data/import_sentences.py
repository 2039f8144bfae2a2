"""Sentences that describe the preview of an import."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import CatalogueProblem, Problem

if TYPE_CHECKING:
    from core.data.preview import ImportPreview

_USUAL = 64  # pixels along a side
_LARGE = 1.5  # times the usual side, from where the time of a training is worth a word


def describe_preview(preview: ImportPreview, *, with_labels: bool) -> list[str]:
    """Describe a preview in sentences."""
    sizes = [f"{width} × {height}" for _, height, width in preview.shapes]
    size = " or ".join(dict.fromkeys(sizes[:3])) + (" or others" if len(sizes) > 3 else "")
    galaxies = "1 galaxy" if preview.count == 1 else f"{preview.count:,} galaxies"
    bands = f"{'bands' if len(preview.bands) > 1 else 'band'} {', '.join(preview.bands)}"
    scale = "pixel scale unknown" if math.isnan(preview.pixel_scale) else f"{preview.pixel_scale:.3g}″ per pixel"
    lines = [f"{galaxies} of {size} pixels; {bands}; {scale}{_describe_zero_points(preview)}."]
    side = preview.plan.size
    if sizes != [f"{side} × {side}"]:
        lines.append(f"Stamps will be {side} × {side} pixels: {preview.making}.")
    if side >= _LARGE * _USUAL:
        lines.append(
            f"A training on {side} × {side} pixels takes about {round((side / _USUAL) ** 2)} times as long as on "
            f"{_USUAL} × {_USUAL}: set a smaller stamp size unless the finest detail matters."
        )
    is_joined = not any(isinstance(problem, CatalogueProblem) for problem in preview.problems)
    if with_labels and preview.columns and is_joined:
        labels = ", ".join(preview.label_columns) or "none"
        where = f"{preview.catalogue.name}: " if preview.catalogue is not None else ""
        by = f", matched by “{preview.id_column}”" if preview.id_column else ""
        lines.append(
            f"{where}{preview.matched:,} of {preview.count:,} galaxies have a catalogue row{by}; labels: {labels}."
        )
    return [*lines, *preview.notes[:4]]


def _describe_zero_points(preview: ImportPreview) -> str:
    """What one unit of the pixels is worth; nothing of 8-bit pictures."""
    known = [value for value in preview.zero_points if value is not None]
    if not preview.zero_points:
        return ""
    if not known:
        return "; zero point unknown"
    if len(set(preview.zero_points)) == 1:
        return f"; zero point {known[0]:g} mag"
    each = zip(preview.bands, preview.zero_points, strict=True)
    return "; zero points " + ", ".join(
        f"{band} {'unknown' if value is None else f'{value:g}'}" for band, value in each
    )


def describe_left_out(problems: Sequence[Problem]) -> str:
    """State how many files would be left out, with an example."""
    if not problems:
        return ""
    count = "1 file or row" if len(problems) == 1 else f"{len(problems):,} files or rows"
    return f"{count} will be left out and reported. {problems[0]}"
