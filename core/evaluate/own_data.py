"""The dataset that a run was trained on, and the network's answers for the validation part in it."""

from __future__ import annotations

import threading
from pathlib import Path

from core.data import split as splits
from core.data import target as targets
from core.data.hand_labels import labelled_columns
from core.errors import Problem, UnreadableFile
from core.evaluate.decision import Labelled
from core.events import NEVER, Work
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.project.runs import RunFolder


def find_own_data(folder: RunFolder, weights: Path | None = None) -> Path:
    """Find the dataset of a run, or of one of its weights files: noted there, or where projects and commands put it.

    Raises
    ------
    UnreadableFile
        It is not there.
    """
    if (noted := folder.data) is not None:
        return noted
    name = str(Predictor.load(weights or folder.best).card.get("data", ""))
    parent = folder.path.resolve().parent
    for place in (parent.parent / "datasets", parent, parent.parent, folder.path, Path.cwd()):
        if name and (place / name).is_file():
            return place / name
    raise UnreadableFile(
        f"The dataset “{name}” on which this run was trained is not beside it.", "Name its file.", str(folder.path)
    )


def predict_validation(weights: Path | str, stop: threading.Event = NEVER) -> Work[Labelled | None]:
    """Labels and probabilities of a run's validation part; None if its dataset, its parts or its labels are not there.

    Parameters
    ----------
    weights
        A weights file, or the folder of a run.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    """
    from core.evaluate.predict import predict_rows  # predict decides, for which this is needed

    folder = RunFolder.of(weights)
    if not folder.split_file.exists():
        return None
    try:
        data = find_own_data(folder)
        with open_network_on_data(weights, data) as opened:
            cutouts = opened.cutouts
            journal = LabelJournal(folder.labels_file) if folder.labels_file.exists() else None
            labels = targets.encode(opened.predictor.target, labelled_columns(cutouts, journal))
            rows = splits.load(folder.split_file, cutouts.ids).validation
            rows = rows[targets.has_label(labels)[rows]]
            if not cutouts.is_known_as(opened.predictor.card.get("checksum")) or not len(rows):
                return None
            predictions = yield from predict_rows(opened, rows, stop)
            return labels[rows], predictions.scores
    except Problem:
        return None
