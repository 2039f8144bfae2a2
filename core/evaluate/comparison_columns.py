"""What a network's measurements can be shown against, and split by: true values and columns of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsProblem
from core.evaluate.comparison import MOST_CLASSES, FitTable, MeasuredQuantity, quantities_of
from core.evaluate.evaluation import Evaluation

FIT_ENVIRONMENT = "environment (fit table)"


@dataclass(frozen=True, eq=False)
class MeasuredColumns:
    """The quantities of an evaluation, and the columns against which and by which they can be shown, (n,) each.

    Attributes
    ----------
    quantities
        With the fitted values where there are some.
    numbers
        By title; those of the quantities are their true values.
    classes
        By name, of two to :data:`core.evaluate.comparison.MOST_CLASSES` classes.
    """

    quantities: Sequence[MeasuredQuantity]
    numbers: Mapping[str, NDArray[Any]]
    classes: Mapping[str, NDArray[Any]]

    def choose_number(self, name: str) -> tuple[str, NDArray[Any]]:
        """Title and values of the column of this name or title.

        Raises
        ------
        SettingsProblem
            There is none.
        """
        return _choose(name, self.numbers, "numbers")

    def choose_classes(self, name: str) -> tuple[str, NDArray[Any]]:
        """Name and values of the column of classes of this name.

        Raises
        ------
        SettingsProblem
            There is none.
        """
        return _choose(name, self.classes, f"two to {MOST_CLASSES} classes")


def find_columns(
    evaluation: Evaluation, columns: Mapping[str, NDArray[Any]], units: Mapping[str, str], fits: FitTable | None = None
) -> MeasuredColumns:
    """Find the quantities of an evaluation and the columns of the catalogue that they can be shown against."""
    quantities = quantities_of(evaluation, fits)
    own = {name: values[evaluation.rows] for name, values in columns.items() if name != "id" and values.ndim == 1}
    numbers = {f"true {each.title}": each.true for each in quantities}
    for name, values in own.items():
        if _has_numbers(values) and all(name != each.name for each in quantities):
            numbers[f"{name} [{units[name]}]" if units.get(name) else name] = values
    classes = {name: values for name, values in own.items() if _has_classes(values)}
    if fits is not None and fits.environment is not None:
        classes[FIT_ENVIRONMENT] = fits.environment[evaluation.rows]
    return MeasuredColumns(quantities, numbers, classes)


def _has_numbers(values: NDArray[Any]) -> bool:
    """Whether figures of merit can be shown against them: several numbers."""
    return values.dtype.kind in "fiu" and np.unique(values[np.isfinite(values)]).size > 2


def _has_classes(values: NDArray[Any]) -> bool:
    """Whether they can split the galaxies."""
    return values.dtype.kind in "UOSb" and 2 <= len({str(each) for each in values}) <= MOST_CLASSES


def _choose(name: str, columns: Mapping[str, NDArray[Any]], what: str) -> tuple[str, NDArray[Any]]:
    for title, values in columns.items():
        bare = title.partition(" [")[0]
        if name in (title, bare, bare.removeprefix("true ")):
            return title, values
    known = ", ".join(columns) or "none"
    raise SettingsProblem(f"“{name}” is no column of {what}.", f"There are: {known}.", "evaluate")
