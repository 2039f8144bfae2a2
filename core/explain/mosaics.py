"""The figure of the paper: what a filter sees in the nine galaxies that excite it most.

For each filter two mosaics of 3 × 3 stand side by side: the patterns, led back to the pixels by a deconvnet, and the
regions of the galaxies where they lie, both cut to what the filter sees. In the patterns grey is zero; each has its
own scale.

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

from core.data.cutouts import Cutouts
from core.data.stretch import StretchSettings, colour_planes, suited, to_rgb
from core.data.target import Classes
from core.errors import NotPossible, Stopped
from core.events import Progress, Work
from core.explain import activations, deconvnet
from core.explain.pictures import signed_rgb
from core.explain.strongest import Place, Strongest
from core.nets import device as devices
from core.nets.predictor import Predictor
from core.project.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 3
_GAP = 0.05  # of a tile
_WIDTH = 7.1  # inches: a page of a journal
_PAIRS = 2  # in a row
_DOTS_PER_INCH = 300
_BEYOND = "#d9d9d9"  # beyond the stamp's edge


@dataclass(frozen=True, eq=False)
class Mosaic:
    """A filter and what it sees in its strongest galaxies.

    Attributes
    ----------
    number
        Of the filter, from 0.
    places
        k places, the strongest first; none: it never responds.
    patterns, regions
        uint8 (k, h, w, 4), row 0 at the bottom, transparent beyond the stamp's edge.
    kinds
        How many galaxies of each true class, in words; empty if unknown.
    """

    number: int
    places: tuple[Place, ...]
    patterns: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    kinds: str = ""


def draw(
    predictor: Path,
    data: Path,
    found: Strongest,
    filters: Sequence[int],
    stop: threading.Event,
    stretch: StretchSettings | None = None,
) -> Work[list[Mosaic]]:
    """Make the mosaics of some filters.

    Parameters
    ----------
    predictor, data
        Those in which the strongest responses were found.
    found
        The strongest responses.
    filters
        Which, counted from 0.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    stretch
        How galaxies are shown; None: as suits them.

    Raises
    ------
    NotPossible
        The layer has no such filter, or the network no way back.
    """
    found.check(filters)
    loaded = Predictor.load(predictor, devices.choose("auto"))
    if reason := deconvnet.why_not(loaded):
        raise NotPossible(reason, "Choose a network with max pooling.")
    made: list[Mosaic] = []
    with Cutouts.open(data) as cutouts:
        yield Progress(0, len(filters), "filters")
        for number in filters:
            if stop.is_set():
                raise Stopped
            made.append(_mosaic(loaded, cutouts, found, number, stretch or suited(cutouts.is_picture)))
            yield Progress(len(made), len(filters), "filters")
    return made


def _mosaic(
    predictor: Predictor, cutouts: Cutouts, found: Strongest, number: int, stretch: StretchSettings
) -> Mosaic:
    places = found.filters[number]
    if not places:
        none = np.zeros((0, 1, 1, 4), np.uint8)
        return Mosaic(number, places, none, none)
    images = cutouts.images[np.array([place.row for place in places])]  # (k, C, H, W)
    filters, units = [number] * len(places), [place.unit for place in places]
    patterns = deconvnet.patterns(predictor, torch.from_numpy(images), found.layer.name, filters, units)
    bands = [band.name for band in cutouts.bands]
    planes = colour_planes(bands)
    coloured = signed_rgb(patterns.cpu().numpy(), bands)
    return Mosaic(
        number,
        places,
        np.stack([_cut(rgb, found.window(place)) for rgb, place in zip(coloured, places, strict=True)]),
        np.stack(
            [_cut(to_rgb(image, stretch, planes), found.window(p)) for image, p in zip(images, places, strict=True)]
        ),
        _kinds(predictor, cutouts, places),
    )


def _kinds(predictor: Predictor, cutouts: Cutouts, places: Sequence[Place]) -> str:
    """True classes of the galaxies, the most frequent first."""
    target = predictor.target
    if not isinstance(target, Classes) or target.column not in cutouts.columns:
        return ""
    labels = cutouts.columns[target.column]
    counts = Counter(name for place in places if (name := str(labels[place.row])) in target.names)
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _cut(rgb: NDArray[np.uint8], window: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A window (h, w, 4) of a picture (H, W, 3); transparent beyond its edge."""
    top, left, height, width = window
    cut = np.zeros((height, width, 4), np.uint8)
    rows = slice(max(0, top), min(rgb.shape[0], top + height))
    columns = slice(max(0, left), min(rgb.shape[1], left + width))
    inside = cut[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    inside[..., :3], inside[..., 3] = rgb[rows, columns], 255
    return cut


def figure(found: Strongest, mosaics: Sequence[Mosaic]) -> Figure:
    """Draw mosaics as in the paper; no pyplot, which keeps figures alive and picks a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = math.ceil(len(mosaics) / _PAIRS)
    side, inner, outer, head, foot = 1.66, 0.08, 0.22, 0.36, 0.34  # inches
    across, down = 2 * side + inner, side + 0.30
    height = head + lines * down + foot
    drawn = Figure(figsize=(_WIDTH, height))
    FigureCanvasAgg(drawn)
    margin = (_WIDTH - _PAIRS * across - (_PAIRS - 1) * outer) / 2
    for place, mosaic in enumerate(mosaics):
        line, column = divmod(place, _PAIRS)
        left, bottom = margin + column * (across + outer), height - head - (line + 1) * down + 0.08
        for step, tiles in enumerate((mosaic.patterns, mosaic.regions)):
            x = left + step * (side + inner)
            axes = drawn.add_axes((x / _WIDTH, bottom / height, side / _WIDTH, side / height))
            _tiles(axes, tiles)
        top = (bottom + side + 0.04) / height
        text = f"filter {mosaic.number + 1}"
        drawn.text(left / _WIDTH, top, text, fontsize=8, fontweight="bold", va="bottom")
        drawn.text((left + across) / _WIDTH, top, _plain(mosaic.kinds), fontsize=7, ha="right", va="bottom", color="0.3")
    return drawn


def _tiles(axes: Axes, tiles: NDArray[np.uint8]) -> None:
    """Three by three pictures, the first at the top left."""
    axes.set(xlim=(0, _SIDE), ylim=(_SIDE, 0), aspect="auto", xticks=[], yticks=[])
    axes.set_axis_off()
    for place, tile in enumerate(tiles):
        row, column = divmod(place, _SIDE)
        extent = (column + _GAP / 2, column + 1 - _GAP / 2, row + 1 - _GAP / 2, row + _GAP / 2)
        axes.imshow(np.flipud(tile), origin="upper", extent=extent, interpolation="nearest", aspect="auto")
    axes.set(xlim=(0, _SIDE), ylim=(_SIDE, 0))


def save(drawn: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF, by the path's ending; wholly or not at all."""
    with atomic_path(path) as temporary:
        drawn.savefig(temporary, format=path.suffix[1:].lower(), dpi=_DOTS_PER_INCH)


def _plain(text: str) -> str:
    """Keep matplotlib from reading a dollar sign as mathematics."""
    return text.replace("$", r"\$")
