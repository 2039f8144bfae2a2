"""Attribution maps of many galaxies: a FITS image and a picture for each, and a table of them all."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from pathlib import Path

from core.cli.console import Console
from core.cli.dream import dream
from core.cli.setting_options import resolve_settings
from core.cli.sources import choose_bands, dataset_of, rows_of
from core.errors import SettingsProblem
from core.events import Work
from core.explain.methods import DREAMS, METHODS
from core.project.runs import describe_weights
from core.settings.declare import Settings


def explain(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork explain``."""
    if options.film and options.method != "occlusion":
        raise SettingsProblem(f"There is no film of “{options.method}”.", "Use --method occlusion.", "--film")
    if options.method in DREAMS:
        return dream(options, console)
    settings = resolve_settings(METHODS[options.method].settings, options)
    with dataset_of(options, console) as data:
        choose_bands(options, data, console)
        made = console.drive(
            "Explaining",
            lambda stop: explain_galaxies(
                options.run,
                data,
                options.id,
                options.output_name,
                options.method,
                settings,
                options.output,
                stop,
                film=options.film,
            ),
        )
    console.note(f"weights: {describe_weights(options.run)}")
    console.say(f"{made:,} maps: {options.output}")
    return console.status


def explain_galaxies(
    run: Path,
    data: Path,
    ids: Sequence[str] | None,
    output: str | None,
    method: str,
    settings: Settings,
    folder: Path,
    stop: threading.Event,
    *,
    film: bool = False,
) -> Work[int]:
    """Explain galaxies by their ids, None being all, as :func:`core.explain.batch.explain_many` does by their rows."""
    from core.data.cutouts import Cutouts
    from core.explain import batch

    with Cutouts.open(data) as cutouts:
        rows = rows_of(cutouts, ids)
    return (yield from batch.explain_many(run, data, rows, output, method, settings, folder, stop, film=film))
