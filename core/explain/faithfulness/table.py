"""Whether to believe a network: one line for each galaxy of a dataset, and the verdicts by class.

The galaxies are looked at one by one, so that only their numbers are kept. A galaxy whose image cannot be used is
told and counted, and has no line.
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
from core.data.settings import Part
from core.data.target import Classes, Target, VoteFractions
from core.errors import NotANumber, Stopped, TooFewGalaxies
from core.events import NEVER, Progress, Skipped, Work, result_of
from core.explain.faithfulness.assessment import Belief, believe
from core.explain.faithfulness.localisation import GROUNDS, Ground
from core.explain.faithfulness.settings import BeliefSettings
from core.nets.opening import open_network_on_data
from core.project.files import write_list
from core.project.labels import LabelJournal
from core.project.runs import RunFolder

_HEAD = (
    *("id", "class", "predicted", "probability", "galaxy", "neighbours", "sky", "area_galaxy", "rests_on"),
    *("deletion", "deletion_random", "insertion", "insertion_random"),
)
_MEDIANS = ("galaxy", "area_galaxy", "deletion", "deletion_random", "insertion", "insertion_random")
_NO_LABEL = "no label"
_WHERE: dict[Ground, str] = {
    "galaxy": "the decision rests on the galaxy",
    "neighbour": "the decision rests on a neighbour",
    "sky": "the decision rests on the sky",
    "nothing": "nothing in the image speaks for the decision",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One galaxy.

    ``row`` is its place in the dataset, ``kind`` its label (empty: none), ``predicted`` what is explained; areas
    are those under the curves of deletion and insertion, NaN where there is nothing to follow.
    """

    row: int
    galaxy_id: str
    kind: str
    predicted: str
    probability: float | None
    galaxy: float
    neighbours: float
    sky: float
    area_galaxy: float
    rests_on: Ground
    deletion: float
    deletion_random: float
    insertion: float
    insertion_random: float

    @property
    def cells(self) -> tuple[str, ...]:
        """As they stand in the table; what is not known is empty."""
        shares = (self.probability, self.galaxy, self.neighbours, self.sky, self.area_galaxy)
        areas = (self.deletion, self.deletion_random, self.insertion, self.insertion_random)
        names = (self.galaxy_id, self.kind, self.predicted)
        return (*names, *map(_cell, shares), self.rests_on, *map(_cell, areas))


@dataclass(frozen=True)
class ClassBelief:
    """The galaxies of one class.

    ``counts`` tells how many rest on what. All else are medians, NaN where no galaxy has a number: the share of the
    evidence on the galaxy, the share of the image that it covers, and the areas under the curves.
    """

    name: str
    galaxies: int
    counts: dict[Ground, int]
    galaxy: float
    area_galaxy: float
    deletion: float
    deletion_random: float
    insertion: float
    insertion_random: float

    def sentence(self, ground: Ground) -> str:
        """How many rest on this, in words and numbers."""
        count, of = self.counts[ground], self.galaxies
        return f"In {100 * count / of:.0f} % of “{self.name}” ({count:,} of {of:,}) {_WHERE[ground]}."


@dataclass(frozen=True)
class BeliefTable:
    """What is known of a network on many galaxies.

    Attributes
    ----------
    part
        Which of them: ``"all"`` on another dataset than the network's own.
    lines
        One for each, in the order of the dataset.
    left_out
        How many could not be looked at.
    """

    part: Part
    lines: tuple[Line, ...]
    left_out: int

    @property
    def classes(self) -> list[ClassBelief]:
        """By label; of galaxies without one, by what is predicted, where no galaxy has a label."""
        groups: dict[str, list[Line]] = {}
        for line in self.lines:
            groups.setdefault(self.class_of(line), []).append(line)
        return [_class(name, groups[name]) for name in sorted(groups)]

    def class_of(self, line: Line) -> str:
        """Under which of :attr:`classes` a line is counted."""
        return (line.kind or _NO_LABEL) if self._is_labelled else line.predicted

    @cached_property
    def _is_labelled(self) -> bool:
        return any(line.kind for line in self.lines)

    @property
    def whole(self) -> ClassBelief:
        """All galaxies together."""
        return _class("all galaxies", self.lines)

    def rows(self, ground: Ground, name: str | None = None) -> list[int]:
        """The places in the dataset of the galaxies whose decision rests on this; of one class, or of all."""
        return [line.row for line in self.lines if line.rests_on == ground and name in (None, self.class_of(line))]

    def save(self, path: Path) -> None:
        """Write the lines as CSV, wholly or not at all."""
        write_list(path, [_HEAD, *(line.cells for line in self.lines)])

    def sentences(self) -> list[str]:
        """What does not rest on the galaxy, class by class."""
        told = [
            each.sentence(ground)
            for ground in GROUNDS
            if ground != "galaxy"
            for each in self.classes
            if each.counts[ground] or ground == "neighbour"
        ]
        if self.left_out:
            told.append(f"Not looked at, since their images or outputs are not finite: {self.left_out:,}.")
        return told


def believe_many(
    run: Path,
    data: Path,
    part: Part | Sequence[int],
    settings: BeliefSettings,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[BeliefTable]:
    """Ask of many galaxies whether to believe what a network says of them.

    The predicted output of each is explained. Yields a :class:`~core.events.Skipped` for each galaxy that cannot be
    looked at, and for each doubt whether the images fit the network.

    Parameters
    ----------
    run
        Folder of a run.
    data
        A dataset.
    part
        Of the run's own dataset; another one is always looked at whole. Or the rows.
    settings
        Which map, and how it is judged.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    UnreadableFile
        The run has no network, or does not tell its parts.
    TooFewGalaxies
        There is no galaxy in this part.
    NotPossible
        The stamps do not fit the network, or it cannot be asked by this method.
    """
    lines: list[Line] = []
    with open_network_on_data(run, data) as opened:
        predictor, cutouts = opened.predictor, opened.cutouts
        for doubt in opened.doubts:
            yield Skipped(doubt)
        is_own = cutouts.checksum == predictor.card.get("checksum")
        chosen, rows = _choose_rows(run, cutouts, part if is_own or not isinstance(part, str) else "all")
        kinds, ids = _kinds(cutouts, predictor.target, hand_labels), cutouts.ids
        for done, row in enumerate(rows):
            if stop.is_set():
                raise Stopped
            yield Progress(done, len(rows), "galaxies")
            try:
                found = result_of(believe(predictor, cutouts.images[row], None, settings, stop, ids[row]))
            except NotANumber as problem:
                yield Skipped(NotANumber(problem.sentence, problem.remedy, ids[row]))
                continue
            lines.append(_line(row, kinds[row], found))
    yield Progress(len(rows), len(rows), "galaxies")
    return BeliefTable(chosen, tuple(lines), len(rows) - len(lines))


def _choose_rows(run: Path, cutouts: Cutouts, part: Part | Sequence[int]) -> tuple[Part, list[int]]:
    if not isinstance(part, str):
        return "all", [int(row) for row in part]
    rows: NDArray[np.int64] = np.arange(len(cutouts))
    if part != "all":
        rows = np.sort(getattr(splits.load(RunFolder(run).split_file, cutouts.ids), part))
    if not len(rows):
        raise TooFewGalaxies(f"There is no galaxy in the {part} part.", "Choose another part.", cutouts.path.name)
    return part, rows.tolist()


def _kinds(cutouts: Cutouts, target: Target, hand_labels: LabelJournal | None) -> list[str]:
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


def _line(row: int, kind: str, found: Belief) -> Line:
    made, part, curves = found.explanation, found.shares, found.curves
    areas = (
        (math.nan,) * 4
        if curves is None
        else (curves.deletion_area, curves.random_deletion_area, curves.insertion_area, curves.random_insertion_area)
    )
    shares = (part.galaxy, part.neighbours, part.sky, part.area_galaxy, part.rests_on)
    return Line(row, made.galaxy_id, kind, made.target_name, made.probability, *shares, *areas)


def _class(name: str, lines: Sequence[Line]) -> ClassBelief:
    counts: dict[Ground, int] = {ground: sum(line.rests_on == ground for line in lines) for ground in GROUNDS}
    medians = (_median([getattr(line, number) for line in lines]) for number in _MEDIANS)
    return ClassBelief(name, len(lines), counts, *medians)


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else math.nan


def _cell(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"
