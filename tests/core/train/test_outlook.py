"""What a training will do is known before it is started, and the time is that of all its batches."""

import itertools
import threading

import numpy as np
import pytest

from core.data.cutouts import Cutouts
from core.errors import NotPossible, Stopped
from core.events import Preview, result_of
from core.nets import layers
from core.train import loop, outlook, preparation
from core.train.batches import open_images
from core.train.settings import RunSettings


def planned(batch_size=32, **parts):
    values = {
        "network": {"depth": 2, "channels": 8, "dense": 8},
        "optimiser": {"batch_size": batch_size, "epochs": 1},
        "device": "cpu",
        "precision": "float32",
    }
    return RunSettings.model_validate(values | parts)


def timed(settings, data, seconds=1.0):
    """The time of an epoch by a clock that advances by so many seconds with each batch."""
    ticks = itertools.count()
    with Cutouts.open(data) as cutouts:
        plan = preparation.prepare(settings, cutouts)
        rows = outlook.timed_rows(plan)
        with result_of(open_images(cutouts, rows, plan.scaling_on_read, plan.device)) as images:
            return outlook.measure(plan, images, clock=lambda: seconds * next(ticks))


@pytest.mark.parametrize("batch_size", [32, 4096])
def test_the_time_of_an_epoch_is_that_of_all_its_batches(blobs, batch_size):
    settings = planned(batch_size)
    time = timed(settings, blobs)
    with Cutouts.open(blobs) as cutouts:
        split = preparation.prepare(settings, cutouts).split
    assert time.training_batches == -(-len(split.train) // batch_size)
    assert time.validation_batches == 1
    assert time.seconds == time.training_batches + 1 + 1  # training, validation, saving


def test_the_time_of_a_run_is_that_of_its_epochs_and_of_what_is_validated_around_them(blobs, new_run):
    time, folder = timed(planned(), blobs), new_run()
    assert time.other_seconds == 1 + 8  # whether the answers differ, and the final numbers, averaged over eight views
    assert time.of_run(7) == 7 * time.seconds + 9
    result_of(loop.run(planned(), blobs, folder))
    fine_tuned = timed(planned(transfer={"start_from": str(folder.path)}), blobs)
    assert fine_tuned.other_seconds == 9 + 8  # the unadapted network is validated first


def test_the_averaging_of_the_weights_is_timed_with_the_batches(blobs):
    with Cutouts.open(blobs) as cutouts:
        plan = preparation.prepare(planned(), cutouts)
        with result_of(open_images(cutouts, outlook.timed_rows(plan), plan.scaling_on_read, plan.device)) as images:
            outlook.measure(plan, images)
    assert plan.average is not None
    assert plan.average.steps > 2


def test_batches_that_differ_make_the_time_uncertain(blobs):
    times = itertools.accumulate(itertools.cycle([0.0, 0.2, 0.0, 2.0]))
    with Cutouts.open(blobs) as cutouts:
        plan = preparation.prepare(planned(), cutouts)
        with result_of(open_images(cutouts, outlook.timed_rows(plan), plan.scaling_on_read, plan.device)) as images:
            found = outlook.measure(plan, images, clock=lambda: next(times))
    assert found.uncertainty > 0.3 > timed(planned(), blobs).uncertainty


def test_reading_and_saving_count(blobs):
    whole = result_of(outlook.run(planned(), blobs))
    assert whole is not None
    assert whole.other_seconds > whole.validation_batches * whole.validation_seconds
    assert whole.saving_seconds > 0


def test_a_slower_machine_takes_longer_in_proportion(blobs):
    assert timed(planned(), blobs, seconds=3.0).seconds == pytest.approx(3 * timed(planned(), blobs).seconds)


def described(settings, data):
    events = list(outlook.run(settings, data))
    return next(event.what for event in events if isinstance(event, Preview))


def test_what_is_told_before_is_what_the_run_then_does(blobs, new_run):
    settings = planned()
    told, folder = described(settings, blobs), new_run()
    result_of(loop.run(settings, blobs, folder))
    with Cutouts.open(blobs) as cutouts:
        plan = preparation.prepare(settings, cutouts)
    assert told.galaxies == plan.facts["galaxies"]
    assert told.classes == plan.facts["classes"]["training"]
    assert told.parameters == told.trainable
    rows = layers.table(plan.predictor.network, told.stamp)
    assert told.parameters == sum(row.parameters for row in rows)
    assert told.receptive_field == 10


def test_frozen_blocks_are_not_learned(blobs, new_run):
    folder = new_run()
    result_of(loop.run(planned(), blobs, folder))
    told = described(planned(transfer={"start_from": str(folder.path), "freeze_blocks": 1}), blobs)
    with Cutouts.open(blobs) as cutouts:
        network = preparation.prepare(planned(), cutouts).predictor.network
    frozen = sum(row.parameters for row in layers.table(network, told.stamp) if row.block == 1)
    assert told.trainable == told.parameters - frozen


def test_as_many_blocks_as_are_said_to_be_allowed_are_allowed_and_no_more(blobs):
    most = described(planned(), blobs).deepest
    allowed = planned(network={"depth": most, "channels": 4, "dense": 0})
    assert described(allowed, blobs).deepest == most
    with pytest.raises(NotPossible, match=f"at most {most} blocks"):
        described(planned(network={"depth": most + 1}), blobs)


def test_a_class_with_few_galaxies_is_named_with_its_number(blobs):
    told = described(planned(data={"train_limit": 12}), blobs)
    texts = [notice.text for notice in told.notices]
    few = next(text for text in texts if "fewer than 20" in text)
    assert all(f"“{name}” ({count})" in few for name, count in told.classes.items())
    assert not any("fewer than" in notice.text for notice in described(planned(), blobs).notices)


def test_a_class_that_means_no_answer_is_told_before_the_start(new_dataset, draw):
    images, kinds, _ = draw(60)
    names = np.array(["disk", "Don't know", "other"])[kinds]
    told = described(planned(), new_dataset(images, {"kind": names}, ["kind"])).notices
    assert any("“Don't know” is learned" in notice.sentence for notice in told)
    assert not any("“other” is" in notice.sentence for notice in told)


def test_an_earlier_run_with_the_same_settings_tells_the_time_best(blobs, new_run):
    folder = new_run("as before")
    result_of(loop.run(planned(), blobs, folder))
    head, *lines = folder.history_file.read_text().splitlines()
    lines = [f"{line.rpartition(',')[0]},50.000" for line in lines]
    folder.history_file.write_text("\n".join([head, *lines, ""]))
    found = result_of(outlook.run(planned(optimiser={"epochs": 5, "batch_size": 32}), blobs, runs=[folder]))
    assert found is not None and found.earlier == "as before"
    assert found.seconds - found.saving_seconds == pytest.approx(50)
    assert found.of_run(5) > 250
    for other in (planned(network={"depth": 1}), planned(data={"train_limit": 30})):
        found = result_of(outlook.run(other, blobs, runs=[folder]))
        assert found is not None and not found.earlier


def test_it_is_not_measured_where_that_is_not_wanted_or_stopped(blobs):
    assert result_of(outlook.run(planned(), blobs, measured=False)) is None
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(outlook.run(planned(), blobs, stop))
