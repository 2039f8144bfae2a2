"""The error bars of several networks together, calibrated on the galaxies that they have in common for validation."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data import split as splits
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.target import Quantities
from core.errors import Problem
from core.evaluate.error_sentences import describe_common, uncalibrated
from core.evaluate.own_data import find_own_data
from core.evaluate.predict import Predictions, predict_rows
from core.events import NEVER, Work
from core.metrics import error_bars
from core.metrics.error_bars import FEWEST
from core.nets.calibration import ErrorBarCalibration
from core.nets.combination import Combined, combine
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.project.runs import RunFolder


def combine_predictions(members: Sequence[Predictions], target: Quantities) -> Combined:
    """What several networks, or one, answer together; their quantities may be in another order."""
    values, errors = [], []
    for member in members:
        places = [member.names.index(name) for name in target.columns]
        values.append(member.scores[:, places])
        errors.append(None if member.errors is None else member.errors[:, places])
    return combine(np.stack(values), errors, target.encodings)


def calibrate_together(
    networks: Sequence[Path], target: Quantities, stop: threading.Event = NEVER
) -> Work[tuple[ErrorBarCalibration | None, str]]:
    """Find the factors of the networks' common error bars, on the galaxies that are in the validation part of each run.

    Returns
    -------
    ErrorBarCalibration or None
        None where it is not possible.
    str
        What was done, or why it is not possible.
    """
    try:
        data, rows, labels = _find_common(networks, target)
        if len(rows) < FEWEST:
            return None, uncalibrated(
                f"the runs have {len(rows)} validation galaxies in common, and {FEWEST} are needed"
            )
        members: list[Predictions] = []
        for network in networks:
            with open_network_on_data(network, data) as opened:
                members.append((yield from predict_rows(opened, rows, stop)))
    except Problem as problem:
        return None, uncalibrated(f"{problem.sentence[0].lower()}{problem.sentence[1:].rstrip('.')}")
    together = combine_predictions(members, target)
    assert together.errors is not None  # there are several
    found = error_bars.calibrate(labels, together.values, together.errors, target.encodings)
    if found is None:
        return None, uncalibrated("the networks' answers give no factor")
    return found, describe_common(len(networks), found, target.columns)


def _find_common(networks: Sequence[Path], target: Quantities) -> tuple[Path, NDArray[np.int64], NDArray[np.float32]]:
    """The dataset of the runs, the rows of the galaxies that are in all their validation parts, and their labels.

    Raises
    ------
    Problem
        There is no such dataset.
    """
    folders = [RunFolder(path if path.is_dir() else path.parent) for path in networks]
    for folder in folders:
        if not folder.split_file.exists():
            raise Problem(f"“{folder.name}” has no record of its parts")
    data = find_own_data(folders[0])
    with Cutouts.open(data) as cutouts:
        for folder in folders:
            if not cutouts.is_known_as(Predictor.load(folder.best).card.get("checksum")):
                raise Problem(f"“{folder.name}” was trained on another dataset than “{folders[0].name}”")
        journal = LabelJournal(folders[0].labels_file) if folders[0].labels_file.exists() else None
        labels = targets.encode(target, labelled_columns(cutouts, journal))
        common = np.flatnonzero(targets.has_label(labels))
        for folder in folders:
            common = np.intersect1d(common, splits.load(folder.split_file, cutouts.ids).validation)
        return data, common, labels[common]
