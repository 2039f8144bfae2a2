"""The folder of a run: settings, history, metrics and weights, readable without this program."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from core.errors import FolderInUse, NotPossible, Problem
from core.project import places
from core.project.files import file_name, make_folder, write_atomically
from core.project.locks import FolderLock
from core.reading import is_there, read_text, read_toml, reading

SEARCH_FILE, SIZE_STUDY_FILE = "search.toml", "study.toml"  # in the folder of a study, beside what its runs share
SUGGESTION_STUDY_FILE = "suggestions.toml"
TRANSFER_FILE, MATRIX_FILE = "transfer.toml", "matrix.toml"
ENSEMBLE_FILE = "ensemble.toml"  # in the folder of several runs that answer together
STUDY_FILES = (SEARCH_FILE, SIZE_STUDY_FILE, SUGGESTION_STUDY_FILE, TRANSFER_FILE, MATRIX_FILE)
Keep: TypeAlias = Literal["best", "last"]
_PATIENCE = 5.0  # seconds to wait for another program that writes a few files
_NAMELESS = ("best", "last", "weights", "model", "network")  # of weights files: their folder says more
_INSIDE = ("snapshots", "last")  # folders of a run that hold weights

_TIME = re.compile(r"^(\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d) ")  # in front of the name of a folder


def distinct_titles(runs: Sequence[RunFolder]) -> list[str]:
    """The titles of runs; where several share one, each with the time at which it was started."""
    titles = [run.title for run in runs]
    times = [_TIME.match(run.name) for run in runs]
    return [
        f"{title} ({time[1].replace('.', ':')})" if time is not None and titles.count(title) > 1 else title
        for title, time in zip(titles, times, strict=True)
    ]


def title_of_weights(file: Path) -> str:
    """How a network is called whose weights file is named: by its run where the file's own name says nothing.

    Examples
    --------
    >>> title_of_weights(Path("runs/2026-03-01 09.00.00 first light/best.safetensors"))
    'first light'
    >>> title_of_weights(Path("downloads/adapted to jwst.safetensors"))
    'adapted to jwst'
    """
    if file.parent.name in _INSIDE:
        return f"{RunFolder(file.parent.parent).title}, {file.stem}"
    return RunFolder(file.parent).title if file.stem.casefold() in _NAMELESS else file.stem


@dataclass(frozen=True)
class RunFolder:
    """Paths of the files of a run."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Create the folder of a new run.

        Raises
        ------
        FolderInUse
            The folder is not empty, or cannot be created.
        NotPossible
            Its path is not UTF-8, and networks are not read from there.
        """
        if places.quote(str(path.absolute())) != str(path.absolute()):
            raise NotPossible(
                "The name of this folder, or of one above it, is not UTF-8 text, and no network is read from there.",
                "Rename it, or choose another folder.",
                str(path),
            )
        if path.exists() and (not path.is_dir() or any(not part.name.startswith(".") for part in path.iterdir())):
            what = "a run" if (path / "settings.toml").exists() else "other files"
            raise FolderInUse(
                f"This folder holds {what} already.", "Choose another name; nothing was changed.", str(path)
            )
        try:
            make_folder(path)
        except OSError as error:
            raise FolderInUse(
                f"The folder cannot be made ({error.strerror}).", "Choose another place.", str(path)
            ) from error
        return cls(path)

    @classmethod
    def at(cls, place: RunFolder | Path | str) -> RunFolder:
        """The run folder at a path; a run folder is returned as it is."""
        return place if isinstance(place, RunFolder) else cls(Path(place))

    @classmethod
    def of(cls, weights: Path | str) -> RunFolder:
        """The run to which weights belong: its folder, or a file in it, in its snapshots or in its last epoch.

        Of a file that lies elsewhere it is the folder around it, which holds no run.
        """
        path = Path(weights)
        if path.is_dir():
            return cls(path)
        places = [path.parent, *list(path.resolve().parents)[1:3]]
        return next((cls(place) for place in places if is_there(cls(place).settings_file)), cls(path.parent))

    def lock(self, what: str = "run") -> FolderLock:
        """The lock of whoever writes this run, or study, not yet taken."""
        remedy = "Wait until it has ended, or stop it; nothing was changed."
        return FolderLock(self.path, ".run.lock", f"This {what} is being written by", remedy)

    @contextlib.contextmanager
    def locked_briefly(self) -> Iterator[None]:
        """Hold the lock of this run while a few of its files are written; others who do so are waited for.

        Raises
        ------
        FolderInUse
            The run is being trained, or its folder cannot be written to.
        """
        lock = self.lock()
        lock.acquire(_PATIENCE)
        try:
            yield
        finally:
            lock.release()

    def require_idle(self) -> None:
        """Require that nobody else trains this run, and that its folder can be written to.

        Raises
        ------
        FolderInUse
            As :meth:`locked_briefly`.
        """
        with self.locked_briefly():
            pass

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def title(self) -> str:
        """The name that the user gave it, without the time in front."""
        return _TIME.sub("", self.path.name)

    def rename(self, title: str) -> RunFolder:
        """Rename the run; the time in front of the name is kept.

        Raises
        ------
        FolderInUse
            The name is taken, the folder cannot be renamed, or another program writes to it.
        """
        stamp = self.path.name.removesuffix(self.title)
        place = self.path.with_name(stamp + file_name(title))
        if place.exists():
            raise FolderInUse("There is a run of this name already.", "Choose another name.", str(place))
        with self.lock():
            pass
        try:
            self.path.rename(place)
        except OSError as error:
            raise FolderInUse(
                f"The run cannot be renamed ({error.strerror}).", "Close what uses its folder.", str(self.path)
            ) from error
        return RunFolder(place)

    @property
    def settings_file(self) -> Path:
        """The settings of the run, with comments."""
        return self.path / "settings.toml"

    @property
    def is_run(self) -> bool:
        """Whether this is the folder of a run that was started, be it damaged: something of one is there."""
        try:
            parts = (self.settings_file, self.metrics_file, self.best)
            return self.path.is_dir() and not self.is_study and any(map(is_there, parts))
        except OSError:  # it may not be looked into
            return True

    @property
    def is_study(self) -> bool:
        """Whether this is the folder of a study, with the settings that its runs share, rather than of a run."""
        return any((self.path / name).exists() for name in STUDY_FILES)

    @property
    def keep(self) -> Keep:
        """Which weights are kept, by its settings, or those that the runs of a study share; unknown: the best ones."""
        with contextlib.suppress(Problem):
            stopping = read_toml(self.settings_file, "The settings").get("stopping")
            return "last" if isinstance(stopping, dict) and stopping.get("keep") == "last" else "best"
        return "best"

    @property
    def ensemble_file(self) -> Path:
        """The list of the runs that answer together, in the folder of an ensemble."""
        return self.path / ENSEMBLE_FILE

    @property
    def is_ensemble(self) -> bool:
        """Whether this is the folder of several runs that answer together."""
        return self.ensemble_file.exists()

    @property
    def environment_file(self) -> Path:
        """Versions, device, seed, data checksum."""
        return self.path / "environment.toml"

    @property
    def history_file(self) -> Path:
        """One line for each epoch."""
        return self.path / "history.csv"

    @property
    def metrics_file(self) -> Path:
        """Figures of merit, by part of the data."""
        return self.path / "metrics.json"

    @property
    def data_file(self) -> Path:
        """The path of the dataset relative to the folder; for one outside its project, a second line: the full path."""
        return self.path / "data.txt"

    def predictions_file(self, name: str) -> Path:
        """The predictions of the last evaluation of a part, or of another dataset, with the labels of that time."""
        return self.path / f"predictions-{name}.csv"

    @property
    def split_file(self) -> Path:
        """Which galaxy was in which part."""
        return self.path / "split.csv"

    @property
    def unlabelled_file(self) -> Path:
        """Which galaxies a run is shown without labels; missing where it is shown none."""
        return self.path / "unlabelled.csv"

    @property
    def labels_file(self) -> Path:
        """The hand labels with which the run began; missing in a run of an earlier version or outside a project."""
        return self.path / "labels.jsonl"

    @property
    def best(self) -> Path:
        """The predictor of the best epoch; of an ensemble the list of its runs, which stands for their predictors."""
        return self.ensemble_file if self.is_ensemble else self.path / "best.safetensors"

    @property
    def start(self) -> Path:
        """The network that fine-tuning started from, as it was then; missing in other runs and in earlier versions."""
        return self.path / "start.safetensors"

    @property
    def best_epoch(self) -> int | None:
        """The epoch of the best weights, counted from 1; None: unknown."""
        with contextlib.suppress(Problem):
            return self._read_metrics().get("best_epoch") or None
        return None

    @property
    def decision_file(self) -> Path:
        """How a galaxy's class follows from its probabilities, unless it is the most probable one."""
        return self.path / "decision.toml"

    @property
    def temperature_file(self) -> Path:
        """The temperature of the probabilities, unless they are the network's own."""
        return self.path / "temperature.json"

    @property
    def last(self) -> Path:
        """The checkpoint of the last complete epoch, needed to resume."""
        return self.path / "last"

    @property
    def has_whole_epoch(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return (self.last / "current").exists()

    def save_data_path(self, data: Path) -> None:
        """Save the path of the dataset, so that it is found if both are moved together, or the project alone."""
        lines: list[str] = []
        with contextlib.suppress(ValueError):  # on another drive of Windows
            lines.append(Path(os.path.relpath(data.resolve(), self.path.resolve())).as_posix())
        root = places.project_of(self.path.resolve())
        if not lines or (root is not None and root not in data.resolve().parents):
            lines.append(data.resolve().as_posix())
        write_atomically(self.data_file, "\n".join(map(places.quote, lines)) + "\n")

    @property
    def data(self) -> Path | None:
        """The dataset that the run is trained on, if it is still there; None: unknown."""
        with contextlib.suppress(Problem):
            return self.find_data()
        return None

    def find_data(self) -> Path | None:
        """The dataset that the run is trained on; None: it is not there any more, or was never noted.

        Runs of the first release saved its name only: it is then the dataset of that name in the run's project.

        Raises
        ------
        UnreadableFile
            The file that names it is damaged.
        """
        if is_there(self.data_file):
            with reading("The place of this run's dataset", self.data_file):
                lines = map(places.unquote, filter(None, map(str.strip, read_text(self.data_file).split("\n"))))
                return next((path.resolve() for line in lines if (path := self.path / line).is_file()), None)
        name = (self._read_metrics().get("data") or {}).get("data", "")
        with reading("The place of this run's dataset", self.metrics_file):
            path = self.path.resolve().parent.parent / "datasets" / name
            return path if name and path.is_file() else None

    def _read_metrics(self) -> dict[str, Any]:
        from core.project.metrics_file import read_metrics  # late: paths alone need no models of what is in the files

        return read_metrics(self.metrics_file)

    def snapshot(self, epoch: int) -> Path:
        """Path of the predictor of an epoch, if it was kept."""
        return self.path / "snapshots" / f"epoch-{epoch:04d}.safetensors"

    def snapshots(self) -> list[tuple[int, Path]]:
        """The epochs whose predictors were kept, in order, with the paths."""
        found = (self.path / "snapshots").glob("epoch-*.safetensors")
        numbered = [(path.stem.removeprefix("epoch-"), path) for path in found]
        return sorted((int(number), path) for number, path in numbered if number.isdecimal())

    @property
    def card(self) -> Path:
        """The model card."""
        return self.path / "card.md"

    @property
    def log(self) -> Path:
        """The log of the run."""
        return self.path / "log.txt"


def describe_weights(path: Path) -> str:
    """Which weights a file holds, or those that stand for a run's folder: the run, the epoch, and if it is the best."""
    if path.is_dir() or path.name in {"best.safetensors", ENSEMBLE_FILE}:
        run = RunFolder(path if path.is_dir() else path.parent)
        if run.is_ensemble:
            return f"“{run.title}”, best epochs of several runs together"
        return f"“{run.title}”, {f'epoch {run.best_epoch} ({run.keep})' if run.best_epoch else f'{run.keep} epoch'}"
    if (epoch := re.fullmatch(r"epoch-(\d+)", path.stem)) and path.parent.name == "snapshots":
        return f"“{RunFolder(path.parents[1]).title}”, epoch {int(epoch[1])}"
    if (epoch := re.fullmatch(r"epoch-(\d+)", path.parent.name)) and path.parents[1].name == "last":
        return f"“{RunFolder(path.parents[2]).title}”, epoch {int(epoch[1])} (now)"
    return f"“{path.name}”"
