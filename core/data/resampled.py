"""A dataset with its galaxies enlarged or shrunk, so that they span as many pixels as those of another survey.

Each stamp's central field is resampled as the import does it (:mod:`core.data.stamps`): surface brightness is
conserved, pixel scale, coordinates and zero points follow. To shrink galaxies takes more sky than their stamps show;
what lies beyond their border is filled as in an import, and counted as missing, so that files that show more are better
imported again. Ids, labels (those given by hand, too) and the parts that a project keeps stay as they are.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from astropy.table import Table

from core.data import kept_parts
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.settings import ImportSettings
from core.data.stamps import SMALLEST, Cutout, Stamp, prepare
from core.data.store import DatasetWriter, Origin
from core.data.zero_points import of_larger_pixels
from core.errors import Problem, SettingsProblem, Stopped, UnreadableFile
from core.events import NEVER, Progress, Skipped, Work
from core.project.labels import LabelJournal
from core.version import PROGRAM
from core.wording import count_of

_BATCH = 64
_PIXELS = {"pix", "pixel", "pixels"}  # units of columns that follow the size of the pixels
_RANGE = (0.1, 10.0)
_NO_SKY = (
    "Beyond the border of the old stamps there was no sky: it is filled with the median of their border. If the files "
    "show more, import them again with a larger field."
)


@dataclass(frozen=True)
class Resampled:
    """A dataset that was written, how many galaxies it has, and what is to be known of it, a sentence each."""

    path: Path
    galaxies: int
    notes: tuple[str, ...]


def run(
    data: Path,
    output: Path,
    factor: float,
    size: int | None = None,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[Resampled]:
    """Write a dataset with its galaxies enlarged by a factor.

    Parameters
    ----------
    data
        The dataset, which is not changed.
    output
        The new one.
    factor
        From 0.1 to 10; below 1 galaxies are shrunk.
    size
        Side of the new stamps [pixels]; None: as it is.
    stop
        Ends the work with :class:`~core.errors.Stopped`; nothing is left behind then.
    hand_labels
        Labels given by hand, which become those of the new dataset's catalogue.

    Raises
    ------
    SettingsProblem
        The factor or the size is none, or the stamps would be stretched from fewer than four pixels.
    UnreadableFile
        The dataset cannot be read.
    """
    with Cutouts.open(data) as cutouts:
        side = size or cutouts.shape[2]
        settings = _make_settings(factor, side)
        bands = [
            replace(band, zero_point=None if band.zero_point is None else of_larger_pixels(band.zero_point, 1 / factor))
            for band in cutouts.bands
        ]
        shape, kind = (len(bands), side, side), "uint8" if cutouts.is_picture else "float32"
        with DatasetWriter(output, shape, bands, kind) as writer:
            rows, unusable = yield from _write_stamps(writer, cutouts, side, settings, stop)
            if not rows:
                raise UnreadableFile("None of the galaxies could be resampled.", unusable[0].sentence, data.name)
            catalogue, labels, notes = _make_catalogue(cutouts, hand_labels, factor)
            recipe = None if cutouts.recipe is None else cutouts.recipe.enlarged(factor, side)
            origin = _origin(cutouts, factor)
            unusable = [*cutouts.unusable, *unusable]
            writer.finish(catalogue[rows], labels, origin, unusable, recipe, cutouts.split_column)
        if side / factor > cutouts.shape[2]:
            notes.append(_NO_SKY)
    _keep_parts(data, output, hand_labels)
    return Resampled(output, len(rows), tuple(notes))


def _write_stamps(
    writer: DatasetWriter, cutouts: Cutouts, side: int, settings: ImportSettings, stop: threading.Event
) -> Work[tuple[list[int], list[Problem]]]:
    """Write the new stamps; returns the rows of which there is one, and what is wrong with the others."""
    written: list[int] = []
    unusable: list[Problem] = []
    for first in range(0, len(cutouts), _BATCH):
        yield Progress(first, len(cutouts), "galaxies")
        rows = np.arange(first, min(first + _BATCH, len(cutouts)))
        stamps: dict[int, Stamp] = {}
        for row, image in zip(rows.tolist(), cutouts.images.read_stored(rows), strict=True):
            if stop.is_set():
                raise Stopped
            old = Cutout(image, wcs=cutouts.header(row), pixel_scale=float(cutouts.pixel_scale[row]))
            try:
                stamps[row] = prepare(old, side, settings)
            except UnreadableFile as problem:  # such as a field that is empty
                unusable.append(UnreadableFile(problem.sentence, problem.remedy, cutouts.ids[row]))
                yield Skipped(unusable[-1])
        if stamps:
            writer.append(
                np.stack([stamp.image for stamp in stamps.values()]),
                [cutouts.ids[row] for row in stamps],
                np.array([stamp.pixel_scale for stamp in stamps.values()]),
                [stamp.wcs for stamp in stamps.values()],
                np.array([max(stamp.missing, cutouts.missing[row]) for row, stamp in stamps.items()], np.float32),
            )
            written += stamps
    yield Progress(len(cutouts), len(cutouts), "galaxies")
    return written, unusable


def _make_settings(factor: float, side: int) -> ImportSettings:
    """How the new stamps are made of the old ones, as if these were files."""
    if not _RANGE[0] <= factor <= _RANGE[1]:
        raise SettingsProblem(
            f"Galaxies cannot be enlarged by {factor:g}.", f"Choose a factor from {_RANGE[0]:g} to {_RANGE[1]:g}."
        )
    if side / factor < SMALLEST:
        raise SettingsProblem(
            f"Stamps of {side} pixels, enlarged by {factor:g}, would show {side / factor:.1f} pixels of the old ones.",
            "Choose a smaller factor, or larger stamps.",
        )
    return ImportSettings(size=side, field=side / factor, fit="crop or pad", max_missing=0.99)


def _make_catalogue(
    cutouts: Cutouts, hand_labels: LabelJournal | None, factor: float
) -> tuple[Table, tuple[str, ...], list[str]]:
    """The catalogue with hand labels and with lengths in the new pixels, its label columns, and what has changed."""
    catalogue, labels = cutouts.catalogue.copy(), list(cutouts.labels)
    notes: list[str] = []
    if given := {} if hand_labels is None else hand_labels.replay():
        columns = labelled_columns(cutouts, hand_labels)
        for name in sorted({column for _, column in given}):
            catalogue[name] = columns[name]
            labels += [] if name in labels else [name]
        notes.append(f"Its catalogue holds the {count_of(len(given), 'label')} given by hand.")
    lengths = [name for name, unit in cutouts.units.items() if unit in _PIXELS]
    for name in lengths:
        catalogue[name] = catalogue[name] * factor
    if lengths:
        notes.append(f"Lengths in pixels are in those of the new stamps: {', '.join(lengths)}.")
    return catalogue, tuple(labels), notes


def _origin(cutouts: Cutouts, factor: float) -> Origin:
    how = f"{cutouts.origin.source}, galaxies enlarged by {factor:.4g}"
    return Origin(PROGRAM, datetime.now(UTC).isoformat(timespec="seconds"), how, cutouts.origin.settings)


def _keep_parts(data: Path, output: Path, hand_labels: LabelJournal | None) -> None:
    """Give the new dataset the parts that a project keeps for the old one: a test galaxy stays one."""
    kept, file = kept_parts.read(data, hand_labels), kept_parts.file_for(output, None)
    if kept is not None and file is not None and not file.exists():
        kept.save(file, f"those of {data.name}")
