"""Jobs of the refiner's panel, not yet started. They import torch late, on the job's thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.adapt.refiner.settings import RefinerSettings
from core.events import Work

if TYPE_CHECKING:
    from core.adapt.refiner.folder import RefinerEpoch, RefinerResult
    from core.adapt.refiner.guard import DriftLine


@dataclass(frozen=True)
class FoundRefiner:
    """What a folder holds of a refiner.

    Attributes
    ----------
    folder
        Its folder.
    history
        Of the epochs that are done; the first line is the test of the simulated stamps as they are.
    result
        The final numbers; None: there are none yet.
    is_usable
        Whether there are weights.
    """

    folder: Path
    history: list[RefinerEpoch]
    result: RefinerResult | None
    is_usable: bool


@dataclass(frozen=True)
class MadeDataset:
    """A refined dataset: its file, how the limits were met, and the drift of its photometry."""

    path: Path
    sentence: str
    drift: list[DriftLine]


def find(folder: Path) -> Job:
    """Look for a refiner in a folder."""

    def run(stop: threading.Event) -> Work[FoundRefiner]:
        from core.adapt.refiner.folder import RefinerFolder

        yield from begin_unless_stopped(stop)
        there = RefinerFolder(folder)
        result = there.read_result() if there.result_file.exists() else None
        return FoundRefiner(folder, there.read_history(), result, there.best.exists())

    return Job("Reading the refiner", run)


def train(settings: RefinerSettings, simulated: Path, real: Path, folder: Path) -> Job:
    """Train a refiner, or go on with the one in the folder."""

    def run(stop: threading.Event) -> Work[RefinerResult]:
        from core.adapt.refiner import training

        return (yield from training.run(settings, simulated, real, folder, stop))

    return Job(f"Training the refiner “{folder.name}”", run)


def refine(folder: Path, simulated: Path, output: Path) -> Job:
    """Make a refined dataset."""

    def run(stop: threading.Event) -> Work[MadeDataset]:
        from core.adapt.refiner import applying

        made = yield from applying.refine(folder, simulated, output, stop)
        return MadeDataset(made.path, made.sentence, made.drift)

    return Job(f"Refining “{simulated.stem}”", run)
