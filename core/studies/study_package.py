"""Jobs that do a study: packed as one file for a bigger machine, done there, and taken into the project again.

It is a job as that of a training (:mod:`core.train.job_package`) with the study's own settings in ``study.toml``, and
all datasets that they name. There the study lies in the folder ``studies`` of the small project that a job is: so its
paths are right in the project at home, too. One that was killed goes on where it stood, with the same command.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.cutouts import Cutouts
from core.errors import NotPossible, Problem
from core.events import NEVER, Skipped, Work
from core.project import packing, unpacking
from core.project.files import file_name, write_atomically
from core.project.labels import LabelJournal
from core.project.packages import Contents, read_contents
from core.project.packing import find_files
from core.project.project import journal_of
from core.project.runs import RunFolder
from core.reading import is_there, reading
from core.settings import toml
from core.settings.declare import Settings
from core.studies import study_folders
from core.studies.run_list import RUN_SETTINGS
from core.studies.study_folders import StudyKind
from core.studies.transfer_settings import MatrixSettings, TransferStudySettings
from core.train import job_package, preparation
from core.train.settings import RunSettings

OWN = "study.toml"  # the settings of the study in a job
_WHAT = "What this job is"
_HERE = {"device": "cpu", "precision": "float32"}  # for the trial
_DATASETS = "datasets"


@dataclass(frozen=True)
class DoneStudy:
    """A study that was done, or a part of it.

    Attributes
    ----------
    kind
        Of the study.
    folder
        Where it is on this machine.
    missing
        How many of its runs, trials or points are not done yet.
    package
        The package of its results.
    """

    kind: StudyKind
    folder: Path
    missing: int
    package: Path


# -- at home: what is to be done ---------------------------------------------------------------------------------------


def pack(
    kind: StudyKind,
    settings: RunSettings,
    study: Settings,
    data: Path,
    target: Path,
    stop: threading.Event = NEVER,
    *,
    title: str = "",
) -> Work[Contents]:
    """Pack a study as one file.

    Parameters
    ----------
    kind
        Of the study.
    settings
        That its trainings share.
    study
        Its own settings.
    data
        The dataset; of a matrix any of its surveys.
    target
        The package, a zip file.
    stop
        Checked while it is written.
    title
        Of the study that will be made; empty: its kind.

    Raises
    ------
    Problem
        The trainings are not possible with this dataset, two datasets have the same name, a file cannot be read, or the
        disk is full.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    surveys = _datasets_of(study, data)
    if len({file_name(path.stem).casefold() for path in surveys}) < len(surveys):
        raise NotPossible("Two datasets of this study have the same name.", "Rename one of them.")
    staged, checksums = job_package.StagedFiles(), dict[str, str]()
    for path in surveys:
        with Cutouts.open(path) as cutouts:
            fingerprint = yield from cutouts.read_checksum(stop)
            if path == surveys[0] and kind != "matrix":  # what is wrong is better told here than there
                preparation.prepare(settings.model_copy(update=_HERE), cutouts, None, journal_of(path))
        checksums[staged.add_dataset(path, labels=True)] = fingerprint
    names = dict(zip(map(str, surveys), checksums, strict=True))
    own = toml.dumps(_with_datasets(study, lambda path: names[str(Path(path).expanduser().resolve())]))
    about = {"data": next(iter(checksums)), "study": kind, _DATASETS: json.dumps(checksums, ensure_ascii=False)}
    return (yield from job_package.write_job(settings, surveys, staged, target, title or kind, about, {OWN: own}, stop))


def _datasets_of(study: Settings, data: Path) -> list[Path]:
    """The datasets that a study reads, that of its labels first."""
    named: list[str] = []
    _with_datasets(study, lambda path: named.append(path) or path)
    paths = named if isinstance(study, MatrixSettings) else [str(data), *named]
    return list(dict.fromkeys(Path(path).expanduser().resolve() for path in paths))


def _with_datasets(study: Settings, change: Callable[[str], str]) -> Settings:
    """The study's settings with each dataset that they name changed."""
    if isinstance(study, TransferStudySettings) and study.source:
        return study.model_copy(update={"source": change(study.source)})
    if isinstance(study, MatrixSettings):
        return study.model_copy(update={"surveys": tuple(map(change, study.surveys))})
    return study


# -- on the other machine: the work ------------------------------------------------------------------------------------


def run(
    package: Path,
    folder: Path | None = None,
    stop: threading.Event = NEVER,
    change: Callable[[RunSettings], RunSettings] = lambda settings: settings,
) -> Work[DoneStudy]:
    """Do a study, or go on with it, and pack its results; also when ``stop`` was set, with what was done until then.

    Parameters
    ----------
    package
        The job.
    folder
        Where it is unpacked; None: beside it, in a folder of its name.
    stop
        Ends the study after the current batch.
    change
        Changes the settings for this machine, such as the device; of a study that was begun they stay.

    Raises
    ------
    Problem
        It is no job with a study, another one is in the folder, or the study meets a problem.
    Stopped
        ``stop`` was set before anything was done.
    """
    opened = yield from job_package.open_job(package, folder, stop)
    with contextlib.closing(opened.project) as project:
        kind, model = _model_of(opened.contents, package)
        home, title = project.folder, opened.contents.about.get("title", kind)
        begun = next((each.folder for each in study_folders.list_studies(home)), None)
        place = begun or study_folders.new_folder(home, title)
        settings = (
            toml.load(RunSettings, place / RUN_SETTINGS)
            if begun is not None and is_there(place / RUN_SETTINGS)
            else change(toml.load(RunSettings, home / job_package.SETTINGS))
        )
        study = _with_datasets(toml.load(model, home / OWN), lambda name: str(_inside(home, name)))
        missing: int = yield from _do(kind, settings, study, opened.data, place, stop, opened.labels)
        target = job_package.results_of(package)
        files = yield from find_files(place)
        about = {**opened.contents.about, "folder": place.name, "missing": str(missing)}
        yield from packing.write(target, "results", opened.contents.title, files, about=about)
    return DoneStudy(kind, place, missing, target)


def _model_of(contents: Contents, package: Path) -> tuple[StudyKind, type[Settings]]:
    models = study_folders.SETTINGS
    with reading(_WHAT, package):
        kind = next((each for each in models if each == contents.study), None)
        if kind is None:
            raise ValueError(f"“{contents.study}” is no kind of study that is known here")
    return kind, models[kind]


def _inside(folder: Path, name: str) -> Path:
    """A dataset of the job."""
    path = (folder / name).resolve()
    with reading(_WHAT, folder / OWN):
        if folder.resolve() not in path.parents:
            raise ValueError("one of its datasets is not in it")
    return path


def _do(
    kind: StudyKind,
    settings: RunSettings,
    study: Any,
    data: Path,
    folder: Path,
    stop: threading.Event,
    labels: LabelJournal | None,
) -> Work[int]:
    """Do the study; returns how much of it is missing."""
    from core.studies import matrix, search, suggestion_study, training_size, transfer

    if kind == "matrix":
        return (yield from matrix.run(settings, folder, study, stop)).missing
    runners: Mapping[StudyKind, Callable[..., Work[Any]]] = {
        "search": search.run,
        "training size": training_size.run,
        "transfer": transfer.run,
        "suggestions": suggestion_study.run,
    }
    return (yield from runners[kind](settings, data, folder, study, stop, hand_labels=labels)).missing


# -- at home again: the results ----------------------------------------------------------------------------------------


def collect(package: Path, project: Path, stop: threading.Event = NEVER) -> Work[Path]:
    """Take the results of a study into a project, as a study that was done there; returns its folder.

    Its datasets are those of the project with the same galaxies; one that is not there is reported.

    Raises
    ------
    FolderInUse
        The project has these results already.
    Problem
        These are no results of a study, or they are damaged.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    contents = read_contents(package, ("results",))
    kind, model = _model_of(contents, package)
    table = study_folders.TABLES[kind]
    name = file_name(contents.about.get("folder", "")) or contents.title
    target = job_package.free_place(contents, project / "studies" / name, (table,))
    yield from unpacking.unpack(package, target, stop, kinds=("results",), required=RUN_SETTINGS)
    homes = yield from _find_datasets(contents, package, project, stop)
    for noted in target.rglob("data.txt"):
        run_folder = RunFolder(noted.parent)
        if (home := homes.get(_name_noted_in(noted))) is not None:
            run_folder.save_data_path(home)
    own = target / study_folders.OWN_FILES[kind]

    def find(path: str) -> str:
        name = Path(path.replace("\\", "/")).name
        return str(homes.get(name, project / _DATASETS / name))

    if is_there(own):
        write_atomically(own, toml.dumps(_with_datasets(toml.load(model, own), find)))
    return target


def _name_noted_in(file: Path) -> str:
    """The name of the dataset that a run has noted."""
    lines = file.read_text(encoding="utf-8").split("\n")
    return Path(lines[0].strip()).name


def _find_datasets(contents: Contents, package: Path, project: Path, stop: threading.Event) -> Work[dict[str, Path]]:
    """The datasets of a project with the galaxies of those of a job, by their names there."""
    with reading(_WHAT, package):
        checksums = {str(name): str(value) for name, value in json.loads(contents.about[_DATASETS]).items()}
    homes: dict[str, Path] = {}
    for name, checksum in checksums.items():
        found = yield from job_package.find_dataset(name, checksum, project, stop)
        if found is not None:
            homes[Path(name).name] = found
        else:
            sentence = "A dataset of this study is not in the project; its figures and tables can be looked at."
            yield Skipped(Problem(sentence, "Open the dataset in this project to go on with the study.", name))
    return homes
