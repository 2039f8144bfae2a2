"""Faithfulness over a dataset: one line for each galaxy, and summaries by class.

The galaxies are processed one by one, and only their numbers are kept. A galaxy whose image cannot be used is reported
and counted, and has no line.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data import split as splits
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.seen import seen_ids
from core.data.settings import Part
from core.data.target import Classes, Target, VoteFractions
from core.errors import Stopped, TooFewGalaxies
from core.events import NEVER, Preview, Progress, Skipped, Work, result_of
from core.explain.faithfulness.assessment import Assessment, explain_and_assess
from core.explain.faithfulness.localisation import REGIONS, Region
from core.explain.faithfulness.settings import FaithfulnessSettings
from core.items import as_problem
from core.nets.opening import open_network_on_data
from core.project.files import write_csv
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.wording import percent

_HEAD = (
    *("id", "class", "predicted", "probability", "galaxy", "neighbours", "sky", "area_galaxy", "rests_on"),
    *("deletion", "deletion_random", "insertion", "insertion_random"),
)
_MEDIANS = ("galaxy", "area_galaxy", "deletion", "deletion_random", "insertion", "insertion_random")
_NO_LABEL = "no label"
_FEWEST_SHOWN, _MOST_PREVIEWS = 8, 50  # galaxies from one preview of the table to the next, at least, and previews
_WHERE: dict[Region, str] = {
    "galaxy": "the decision rests on the galaxy",
    "neighbour": "the decision rests on a neighbour",
    "sky": "the decision rests on the sky",
    "nothing": "nothing in the image speaks for the decision",
}


@dataclass(frozen=True, slots=True)
class GalaxyLine:
    """One galaxy.

    ``row`` is its row in the dataset, ``label`` its true class (empty: none), ``predicted`` the explained output; areas
    are those under the deletion and insertion curves, NaN where there is nothing to follow.
    """

    row: int
    galaxy_id: str
    label: str
    predicted: str
    probability: float | None
    galaxy: float
    neighbours: float
    sky: float
    area_galaxy: float
    rests_on: Region
    deletion: float
    deletion_random: float
    insertion: float
    insertion_random: float

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the table; unknown values are empty."""
        shares = (self.probability, self.galaxy, self.neighbours, self.sky, self.area_galaxy)
        areas = (self.deletion, self.deletion_random, self.insertion, self.insertion_random)
        names = (self.galaxy_id, self.label, self.predicted)
        return (*names, *map(_cell, shares), self.rests_on, *map(_cell, areas))


@dataclass(frozen=True)
class ClassFaithfulness:
    """The galaxies of one class.

    ``counts`` holds the number of galaxies whose decision rests on each region. The other values are medians, NaN where
    no galaxy has a value: the share of the evidence on the galaxy, the share of the image that it covers, and the areas
    under the curves.
    """

    name: str
    galaxies: int
    counts: dict[Region, int]
    galaxy: float
    area_galaxy: float
    deletion: float
    deletion_random: float
    insertion: float
    insertion_random: float

    def sentence(self, region: Region) -> str:
        """Number of galaxies whose decision rests on this region, as text."""
        count, of = self.counts[region], self.galaxies
        return f"In {percent(count / of)} of “{self.name}” ({count:,} of {of:,}) {_WHERE[region]}."


@dataclass(frozen=True)
class FaithfulnessTable:
    """Assessments of a network's maps for many galaxies.

    Attributes
    ----------
    part
        Part of the dataset: ``"all"`` for another dataset than the network's own.
    lines
        One for each galaxy, in the order of the dataset.
    left_out
        Number of galaxies that could not be assessed.
    asked
        Number of galaxies that were to be assessed.
    seen
        Number of lines whose galaxies, by their ids, the network was trained or chosen on; for a part of its own
        dataset that is known by its name, and 0.
    """

    part: Part
    lines: tuple[GalaxyLine, ...]
    left_out: int
    asked: int
    seen: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all galaxies were looked at, and the work was not stopped before."""
        return len(self.lines) + self.left_out == self.asked

    @property
    def classes(self) -> list[ClassFaithfulness]:
        """Summaries by label, or by predicted output where no galaxy has a label."""
        groups: dict[str, list[GalaxyLine]] = {}
        for line in self.lines:
            groups.setdefault(self.class_of(line), []).append(line)
        return [_summarise_class(name, groups[name]) for name in sorted(groups)]

    def class_of(self, line: GalaxyLine) -> str:
        """The name among :attr:`classes` under which a line is counted."""
        return (line.label or _NO_LABEL) if self._is_labelled else line.predicted

    @cached_property
    def _is_labelled(self) -> bool:
        return any(line.label for line in self.lines)

    @property
    def whole(self) -> ClassFaithfulness:
        """All galaxies together."""
        return _summarise_class("all galaxies", self.lines)

    def rows(self, region: Region, name: str | None = None) -> list[int]:
        """Rows in the dataset of the galaxies whose decision rests on this region; of one class, or of all."""
        return [line.row for line in self.lines if line.rests_on == region and name in (None, self.class_of(line))]

    def save(self, path: Path) -> None:
        """Write the lines as CSV, completely or not at all."""
        write_csv(path, [_HEAD, *(line.cells for line in self.lines)])

    def sentences(self) -> list[str]:
        """How many decisions do not rest on the galaxy, class by class, as text."""
        sentences = [
            each.sentence(region)
            for region in REGIONS
            if region != "galaxy"
            for each in self.classes
            if each.counts[region] or region == "neighbour"
        ]
        if self.seen:
            sentences.append(
                f"The network, or one that it started from, was trained or chosen on {self.seen:,} of these "
                f"{len(self.lines):,} galaxies (by their ids)."
            )
        if not self.is_whole:
            looked_at = len(self.lines) + self.left_out
            sentences.append(f"So far these are the first {looked_at:,} of {self.asked:,} galaxies.")
        if self.left_out:
            sentences.append(f"Not looked at, since they could not be explained: {self.left_out:,}.")
        return sentences


def assess_many(
    run: Path,
    data: Path,
    part: Part | Sequence[int],
    settings: FaithfulnessSettings,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[FaithfulnessTable]:
    """Make and assess the maps of many galaxies.

    The predicted output of each is explained. Yields a :class:`~core.events.Skipped` for each galaxy that cannot be
    assessed, and for each doubt whether the images fit the network; and now and then a :class:`~core.events.Preview`
    with the table of the galaxies so far.

    Parameters
    ----------
    run
        Folder of a run, or a weights file.
    data
        A dataset.
    part
        Part of the run's own dataset, or rows; another dataset is always taken as a whole unless rows are given.
    settings
        The method, and how its map is assessed.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    UnreadableFile
        The run has no network, or its split cannot be read.
    TooFewGalaxies
        There is no galaxy in this part.
    NotPossible
        The stamps do not fit the network, or the method does not work for it.
    """
    lines: list[GalaxyLine] = []
    with open_network_on_data(run, data) as opened:
        predictor, cutouts = opened.predictor, opened.cutouts
        predictor.require_one()
        is_own = cutouts.is_known_as(predictor.card.get("checksum"))
        chosen, rows = _choose_rows(run, cutouts, part if is_own or not isinstance(part, str) else "all")
        for doubt in (*opened.doubts, *opened.remarks_on(np.asarray(rows, dtype=np.int64))):
            yield Skipped(doubt)
        labels, ids = _labels(cutouts, predictor.target, hand_labels), cutouts.ids
        known = seen_ids(run) if chosen == "all" else set[str]()
        every = max(_FEWEST_SHOWN, len(rows) // _MOST_PREVIEWS)

        def table(done: int) -> FaithfulnessTable:
            seen = sum(line.galaxy_id in known for line in lines)
            return FaithfulnessTable(chosen, tuple(lines), done - len(lines), len(rows), seen)

        for done, row in enumerate(rows):
            if stop.is_set():
                raise Stopped
            yield Progress(done, len(rows), "galaxies")
            if done and done % every == 0 and lines:
                yield Preview(table(done))
            try:
                found = result_of(
                    explain_and_assess(opened.of_galaxy(row), cutouts.images[row], None, settings, stop, ids[row])
                )
            except Exception as error:  # noqa: BLE001 - whatever befalls one galaxy, the others are assessed
                yield Skipped(as_problem(error, ids[row]), is_failure=True)
                continue
            lines.append(_make_line(row, labels[row], found))
    yield Progress(len(rows), len(rows), "galaxies")
    return table(len(rows))


def _choose_rows(run: Path, cutouts: Cutouts, part: Part | Sequence[int]) -> tuple[Part, list[int]]:
    if not isinstance(part, str):
        return "all", [int(row) for row in part]
    rows: NDArray[np.int64] = np.arange(len(cutouts))
    if part != "all":
        rows = np.sort(getattr(splits.load(RunFolder.of(run).split_file, cutouts.ids), part))
    if not len(rows):
        raise TooFewGalaxies(f"There is no galaxy in the {part} part.", "Choose another part.", cutouts.path.name)
    return part, rows.tolist()


def _labels(cutouts: Cutouts, target: Target, hand_labels: LabelJournal | None) -> list[str]:
    """Label of each galaxy, or its most voted answer; labels given by hand win over the catalogue."""
    columns = labelled_columns(cutouts, hand_labels)
    none = [""] * len(cutouts)
    if isinstance(target, Classes) and target.column in columns:
        return [targets.label_text(value) for value in columns[target.column]]
    if isinstance(target, VoteFractions) and all(name in columns for name in target.columns):
        shares = targets.encode(target, columns)
        known = targets.has_label(shares)
        return [
            target.columns[int(each.argmax())] if is_known else "" for each, is_known in zip(shares, known, strict=True)
        ]
    return none


def _make_line(row: int, label: str, found: Assessment) -> GalaxyLine:
    made, part, curves = found.explanation, found.localisation, found.curves
    areas = (
        (math.nan,) * 4
        if curves is None
        else (curves.deletion_area, curves.random_deletion_area, curves.insertion_area, curves.random_insertion_area)
    )
    shares = (part.galaxy, part.neighbours, part.sky, part.area_galaxy, part.rests_on)
    return GalaxyLine(row, made.galaxy_id, label, made.target_name, made.probability, *shares, *areas)


def _summarise_class(name: str, lines: Sequence[GalaxyLine]) -> ClassFaithfulness:
    counts: dict[Region, int] = {region: sum(line.rests_on == region for line in lines) for region in REGIONS}
    medians = (_median([getattr(line, number) for line in lines]) for number in _MEDIANS)
    return ClassFaithfulness(name, len(lines), counts, *medians)


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else math.nan


def _cell(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"
