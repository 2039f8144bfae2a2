r"""Catalogue columns as inputs beside the image: their scaling, fitted on the training part, and their meaning.

A value :math:`v` of a column, or its decimal logarithm, becomes :math:`(v - m) / s` with the median :math:`m` of the
training galaxies and :math:`s`, half the range that holds the middle 68.27 % of them, which for a normal distribution
is the standard deviation, and for which a few outliers matter little. Where there is no value, the median stands for it
and a further input is 1 instead of 0, so that the network is told. That input stays 0 where no training galaxy lacked
the value, since then the network never learned what it means. Values beyond the range of the training galaxies count as
its edge: what a network makes of numbers that it never saw is arbitrary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import logarithms, side_columns
from core.errors import NotPossible, Problem, SettingsProblem
from core.wording import count_of

_WHERE = "data.side_columns"
_MIDDLE = (15.865, 84.135)  # percent: one standard deviation of a normal distribution to each side
UNITS = 32
"""Hidden units of the branch of the network that takes them."""


@dataclass(frozen=True)
class SideColumn:
    """A catalogue column beside the image.

    Attributes
    ----------
    name, unit
        Of the column; the unit may be empty.
    is_logarithm
        Whether its decimal logarithm is scaled.
    centre, spread
        Median and half the range of the middle 68 % of the training galaxies, after the logarithm.
    lowest, highest
        Of the training galaxies, as in the catalogue.
    missing
        How many training galaxies had no value.
    """

    name: str
    unit: str
    is_logarithm: bool
    centre: float
    spread: float
    lowest: float
    highest: float
    missing: int

    @property
    def title(self) -> str:
        """The name with its unit, and whether it is a logarithm."""
        named = f"{self.name} [{self.unit}]" if self.unit else self.name
        return f"log {named}" if self.is_logarithm else named

    @property
    def typical(self) -> float:
        """The value of a typical training galaxy, as in the catalogue."""
        return float(10**self.centre) if self.is_logarithm else self.centre


@dataclass(frozen=True)
class SideInputs:
    """The catalogue columns that a network takes beside the image.

    Parameters
    ----------
    columns
        In their order.
    units
        Hidden units of the branch that takes them.
    """

    columns: tuple[SideColumn, ...]
    units: int = UNITS

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K columns."""
        return tuple(column.name for column in self.columns)

    @property
    def text(self) -> str:
        """The columns with their units in words."""
        return ", ".join(column.title for column in self.columns)

    @property
    def branch(self) -> tuple[int, int]:
        """Of the branch of the network: its inputs, a value of each column and whether it is missing; hidden units."""
        return 2 * len(self.columns), self.units

    @property
    def typical(self) -> NDArray[np.float64]:
        """Values (K,) of a typical training galaxy."""
        return np.array([column.typical for column in self.columns])

    def scale(self, values: Tensor) -> Tensor:
        """Inputs (n, 2K) float32 for values (n, K) float64 of the catalogue, NaN where there is none."""
        values = values.to("cpu", torch.float64)  # not every device has double precision
        scaled, absent = [], []
        for place, column in enumerate(self.columns):
            value = values[:, place].clamp(column.lowest, column.highest)
            known = torch.isfinite(values[:, place])
            if column.is_logarithm:
                known = known & (values[:, place] > 0)
                value = torch.where(known, value, torch.ones_like(value)).log10()
            scaled.append(torch.where(known, (value - column.centre) / column.spread, torch.zeros_like(value)))
            told = torch.ones_like(value) if column.missing else torch.zeros_like(value)
            absent.append(torch.where(known, torch.zeros_like(value), told))
        return torch.stack([*scaled, *absent], dim=1).float()

    def read(self, columns: Mapping[str, Any], rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
        """The values (n, K) of these rows of a dataset's catalogue, in whatever order its columns are.

        Raises
        ------
        NotPossible
            A column is missing.
        """
        absent = [name for name in self.names if name not in columns]
        if absent:
            raise NotPossible(
                f"Beside the image, the network takes {', '.join(self.names)} from the catalogue, and there is no "
                f"column “{'”, “'.join(absent)}” here.",
                "Import the images with a catalogue that has it, or name such a catalogue beside the image files.",
            )
        return side_columns.read(columns, self.names, rows)

    def are_missing(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which values (n, K) are missing; what has no logarithm counts as missing where that is taken."""
        positive = np.array([column.is_logarithm for column in self.columns])
        with np.errstate(invalid="ignore"):
            return ~np.isfinite(values) | (positive & (values <= 0))

    def compare_units(self, columns: Mapping[str, Any], units: Mapping[str, str]) -> list[Problem]:
        """Which columns of a dataset have another unit than in training.

        Raises
        ------
        NotPossible
            A column is missing.
        """
        self.read(columns, slice(0, 0))
        found: list[Problem] = []
        for column in self.columns:
            unit = units.get(column.name, "")
            if unit != column.unit:
                here, there = (f"in {each}" if each else "without a unit" for each in (unit, column.unit))
                found.append(
                    Problem(
                        f"“{column.name}” is {here} in this catalogue and was {there} in training.",
                        "If the numbers mean something else, the answers are wrong.",
                    )
                )
        return found

    def remark_on(self, values: NDArray[np.float64]) -> list[Problem]:
        """What is to be known of the values (n, K) of some galaxies: missing ones, and those beyond the training's."""
        missing = self.are_missing(values)
        found: list[Problem] = []
        for place, column in enumerate(self.columns):
            if count := int(missing[:, place].sum()):
                found.append(_note_missing(column, count, len(values)))
            known = values[~missing[:, place], place]
            beyond = int(((known < column.lowest) | (known > column.highest)).sum())
            if beyond:
                found.append(
                    Problem(
                        f"“{column.name}” of {count_of(beyond, 'galaxy')} lies beyond that of the training galaxies, "
                        f"{column.lowest:.4g} to {column.highest:.4g} {column.unit}".rstrip()
                        + ", and counts as the nearest of these.",
                    )
                )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"units": self.units, "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SideInputs:
        """Read what :meth:`to_dict` wrote."""
        return cls(tuple(SideColumn(**column) for column in values["columns"]), int(values["units"]))


def require(values: Tensor | None, side: SideInputs) -> Tensor:
    """Require that the values (n, K) of a network's columns are given.

    Raises
    ------
    NotPossible
        They are not.
    """
    if values is None:
        raise NotPossible(
            f"Beside the image, this network takes {', '.join(side.names)} from the catalogue, not given here.",
            "Choose galaxies of a dataset whose catalogue has them, or a network that takes the image alone.",
        )
    return values


def fit(names: Sequence[str], units: Mapping[str, str], values: NDArray[np.float64], wish: str) -> SideInputs:
    """Fit the scaling to the training galaxies.

    Parameters
    ----------
    names, units
        Of the columns; a unit may be missing.
    values
        Of the training galaxies alone, (n, K), NaN where there is none.
    wish
        Whose logarithms are taken: ``"auto"``, ``"none"`` or names, as for
        :func:`core.data.logarithms.find_logarithms`.

    Raises
    ------
    SettingsProblem
        A column has the same value for all training galaxies, or values without a logarithm that is to be taken.
    """
    own = [units.get(name, "") for name in names]
    try:
        taken = logarithms.find_logarithms(wish, names, own, [None] * len(names), list(values.T))
    except SettingsProblem as problem:
        sentence = problem.sentence.replace("cannot be learned as a logarithm", "has no logarithm for all galaxies")
        raise SettingsProblem(
            sentence, "Leave these values empty in the catalogue, or take the column out.", "data.side_logarithms"
        ) from None
    each = zip(names, own, values.T, strict=True)
    return SideInputs(tuple(_fit_column(name, unit, column, name in taken) for name, unit, column in each))


def _fit_column(name: str, unit: str, values: NDArray[np.float64], is_logarithm: bool) -> SideColumn:
    known = values[np.isfinite(values)]
    if not len(known) or known.min() == known.max():
        raise SettingsProblem(
            f"The column “{name}” has the same value for all training galaxies that have one, and tells nothing.",
            "Choose another column.",
            _WHERE,
        )
    scaled = np.log10(known) if is_logarithm else known
    low, centre, high = np.percentile(scaled, (_MIDDLE[0], 50, _MIDDLE[1]))
    spread = (high - low) / 2 or float(scaled.std())  # more than two thirds may have the same value
    missing = len(values) - len(known)
    lowest, highest = float(known.min()), float(known.max())
    return SideColumn(name, unit, is_logarithm, float(centre), float(spread), lowest, highest, missing)


def _note_missing(column: SideColumn, count: int, galaxies: int) -> Problem:
    who = "This galaxy has" if galaxies == 1 else f"{count:,} of these {galaxies:,} galaxies have"
    what = f"{who} no “{column.name}”" + (" that has a logarithm" if column.is_logarithm else "")
    told = (
        "and the network is told that it is missing"
        if column.missing
        else "and the network is not told, since no training galaxy lacked it"
    )
    median = f"{column.typical:.4g} {column.unit}".rstrip()
    return Problem(f"{what}: the median of the training galaxies, {median}, stands for it, {told}.")
