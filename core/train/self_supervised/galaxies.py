"""Which galaxies a network learns from without labels, and which labelled ones check it.

A galaxy that a later training may put into its validation or test part is not shown: those parts are found as that
training finds them, and where a galaxy has no label yet, by its name, as they will be if it gets one. The validation
galaxies are kept for the loss and the check, the test galaxies are never read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data import kept_parts
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.data.split import Split
from core.data.target import Classes, Target
from core.errors import Problem, TooFewGalaxies
from core.nets import band_mapping
from core.nets.band_mapping import GREY, BandMapping
from core.nets.joined_cutouts import JoinedCutouts
from core.nets.mapped_cutouts import MappedCutouts
from core.project.labels import LabelJournal
from core.train import preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings

_ALL = Classes("", ("galaxy",))
_RULE = "galaxies without labels by their names; test galaxies are left out"
_FEWEST = 4
_COMPARED = 64  # stamps of each dataset whose pixels are compared
_LARGEST_RATIO = 3.0


@dataclass(frozen=True, eq=False)
class Galaxies:
    """The galaxies of a training without labels.

    Attributes
    ----------
    cutouts
        All datasets as one, with the bands that the network takes.
    split
        Rows that are learned from (``train``) and that are kept for the loss (``validation``).
    parts
        The split of each dataset by itself, with its test part.
    target, labels
        The classes of the first dataset, and the class of each of its rows; None: it has none.
    known, asked
        Rows of the check: labelled training galaxies, and the validation galaxies whose class these are to tell.
    notices
        What is worth knowing.
    """

    cutouts: Cutouts
    split: Split
    parts: tuple[Split, ...]
    target: Classes | None
    labels: NDArray[np.int64] | None
    known: NDArray[np.int64]
    asked: NDArray[np.int64]
    notices: tuple[Problem, ...]


@contextlib.contextmanager
def open_datasets(settings: RunSettings, data: Path | str) -> Iterator[list[Cutouts]]:
    """Open all datasets of a training without labels, with the bands that the network takes."""
    chosen = settings.self_supervised
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(Cutouts.open(path)) for path in (data, *chosen.more_data)]
        first = [band.name for band in opened[0].bands]
        for place, cutouts in enumerate(opened):
            names = [band.name for band in cutouts.bands]
            if chosen.average_bands:
                opened[place] = MappedCutouts(cutouts, BandMapping((tuple(names),)), (GREY,))
            elif (mapping := band_mapping.put_in_order(first, names)) is not None:
                opened[place] = MappedCutouts(cutouts, mapping, first)
        yield opened


def choose(
    settings: RunSettings,
    opened: Sequence[Cutouts],
    hand_labels: LabelJournal | None = None,
    earlier_split: Path | None = None,
) -> Galaxies:
    """Choose the galaxies to learn from, and those that check it.

    Parameters
    ----------
    settings
        Of the run.
    opened
        The datasets; labels are those of the first.
    hand_labels
        Labels given by hand of the first dataset; None: there are none.
    earlier_split
        The split with which a run that is resumed began; None for a new one.

    Raises
    ------
    Problem
        The datasets do not fit together, there are too few galaxies, or a label column that was named is unsuitable.
    """
    joined = opened[0] if len(opened) == 1 else JoinedCutouts(opened)
    own = _read_classes(opened[0], settings, hand_labels)
    parts: tuple[Split, ...] = ()
    notices = [*own.problems, *_compare_scales(opened, settings)]
    if earlier_split is not None:
        split = splits.load(earlier_split, joined.ids)
    else:
        others = _without_columns_named(settings)
        parts = (
            _find_parts(opened[0], settings, own, hand_labels),
            *(_find_parts(each, others, _read_classes(each, others, None), None) for each in opened[1:]),
        )
        split = _join(parts, opened)
    for rows, part in ((split.train, "to learn from"), (split.validation, "for validation")):
        if len(rows) < _FEWEST:
            raise TooFewGalaxies(
                f"There are {len(rows)} galaxies {part}.", "Add more galaxies, or change the parts' shares."
            )
    target, labels = own.target, own.labels
    known, asked = (np.empty(0, dtype=np.int64),) * 2
    if isinstance(target, Classes) and labels is not None:
        labelled = np.flatnonzero(labels >= 0)
        known = np.intersect1d(labelled, split.train)
        asked = np.intersect1d(labelled, split.validation)
    else:
        target, labels = None, None
    return Galaxies(joined, split, parts, target, labels, known, asked, tuple(notices))


def _compare_scales(opened: Sequence[Cutouts], settings: RunSettings) -> list[Problem]:
    """A warning where the pixels of the datasets are of other sizes, and galaxies are not scaled one by one."""
    if len(opened) == 1 or settings.network.samplewise == "standard":
        return []
    scatters = [
        float(each.images[np.unique(np.linspace(0, len(each) - 1, _COMPARED, dtype=int))].std()) for each in opened
    ]
    if max(scatters) <= _LARGEST_RATIO * min(scatters):
        return []
    told = ", ".join(f"{each.path.stem} {scatter:.3g}" for each, scatter in zip(opened, scatters, strict=True))
    return [
        Problem(
            f"The pixels of these datasets differ in size ({told}, standard deviations): to the network the fainter "
            "ones would be blank.",
            "Scale each galaxy by itself: network.samplewise = standard.",
            "network.samplewise",
        )
    ]


def keep_parts(
    galaxies: Galaxies, opened: Sequence[Cutouts], settings: RunSettings, labels: LabelJournal | None
) -> None:
    """Keep the parts with the projects of the datasets, so that every later training has the same test part."""
    for number, (cutouts, split) in enumerate(zip(opened, galaxies.parts, strict=True)):
        kept_parts.extend(split, cutouts, settings.data, labels if number == 0 else None)


class _Labels(NamedTuple):
    """What is learned from a dataset's labels in a training with them; None where it has none that are usable."""

    target: Target | None
    labels: NDArray[Any] | None
    problems: tuple[Problem, ...] = ()


def _read_classes(cutouts: Cutouts, settings: RunSettings, hand_labels: LabelJournal | None) -> _Labels:
    if not (settings.data.labels or cutouts.labels):
        return _Labels(None, None)
    try:
        return _Labels(*read_labels(cutouts, settings.data, hand_labels))
    except Problem as problem:
        if settings.data.labels:  # they were named
            raise
        return _Labels(None, None, (problem,))


def _without_columns_named(settings: RunSettings) -> RunSettings:
    """For a further dataset: its own labels decide its parts, and columns that are named are of the first."""
    fresh = settings.data.model_copy(update={"labels": (), "split_column": "", "group": "", "votes": ""})
    return settings.model_copy(update={"data": fresh})


def _find_parts(cutouts: Cutouts, settings: RunSettings, own: _Labels, hand_labels: LabelJournal | None) -> Split:
    """The parts of one dataset: of labelled galaxies those of a training with labels, of others by their names."""
    whole = settings.model_copy(update={"data": settings.data.model_copy(update={"train_limit": None})})
    everything = np.zeros(len(cutouts), dtype=np.int64)
    split = preparation.split_dataset(cutouts, _ALL, everything, whole, hand_labels)
    numbers = split.numbers(len(cutouts))
    numbers[numbers < 0] = 0  # a column gives no part: nobody will judge by them
    if own.target is not None and own.labels is not None:
        with contextlib.suppress(TooFewGalaxies):  # so few labels that no training can have parts
            split = preparation.split_dataset(cutouts, own.target, own.labels, whole, hand_labels)
            labelled = split.numbers(len(cutouts))
            numbers = np.where(labelled >= 0, labelled, numbers)
    return _as_split(numbers, split)


def _as_split(numbers: NDArray[np.int8], like: Split) -> Split:
    rows = [np.flatnonzero(numbers == number) for number in range(3)]
    return Split(*rows, seed=like.seed, rule=f"{like.rule}; {_RULE}")


def _join(parts: Sequence[Split], opened: Sequence[Cutouts]) -> Split:
    """The rows of all datasets; a galaxy that is held out in one is not learned from in another."""
    held = {
        cutouts.ids[row]
        for split, cutouts in zip(parts, opened, strict=True)
        for row in np.concatenate([split.validation, split.test]).tolist()
    }
    starts = np.cumsum([0, *map(len, opened)])
    train: list[int] = []
    validation: list[int] = []
    for split, cutouts, start in zip(parts, opened, starts.tolist(), strict=False):
        train += [start + row for row in split.train.tolist() if len(opened) == 1 or cutouts.ids[row] not in held]
        validation += (start + split.validation).tolist()
    rows = [np.array(each, dtype=np.int64) for each in (train, validation, [])]
    return Split(*rows, seed=parts[0].seed, rule=parts[0].rule)
