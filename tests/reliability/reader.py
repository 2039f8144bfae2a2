"""What is known of one kind of file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reliability.mutations import BYTES, Mutation

from core.errors import Problem


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes
    ----------
    name
        As the report calls it.
    write
        Writes a folder with a whole file of this kind, and returns the file.
    road
        Takes that file through the program, see :mod:`reliability.roads`.
    mutations
        What may happen to it, those named twice twice as often.
    share
        Of the damaged files, compared with the other readers.
    """

    name: str
    write: Callable[[Path], Path]
    road: Callable[[Path, Path], Problem | None]
    mutations: tuple[Mutation, ...] = BYTES
    share: float = 1.0
