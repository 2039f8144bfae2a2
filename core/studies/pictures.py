"""Pictures as plain numbers, which a figure and the window draw alike: lines with error bars, and grids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Line:
    """One line.

    Attributes
    ----------
    title
        In the legend; empty: as the line of the same colour.
    colour
        Its number.
    places
        Where its points are drawn along the axis, (k,); of labels the logarithm to base 10.
    means, errors
        Of each point, (k,): the mean score and its standard error over the runs, 0 where there is one run only.
    runs
        Place and score of every run, (r, 2).
    """

    title: str
    colour: int
    places: NDArray[np.float64]
    means: NDArray[np.float64]
    errors: NDArray[np.float64]
    runs: NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """A score without labels, as a line across: its name, value, and error, 0 where that is unknown.

    ``colour`` is its number; −1: that of the network as it is.
    """

    title: str
    value: float
    error: float
    colour: int = -1


@dataclass(frozen=True, eq=False)
class TransferLines:
    """A plot of lines.

    Attributes
    ----------
    lines
        To be drawn.
    levels
        Scores without labels: of the network as it is, with its sampling error, and of other methods.
    ticks
        Place and text along the axis.
    axis, what
        What is along the axis, and the score.
    about
        On which galaxies, with which common error.
    """

    lines: tuple[Line, ...]
    levels: tuple[Level, ...]
    ticks: tuple[tuple[float, str], ...]
    axis: str
    what: str
    about: str


@dataclass(frozen=True, eq=False)
class Grid:
    """Means in rows and columns, NaN where there is none, with both errors.

    Attributes
    ----------
    rows, columns
        Their titles.
    means, scatter, sampling
        (r, c) each.
    across, down
        What the columns and the rows are.
    what, about
        The score, and on which galaxies.
    rises
        Whether a larger score is better.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    means: NDArray[np.float64]
    scatter: NDArray[np.float64]
    sampling: NDArray[np.float64]
    across: str
    down: str
    what: str
    about: str
    rises: bool
