"""The galaxies that a command was given: a dataset or raw files, all of them or some by their ids."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.console import Console
from core.data.settings import ImportSettings
from core.errors import CatalogueProblem, SettingsProblem
from core.nets import base_networks
from core.project import band_choices
from core.project.labels import LabelJournal
from core.project.project import journal_of
from core.settings import toml

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts


@contextlib.contextmanager
def dataset_of(options: argparse.Namespace, console: Console) -> Iterator[Path]:
    """The dataset that was named, or one made of raw files for the network, which lasts as long as the block."""
    from core.evaluate import raw_files

    sources: list[Path] = [path.expanduser() for path in options.source]
    if not raw_files.are_raw(sources):
        yield sources[0]
        return
    changes = changed_stamps(options)
    with raw_files.temporary_dataset() as data:
        report = console.drive(
            "Reading",
            lambda stop: raw_files.import_for(options.run, sources, data, changes, stop, options.catalogue),
        )
        for note in report.notes:
            console.note(note)
        yield data


def changed_stamps(options: argparse.Namespace) -> dict[str, Any]:
    """Of raw files, the import settings that the options override, by name."""
    chosen = toml.apply_overrides(ImportSettings(), options.stamps)
    names = [assignment.partition("=")[0].strip() for assignment in options.stamps]
    changes = {name: getattr(chosen, name) for name in names}
    return changes | {name: value for name in ("hdu", "bands") if (value := getattr(options, name)) is not None}


def hand_labels_of(data: Path | None, console: Console) -> LabelJournal | None:
    """Labels given by hand in the project to which a dataset belongs, told on stderr; None if there are none."""
    journal = journal_of(data) if data is not None else None
    if journal is None or not journal.path.exists():
        return None
    console.note(f"Labels given by hand are used: {journal.path}")
    if (problem := journal.problem) is not None:
        console.note(str(problem))
    return journal


def choose_bands(options: argparse.Namespace, data: Path | None, console: Console) -> None:
    """Keep the bands that were chosen with ``--band-map`` with the run, for data with such bands, and say so.

    Raises
    ------
    SettingsProblem
        The dataset lacks a band, or the network needs another number of them.
    """
    if not options.band_map or data is None:
        return
    from core.data.cutouts import Cutouts

    with Cutouts.open(data) as cutouts:
        bands = [band.name for band in cutouts.bands]
    choose_among(options, bands, console)


def choose_among(options: argparse.Namespace, bands: Sequence[str], console: Console) -> None:
    """As :func:`choose_bands`, for images with these bands."""
    from core.nets.band_mapping import BandMapping
    from core.nets.predictor import Predictor

    if not options.band_map:
        return
    if options.band_map == "none":
        band_choices.remember(options.run, bands, "")
        return
    wanted = Predictor.load(options.run).bands
    mapping = BandMapping.parse(options.band_map, list(bands), wanted)
    band_choices.remember(options.run, bands, mapping.text)
    console.note(
        f"bands {mapping.text} feed the network's {','.join(wanted)}; this is kept with the run for such data "
        "(--band-map none: no longer)."
    )


def starting_point(given: Path | None) -> str | None:
    """The network to start from, as settings name it: a base network by its name, a run or file by its whole path."""
    if given is None or base_networks.is_named(str(given)):
        return None if given is None else str(given)
    return str(given.resolve())


def parse_class_map(options: argparse.Namespace) -> dict[str, str]:
    """The classes that were mapped with ``--class-map NEW=OLD``.

    Raises
    ------
    SettingsProblem
        An option has another form.
    """
    found: dict[str, str] = {}
    for text in options.class_map or ():
        new, equals, old = text.partition("=")
        if not equals or not new.strip():
            raise SettingsProblem(f"“{text}” maps no class.", "Write it as in spiral_cw=spiral.", "--class-map")
        found[new.strip()] = old.strip()
    return found


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
