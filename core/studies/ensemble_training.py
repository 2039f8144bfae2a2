"""Training an ensemble: the same settings with several seeds, one network after the other, and all of them together.

The seeds differ in the first weights, the order of the galaxies and their augmentation; the parts of the data are the
same. Networks that are finished already are kept, and one that was interrupted is resumed.

References
----------
Lakshminarayanan, Pritzel & Blundell 2017, arXiv:1612.01474 (deep ensembles).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data import kept_parts
from core.data.split import read_part
from core.errors import FolderInUse, Stopped
from core.evaluate import ensemble_making
from core.events import NEVER, NetworkBegun, Preview, Work
from core.metrics.uncertainty import find_error, plus_minus
from core.project.labels import LabelJournal
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.settings import toml
from core.train import loop
from core.train.settings import RunSettings

_FINISHED = ("finished", "early")
_SCORES = (("accuracy", "accuracy"), ("r2", "R²"))


@dataclass(frozen=True)
class EnsembleResult:
    """An ensemble that was trained.

    Attributes
    ----------
    folder
        Its folder.
    members
        The folders of its runs.
    sentence
        How good it is on the validation part, beside its networks alone; what it consists of where that is not known.
    """

    folder: Path
    members: tuple[Path, ...]
    sentence: str


def run(
    settings: RunSettings,
    data: Path,
    members: Sequence[RunFolder],
    folder: RunFolder,
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
) -> Work[EnsembleResult]:
    """Train a network in each of these folders, and make an ensemble of them.

    Yields the events of the trainings, each after a :class:`~core.events.Preview` of its
    :class:`~core.events.NetworkBegun`.

    Parameters
    ----------
    settings
        Of all trainings; their seeds are counted on from the one in it.
    data
        The dataset.
    members
        The folders of the runs: new ones, or those of an earlier call.
    folder
        Of the ensemble; it holds nothing, or the runs.
    stop
        Ends the work with :class:`~core.errors.Stopped`, after the current batch. Runs that have begun are kept.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    FolderInUse
        A folder holds a run of other settings.
    Problem
        As :func:`core.train.loop.run` and :func:`core.evaluate.ensemble_making.make`.
    """
    each = list_settings(settings, data, len(members), hand_labels)
    try:
        for number, (own, member) in enumerate(zip(each, members, strict=True), 1):
            _require_same_settings(own, member)
            if read_metrics(member.metrics_file).get("reason") in _FINISHED:
                continue
            yield Preview(NetworkBegun(number, len(members), own.seed, member.path))
            yield from loop.run(own, data, member, stop, resume=member.settings_file.exists(), hand_labels=hand_labels)
            if stop.is_set():
                raise Stopped
        yield from ensemble_making.make(members, folder, stop)
    finally:
        for empty in (*members, folder):  # those that have not begun
            with contextlib.suppress(OSError):
                empty.path.rmdir()
    return EnsembleResult(folder.path, tuple(member.path for member in members), describe(folder, members))


def list_settings(
    settings: RunSettings, data: Path, count: int, hand_labels: LabelJournal | None = None
) -> list[RunSettings]:
    """The settings of each of several networks: other seeds, and the same parts of the data.

    The parts are those that the project keeps. Where there are none, they follow from the first seed.
    """
    parts = settings.data
    if parts.split_seed is None and kept_parts.read(data, hand_labels) is None:
        parts = parts.model_copy(update={"split_seed": settings.seed})
    return [settings.model_copy(update={"seed": settings.seed + number, "data": parts}) for number in range(count)]


def _require_same_settings(settings: RunSettings, member: RunFolder) -> None:
    if not member.settings_file.exists():
        return
    before = toml.load(RunSettings, member.settings_file).with_whole_paths()
    if changed := [name for name, _, _ in toml.differences(before, settings.with_whole_paths())]:
        raise FolderInUse(
            f"“{member.title}” was begun with other settings: {', '.join(changed)}.",
            "Choose another folder, or the same settings.",
            str(member.path),
        )


def describe(folder: RunFolder, members: Sequence[RunFolder]) -> str:
    """How good an ensemble is on its validation part, beside its networks alone."""
    together = read_metrics(folder.metrics_file).get("validation") or {}
    for name, title in _SCORES:
        alone = [(read_metrics(member.metrics_file).get("validation") or {}).get(name) for member in members]
        known = [value for value in alone if value is not None]
        if together.get(name) is None or len(known) < len(members):
            continue
        error = plus_minus(find_error(together, name), ".3f")
        judged = f"{len(members)} networks together: validation {title} {together[name]:.3f}{error}"
        parts = {read_part(run.split_file, "validation") for run in (folder, *members)}
        if len(parts) > 1:
            return (
                f"{judged}. How good each is alone was judged on other galaxies, and is not to be compared with this."
            )
        return f"{judged}; alone {min(known):.3f} to {max(known):.3f}, on average {sum(known) / len(known):.3f}."
    return f"{len(members)} networks answer together."
