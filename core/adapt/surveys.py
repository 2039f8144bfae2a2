"""The two surveys of an adaptation: the one that a network was trained on, and the one that it is carried to.

The *source* are galaxies of the training part of the run, by its split, and are found only where its dataset still is.
The *target* is any dataset; galaxies of its test part are never looked at.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import seen
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.target import NO_LABEL, Target, has_label
from core.errors import NotPossible, Problem
from core.nets import band_mapping, opening, zero_points
from core.nets.band_mapping import BandMapping
from core.nets.mapped_cutouts import MappedCutouts
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.train import preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings


@dataclass(frozen=True, eq=False)
class SourceSurvey:
    """The galaxies that a network was trained on.

    Attributes
    ----------
    cutouts
        With the network's bands and in the units of its training.
    train, validation
        Rows of the two parts.
    """

    cutouts: Cutouts
    train: NDArray[np.int64]
    validation: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TargetLabels:
    """What the galaxies of a target are labelled as, outside its test part.

    Attributes
    ----------
    target
        What would be learned; None: there are no labels, ``why`` says what is wrong with them.
    encoded
        As :func:`core.data.target.encode` gives them, for all rows; no label for those of the test part.
    labelled
        Rows of the training and validation galaxies.
    unlabelled
        Rows of the galaxies without a label.
    test
        The number of test galaxies, which are left out.
    why
        Why there are no labels; empty: there are.
    """

    target: Target | None
    encoded: NDArray[Any]
    labelled: NDArray[np.int64]
    unlabelled: NDArray[np.int64]
    test: int = 0
    why: str = ""

    @property
    def rows(self) -> NDArray[np.int64]:
        """All galaxies outside the test part."""
        return np.sort(np.concatenate([self.labelled, self.unlabelled]))


def read_target_labels(
    cutouts: Cutouts, data: DataSettings | None = None, seed: int = 1, hand_labels: LabelJournal | None = None
) -> TargetLabels:
    """Read the labels of a target as a training would, and leave out those of its test part.

    Parameters
    ----------
    cutouts
        The dataset.
    data, seed
        What is learned and how the parts are drawn; None: the defaults.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs.
    """
    settings = RunSettings(data=data or DataSettings(), seed=seed)
    everything, nothing = np.arange(len(cutouts)), np.zeros(0, np.int64)
    try:
        target, encoded = read_labels(cutouts, settings.data, hand_labels)
    except Problem as problem:
        return TargetLabels(None, np.full(len(cutouts), NO_LABEL), nothing, everything, why=problem.sentence)
    has = has_label(encoded)
    try:
        split = preparation.split_dataset(cutouts, target, encoded, settings, hand_labels)
    except Problem:  # too few labels to be divided: no test part is ever drawn from them
        return TargetLabels(target, encoded, np.flatnonzero(has), np.flatnonzero(~has))
    labelled = np.sort(np.concatenate([split.train, split.beyond, split.validation]))
    encoded = encoded.copy()
    encoded[split.test] = NO_LABEL if encoded.ndim == 1 else np.nan
    return TargetLabels(target, encoded, labelled, np.flatnonzero(~has), len(split.test))


def find_bands(predictor: Predictor, network: Path, bands: tuple[str, ...]) -> tuple[BandMapping | None, bool]:
    """What feeds a network's bands, and whether that is only proposed; None: the bands as they are, or nothing fits.

    Proposed are the bands by their names or in their order, one band repeated for all, or the mean of all for one.
    """
    mapping = opening.find_mapping(predictor, network, bands)
    if mapping is not None or len(bands) == len(predictor.bands):
        return mapping, False
    text = band_mapping.suggest(predictor.bands, bands)
    if not text and len(predictor.bands) == 1:
        return BandMapping((bands,)), True
    return (BandMapping.parse(text, bands, predictor.bands), True) if text else (None, False)


def feed(predictor: Predictor, whole: Cutouts, mapping: BandMapping | None) -> tuple[Cutouts, list[Problem]]:
    """A dataset as a network takes it: with its bands, at the zero points of its training; and what was changed."""
    cutouts = whole if mapping is None else MappedCutouts(whole, mapping, predictor.bands)
    return zero_points.bring_to_training(cutouts, predictor)


@contextlib.contextmanager
def open_source(predictor: Predictor, network: Path) -> Iterator[SourceSurvey]:
    """Open the dataset on which a network was trained.

    Raises
    ------
    NotPossible
        It is not known or not there, or it has changed since.
    """
    run, data = find_source(network)
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(opening.open_network_on_data(network, data, "cpu", needs_answers=False))
            split = splits.load(run.split_file, opened.cutouts.ids)
            is_same = opened.cutouts.is_known_as(predictor.card.get("checksum"))
        except Problem as problem:
            raise NotPossible(
                f"The dataset “{data.name}”, on which the network was trained, cannot be used: {problem.sentence}"
            ) from problem
        if not is_same:
            raise NotPossible(
                f"The dataset “{data.name}” is not the one on which the network was trained, or was changed since.",
                "Restore it to compare the two surveys.",
            )
        yield SourceSurvey(opened.cutouts, split.train, split.validation)


def find_source(network: Path) -> tuple[RunFolder, Path]:
    """The run of a network, and the dataset on which it was trained.

    Raises
    ------
    NotPossible
        One of them is not known, or not there any more.
    """
    run = next(seen.lineage(network), None)
    if run is None:
        raise NotPossible(
            "This network does not come with its run, so that the galaxies of its training are not known.",
            "Choose the folder of the run, with its dataset, to compare the two surveys.",
        )
    data = run.data
    if data is None:
        raise NotPossible(
            "The dataset on which the network was trained is not where the run has noted it.",
            "Put it back, beside the run's project, to compare the two surveys.",
        )
    return run, data


def draw_sample(rows: NDArray[np.int64], count: int, seed: int = 1) -> NDArray[np.int64]:
    """At most so many rows, drawn at random but always the same, in their order."""
    if len(rows) <= count:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
