"""Jobs of the Data room, not yet started, and the source of its thumbnails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.data import catalogue_filter, stretch
from core.data.catalogue_filter import Arrangement, Finder
from core.data.settings import ImportSettings
from core.data.stretch import StretchSettings
from core.events import Work

if TYPE_CHECKING:
    from app.session.pair import Pair
    from core.data.cutouts import Cutouts
    from core.data.duplicates import Duplicates
    from core.data.importing import ImportReport
    from core.data.preview import ImportPreview
    from core.evaluate.similar import SimilarGalaxies, SimilarityIndex
    from core.evaluate.unusual import Unlikeness


class Thumbnails:
    """Draws thumbnails of a dataset, on one thread only, with its own handle on the file.

    Parameters
    ----------
    path
        The dataset.
    settings
        How they are shown; may be changed at any time.
    planes
        Planes shown red, green and blue; None: the mean.
    side
        Their side in pixels.
    """

    def __init__(
        self, path: Path, settings: StretchSettings, planes: tuple[int, int, int] | None, side: int = 96
    ) -> None:
        self.settings = settings
        self._path, self._planes, self._side = path, planes, side
        self._cutouts: Cutouts | None = None

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pictures (n, side, side, 3), row 0 at the bottom."""
        from core.data.cutouts import Cutouts

        if self._cutouts is None:
            self._cutouts = Cutouts.open(self._path)
        return stretch.thumbnails(self._cutouts.images.read_stored(rows), self.settings, self._side, self._planes)

    def close(self) -> None:
        """Close the file, on the same thread."""
        if self._cutouts is not None:
            self._cutouts.close()
            self._cutouts = None


def arrange(wanted: Arrangement, finder: Finder) -> Job:
    """Find and sort the galaxies that the gallery is to show; the result are their rows."""

    def run(stop: threading.Event) -> Work[NDArray[np.int64]]:
        return (yield from catalogue_filter.arrange(wanted, finder, stop))

    return Job("Arranging the galaxies", run, at_once=True)


def preview_import(sources: Sequence[Path], settings: ImportSettings, catalogue: Path | None) -> Job:
    """Preview an import."""

    def run(stop: threading.Event) -> Work[ImportPreview]:
        from core.data.preview import preview

        return (yield from preview(sources, settings, catalogue, stop))

    return Job("Looking at the files", run)


def import_files(sources: Sequence[Path], output: Path, settings: ImportSettings, catalogue: Path | None) -> Job:
    """Import files as a dataset."""

    def run(stop: threading.Event) -> Work[ImportReport]:
        from core.data import importing

        return (yield from importing.run(sources, output, settings, catalogue, stop))

    return Job(f"Importing {output.stem}", run)


def read_coordinates(data: Path, row: int) -> Job:
    """Read a galaxy's WCS as a function from pixel (x, y) to (RA, Dec) in degrees; None without coordinates."""

    def run(stop: threading.Event) -> Work[Callable[[float, float], tuple[float, float]] | None]:
        from core.data.cutouts import Cutouts

        yield from begin_unless_stopped(stop)
        with Cutouts.open(data) as cutouts:
            wcs = cutouts.wcs(row)
        if wcs is None:
            return None

        def position(x: float, y: float) -> tuple[float, float]:
            ra, dec = wcs.celestial.wcs_pix2world(x, y, 0)
            return float(ra), float(dec)

        return position

    return Job("Reading coordinates", run)


def find_similar(pair: Pair, rows: Sequence[int], number: int, index: SimilarityIndex | None) -> Job:
    """Find the galaxies most alike to some; the result is the index, to be used again, and what was found."""

    def run(stop: threading.Event) -> Work[tuple[SimilarityIndex, SimilarGalaxies]]:
        from core.evaluate import similar

        yield from begin_unless_stopped(stop)
        made = index
        if made is None:
            made = yield from similar.load(pair.predictor, pair.data, stop)
        return made, made.find(rows, number)

    return Job("Looking for similar galaxies", run)


def rank_unusual(pair: Pair, number: int) -> Job:
    """Rank galaxies by how unlike the training galaxies they are.

    The result is the ranking and, for the ``number`` strangest ones, the id of the nearest training galaxy.
    """

    def run(stop: threading.Event) -> Work[tuple[Unlikeness, list[str]]]:
        from core.evaluate import unusual

        yield from begin_unless_stopped(stop)
        found = yield from unusual.run(pair.predictor, pair.data, stop)
        return found, [name for name, _ in found.nearest_training_galaxies(found.order[:number])]

    return Job("Looking for strange galaxies", run)


def find_duplicates(data: Path, parts: Sequence[str]) -> Job:
    """Find near-duplicates in a dataset, whose galaxies are in these parts; empty: none is known."""

    def run(stop: threading.Event) -> Work[Duplicates]:
        from core.data.duplicates import Sample, find

        yield from begin_unless_stopped(stop)
        return (yield from find([Sample(data, parts)], stop))

    return Job("Looking for near-duplicates", run)
