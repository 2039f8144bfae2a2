"""A figure in the style of Zeiler & Fergus: what a filter responds to in the nine galaxies that excite it most.

For each filter two mosaics of 3 × 3 stand side by side: the patterns, projected back to the pixels by a deconvnet, and
the regions of the galaxies where they lie, both cut to the filter's receptive field. In the patterns grey is zero; each
has its own scale.

Patterns are noisier than galaxies. No image has structure finer than its point-spread function, so training never
changes the response of the initial, random weights to such structure. The patterns are therefore smoothed with a
narrow Gaussian: the response to a smoothed image is that of the smoothed pattern to the image itself.

References
----------
Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", ECCV, figure 2.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.data.cutouts import Cutouts
from core.data.stretch import StretchSettings, colour_planes, default_stretch, to_rgb
from core.errors import NotPossible, Stopped
from core.events import NEVER, Progress, Work
from core.explain import deconvnet
from core.explain.activations import short_name
from core.explain.gradient_ascent import blur
from core.explain.signed_colours import signed_rgb
from core.explain.top_activations import NUMBER, Place, TopActivations
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor
from core.printable import escape_mathtext
from core.project.files import atomic_path
from core.version import mark_of_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMOOTHING = 1.0
"""Standard deviation of the Gaussian over the patterns, in pixels."""

_DOTS_PER_INCH = 300
_ACROSS = 2  # filters per line
_SIDE, _INNER, _OUTER = 1.66, 0.07, 0.24  # inches: a mosaic, within a pair, between pairs; a journal's page in all
_TITLE, _LINE, _MARGIN = 0.38, 0.20, 0.10  # inches: above all, above each line, around
_GAP = 0.05  # of a tile
_OUTSIDE_SHADE = 0.87  # shade beyond the stamp's edge
_LETTERS = 200  # of a line
_GREY = "0.35"  # shade of secondary text


@dataclass(frozen=True, eq=False)
class FilterMosaic:
    """A filter and what it responds to in its strongest galaxies.

    Attributes
    ----------
    number
        Number of the filter, from 0.
    places
        k places, the strongest first; none: it never responds.
    patterns, regions
        uint8 (k, h, w, 4), row 0 at the bottom, transparent beyond the stamp's edge.
    """

    number: int
    places: tuple[Place, ...]
    patterns: NDArray[np.uint8]
    regions: NDArray[np.uint8]

    @property
    def class_counts(self) -> str:
        """Number of galaxies of each true class, the most frequent first; empty if unknown."""
        counts = Counter(place.class_name for place in self.places if place.class_name)
        return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def make_mosaics(
    predictor: Path,
    data: Path,
    found: TopActivations,
    filters: Sequence[int],
    stop: threading.Event = NEVER,
    smoothing: float = SMOOTHING,
    stretch: StretchSettings | None = None,
) -> Work[list[FilterMosaic]]:
    """Make the mosaics of some filters.

    Parameters
    ----------
    predictor, data
        The network and the dataset in which the strongest responses were found.
    found
        The strongest responses.
    filters
        Which, counted from 0.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    smoothing
        Standard deviation of the Gaussian over the patterns, in pixels; 0: none.
    stretch
        How galaxies are shown; None: as suits the dataset.

    Raises
    ------
    NotPossible
        The layer has no such filter, or a deconvnet does not work for the network.
    """
    found.check(filters)
    made: list[FilterMosaic] = []
    with open_network_on_data(predictor, data) as opened:  # what may be doubted was told with the strongest responses
        loaded, cutouts = opened.predictor, opened.cutouts
        if reason := deconvnet.unsupported_reason(loaded):
            raise NotPossible(reason, "Choose a network with max pooling.")
        shown = stretch or default_stretch(cutouts.is_picture)
        yield Progress(0, len(filters), "filters")
        for number in filters:
            if stop.is_set():
                raise Stopped
            made.append(_make_mosaic(loaded, cutouts, found, number, smoothing, shown))
            yield Progress(len(made), len(filters), "filters")
    return made


def _make_mosaic(
    predictor: Predictor,
    cutouts: Cutouts,
    found: TopActivations,
    number: int,
    smoothing: float,
    stretch: StretchSettings,
) -> FilterMosaic:
    places = found.filters[number]
    windows = [found.window(place) for place in places]
    if not places:
        none = np.zeros((0, 1, 1, 4), np.uint8)
        return FilterMosaic(number, places, none, none)
    images = cutouts.images[np.array([place.row for place in places])]  # (k, C, H, W)
    filters, positions = [number] * len(places), [place.position for place in places]
    patterns = deconvnet.project_responses(predictor, torch.from_numpy(images), found.layer.name, filters, positions)
    bands = [band.name for band in cutouts.bands]
    planes = colour_planes(bands)
    return FilterMosaic(
        number,
        places,
        _cut(signed_rgb(_smooth(patterns, smoothing).cpu().numpy(), bands), windows),
        _cut([to_rgb(image, stretch, planes) for image in images], windows),
    )


def _smooth(patterns: Tensor, sigma: float) -> Tensor:
    """Patterns (k, C, H, W) under a Gaussian; beyond their edge there is nothing."""
    if sigma <= 0:
        return patterns
    edge = math.ceil(4 * sigma)
    wide = functional.pad(patterns, (edge,) * 4)
    return blur(wide.flatten(0, 1), sigma).view_as(wide)[..., edge:-edge, edge:-edge]


def _cut(
    pictures: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], windows: Sequence[tuple[int, int, int, int]]
) -> NDArray[np.uint8]:
    """Windows (k, h, w, 4) of pictures (k, H, W, 3), transparent beyond their edges."""
    cut = np.zeros((len(windows), *windows[0][2:], 4), np.uint8)
    for piece, picture, (top, left, height, width) in zip(cut, pictures, windows, strict=True):
        rows = slice(max(0, top), min(picture.shape[0], top + height))
        columns = slice(max(0, left), min(picture.shape[1], left + width))
        inside = piece[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        inside[..., :3], inside[..., 3] = picture[rows, columns], 255
    return cut


def draw_figure(found: TopActivations, mosaics: Sequence[FilterMosaic]) -> Figure:
    """Draw mosaics as in the paper, patterns on the left of each pair and galaxies on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across = min(_ACROSS, max(1, len(mosaics)))
    pair, lines = 2 * _SIDE + _INNER, math.ceil(len(mosaics) / across)
    width = 2 * _MARGIN + across * pair + (across - 1) * _OUTER
    height = _TITLE + lines * (_LINE + _SIDE + _MARGIN)
    drawn = Figure(figsize=(width, height))  # no pyplot: it keeps figures alive and picks a screen
    FigureCanvasAgg(drawn)

    def write(x: float, y: float, text: str, **look: object) -> None:
        drawn.text(x / width, 1 - y / height, escape_mathtext(text, _LETTERS), va="baseline", **look)  # pyrefly: ignore[bad-argument-type]

    write(_MARGIN, 0.22, _title(found), fontsize=8)
    for place, mosaic in enumerate(mosaics):
        line, column = divmod(place, across)
        left, top = _MARGIN + column * (pair + _OUTER), _TITLE + line * (_LINE + _SIDE + _MARGIN) + _LINE
        write(left, top - 0.05, f"filter {mosaic.number + 1}", fontsize=8, fontweight="bold")
        summary = mosaic.class_counts if mosaic.places else "never responds"
        write(left + pair, top - 0.05, summary, fontsize=7, color=_GREY, ha="right")
        for step, tiles in enumerate((mosaic.patterns, mosaic.regions)):
            x, y = (left + step * (_SIDE + _INNER)) / width, 1 - (top + _SIDE) / height
            _draw_tiles(drawn.add_axes((x, y, _SIDE / width, _SIDE / height)), tiles)
    return drawn


def _title(found: TopActivations) -> str:
    rows, columns = (min(found.layer.receptive_field, side) for side in found.shape[1:])
    arcsec = f" ({columns * found.pixel_scale:.3g}″)" if math.isfinite(found.pixel_scale) else ""
    return (
        f"{short_name(found.layer.name)}: patterns (left) and images (right) of the {NUMBER} strongest responses among "
        f"{found.galaxies:,} galaxies; {columns} × {rows} pixels{arcsec}"
    )


def _draw_tiles(axes: Axes, tiles: NDArray[np.uint8]) -> None:
    """Three by three pictures, the strongest at the top left."""
    side = math.isqrt(NUMBER)
    axes.set_axis_off()
    for place, tile in enumerate(tiles):
        row, column = divmod(place, side)
        height, width = ((1 - _GAP) / 2 * length / max(tile.shape[:2]) for length in tile.shape[:2])
        x, y = column + 0.5, side - row - 0.5
        beyond = tile[..., 3:] == 0
        shown = np.where(beyond, np.uint8(255 * _OUTSIDE_SHADE), tile[..., :3])
        extent = (x - width, x + width, y - height, y + height)
        axes.imshow(shown, origin="lower", extent=extent, interpolation="nearest", aspect="auto")
    axes.set(xlim=(_GAP / 2, side - _GAP / 2), ylim=(_GAP / 2, side - _GAP / 2))


def save_figure(drawn: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF, by the path's extension; completely or not at all."""
    with atomic_path(path) as temporary:
        kind = path.suffix[1:].lower()
        drawn.savefig(temporary, format=kind, dpi=_DOTS_PER_INCH, metadata=mark_of_pictures(kind))
