"""Reading Parquet files whose columns fit into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from core.data import cells
from core.data.table_bounds import require_few_columns, require_plausible
from core.data.table_problems import no_single_values
from core.data.text_tables import make_unique


def read_parquet(path: Path) -> Table:
    """Read the columns of plain values, the texts of which may be shared between rows.

    Raises
    ------
    CatalogueProblem
        It claims more rows or columns than it can hold, or holds no plain values.
    pyarrow.ArrowException, OSError
        It is damaged.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        about, schema = file.metadata, file.schema_arrow
        require_few_columns(about.num_columns, str(path))
        groups = [about.row_group(place) for place in range(about.num_row_groups)]
        rows = max(about.num_rows, sum(group.num_rows for group in groups))
        is_text = [_is_text(field.type) for field in schema]
        claimed = max(8 * rows * len(schema), sum(group.total_byte_size for group in groups))
        require_plausible(claimed, path.stat().st_size, str(path))
        texts = [field.name for field, yes in zip(schema, is_text, strict=True) if yes]
    names = make_unique([field.name for field in schema])
    plain = [(name, field) for name, field in zip(names, schema, strict=True) if _is_plain(field.type)]
    notes = [f"The catalogue's column “{name}” holds no plain values; it was left out."
             for name, field in zip(names, schema, strict=True) if not _is_plain(field.type)]  # fmt: skip
    with parquet.ParquetFile(path, read_dictionary=texts) as file:
        arrow = file.read(columns=[field.name for _, field in plain])
    found: dict[str, MaskedColumn] = {}
    for (name, field), values in zip(plain, arrow.columns, strict=True):
        unit = (field.metadata or {}).get(b"unit", b"").decode("utf-8", "replace")
        try:
            empty = values.is_null().to_numpy()
            found[name] = MaskedColumn(_to_array(values, empty), mask=empty, unit=unit or None)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a column is that column's problem
            reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            notes.append(f"The catalogue's column “{name}” cannot be read ({reason}); it was left out.")
    if notes and not found:
        raise no_single_values(names, str(path))
    table = Table(found, copy=False)
    table.meta = {"notes": notes}
    return table


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    return not (types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind)
                or types.is_fixed_size_binary(kind))  # fmt: skip


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind)


def _to_array(values: Any, empty: NDArray[np.bool_]) -> NDArray[Any]:
    """The values (N,) of a column; each distinct text is one object, however many rows have it."""
    from pyarrow import types

    kind = values.type
    if types.is_dictionary(kind) and not _is_text(kind.value_type):
        values, kind = values.cast(kind.value_type), kind.value_type
    if types.is_dictionary(kind):
        parts: list[str] = []
        for chunk in values.chunks:
            known = ["" if text is None else text for text in chunk.dictionary.to_pylist()]
            parts += ["" if place is None else known[place] for place in chunk.indices.to_pylist()]
        return cells.text_array(parts)
    if types.is_integer(kind) or types.is_floating(kind):
        return values.fill_null(0).to_numpy() if empty.any() else values.to_numpy()
    return cells.text_array(["" if value is None else str(value) for value in values.to_pylist()])
