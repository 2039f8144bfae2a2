"""Studies as jobs for another machine: packed in place of being done, where the output is a zip file."""

from __future__ import annotations

from pathlib import Path

from core.cli.console import Console
from core.project.packing import describe
from core.settings.declare import Settings
from core.studies.study_folders import StudyKind
from core.train.settings import RunSettings

OUTPUT = "new folder, or that of a study to resume; or a new JOB.zip: the study is packed for another machine"


def is_wanted(output: Path) -> bool:
    """Whether a study is to be packed, by the name of its output."""
    return output.suffix.lower() == ".zip"


def pack(kind: StudyKind, settings: RunSettings, study: Settings, data: Path, output: Path, console: Console) -> int:
    """Pack a study.

    Raises
    ------
    Problem
        See :func:`core.studies.study_package.pack`.
    """
    from core.studies import study_package

    contents = console.drive(
        "Packing", lambda stop: study_package.pack(kind, settings, study, data, output, stop, title=output.stem)
    )
    console.say(describe(contents, output))
    console.say(f"On the other machine: tuningfork job run {output.name}")
    return console.status


def say_where(what: str, folder: Path, console: Console) -> None:
    """Say where a study lies, and whether its numbers are of the labels of today."""
    from core.studies import changed_labels

    console.say(f"{what}: {folder}")
    if said := changed_labels.describe(folder):
        console.note(said)
