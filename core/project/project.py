"""A project is a folder: datasets, labels, runs. It may be moved; one program at a time writes to it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import tomlkit

from core.errors import FolderInUse, Problem, UnreadableFile, WrongVersion
from core.project import locks, places
from core.project.files import file_name, make_folder, write_atomically
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.reading import format_of, is_there, read_toml, reading

FORMAT = 1
_FILE, _LOCK = "project.toml", "project.lock"
_PARTS = ("datasets", "labels", "runs")
_SHOWN = {*_PARTS, "studies", "splits"}  # folders whose files a window has open, or shows
_REMEDY = "The rest of the project is opened. Restore the file: it holds the project's name."


class Project:
    """An open project folder, locked against other programs until :meth:`close`.

    Attributes
    ----------
    folder
        The project folder.
    name
        Its name; that of the folder if its own file is damaged.
    problem
        What is damaged of its own file; None: nothing.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.problem: Problem | None = None
        self._lock = _lock_of(folder, "Close it there, or open another project.")
        self._lock.acquire()

    @classmethod
    def create(cls, folder: Path, name: str) -> Project:
        """Create a project in an empty or new folder.

        Raises
        ------
        FolderInUse
            The folder holds something already, or cannot be written to.
        """
        if (folder / _FILE).exists():
            raise FolderInUse("There is a project in this folder already.", "Open it instead.", str(folder))
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FolderInUse("This folder holds other files.", "Choose an empty or a new folder.", str(folder))
        document = tomlkit.document()
        document.add(tomlkit.comment("A Tuning Fork project."))
        document.add("format", FORMAT)
        document.add("name", name)
        write_atomically(folder / _FILE, tomlkit.dumps(document))
        for part in _PARTS:
            make_folder(folder / part)
        return cls(folder, name)

    @classmethod
    def open(cls, folder: Path) -> Project:
        """Open a project.

        Raises
        ------
        UnreadableFile
            There is no project, or what its file says is nothing of ours.
        WrongVersion
            A newer program wrote it.
        FolderInUse
            It is open in another program.
        """
        file = folder / _FILE
        if not file.exists():
            raise UnreadableFile(
                "There is no project in this folder.", "Choose a folder with a project.toml.", str(folder)
            )
        problem: UnreadableFile | None = None
        version, name = FORMAT, folder.name
        try:
            with reading("The project's file", file, _REMEDY):
                values = read_toml(file, "The project's file", _REMEDY)
                version, name = format_of(values["format"]), str(values["name"])
        except UnreadableFile as damage:  # it says how the project is called, and no more
            if not any((folder / part).is_dir() for part in _PARTS):
                raise
            problem = damage
        if version > FORMAT:
            raise WrongVersion("A newer Tuning Fork wrote this project.", "Update the program.", str(file))
        project = cls(folder, name)
        project.problem = problem
        return project

    @classmethod
    def open_or_create(cls, folder: Path, name: str) -> Project:
        """Open the project in a folder, or create one."""
        return cls.open(folder) if (folder / _FILE).exists() else cls.create(folder, name)

    def close(self) -> None:
        """Release the lock, so that other programs can open it."""
        self._lock.release()

    def require_unmoved(self) -> None:
        """Require that the folder is still the one that was opened, and locked.

        Raises
        ------
        FolderMoved
            It was renamed, removed or replaced.
        """
        self._lock.require_unmoved()

    @property
    def place(self) -> Path | None:
        """Where the folder is now; None where that cannot be found out, or it was removed."""
        return self._lock.place

    def follow(self) -> None:
        """Go on where the folder is now, if it was renamed.

        Raises
        ------
        FolderMoved
            It cannot be found.
        """
        self.folder = self._lock.follow()

    def datasets(self) -> list[Path]:
        """The dataset files, sorted by name."""
        return sorted(path for path in (self.folder / "datasets").glob("*.h5") if not path.name.startswith("."))

    def dataset_path(self, name: str) -> Path:
        """The path for a new dataset of that name."""
        return dataset_path(self.folder, name)

    def runs(self) -> list[RunFolder]:
        """The runs that were started, oldest first; also those that cannot be read."""
        return [run for path in sorted((self.folder / "runs").glob("*/")) if (run := RunFolder(path)).is_run]

    def starting_points(self) -> list[RunFolder]:
        """The runs with a network from which a training may start: an ensemble has several."""
        return [run for run in self.runs() if not run.is_ensemble and is_there(run.best)]

    def new_run(self, name: str) -> RunFolder:
        """Create a folder for a new run, named by time and ``name``, with a number if a run has that name already."""
        place, name = self.folder / "runs", file_name(name)
        titles = {RunFolder(path).title.casefold() for path in place.glob("*/")}
        title, number = name, 2
        while title.casefold() in titles:
            title, number = f"{name} ({number})", number + 1
        return RunFolder.create(place / f"{datetime.now().astimezone():%Y-%m-%d %H.%M.%S} {title}".strip())

    def labels(self, dataset: Path) -> LabelJournal:
        """The journal of hand labels for a dataset."""
        return _journal(self.folder, dataset)


def journal_of(dataset: Path) -> LabelJournal | None:
    """The hand labels of the project to which a dataset belongs; None if it lies in no project.

    It belongs to one if it lies in the folder ``datasets`` beside a ``project.toml``; a folder ``labels`` alone may be
    anybody's.
    """
    place = dataset.resolve().parent
    return _journal(place.parent, dataset) if place.name == "datasets" and is_project(place.parent) else None


def labels_near(run: Path, dataset: Path) -> LabelJournal | None:
    """The hand labels of a dataset as the project sees them in which a run lies, or else that of the dataset."""
    folder = places.project_of(run.resolve())
    return journal_of(dataset) if folder is None else _journal(folder, dataset)


def require_not_open(path: Path) -> None:
    """Require that no other program has the project open in which a path lies; the window that started us may.

    Raises
    ------
    FolderInUse
        One has.
    """
    folder = places.project_of(path.resolve())
    if folder is None or locks.is_held_here(folder, _LOCK):
        return
    remedy = "Do it in that window, close the project there, or write outside of the project."
    lock = _lock_of(folder, remedy)
    try:
        lock.acquire()
    except FolderInUse:
        holder = locks.read_holder(lock.file)
        if holder is None or not holder.is_ours:
            raise
    else:
        lock.release()


def require_not_in_open(path: Path) -> None:
    """Require that a path does not lie among the datasets, runs, studies or labels of a project open elsewhere.

    Raises
    ------
    FolderInUse
        It does.
    """
    place = path.resolve()
    folder = places.project_of(place)
    if folder is not None and place.relative_to(folder).parts[0] in _SHOWN:
        require_not_open(place)


def folder_of(path: Path) -> Path:
    """The folder of the project that a path names: itself, or that of the project's own file."""
    return path.parent if path.name == _FILE and not path.is_dir() else path


def is_project(folder: Path) -> bool:
    """Whether a folder holds a project."""
    return (folder / _FILE).exists()  # even if it is damaged


def name_of(folder: Path) -> str:
    """The name of the project in a folder; that of the folder where its own file is damaged."""
    try:
        return str(read_toml(folder / _FILE, "The project's file", _REMEDY)["name"])
    except (Problem, KeyError):
        return folder.resolve().name


def _lock_of(folder: Path, remedy: str) -> locks.FolderLock:
    return locks.FolderLock(
        folder, _LOCK, "This project is open in another window or command:", remedy, keeps_file=True
    )


def _journal(folder: Path, dataset: Path) -> LabelJournal:
    return LabelJournal(folder / "labels" / f"{dataset.stem}.jsonl")


def dataset_path(folder: Path, name: str) -> Path:
    """The path of a dataset of that name in a project folder."""
    return folder / "datasets" / f"{file_name(name)}.h5"
