"""Many files made into stamps piece by piece, each piece a small dataset that lasts until it was used.

So a million files need the disk and the memory of a few thousand of them. What all pieces have in common, the format
of the stamps and the catalogue, is decided before by :func:`core.data.importing.decide_format`; a piece can then be
made in another process, in any order, and again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from astropy.table import Table

from core.data.cells import text_array
from core.data.discovery import Found, Source
from core.data.field_factors import FieldFactors
from core.data.import_catalogue import Galaxies, repeated_names
from core.data.importing import Batch, MoreThan8Bits, Prepared, read_stamps
from core.data.join import Join
from core.data.plain_runs import PlainRun, PlainRuns
from core.data.recipe import StampRecipe
from core.data.settings import ImportSettings
from core.data.stamp_format import StampFormat, count_of
from core.data.store import Band, DatasetWriter, Origin
from core.data.zero_points import ZeroPoints
from core.errors import Problem, Stopped
from core.events import NEVER
from core.settings.toml import dumps
from core.version import PROGRAM

_BYTES = 64 << 20  # of the stamps of a piece
_MOST = 4096  # galaxies of a piece


@dataclass(frozen=True, eq=False)
class PiecePlan:
    """What all pieces have in common; it can be sent to another process.

    Attributes
    ----------
    settings, plan, joined
        Of :class:`~core.data.importing.Prepared`.
    repeated
        Names that several files have.
    columns
        Of the catalogue, which the datasets are to have.
    """

    settings: ImportSettings
    plan: StampFormat
    joined: Join | None
    repeated: frozenset[str]
    columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, prepared: Prepared, columns: tuple[str, ...] = ()) -> PiecePlan:
        """What the pieces of these files have in common."""
        joined = None if prepared.joined is None else replace(prepared.joined, problems=[], notes=[])
        repeated = frozenset(repeated_names(source.stem for source in prepared.found.sources))
        return cls(prepared.settings, prepared.plan, joined, repeated, columns)


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece as it was made.

    Attributes
    ----------
    galaxies
        How many are in its dataset; 0: there is none.
    problems
        What could not be used.
    notes
        What is doubtful about the zero points.
    seen
        The digest of the files as they were, see :func:`digest_of`.
    """

    galaxies: int
    problems: list[Problem]
    notes: list[str]
    seen: str


def divide(found: Found, plan: StampFormat, hdu: str = "") -> list[tuple[list[Source], int]]:
    """Divide files into pieces: the sources of each, and how many galaxies these are thought to hold.

    Always in the same way for the same files. A file of many galaxies in an array is divided, too.
    """
    planes, height, width = plan.shape
    most = max(1, min(_MOST, _BYTES // (4 * planes * height * width)))
    pieces: list[tuple[list[Source], int]] = [([], 0)]
    for source in found.sources:
        for part, count in _parts_of(source, most, hdu):
            sources, galaxies = pieces[-1]
            if sources and galaxies + count > most:
                pieces.append(([part], count))
            else:
                sources.append(part)
                pieces[-1] = sources, galaxies + count
    return pieces


def _parts_of(source: Source, most: int, hdu: str) -> Iterator[tuple[Source, int]]:
    count = count_of(source, hdu)
    if source.kind != "container" or count <= most:
        yield source, count
        return
    for first in range(0, count, most):
        last = min(first + most, count)
        yield source._replace(rows=(first, last)), last - first


def digest_of(sources: Sequence[Source]) -> str:
    """A digest of which files these are, and of their sizes and times, by which a change is noticed."""
    digest = hashlib.blake2b(digest_size=16)
    for source in sources:
        for path in (source.path, *source.others):
            size = time = -1
            with contextlib.suppress(OSError):
                status = os.stat(path)  # noqa: PTH116 - of a million files
                size, time = status.st_size, status.st_mtime_ns
            digest.update(f"{path}\0{size}\0{time}\0{source.rows}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def write_piece(common: PiecePlan, sources: Sequence[Source], output: Path, stop: threading.Event = NEVER) -> Piece:
    """Make the dataset of a piece.

    Parameters
    ----------
    common
        What all pieces have in common.
    sources
        The files of this one.
    output
        The dataset to be written; none is if no file can be used.
    stop
        Checked for every file.

    Raises
    ------
    DiskFull
        The disk is full.
    Stopped
        ``stop`` was set.
    """
    try:
        return _write(common, common.plan, sources, output, stop)
    except MoreThan8Bits:
        return _write(common, common.plan.in_float32(), sources, output, stop)


class _NoneUsable(Exception):  # noqa: N818 - nothing went wrong
    """No file of a piece can be used, and no dataset is written."""


def _write(
    common: PiecePlan, plan: StampFormat, sources: Sequence[Source], output: Path, stop: threading.Event
) -> Piece:
    seen, settings = digest_of(sources), common.settings
    found = Found(sources=list(sources))
    galaxies = Galaxies(found, settings, common.joined, common.repeated)
    zero_points = ZeroPoints(plan.bands, settings.zero_point)
    problems: list[Problem] = []
    with contextlib.suppress(_NoneUsable):
        factors = FieldFactors.of_import(settings, found, common.joined)
        with DatasetWriter(output, plan.shape, [Band(name, plan.unit) for name in plan.bands], plan.dtype) as writer:
            batch, files = Batch(writer, plan), list[str]()
            for step in PlainRuns(sources, settings, plan, stop, batch.free):
                if isinstance(step, PlainRun):
                    batch.add_run(galaxies.add_files(step.first, len(step)), step)
                    files += [source.relative for source in sources[step.first : step.first + len(step)]]
                    zero_points.add(step.example.zero_points, 1.0, len(step))
                    continue
                place, source = step, sources[step]
                for outcome in read_stamps(source, settings, plan, factors):
                    if stop.is_set():
                        raise Stopped
                    if isinstance(outcome, Problem):
                        problems.append(outcome)
                        continue
                    member, stamp = outcome
                    batch.add(galaxies.add(place, source, member), stamp)
                    files.append(source.relative)
                    zero_points.add(plan.put_in_order(member.cutout, settings).zero_points, stamp.enlarged)
            batch.flush()
            if not galaxies.ids:
                raise _NoneUsable
            recipe = StampRecipe(settings, plan.bands, plan.unit, plan.dtype == "uint8", *plan.native)
            writer.state_zero_points(zero_points.values)
            catalogue = Table({"id": text_array(galaxies.ids), "file": text_array(files)})
            galaxies.add_columns(catalogue, common.columns)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            writer.finish(catalogue, (), Origin(PROGRAM, now, "", dumps(settings)), (), recipe)
    return Piece(len(galaxies.ids), problems, zero_points.doubts, seen)
