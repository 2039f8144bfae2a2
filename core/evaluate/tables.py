"""Predictions as tables for other programs: CSV, FITS, VOTable, Parquet.

Columns: ``id`` as text, since an 18-digit number loses digits as a float; for classes and vote fractions
``predicted`` and ``p_<class>``; for quantities their names, with their units where the format has a place for them,
and ``<name>_error`` where the network gives error bars. Where ``predicted`` is not simply the most probable class, a
column ``decision`` says by which rule it was chosen; the probabilities are the network's under any rule.
FITS, VOTable and Parquet say in their metadata which program, run and decision made them, and when; a CSV table is
nothing but its header line and its rows.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from astropy import units
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import Column, Table
from numpy.typing import NDArray
from pyarrow import parquet

from core.data.target import Classes
from core.errors import SettingsProblem
from core.evaluate.predict import Predictions
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
        Ends in ``.csv``, ``.fits``, ``.xml`` (VOTable) or ``.parquet``.
    extra
        More columns of n values each, after the id.

    Raises
    ------
    SettingsProblem
        The suffix is another one.
    """
    write_columns(_collect(predictions, extra or {}), path, _describe_origin(predictions))


def write_columns(columns: Sequence[TableColumn], path: Path, about: Mapping[str, str] | None = None) -> None:
    """Write any columns as a table atomically, in the format given by the file name's suffix.

    Parameters
    ----------
    columns
        Name, values (n,) and unit of each; the unit may be empty.
    path
        Ends in ``.csv``, ``.fits``, ``.xml`` (VOTable) or ``.parquet``.
    about
        More lines for the metadata, beside the program and the date, by a keyword of at most eight letters.

    Raises
    ------
    SettingsProblem
        The suffix is another one.
    """
    require_known_ending(path)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    content = _Content(list(columns), {"PROGRAM": PROGRAM, **(about or {}), "DATE": now})
    with atomic_path(path) as temporary:
        _writers()[path.suffix.lower()](content, temporary)


def require_known_ending(path: Path) -> None:
    """Require that tables can be written under this name: checked before the work, not after it.

    Raises
    ------
    SettingsProblem
        They cannot.
    """
    if path.suffix.lower() not in _writers():
        raise SettingsProblem(
            f"Tables cannot be written as “{path.suffix}”.", f"Choose one of: {', '.join(_writers())}.", str(path)
        )


@dataclass(frozen=True)
class _Content:
    """Name, values (n,) and unit of each column, and the metadata of the table."""

    columns: list[TableColumn]
    about: dict[str, str]


def _writers() -> dict[str, Callable[[_Content, Path], None]]:
    return {".csv": _write_csv, ".fits": _write_fits, ".xml": _write_votable, ".parquet": _write_parquet}


def _collect(predictions: Predictions, extra: Mapping[str, Sequence[Any]]) -> list[TableColumn]:
    columns: list[TableColumn] = [("id", np.asarray(predictions.ids, dtype=str), "")]
    columns += [(name, np.asarray(values), "") for name, values in extra.items()]
    predicted = predictions.predicted
    if predicted is not None:
        columns.append(("predicted", np.asarray(predicted, dtype=str), ""))
    if predictions.decision.kind != "most probable":
        columns.append(("decision", np.full(len(predictions), predictions.decision.kind), ""))
    for place, (name, unit) in enumerate(zip(predictions.names, predictions.units, strict=True)):
        columns.append((name if predicted is None else f"p_{name}", predictions.scores[:, place], unit))
        if predictions.errors is not None:
            columns.append((f"{name}_error", predictions.errors[:, place], unit))
    return columns


def _describe_origin(predictions: Predictions) -> dict[str, str]:
    about = {"RUN": predictions.run}
    if isinstance(predictions.target, Classes):
        about["DECISION"] = predictions.decision.text
        if predictions.temperature is not None:
            about["TEMPERAT"] = predictions.temperature.sentence
    return about


def _write_csv(content: _Content, path: Path) -> None:
    cells = [
        [f"{value:.8g}" for value in values.tolist()] if values.dtype.kind == "f" else values.tolist()
        for _, values, _ in content.columns
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([name for name, _, _ in content.columns])
        writer.writerows(zip(*cells, strict=True))


def _write_fits(content: _Content, path: Path) -> None:
    r"""Write FITS, which allows ASCII only: other letters become ``\xe9``, for instance, in names and in text."""
    columns = [
        Column(
            np.char.encode(values, "ascii", "backslashreplace") if values.dtype.kind == "U" else values,
            name=_to_ascii(name),
            unit=_parse_unit(unit),
        )
        for name, values, unit in content.columns
    ]
    about = {key: _to_ascii(value) for key, value in content.about.items()}
    Table(columns, meta=about).write(path, format="fits", overwrite=True)


def _write_votable(content: _Content, path: Path) -> None:
    columns = [Column(values, name=name, unit=_parse_unit(unit)) for name, values, unit in content.columns]
    document = from_table(Table(columns))
    document.infos.extend(Info(name=key, value=value) for key, value in content.about.items())
    document.to_xml(str(path), tabledata_format="tabledata")


def _write_parquet(content: _Content, path: Path) -> None:
    arrays = [pa.array(values.tolist() if values.dtype.kind == "U" else values) for _, values, _ in content.columns]
    fields = [
        pa.field(name, array.type, metadata={"unit": unit} if unit else None)
        for (name, _, unit), array in zip(content.columns, arrays, strict=True)
    ]
    about = {key.lower(): value for key, value in content.about.items()}
    parquet.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=about)), path)


def _parse_unit(text: str) -> units.UnitBase | None:
    """Parse a unit for astropy; None if it is not a standard one."""
    try:
        return units.Unit(text) if text else None
    except ValueError:
        return None


def _to_ascii(text: str) -> str:
    return text.replace("±", "+-").encode("ascii", "backslashreplace").decode()
