"""What a network has to beat: always answering the commonest class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Guess:
    """Always answering the commonest class.

    Attributes
    ----------
    name
        The class.
    accuracy
        Its share of the galaxies.
    balanced_accuracy
        1/K for K classes that have galaxies.
    """

    name: str
    accuracy: float
    balanced_accuracy: float

    @property
    def sentence(self) -> str:
        """As it stands beside the numbers of a network."""
        return (
            f"The commonest class alone, “{self.name}”: accuracy {self.accuracy:.3f}, balanced accuracy "
            f"{self.balanced_accuracy:.3f}."
        )


def guess(counts: Mapping[str, int]) -> Guess | None:
    """The guess for so many galaxies of each class; None for fewer than two classes, where nothing is guessed."""
    present = {name: count for name, count in counts.items() if count > 0}
    if len(present) < 2:
        return None
    name = max(present, key=present.__getitem__)
    return Guess(name, present[name] / sum(present.values()), 1 / len(present))


def guess_of_run(metrics: Mapping[str, Any], part: str = "validation") -> Guess | None:
    """The guess for a part of a run's dataset, from what ``metrics.json`` says of it; None if that is not known.

    Where the part was evaluated, it is that of the labels of then, which may have changed since the training.
    """
    noted = (metrics.get(part) or {}).get("commonest_class")
    if isinstance(noted, Mapping) and noted.keys() == Guess.__dataclass_fields__.keys():
        return Guess(**noted)
    classes = (metrics.get("data") or {}).get("classes") or {}
    return guess(classes.get(part) or {})
