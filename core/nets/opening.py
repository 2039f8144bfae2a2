"""Opening a network together with a dataset."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.cutouts import Cutouts
from core.errors import Problem
from core.nets import device as devices
from core.nets.predictor import Predictor


@dataclass(frozen=True, eq=False)
class NetworkOnData:
    """A network and an open dataset that fits it.

    Attributes
    ----------
    predictor
        The network.
    cutouts
        The dataset, open as long as the block.
    doubts
        Differences from the training data that the network can cope with: other bands, another size or pixel scale.
    """

    predictor: Predictor
    cutouts: Cutouts
    doubts: tuple[Problem, ...]


@contextlib.contextmanager
def open_network_on_data(network: Path | str, data: Path | str, device: str = "auto") -> Iterator[NetworkOnData]:
    """Open a network and a dataset, and check that they fit.

    Parameters
    ----------
    network
        A weights file, or the folder of a run.
    data
        A dataset.
    device
        The device on which the network is computed.

    Raises
    ------
    NotPossible
        The stamps have another number of bands than the network, or a size that it cannot process.
    UnreadableFile, WrongVersion
        A file cannot be read.
    """
    predictor = Predictor.load(network, devices.choose(device))
    with Cutouts.open(data) as cutouts:
        bands = [band.name for band in cutouts.bands]
        doubts = predictor.check(bands, cutouts.shape[1:], cutouts.median_pixel_scale)
        doubts += predictor.compare_stamps(cutouts.recipe)
        yield NetworkOnData(predictor, cutouts, tuple(doubts))
