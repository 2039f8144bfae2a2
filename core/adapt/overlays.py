"""The same galaxy explained by a network and by the one that it was fine-tuned from."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapt.moved import find_start, load_start
from core.data.stretch import colour_planes, default_stretch, to_rgb
from core.events import NEVER, Work
from core.explain import methods
from core.explain.explanation import Explanation
from core.nets.opening import hold_at, open_network_on_data
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings

METHOD = "occlusion"  # works for every network, and is in the unit of its score


@dataclass(frozen=True, eq=False)
class Overlays:
    """Where a galaxy supports the answer of either network.

    Attributes
    ----------
    row
        Of the galaxy in the dataset.
    picture
        The galaxy in grey, uint8 (H, W, 3).
    pixel_scale
        In arcsec/pixel; NaN: unknown.
    before, after
        The maps, each of the class that its network finds most probable.
    """

    row: int
    picture: NDArray[np.uint8]
    pixel_scale: float
    before: Explanation
    after: Explanation

    @property
    def limit(self) -> float:
        """The end of the common colour scale."""
        return max(self.before.colour_limit, self.after.colour_limit) or 1.0


def run(
    folder: RunFolder | Path | str,
    data: Path | str,
    row: int,
    stop: threading.Event = NEVER,
    *,
    start: Path | None = None,
) -> Work[Overlays]:
    """Map the evidence for the answers of a fine-tuned network and of the one that it started from.

    Parameters
    ----------
    folder, data, start
        As for :func:`core.adapt.moved.run`.
    row
        Of the galaxy.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    """
    folder = RunFolder.at(folder)
    earlier = start or find_start(folder, toml.load(RunSettings, folder.settings_file))
    with open_network_on_data(folder.best, data, "cpu") as opened:
        image, name, scale = opened.cutouts.images[row], opened.cutouts.ids[row], opened.cutouts.pixel_scale[row]
        planes = colour_planes([band.name for band in opened.cutouts.bands])
        picture = to_rgb(image, default_stretch(opened.cutouts.is_picture), planes)
        now, base = opened.of_galaxy(row), hold_at(load_start(earlier, opened.predictor), opened.cutouts, row)
    before = yield from methods.explain(METHOD, base, image, stop=stop, galaxy_id=name)
    after = yield from methods.explain(METHOD, now, image, stop=stop, galaxy_id=name)
    grey = picture.mean(axis=2, keepdims=True).round().astype(np.uint8).repeat(3, axis=2)
    return Overlays(row, grey, float(scale), before, after)
