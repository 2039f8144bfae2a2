"""Go on with a run: after a stop, a crash or a power cut, or for more epochs than it was begun with.

The run's folder says all: settings, dataset, the last whole epoch. On the same machine the weights are then, bit by
bit, those of a run that was never broken off.
"""

from __future__ import annotations

import threading
from pathlib import Path

from core.errors import NotPossible, Problem, SettingsProblem
from core.events import NEVER, Skipped, Work
from core.project.runs import RunFolder
from core.settings import toml
from core.train import checkpoint, loop, stopping
from core.train.loop import RunResult
from core.train.settings import RunSettings

_BY_LENGTH = ("cosine", "one-cycle")  # learning rates that depend on the number of all epochs


def run(
    folder: RunFolder | Path | str,
    stop: threading.Event = NEVER,
    data: Path | str | None = None,
    *,
    epochs: int | None = None,
    patience: int | None = None,
) -> Work[RunResult]:
    """Go on after the last whole epoch; from the beginning if there is none.

    Parameters
    ----------
    folder
        The run's.
    stop
        As in :func:`core.train.loop.run`.
    data
        The dataset; None: where it was when the run began.
    epochs
        How many there are to be in all; None: as many as the run was begun with. Learning rates that fall along the
        whole run, cosine and one-cycle, then fall along the longer one, and begin again above where they had ended.
    patience
        A new patience, for a run that stopped by itself; None: as before.

    Raises
    ------
    Problem
        There is no run, its dataset is not there or has changed, or there is nothing left to do.

    Examples
    --------
    >>> from core.events import result_of
    >>> result_of(run("runs/first", epochs=7)).epochs
    7
    """
    folder = RunFolder.at(folder)
    before = begun(folder)
    data = data or folder.data
    if data is None:
        raise NotPossible(
            "The dataset of this run is not where it was.", "Name it after the run.", str(folder.data_file)
        )
    settings = _changed(before, epochs, patience)
    if folder.has_whole_epoch:
        _require_something_to_do(folder, before, settings)
    for leftover in folder.path.rglob(".*"):  # half-written files of a run that was killed
        leftover.unlink(missing_ok=True)
    if settings.optimiser.epochs != before.optimiser.epochs and settings.optimiser.decay in _BY_LENGTH:
        yield Skipped(
            Problem(
                f"The learning rate falls along the whole run, of now {settings.optimiser.epochs} epochs: it goes on "
                "above where it had come to.",
                "",
                "optimiser.epochs",
            )
        )
    return (yield from loop.run(settings, data, folder, stop, resume=True))


def begun(folder: RunFolder) -> RunSettings:
    """The settings that a run was begun with.

    Raises
    ------
    NotPossible
        There is no run.
    """
    if not folder.settings_file.exists():
        raise NotPossible("There is no run in this folder.", "Start one with “tuningfork train”.", str(folder.path))
    return toml.load(RunSettings, folder.settings_file)


def _changed(settings: RunSettings, epochs: int | None, patience: int | None) -> RunSettings:
    changes = [f"optimiser.epochs={epochs}"] if epochs is not None else []
    changes += [f"stopping.patience={patience}"] if patience is not None else []
    return toml.apply_overrides(settings, changes)


def _require_something_to_do(folder: RunFolder, before: RunSettings, settings: RunSettings) -> None:
    """Something new that was asked for has to make a difference."""
    if settings == before:
        return
    history = checkpoint.load(folder.last).history
    if settings.optimiser.epochs < len(history):
        raise SettingsProblem(
            f"This run has {len(history)} epochs already.", "Ask for more of them.", "optimiser.epochs"
        )
    if stopping.after(history, settings.stopping).should_stop:
        since = stopping.after(history, settings.stopping).epochs_since_best
        raise SettingsProblem(
            f"This run stopped by itself, since {since} epochs had brought nothing better.",
            f"To go on all the same, set a patience above {since}, or 0: never stop early.",
            "stopping.patience",
        )
