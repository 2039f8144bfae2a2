"""``tuningfork simulate``: galaxies whose true parameters are known."""

from __future__ import annotations

import argparse
import time

from core.cli.console import Console, say_problem
from core.cli.setting_options import resolve_settings
from core.errors import SettingsProblem, Stopped
from core.project.outputs import Inputs
from core.project.project import require_not_open
from core.simulate import presets
from core.simulate.settings import SimulationSettings
from core.wording import count_of


def simulate(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork simulate``."""
    from core.data.cutouts import Cutouts
    from core.simulate import factory
    from core.simulate.unfinished import find_unfinished

    require_not_open(options.output)
    base = presets.load_preset(options.preset) if options.preset is not None else None
    settings = resolve_settings(SimulationSettings, options, base, count=options.count, seed=options.seed)
    if options.workers is not None and options.workers < 1:
        raise SettingsProblem("There must be at least one process.", "Give a larger number.", "--workers")
    Inputs(factory.input_files(settings)).refuse(options.output, f"-o {options.output}")
    began = time.monotonic()
    try:
        made = console.drive(
            "Simulating", lambda stop: factory.simulate(options.output, settings, stop, workers=options.workers)
        )
    except Stopped:
        if (found := find_unfinished(options.output)) is None:
            raise
        kept = f"{found.galaxies:,} of {count_of(settings.count, 'galaxy')}"
        say_problem(f"stopped; {kept} are kept: the same command goes on.")
        return 130
    seconds, scale = time.monotonic() - began, settings.instrument.pixel_scale
    with Cutouts.open(made) as cutouts:
        count, planes, height, width = cutouts.shape
        names, (first, *_), labels = [band.name for band in cutouts.bands], cutouts.bands, cutouts.labels
    if options.json:
        values = {"dataset": str(made), "galaxies": count, "bands": names, "unit": first.unit, "seconds": seconds}
        console.say_json(values | {"zero_point": first.zero_point, "pixel_scale": scale})
        return console.status
    bands = names[0] if planes == 1 else f"the bands {', '.join(names)}"
    console.say(f"{count_of(count, 'galaxy')} of {height} × {width} pixels of {scale:g} arcsec, in {bands}.")
    console.say(f"A pixel of 1 {first.unit or 'unit'} has the magnitude {first.zero_point:g}.")
    console.say(f"To be learned: {', '.join(labels)}; the other true values are columns, too.")
    console.say(f"{seconds:.1f} s; dataset: {made}")
    return console.status
