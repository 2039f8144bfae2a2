"""The parts that a dataset has of itself, whatever network looks at it: by its column, or as its project keeps them.

A run on this dataset has the parts of its split. A network of another dataset has none here: what must not be looked at
is what this dataset, or its project, holds back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data import kept_parts, parts
from core.data.cutouts import Cutouts
from core.data.parts import PARTS


@dataclass(frozen=True, eq=False)
class DeclaredParts:
    """Parts of a dataset.

    Attributes
    ----------
    numbers
        int8 (N,): index in :data:`core.data.parts.PARTS` of each row; other numbers: it is in no part.
    rule
        Who gives them, as the end of a sentence, such as ``its column “split”``.
    """

    numbers: NDArray[np.int8]
    rule: str

    def rows(self, part: str) -> NDArray[np.int64]:
        """The rows of a part."""
        return np.flatnonzero(self.numbers == PARTS.index(part))

    @property
    def names(self) -> list[str]:
        """The part of each row; empty where it is in none."""
        names = (*PARTS, "")
        return [names[number] for number in self.numbers.tolist()]


def read(cutouts: Cutouts) -> DeclaredParts | None:
    """The parts that a dataset declares; None: it declares none.

    Raises
    ------
    CatalogueProblem
        Its column holds other words than those of the parts.
    """
    if column := cutouts.split_column:
        return DeclaredParts(parts.read_given(cutouts.columns[column], column), f"its column “{column}”")
    if (kept := kept_parts.read(cutouts.path, None)) is not None:
        return DeclaredParts(kept.numbers(cutouts.ids), "its project")
    return None
