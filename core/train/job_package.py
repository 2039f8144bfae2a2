"""Job packages: a training as one file for a bigger machine, and its results back in the project.

A job is a small project: the dataset with its hand labels and parts, the network that it starts from, and the settings
in ``job.toml``. There :func:`run` makes a folder of it, trains in it, and packs the run as results, which
:func:`collect` takes into the project from which the job came. A job that was killed is run again with the same
command: it goes on after its last complete epoch.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from core.data import kept_parts
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, Problem, UnreadableFile
from core.events import NEVER, Skipped, Work
from core.nets import base_networks
from core.project import packing, temporary, unpacking
from core.project.files import file_name, make_folder, write_atomically
from core.project.labels import LabelJournal
from core.project.packages import Contents, read_contents
from core.project.packing import find_files
from core.project.project import FORMAT, Project, journal_of
from core.project.runs import RunFolder
from core.reading import is_there, read_json, reading
from core.settings import toml
from core.train import loop, preparation, resuming
from core.train.loop import RunResult
from core.train.settings import RunSettings

SETTINGS, ABOUT = "job.toml", "job.json"
_WHAT = "What this job is"
_TITLE = "job"
_HERE = {"device": "cpu", "precision": "float32"}  # for the trial


@dataclass(frozen=True)
class DoneJob:
    """A job that was run: its training, and the package of its results."""

    result: RunResult
    package: Path


# -- at home: what is to be done ---------------------------------------------------------------------------------------


def pack(
    settings: RunSettings, data: Path, target: Path, stop: threading.Event = NEVER, *, title: str = _TITLE
) -> Work[Contents]:
    """Pack a training as one file.

    Parameters
    ----------
    settings
        Of the training.
    data
        The dataset; if it lies in a project, its hand labels and parts go with it.
    target
        The package, a zip file.
    stop
        Checked while it is written.
    title
        Of the run that will be made.

    Raises
    ------
    Problem
        The training is not possible with this dataset, a file cannot be read, or the disk is full.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    with Cutouts.open(data) as cutouts:
        fingerprint = yield from cutouts.read_checksum(stop)
        if settings.self_supervised.method == "none":  # what is wrong is better told here than there
            preparation.prepare(settings.model_copy(update=_HERE), cutouts, None, journal_of(data))
    staged = StagedFiles()
    about = {"data": staged.add_dataset(data, labels=True), "checksum": fingerprint}
    return (yield from write_job(settings, [data], staged, target, title, about, stop=stop))


def write_job(
    settings: RunSettings,
    data: Sequence[Path],
    staged: StagedFiles,
    target: Path,
    title: str,
    about: Mapping[str, str],
    more: Mapping[str, str] | None = None,
    stop: threading.Event = NEVER,
) -> Work[Contents]:
    """Write a job: what was staged, the parts of its datasets, its settings, and what it is.

    Parameters
    ----------
    settings
        Of the trainings; what they name goes with them.
    data
        The datasets whose parts go with them.
    staged
        Files of the job.
    target, title, stop
        As in :func:`pack`.
    about
        What whoever takes the results in needs to know.
    more
        Further texts by their names in the job.
    """
    title = file_name(title) or _TITLE
    settings = settings.with_changed_paths(staged.add)
    project = tomlkit.document()
    project.add("format", FORMAT)
    project.add("name", title)
    about = {"job": secrets.token_hex(8), "title": title, **about}
    texts = {"project.toml": tomlkit.dumps(project), SETTINGS: toml.dumps(settings), **(more or {})}
    texts[ABOUT] = json.dumps(about, indent=1, ensure_ascii=False)
    with temporary.temporary_folder() as written:
        for name, text in texts.items():
            write_atomically(written / name, text)
            staged.files[name] = written / name
        for each in data:
            staged.add_parts(each, written)
        return (yield from packing.write(target, "job", title, list(staged.files.items()), stop, about=about))


class StagedFiles:
    """The files of a job by their names in it."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}

    def add(self, stored: str) -> str:
        """Add what a setting names, a dataset or a network, and return its name in the job."""
        path = Path(stored).expanduser()
        if stored.startswith(base_networks.PREFIX) or not path.exists():
            return stored
        path = path.resolve()
        return self.add_dataset(path) if path.suffix.lower() in packing.IMAGES else self._add_network(path)

    def add_dataset(self, path: Path, *, labels: bool = False) -> str:
        """Add a dataset, under a name that is free, with its hand labels if they are wanted."""
        stem, number = file_name(path.stem), 2
        name = f"datasets/{stem}.h5"
        while self.files.get(name, path) != path:
            name, number = f"datasets/{stem} ({number}).h5", number + 1
        self.files[name] = path
        journal = journal_of(path) if labels else None
        if journal is not None and is_there(journal.path):
            self.files[f"labels/{stem}.jsonl"] = journal.path
        return name

    def add_parts(self, data: Path, texts: Path) -> None:
        """Add the parts that the project keeps for the dataset, or those of its last run, which decided them."""
        file = kept_parts.file_for(data, None)
        if file is None:
            return
        if not is_there(file):
            known = kept_parts.read(data, None)
            if known is None:
                return
            file = texts / f"{file_name(data.stem)}.csv"
            known.save(file, "as in the project from which this job came")
        self.files[f"splits/{file_name(data.stem)}.csv"] = file

    def _add_network(self, path: Path) -> str:
        """Add weights, with what stands beside them in the folder of their run, but without its checkpoints."""
        run = next((place for place in (path, *list(path.parents)[:2]) if (place / "settings.toml").exists()), None)
        if run is None:
            name = f"networks/{file_name(path.name)}"
            self.files[name] = path
            return name
        place = f"runs/{file_name(run.name)}"
        for file in run.iterdir():
            if file.is_file() and not file.name.startswith("."):
                self.files[f"{place}/{file.name}"] = file
        if path == run:
            return place
        name = f"{place}/{path.relative_to(run).as_posix()}"
        self.files[name] = path
        return name


# -- on the other machine: the work ------------------------------------------------------------------------------------


def results_of(package: Path) -> Path:
    """Where the results of a job are packed: beside it."""
    return package.with_name(f"{package.stem} results.zip")


def run(
    package: Path,
    folder: Path | None = None,
    stop: threading.Event = NEVER,
    change: Callable[[RunSettings], RunSettings] = lambda settings: settings,
) -> Work[DoneJob]:
    """Run a job, or go on with it, and pack its results; also when ``stop`` was set, with what was done until then.

    Parameters
    ----------
    package
        The job.
    folder
        Where it is unpacked; None: beside it, in a folder of its name.
    stop
        As in :func:`core.train.loop.run`.
    change
        Changes the settings for this machine, such as the device.

    Raises
    ------
    Problem
        It is no job, another one is in the folder, or the training meets a problem.
    Stopped
        ``stop`` was set before the first batch was done.
    """
    opened = yield from open_job(package, folder, stop)
    title = opened.contents.about.get("title", _TITLE)
    with contextlib.closing(opened.project) as project:
        begun = next((each for each in project.runs() if each.title == title and each.settings_file.exists()), None)
        if begun is None:
            settings = change(toml.load(RunSettings, project.folder / SETTINGS))
            begun = project.new_run(title)
            result = yield from loop.run(settings, opened.data, begun, stop, hand_labels=opened.labels)
        else:
            result = yield from resuming.run(begun, stop, opened.data, hand_labels=opened.labels)
        target = results_of(package)
        yield from _pack_results(begun, {**opened.contents.about, "reason": result.reason}, target)
    return DoneJob(result, target)


@dataclass(frozen=True)
class OpenedJob:
    """A job where it is done: what is in its package, its project, its dataset, and the labels given by hand."""

    contents: Contents
    project: Project
    data: Path
    labels: LabelJournal | None


def open_job(package: Path, folder: Path | None, stop: threading.Event = NEVER) -> Work[OpenedJob]:
    """Unpack a job, unless it is there, and open its project, which the caller closes.

    Raises
    ------
    Problem
        It is no job, or another one is in the folder.
    """
    contents, folder, data = yield from _unpack_job(package, folder, stop)
    project = Project.open(folder)
    labels = project.labels(data)
    return OpenedJob(contents, project, data, labels if is_there(labels.path) else None)


def _unpack_job(package: Path, folder: Path | None, stop: threading.Event = NEVER) -> Work[tuple[Contents, Path, Path]]:
    """Returns what is in the job, its folder, and its dataset."""
    contents = read_contents(package, ("job",))
    folder = folder or package.with_suffix("")
    if is_there(folder / ABOUT):
        about = read_json(folder / ABOUT, _WHAT)
        if about.get("job") != contents.about.get("job"):
            raise FolderInUse("Another job is in this folder.", "Choose another one with -o.", str(folder))
    else:
        yield from unpacking.unpack(package, folder, stop, kinds=("job",), required=SETTINGS)
        about = read_json(folder / ABOUT, _WHAT)
    with reading(_WHAT, folder / ABOUT):
        data = folder / str(about["data"])
        if folder.resolve() not in data.resolve().parents:
            raise ValueError("its dataset is not in it")
    return contents, folder, data


def _pack_results(run_folder: RunFolder, about: dict[str, str], target: Path) -> Work[None]:
    files = yield from find_files(run_folder.path)
    yield from packing.write(target, "results", run_folder.title, files, about={**about, "run": run_folder.name})


# -- at home again: the results ----------------------------------------------------------------------------------------


def collect(package: Path, project: Path, stop: threading.Event = NEVER) -> Work[RunFolder]:
    """Take the results of a job into a project, as a run that was trained there.

    Parameters
    ----------
    package
        The results.
    project
        The folder of the project. Nobody else may write to it meanwhile.
    stop
        Checked while files are written.

    Returns
    -------
    RunFolder
        The new run. Its dataset is that of the project with the same galaxies; where there is none, a problem is
        reported, and the run waits for it.

    Raises
    ------
    FolderInUse
        The project has these results already.
    Problem
        These are no results, or they are damaged.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    contents = read_contents(package, ("results",))
    name = file_name(contents.about.get("run", "")) or f"{_TITLE} {contents.title}"
    target = free_place(contents, project / "runs" / name, ("history.csv", "metrics.json"))
    yield from unpacking.unpack(package, target, stop, kinds=("results",), required="settings.toml")
    run_folder = RunFolder(target)
    wanted = contents.about.get("data", ""), contents.about.get("checksum", "")
    data = yield from find_dataset(*wanted, project, stop)
    if data is not None:
        run_folder.save_data_path(data)
    else:
        write_atomically(run_folder.data_file, f"../../datasets/{Path(contents.about.get('data', '')).name}\n")
        yield Skipped(
            Problem(
                "The dataset of this run is not in the project; its curves and numbers can be looked at.",
                "Open the dataset in this project to use its network on it.",
                contents.about.get("data", ""),
            )
        )
    return run_folder


def free_place(contents: Contents, wanted: Path, telling: Sequence[str]) -> Path:
    """A folder for results, with a number where there is one of this name; ``telling`` are the files with its numbers.

    Raises
    ------
    FolderInUse
        The same results are there already.
    """
    target, number = wanted, 2
    while target.exists():
        if _is_the_same(contents, target, telling):
            raise FolderInUse("These results are in the project already.", "Nothing was changed.", str(target))
        target, number = wanted.with_name(f"{wanted.name} ({number})"), number + 1
    make_folder(target.parent)
    return target


def _is_the_same(contents: Contents, folder: Path, telling: Sequence[str]) -> bool:
    """Whether these results are those in a folder that is there, by the files with their numbers."""
    listed = {each.name: each for each in contents.files}
    for name in telling:
        if name not in listed or not (folder / name).is_file():
            return False
        if packing.digest_of(folder / name) != listed[name].digest:
            return False
    return True


def find_dataset(name: str, checksum: str, project: Path, stop: threading.Event = NEVER) -> Work[Path | None]:
    """The dataset of a project with the galaxies of one of a job; that of the same name is looked at first."""
    wanted = Path(name).name
    datasets = sorted((project / "datasets").glob("*.h5"), key=lambda path: (path.name != wanted, path.name))
    for path in datasets:
        try:
            with Cutouts.open(path) as cutouts:
                fingerprint = yield from cutouts.read_checksum(stop)
        except UnreadableFile:
            continue
        if fingerprint == checksum:
            return path
    return None
