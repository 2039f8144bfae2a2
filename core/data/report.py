"""The report of an import: what happened to every file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import Problem
from core.project.files import write_atomically


@dataclass(frozen=True)
class ImportReport:
    """How an import went.

    ``unusable`` has one problem per file or catalogue row that could not be used; ``where`` names it.
    ``without_label`` are ids of imported galaxies without a label (only if labels are imported),
    ``without_image`` the catalogue's names of galaxies for which there was no image. ``notes`` are remarks on decisions
    made during the import.
    """

    path: Path
    imported: int
    unusable: list[Problem] = field(default_factory=list[Problem])
    without_label: list[str] = field(default_factory=list[str])
    without_image: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    seconds: float = 0.0

    @property
    def sentence(self) -> str:
        """The counts as a sentence."""
        return (
            f"{self.imported:,} imported, {len(self.unusable):,} unusable, {len(self.without_label):,} without label, "
            f"{len(self.without_image):,} without image."
        )

    def save(self, path: Path) -> None:
        """Write a CSV table with the columns ``file``, ``reason``, ``remedy`` and ``detail``.

        One line for each file or catalogue row that is not in the dataset or lacks its label, and one without a
        file for each note. The detail is the exception behind a damaged file, and the line of the program.
        """
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(("file", "reason", "remedy", "detail"))
        table.writerows((problem.where, problem.sentence, problem.remedy, problem.detail) for problem in self.unusable)
        no_image = ("This catalogue row has no image.", "Add the image, or leave out the row.", "")
        table.writerows((name, *no_image) for name in self.without_image)
        table.writerows(("", note, "", "") for note in self.notes)
        write_atomically(path, text.getvalue().encode("utf-8", "backslashreplace"))  # names of files may be no text
