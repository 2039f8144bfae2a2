"""Errors for the user: what was wrong, what to do about it, and where.

A :class:`Problem` is raised in ``core``, caught once by the window's jobs or by the command line, and shown
as it is. Any other exception is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.printable import shorten_sentence


class Problem(Exception):  # noqa: N818 - it is shown to astronomers, and to them it is a problem
    """An error that the user has to know of and can do something about.

    Parameters
    ----------
    sentence
        What was wrong, as a full sentence; shortened where a file's contents make it very long, as the remedy is.
    remedy
        What to do about it, as a full sentence; may be empty.
    where
        File, row, field or layer; may be empty.
    detail
        For whoever looks for a fault of the program: which exception arose in which line; may be empty.
    """

    def __init__(self, sentence: str, remedy: str = "", where: str = "", detail: str = "") -> None:
        sentence, remedy = shorten_sentence(sentence), shorten_sentence(remedy)
        super().__init__(sentence, remedy, where)
        self.sentence = sentence
        self.remedy = remedy
        self.where = where
        self.detail = detail

    @property
    def text(self) -> str:
        """What was wrong and what to do about it, in one line."""
        return f"{self.sentence} {self.remedy}".strip()

    @property
    def shown_where(self) -> str:
        """File, row, field or layer as it is shown; that of a deep folder or a very long id is shortened."""
        return shorten_sentence(self.where)

    def __str__(self) -> str:
        return f"{self.shown_where}: {self.text}" if self.where else self.text


class UnreadableFile(Problem):
    """A file is missing, damaged, or not what its name says."""


class CatalogueProblem(Problem):
    """A table cannot be read or joined."""


class AmbiguousColumn(CatalogueProblem):
    """Several columns of a catalogue name the images equally well.

    Attributes
    ----------
    columns
        Their names.
    """

    columns: tuple[str, ...] = ()

    @classmethod
    def among(cls, columns: Sequence[str], matched: int, count: int) -> AmbiguousColumn:
        """The problem with at least two ``columns``, the first of which matches ``matched`` of ``count`` images."""
        names = " and ".join(f"“{name}”" for name in columns)
        problem = cls(
            f"The columns {names} of the catalogue both match {matched:,} of {count:,} images, but with different rows."
            if len(columns) == 2
            else f"The columns {names} of the catalogue match the images, but with different rows.",
            "Choose the right one as the id column (--id NAME).",
        )
        problem.columns = tuple(columns)
        return problem


class SettingsProblem(Problem):
    """A setting has an invalid value; ``where`` is its dotted name."""


class TooFewGalaxies(Problem):
    """There is too little data for the request."""


class WrongVersion(Problem):
    """A file was written by a newer program."""


class FolderInUse(Problem):
    """Another program is writing to this folder, it holds something else, or it cannot be written to."""


class FolderMoved(Problem):
    """A folder in which files are written was renamed, removed or replaced meanwhile.

    Attributes
    ----------
    place
        Where it is now; None: unknown.
    """

    place: Path | None = None

    @classmethod
    def of(cls, folder: Path, place: Path | None) -> FolderMoved:
        """The problem with a folder that was at this path, and is now at ``place``."""
        remedy = f"It is now {place}: open it there." if place is not None else "Put it back, or open it where it is."
        problem = cls(f"The folder “{folder.name}” was moved or removed; nothing is written.", remedy, str(folder))
        problem.place = place
        return problem


class DatasetReplaced(Problem):
    """The file of a dataset that is open was replaced or changed."""

    @classmethod
    def of(cls, path: Path) -> DatasetReplaced:
        """The problem with the dataset at this path."""
        return cls(
            f"The file “{path.name}” was replaced or changed: it is no longer the dataset that was opened.",
            "Open it again, or put the earlier file back.",
            str(path),
        )


class DiskFull(Problem):
    """There is too little disk space for what is to be written."""


class OutOfMemory(Problem):
    """The device has too little memory for the computation."""


class NotPossible(Problem):
    """The request makes no sense here, or cannot be met."""


class WouldReplaceInput(NotPossible):
    """A file that is read would be overwritten."""


class WouldReplaceForeignFile(FolderInUse):
    """A file that this program did not write would be overwritten."""


class NotANumber(Problem):
    """The loss or an image is not finite."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Raised by work that was asked to stop before it had a complete result.

    Parameters
    ----------
    kept
        What is kept of it all the same, and how it goes on, as the rest of a sentence; empty: nothing.
    """

    def __init__(self, kept: str = "") -> None:
        super().__init__(kept)
        self.kept = kept
