"""Which galaxies excite each filter of a layer most, found in one pass over a dataset.

A filter is known by what it responds to: the nine galaxies of a whole survey with its strongest responses say more
than its weights. A galaxy counts once for each filter, at the place of its largest response there, and only if that
is positive: what an activation drops is no response. The best nine are kept while the images stream by, so that the
memory does not grow with the survey.

References
----------
Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", ECCV.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data.target import Classes, Target, label_text
from core.errors import NotANumber, NotPossible, Stopped
from core.events import NEVER, Progress, Skipped, Work
from core.explain import activations
from core.nets.layers import LayerRow
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor

NUMBER = 9
_BATCH_BYTES = 64e6
_MOST = 256


@dataclass(frozen=True, slots=True)
class Place:
    """Where a filter responds in a galaxy.

    Attributes
    ----------
    row
        Of the galaxy in the dataset.
    galaxy_id
        Its id.
    kind
        Its true class, where the dataset tells one that the network knows; else empty.
    response
        The filter's largest response to it, positive.
    unit
        Row and column of that response on the layer's maps.
    y, x
        Centre of what the filter sees there, in pixels of the stamp from the centre of its first pixel.
    """

    row: int
    galaxy_id: str
    kind: str
    response: float
    unit: tuple[int, int]
    y: float
    x: float


@dataclass(frozen=True)
class TopActivations:
    """The strongest responses of each filter of a layer.

    Attributes
    ----------
    layer
        The layer.
    filters
        For each filter its places, the strongest first, at most :data:`NUMBER`; none: it never responds.
    galaxies
        How many were looked at.
    shape
        (C, H, W) of their stamps.
    pixel_scale
        Median of theirs in arcsec/pixel; NaN if unknown.
    """

    layer: LayerRow
    filters: tuple[tuple[Place, ...], ...]
    galaxies: int
    shape: tuple[int, int, int]
    pixel_scale: float

    @property
    def silent(self) -> tuple[int, ...]:
        """The filters, counted from 0, that respond to none of the galaxies."""
        return tuple(number for number, places in enumerate(self.filters) if not places)

    def telling(self, number: int) -> list[int]:
        """The filters, from 0, that tell most about the classes: those with most galaxies of one class, class by class.

        The classes take turns; among equals, and where classes are unknown, the stronger responses come first. Filters
        of the same class stand together.
        """
        ranked: dict[str, list[tuple[int, float, int]]] = {}
        for which, places in enumerate(self.filters):
            if places:
                kinds = Counter(place.kind for place in places if place.kind)
                kind, count = kinds.most_common(1)[0] if kinds else ("", 0)
                mean = sum(place.response for place in places) / len(places)
                ranked.setdefault(kind, []).append((-count, -mean, which))
        turns = [
            (turn, kind, which) for kind, group in ranked.items() for turn, (*_, which) in enumerate(sorted(group))
        ]
        return [which for *_, which in sorted(sorted(turns)[:number], key=lambda one: (one[1], one[0]))]

    def check(self, filters: Sequence[int]) -> None:
        """Raise :class:`~core.errors.NotPossible` unless the layer has these filters, counted from 0."""
        for number in filters:
            if not 0 <= number < len(self.filters):
                raise NotPossible(
                    f"The layer “{activations.short(self.layer.name)}” has no filter {number + 1}.",
                    f"Its filters are 1 to {len(self.filters)}.",
                )

    def window(self, place: Place) -> tuple[int, int, int, int]:
        """First row, first column, height and width of the pixels that the filter sees at a place.

        The window may reach over the stamp's edge. Along an axis on which the filter sees as much as there is, it
        is the whole stamp.
        """
        field, (height, width) = self.layer.receptive_field, self.shape[1:]
        top, left = (round(centre - (field - 1) / 2) for centre in (place.y, place.x))
        top, rows = (0, height) if field >= height else (top, field)
        left, columns = (0, width) if field >= width else (left, field)
        return top, left, rows, columns


def find(
    predictor: Path | str,
    data: Path | str,
    layer: str = "",
    stop: threading.Event = NEVER,
    rows: NDArray[np.int64] | None = None,
) -> Work[TopActivations]:
    """Find the strongest responses of each filter of a layer.

    Yields progress, and a :class:`~core.events.Skipped` for each doubt whether the images fit the network.

    Parameters
    ----------
    predictor
        A weights file, or the folder of a run.
    data
        The dataset.
    layer
        One with maps, by its name; empty: the last one.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    rows
        Which galaxies; None: all. Of equal responses the earlier galaxy comes first.

    Raises
    ------
    NotPossible
        There is no such layer, or the stamps do not fit the network.
    NotANumber
        A response is not finite.
    UnreadableFile, WrongVersion
        A file cannot be read.

    Examples
    --------
    >>> from core.events import result_of
    >>> found = result_of(find("runs/first", "survey.h5", "activation1"))
    >>> found.layer.name, len(found.filters), found.galaxies
    ('features.activation1', 8, 90)
    >>> strongest = [places[0] for places in found.filters if places]
    >>> all(place.response > 0 for place in strongest)
    True
    """
    with open_network_on_data(predictor, data) as opened:
        loaded, cutouts = opened.predictor, opened.cutouts
        rows = np.arange(len(cutouts)) if rows is None else np.asarray(rows, dtype=np.int64)
        scale = cutouts.pixel_scale[rows]
        scale = float(np.median(scale[np.isfinite(scale)])) if np.isfinite(scale).any() else float("nan")
        for doubt in opened.doubts:
            yield Skipped(doubt)
        found = activations.row_of(loaded, layer, cutouts.shape[1:])
        best = _Best.none(found.shape[0], loaded.device)
        yield Progress(0, len(rows), "galaxies")
        for part in _parts(loaded, rows, cutouts.shape[1:]):
            if stop.is_set():
                raise Stopped
            images = torch.from_numpy(cutouts.images[rows[part]])
            best = best.with_more(activations.responses(loaded, images, found.name), rows[part])
            yield Progress(part.stop, len(rows), "galaxies")
        filters = best.places(found, cutouts.ids, _kinds(loaded.target, cutouts.columns))
        return TopActivations(found, filters, len(rows), cutouts.shape[1:], scale)


def _kinds(target: Target, columns: Mapping[str, NDArray[Any]]) -> list[str]:
    """True class of each galaxy; empty where it is unknown or has none of the network's names."""
    if not isinstance(target, Classes) or target.column not in columns:
        return []
    texts = (label_text(value) for value in columns[target.column])
    return [text if text in target.names else "" for text in texts]


@dataclass(frozen=True)
class _Best:
    """The strongest so far: responses, rows and units (flat), each (F, k), the strongest first."""

    responses: Tensor
    rows: Tensor
    units: Tensor
    width: int = 1

    @classmethod
    def none(cls, filters: int, device: torch.device) -> _Best:
        whole = torch.empty((filters, 0), dtype=torch.int64, device=device)
        return cls(torch.empty((filters, 0), device=device), whole, whole)

    def with_more(self, maps: Tensor, rows: NDArray[np.int64]) -> _Best:
        """Let the galaxies ``rows``, with responses (n, F, h, w), compete."""
        if not bool(torch.isfinite(maps).all()):
            raise NotANumber("A response of the network is not finite.", "Train it again with a lower rate.")
        largest, units = maps.flatten(2).max(dim=2)  # (n, F)
        numbers = torch.from_numpy(rows).to(maps.device)[None].expand(maps.shape[1], -1)
        responses = torch.cat((self.responses, largest.T), dim=1)  # (F, k + n), earlier galaxies first
        order = responses.argsort(dim=1, descending=True, stable=True)[:, :NUMBER]
        return _Best(
            responses.gather(1, order),
            torch.cat((self.rows, numbers), dim=1).gather(1, order),
            torch.cat((self.units, units.T), dim=1).gather(1, order),
            maps.shape[3],
        )

    def places(self, layer: LayerRow, ids: Sequence[str], kinds: Sequence[str]) -> tuple[tuple[Place, ...], ...]:
        """What a person wants to know of them."""

        def place(response: float, row: int, unit: int) -> Place:
            at = divmod(unit, self.width)
            y, x = (layer.offset + layer.stride * step for step in at)
            return Place(row, ids[row], kinds[row] if kinds else "", response, at, y, x)

        filters = zip(self.responses.tolist(), self.rows.tolist(), self.units.tolist(), strict=True)
        return tuple(tuple(place(*one) for one in zip(*best, strict=True) if one[0] > 0) for best in filters)


def _parts(predictor: Predictor, rows: NDArray[np.int64], shape: tuple[int, int, int]) -> Iterator[slice]:
    """Batches whose responses fit into memory."""
    values = shape[1] * shape[2] * (shape[0] + 2 * predictor.network.settings.channels)
    batch = int(min(_MOST, max(1, _BATCH_BYTES / (4 * values))))
    return (slice(first, min(first + batch, len(rows))) for first in range(0, len(rows), batch))
