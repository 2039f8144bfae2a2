"""What is said of a table that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from core.data import read_errors
from core.errors import CatalogueProblem, Problem


def explain_table_error(error: Exception, where: str) -> CatalogueProblem:
    """The problem of a table whose reading ended with any exception.

    Parameters
    ----------
    error
        What a library raised; a problem keeps its sentence.
    where
        The file, and the table in it.
    """
    if isinstance(error, Problem):
        return CatalogueProblem(error.sentence, error.remedy, error.where or where)
    if isinstance(error, MemoryError):
        sentence = "The table is too large for this computer's memory, or claims to be."
        return CatalogueProblem(sentence, "Save the columns with ids and labels alone.", where)
    if isinstance(error, RecursionError):
        return CatalogueProblem("The table holds something that is nested too deeply.", "Simplify it.", where)
    problem = read_errors.explain_error(where, error)
    return CatalogueProblem(problem.sentence, problem.remedy, where)


def no_single_values(names: Sequence[str], where: str) -> CatalogueProblem:
    """The problem of a table all of whose columns hold arrays."""
    columns = f"“{names[0]}”" if len(names) == 1 else ", ".join(f"“{name}”" for name in names[:5])
    return CatalogueProblem(
        f"None of its columns holds single values: {columns} hold{'s' * (len(names) == 1)} arrays.",
        "Choose a table with one value for each galaxy in its columns.",
        where,
    )
