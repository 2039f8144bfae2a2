"""Jobs of the panel “Why?”, not yet started. They import ``core.explain`` late and take paths, as in ``app.work``."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.jobs.job import Job
from app.work import begin_unless_stopped, load_galaxy
from core.events import Work
from core.explain.faithfulness.settings import AgreementSettings, FaithfulnessSettings, SanityCheckSettings
from core.explain.methods import METHODS
from core.explain.settings import OcclusionSettings
from core.project.files import ask_before_writing
from core.project.outputs import refuse_foreign
from core.settings.declare import Settings
from core.wording import count_of

if TYPE_CHECKING:
    from core.explain.explanation import Explanation
    from core.explain.occlusion_film import OcclusionFilm


@dataclass(frozen=True, eq=False)
class Outlines:
    """Closed contours in a stamp: arrays (n, 2) of x and y in pixels from the centre of the first pixel."""

    galaxy: tuple[NDArray[np.float64], ...]
    neighbours: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class MapRequest:
    """All that an attribution map depends on, except the galaxy.

    Attributes
    ----------
    predictor, data
        The network's file and the dataset.
    output
        The output to explain; None: the predicted one.
    method, settings
        One of :data:`core.explain.methods.METHODS`, and its settings.
    """

    predictor: Path
    data: Path
    output: str | None
    method: str
    settings: Settings

    @property
    def title(self) -> str:
        """Title of the method."""
        return METHODS[self.method].title


def explain(request: MapRequest, row: int) -> Job:
    """Compute the attribution map of one galaxy."""

    def run(stop: threading.Event) -> Work[Explanation]:
        from core.explain import methods

        yield from begin_unless_stopped(stop)
        predictor, image, name = load_galaxy(request.predictor, request.data, row)
        return (
            yield from methods.explain(request.method, predictor, image, request.output, request.settings, stop, name)
        )

    return Job(request.title, run)


def render_occlusion_film(request: MapRequest, row: int) -> Job:
    """Render the occlusion square moving over a galaxy, one picture for each position."""

    def run(stop: threading.Event) -> Work[OcclusionFilm]:
        from core.data.stretch import colour_planes, default_stretch
        from core.explain.occlusion_film import render_film
        from core.nets.opening import open_network_on_data

        yield from begin_unless_stopped(stop)
        assert isinstance(request.settings, OcclusionSettings)
        with open_network_on_data(request.predictor, request.data, "cpu") as opened:
            predictor, cutouts = opened.of_galaxy(row), opened.cutouts
            image, name = cutouts.images[row], cutouts.ids[row]
            look = default_stretch(cutouts.is_picture), colour_planes([band.name for band in cutouts.bands])
        return (yield from render_film(predictor, image, request.output, request.settings, *look, stop, name))

    return Job("Filming the moving square", run)


def list_layers(predictor: Path, shape: tuple[int, int, int]) -> Job:
    """List the names of the layers with feature maps, in order, for stamps of ``shape`` (C, H, W)."""

    def run(stop: threading.Event) -> Work[list[str]]:
        from core.explain import activations
        from core.nets.predictor import Predictor

        yield from begin_unless_stopped(stop)
        loaded = Predictor.load(predictor).members[0]  # those of an ensemble mostly are alike
        shape_as_seen = (loaded.stamp_shape[0], *shape[1:])  # with the bands that feed the network
        loaded.check(loaded.bands, shape_as_seen, math.nan)
        return [activations.short_name(row.name) for row in activations.layers_with_maps(loaded, shape_as_seen)]

    return Job("Listing the layers", run)


def outline_galaxy(data: Path, row: int) -> Job:
    """Segment a stamp into galaxy, neighbours and sky, and trace the contours of the first two."""

    def run(stop: threading.Event) -> Work[Outlines]:
        from core.data import segmentation
        from core.data.cutouts import Cutouts

        yield from begin_unless_stopped(stop)
        with Cutouts.open(data) as cutouts:
            found = segmentation.segment(cutouts.images[row])
        others = [line for label in found.neighbour_labels for line in found.contours(label)]
        return Outlines(tuple(found.contours(segmentation.GALAXY)), tuple(others))

    return Job("Outlining the galaxy", run)


def assess_map(request: MapRequest, row: int, made: Explanation) -> Job:
    """Assess the faithfulness of a map: localisation, deletion and insertion, and the check with random weights."""

    def run(stop: threading.Event) -> Work[str]:
        from core.explain.faithfulness import assessment, sanity_check

        yield from begin_unless_stopped(stop)
        predictor, image, _ = load_galaxy(request.predictor, request.data, row)
        found = yield from assessment.assess(predictor, image, made, FaithfulnessSettings(), stop)
        check = yield from sanity_check.check(
            predictor, image, request.output, request.method, request.settings, SanityCheckSettings(), stop
        )
        return "\n".join((*found.sentences(), check.sentence()))

    return Job(f"Assessing {request.title.lower()}", run)


def compare_maps(made: Sequence[Explanation]) -> Job:
    """Measure the agreement of several maps of one galaxy, as a sentence."""

    def run(stop: threading.Event) -> Work[str]:
        from core.explain.faithfulness.agreement import measure_agreement

        yield from begin_unless_stopped(stop)
        return measure_agreement(made, AgreementSettings()).sentence()

    return Job("Comparing maps", run)


def make_map_writer(explanation: Explanation, data: Path, row: int) -> Callable[[Path], None]:
    """What writes a map to a path, on the thread of a job."""

    def write(path: Path) -> None:
        from core.data.cutouts import Cutouts
        from core.explain import batch

        with Cutouts.open(data) as cutouts:
            batch.save(explanation, cutouts, row, path)

    return write


def save_map(explanation: Explanation, data: Path, row: int, path: Path) -> Job:
    """Write a map as a picture or, with the coordinates of its cutout, as FITS; the result is the path."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.data.cutouts import Cutouts
        from core.explain import batch

        yield from begin_unless_stopped(stop)
        with Cutouts.open(data) as cutouts:
            batch.save(explanation, cutouts, row, path)
        return path

    return Job("Saving the map", run)


def save_maps(request: MapRequest, rows: Sequence[int], folder: Path) -> Job:
    """Explain galaxies one by one and write their maps as FITS and PNG; the result is their number."""

    def run(stop: threading.Event) -> Work[int]:
        from core.explain import batch

        with ask_before_writing(refuse_foreign):
            return (
                yield from batch.explain_many(
                    request.predictor,
                    request.data,
                    rows,
                    request.output,
                    request.method,
                    request.settings,
                    folder,
                    stop,
                )
            )

    return Job(f"{request.title} of {count_of(len(rows), 'galaxy')}", run)
