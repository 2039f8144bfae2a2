"""Numbers of a catalogue, such as radii, by which the field of each galaxy's stamp is multiplied."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from core.data import containers
from core.data.discovery import Found, Source
from core.data.import_catalogue import path_to_match
from core.data.join import NO_ROW, Join
from core.data.readers import Member
from core.data.settings import ImportSettings
from core.errors import CatalogueProblem, SettingsProblem, UnreadableFile


@dataclass(frozen=True)
class FieldFactors:
    """The numbers by which the field is multiplied, galaxy by galaxy.

    Attributes
    ----------
    column
        The catalogue column; empty: 1 for all.
    joined
        The catalogue; None: there is none.
    values
        The column of the catalogue, NaN where it holds no number; None: it is not in the catalogue.
    inside
        The column of each file of many galaxies that has it, by path.
    """

    column: str = ""
    joined: Join | None = None
    values: NDArray[np.float64] | None = None
    inside: dict[str, NDArray[np.float64]] = field(default_factory=dict[str, NDArray[np.float64]])

    @classmethod
    def of_import(cls, settings: ImportSettings, found: Found, joined: Join | None) -> FieldFactors:
        """Find the column that the settings name.

        Raises
        ------
        SettingsProblem
            There is no catalogue.
        CatalogueProblem
            There is no such column, or it does not hold numbers.
        """
        column = settings.field_column if settings.field is not None else ""
        if not column:
            return cls()
        if joined is not None and column in joined.table.colnames:
            return cls(column, joined, _numbers(joined.table, column))
        containing = [source.path for source in found.sources if source.kind == "container"]
        inside = {path: values for path in containing if (values := _column_inside(path, column)) is not None}
        if inside:
            return cls(column, inside=inside)
        if joined is not None:
            there = ", ".join(joined.table.colnames)
            raise CatalogueProblem(f"The catalogue has no column “{column}”.", f"Its columns are: {there}.", column)
        raise SettingsProblem(
            f"The field is a multiple of the catalogue column “{column}”, and there is no catalogue.",
            "Give the catalogue with this column, or import the files with it first.",
            "field_column",
        )

    def factor(self, source: Source, member: Member) -> float:
        """The number for one galaxy.

        Raises
        ------
        UnreadableFile
            It has no row in the catalogue, or no positive number there.
        """
        if not self.column:
            return 1.0
        if self.values is not None and self.joined is not None:
            row = self.joined.row_of(path_to_match(source), member.name)
            if row == NO_ROW:
                raise UnreadableFile(
                    f"It has no row in the catalogue, whose column “{self.column}” gives its field.",
                    "Add the row, or leave the file out.",
                )
            value = float(self.values[row])
        else:
            values = self.inside.get(source.path)
            value = math.nan if values is None else float(values[member.row])
        if not (math.isfinite(value) and value > 0):
            raise UnreadableFile(
                f"Its “{self.column}” is {value:g}, and its field is a multiple of it.",
                "Correct the catalogue, or leave the file out.",
            )
        return value


def _column_inside(path: str, column: str) -> NDArray[np.float64] | None:
    """A column of numbers in a file of many galaxies; None if it has none of this name."""
    try:
        values = containers.inspect_container(path).columns.get(column)
    except UnreadableFile:
        return None  # it is reported when it is read
    return values.astype(np.float64) if values is not None and values.dtype.kind in "iuf" else None


def _numbers(table: Table, column: str) -> NDArray[np.float64]:
    values = np.ma.asarray(table[column])
    if values.dtype.kind not in "iuf":
        raise CatalogueProblem(
            f"The column “{column}” holds no numbers, and the field is to be a multiple of it.",
            "Choose another column.",
            column,
        )
    return np.ma.filled(values.astype(np.float64), np.nan)
