"""What is said before a fine-tuning is about what can be changed there."""

from __future__ import annotations

from core.data.cutouts import Cutouts
from core.events import result_of
from core.train import loop, preparation
from core.train.settings import RunSettings


def test_one_more_block_is_advised_only_where_the_depth_can_be_chosen(blobs, new_run):
    values = {
        "network": {"depth": 1, "channels": 4, "dense": 4},
        "optimiser": {"epochs": 1, "batch_size": 32},
        "device": "cpu",
    }
    folder = new_run()
    result_of(loop.run(RunSettings.model_validate(values), blobs, folder))
    tuned = RunSettings.model_validate(values | {"transfer": {"start_from": str(folder.path)}})
    with Cutouts.open(blobs) as cutouts:
        first = [notice.text for notice in preparation.prepare(RunSettings.model_validate(values), cutouts).notices]
        later = [notice.text for notice in preparation.prepare(tuned, cutouts).notices]
    assert any("One more block" in text for text in first)
    assert not any("One more block" in text for text in later)
