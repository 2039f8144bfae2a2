"""What the window can ask of ``core.explain``, as jobs that were not started yet; late and on paths, like the rest."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.jobs.job import Job
from app.work import begin, load_galaxy
from core.events import Work
from core.explain.faithfulness.settings import AgreementSettings, FaithfulnessSettings, SanityCheckSettings
from core.explain.methods import METHODS
from core.explain.settings import OcclusionSettings
from core.settings.declare import Settings

if TYPE_CHECKING:
    from core.explain.explanation import Explanation
    from core.explain.occlusion_film import OcclusionFilm


@dataclass(frozen=True, eq=False)
class Outlines:
    """Closed lines about what a stamp shows: arrays (n, 2) of x and y in pixels from the centre of the first one."""

    galaxy: tuple[NDArray[np.float64], ...]
    neighbours: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class MapRequest:
    """Why a network says what it says of a galaxy.

    Attributes
    ----------
    predictor, data
        The network's file and the dataset.
    output
        What is asked about; None: what is predicted.
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
        """What the method is called."""
        return METHODS[self.method].title


def explain(request: MapRequest, row: int) -> Job:
    """Find out why the network gives a galaxy its score."""

    def run(stop: threading.Event) -> Work[Explanation]:
        from core.explain import methods

        yield from begin(stop)
        predictor, image, name = load_galaxy(request.predictor, request.data, row)
        return (
            yield from methods.explain(request.method, predictor, image, request.output, request.settings, stop, name)
        )

    return Job(request.title, run)


def render_occlusion_film(request: MapRequest, row: int) -> Job:
    """Let the square of an occlusion move over a galaxy, a picture for each of its places."""

    def run(stop: threading.Event) -> Work[OcclusionFilm]:
        from core.data.stretch import colour_planes, suited
        from core.explain.occlusion_film import render_film
        from core.nets.opening import open_network_on_data

        yield from begin(stop)
        assert isinstance(request.settings, OcclusionSettings)
        with open_network_on_data(request.predictor, request.data, "cpu") as opened:
            predictor, cutouts = opened.predictor, opened.cutouts
            image, name = cutouts.images[row], cutouts.ids[row]
            look = suited(cutouts.is_picture), colour_planes([band.name for band in cutouts.bands])
        return (yield from render_film(predictor, image, request.output, request.settings, *look, stop, name))

    return Job("Filming the moving square", run)


def list_layers(predictor: Path, shape: tuple[int, int, int]) -> Job:
    """Names of the layers that have maps, in their order, for stamps of ``shape`` (C, H, W)."""

    def run(stop: threading.Event) -> Work[list[str]]:
        from core.explain import activations
        from core.nets.predictor import Predictor

        yield from begin(stop)
        return [
            activations.short_name(row.name) for row in activations.layers_with_maps(Predictor.load(predictor), shape)
        ]

    return Job("Listing the layers", run)


def outline_galaxy(data: Path, row: int) -> Job:
    """Tell the galaxy and its neighbours from the sky."""

    def run(stop: threading.Event) -> Work[Outlines]:
        from core.data import segmentation
        from core.data.cutouts import Cutouts

        yield from begin(stop)
        with Cutouts.open(data) as cutouts:
            found = segmentation.segment(cutouts.images[row])
        others = [line for label in found.neighbour_labels for line in found.contours(label)]
        return Outlines(tuple(found.contours(segmentation.GALAXY)), tuple(others))

    return Job("Outlining the galaxy", run)


def assess_map(request: MapRequest, row: int, made: Explanation) -> Job:
    """Whether to believe a map: where it lies, whether the network needs that, and what random networks show."""

    def run(stop: threading.Event) -> Work[str]:
        from core.explain.faithfulness import assessment, sanity_check

        yield from begin(stop)
        predictor, image, _ = load_galaxy(request.predictor, request.data, row)
        found = yield from assessment.assess(predictor, image, made, FaithfulnessSettings(), stop)
        check = yield from sanity_check.check(
            predictor, image, request.output, request.method, request.settings, SanityCheckSettings(), stop
        )
        return "\n".join((*found.sentences(), check.sentence()))

    return Job(f"Doubting {request.title.lower()}", run)


def compare_maps(made: Sequence[Explanation]) -> Job:
    """Whether several maps of one galaxy agree, in a sentence."""

    def run(stop: threading.Event) -> Work[str]:
        from core.explain.faithfulness.agreement import measure_agreement

        yield from begin(stop)
        return measure_agreement(made, AgreementSettings()).sentence()

    return Job("Comparing maps", run)


def save_map(explanation: Explanation, data: Path, row: int, path: Path) -> Job:
    """Write a map as a picture or, with the coordinates of its cutout, as FITS; its result is the path."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.data.cutouts import Cutouts
        from core.explain import batch

        yield from begin(stop)
        with Cutouts.open(data) as cutouts:
            batch.save(explanation, cutouts, row, path)
        return path

    return Job("Saving the map", run)


def save_maps(request: MapRequest, rows: Sequence[int], folder: Path) -> Job:
    """Explain galaxies one by one and write their maps as FITS and PNG; its result is how many."""

    def run(stop: threading.Event) -> Work[int]:
        from core.explain import batch

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

    return Job(f"{request.title} of {len(rows):,} galaxies", run)
