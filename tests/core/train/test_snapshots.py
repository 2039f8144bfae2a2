"""Weights of some epochs are kept: few, spread over the run, and those that the network had."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.data.cutouts import Cutouts
from core.events import CheckpointSaved, result_of
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project.runs import RunFolder
from core.train import loop, resuming
from core.train.settings import OptimiserSettings, RunSettings, StoppingSettings, TransferSettings
from core.train.snapshots import kept_epochs


def settings(epochs: int, snapshots: int, **values: object) -> RunSettings:
    return RunSettings(
        network=NetworkSettings(depth=2, channels=8, dense=8),
        optimiser=OptimiserSettings(epochs=epochs, batch_size=64, learning_rate=5e-3),
        stopping=StoppingSettings(snapshots=snapshots, patience=0),
        device="cpu",
        **values,  # pyright: ignore[reportArgumentType]
    )


def epochs_of(folder: RunFolder) -> list[int]:
    return [epoch for epoch, _ in folder.snapshots()]


def outputs(path, images: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return Predictor.load(path).logits(images).numpy()


@given(st.integers(1, 3000), st.integers(2, 60))
def test_never_too_many_the_first_and_the_last_among_them_at_even_distances(epochs: int, most: int) -> None:
    chosen = kept_epochs(epochs, most)
    assert len(chosen) <= most
    assert chosen[0] == 1 and chosen[-1] == epochs
    steps = np.diff(chosen)
    if len(steps) > 1:
        spacing = steps[0]
        assert spacing & (spacing - 1) == 0
        assert (steps[:-1] == spacing).all() and steps[-1] <= spacing
    if epochs <= most:
        assert chosen == list(range(1, epochs + 1))
    elif most >= 4:
        assert len(chosen) > most / 2 - 1


@given(st.integers(1, 3000), st.integers(1, 60))
def test_what_is_wanted_is_still_there(epochs: int, most: int) -> None:
    assert set(kept_epochs(epochs + 1, most)) <= {*kept_epochs(epochs, most), epochs + 1}


def test_of_one_the_last_is_kept() -> None:
    assert [kept_epochs(epochs, 1) for epochs in (1, 2, 9)] == [[1], [2], [9]]


def test_each_file_gives_the_outputs_that_the_network_had_at_that_epoch(blobs, new_run) -> None:
    with Cutouts.open(blobs) as cutouts:
        images = torch.from_numpy(cutouts.images[:16])
    folder = new_run()
    then = {}
    for event in loop.run(settings(7, 4), blobs, folder, threading.Event()):
        if isinstance(event, CheckpointSaved):
            then[event.epoch] = outputs(event.path, images)
            assert epochs_of(folder) == kept_epochs(event.epoch, 4)
    assert epochs_of(folder) == [1, 3, 5, 7]
    for epoch, path in folder.snapshots():
        assert np.array_equal(outputs(path, images), then[epoch])
        assert Predictor.load(path).card["epoch"] == epoch
    assert not np.array_equal(then[1], then[7])


def test_keeping_them_changes_no_number_and_none_are_kept_if_none_are_wanted(blobs, new_run) -> None:
    runs = {most: new_run(f"at most {most}") for most in (0, 3, 12)}
    for most, folder in runs.items():
        result_of(loop.run(settings(3, most), blobs, folder, threading.Event()))
    assert [epochs_of(folder) for folder in runs.values()] == [[], [1, 2, 3], [1, 2, 3]]
    none, some, plain = (Predictor.load(folder.best).network.state_dict() for folder in runs.values())
    assert all(torch.equal(value, none[name]) and torch.equal(value, some[name]) for name, value in plain.items())


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_the_epochs_of_one_without_a_break(blobs, new_run) -> None:
    whole, broken = new_run("whole"), new_run("broken")
    result_of(loop.run(settings(6, 3), blobs, whole, threading.Event()))
    stop = threading.Event()
    for event in loop.run(settings(6, 3), blobs, broken, stop):
        if isinstance(event, CheckpointSaved) and event.epoch == 4:
            stop.set()
    assert epochs_of(broken) == [1, 3, 4]
    broken.snapshot(5).write_bytes(b"what a kill in the middle of epoch 5 left")
    result_of(resuming.run(broken, threading.Event()))
    assert epochs_of(broken) == epochs_of(whole) == [1, 5, 6]
    for (_, one), (_, other) in zip(whole.snapshots(), broken.snapshots(), strict=True):
        first, second = (Predictor.load(path).network.state_dict() for path in (one, other))
        assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_fine_tuning_has_its_own(blobs, new_run) -> None:
    base, tuned = new_run("base"), new_run("tuned")
    result_of(loop.run(settings(2, 12), blobs, base, threading.Event()))
    transfer = TransferSettings(start_from=str(base.path), freeze_blocks=1)
    result_of(loop.run(settings(3, 12, transfer=transfer), blobs, tuned, threading.Event()))
    assert epochs_of(base) == [1, 2]
    assert epochs_of(tuned) == [1, 2, 3]
    frozen = [Predictor.load(path).network.state_dict()["features.conv1.weight"] for _, path in tuned.snapshots()]
    assert all(torch.equal(frozen[0], weight) for weight in frozen)
