"""Jobs that several rooms share, not yet started; each room has more of them in its own ``work``.

These modules are the only doors from the window to the chapters that import torch, astropy or GalSim, and they open
late: those are imported inside the generators, which means on the job's thread. Only paths and frozen values go in.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.jobs.job import Job
from core.errors import Stopped
from core.events import Progress, Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.evaluate.predict import Predictions
    from core.evaluate.written_table import WrittenTable
    from core.evaluate.zero_point_question import ZeroPointQuestion
    from core.nets.layers import LayerRow
    from core.nets.opening import BandFit
    from core.nets.predictor import Predictor


def predict(predictor: Path, data: Path, rows: NDArray[np.int64] | None) -> Job:
    """Predictions for some rows of a dataset, or for all."""

    def run(stop: threading.Event) -> Work[Predictions]:
        from core.evaluate import predict as predicting

        return (yield from predicting.run(predictor, data, rows, stop))

    return Job("Predicting", run)


@dataclass(frozen=True)
class PixelAnswer:
    """What somebody has said of the pixels of images.

    Attributes
    ----------
    zero_points
        The magnitude of one unit of the pixels of each band; empty: unknown.
    pixel_scale
        Where files do not give it [arcsec/pixel]; None: unknown.
    """

    zero_points: tuple[float, ...] = ()
    pixel_scale: float | None = None


def find_zero_point_question(network: Path, data: Path | Sequence[Path]) -> Job:
    """What has to be asked about the pixels of a dataset or of image files before they are measured; None: nothing."""

    def run(stop: threading.Event) -> Work[ZeroPointQuestion | None]:
        from core.evaluate import zero_point_question

        yield from begin_unless_stopped(stop)
        return (yield from zero_point_question.find_question(network, data, stop))

    return Job("Looking at the pixels", run)


def save_answers(network: Path, data: Path | Sequence[Path], table: Path, pixels: PixelAnswer | None = None) -> Job:
    """Write a network's answers for all galaxies of a dataset or of image files as a table, piece by piece.

    They go on where they stood if the job was stopped. What a network of quantities measures has calibrated errors, and
    a flag at each galaxy that needs a look. Stamps of image files are made as those of the training. ``pixels`` is what
    was asked for.
    """

    def run(stop: threading.Event) -> Work[WrittenTable]:
        from core.evaluate import predict_table
        from core.evaluate.written_table import Wish

        yield from begin_unless_stopped(stop)
        zero_points, scale = ((), None) if pixels is None else (pixels.zero_points, pixels.pixel_scale)
        changes = {} if scale is None else {"pixel_scale": scale}
        wish = Wish(changes=changes, zero_points=zero_points)
        return (yield from predict_table.run(network, data, table, stop, wish=wish))

    return Job(f"Predicting {data.stem if isinstance(data, Path) else table.stem}", run)


def compare_bands(network: Path, data: Path) -> Job:
    """Compare the bands of a network with those of a dataset."""

    def run(stop: threading.Event) -> Work[BandFit]:
        from core.nets import opening

        yield from begin_unless_stopped(stop)
        return opening.compare_bands(network, data)

    return Job("Comparing the bands", run)


def read_base_layers(base: Path, shape: tuple[int, int, int]) -> Job:
    """List the layers of a trained network, for stamps of this shape."""

    def run(stop: threading.Event) -> Work[list[LayerRow]]:
        from core.nets import layers
        from core.nets.predictor import Predictor

        yield from begin_unless_stopped(stop)
        loaded = Predictor.load(base, needs_answers=False)
        shape_as_seen = (loaded.stamp_shape[0], *shape[1:])  # with the bands that feed the network
        loaded.check(loaded.bands, shape_as_seen, math.nan)
        return layers.table(loaded.network, shape_as_seen)

    return Job("Describing the network", run)


def load_galaxy(network: Path, data: Path, row: int) -> tuple[Predictor, NDArray[np.float32], str]:
    """A network as it answers a galaxy of a dataset, and its image (C, H, W) and id; for generators of jobs.

    See :meth:`core.nets.opening.NetworkOnData.of_galaxy`.

    Raises
    ------
    NotPossible
        The stamps do not fit the network.
    UnreadableFile, WrongVersion
        A file cannot be read.
    """
    from core.nets.opening import open_network_on_data

    with open_network_on_data(network, data, "cpu") as opened:
        return opened.of_galaxy(row), opened.cutouts.images[row], opened.cutouts.ids[row]


def begin_unless_stopped(stop: threading.Event) -> Work[Any]:
    """End a request that was replaced before it began, without doing its work."""
    if stop.is_set():
        raise Stopped
    yield Progress(0, None)
