"""Predictions as tables for other programs: CSV, FITS, VOTable, Parquet, HDF5.

Columns: ``id`` as text, since an 18-digit number loses digits as a float; for classes and vote fractions
``predicted`` and ``p_<class>``; for quantities their names, with their units where the format has a place for them,
and ``<name>_error`` where the network gives error bars. Where ``predicted`` is not simply the most probable class, a
column ``decision`` says by which rule it was chosen; the probabilities are the network's under any rule. Of an ensemble
also what its doubt comes from: ``entropy_data`` and ``entropy_networks``, or ``<name>_error_data`` and
``<name>_error_networks``, see :mod:`core.nets.combination`.
All formats but CSV say in their metadata which program, run and decision made them, and when; a CSV table is
nothing but its header line and its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.data.target import Classes
from core.errors import SettingsProblem
from core.evaluate import prediction_columns
from core.evaluate.predict import Predictions
from core.evaluate.table_formats import ColumnFormat, open_table, width_of, writers
from core.project.files import atomic_path
from core.version import PROGRAM

TableColumn: TypeAlias = tuple[str, NDArray[Any], str]
"""Name, values (n,) and unit, which may be empty."""


def write(predictions: Predictions, path: Path, extra: Mapping[str, Sequence[Any]] | None = None) -> None:
    """Write a table atomically, in the format given by the file name's suffix.

    Parameters
    ----------
    predictions
        What to write.
    path
        Ends in ``.csv``, ``.fits``, ``.xml`` (VOTable), ``.parquet`` or ``.h5``.
    extra
        More columns of n values each, after the id.

    Raises
    ------
    SettingsProblem
        The suffix is another one.
    """
    formats, values = _collect(predictions, extra or {})
    _write(formats, values, path, _describe_origin(predictions))


def write_columns(columns: Sequence[TableColumn], path: Path, about: Mapping[str, str] | None = None) -> None:
    """Write any columns as a table atomically, in the format given by the file name's suffix.

    Parameters
    ----------
    columns
        Name, values (n,) and unit of each; the unit may be empty.
    path
        Ends in ``.csv``, ``.fits``, ``.xml`` (VOTable), ``.parquet`` or ``.h5``.
    about
        More lines for the metadata, beside the program and the date, by a keyword of at most eight letters.

    Raises
    ------
    SettingsProblem
        The suffix is another one.
    """
    formats = [ColumnFormat.of(name, values, unit) for name, values, unit in columns]
    _write(formats, [values for _, values, _ in columns], path, about or {})


def _write(
    formats: Sequence[ColumnFormat], values: Sequence[NDArray[Any]], path: Path, about: Mapping[str, str]
) -> None:
    require_known_ending(path)
    with atomic_path(path) as temporary:
        rows = len(values[0]) if values else 0
        with open_table(temporary, path.suffix.lower(), formats, rows, with_program(about)) as append:
            if rows:
                append(values)


def with_program(about: Mapping[str, str]) -> dict[str, str]:
    """The lines for the metadata of a table, with the program before them and the date after them."""
    return {"PROGRAM": PROGRAM, **about, "DATE": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")}


def require_known_ending(path: Path) -> None:
    """Require that tables can be written under this name: checked before the work, not after it.

    Raises
    ------
    SettingsProblem
        They cannot.
    """
    if path.suffix.lower() not in writers():
        raise SettingsProblem(
            f"Tables cannot be written as “{path.suffix}”.", f"Choose one of: {', '.join(writers())}.", str(path)
        )


def _collect(
    predictions: Predictions, extra: Mapping[str, Sequence[Any]]
) -> tuple[list[ColumnFormat], list[NDArray[Any]]]:
    has_errors, has_decision = predictions.errors is not None, predictions.decision.kind != "most probable"
    answered = prediction_columns.answer_columns(
        predictions.target, predictions.names, has_errors=has_errors, has_decision=has_decision
    )
    values: list[NDArray[Any]] = [np.asarray(predictions.ids, dtype=str)]
    values += [np.asarray(each) for each in extra.values()]
    formats = [prediction_columns.id_column(), *map(ColumnFormat.of, extra, values[1:]), *answered]
    if (predicted := predictions.predicted) is not None:
        values.append(np.asarray(predicted, dtype=str))
        values += [np.full(len(predictions), predictions.decision.kind)] if has_decision else []
    for place in range(len(predictions.names)):
        values.append(predictions.scores[:, place])
        values += [predictions.errors[:, place]] if predictions.errors is not None else []
    if (doubt := predictions.doubt) is not None:
        formats += prediction_columns.doubt_columns(predictions.target, predictions.names, doubt.causes)
        values += doubt.values
    formats = [
        replace(column, width=width_of(each)) if column.is_text else column
        for column, each in zip(formats, values, strict=True)
    ]
    return formats, values


def _describe_origin(predictions: Predictions) -> dict[str, str]:
    about = {"RUN": predictions.run}
    if isinstance(predictions.target, Classes):
        about["DECISION"] = predictions.decision.text
        if predictions.temperature is not None:
            about["TEMPERAT"] = predictions.temperature.sentence
    return about
