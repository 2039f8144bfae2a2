"""A device with too little memory: batches are passed in pieces, and the run is the one that it would have been."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from galaxies import ellipse, write_dataset
from torch import nn

from core.errors import OutOfMemory
from core.events import Skipped
from core.nets import device as devices
from core.nets.predictor import Predictor
from core.project.history import read_history
from core.project.runs import RunFolder
from core.train import loop
from core.train.settings import RunSettings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 round and flat galaxies of 16 pixels."""
    names = np.where(np.arange(48) % 2 == 0, "round", "flat")
    images = np.stack([ellipse(16, 4, 4 if name == "round" else 2, row)[None] for row, name in enumerate(names)])
    images = (images + np.random.default_rng(0).normal(0, 0.05, images.shape)).astype(np.float32)
    place = tmp_path_factory.mktemp("data") / "galaxies.h5"
    return write_dataset(place, images, {"shape": names}, ["shape"], "r", ids=[f"G{row}" for row in range(48)])


@contextmanager
def device_for(most: int) -> Iterator[None]:
    """A device that has memory for so many galaxies at once, and no more."""

    def refuse(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, nn.Conv2d) and len(inputs[0]) > most:
            raise torch.OutOfMemoryError(f"CUDA out of memory: {len(inputs[0])} galaxies")

    handle = nn.modules.module.register_module_forward_pre_hook(refuse)
    try:
        yield
    finally:
        handle.remove()


def train(data: Path, folder: Path, normalise: str = "group", **network: object) -> list[Skipped]:
    settings = RunSettings.model_validate(
        {
            "network": {"depth": 2, "channels": 4, "dense": 4, "dropout": 0.3, "normalise": normalise} | network,
            "optimiser": {"epochs": 2, "batch_size": 16, "method": "sgd", "learning_rate": 0.05},
            "device": "cpu",
            "precision": "float32",
        }
    )
    return [event for event in loop.run(settings, data, folder) if isinstance(event, Skipped)]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return Predictor.load(folder / "best.safetensors").network.state_dict()


@pytest.mark.truth("Batches passed in pieces", "whole batches")
def test_a_training_in_pieces_is_the_same_training(data: Path, tmp_path: Path):
    train(data, tmp_path / "whole")
    with device_for(4):
        told = train(data, tmp_path / "pieces")
    sentences = [event.problem.sentence for event in told if "memory" in event.problem.sentence]
    assert len(sentences) == 2  # halved twice, and not for each batch
    assert "passed 4 at a time" in sentences[1] and "Batch normalisation" not in sentences[1]
    assert "passed 4 at a time" in (tmp_path / "pieces" / "log.txt").read_text()
    ours, theirs = (read_history(RunFolder(tmp_path / name).history_file) for name in ("whole", "pieces"))
    for one, other in zip(ours, theirs, strict=True):
        assert one | {"seconds": 0} == pytest.approx(other | {"seconds": 0}, rel=1e-4)
    found = weights(tmp_path / "pieces")
    for name, weight in weights(tmp_path / "whole").items():
        torch.testing.assert_close(found[name], weight, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_with_batch_normalisation_it_goes_on_and_says_what_differs(data: Path, tmp_path: Path):
    with device_for(8):
        told = train(data, tmp_path / "run", "batch")
    assert any("statistics from 7 at a time" in event.problem.sentence for event in told)
    assert len(read_history(RunFolder(tmp_path / "run").history_file)) == 2


def test_where_not_even_two_galaxies_fit_the_problem_is_told(data: Path, tmp_path: Path):
    with device_for(1), pytest.raises(OutOfMemory, match="too little memory"):
        train(data, tmp_path / "run")


def test_a_function_of_single_galaxies_is_applied_in_halves():
    sizes: list[int] = []

    def double(batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        sizes.append(len(batch))
        return 2 * batch

    batch = torch.arange(11.0)
    assert torch.equal(devices.in_pieces(double, batch), 2 * batch)
    assert sum(sizes) == 11
    with pytest.raises(RuntimeError, match="shape"):
        devices.in_pieces(lambda batch: batch.view(3, 5), batch)
