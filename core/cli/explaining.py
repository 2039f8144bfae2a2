"""Maps of evidence for many galaxies: a FITS image and a picture for each, and a table of them all."""

from __future__ import annotations

import argparse
import csv
import io
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.console import Console
from core.cli.judging import dataset_of
from core.cli.knobs import adjusted
from core.errors import CatalogueProblem, NotANumber, Stopped
from core.events import Progress, Skipped, Work, result_of
from core.explain.methods import DREAMS, METHODS
from core.project.files import write_atomically
from core.settings.declare import Settings

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts
    from core.explain.explanation import Explanation

_HEAD = ("id", "method", "output", "probability", "score", "baseline_score", "error", "fits", "png")


def explain(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork explain``."""
    if options.method in DREAMS:
        from core.cli import dreaming

        return dreaming.dream(options, console)
    settings = adjusted(METHODS[options.method].settings, options)
    with dataset_of(options, console) as data:
        made = console.drive(
            "Explaining",
            lambda stop: explain_galaxies(
                options.run, data, options.id, options.output_name, options.method, settings, options.output, stop
            ),
        )
    console.say(f"{made:,} maps: {options.output}")
    return 0


def explain_galaxies(
    run: Path,
    data: Path,
    ids: Sequence[str] | None,
    output: str | None,
    method: str,
    settings: Settings,
    folder: Path,
    stop: threading.Event,
) -> Work[int]:
    """Explain galaxies one by one and write their maps; returns how many.

    A table named by the method lists the maps, when the work is stopped those made so far.

    Parameters
    ----------
    run
        Folder of a run, or a weights file.
    data
        A dataset.
    ids
        Which galaxies; None: all.
    output
        Which output; None: the predicted one of each galaxy.
    method, settings
        One of :data:`core.explain.methods.METHODS`, and its settings.
    folder
        Where to write.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    """
    from core.data.cutouts import Cutouts
    from core.explain import methods
    from core.nets import device as devices
    from core.nets.predictor import Predictor

    predictor = Predictor.load(run, devices.choose("auto"))
    written: list[tuple[str, ...]] = [_HEAD]
    with Cutouts.open(data) as cutouts:
        rows = rows_of(cutouts, ids)
        try:
            for done, row in enumerate(rows):
                if stop.is_set():
                    raise Stopped
                yield Progress(done, len(rows), "galaxies")
                image, name = cutouts.images[row], cutouts.ids[row]
                try:
                    made = result_of(methods.explain(method, predictor, image, output, settings, stop, name))
                except NotANumber as problem:
                    yield Skipped(NotANumber(problem.sentence, problem.remedy, name))
                    continue
                written.append(_saved(made, cutouts, row, folder))
        finally:
            if len(written) > 1:
                write_list(folder / f"{written[1][1].replace(' ', '-')}.csv", written)
    yield Progress(len(rows), len(rows), "galaxies")
    return len(written) - 1


def rows_of(cutouts: Cutouts, ids: Sequence[str] | None) -> list[int]:
    """Where the galaxies of these ids are; None: all of them."""
    if ids is None:
        return list(range(len(cutouts)))
    places = {name: row for row, name in reversed(list(enumerate(cutouts.ids)))}
    missing = [name for name in ids if name not in places]
    if missing:
        few = ", ".join(list(places)[:3])
        raise CatalogueProblem(f"There is no galaxy “{missing[0]}”.", f"Ids look like: {few}.", cutouts.path.name)
    return [places[name] for name in ids]


def _saved(made: Explanation, cutouts: Cutouts, row: int, folder: Path) -> tuple[str, ...]:
    again = "" if cutouts.ids.count(made.galaxy_id) == 1 else f"_{row}"  # several images of one object
    stem = re.sub(r"[^\w.+-]", "_", f"{made.galaxy_id}{again}_{made.method}_{made.target_name}")
    picture, fits = folder / f"{stem}.png", folder / f"{stem}.fits"
    made.save_fits(fits, cutouts.wcs(row))
    made.save_picture(picture, cutouts.images[row])
    numbers = (made.probability, made.score, made.baseline_score, made.error)
    cells = ["" if value is None else f"{value:.6g}" for value in numbers]
    return made.galaxy_id, made.method, made.target_name, *cells, fits.name, picture.name


def write_list(path: Path, rows: Sequence[tuple[str, ...]]) -> None:
    """A CSV file of what was written, the head first."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomically(path, text.getvalue())
