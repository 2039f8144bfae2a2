"""A table of predictions: how it is to be made, and what is to be said of it when it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Problem
from core.metrics.decision import Decision
from core.wording import part_of


@dataclass(frozen=True)
class Wish:
    """How a table is to be made.

    Attributes
    ----------
    changes
        Of image files: import settings by name that override those of the training.
    catalogue
        Of image files, where the field of the stamps or the network needs one of its columns.
    decision
        In words, see :func:`core.evaluate.decision.resolve`; None: the one that is kept with the run.
    unlikeness
        Whether it is told how unlike the training galaxies each one is.
    workers
        Number of processes that read image files; None: one for each idle processor core. It changes no answer.
    zero_points
        Of what is measured: the magnitude of one unit of the pixels, of each band of the data or one for all; empty:
        as the dataset or the headers of the files have it.
    """

    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    catalogue: Path | None = None
    decision: str | None = None
    unlikeness: bool = True
    workers: int | None = None
    zero_points: tuple[float, ...] = ()

    @property
    def all_changes(self) -> dict[str, Any]:
        """The import settings of image files that are not those of the training."""
        return {**self.changes, **({"zero_point": self.zero_points} if self.zero_points else {})}


@dataclass(frozen=True, eq=False)
class WrittenTable:
    """A table of predictions that was written.

    Attributes
    ----------
    path
        The file.
    galaxies
        How many have an answer.
    unread
        How many have none, with the reason in their row.
    left_out
        The first of these.
    decision
        How the predicted classes follow from the probabilities; None where the network predicts none.
    problems
        Warnings, such as a different pixel scale.
    notes
        The temperature of the probabilities; of image files, how their stamps were made.
    flagged
        Of what is measured: how many galaxies have a flag that says what is doubtful; None: nothing is measured.
    errors_are
        What the errors are, as a sentence; empty: there are none.
    """

    path: Path
    galaxies: int
    unread: int
    left_out: list[Problem]
    decision: Decision | None
    problems: list[Problem]
    notes: list[str]
    flagged: int | None = None
    errors_are: str = ""

    def __len__(self) -> int:
        return self.galaxies

    @property
    def counted(self) -> str:
        """How many galaxies have an answer, and how many have none."""
        return part_of(self.galaxies, self.galaxies + self.unread, "galaxy")
