"""Catalogue columns that a network takes beside the image: which of them can be, and their values.

A column from which the answer can be read off, such as the votes behind a class, would make a network that is right
without looking at the galaxy, and of no use where nobody has voted: such columns are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.data import target as targets
from core.data.target import Classes, Target
from core.errors import SettingsProblem

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts

_WHERE = "data.side_columns"
_VOTES = re.compile(r"votes?(?![a-z])|debiased|weighted_fraction|total_classifications", re.IGNORECASE)
_SHARES = re.compile(r"frac(?:tion)?(?![a-z])|prob(?:ability)?(?![a-z])", re.IGNORECASE)
_IDENTIFIER = re.compile(r"(?:^|_)(?:obj|spec|specobj|source|photo)?id(?:_|$)", re.IGNORECASE)
_SAME = 0.99999  # rank correlation: the one is a function of the other
_FEWEST = 3  # values; two always have a rank correlation of one
_SHORTEST = 3  # letters of a word that two names have in common


def read(
    columns: Mapping[str, Any], names: Sequence[str], rows: NDArray[np.int64] | slice = slice(None)
) -> NDArray[np.float64]:
    """The values (n, K) of these columns in these rows, NaN where there is none."""
    values = np.stack([targets.numbers(columns[name][rows]) for name in names], axis=1)
    return np.where(np.isfinite(values), values, np.nan)


def usable(columns: Mapping[str, Any], labels: Sequence[str]) -> tuple[str, ...]:
    """The columns of a catalogue that may stand beside the image: numbers that are no labels, votes or identifiers.

    Only their types and names are looked at, which takes no time for any number of galaxies; see
    :func:`require_usable` for all else.
    """
    found = [
        name
        for name in columns
        if name not in labels and not _IDENTIFIER.search(name) and not _is_of_labels(name, labels, columns)
    ]
    return tuple(name for name in found if np.asarray(columns[name]).dtype.kind in "biuf")


def require_usable(cutouts: Cutouts, names: Sequence[str], target: Target, labels: NDArray[Any]) -> None:
    """Require that columns can stand beside the image for what is learned.

    Parameters
    ----------
    cutouts
        The dataset.
    names
        The columns.
    target, labels
        As :func:`core.data.target.encode` gives them, of all galaxies of the dataset.

    Raises
    ------
    SettingsProblem
        A column is missing, is named twice, holds no numbers or always the same one, or tells the answer.
    """
    columns = cutouts.columns
    for place, name in enumerate(names):
        if name not in columns:
            others = ", ".join(usable(columns, cutouts.labels)) or "none, since none holds numbers"
            raise SettingsProblem(
                f"There is no column “{name}”, which is to stand beside the image.",
                f"The columns that can are: {others}.",
                _WHERE,
            )
        if name in names[:place]:
            raise SettingsProblem(f"The column “{name}” is named twice.", "Name it once.", _WHERE)
        if not _has_numbers(columns[name]):
            raise SettingsProblem(
                f"The column “{name}” holds words or nothing, and only numbers can stand beside the image.",
                "Choose another column.",
                _WHERE,
            )
        values = targets.numbers(columns[name])
        if not _varies(values[targets.has_label(labels)]):
            raise SettingsProblem(
                f"The column “{name}” has the same value for all labelled galaxies, and tells nothing.",
                "Choose another column.",
                _WHERE,
            )
        if why := _tells_the_answer(name, values, cutouts, target, labels):
            raise SettingsProblem(
                f"The column “{name}” {why}: the network would read the answer there instead of looking at the galaxy.",
                "Take it out; galaxies without labels do not have it either.",
                _WHERE,
            )


def _has_numbers(column: Any) -> bool:
    return bool(np.isfinite(targets.numbers(column)).any())


def _varies(values: NDArray[np.float64]) -> bool:
    known = values[np.isfinite(values)]
    return bool(len(known)) and bool(known.min() < known.max())


def _is_of_labels(name: str, labels: Sequence[str], columns: Iterable[str]) -> bool:
    """Whether a name is that of votes, or of shares of what is learned, such as ``spiral_frac`` beside ``spiral``.

    Where a catalogue holds votes, its shares are those of their answers, whatever they are called.
    """
    if _VOTES.search(name):
        return True
    if not _SHARES.search(name):
        return False
    return bool(_words_of(name) & _words_of(" ".join(labels))) or any(_VOTES.search(each) for each in columns)


def _words_of(text: str) -> set[str]:
    each = re.findall(r"[a-z]+", text.lower())
    return {word for word in each if len(word) >= _SHORTEST and not _SHARES.fullmatch(word)}


def _tells_the_answer(
    name: str, values: NDArray[np.float64], cutouts: Cutouts, target: Target, labels: NDArray[Any]
) -> str:
    """Why a column tells what is to be learned, as the end of a sentence; empty: it does not."""
    if name in targets.columns_of(target):
        return "is what is learned"
    columns, label_columns = cutouts.columns, cutouts.labels
    if name in label_columns:
        return "is a label of the dataset"
    known = targets.has_label(labels) & np.isfinite(values)
    if isinstance(target, Classes):
        if _is_of_labels(name, (*label_columns, *target.names), columns):
            return "is by its name one of the votes from which the classes were made"
        pairs = np.unique(np.stack([values[known], labels[known]]), axis=1)
        distinct = [len(np.unique(each)) for each in pairs]
        if pairs.shape[1] == distinct[0] == distinct[1] >= 2:
            return "has one value for each class"
        return ""
    if _is_of_labels(name, (*label_columns, *target.columns), columns):
        return "is by its name one of the votes from which the answers were made"
    from scipy.stats import spearmanr  # late: it takes a second

    for place, column in enumerate(target.columns):
        if known.sum() >= _FEWEST and abs(spearmanr(values[known], labels[known, place]).statistic) > _SAME:
            return f"rises or falls with “{column}” without exception"
    return ""
