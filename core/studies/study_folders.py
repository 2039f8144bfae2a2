"""The studies in a project's ``studies`` folder, listed without reading more than their tables."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from core.adapt.suggest.settings import SuggestionStudySettings
from core.errors import Problem
from core.project.runs import MATRIX_FILE, SEARCH_FILE, SIZE_STUDY_FILE, SUGGESTION_STUDY_FILE, TRANSFER_FILE
from core.reading import is_there, modified, read_lines, reading
from core.settings import toml
from core.settings.declare import Settings
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.studies.transfer_settings import MatrixSettings, TransferStudySettings
from core.train.settings import RunSettings

StudyKind = Literal["search", "training size", "transfer", "matrix", "suggestions"]
_FILES: dict[StudyKind, tuple[str, str, type[Settings]]] = {
    "search": (SEARCH_FILE, "trials.csv", SearchSettings),
    "training size": (SIZE_STUDY_FILE, "study.csv", TrainingSizeSettings),
    "transfer": (TRANSFER_FILE, "study.csv", TransferStudySettings),
    "matrix": (MATRIX_FILE, "study.csv", MatrixSettings),
    "suggestions": (SUGGESTION_STUDY_FILE, "study.csv", SuggestionStudySettings),
}
OWN_FILES: Mapping[StudyKind, str] = {kind: name for kind, (name, _, _) in _FILES.items()}
TABLES: Mapping[StudyKind, str] = {kind: table for kind, (_, table, _) in _FILES.items()}
SETTINGS: Mapping[StudyKind, type[Settings]] = {kind: model for kind, (_, _, model) in _FILES.items()}
JOURNAL_FILE = "optuna.jsonl"
_FOLDER = "studies"
_TIME = "%Y-%m-%d %H.%M.%S"
_TIME_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d ")


@dataclass(frozen=True)
class Study:
    """A study as a list shows it.

    Attributes
    ----------
    folder
        Where it is.
    kind
        What it studies.
    progress
        The number of runs or trials, as text.
    begun
        When it was started; None: unknown.
    problem
        What of it cannot be read; None: nothing.
    """

    folder: Path
    kind: StudyKind
    progress: str
    begun: datetime | None
    problem: Problem | None = None

    @property
    def title(self) -> str:
        """Its name without the start time."""
        return title_of(self.folder)


def title_of(folder: Path) -> str:
    """The name of a study without its start time."""
    return _TIME_PREFIX.sub("", folder.name)


def kind_of(folder: Path) -> StudyKind | None:
    """The kind of study in a folder; None: there is none."""
    return next((kind for kind, (settings, _, _) in _FILES.items() if (folder / settings).exists()), None)


def list_studies(project: Path) -> list[Study]:
    """List the studies in a project's folder, the newest first."""
    found = [
        _read_study(folder, kind) for folder in (project / _FOLDER).glob("*") if (kind := kind_of(folder)) is not None
    ]
    return sorted(found, key=lambda study: study.begun.timestamp() if study.begun else 0.0, reverse=True)


def new_folder(project: Path, name: str) -> Path:
    """A free path for a new study, of time and ``name``, with a number if that exists; nothing is created."""
    plain = re.sub(r'[<>:"/\\|?*\x00-\x1f]+', "-", name).strip(" .")[:80]
    stem = f"{datetime.now().astimezone():{_TIME}} {plain}"
    path, number = project / _FOLDER / stem, 2
    while path.exists():
        path, number = project / _FOLDER / f"{stem} ({number})", number + 1
    return path


def _read_study(folder: Path, kind: StudyKind) -> Study:
    begun = _start_time(folder, _FILES[kind][0])
    try:
        with reading("This study", folder, "Restore the file, or remove the study's folder."):
            return Study(folder, kind, _read_progress(folder, kind), begun)
    except Problem as problem:
        return Study(folder, kind, "unreadable", begun, problem)


def _start_time(folder: Path, settings: str) -> datetime | None:
    if stamp := _TIME_PREFIX.match(folder.name):
        with contextlib.suppress(ValueError, OverflowError):
            return datetime.strptime(stamp.group().strip(), _TIME).astimezone()
    return modified(folder / settings)


def _read_progress(folder: Path, kind: StudyKind) -> str:
    """The number of runs or trials; also looks at the other files of the study, without opening its runs."""
    settings, table, model = _FILES[kind]
    toml.load(model, folder / settings)
    if is_there(folder / "settings.toml"):
        toml.load(RunSettings, folder / "settings.toml")
    if kind == "search" and is_there(folder / JOURNAL_FILE):
        with reading("The journal of this search", folder / JOURNAL_FILE):
            for line in read_lines(folder / JOURNAL_FILE)[:-1]:
                json.loads(line)
    rows: list[dict[str, str]] = []
    if is_there(folder / table):
        with reading("The table of this study", folder / table):
            rows = list(csv.DictReader(read_lines(folder / table)))
    return _describe_trials(rows) if kind == "search" else f"{len(rows)} runs"


def _describe_trials(rows: list[dict[str, str]]) -> str:
    return f"{sum(row.get('state') in ('finished', 'pruned') for row in rows)} trials"
