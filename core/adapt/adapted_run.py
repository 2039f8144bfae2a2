"""A network adapted to another survey without its labels, as a run: it is offered wherever runs are.

AdaBN only measures batch statistics anew; CORAL, MMD, DANN and MCC train further on the run's own galaxies beside those
of the other survey. Both leave a run folder whose ``metrics.json`` says under ``unlabelled`` what labelled galaxies of
the other survey, where there are some, tell of the network before and after.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from core.adapt import batch_statistics
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.errors import NotPossible, Problem
from core.events import NEVER, Work
from core.nets import weights_file
from core.project import band_choices
from core.project.files import write_atomically
from core.project.metrics_file import read_metrics, write_metrics
from core.project.project import journal_of
from core.project.runs import RunFolder
from core.settings import toml
from core.train import loop, resuming
from core.train.settings import RunSettings, TransferSettings
from core.train.unlabelled import galaxies

Method = Literal["adabn", "mcc", "dann", "coral", "mmd"]
_SOURCE_FILES = ("split_file", "labels_file", "environment_file")  # of the run whose network it was


@dataclass(frozen=True)
class AdaptedRun:
    """A run whose network was adapted.

    Attributes
    ----------
    folder
        Of the run.
    sentence
        What labelled galaxies of the other survey tell of before and after; or that there are too few of them.
    is_worse
        Whether they say that it has become worse.
    """

    folder: Path
    sentence: str
    is_worse: bool


def run(
    network: Path,
    data: Path,
    method: Method,
    folder: RunFolder,
    stop: threading.Event = NEVER,
    *,
    class_map: Mapping[str, str] | None = None,
    refits_scaling: bool = False,
    settings: DataSettings | None = None,
    seed: int = 1,
) -> Work[AdaptedRun]:
    """Adapt a network to a survey without its labels, and keep it as a run.

    Parameters
    ----------
    network
        A run's folder or weights; for AdaBN any weights file.
    data
        The dataset of the other survey.
    method
        How it is adapted.
    folder
        The new run, empty.
    stop
        Ends AdaBN with :class:`~core.errors.Stopped`; a training keeps the epochs that are done.
    class_map
        Which class of the network each class of the survey is, to judge by.
    refits_scaling
        Of AdaBN: whether the input scaling is fitted to the survey's galaxies, too.
    settings, seed
        Of AdaBN: how the parts of the survey are drawn; None: as those of the network's run.

    Raises
    ------
    NotPossible
        The network has no batch statistics (AdaBN), or is of no run whose dataset is there (the others).
    """
    weights = weights_file.locate(network)
    classes = ", ".join(f"{own}={known}" for own, known in (class_map or {}).items() if known)
    if method == "adabn":
        with folder.lock():
            made = yield from batch_statistics.run(
                weights,
                data,
                folder.start,
                stop,
                refits_scaling=refits_scaling,
                classes=classes,
                own=settings,
                seed=seed,
            )
            _save(made, weights, data, folder)
    else:
        training, source = prepare_training(RunFolder(weights.parent), data, method, classes)
        yield from loop.run(training, source, folder, stop, hand_labels=_labels_of(source))
    return read(folder)


def read(folder: RunFolder) -> AdaptedRun:
    """What a run says of the survey whose galaxies it was shown without labels."""
    judged = read_metrics(folder.metrics_file).get("unlabelled")
    if judged:
        return AdaptedRun(folder.path, str(judged["sentence"]), bool(judged["is_worse"]))
    nothing = (
        "Whether it has become better or worse is not known: too few labelled galaxies of its classes can be compared."
    )
    return AdaptedRun(folder.path, nothing, is_worse=False)


def prepare_training(
    run: RunFolder, data: Path, method: str, classes: str = "", source: Path | None = None
) -> tuple[RunSettings, Path]:
    """The settings with which a run is trained further beside another survey, and the run's own dataset.

    The last epoch is kept: the best one on the run's own validation part would be that before the move.

    Raises
    ------
    NotPossible
        The network is of no run, or its dataset is not there.
    """
    if not run.settings_file.exists():
        raise NotPossible(
            f"“{method}” trains further on the galaxies that the network has learned, and this network is of no run.",
            "Choose a run, or AdaBN.",
            str(run.path),
        )
    earlier = resuming.read_settings(run)
    source = source or run.data
    if source is None:
        raise NotPossible("The dataset of this run is not where it was.", "Restore it, or choose AdaBN.", str(run.path))
    update: dict[str, Any] = {
        "transfer": TransferSettings(start_from=str(run.path.resolve())),
        "stopping": earlier.stopping.model_copy(update={"keep": "last"}),
        "unlabelled": earlier.unlabelled.model_copy(
            update={
                "method": method,
                "dataset": str(data.expanduser().resolve()),
                "bands": _chosen_bands(run.best, data),
                "classes": classes,
            }
        ),
    }
    return earlier.model_copy(update=update), source


def _chosen_bands(weights: Path, data: Path) -> str:
    with Cutouts.open(data) as cutouts:
        return band_choices.recall(weights, [band.name for band in cutouts.bands])


def _labels_of(data: Path) -> Any:
    journal = journal_of(data)
    return journal if journal is not None and journal.path.exists() else None


def _save(made: batch_statistics.Adapted, weights: Path, data: Path, folder: RunFolder) -> None:
    """Write the network with new batch statistics as a run that began with the network before."""
    before = RunFolder(weights.parent)
    settings = toml.load(RunSettings, before.settings_file) if before.settings_file.exists() else RunSettings()
    start = before.path if before.settings_file.exists() else weights
    settings = settings.model_copy(update={"transfer": TransferSettings(start_from=str(start.resolve()))})
    write_atomically(folder.settings_file, toml.dumps(settings.with_paths_for(folder.path)))
    for name in _SOURCE_FILES:
        file: Path = getattr(before, name)
        if file.exists():
            shutil.copyfile(file, getattr(folder, name))
    if (source := before.data) is not None:
        folder.save_data_path(source)
    with Cutouts.open(data) as cutouts:
        galaxies.save(folder.unlabelled_file, cutouts, made.rows)
    values: dict[str, Any] = {"format": 1, "reason": "adabn", "data": _facts_of(before)}
    values |= {} if made.judged is None else {"unlabelled": asdict(made.judged)}
    write_metrics(folder.metrics_file, values)
    folder.start.replace(folder.best)  # last: with weights it is a run that can be used
    shutil.copyfile(weights, folder.start)


def _facts_of(run: RunFolder) -> dict[str, Any]:
    try:
        return dict(read_metrics(run.metrics_file).get("data") or {})
    except Problem:
        return {}
