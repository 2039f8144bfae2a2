"""What can go wrong, told to a person: a sentence, a remedy, a place.

A :class:`Problem` is raised in ``core``, caught once by the window's jobs or by the command line, and shown
as it is. Anything else that is raised is a defect of the program.
"""

from __future__ import annotations


class Problem(Exception):  # noqa: N818 - it is shown to astronomers, and to them it is a problem
    """Something a person has to know and can do something about.

    Parameters
    ----------
    sentence
        What was wrong, as a full sentence.
    remedy
        What to do about it, as a full sentence; may be empty.
    where
        File, row, field or layer; may be empty.
    """

    def __init__(self, sentence: str, remedy: str = "", where: str = "") -> None:
        super().__init__(sentence, remedy, where)
        self.sentence = sentence
        self.remedy = remedy
        self.where = where

    @property
    def text(self) -> str:
        """What was wrong and what to do about it, in one line."""
        return f"{self.sentence} {self.remedy}".strip()

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


class UnreadableFile(Problem):
    """A file is missing, damaged, or not what its name says."""


class CatalogueProblem(Problem):
    """A table cannot be read or joined."""


class SettingsProblem(Problem):
    """A knob has a value that it cannot have; ``where`` is its dotted name."""


class TooFewGalaxies(Problem):
    """There is too little data for what was asked."""


class WrongVersion(Problem):
    """A file was written by a newer program."""


class FolderInUse(Problem):
    """Another program is writing to this folder, or it holds something else."""


class DiskFull(Problem):
    """There is no room left for what is to be written."""


class OutOfMemory(Problem):
    """The device has too little memory for this."""


class NotANumber(Problem):
    """The loss or an image is not finite."""


class NotPossible(Problem):
    """What was asked has no meaning here."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Raised by work that was asked to stop and has nothing whole to hand over."""
