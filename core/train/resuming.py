"""Resume a run: after a stop, a crash or a power cut, or for more epochs than it was started with.

Everything needed is in the run's folder: settings, dataset, the checkpoint of the last complete epoch. On the same
machine, with as many threads, the weights are then, bit by bit, those of a run that was never interrupted; where other
programs use the cores, the number of threads changes, see :mod:`core.train.cores`.
"""

from __future__ import annotations

import threading
from pathlib import Path

from core.errors import NotPossible, Problem, SettingsProblem
from core.events import NEVER, Skipped, Work
from core.project import temporary
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.settings import toml
from core.train import checkpoint, loop, stopping
from core.train.loop import RunResult
from core.train.settings import RunSettings

_LENGTH_DEPENDENT = ("cosine", "one-cycle")  # schedules that depend on the total number of epochs


def run(
    folder: RunFolder | Path | str,
    stop: threading.Event = NEVER,
    data: Path | str | None = None,
    *,
    epochs: int | None = None,
    patience: int | None = None,
    hand_labels: LabelJournal | None = None,
) -> Work[RunResult]:
    """Resume after the last complete epoch; from the beginning if there is none.

    Parameters
    ----------
    folder
        The run's.
    stop
        As in :func:`core.train.loop.run`.
    data
        The dataset; None: where it was when the run began.
    epochs
        New total number of epochs; None: as the run was started with. Learning-rate schedules that span the whole run,
        cosine and one-cycle, are stretched, so that the rate resumes above its last value.
    patience
        A new patience, for a run that was stopped early; None: as before.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    Problem
        There is no run, its dataset is missing or has changed, or there is nothing left to do.

    Examples
    --------
    >>> from core.events import result_of
    >>> result_of(run("runs/first", epochs=7)).epochs
    7
    """
    folder = RunFolder.at(folder)
    before = read_settings(folder)
    data = data or folder.data
    if data is None:
        raise NotPossible(
            "The dataset of this run is not where it was.", "Name it after the run.", str(folder.data_file)
        )
    settings = _apply_changes(before, epochs, patience)
    if folder.has_whole_epoch:
        _require_something_to_do(folder, before, settings)
    temporary.sweep_tree(folder.path)  # half-written files of a run that was killed
    if settings.optimiser.epochs != before.optimiser.epochs and settings.optimiser.decay in _LENGTH_DEPENDENT:
        yield Skipped(
            Problem(
                f"The learning-rate schedule now spans {settings.optimiser.epochs} epochs, so that the learning rate "
                "resumes above its last value.",
                "",
                "optimiser.epochs",
            )
        )
    return (yield from loop.run(settings, data, folder, stop, resume=True, hand_labels=hand_labels))


def read_settings(folder: RunFolder) -> RunSettings:
    """Read the settings that a run was started with.

    Raises
    ------
    NotPossible
        There is no run.
    """
    if not folder.settings_file.exists():
        raise NotPossible("There is no run in this folder.", "Start one with “tuningfork train”.", str(folder.path))
    return toml.load(RunSettings, folder.settings_file)


def _apply_changes(settings: RunSettings, epochs: int | None, patience: int | None) -> RunSettings:
    changes = [f"optimiser.epochs={epochs}"] if epochs is not None else []
    changes += [f"stopping.patience={patience}"] if patience is not None else []
    return toml.apply_overrides(settings, changes)


def _require_something_to_do(folder: RunFolder, before: RunSettings, settings: RunSettings) -> None:
    """Require that changed settings allow at least one more epoch."""
    if settings == before:
        return
    history = checkpoint.load(folder.last).history
    if settings.optimiser.epochs < len(history):
        raise SettingsProblem(
            f"This run has {len(history)} epochs already.", "Ask for more of them.", "optimiser.epochs"
        )
    if stopping.state_after(history, settings.stopping).should_stop:
        since = stopping.state_after(history, settings.stopping).epochs_since_best
        raise SettingsProblem(
            f"This run stopped early, after {since} epochs without improvement.",
            f"To continue it, set a patience above {since}, or 0: never stop early.",
            "stopping.patience",
        )
