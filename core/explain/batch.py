"""Maps of many galaxies: a FITS image and a picture for each, and a table of them all."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.data.cutouts import Cutouts
from core.data.stretch import colour_planes, default_stretch
from core.errors import Stopped
from core.events import NEVER, Progress, Skipped, Work, result_of
from core.explain import methods
from core.explain.explanation import Explanation
from core.explain.occlusion_film import render_film
from core.explain.settings import OcclusionSettings
from core.items import as_problem
from core.nets.opening import open_network_on_data
from core.project.file_names import mark_row
from core.project.files import require_replaceable, write_csv
from core.settings.declare import Settings

_HEAD = ("id", "method", "output", "probability", "score", "baseline_score", "error", "fits", "png")


def explain_many(
    run: Path,
    data: Path,
    rows: Sequence[int] | None,
    output: str | None,
    method: str,
    settings: Settings,
    folder: Path,
    stop: threading.Event = NEVER,
    *,
    film: bool = False,
) -> Work[int]:
    """Explain galaxies one by one and write their maps; returns their number.

    Yields progress, and a :class:`~core.events.Skipped` for each galaxy that cannot be explained and for each doubt
    whether the images fit the network. A table named by the method lists the maps, when the work is stopped those made
    so far.

    Parameters
    ----------
    run
        Folder of a run, or a weights file.
    data
        A dataset.
    rows
        Which galaxies; None: all.
    output
        Which output; None: the predicted one of each galaxy.
    method, settings
        One of :data:`core.explain.methods.METHODS`, and its settings.
    folder
        Where to write.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    film
        Of occlusion, write the moving square, too, as an animated GIF.

    Raises
    ------
    NotPossible
        The stamps do not fit the network, or it cannot be asked in this way.
    """
    written: list[tuple[str, ...]] = [_HEAD]
    table = folder / f"{method}.csv"
    require_replaceable(table)
    with open_network_on_data(run, data) as opened:
        cutouts = opened.cutouts
        rows = range(len(cutouts)) if rows is None else rows
        for doubt in (*opened.doubts, *opened.remarks_on(np.asarray(rows, dtype=np.int64))):
            yield Skipped(doubt)
        try:
            for done, row in enumerate(rows):
                if stop.is_set():
                    raise Stopped
                yield Progress(done, len(rows), "galaxies")
                image, name = cutouts.images[row], cutouts.ids[row]
                try:
                    predictor = opened.of_galaxy(row)
                    made = result_of(methods.explain(method, predictor, image, output, settings, stop, name))
                    line = _save_files(made, cutouts, row, folder)
                    if film and isinstance(settings, OcclusionSettings):
                        view = default_stretch(cutouts.is_picture), _planes(cutouts)
                        animation = result_of(render_film(predictor, image, output, settings, *view, stop, name))
                        animation.save(folder / f"{line[-1].removesuffix('.png')}.gif")
                except Exception as error:  # noqa: BLE001 - whatever befalls one galaxy, the others are explained
                    yield Skipped(as_problem(error, name), is_failure=True)
                    continue
                written.append(line)
        finally:
            if len(written) > 1:
                write_csv(table, written)
    yield Progress(len(rows), len(rows), "galaxies")
    return len(written) - 1


def save(made: Explanation, cutouts: Cutouts, row: int, path: Path) -> None:
    """Write a map in the format of the extension: ``.fits`` with coordinates, else a picture with default stretch.

    Parameters
    ----------
    made
        The map.
    cutouts, row
        The dataset and the galaxy's row in it.
    path
        Ends with ``.fits``, ``.png``, ``.svg`` or ``.pdf``.
    """
    if path.suffix.lower() == ".fits":
        made.save_fits(path, cutouts.wcs(row))
    else:
        made.save_picture(path, cutouts.images[row], default_stretch(cutouts.is_picture), _planes(cutouts))


def _planes(cutouts: Cutouts) -> tuple[int, int, int] | None:
    return colour_planes([band.name for band in cutouts.bands])


def _save_files(made: Explanation, cutouts: Cutouts, row: int, folder: Path) -> tuple[str, ...]:
    is_alone = cutouts.ids.count(made.galaxy_id) == 1  # or else there are several images of one object
    stem = made.stem if is_alone else mark_row(made.stem, row)
    fits, picture = (folder / f"{stem}.{kind}" for kind in ("fits", "png"))
    for path in (fits, picture):
        save(made, cutouts, row, path)
    numbers = (made.probability, made.score, made.baseline_score, made.error)
    cells = ["" if value is None or math.isnan(value) else f"{value:.6g}" for value in numbers]
    return made.galaxy_id, made.method, made.target_name, *cells, fits.name, picture.name
