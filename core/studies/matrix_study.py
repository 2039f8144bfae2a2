"""The result of a transfer matrix: networks of several surveys, judged on each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.metrics import merits
from core.metrics.uncertainty import plus_minus
from core.studies.pictures import Grid
from core.studies.strategies import AS_IS, SCRATCH, title_of
from core.studies.transfer_lines import build_grid
from core.studies.transfer_study import Judged, Mean, TransferPoint

_NOTHING = Mean(0, float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, eq=False)
class MatrixStudy:
    """A transfer matrix so far.

    Attributes
    ----------
    folder
        Where it is.
    judged
        The networks, on the validation part of each survey.
    wanted
        The planned number of points.
    surveys
        Names of the surveys, in their order.
    test
        The same networks on the test parts, if that was requested and all are done.
    """

    folder: Path
    judged: Judged
    wanted: int
    surveys: tuple[str, ...]
    test: Judged | None = None

    @property
    def points(self) -> tuple[TransferPoint, ...]:
        """The judged networks."""
        return self.judged.points

    @property
    def metric(self) -> str:
        """The figure of merit that is drawn."""
        return self.judged.metric

    @property
    def missing(self) -> int:
        """The number of points that are not done yet."""
        return self.wanted - len(self.points)

    @property
    def on_test(self) -> MatrixStudy | None:
        """The same matrix on the test parts; None: not judged."""
        return None if self.test is None else replace(self, judged=self.test, test=None)

    def with_point(self, point: TransferPoint, samples: NDArray[np.float64]) -> MatrixStudy:
        """The study with one more point."""
        return replace(self, judged=self.judged.with_point(point, samples))

    @property
    def labels(self) -> tuple[int, ...]:
        """The numbers of labels, ascending; 0: the networks as they are."""
        return tuple(sorted({point.labels for point in self.points}))

    def mean(self, start: str, survey: str, labels: int) -> Mean:
        """The mean of the networks of one survey on another; an empty ``start`` is from scratch."""
        return self.judged.mean(self.judged.select(start=start, survey=survey, labels=labels))

    @property
    def grids(self) -> tuple[Grid, ...]:
        """A matrix for each number of labels."""
        return tuple(self._grid(labels) for labels in self.labels)

    def _grid(self, labels: int) -> Grid:
        starts = [*self.surveys, *([""] if labels else [])]
        means = [[self.mean(start, survey, labels) for survey in self.surveys] for start in starts]
        name = merits.display_name(self.metric)
        what = f"{name[:1].upper()}{name[1:]} {f'with {labels:,} labels' if labels else 'as is'}"
        rows = [start or SCRATCH.title for start in starts]
        words = ("judged on", "trained on", what, f"{self.judged.part} parts")
        return build_grid(rows, self.surveys, means, words, rises=merits.higher_is_better(self.metric))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The summary of the study."""
        if not self.points:
            return ()
        found: list[str] = []
        for survey in self.surveys:
            own = self.mean(survey, survey, 0)
            if own.runs:
                others = [_format(start, self.mean(start, survey, 0)) for start in self._others(survey, 0)]
                told = f", those of {', '.join(others)}" if others else ""
                found.append(f"On {survey}, networks of its own reach {_with_errors(own)}{told}, as they are.")
            for labels in self.labels:
                tuned = [_format(start, self.mean(start, survey, labels)) for start in self._others(survey, labels)]
                if labels and tuned:
                    scratch = self.mean("", survey, labels)
                    against = f"; from scratch {_with_errors(scratch)}" if scratch.runs else ""
                    how = title_of(self._strategy)
                    found.append(f"With {labels:,} labels of {survey} ({how}): {', '.join(tuned)}{against}.")
        chosen = max(point.chosen_by for point in self.points)
        note = (
            f"The best epochs were chosen on the validation parts, up to {chosen:,} further labelled galaxies."
            if chosen
            else "No galaxy beyond those counted chose an epoch: each run kept its last weights."
        )
        return (*found, f"Errors: of the mean of the runs, and from the number of judged galaxies. {note}")

    def _others(self, survey: str, labels: int) -> list[str]:
        return [start for start in self.surveys if start != survey and self.mean(start, survey, labels).runs]

    @property
    def _strategy(self) -> str:
        names = {point.strategy for point in self.points} - {AS_IS.name, SCRATCH.name}
        return next(iter(names), "all")


def _with_errors(mean: Mean) -> str:
    return f"{mean.value:.3f}{plus_minus(mean.scatter, '.3f')}{plus_minus(mean.sampling, '.3f')}"


def _format(start: str, mean: Mean) -> str:
    return f"{start} {_with_errors(mean)}"
