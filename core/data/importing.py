"""Importing files and a catalogue into a dataset, with a report.

A sample of the files is read first, to decide the shape of the stamps; then all files are read. If a cutout with more
than 8 bits turns up among 8-bit pictures, writing starts again with float32, so that the result never depends on which
files were in the sample.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from core.data import automatic_fit, auxiliary
from core.data import catalogue as tables
from core.data.choose_table import join_tables, table_name
from core.data.cube_planes import describe_axes
from core.data.cutouts import Band, Origin
from core.data.discovery import Found, Source, discover, require_galaxies
from core.data.field_factors import FieldFactors
from core.data.import_catalogue import Galaxies, files_to_match
from core.data.join import NO_ROW, Join, describe_match
from core.data.plain_runs import PlainRun, PlainRuns
from core.data.read_errors import reading
from core.data.readers import Member, band_names, read
from core.data.recipe import StampRecipe
from core.data.remarks import Remarks
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.data.stamp_format import StampFormat, count_of, measure_sample, none_usable, pattern_note
from core.data.stamps import Cutout, Stamp, prepare
from core.data.store import DatasetWriter
from core.data.walk import describe_links
from core.data.zero_points import ZeroPoints
from core.errors import Problem, Stopped, UnreadableFile
from core.events import NEVER, Progress, Skipped, Work
from core.settings.toml import dumps
from core.version import PROGRAM

BATCH = 64  # stamps
_EVENT_EVERY = 0.05  # seconds


class MoreThan8Bits(Exception):  # noqa: N818 - nothing went wrong
    """A cutout with more than 8 bits does not fit into a dataset of pictures."""


def run(
    sources: Sequence[Path | str] | Path | str,
    output: Path | str,
    settings: ImportSettings = ImportSettings(),  # noqa: B008 - frozen
    catalogue: Path | str | None = None,
    stop: threading.Event = NEVER,
    like: StampRecipe | None = None,
) -> Work[ImportReport]:
    """Import files.

    Yields :class:`~core.events.Progress` (its total is None while files are being found) and
    :class:`~core.events.Skipped`; returns the report. If it fails or is stopped, no file is left behind.

    Parameters
    ----------
    sources
        Files and folders, or one of them.
    output
        The dataset to be written; replaced if it exists.
    settings
        How to read and resize them.
    catalogue
        A table with labels; None: no catalogue.
    stop
        Checked for every file.
    like
        The recipe of the stamps that ``settings`` follow: cutouts with as many bands are preferred to the majority.
        None: a dataset of its own.

    Raises
    ------
    UnreadableFile
        A source does not exist, or nothing could be imported.
    CatalogueProblem
        The catalogue cannot be read or joined.
    SettingsProblem
        The bands are not understood or do not fit the files.
    Stopped
        ``stop`` was set.

    Examples
    --------
    >>> from core.events import result_of
    >>> settings = ImportSettings(catalogue_id="objid", labels=("shape",))
    >>> report = result_of(run("cutouts", "mine.h5", settings, "galaxies.csv"))
    >>> report.imported
    90
    """
    output, catalogue = Path(output), Path(catalogue) if catalogue else None
    started = time.monotonic()
    prepared = yield from decide_format(sources, settings, catalogue, stop, like, [output])
    found, joined, settings, plan = prepared.found, prepared.joined, prepared.settings, prepared.plan
    try:
        done = yield from _write(found, joined, output, settings, plan, stop)
    except MoreThan8Bits:
        done = yield from _write(found, joined, output, settings, plan.in_float32(), stop)
    if joined is not None:
        done.notes.insert(0, describe_match(joined, sum(row != NO_ROW for row in done.rows), len(done.ids)))
    rows = 0 if joined is None else len(joined.table)
    axes = describe_axes(found, plan.planes, settings.hdu, [*prepared.band_names, *band_names(settings)], rows)
    done.notes += [note for note in (axes, prepared.decision) if note] + _notes(found, catalogue)
    return ImportReport(
        output,
        len(done.ids),
        done.problems,
        done.without_label,
        joined.without_image(done.rows) if joined else [],
        done.notes,
        time.monotonic() - started,
    )


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is decided before all files are read.

    Attributes
    ----------
    found
        The files.
    joined
        The catalogue; None: there is none.
    settings
        With the size, the fit and the bands that were decided.
    plan
        The format of the stamps.
    decision
        How it was decided whether cutouts are cropped or resampled, as a sentence; may be empty.
    band_names
        Names of the bands that the files of the sample give.
    """

    found: Found
    joined: Join | None
    settings: ImportSettings
    plan: StampFormat
    decision: str
    band_names: list[tuple[str, ...]]


def decide_format(
    sources: Sequence[Path | str] | Path | str,
    settings: ImportSettings,
    catalogue: Path | None,
    stop: threading.Event = NEVER,
    like: StampRecipe | None = None,
    exclude: Sequence[Path] = (),
) -> Work[Prepared]:
    """Find the files, join the catalogue, and decide the format of the stamps on a sample; raises as :func:`run`."""
    paths = [Path(source) for source in ([sources] if isinstance(sources, str | Path) else sources)]
    yield Progress(0, None, "catalogue rows" if catalogue else "files")
    tables_there = tables.read_tables(catalogue, stop) if catalogue else []
    found = yield from discover(paths, settings, stop, [*exclude, *([catalogue] if catalogue else [])])
    require_galaxies(found)
    yield Progress(0, None, "catalogue rows")
    if stop.is_set():
        raise Stopped
    joined = _join_catalogue(tables_there, found, settings)
    sample = yield from measure_sample(found, settings, stop)
    if like is not None and settings.bands == like.settings.bands and not sample.has_planes(len(like.bands)):
        settings = settings.model_copy(update={"bands": ""})  # they are names of other bands
    plan = sample.plan(settings, len(like.bands) if like is not None else None)
    settings, decision = yield from automatic_fit.decide(settings, plan.size, sample.looks, stop)
    settings = settings.model_copy(update={"size": plan.size, "bands": settings.bands or found.pattern})
    return Prepared(found, joined, settings, plan, decision, list(sample.bands))


def _join_catalogue(candidates: Sequence[Table], found: Found, settings: ImportSettings) -> Join | None:
    files = files_to_match(found, settings.hdu) if candidates else []
    if not files:  # none can be read, which is reported later
        return None
    return join_tables(candidates, files, settings)


class Batch:
    """Stamps that are written together."""

    def __init__(self, writer: DatasetWriter, plan: StampFormat) -> None:
        self.writer = writer
        self.images, self._others = np.empty((2, BATCH, *plan.shape), dtype=plan.dtype)  # one is being written
        self.ids: list[str] = []
        self.wcs: list[str] = []
        self.scales: list[float] = []
        self.missing: list[float] = []

    def add(self, name: str, stamp: Stamp) -> None:
        """Add the stamp of a galaxy of this id."""
        self.images[len(self.ids)] = stamp.image
        self.ids.append(name)
        self.wcs.append(stamp.wcs)
        self.scales.append(stamp.pixel_scale)
        self.missing.append(stamp.missing)
        if len(self.ids) == BATCH:
            self.flush()

    def add_run(self, names: Sequence[str], run: PlainRun) -> None:
        """Add the stamps of galaxies of these ids."""
        done = 0
        assert not run.is_in_place or len(names) <= BATCH - len(self.ids)
        while done < len(names):
            at = len(self.ids)
            part = slice(done, done + min(BATCH - at, len(names) - done))
            own = names[part]
            if not run.is_in_place:
                self.images[at : at + len(own)] = run.images[part]
            self.ids += own
            self.wcs += run.wcs[part]
            self.scales += [run.pixel_scale] * len(own)
            self.missing += [0.0] * len(own)
            done = part.stop
            if len(self.ids) == BATCH:
                self.flush()

    def free(self) -> NDArray[Any]:
        """Room for the stamps that are added next."""
        return self.images[len(self.ids) :]

    def flush(self) -> None:
        """Write those that are left."""
        if self.ids:
            count = len(self.ids)
            self.writer.append(
                self.images[:count], self.ids, np.array(self.scales), self.wcs, np.array(self.missing, np.float32)
            )
            self.images, self._others = self._others, self.images
            self.ids, self.wcs, self.scales, self.missing = [], [], [], []


def _write(
    found: Found, joined: Join | None, output: Path, settings: ImportSettings, plan: StampFormat, stop: threading.Event
) -> Work[Galaxies]:
    factors = FieldFactors.of_import(settings, found, joined)
    done = Galaxies(found, settings, joined)
    for problem in done.problems:
        yield Skipped(problem)
    sizes = [count_of(source, settings.hdu) for source in found.sources]
    total, finished, shown = sum(sizes), 0, 0.0
    odd: Counter[str] = Counter()
    remarks, zero_points = Remarks(), ZeroPoints(plan.bands, settings.zero_point)
    with DatasetWriter(output, plan.shape, [Band(name, plan.unit) for name in plan.bands], plan.dtype) as writer:
        batch = Batch(writer, plan)
        for step in PlainRuns(found.sources, settings, plan, stop, batch.free):
            if isinstance(step, PlainRun):
                count = len(step)
                batch.add_run(done.add_files(step.first, count), step)
                zero_points.add(step.example.zero_points, 1.0, count)
                _count_differences(odd, step.example, plan, settings, count)
                finished += count
                if (now := time.monotonic()) > shown + _EVENT_EVERY:
                    shown = now
                    yield Progress(min(finished, total), total, "files")
                continue
            place, source = step, found.sources[step]
            for outcome in read_stamps(source, settings, plan, factors):
                if stop.is_set():
                    raise Stopped
                if isinstance(outcome, Problem):
                    done.problems.append(outcome)
                    yield Skipped(outcome)
                else:
                    member, stamp = outcome
                    batch.add(done.add(place, source, member), stamp)
                    remarks.add(member.cutout.remarks, done.ids[-1])
                    known = plan.put_in_order(member.cutout, settings).zero_points
                    zero_points.add(known, stamp.enlarged)
                    _count_differences(odd, member.cutout, plan, settings)
                if sizes[place] > 1:
                    finished += 1
                if (now := time.monotonic()) > shown + _EVENT_EVERY:
                    shown = now
                    yield Progress(min(finished, total), total, "files")
            finished += sizes[place] == 1
        batch.flush()
        if not done.ids:
            raise none_usable(len(found.sources), done.problems)
        done.notes += [*remarks.notes(len(done.ids)), *done.describe_renamed(), *zero_points.notes]
        done.notes += [f"Imported all the same, with {what}: {count:,}." for what, count in odd.items()]
        recipe = StampRecipe(settings, plan.bands, plan.unit, plan.dtype == "uint8", *plan.native)
        origin = _origin(found, settings, joined)
        writer.state_zero_points(zero_points.values)
        writer.finish(*done.catalogue(), origin, done.problems, recipe, done.split_column)
    yield Progress(total, total, "files")
    return done


def read_stamps(
    source: Source, settings: ImportSettings, plan: StampFormat, factors: FieldFactors
) -> Iterator[tuple[Member, Stamp] | Problem]:
    """Yield the stamps of a source, or a problem in place of each that cannot be used."""
    damaged: list[UnreadableFile] = []
    try:
        for member in read(source, settings, damaged):
            try:
                with reading(source.path):
                    stamp = _make_stamp(member, settings, plan, factors.factor(source, member))
            except Problem as problem:
                where = source.relative + (f" [{member.name}]" if member.name != source.stem else "")
                yield UnreadableFile(problem.sentence, problem.remedy, where, problem.detail)
                continue
            if member.cutout.image.dtype != np.uint8 and plan.dtype == "uint8":
                raise MoreThan8Bits
            yield member, stamp
    except Problem as problem:
        yield _at_its_place(problem, source)
    for problem in damaged:
        yield _at_its_place(problem, source)


def _at_its_place(problem: Problem, source: Source) -> UnreadableFile:
    """The problem with the path below the chosen folder."""
    where = problem.where.removeprefix(source.path[: source.below]) or source.relative
    return UnreadableFile(problem.sentence, problem.remedy, where, problem.detail)


def _make_stamp(member: Member, settings: ImportSettings, plan: StampFormat, factor: float) -> Stamp:
    image = member.cutout.image
    if len(image) != plan.planes:
        raise UnreadableFile(
            f"It has {len(image)} {'bands' if len(image) > 1 else 'band'}, and the stamps are to have {plan.planes}.",
            "Import it separately, or choose the extension or the pattern that fits all.",
        )
    return prepare(plan.put_in_order(member.cutout, settings), plan.size, settings, factor)


def _count_differences(
    odd: Counter[str], cutout: Cutout, plan: StampFormat, settings: ImportSettings, count: int = 1
) -> None:
    """Count cutouts that are imported although their bands or units differ from the others."""
    if plan.differs_in_order(cutout, settings):
        odd[f"bands {', '.join(cutout.bands)} put into the order {', '.join(plan.bands)}"] += count
    elif cutout.bands and cutout.bands != plan.bands and not band_names(settings):
        odd[f"band {', '.join(cutout.bands)} and not {', '.join(plan.bands)}"] += count
    if cutout.unit != plan.unit:
        odd[f"unit “{cutout.unit or 'unknown'}” and not “{plan.unit or 'unknown'}”"] += count


def _notes(found: Found, catalogue: Path | None) -> list[str]:
    notes = [
        note for note in (pattern_note(found), auxiliary.describe(found.auxiliary), describe_links(found.links)) if note
    ]
    unread = [Path(path).name for path in found.tables]
    if unread and catalogue is None:
        names = unread if len(unread) < 4 else [*unread[:3], f"{len(unread) - 3:,} more tables"]
        listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
        lie, was = ("lies", "was") if len(unread) == 1 else ("lie", "were")
        notes.append(f"{listed} {lie} beside the cutouts and {was} not used as a catalogue.")
    if found.others:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found.others.items()))
        notes.append(f"Files of other kinds were left alone: {kinds}.")
    return notes


def _origin(found: Found, settings: ImportSettings, joined: Join | None) -> Origin:
    folders = sorted(Path(folder).name for folder in {source.path[: source.below] for source in found.sources})
    source = ", ".join(folders)
    if joined is not None:  # with these settings the same columns are joined again
        source += f", with a catalogue joined by its column “{joined.column}”"
        chosen = {"catalogue_id": joined.column, "catalogue_table": table_name(joined.table)}
        settings = settings.model_copy(update=chosen)
    return Origin(
        program=PROGRAM,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        source=source,
        settings=dumps(settings),
    )
