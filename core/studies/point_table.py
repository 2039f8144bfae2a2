"""The table of a study: a row for each run, first what it is and then its figures of merit."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from core.project.files import write_csv
from core.reading import read_lines, reading

_ERROR = "_error"


class Point(Protocol):
    """An evaluated run: attributes that say which, and its figures of merit by name."""

    @property
    def values(self) -> Mapping[str, float]:
        """Figures of merit; NaN where there is none."""
        ...


P = TypeVar("P")


def error_name(metric: str) -> str:
    """The column that holds a metric's sampling error."""
    return metric + _ERROR


def write(path: Path, leading: Sequence[str], points: Sequence[Point]) -> None:
    """Write the table: the attributes ``leading`` of each point, then its values."""
    names = list(dict.fromkeys(name for point in points for name in point.values))
    rows = [
        [*(str(getattr(point, name)) for name in leading), *(_format_cell(point.values.get(name)) for name in names)]
        for point in points
    ]
    write_csv(path, [[*leading, *names], *rows])


def read(path: Path, leading: Mapping[str, Callable[[str], Any]], make: Callable[..., P]) -> tuple[P, ...]:
    """Read the table.

    Parameters
    ----------
    path
        The file.
    leading
        The attributes, and how each is read from its text.
    make
        Called with them, and with ``values``.

    Raises
    ------
    UnreadableFile
        It is missing or not such a table.
    """
    with reading("The table of the study", path):
        return tuple(_parse(row, leading, make) for row in csv.DictReader(read_lines(path)))


def _parse(row: Mapping[str, str], leading: Mapping[str, Callable[[str], Any]], make: Callable[..., P]) -> P:
    values = {name: float(text) if text else math.nan for name, text in row.items() if name not in leading}
    return make(values=values, **{name: convert(row[name]) for name, convert in leading.items()})


def _format_cell(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"
