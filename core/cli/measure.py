"""The command that measures galaxies."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from core.cli.console import Console
from core.cli.sources import choose_bands, dataset_of
from core.errors import SettingsProblem
from core.project.runs import RunFolder


def measure(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork measure``: the last path, and those before it that are no networks, are the galaxies."""
    from core.evaluate import measure as measuring
    from core.evaluate import tables

    tables.require_known_ending(options.output)
    given = parse_zero_points(options.zero_point)
    networks = list(options.run)
    while len(networks) > 1 and not _is_network(networks[-1]):
        options.source.insert(0, networks.pop())
    options.run = networks[0]  # whose training says how stamps are made of files
    with dataset_of(options, console) as data:
        for network in networks:
            options.run = network
            choose_bands(options, data, console)
        measured = console.drive("Measuring", lambda stop: measuring.run(networks, data, stop, given_zero_points=given))
    measuring.write(measured, options.output)
    console.note(measured.errors_are)
    console.say(f"{len(measured):,} galaxies, {measured.flagged:,} with a flag: {options.output}")
    return 0


def parse_zero_points(text: str | None) -> Sequence[float]:
    """Read ``25.94``, or one zero point for each band, ``26.5,25.94``; none for None.

    Raises
    ------
    SettingsProblem
        It is no number.
    """
    try:
        return [] if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise SettingsProblem(
            f"“{text}” is no zero point.",
            "Give the magnitude of one unit of the pixels, as in 25.94, or one for each band, separated by commas.",
            "--zero-point",
        ) from None


def _is_network(path: Path) -> bool:
    return path.suffix == ".safetensors" or RunFolder(path).best.exists()
