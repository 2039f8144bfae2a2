"""The command that measures galaxies."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.console import Console
from core.cli.sources import choose_bands, dataset_of
from core.data import zero_points
from core.project.runs import RunFolder
from core.wording import part_of


def measure(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork measure``: the last path, and those before it that are no networks, are the galaxies."""
    from core.evaluate import measure as measuring
    from core.evaluate import raw_files, tables

    tables.require_known_ending(options.output)
    given = () if options.zero_point is None else zero_points.parse(options.zero_point, "--zero-point")
    networks = list(options.run)
    while len(networks) > 1 and not _is_network(networks[-1]):
        options.source.insert(0, networks.pop())
    options.run = networks[0]  # whose training says how stamps are made of files
    from_files = raw_files.are_raw([path.expanduser() for path in options.source])
    if from_files and given:  # of the files' own pixels, which the stamps may enlarge
        options.stamps.append(f"zero_point={list(given)}")
    with dataset_of(options, console) as data:
        for network in networks:
            options.run = network
            choose_bands(options, data, console)
        of_dataset = () if from_files else given
        measured = console.drive(
            "Measuring", lambda stop: measuring.run(networks, data, stop, given_zero_points=of_dataset)
        )
    measuring.write(measured, options.output)
    console.note(measured.errors_are)
    console.note(f"Pixel values: {measured.pixels_are}")
    counted = part_of(len(measured), len(measured) + measured.unread, "galaxy", "no values")
    console.say(f"{counted}; {measured.flagged:,} with a flag: {options.output}")
    return 0


def _is_network(path: Path) -> bool:
    return path.suffix == ".safetensors" or RunFolder(path).best.exists()
