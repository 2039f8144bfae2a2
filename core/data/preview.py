"""A preview of an import: what it would find and write."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from core.data import automatic_fit, auxiliary, containers, parts
from core.data import catalogue as tables
from core.data.choose_table import join_tables, named_table
from core.data.cube_planes import describe_axes
from core.data.discovery import Found, Source, discover, require_galaxies
from core.data.field_factors import FieldFactors
from core.data.import_catalogue import files_to_match
from core.data.join import NO_ROW, Join
from core.data.label_values import clean_labels
from core.data.read_errors import reading
from core.data.readers import Member, band_names, read
from core.data.recipe import StampRecipe
from core.data.settings import ImportSettings
from core.data.stamp_format import SampleSummary, StampFormat, count_of, measure_sample, pattern_note
from core.data.stamps import prepare
from core.data.walk import describe_links
from core.data.zero_points import ZeroPoints
from core.errors import AmbiguousColumn, CatalogueProblem, Problem, SettingsProblem, Stopped, UnreadableFile
from core.events import NEVER, Progress, Work

STAMPS = 16
_MAX_SOURCES = 64  # to be read for the first stamps
_CATALOGUE_NAMES = ("catalogue", "catalog", "labels", "label", "sources")


@dataclass(frozen=True)
class ImportPreview:
    """A preview of the chosen files.

    ``count`` is the number of galaxies; ``stamps`` are the first sixteen as the import would make them, (C, H, W) with
    row 0 at the bottom, or as they are in the files where it cannot, and ``names`` their names; ``shapes`` counts the
    shapes (C, H, W) of a sample; ``plan`` is the format of the stamps after an import. ``catalogue`` is the one that
    was given, or one beside the files that matches them; ``columns`` are its columns, ``id_column`` and
    ``label_columns`` those that would be used, ``matched`` the number of galaxies with a row. ``pattern`` is the
    pattern of file names with one band each, if one was recognised; ``making`` tells how stamps are made of the files.
    ``zero_points`` are those of the bands, None where unknown; there are none of 8-bit pictures.
    """

    count: int
    stamps: list[NDArray[Any]]
    names: list[str]
    shapes: dict[tuple[int, int, int], int]
    plan: StampFormat
    bands: tuple[str, ...]
    pixel_scale: float
    pattern: str = ""
    catalogue: Path | None = None
    columns: tuple[str, ...] = ()
    id_column: str = ""
    label_columns: tuple[str, ...] = ()
    matched: int = 0
    making: str = ""
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[str] = field(default_factory=list[str])
    split_column: str = ""
    zero_points: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class _Labels:
    catalogue: Path | None = None
    columns: tuple[str, ...] = ()
    id_column: str = ""
    label_columns: tuple[str, ...] = ()
    matched: int = 0
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    joined: Join | None = None
    split_column: str = ""


def preview(
    sources: Sequence[Path], settings: ImportSettings, catalogue: Path | None, stop: threading.Event = NEVER
) -> Work[ImportPreview]:
    """Look at files without importing them.

    A catalogue that cannot be read or joined, and bands that do not fit, are reported in ``problems`` and not
    raised, so that the user sees the images and can choose again.

    Raises
    ------
    UnreadableFile
        A source does not exist, or none can be read.
    Stopped
        ``stop`` was set.
    """
    found = yield from discover(sources, settings, stop, [catalogue] if catalogue else [])
    require_galaxies(found)
    sample = yield from measure_sample(found, settings, stop)
    problems = [*found.problems, *sample.problems]
    try:
        plan = sample.plan(settings)
    except SettingsProblem as problem:
        problems.append(problem)
        plan = sample.plan(settings.model_copy(update={"bands": "", "zero_point": ()}))
        settings = settings.model_copy(update={"zero_point": ()})
    decided, decision = yield from automatic_fit.decide(settings, plan.size, sample.looks, stop)
    labels = yield from _find_labels(found, sources, catalogue, settings, stop)
    first = yield from _read_first(found, settings, stop)
    scales = [member.cutout.pixel_scale for _, member in first if not math.isnan(member.cutout.pixel_scale)]
    try:
        factors = FieldFactors.of_import(settings, found, labels.joined)
    except (SettingsProblem, CatalogueProblem) as problem:
        problems.append(problem)
        factors = FieldFactors()
    zero_points = ZeroPoints(plan.bands, settings.zero_point)
    stamps, obstacles = _make_stamps(first, decided, plan, factors, zero_points)
    recipe = StampRecipe(decided.model_copy(update={"size": plan.size}), plan.bands, plan.unit, plan.dtype == "uint8")
    notes = [
        *obstacles,
        *zero_points.doubts,
        _describe_axes(found, plan, settings, sample, labels),
        decision,
        *_describe_files(found),
    ]
    return ImportPreview(
        sum(count_of(source, settings.hdu) for source in found.sources),
        stamps,
        [member.name for _, member in first],
        dict(sample.shapes.most_common()),
        plan,
        plan.bands,
        scales[0] if scales else math.nan,
        found.pattern,
        labels.catalogue,
        labels.columns,
        labels.id_column,
        labels.label_columns,
        labels.matched,
        recipe.describe_field(),
        [*problems, *labels.problems],
        [*(note for note in notes if note), *labels.notes, *sample.remarks.notes(sum(sample.shapes.values()))],
        "split" if found.gives_parts else labels.split_column,
        () if plan.dtype == "uint8" else tuple(zero_points.values),
    )


def _find_labels(
    found: Found, sources: Sequence[Path], catalogue: Path | None, settings: ImportSettings, stop: threading.Event
) -> Work[_Labels]:
    """The labels of the given catalogue, else of the first one beside the images that can be joined."""
    labels = _Labels()
    for path in [catalogue] if catalogue else _find_catalogues(found, sources):
        if stop.is_set():
            raise Stopped
        yield Progress(0, None, "files")
        labels = _match_catalogue(path, found, settings, stop)
        if not labels.problems or any(isinstance(problem, AmbiguousColumn) for problem in labels.problems):
            break
        labels = labels if catalogue else _Labels()
    return labels if labels.catalogue else _labels_in_container(found, settings)


def _describe_files(found: Found) -> list[str]:
    return [pattern_note(found), auxiliary.describe(found.auxiliary), describe_links(found.links)]


def _describe_axes(
    found: Found, plan: StampFormat, settings: ImportSettings, sample: SampleSummary, labels: _Labels
) -> str:
    rows = len(labels.joined.table) if labels.joined is not None else 0
    return describe_axes(found, plan.planes, settings.hdu, [*sample.bands, *band_names(settings)], rows)


def _make_stamps(
    first: list[tuple[Source, Member]],
    settings: ImportSettings,
    plan: StampFormat,
    factors: FieldFactors,
    zero_points: ZeroPoints,
) -> tuple[list[NDArray[Any]], list[str]]:
    """The stamps of the first galaxies, as they are in the files where they cannot be made, and a note on those."""
    stamps: list[NDArray[Any]] = []
    problems: list[UnreadableFile] = []
    for source, member in first:
        try:
            with reading(source.path):
                cutout = plan.put_in_order(member.cutout, settings)
                stamp = prepare(cutout, plan.size, settings, factors.factor(source, member))
                stamps.append(stamp.image)
                if len(cutout.image) == plan.planes:
                    zero_points.add(cutout.zero_points, stamp.enlarged)
        except UnreadableFile as problem:
            problems.append(problem)
            stamps.append(member.cutout.image)
    if not problems:
        return stamps, []
    return stamps, [f"{len(problems)} of the first {len(first)} cannot become stamps. {problems[0].text}"]


def _read_first(found: Found, settings: ImportSettings, stop: threading.Event) -> Work[list[tuple[Source, Member]]]:
    """Read the first galaxies that can be read."""
    members: list[tuple[Source, Member]] = []
    for source in found.sources[:_MAX_SOURCES]:
        if stop.is_set():
            raise Stopped
        yield Progress(len(members), STAMPS, "galaxies")
        try:
            for member in read(source, settings, []):
                members.append((source, member))
                if len(members) == STAMPS:
                    return members
        except UnreadableFile:
            continue  # reported by the sample or by the import
    return members


def _labels_in_container(found: Found, settings: ImportSettings) -> _Labels:
    """The label columns in a file of many galaxies."""
    try:
        inside = [
            containers.inspect_container(source.path) for source in found.sources[:1] if source.kind == "container"
        ]
    except UnreadableFile:
        return _Labels()
    if not inside or not inside[0].columns:
        return _Labels()
    table = Table(dict(inside[0].columns))
    try:
        labels = tables.label_columns(table, settings)
    except CatalogueProblem as problem:
        return _Labels(None, tuple(table.colnames), problems=(problem,))
    notes, given = tuple(clean_labels(table, labels, settings)), _parts_column(table)
    return _Labels(None, tuple(table.colnames), "", labels, len(inside[0]), notes=notes, split_column=given)


def _find_catalogues(found: Found, sources: Iterable[Path]) -> list[Path]:
    """Tables that may be the catalogue, best first: in the chosen folders, or in their parent folders."""
    tables_there = [Path(path) for path in found.tables]
    for source in sources:
        above = source.resolve().parent
        endings = (".csv", ".fits", ".ecsv", ".xml", ".parquet")
        tables_there += [
            path for name in _CATALOGUE_NAMES for end in endings if (path := above / f"{name}{end}").is_file()
        ]

    def rank(path: Path) -> tuple[int, int, str]:
        named = next(
            (place for place, name in enumerate(_CATALOGUE_NAMES) if path.stem.lower().startswith(name)),
            len(_CATALOGUE_NAMES),
        )
        return named, len(path.parts), path.name

    return sorted(dict.fromkeys(tables_there), key=rank)[:4]


def _match_catalogue(path: Path, found: Found, settings: ImportSettings, stop: threading.Event) -> _Labels:
    candidates: list[Table] = []
    try:
        candidates = tables.read_tables(path, stop)
        files = files_to_match(found, settings.hdu)
        joined = join_tables(candidates, files, settings)
    except CatalogueProblem as problem:
        largest = max(candidates, key=lambda table: len(table.colnames), default=None)
        if settings.catalogue_table and candidates:
            with contextlib.suppress(CatalogueProblem):
                largest = named_table(candidates, settings.catalogue_table)
        columns, labels = tuple(largest.colnames) if largest is not None else (), settings.labels
        with contextlib.suppress(CatalogueProblem):
            labels = labels if largest is None else tables.label_columns(largest, settings)
        return _Labels(path, columns, settings.catalogue_id, labels, 0, (problem,))
    matched = sum(joined.row_of(*file) != NO_ROW for file in files)
    columns = tuple(joined.table.colnames)
    labels = tables.label_columns(joined.table, settings)
    notes = list(joined.notes)
    if joined.problems:
        count = "1 entry" if len(joined.problems) == 1 else f"{len(joined.problems):,} entries"
        notes.insert(0, f"{count} of the catalogue cannot be used and will be reported. {joined.problems[0]}")
    given = _parts_column(joined.table)
    return _Labels(path, columns, joined.column, labels, matched, notes=tuple(notes), joined=joined, split_column=given)


def _parts_column(table: Table) -> str:
    return parts.recognise_column({name: np.asarray(table[name]) for name in table.colnames})
