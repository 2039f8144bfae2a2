"""The folder of a refiner: settings, history, the best weights, the last epoch to go on from, and the result.

``settings.toml``, ``history.csv``, ``refiner.safetensors`` (see :mod:`core.adapt.refiner.model`), ``result.json``; and
``last/epoch-NNNN/`` with both networks, their optimisers and the history of refined stamps, of which ``last/current``
names the one that is complete.
"""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import safetensors.torch
from pydantic import TypeAdapter
from torch import Tensor

from core.adapt.domain_distance import TwoSampleTest
from core.adapt.refiner.guard import DriftLine
from core.adapt.refiner.settings import RefinerSettings
from core.errors import FolderInUse, NotPossible, UnreadableFile, WrongVersion
from core.project.files import write_atomically
from core.project.locks import FolderLock
from core.reading import format_of, read_json, read_text, reading, require_file
from core.settings import toml
from core.wording import percent

FORMAT = 1
_REMEDY = "Train the refiner in another folder."
_OTHER = "Choose another folder for the refiner, or the settings and datasets with which it began."


@dataclass(frozen=True)
class RefinerEpoch:
    """What an epoch has given; of epoch 0 only the test of the simulated stamps as they are.

    Attributes
    ----------
    epoch
        From 1 on.
    refiner, regularisation, photometry, discriminator
        Mean losses: the refiner's adversarial one, mean size of its residual, penalty on the drift of photometry, and
        the discriminator's.
    accuracy, error
        Of the two-sample test on held-out galaxies of the validation part, after the limits were applied.
    within
        Share of these that are within all limits as they were refined.
    seconds
        That it took.
    """

    epoch: int
    refiner: float
    regularisation: float
    photometry: float
    discriminator: float
    accuracy: float
    error: float
    within: float
    seconds: float

    @property
    def sentence(self) -> str:
        """The epoch as a line."""
        told = f"told from real ones {100 * self.accuracy:.1f} ± {100 * self.error:.1f} %"
        if not self.epoch:
            return f"simulated stamps as they are: {told}"
        return (
            f"epoch {self.epoch}  refiner {self.refiner:.3f}  discriminator {self.discriminator:.3f}  {told}  "
            f"within the limits {percent(self.within)}  {self.seconds:.1f} s"
        )


@dataclass(frozen=True)
class RefinerResult:
    """The numbers of a refiner, on galaxies that neither training nor the choice of the epoch has seen.

    Attributes
    ----------
    reason
        Why it ended: ``finished`` or ``stopped``.
    epoch
        Whose weights were kept: with the lowest accuracy of the test on the validation part.
    epochs
        That were done.
    before, after
        Two-sample test of the simulated stamps as they were, and refined, against real ones.
    population
        The same test on flux, size and axis ratio alone.
    drift
        Of photometry, after the limits were applied.
    galaxies, within
        Refined stamps that were tested, and how many were within all limits at once.
    """

    reason: str
    epoch: int
    epochs: int
    before: TwoSampleTest
    after: TwoSampleTest
    population: TwoSampleTest
    drift: list[DriftLine]
    galaxies: int
    within: int

    @property
    def verdict(self) -> str:
        """Whether it has helped, by more than twice the error of the difference."""
        gain = self.before.accuracy - self.after.accuracy
        error = math.hypot(self.before.error, self.after.error)
        if gain > 2 * error:
            return "Refined stamps look more like the survey."
        if gain < -2 * error:
            return "Refined stamps look less like the survey than simulated ones: train on, or leave them as they are."
        return "That refined stamps look more like the survey is not shown: train on, or leave them as they are."


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state after an epoch: tensors by name, and the epochs so far."""

    tensors: dict[str, Tensor]
    history: list[RefinerEpoch]


@dataclass(frozen=True)
class RefinerFolder:
    """Paths of the files of a refiner."""

    path: Path

    @property
    def settings_file(self) -> Path:
        """The settings."""
        return self.path / "settings.toml"

    @property
    def history_file(self) -> Path:
        """One line for each epoch."""
        return self.path / "history.csv"

    @property
    def best(self) -> Path:
        """The best weights so far."""
        return self.path / "refiner.safetensors"

    @property
    def result_file(self) -> Path:
        """The final numbers."""
        return self.path / "result.json"

    @property
    def last(self) -> Path:
        """What is needed to go on."""
        return self.path / "last"

    @property
    def has_whole_epoch(self) -> bool:
        """Whether there is an epoch after which it goes on."""
        return (self.last / "current").exists()

    def lock(self) -> FolderLock:
        """The lock of whoever trains this refiner, not yet taken."""
        remedy = "Wait until it has ended, or stop it; nothing was changed."
        return FolderLock(self.path, ".refiner.lock", "This refiner is being trained by", remedy)

    def begin(self, settings: RefinerSettings, facts: dict[str, Any]) -> None:
        """Write the settings; those of a refiner that goes on must be the same, but for the number of epochs.

        Raises
        ------
        FolderInUse
            Other files are here.
        NotPossible
            A refiner with other settings, or of other datasets, is here.
        """
        if self.settings_file.exists():
            there = toml.load(RefinerSettings, self.settings_file)
            changed = [name for name, _, _ in toml.differences(there, settings) if name not in {"epochs", "device"}]
            if changed or self._read_facts() not in (None, facts):
                what = f"with another {changed[0]}" if changed else "of other datasets"
                raise NotPossible(f"A refiner {what} is in this folder.", _OTHER, str(self.path))
        elif any(not part.name.startswith(".") for part in self.path.iterdir()):
            raise FolderInUse("This folder holds other files.", "Choose a new one.", str(self.path))
        write_atomically(self.settings_file, toml.dumps(settings))

    def _read_facts(self) -> dict[str, Any] | None:
        if not self.has_whole_epoch:
            return None
        return read_json(self._current / "state.json", "The state of this refiner", _REMEDY).get("facts")

    @property
    def _current(self) -> Path:
        return self.last / read_text(self.last / "current").strip()

    def save(self, checkpoint: Checkpoint, facts: dict[str, Any]) -> None:
        """Save the epoch that has just ended, in an order that leaves a killed training consistent."""
        folder = self.last / f"epoch-{checkpoint.history[-1].epoch:04d}"
        write_atomically(folder / "networks.safetensors", safetensors.torch.save(checkpoint.tensors))
        state = {"format": FORMAT, "facts": facts, "history": [asdict(each) for each in checkpoint.history]}
        write_atomically(folder / "state.json", json.dumps(state))
        write_atomically(self.last / "current", folder.name + "\n")
        for old in self.last.glob("epoch-*"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        self.write_history(checkpoint.history)

    def load(self) -> Checkpoint | None:
        """The last complete epoch; None: there is none.

        Raises
        ------
        UnreadableFile
            It is damaged.
        WrongVersion
            A newer program wrote it.
        """
        if not self.has_whole_epoch:
            return None
        history = self.read_history()
        with reading("The last complete epoch of this refiner", self.last, _REMEDY):
            weights = self._current / "networks.safetensors"
            require_file(weights)
            return Checkpoint(safetensors.torch.load(weights.read_bytes()), history)

    def read_history(self) -> list[RefinerEpoch]:
        """The epochs so far; none where there is no complete one.

        Raises
        ------
        UnreadableFile
            The file is damaged.
        WrongVersion
            A newer program wrote it.
        """
        if not self.has_whole_epoch:
            return []
        with reading("The last complete epoch of this refiner", self.last, _REMEDY):
            state = read_json(self._current / "state.json", "The state of this refiner", _REMEDY)
            if format_of(state["format"]) > FORMAT:
                raise WrongVersion("A newer Tuning Fork wrote this refiner.", "Update the program.", str(self.path))
            return TypeAdapter(list[RefinerEpoch]).validate_python(state["history"])

    def write_history(self, history: Sequence[RefinerEpoch]) -> None:
        """Write the epochs as a table."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        names = [each.name for each in fields(RefinerEpoch)]
        table.writerow(names)
        table.writerows([f"{getattr(epoch, name):.6g}" for name in names] for epoch in history)
        write_atomically(self.history_file, text.getvalue())

    def write_result(self, result: RefinerResult) -> None:
        """Write the final numbers."""
        values = json.loads(TypeAdapter(RefinerResult).dump_json(result))  # NaN as null
        write_atomically(self.result_file, json.dumps({"format": FORMAT} | values, indent=2) + "\n")

    def read_result(self) -> RefinerResult:
        """The final numbers.

        Raises
        ------
        UnreadableFile
            There are none, or they are damaged.
        """
        if not self.result_file.exists():
            raise UnreadableFile("This refiner has not been trained to an end.", "Go on with it.", str(self.path))
        with reading("The numbers of this refiner", self.result_file, _REMEDY):
            values = read_json(self.result_file, "The numbers of this refiner", _REMEDY)
            if format_of(values.pop("format")) > FORMAT:
                raise WrongVersion("A newer Tuning Fork wrote this refiner.", "Update the program.", str(self.path))
            for line in values["drift"]:
                line |= {name: float("nan") for name, value in line.items() if value is None}
            return TypeAdapter(RefinerResult).validate_python(values)
