"""Attribution maps of many galaxies: a FITS image and a picture for each, and a table of them all."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.console import Console
from core.cli.evaluate import dataset_of
from core.cli.setting_options import adjusted
from core.errors import CatalogueProblem, SettingsProblem
from core.events import Work
from core.explain.methods import DREAMS, METHODS
from core.settings.declare import Settings

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts


def explain(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork explain``."""
    if options.film and options.method != "occlusion":
        raise SettingsProblem(f"There is no film of “{options.method}”.", "Use --method occlusion.", "--film")
    if options.method in DREAMS:
        from core.cli import dream

        return dream.dream(options, console)
    settings = adjusted(METHODS[options.method].settings, options)
    with dataset_of(options, console) as data:
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
    *,
    film: bool = False,
) -> Work[int]:
    """Explain galaxies by their ids, None being all, as :func:`core.explain.batch.explain_many` does by their rows."""
    from core.data.cutouts import Cutouts
    from core.explain import batch

    with Cutouts.open(data) as cutouts:
        rows = rows_of(cutouts, ids)
    return (yield from batch.explain_many(run, data, rows, output, method, settings, folder, stop, film=film))


def rows_of(cutouts: Cutouts, ids: Sequence[str] | None) -> list[int]:
    """Rows of the galaxies with these ids; None: all of them."""
    if ids is None:
        return list(range(len(cutouts)))
    row_by_id = {name: row for row, name in reversed(list(enumerate(cutouts.ids)))}
    missing = [name for name in ids if name not in row_by_id]
    if missing:
        few = ", ".join(list(row_by_id)[:3])
        raise CatalogueProblem(f"There is no galaxy “{missing[0]}”.", f"Ids look like: {few}.", cutouts.path.name)
    return [row_by_id[name] for name in ids]
