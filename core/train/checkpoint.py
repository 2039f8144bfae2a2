"""The checkpoint from which an interrupted run is resumed.

``last/epoch-NNNN/`` holds the network (a predictor file), the optimiser's state and the history. Where weights are
averaged, the predictor has the average, and the weights themselves are in a file of their own. A folder cannot be
replaced atomically, so each epoch gets its own, and the file ``last/current``, renamed into place when everything is
written, names the complete one. No random state is saved: all random numbers of an epoch are a function of the seed and
the epoch's number.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from pydantic import TypeAdapter
from torch import Tensor

from core.errors import UnreadableFile, WrongVersion
from core.events import EpochEnded
from core.nets.predictor import Predictor
from core.project import upgrades
from core.project.files import write_atomically
from core.reading import format_of, read_json, read_text, reading, require_file

FORMAT = 1
_TRAINED, _BESIDE = "weights.safetensors", "beside.safetensors"
_EPOCHS_KEPT = 2  # a reader may be about to open the previous one


@dataclass(frozen=True)
class Checkpoint:
    """The complete state of a run after an epoch."""

    predictor: Predictor
    optimiser: dict[str, Any]
    history: list[EpochEnded]
    seed: int
    scaler: dict[str, Any] = field(default_factory=dict[str, Any])
    average: tuple[dict[str, Tensor], int] | None = None  # of the weights, and how many steps are in it
    beside: dict[str, Tensor] = field(default_factory=dict[str, Tensor])  # weights of a network that is trained beside


def save(
    last: Path,
    predictor: Predictor,
    optimiser: torch.optim.Optimizer,
    history: list[EpochEnded],
    seed: int,
    scaler: Mapping[str, Any] | None = None,
    trained: tuple[Mapping[str, Tensor], int] | None = None,
    beside: Mapping[str, Tensor] | None = None,
) -> Path:
    """Write the epoch that has just ended, then remove older ones.

    ``scaler`` is the state of the gradient scaler, which is used with float16 only. Where the predictor has an average
    of the weights, ``trained`` has the weights themselves, and the number of steps in the average. ``beside`` has the
    weights of a network that is trained beside it, as the discriminator of two surveys.

    Returns
    -------
    Path
        The predictor file of this epoch.
    """
    folder = last / f"epoch-{history[-1].epoch:04d}"
    predictor.save(folder / "network.safetensors")
    state_dict = optimiser.state_dict()
    tensors, plain = _split_state(state_dict["state"])
    write_atomically(folder / "optimiser.safetensors", safetensors.torch.save(tensors))
    if trained is not None:
        write_atomically(folder / _TRAINED, _serialise(trained[0]))
    if beside:
        write_atomically(folder / _BESIDE, _serialise(beside))
    state = {
        "format": FORMAT,
        "seed": seed,
        "history": [asdict(epoch) for epoch in history],
        "optimiser": {"groups": state_dict["param_groups"], "plain": plain},
        "scaler": dict(scaler or {}),
        "averaged_steps": 0 if trained is None else trained[1],
    }
    write_atomically(folder / "state.json", json.dumps(state))
    write_atomically(last / "current", folder.name + "\n")
    for old in sorted(last.glob("epoch-*"))[:-_EPOCHS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder / "network.safetensors"


def load(last: Path) -> Checkpoint:
    """Read the last complete epoch.

    Raises
    ------
    UnreadableFile
        There is none, or it is damaged.
    WrongVersion
        A newer program wrote it.
    """
    remedy = "Start a new run in another folder."
    if not (last / "current").exists():
        raise UnreadableFile("This run has no complete epoch to resume from.", remedy, str(last))
    with reading("The last complete epoch of this run", last, remedy):
        folder = last / read_text(last / "current").strip()
        state = read_json(folder / "state.json", "The state of the training", remedy)
        if format_of(state["format"]) > FORMAT:
            raise WrongVersion("A newer Tuning Fork wrote this run.", "Update the program.", str(folder))
        state = upgrades.upgrade_checkpoint(state)
        tensors = _load_tensors(folder / "optimiser.safetensors")
        state_dict = {
            "state": _join_state(tensors, state["optimiser"]["plain"]),
            "param_groups": state["optimiser"]["groups"],
        }
        history = TypeAdapter(list[EpochEnded]).validate_python(state["history"])
        predictor, average = Predictor.load(folder / "network.safetensors", needs_answers=False), None
        if state["averaged_steps"]:
            average = (
                {name: value.clone() for name, value in predictor.network.state_dict().items()},
                state["averaged_steps"],
            )
            predictor.network.load_state_dict(_load_tensors(folder / _TRAINED))
        beside = _load_tensors(folder / _BESIDE) if (folder / _BESIDE).exists() else {}
        return Checkpoint(predictor, state_dict, history, state["seed"], state["scaler"], average, beside)


def _serialise(weights: Mapping[str, Tensor]) -> bytes:
    return safetensors.torch.save({name: value.detach().cpu().contiguous() for name, value in weights.items()})


def _load_tensors(path: Path) -> dict[str, Tensor]:
    require_file(path)
    return safetensors.torch.load(path.read_bytes())


def _split_state(states: dict[int, dict[str, Any]]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split the optimiser's state into tensors and plain values, by ``parameter.name``."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for number, state in states.items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"{number}.{name}"] = value.detach().cpu().contiguous()
            else:
                plain[f"{number}.{name}"] = value
    return tensors, plain


def _join_state(tensors: dict[str, Tensor], plain: dict[str, Any]) -> dict[int, dict[str, Any]]:
    states: dict[int, dict[str, Any]] = {}
    for key, value in [*tensors.items(), *plain.items()]:
        number, name = key.split(".", 1)
        states.setdefault(int(number), {})[name] = value
    return states
