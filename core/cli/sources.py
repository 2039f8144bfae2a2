"""The galaxies that a command was given: a dataset or raw files, all of them or some by their ids."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.console import Console
from core.data.settings import ImportSettings
from core.errors import CatalogueProblem, SettingsProblem
from core.project import band_choices
from core.project.labels import LabelJournal
from core.project.project import journal_of

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts


@contextlib.contextmanager
def dataset_of(options: argparse.Namespace, console: Console) -> Iterator[Path]:
    """The dataset that was named, or one made of raw files, which lasts as long as the block."""
    sources: list[Path] = [path.expanduser() for path in options.source]
    if len(sources) == 1 and _is_dataset(sources[0]):
        yield sources[0]
        return
    from core.evaluate import predict

    settings = ImportSettings(hdu=options.hdu or "", bands=options.bands or "")
    with tempfile.TemporaryDirectory(prefix="tuning-fork-") as folder:
        data = Path(folder) / "galaxies.h5"
        console.drive("Reading", lambda stop: predict.import_for(options.run, sources, data, settings, stop))
        yield data


def _is_dataset(path: Path) -> bool:
    if not path.is_file():
        return False
    import h5py

    with contextlib.suppress(OSError), h5py.File(path) as file:
        return {"images", "catalogue"} <= set(file)  # and not an HDF5 file of another make
    return False


def hand_labels_of(data: Path | None, console: Console) -> LabelJournal | None:
    """Labels given by hand in the project to which a dataset belongs, told on stderr; None if there are none."""
    journal = journal_of(data) if data is not None else None
    if journal is None or not journal.path.exists():
        return None
    console.note(f"Labels given by hand are used: {journal.path}")
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
    from core.nets.band_mapping import BandMapping
    from core.nets.predictor import Predictor

    with Cutouts.open(data) as cutouts:
        bands = [band.name for band in cutouts.bands]
    if options.band_map == "none":
        band_choices.remember(options.run, bands, "")
        return
    wanted = Predictor.load(options.run).bands
    mapping = BandMapping.parse(options.band_map, bands, wanted)
    band_choices.remember(options.run, bands, mapping.text)
    console.note(
        f"bands {mapping.text} feed the network's {','.join(wanted)}; this is kept with the run for such data "
        "(--band-map none: no longer)."
    )


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
