"""The history of a run: losses and scores by epoch, as a table that every program reads."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from core.events import EpochEnded, Scores
from core.project.files import append_durably, write_atomically
from core.reading import read_text, reading

_PLAIN = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
_SCORES = ("accuracy", "r2", "neighbours_accuracy")  # the last of a training without labels
_HEADS = [[name.replace("accuracy", score) for name in _PLAIN] for score in _SCORES]


def append_history(path: Path, ended: EpochEnded) -> None:
    """Add an epoch to a history file; the first one writes the header.

    The score column is ``accuracy`` for classes, ``neighbours_accuracy`` without labels and ``r2`` otherwise.
    """
    score = score_name(ended.validation)
    if not path.exists():
        write_atomically(path, ",".join(name.replace("accuracy", score) for name in _PLAIN) + "\n")
    row = (
        ended.train.loss,
        ended.train.values.get(score, math.nan),
        ended.validation.loss,
        ended.validation.values.get(score, math.nan),
        ended.learning_rate,
    )
    append_durably(path, f"{ended.epoch}," + ",".join(f"{value:.8g}" for value in row) + f",{ended.seconds:.3f}")


def read_history(path: Path) -> list[dict[str, float]]:
    """Read a history file: one dictionary for each whole line, by column name.

    A partial line left by a crash is skipped, since its epoch will be repeated; of an epoch with two lines the later
    one is used.

    Raises
    ------
    UnreadableFile
        It is missing or not a history.
    """
    with reading("The history", path):
        lines = read_text(path).split("\n")[:-1]
        names = lines[0].split(",") if lines else []
        if names not in _HEADS:
            raise ValueError("it does not begin with the names of its columns")
        rows: dict[float, dict[str, float]] = {}
        for number, cells in enumerate(csv.reader(lines[1:]), 2):
            values = _parse_epoch(cells, len(names), number)
            if len(values) == len(names):
                rows[values[0]] = dict(zip(names, values, strict=True))
        return list(rows.values())


def _parse_epoch(cells: list[str], count: int, line: int) -> list[float]:
    """The values of a line of a history; of one that a crash cut off those that are whole."""
    is_whole = len(cells) == count
    try:
        values = [float(cell) for cell in (cells if is_whole else cells[:-1])]
    except ValueError:
        raise ValueError(f"line {line} is damaged") from None
    if len(cells) > count or (values and not (values[0].is_integer() and values[0] >= 1)):
        raise ValueError(f"line {line} is damaged")
    return values


def score_name(scores: Scores) -> str:
    """The name of the score column in the history."""
    return next((name for name in _SCORES if name in scores.values), "r2")
