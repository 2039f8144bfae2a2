"""The runs of a study, one after the other: finished ones are kept, an interrupted one is resumed, the others begin."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core.data.cutouts import Cutouts
from core.errors import DatasetReplaced, FolderInUse, Stopped
from core.events import NEVER, EpochEnded, Event, Progress, Skipped, Work, map_events
from core.project.files import write_atomically
from core.project.labels import LabelJournal
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.settings import toml
from core.settings.declare import Settings, knobs
from core.train import loop
from core.train.settings import RunSettings

S = TypeVar("S", bound=Settings)

RUN_SETTINGS = "settings.toml"  # of all runs of a study, in its folder
_UNFINISHED = ("running", "stopped")  # reasons of a run that is not finished


@dataclass(frozen=True)
class PlannedRun:
    """One planned run of a study.

    Attributes
    ----------
    settings
        Of the training.
    folder
        Of the run.
    data
        The dataset it is trained on.
    """

    settings: RunSettings
    folder: RunFolder
    data: Path

    @property
    def epochs(self) -> int:
        """The largest number of epochs."""
        return self.settings.optimiser.epochs


def checksums_of(data: Path) -> tuple[str, str]:
    """The fingerprint of a dataset, and that of earlier versions."""
    with Cutouts.open(data) as cutouts:
        return cutouts.checksum, cutouts.sample_checksum


def require_dataset(data: Path, checksums: tuple[str, str]) -> None:
    """Require that the file still holds the dataset with which the study goes on, so that all its runs are alike."""
    with Cutouts.open(data) as cutouts:
        if cutouts.checksum not in checksums:
            raise DatasetReplaced.of(data)


def is_finished(folder: RunFolder, checksums: tuple[str, str]) -> bool:
    """Whether the run exists and is finished.

    Raises
    ------
    FolderInUse
        It was trained on another dataset.
    """
    values = read_metrics(folder.metrics_file)
    if not values:
        return False
    if (values.get("data") or {}).get("checksum") not in checksums:
        raise FolderInUse(
            "The study in this folder was made with another dataset.", "Choose another folder.", str(folder.path)
        )
    return values.get("reason", "running") not in _UNFINISHED


def train(
    planned: PlannedRun,
    hand_labels: LabelJournal | None,
    reported: set[str],
    before: int,
    total: int,
    stop: threading.Event = NEVER,
) -> Work[None]:
    """Train, or resume an interrupted training after its last complete epoch.

    Parameters
    ----------
    planned
        The run.
    hand_labels
        Of its dataset.
    reported
        The notices so far; each is reported once in a study.
    before, total
        The epochs of the study before this run, and of all its runs, for the progress.
    stop
        Ends the training after the current batch; what is done is saved.
    """
    half_way = (planned.folder.last / "current").exists()
    if not half_way and planned.folder.path.exists():  # interrupted before the end of its first epoch
        with planned.folder.lock():
            pass
        shutil.rmtree(planned.folder.path)

    def translate(event: Event) -> Iterator[Event]:
        if isinstance(event, EpochEnded):
            yield Progress(before + event.epoch, total, "epochs")
        elif isinstance(event, Skipped) and str(event.problem) not in reported:
            reported.add(str(event.problem))
            yield event

    yield Progress(before, total, "epochs")
    with contextlib.suppress(Stopped):  # before the first epoch of this run; others may be done
        yield from map_events(
            loop.run(planned.settings, planned.data, planned.folder, stop, resume=half_way, hand_labels=hand_labels),
            translate,
        )


def read_settings(folder: Path, file: str, model: type[S]) -> tuple[RunSettings, S]:
    """Read the settings that a study was started with: those of its runs, and its own in ``file``.

    Raises
    ------
    UnreadableFile
        There is no study in this folder.
    """
    return toml.load(RunSettings, folder / RUN_SETTINGS), toml.load(model, folder / file)


def prepare_folder(settings: RunSettings, folder: Path, study: Settings, file: str, fixed: Sequence[str]) -> None:
    """Create the folder of a study, or require that it holds a study of the same settings.

    Parameters
    ----------
    settings
        That all runs share.
    folder
        Of the study.
    study
        Its own settings, written to ``file``.
    fixed
        Those of them with which it was begun and has to go on.

    Raises
    ------
    FolderInUse
        It holds something else, or a study of other settings.
    """
    of_runs, of_study = folder / RUN_SETTINGS, folder / file
    if of_study.exists() and of_runs.exists():
        earlier, before = read_settings(folder, file, type(study))
        both = earlier.with_whole_paths(), settings.with_whole_paths()
        if changed := [name for name, _, _ in toml.differences(*both)]:
            raise FolderInUse(
                f"The study in this folder was begun with other settings: {', '.join(changed)}.",
                "Choose another folder, or the same settings.",
                str(folder),
            )
        for name in fixed:
            if (begun := getattr(before, name)) != getattr(study, name):
                title = knobs(type(study))[name].title
                raise FolderInUse(
                    f"The study in this folder was begun with another choice: {title}: {begun or 'none'}.",
                    "Choose another folder, or the same.",
                    str(folder),
                )
    else:
        RunFolder.create(folder)
        write_atomically(of_runs, toml.dumps(settings.with_paths_for(folder)))
    write_atomically(of_study, toml.dumps(study))
