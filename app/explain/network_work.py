"""Jobs that look into a network (filters, dreams, features, faithfulness), not yet started."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.jobs.job import Job
from app.session.pair import Pair
from app.work import begin_unless_stopped, load_galaxy
from core.data.settings import Part
from core.data.stretch import colour_planes, default_stretch
from core.data.target import Target
from core.events import Work
from core.explain.faithfulness.settings import FaithfulnessSettings
from core.explain.settings import ClassDreamSettings, DeepDreamSettings, FeatureMapSettings
from core.project.labels import LabelJournal

if TYPE_CHECKING:
    from core.explain.activations import FeatureMaps
    from core.explain.dream import Dream
    from core.explain.faithfulness.table import FaithfulnessTable
    from core.explain.features import FeatureMap
    from core.explain.mosaics import FilterMosaic
    from core.explain.top_activations import TopActivations


@dataclass(frozen=True)
class NetworkOutline:
    """Outputs of a network, and its layers with feature maps.

    Attributes
    ----------
    target
        The target of its training.
    outputs
        Names of its outputs.
    titles
        Titles of the layers with feature maps, in order, by their short names.
    bands
        Names of its bands.
    """

    target: Target
    outputs: tuple[str, ...]
    titles: Mapping[str, str]
    bands: tuple[str, ...]


def describe_network(pair: Pair, shape: tuple[int, int, int]) -> Job:
    """List outputs and layers of a network, for stamps of ``shape`` (C, H, W)."""

    def run(stop: threading.Event) -> Work[NetworkOutline]:
        from core.explain import activations
        from core.nets.predictor import Predictor

        yield from begin_unless_stopped(stop)
        loaded = Predictor.load(pair.predictor)
        shape_as_seen = (loaded.stamp_shape[0], *shape[1:])  # with the bands that feed the network
        loaded.check(loaded.bands, shape_as_seen, math.nan)
        names = [
            (activations.short_name(row.name), row.shape[0])
            for row in activations.layers_with_maps(loaded, shape_as_seen)
        ]
        titles = {name: f"{name}, {filters} filters" for name, filters in names}
        return NetworkOutline(loaded.target, loaded.output_names, titles, loaded.bands)

    return Job("Listing the layers", run)


def make_dream(pair: Pair, row: int, output: str | None, settings: ClassDreamSettings | DeepDreamSettings) -> Job:
    """Optimise an image from a galaxy, or from sky with its colours; previews and result are dreams."""

    def run(stop: threading.Event) -> Work[Dream]:
        from core.explain import dreams

        yield from begin_unless_stopped(stop)
        loaded, image, name = load_galaxy(pair.predictor, pair.data, row)
        if isinstance(settings, DeepDreamSettings):
            return (yield from dreams.deep_dream(loaded, image, output, settings, stop, name))
        return (yield from dreams.class_dream(loaded, image, output, settings, stop, name))

    return Job("Dreaming", run)


def save_dream(made: Dream, pair: Pair, row: int, path: Path) -> Job:
    """Write a dream as a picture and, beside it, as FITS with the coordinates of its galaxy; the result is both."""

    def run(stop: threading.Event) -> Work[tuple[Path, Path]]:
        from core.nets.opening import open_network_on_data

        yield from begin_unless_stopped(stop)
        with open_network_on_data(pair.predictor, pair.data, "cpu") as opened:
            cutouts = opened.cutouts
            wcs, bands = cutouts.wcs(row), [band.name for band in cutouts.bands]
            stretch = default_stretch(cutouts.is_picture)
        picture, table = path.with_suffix(".png"), path.with_suffix(".fits")
        made.save_png(picture, stretch, colour_planes(bands))
        made.save_fits(table, wcs)
        return picture, table

    return Job("Saving the dream", run)


def find_top_activations(pair: Pair, layer: str) -> Job:
    """Find the galaxies with the strongest activation of each filter of a layer."""

    def run(stop: threading.Event) -> Work[TopActivations]:
        from core.explain import top_activations as search

        return (yield from search.find(pair.predictor, pair.data, layer, stop))

    return Job(f"Strongest galaxies of {layer}", run)


def draw_mosaics(pair: Pair, found: TopActivations, filters: Sequence[int]) -> Job:
    """Draw the image regions and patterns that filters, counted from 0, respond to in their strongest galaxies."""

    def run(stop: threading.Event) -> Work[list[FilterMosaic]]:
        from core.explain import mosaics as drawing

        return (yield from drawing.make_mosaics(pair.predictor, pair.data, found, filters, stop))

    return Job("Drawing filters", run)


def save_mosaics(found: TopActivations, made: Sequence[FilterMosaic], path: Path) -> Job:
    """Write the figure of some filters as PNG, SVG or PDF, by the path's ending; the result is the path."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.explain import mosaics as drawing

        yield from begin_unless_stopped(stop)
        drawing.save_figure(drawing.draw_figure(found, made), path)
        return path

    return Job("Saving the figure", run)


def compute_responses(pair: Pair, row: int) -> Job:
    """Compute the feature maps of every layer for one galaxy."""

    def run(stop: threading.Event) -> Work[list[FeatureMaps]]:
        from core.explain import activations

        yield from begin_unless_stopped(stop)
        loaded, image, _ = load_galaxy(pair.predictor, pair.data, row)
        return activations.feature_maps(loaded, image)

    return Job("Computing feature maps", run)


def read_first_weights(pair: Pair) -> Job:
    """Read the weights of the first convolution as pictures, uint8 (F, k, k, 3)."""

    def run(stop: threading.Event) -> Work[NDArray[np.uint8]]:
        from core.explain import activations
        from core.nets.predictor import Predictor

        yield from begin_unless_stopped(stop)
        return activations.first_weights_rgb(Predictor.load(pair.predictor))

    return Job("Reading the first weights", run)


def compute_feature_map(pair: Pair, settings: FeatureMapSettings) -> Job:
    """Project the last features of all galaxies onto a plane."""

    def run(stop: threading.Event) -> Work[FeatureMap]:
        from core.explain import features

        return (yield from features.run(pair.predictor, pair.data, settings, stop))

    return Job("Drawing the map of the galaxies", run)


def assess_faithfulness(
    run: Path, data: Path, part: Part, settings: FaithfulnessSettings, hand_labels: LabelJournal | None
) -> Job:
    """Assess on which regions a run's decisions rest, over a part of a dataset."""

    def work(stop: threading.Event) -> Work[FaithfulnessTable]:
        from core.explain.faithfulness import table

        return (yield from table.assess_many(run, data, part, settings, stop, hand_labels=hand_labels))

    return Job(f"Assessing “{run.name}”", work)


def save_faithfulness_table(found: FaithfulnessTable, path: Path) -> Job:
    """Write the faithfulness table as CSV; the result is its path."""

    def run(stop: threading.Event) -> Work[Path]:
        yield from begin_unless_stopped(stop)
        found.save(path)
        return path

    return Job("Saving the table", run)
