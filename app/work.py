"""Everything that the window can ask of ``core``, as jobs that were not started yet.

With :mod:`app.explaining`, this is the only door from the window to the chapters that import torch, astropy or GalSim,
and it opens late: they are imported inside the generators, which means on the job's thread. Only paths and frozen
values go in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.jobs import Job
from app.quiet_import import quietly
from core.data import stretch
from core.data.settings import ImportSettings
from core.data.stretch import StretchSettings
from core.errors import Stopped
from core.events import Progress, Work
from core.nets.settings import NetworkSettings
from core.project.runs import RunFolder
from core.train.settings import AugmentationSettings, RunSettings

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts
    from core.data.importing import ImportReport
    from core.data.preview import ImportPreview
    from core.evaluate.evaluation import Judgement
    from core.evaluate.predict import Predictions
    from core.nets.layers import LayerRow
    from core.nets.normalisation import Normalisation
    from core.train.learning_rate_finder import RateRange
    from core.train.loop import RunResult
    from core.train.run_summary import RunSummary

Part = Literal["validation", "test", "all"]


class Thumbnails:
    """Draws thumbnails of a dataset on whatever thread calls it first, with a handle of its own on the file.

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
        return stretch.thumbnails(self._cutouts.images.stored(rows), self.settings, self._side, self._planes)

    def close(self) -> None:
        """Close the file, on the same thread."""
        if self._cutouts is not None:
            self._cutouts.close()
            self._cutouts = None


def warm_up() -> Job:
    """Import what the first click would otherwise wait for.

    A million objects come with the libraries and stay. To walk over them all, as the cyclic garbage collector does
    now and then, takes half a second in which no thread can run and the window stands still; so it is told to leave
    them alone from then on.
    """

    def run(stop: threading.Event) -> Work[None]:
        import gc

        names = (
            "h5py",
            "astropy.table",
            "pyqtgraph",
            "torch",
            "astropy.wcs",
            "core.train.loop",
            "core.explain.occlusion",
        )
        names += ("torch._dynamo",)  # which torch's optimisers import in their first step
        gc.disable()
        try:
            for done, name in enumerate(names):
                if stop.is_set():
                    return
                quietly(name)
                yield Progress(done + 1, len(names), "libraries")
        finally:
            gc.freeze()
            gc.enable()

    return Job("Getting ready", run)


def demonstration() -> Job:
    """Make the demonstration survey, or find it; its result is the dataset's path."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.simulate import demo

        return (yield from demo.cached(stop))

    return Job("Making the demonstration survey", run)


def open_dataset(path: Path, project: Path, name: str = "") -> Job:
    """Make sure that a dataset can be read and lies in a project, there with a name of its own; its result is where."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.data.project_copy import take_in

        quietly("pyqtgraph")  # the panels need it, and half a second for it
        return (yield from take_in(path, project / "datasets", stop, name))

    return Job(f"Opening {name or path.stem}", run)


def preview_import(sources: Sequence[Path], settings: ImportSettings, catalogue: Path | None) -> Job:
    """Look at files without importing them."""

    def run(stop: threading.Event) -> Work[ImportPreview]:
        from core.data.preview import preview

        return (yield from preview(sources, settings, catalogue, stop))

    return Job("Looking at the files", run)


def import_files(sources: Sequence[Path], output: Path, settings: ImportSettings, catalogue: Path | None) -> Job:
    """Make a dataset of files."""

    def run(stop: threading.Event) -> Work[ImportReport]:
        from core.data import importing

        return (yield from importing.run(sources, output, settings, catalogue, stop))

    return Job(f"Importing {output.stem}", run)


def layer_table(settings: NetworkSettings, shape: tuple[int, int, int], outputs: int = 3) -> Job:
    """The layers of a network that is to be built."""

    def run(stop: threading.Event) -> Work[list[LayerRow]]:
        from core.nets import cnn, layers

        yield from begin(stop)
        return layers.table(cnn.build(settings, shape, outputs), shape)

    return Job("Describing the network", run)


def base_layers(base: Path, shape: tuple[int, int, int]) -> Job:
    """The layers of a trained network, on stamps of a shape."""

    def run(stop: threading.Event) -> Work[list[LayerRow]]:
        from core.nets import layers
        from core.nets.predictor import Predictor

        yield from begin(stop)
        return layers.table(Predictor.load(base).network, shape)

    return Job("Describing the network", run)


def galaxy_size(data: Path, settings: RunSettings) -> Job:
    """The median diameter in pixels of the galaxies that are not locked away for the test; NaN: it cannot be told."""

    def run(stop: threading.Event) -> Work[float]:
        from core.data import size
        from core.data.cutouts import Cutouts
        from core.train import preparation

        with Cutouts.open(data) as cutouts:
            _, rows = preparation.usable(cutouts, settings)
            yield from begin(stop)
            return size.median_size(cutouts.images[row] for row in size.spread(rows))

    return Job("Measuring the galaxies", run)


def sixteen_as_seen(
    stamp: NDArray[np.float32],
    settings: RunSettings,
    data: Path,
    seed: int,
    others: NDArray[np.float32] | None,
    scaling: Normalisation | None,
) -> Job:
    """Sixteen variations of one galaxy after the input scaling, and that scaling, fitted unless it is given."""

    def run(stop: threading.Event) -> Work[tuple[NDArray[np.float32], Normalisation]]:
        from core.data.cutouts import Cutouts
        from core.train import preparation
        from core.train.augmentation import pipeline

        yield from begin(stop)
        found = scaling
        if found is None:
            with Cutouts.open(data) as cutouts:
                found = preparation.scaling(cutouts, settings)
        return pipeline.sixteen_as_seen(stamp, settings.augmentation, seed, found, others), found

    return Job("Varying a galaxy", run)


def sixteen(
    stamp: NDArray[np.float32], settings: AugmentationSettings, seed: int, others: NDArray[np.float32] | None = None
) -> Job:
    """Sixteen variations of one galaxy, beside which ``others`` may appear."""

    def run(stop: threading.Event) -> Work[NDArray[np.float32]]:
        from core.train.augmentation import pipeline

        yield from begin(stop)
        return pipeline.sixteen(stamp, settings, seed, others)

    return Job("Varying a galaxy", run)


def train(settings: RunSettings, data: Path, folder: RunFolder) -> Job:
    """Train a network."""

    def run(stop: threading.Event) -> Work[RunResult]:
        from core.train import loop

        return (yield from loop.run(settings, data, folder, stop))

    return Job(f"Training “{folder.name}”", run, pausable=True)


def resume(folder: RunFolder, data: Path | None, epochs: int | None, patience: int | None) -> Job:
    """Go on with a training."""

    def run(stop: threading.Event) -> Work[RunResult]:
        from core.train import resuming

        return (yield from resuming.run(folder, stop, folder.data or data, epochs=epochs, patience=patience))

    return Job(f"Training “{folder.name}”", run, pausable=True)


def run_summaries(folder: Path) -> Job:
    """What each run in a folder came to."""

    def run(stop: threading.Event) -> Work[list[RunSummary]]:
        from core.train import run_summary

        found: list[RunSummary] = []
        folders = run_summary.found(folder)
        for number, each in enumerate(folders):
            if stop.is_set():
                raise Stopped
            found.append(run_summary.summary(each))
            yield Progress(number + 1, len(folders), "runs")
        return found

    return Job("Reading the runs", run)


def histories(runs: Sequence[RunFolder]) -> Job:
    """The histories of some runs by their folders' paths; of a run without one it is empty."""

    def run(stop: threading.Event) -> Work[dict[str, list[dict[str, float]]]]:
        from core.project.runs import read_history

        yield from begin(stop)
        found = {str(each.path): read_history(each.history_file) if each.history_file.exists() else [] for each in runs}
        return found

    return Job("Reading the curves", run)


def rates(settings: RunSettings, data: Path) -> Job:
    """Try learning rates on a throwaway network."""

    def run(stop: threading.Event) -> Work[RateRange]:
        from core.train import learning_rate_finder

        return (yield from learning_rate_finder.run(settings, data, stop))

    return Job("Trying learning rates", run)


def judge(run: RunFolder, data: Path, part: Part) -> Job:
    """Find out how good a run's network is on one part of a dataset."""

    def work(stop: threading.Event) -> Work[Judgement]:
        from core.evaluate import evaluation as judging

        return (yield from judging.run(run, data, part, stop))

    return Job(f"Judging “{run.name}”", work)


def predict(predictor: Path, data: Path, rows: NDArray[np.int64] | None) -> Job:
    """Predictions for some rows of a dataset, or for all."""

    def run(stop: threading.Event) -> Work[Predictions]:
        from core.evaluate import predict as predicting

        return (yield from predicting.run(predictor, data, rows, stop))

    return Job("Predicting", run)


def save_predictions(predictor: Path, data: Path, table: Path) -> Job:
    """Predict a whole dataset and write the table."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.evaluate import predict as predicting
        from core.evaluate import tables

        predictions = yield from predicting.run(predictor, data, None, stop)
        tables.write(predictions, table)
        return table

    return Job(f"Predicting {data.stem}", run)


def coordinates(data: Path, row: int) -> Job:
    """A function from pixel (x, y) to (RA, Dec) in degrees for one galaxy; None without coordinates."""

    def run(stop: threading.Event) -> Work[Callable[[float, float], tuple[float, float]] | None]:
        from core.data.cutouts import Cutouts

        yield from begin(stop)
        with Cutouts.open(data) as cutouts:
            wcs = cutouts.wcs(row)
        if wcs is None:
            return None

        def position(x: float, y: float) -> tuple[float, float]:
            ra, dec = wcs.celestial.wcs_pix2world(x, y, 0)
            return float(ra), float(dec)

        return position

    return Job("Reading coordinates", run)


def device() -> Job:
    """The device that trainings will use, in words."""

    def run(stop: threading.Event) -> Work[str]:
        from core.nets import device as devices

        yield from begin(stop)
        return devices.describe(devices.choose("auto"))

    return Job("Looking for a GPU", run)


def begin(stop: threading.Event) -> Work[Any]:
    """Let a request that was replaced before it began end without working."""
    from core.errors import Stopped

    if stop.is_set():
        raise Stopped
    yield Progress(0, None)
