"""Dreams as files: the image with the highest score for each class, or galaxies with a layer's response amplified."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from core.cli.console import Console
from core.cli.setting_options import resolve_settings
from core.cli.sources import choose_bands, dataset_of, rows_of
from core.data.stretch import colour_planes
from core.errors import SettingsProblem, Stopped
from core.events import Progress, Skipped, Work, result_of
from core.explain.methods import DREAMS
from core.explain.settings import ClassDreamSettings, DeepDreamSettings
from core.items import as_problem
from core.project.file_names import mark_row
from core.project.files import require_replaceable, write_csv
from core.project.runs import describe_weights

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts
    from core.explain.dream import Dream
    from core.nets.predictor import Predictor

_HEAD = ("id", "method", "target", "output", "score_before", "score", "probability_before", "probability")


def dream(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork explain --method dream`` and ``deep-dream``."""
    chosen = resolve_settings(DREAMS[options.method].settings, options)
    settings = cast("ClassDreamSettings | DeepDreamSettings", chosen)
    with dataset_of(options, console) as data:
        choose_bands(options, data, console)
        made = console.drive(
            "Dreaming",
            lambda stop: dream_galaxies(
                options.run, data, options.id, options.output_name, settings, options.output, stop
            ),
        )
    console.note(f"weights: {describe_weights(options.run)}")
    console.say(f"{made:,} dreams: {options.output}")
    return console.status


def dream_galaxies(
    run: Path,
    data: Path,
    ids: Sequence[str] | None,
    output: str | None,
    settings: ClassDreamSettings | DeepDreamSettings,
    folder: Path,
    stop: threading.Event,
) -> Work[int]:
    """Dream of galaxies one by one, and write an image in FITS and a picture of each; returns their number.

    Class dreams without ``ids`` are one for each output, or of the one that is named, with the background and the
    colours of the first galaxy. A table named after the method lists the dreams; when the work is stopped, those
    made so far.

    Parameters
    ----------
    run
        Folder of a run, or a weights file.
    data
        A dataset.
    ids
        Which galaxies; None: all, for deep dreams.
    output
        Which output; None: the predicted one of each galaxy.
    settings
        Settings of a class dream or a deep dream.
    folder
        Where to write.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    SettingsProblem
        Class dreams are to start from galaxies, and none was named.
    """
    from core.explain import dreams
    from core.nets.opening import open_network_on_data

    written: list[tuple[str, ...]] = [(*_HEAD, "fits", "png")]
    table = folder / ("dream.csv" if isinstance(settings, ClassDreamSettings) else "deep-dream.csv")
    require_replaceable(table)
    with open_network_on_data(run, data) as opened:
        predictor, cutouts = opened.predictor, opened.cutouts
        for doubt in opened.doubts:
            yield Skipped(doubt)
        requests = _list_dreams(predictor, cutouts, ids, output, settings)
        try:
            for done, (row, name) in enumerate(requests):
                if stop.is_set():
                    raise Stopped
                yield Progress(done, len(requests), "dreams")
                image, galaxy = cutouts.images[row], cutouts.ids[row]
                try:
                    network = opened.of_galaxy(row)
                    if isinstance(settings, ClassDreamSettings):
                        work = dreams.class_dream(network, image, name, settings, stop, galaxy)
                    else:
                        work = dreams.deep_dream(network, image, name, settings, stop, galaxy)
                    line = _save_files(result_of(work), cutouts, row, folder)
                except Exception as error:  # noqa: BLE001 - whatever befalls one galaxy, the others are dreamt of
                    yield Skipped(as_problem(error, galaxy), is_failure=True)
                    continue
                written.append(line)
        finally:
            if len(written) > 1:
                write_csv(table, written)
    yield Progress(len(requests), len(requests), "dreams")
    return len(written) - 1


def _list_dreams(
    predictor: Predictor,
    cutouts: Cutouts,
    ids: Sequence[str] | None,
    output: str | None,
    settings: ClassDreamSettings | DeepDreamSettings,
) -> list[tuple[int, str | None]]:
    """Row of the galaxy and name of the output of each dream."""
    if ids is None and isinstance(settings, ClassDreamSettings):
        if settings.start == "galaxy":
            raise SettingsProblem("Starting from a galaxy needs a galaxy.", "Name some with --id.", "start")
        return [(0, name) for name in ([output] if output else predictor.output_names)]
    return [(row, output) for row in rows_of(cutouts, ids)]


def _save_files(made: Dream, cutouts: Cutouts, row: int, folder: Path) -> tuple[str, ...]:
    is_alone = cutouts.ids.count(made.galaxy_id) == 1  # or else there are several images of one object
    stem = made.stem if is_alone else mark_row(made.stem, row)
    picture, fits = folder / f"{stem}.png", folder / f"{stem}.fits"
    made.save_fits(fits, cutouts.wcs(row))
    made.save_png(picture, planes=colour_planes([band.name for band in cutouts.bands]))
    numbers = (made.score_before, made.score_after, made.probability_before, made.probability_after)
    cells = ["" if value is None else f"{value:.6g}" for value in numbers]
    return made.galaxy_id, made.method, made.target_name, made.output_name, *cells, fits.name, picture.name
