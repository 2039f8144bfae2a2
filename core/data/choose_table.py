"""Joining the right table of a catalogue to the images."""

from __future__ import annotations

from collections.abc import Sequence

from astropy.table import Table

from core.data import catalogue as tables
from core.data.join import NO_ROW, Join, join
from core.data.label_values import clean_labels
from core.data.settings import ImportSettings
from core.errors import AmbiguousColumn, CatalogueProblem


def join_tables(candidates: Sequence[Table], files: Sequence[tuple[str, str]], settings: ImportSettings) -> Join:
    """Join the table that the settings name, or else the one that names most images.

    Its label columns are cleaned of marks of missing values; what was decided is among the join's notes.

    Parameters
    ----------
    candidates
        As :func:`core.data.catalogue.read_tables` gives them.
    files
        Path and name of every image.
    settings
        Names of the table, the id column and the label columns.

    Raises
    ------
    CatalogueProblem
        No table fits, or several do.
    """
    if settings.catalogue_table:
        return _join(named_table(candidates, settings.catalogue_table), files, settings)
    if len(candidates) == 1:
        return _join(candidates[0], files, settings)
    found: list[tuple[int, Join]] = []
    problems: list[tuple[int, CatalogueProblem]] = []
    for table in candidates:
        try:
            joined = _join(table, files, settings)
        except CatalogueProblem as problem:
            problems.append((len(table.colnames), problem))
        else:
            found.append((sum(joined.row_of(*file) != NO_ROW for file in files), joined))
    names = ", ".join(f"“{table_name(table)}”" for table in candidates)
    if not found:
        worst = max(problems, key=lambda entry: entry[0])[1]
        if isinstance(worst, AmbiguousColumn):
            raise worst
        raise CatalogueProblem(f"{worst.sentence} The catalogue has the tables {names}.", worst.remedy, worst.where)
    best = max(count for count, _ in found)
    chosen = [joined for count, joined in found if count == best]
    if len(chosen) > 1:
        both = " and ".join(f"“{table_name(joined.table)}”" for joined in chosen)
        raise CatalogueProblem(
            f"The tables {both} of the catalogue match the images equally well.",
            "Name the right one (--table NAME, “Table” among the expert settings).",
        )
    name = table_name(chosen[0].table)
    chosen[0].notes.insert(0, f"The catalogue has {len(candidates)} tables ({names}); “{name}” was used.")
    return chosen[0]


def _join(table: Table, files: Sequence[tuple[str, str]], settings: ImportSettings) -> Join:
    labels = tables.label_columns(table, settings)
    notes = clean_labels(table, [name for name in labels if name != settings.catalogue_id], settings)
    joined = join(table, files, labels, settings.catalogue_id)
    joined.notes += notes
    return joined


def table_name(table: Table) -> str:
    """The name of a table in its file, or its number; empty where a file holds only one."""
    return str((table.meta or {}).get("name", ""))


def named_table(candidates: Sequence[Table], name: str) -> Table:
    """The table with this name or number.

    Raises
    ------
    CatalogueProblem
        There is none, or it cannot be read.
    """
    for table in candidates:
        if name.strip().lower() in {table_name(table).lower(), str((table.meta or {}).get("number", ""))}:
            return table
    for problem in (candidates[0].meta or {}).get("problems", ()) if candidates else ():
        if problem.where.lower().endswith(f"table “{name.strip().lower()}”"):
            raise problem
    names = ", ".join(f"“{table_name(table)}”" for table in candidates if table_name(table)) or "one table without name"
    raise CatalogueProblem(f"The catalogue has no table “{name}”.", f"It has {names}.", name)
