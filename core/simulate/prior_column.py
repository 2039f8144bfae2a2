"""The values of a catalogue's column from which a parameter is drawn."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import CatalogueProblem
from core.simulate.priors import Prior


def values_of(prior: Prior) -> NDArray[np.float64] | None:
    """What :meth:`~core.simulate.priors.Prior.at` needs to know of the prior's catalogue; None: nothing."""
    return read_values(prior.table, prior.column) if prior.kind == "column" else None


def read_values(table: str, column: str) -> NDArray[np.float64]:
    """The finite values of a column, sorted; read once until the file changes.

    Raises
    ------
    CatalogueProblem
        The table cannot be read, has no such column, or the column holds no numbers.
    """
    return _look_up(table, column)[0]


def count_rows(table: str, column: str) -> int:
    """How many rows the column has, also those without a value; raises as :func:`read_values`."""
    return _look_up(table, column)[1]


def _look_up(table: str, column: str) -> tuple[NDArray[np.float64], int]:
    if not table:
        raise CatalogueProblem("No catalogue is named for this prior.", "Choose a table, or another distribution.")
    path = Path(table).expanduser()
    try:
        status = path.stat()
    except OSError:
        raise CatalogueProblem("There is no such catalogue.", "Choose another table.", table) from None
    return _read(path, column, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, column: str, changed: int, length: int) -> tuple[NDArray[np.float64], int]:  # noqa: ARG001 - of the cache
    from core.data import catalogue

    table = catalogue.read_table(path)
    catalogue.require_column(table, column)
    values = np.asarray(table[column])
    if values.dtype.kind not in "iuf" or values.ndim != 1:
        raise CatalogueProblem(f"The column “{column}” holds no numbers.", "Choose another one.", str(path))
    filled = np.ma.filled(np.ma.asarray(table[column], np.float64), np.nan)
    numbers = np.sort(filled[np.isfinite(filled)])
    if not len(numbers):
        raise CatalogueProblem(f"The column “{column}” is empty.", "Choose another one.", str(path))
    numbers.setflags(write=False)
    return numbers, len(values)
