"""Which galaxies excite each filter of a layer most, found in one pass over a dataset.

A filter is best described by what it responds to: the nine galaxies of a whole survey with its strongest responses
show more than its weights. A galaxy counts once for each filter, at the position of its largest response, and only if
that is positive: values that an activation sets to zero are no responses. Only the best nine are kept while the images
stream by, so that the memory does not grow with the survey.

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
_MOST_PER_BATCH = 256


@dataclass(frozen=True, slots=True)
class Place:
    """Where a filter responds in a galaxy.

    Attributes
    ----------
    row
        Row of the galaxy in the dataset.
    galaxy_id
        Its id.
    class_name
        Its true class, where the dataset has one that the network knows; else empty.
    response
        The filter's largest response to it, positive.
    position
        Row and column of that response on the layer's maps.
    y, x
        Centre of the filter's receptive field there, in pixels of the stamp from the centre of its first pixel.
    """

    row: int
    galaxy_id: str
    class_name: str
    response: float
    position: tuple[int, int]
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
        Number of galaxies searched.
    shape
        (C, H, W) of their stamps.
    pixel_scale
        Their median pixel scale in arcsec/pixel; NaN if unknown.
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

    def most_class_selective(self, number: int) -> list[int]:
        """The ``number`` most class-selective filters, counted from 0: those with most galaxies of one class.

        The classes take turns; among equals, and where classes are unknown, the stronger responses come first. Filters
        of the same class stand together.
        """
        ranked: dict[str, list[tuple[int, float, int]]] = {}
        for which, places in enumerate(self.filters):
            if places:
                counts = Counter(place.class_name for place in places if place.class_name)
                name, count = counts.most_common(1)[0] if counts else ("", 0)
                mean = sum(place.response for place in places) / len(places)
                ranked.setdefault(name, []).append((-count, -mean, which))
        turns = [
            (turn, name, which) for name, group in ranked.items() for turn, (*_, which) in enumerate(sorted(group))
        ]
        return [which for *_, which in sorted(sorted(turns)[:number], key=lambda one: (one[1], one[0]))]

    def check(self, filters: Sequence[int]) -> None:
        """Raise :class:`~core.errors.NotPossible` unless the layer has these filters, counted from 0."""
        for number in filters:
            if not 0 <= number < len(self.filters):
                raise NotPossible(
                    f"The layer “{activations.short_name(self.layer.name)}” has no filter {number + 1}.",
                    f"Its filters are 1 to {len(self.filters)}.",
                )

    def window(self, place: Place) -> tuple[int, int, int, int]:
        """First row, first column, height and width of the filter's receptive field at a place.

        The window may extend beyond the stamp's edge. Along an axis on which the field is at least as large as the
        stamp, it is the whole stamp.
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
        Name of a layer with maps; empty: the last one.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    rows
        Which galaxies; None: all. Of equal responses the earlier galaxy comes first.

    Raises
    ------
    NotPossible
        There is no such layer, or the stamps do not fit the network.
    NotANumber
        No galaxy has finite responses; a single one without them is reported and left out.
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
        found = activations.find_layer(loaded, layer, cutouts.shape[1:])
        best = _TopResponses.empty(found.shape[0], loaded.device)
        failed: list[NotANumber] = []
        yield Progress(0, len(rows), "galaxies")
        for batch in _batches(loaded, rows, cutouts.shape[1:]):
            if stop.is_set():
                raise Stopped
            maps = activations.responses(loaded, torch.from_numpy(cutouts.images[rows[batch]]), found.name)
            is_finite = torch.isfinite(maps).flatten(1).all(dim=1).cpu()
            for row in rows[batch][~is_finite.numpy()].tolist():
                name = cutouts.ids[row]
                failed.append(NotANumber("A response of the network to this galaxy is not finite.", "", name))
                yield Skipped(failed[-1], is_failure=True)
            best = best.merge(maps[is_finite.to(maps.device)], rows[batch][is_finite.numpy()])
            yield Progress(batch.stop, len(rows), "galaxies")
        if failed and len(failed) == len(rows):
            raise NotANumber("A response of the network is not finite.", "Train it again with a lower learning rate.")
        filters = best.places(found, cutouts.ids, _true_classes(loaded.target, cutouts.columns))
        return TopActivations(found, filters, len(rows) - len(failed), cutouts.shape[1:], scale)


def _true_classes(target: Target, columns: Mapping[str, NDArray[Any]]) -> list[str]:
    """True class of each galaxy; empty where it is unknown or has none of the network's names."""
    if not isinstance(target, Classes) or target.column not in columns:
        return []
    texts = (label_text(value) for value in columns[target.column])
    return [text if text in target.names else "" for text in texts]


@dataclass(frozen=True)
class _TopResponses:
    """The strongest so far: responses, rows and flat positions on the maps, each (F, k), the strongest first."""

    responses: Tensor
    rows: Tensor
    positions: Tensor
    width: int = 1

    @classmethod
    def empty(cls, filters: int, device: torch.device) -> _TopResponses:
        whole = torch.empty((filters, 0), dtype=torch.int64, device=device)
        return cls(torch.empty((filters, 0), device=device), whole, whole)

    def merge(self, maps: Tensor, rows: NDArray[np.int64]) -> _TopResponses:
        """Keep the strongest of these and of the galaxies ``rows`` with responses (n, F, h, w)."""
        largest, positions = maps.flatten(2).max(dim=2)  # (n, F)
        numbers = torch.from_numpy(rows).to(maps.device)[None].expand(maps.shape[1], -1)
        responses = torch.cat((self.responses, largest.T), dim=1)  # (F, k + n), earlier galaxies first
        order = responses.argsort(dim=1, descending=True, stable=True)[:, :NUMBER]
        return _TopResponses(
            responses.gather(1, order),
            torch.cat((self.rows, numbers), dim=1).gather(1, order),
            torch.cat((self.positions, positions.T), dim=1).gather(1, order),
            maps.shape[3],
        )

    def places(self, layer: LayerRow, ids: Sequence[str], class_names: Sequence[str]) -> tuple[tuple[Place, ...], ...]:
        """The positions as :class:`Place`, only where the response is positive."""

        def place(response: float, row: int, position: int) -> Place:
            at = divmod(position, self.width)
            y, x = (layer.offset + layer.stride * step for step in at)
            return Place(row, ids[row], class_names[row] if class_names else "", response, at, y, x)

        filters = zip(self.responses.tolist(), self.rows.tolist(), self.positions.tolist(), strict=True)
        return tuple(tuple(place(*one) for one in zip(*best, strict=True) if one[0] > 0) for best in filters)


def _batches(predictor: Predictor, rows: NDArray[np.int64], shape: tuple[int, int, int]) -> Iterator[slice]:
    """Batches whose responses fit into memory."""
    values = shape[1] * shape[2] * (shape[0] + 2 * predictor.network.settings.channels)
    batch = int(min(_MOST_PER_BATCH, max(1, _BATCH_BYTES / (4 * values))))
    return (slice(first, min(first + batch, len(rows))) for first in range(0, len(rows), batch))
