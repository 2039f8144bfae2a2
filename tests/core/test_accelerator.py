"""A graphics card gives what the processor gives, and the same numbers again; skipped where there is none."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.cutouts import Cutouts
from core.events import CheckpointSaved, result_of
from core.explain import methods
from core.explain.settings import GradientSettings, OcclusionSettings
from core.nets.predictor import Predictor
from core.project.history import read_history
from core.project.runs import RunFolder
from core.train import loop, resuming
from core.train.settings import RunSettings

CARD = "cuda" if torch.cuda.is_available() else "mps"
pytestmark = pytest.mark.skipif(
    not (torch.cuda.is_available() or torch.backends.mps.is_available()), reason="there is no graphics card"
)


def settings(epochs: int = 6, precision: str = "float32") -> RunSettings:
    return RunSettings.model_validate(
        {
            "network": {"depth": 3, "channels": 16, "dense": 32},
            "optimiser": {"epochs": epochs, "batch_size": 16, "learning_rate": 0.005},
            "device": CARD,
            "precision": precision,
        }
    )


def weights(folder: RunFolder) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in Predictor.load(folder.best).network.state_dict().items()}


@pytest.fixture(scope="module")
def images(survey_dataset: Path) -> torch.Tensor:
    with Cutouts.open(survey_dataset) as cutouts:
        return torch.from_numpy(cutouts.images[:])


def test_answers_are_those_of_the_processor(survey_run: Path, images: torch.Tensor):
    best = RunFolder(survey_run).best
    here, there = (Predictor.load(best, device).logits(images).detach().cpu() for device in ("cpu", CARD))
    torch.testing.assert_close(there, here, rtol=0, atol=1e-4 * float(here.abs().max()))


@pytest.mark.parametrize(
    ("method", "knobs"),
    [("occlusion", OcclusionSettings(patch=6, stride=2)), ("integrated-gradients", GradientSettings())],
)
def test_maps_are_those_of_the_processor(survey_run: Path, images: torch.Tensor, method: str, knobs):
    best = RunFolder(survey_run).best
    maps = []
    for device in ("cpu", CARD):
        work = methods.explain(method, Predictor.load(best, device), images[0], "disk", knobs, threading.Event(), "g")
        maps.append(result_of(work).map)
    np.testing.assert_allclose(maps[1], maps[0], rtol=0, atol=1e-4 * np.abs(maps[0]).max())


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_same_seed_gives_the_same_numbers(survey_dataset: Path, tmp_path: Path, precision: str):
    folders = [RunFolder.create(tmp_path / name) for name in ("one", "other")]
    for folder in folders:
        result_of(loop.run(settings(3, precision), survey_dataset, folder, threading.Event()))
    assert weights(folders[0]) == weights(folders[1])


def test_a_network_learns_and_a_run_with_a_break_ends_like_one_without(survey_dataset: Path, tmp_path: Path):
    whole, broken = (RunFolder.create(tmp_path / name) for name in ("whole", "broken"))
    result = result_of(loop.run(settings(), survey_dataset, whole, threading.Event()))
    assert result.scores.values["accuracy"] > 0.6
    stop = threading.Event()
    for event in loop.run(settings(), survey_dataset, broken, stop):
        if isinstance(event, CheckpointSaved):
            stop.set()
    result_of(resuming.run(broken, threading.Event(), survey_dataset))
    assert weights(broken) == weights(whole)
    losses = [[row["val_loss"] for row in read_history(folder.history_file)] for folder in (whole, broken)]
    assert losses[0] == losses[1]
