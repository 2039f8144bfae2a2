import math
import threading

import pytest

from core.events import Skipped
from core.nets import cnn, layers
from core.nets.settings import NetworkSettings
from core.train import loop, receptive_field
from core.train.settings import DataSettings, OptimiserSettings, RunSettings


def warning(size, **knobs):
    network = cnn.build(NetworkSettings(channels=4, **knobs), (1, 64, 64), 2)
    return receptive_field.warning(layers.table(network, (1, 64, 64)), 64, size, network.settings)


@pytest.mark.parametrize(("size", "warns"), [(9.0, False), (10.0, False), (11.0, True), (math.nan, False)])
def test_it_warns_when_galaxies_are_larger_than_the_view(size, warns):
    # two blocks of 3 × 3 and a pooling see 1 + 2 + 1 + 4 + 2 = 10 pixels
    found = warning(lambda: size, depth=2)
    assert (found is not None) == warns
    if found is not None:
        assert "sees 10 pixels" in found.sentence
        assert "larger than 11" in found.sentence


def test_a_view_as_wide_as_the_stamp_and_a_head_that_sees_all_need_no_measuring():
    assert warning(lambda: pytest.fail("measured in vain"), depth=5) is None
    assert warning(lambda: 60.0, depth=2, pooling="flatten") is None


def test_a_training_tells_it(blobs, new_run):
    wish = RunSettings(
        data=DataSettings(labels=("kind",)),
        network=NetworkSettings(depth=1, channels=4, dense=0),
        optimiser=OptimiserSettings(epochs=1, batch_size=32),
    )
    told = [
        event.problem.sentence
        for event in loop.run(wish, blobs, new_run(), threading.Event())
        if isinstance(event, Skipped)
    ]
    assert any("sees 4 pixels at once" in sentence for sentence in told)
