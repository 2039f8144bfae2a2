import sys
import threading

import pytest

from core.errors import NotPossible
from core.events import result_of
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.train import loop, resuming, tensorboard_log
from core.train.settings import OptimiserSettings, RunSettings

NEVER = threading.Event()
WISH = RunSettings(
    network=NetworkSettings(depth=2, channels=4),
    optimiser=OptimiserSettings(epochs=2, batch_size=32, decay="constant"),
    tensorboard=True,
)


def scalars(folder):
    """What TensorBoard itself reads: step and value by tag."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder.path / tensorboard_log.FOLDER))
    events.Reload()
    return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_the_history_of_a_run_that_went_on(blobs, new_run):
    pytest.importorskip("tensorboard")
    folder = new_run()
    result_of(loop.run(WISH, blobs, folder, NEVER))
    result_of(resuming.run(folder, NEVER, epochs=4))
    found, history = scalars(folder), read_history(folder.history_file)
    for tag, column in (
        ("loss/training", "loss"),
        ("loss/validation", "val_loss"),
        ("accuracy/validation", "val_accuracy"),
    ):
        assert [step for step, _ in found[tag]] == [1, 2, 3, 4]
        assert [value for _, value in found[tag]] == pytest.approx([row[column] for row in history], rel=1e-6)
    assert "learning rate" in found


def test_nothing_is_written_unless_it_was_wanted(blobs, new_run):
    folder = new_run()
    result_of(loop.run(WISH.model_copy(update={"tensorboard": False}), blobs, folder, NEVER))
    assert not (folder.path / tensorboard_log.FOLDER).exists()


def test_without_tensorboard_a_remedy_is_told(blobs, new_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(NotPossible, match="not installed"):
        result_of(loop.run(WISH, blobs, new_run(), NEVER))
