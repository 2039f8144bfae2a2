import json
import shutil
import threading

import numpy as np
import pytest
import torch
from carrying import carried_out

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.errors import FolderInUse, NotANumber, NotPossible, SettingsProblem, Stopped, TooFewGalaxies
from core.evaluate import evaluation
from core.events import BatchEnded, CheckpointSaved, EpochEnded, Preview, Progress, Skipped, result_of
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.settings import toml
from core.train import batches, loop, resuming
from core.train.augmentation.settings import AugmentationSettings
from core.train.settings import (
    OptimiserSettings,
    RunSettings,
    StoppingSettings,
    TransferSettings,
)

SMALL = NetworkSettings(depth=3, channels=16, dense=32)

MILD = AugmentationSettings(zoom_min=0.9, zoom_max=1.1, width_shift=0.05, height_shift=0.05)  # quicker to learn


def settings(epochs=4, **values):
    values = {"network": SMALL, "augmentation": MILD} | values
    wish = {"learning_rate": 5e-3, "decay": "cosine"} | values.pop("optimiser", {})  # one cycle needs more steps
    optimiser = OptimiserSettings(epochs=epochs, batch_size=32, **wish)
    return RunSettings(optimiser=optimiser, device="cpu", **values)


def train(data, folder, wish=None, /, **values):
    return carried_out(loop.run(wish or settings(**values), data, folder, threading.Event()))


def weights(path):
    return {name: value.numpy().tobytes() for name, value in Predictor.load(path).network.state_dict().items()}


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def base(blobs, tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "base")
    events, result = train(blobs, folder, epochs=8)
    return folder, events, result


def test_a_network_learns_what_is_to_be_seen_and_reports_in_order(base):
    _, events, result = base
    assert result.reason == "finished"
    assert result.epochs == 8
    assert result.scores.values["accuracy"] > 0.85
    kinds = [type(event) for event in events if not isinstance(event, BatchEnded | Progress)]
    assert kinds[-16:] == [EpochEnded, CheckpointSaved] * 8
    per_epoch = [event for event in of(BatchEnded, events) if event.epoch == 3]
    assert [event.batch for event in per_epoch] == list(range(1, per_epoch[0].batches + 1))
    assert all(event.images_per_second > 0 for event in per_epoch)
    assert all(event.path.name == "network.safetensors" for event in of(CheckpointSaved, events))
    assert of(EpochEnded, events)[-1].best_epoch == result.best_epoch


def test_the_folder_tells_the_whole_story(base):
    folder, events, result = base
    history = read_history(folder.history_file)
    ended = of(EpochEnded, events)
    assert [row["epoch"] for row in history] == list(range(1, 9))
    assert [row["val_loss"] for row in history] == pytest.approx([e.validation.loss for e in ended], rel=1e-6)
    header = folder.history_file.read_text().splitlines()[0]
    assert header == "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds"
    assert toml.load(RunSettings, folder.settings_file).network == SMALL
    metrics = json.loads(folder.metrics_file.read_text())
    assert metrics["validation"]["accuracy"] == result.scores.values["accuracy"]
    assert metrics["validation"]["galaxies"] == sum(metrics["data"]["classes"]["validation"].values())
    assert metrics["baseline"] is None
    assert "test" not in metrics
    assert len(folder.log.read_text().splitlines()) == 9
    assert "seed = 1" in folder.environment_file.read_text()
    card = folder.card.read_text()
    assert "disk, edge-on, point" in card
    assert f"network.depth: 3 (default {NetworkSettings().depth})" in card
    assert f"accuracy {result.scores.values['accuracy']:.4g}" in card
    assert sorted(path.name for path in folder.last.iterdir()) == ["current", "epoch-0007", "epoch-0008"]
    assert not list(folder.path.rglob(".*"))


def test_the_kept_weights_give_the_reported_scores_on_the_validation_part(base, blobs):
    folder, _, result = base
    predictor = Predictor.load(folder.best)
    with Cutouts.open(blobs) as cutouts:
        split = splits.load(folder.split_file, cutouts.ids)
        images = torch.from_numpy(cutouts.images[split.validation])
        true = np.array([predictor.output_names.index(name) for name in cutouts.columns["kind"][split.validation]])
    right = predictor.scores(images).argmax(1).numpy() == true
    assert right.mean() == pytest.approx(result.scores.values["accuracy"])
    assert predictor.card["epoch"] == result.best_epoch


def test_the_input_scaling_rests_on_the_training_part_alone(base, blobs):
    folder, *_ = base
    scaling = Predictor.load(folder.best).normalisation
    with Cutouts.open(blobs) as cutouts:
        split = splits.load(folder.split_file, cutouts.ids)
        scaled = scaling(torch.from_numpy(cutouts.images[split.train]))
    assert torch.allclose(scaled.mean((0, 2, 3)), torch.zeros(2), atol=1e-4)
    assert torch.allclose(scaled.std((0, 2, 3)), torch.ones(2), atol=1e-3)


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_the_same_seed_gives_the_same_numbers_whatever_else_draws_random_ones(blobs, new_run, precision):
    wish = settings(epochs=2, precision=precision)
    train(blobs, new_run("one"), wish)
    work = loop.run(wish, blobs, new_run("two"), threading.Event())
    for _ in work:
        torch.rand(3)
        np.random.default_rng().random()
    other = wish.model_copy(update={"seed": 2})
    train(blobs, new_run("three"), other)
    one, two, three = (weights(new_run(f"{n} look").path.parent / n) for n in ("one", "two", "three"))
    assert one == two
    assert one != three


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(blobs, new_run):
    whole, broken = new_run("whole"), new_run("broken")
    train(blobs, whole, epochs=4)
    stop = threading.Event()
    work = loop.run(settings(epochs=4), blobs, broken, stop)
    _, result = carried_out(work, stop, lambda event: isinstance(event, CheckpointSaved) and event.epoch == 2)
    assert (result.reason, result.epochs) == ("stopped", 2)
    events, result = carried_out(resuming.run(broken, threading.Event()))
    assert [event.epoch for event in of(EpochEnded, events)] == [3, 4]
    assert weights(whole.best) == weights(broken.best)
    assert weights(whole.last / "epoch-0004/network.safetensors") == weights(
        broken.last / "epoch-0004/network.safetensors"
    )
    without_time = [{k: v for k, v in row.items() if k != "seconds"} for row in read_history(whole.history_file)]
    assert without_time == [
        {k: v for k, v in row.items() if k != "seconds"} for row in read_history(broken.history_file)
    ]


def test_a_run_goes_on_with_the_labels_with_which_it_began(blobs, base, tmp_path):
    run = RunFolder(tmp_path / "run")
    shutil.copytree(base[0].path, run.path)
    data = tmp_path / "datasets" / "blobs.h5"
    data.parent.mkdir()
    shutil.copy(blobs, data)
    journal = LabelJournal(tmp_path / "labels" / "blobs.jsonl")
    for row in range(1, 6):
        journal.record(f"galaxy {row:04d}", "kind", "", "merger")
    before = json.loads(run.metrics_file.read_text())["data"]["classes"]
    carried_out(resuming.run(run, threading.Event(), data, epochs=9, patience=0, hand_labels=journal))
    assert len(read_history(run.history_file)) == 9
    assert json.loads(run.metrics_file.read_text())["data"]["classes"] == before


@pytest.mark.parametrize("epoch", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_run_killed_within_an_epoch_loses_that_epoch_only(blobs, new_run, tmp_path, epoch):
    whole, killed = new_run("whole"), new_run("killed")
    train(blobs, whole, epochs=3)
    work = loop.run(settings(epochs=3), blobs, killed, threading.Event())
    for event in work:
        if isinstance(event, BatchEnded) and (event.epoch, event.batch) == (epoch, 2):
            break
    snapshot = RunFolder(tmp_path / "snapshot")
    shutil.copytree(killed.path, snapshot.path)
    work.close()
    snapshot.history_file.write_text(snapshot.history_file.read_text() + "9,0.1,0.")  # a torn line
    events, _ = carried_out(resuming.run(snapshot, threading.Event(), blobs))
    assert of(EpochEnded, events)[0].epoch == epoch
    assert weights(whole.best) == weights(snapshot.best)
    assert len(read_history(snapshot.history_file)) == 3


def test_stop_within_an_epoch_validates_and_keeps_a_usable_network(blobs, new_run):
    folder, stop = new_run(), threading.Event()
    work = loop.run(settings(), blobs, folder, stop)
    events, result = carried_out(work, stop, lambda event: isinstance(event, BatchEnded) and event.batch == 2)
    assert len(of(BatchEnded, events)) == 2
    assert (result.reason, result.epochs) == ("stopped", 1)
    assert Predictor.load(folder.path).output_names == ("disk", "edge-on", "point")
    assert json.loads(folder.metrics_file.read_text())["reason"] == "stopped"


def test_stop_before_the_first_batch_leaves_nothing_half_done(blobs, new_run):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        carried_out(loop.run(settings(), blobs, new_run(), stop))


def test_early_stopping_ends_the_run_and_keeps_the_best_weights(blobs, new_run):
    folder = new_run()
    wish = settings(epochs=30, optimiser={"learning_rate": 1e-9}, stopping=StoppingSettings(patience=2, min_delta=0.5))
    events, result = train(blobs, folder, wish)
    assert (result.reason, result.best_epoch, result.epochs) == ("early", 1, 3)
    assert [event.epochs_since_best for event in of(EpochEnded, events)] == [0, 1, 2]
    assert [event.is_best for event in of(CheckpointSaved, events)] == [True, False, False]
    assert Predictor.load(folder.best).card["epoch"] == 1


def test_a_folder_with_a_run_is_not_written_over(blobs, base):
    with pytest.raises(FolderInUse):
        train(blobs, base[0])


def test_streaming_from_the_file_gives_the_same_numbers_as_memory(blobs, new_run, monkeypatch):
    held, streamed = new_run("held"), new_run("streamed")
    train(blobs, held, epochs=2)
    monkeypatch.setattr(batches, "free_memory", lambda: 0)
    train(blobs, streamed, epochs=2)
    assert weights(held.best) == weights(streamed.best)
    assert not [thread for thread in threading.enumerate() if "read galaxies" in thread.name]


@pytest.mark.slow
def test_quantities_are_learned_in_their_units_without_zoom(blobs, new_run):
    folder = new_run()
    wish = settings(epochs=12, data=DataSettings(labels=("width",), kind="quantities"), precision="float32")
    events, result = train(blobs, folder, wish)
    assert result.scores.values["r2"] > 0.6
    before = json.loads(folder.metrics_file.read_text())["validation"]
    result_of(evaluation.run(folder, blobs, "validation"))
    after = json.loads(folder.metrics_file.read_text())["validation"]
    assert before["quantities"]["width"]["r2"] == result.scores.values["r2"]
    assert {name: after[name] for name in before} == before
    assert "zoom" in of(Skipped, events)[0].problem.sentence
    assert toml.load(RunSettings, folder.settings_file).augmentation.zoom_max == 1
    assert folder.history_file.read_text().startswith("epoch,loss,r2,val_loss,val_r2,")
    predictor = Predictor.load(folder.best)
    with Cutouts.open(blobs) as cutouts:
        values = predictor.scores(torch.from_numpy(cutouts.images[:])).numpy()[:, 0]
        assert values.mean() == pytest.approx(cutouts.columns["width"].mean(), rel=0.2)  # of medians


@pytest.mark.slow
def test_vote_fractions_are_learned_as_shares(blobs, new_run):
    _, result = train(blobs, new_run(), epochs=8, data=DataSettings(labels=("smooth", "featured")))
    assert result.scores.values["r2"] > 0.5


def test_labels_given_by_hand_win_over_the_catalogue(blobs, tmp_path, new_run):
    data = tmp_path / "datasets" / "blobs.h5"
    data.parent.mkdir()
    shutil.copy(blobs, data)
    journal = LabelJournal(tmp_path / "labels" / "blobs.jsonl")
    for row in range(12):
        journal.record(f"galaxy {row:04d}", "kind", "", "merger")
    carried_out(loop.run(settings(epochs=1), data, new_run(), hand_labels=journal))
    assert "merger" in Predictor.load(tmp_path / "run").output_names


def test_handed_classes_are_trained_without_flips(draw, new_dataset, tmp_path, new_run):
    images, kinds, _ = draw(60)
    names = np.array(["spiral_cw", "spiral_acw", "elliptical"])[kinds]
    data = new_dataset(images, {"kind": names}, ["kind"])
    events, _ = train(data, new_run(), epochs=1)
    assert "clockwise" in of(Skipped, events)[0].problem.sentence
    assert not toml.load(RunSettings, tmp_path / "run" / "settings.toml").augmentation.horizontal_flip


def test_a_loss_that_is_no_number_names_the_batch_and_keeps_the_best_weights(blobs, new_run):
    folder = new_run()
    wish = settings(
        optimiser={"method": "sgd", "learning_rate": 10.0, "momentum": 0.99},
        network=SMALL.model_copy(update={"normalise": "none", "activation": "leaky relu"}),
        precision="float32",
    )
    with pytest.raises(NotANumber) as caught:
        train(blobs, folder, wish)
    assert caught.value.where.startswith("epoch ")
    assert "learning rate below 10" in caught.value.remedy
    assert "not a number" in folder.log.read_text()


def test_a_network_that_says_the_same_of_everything_is_told_of(new_dataset, new_run):
    folder = new_run()
    data = new_dataset(np.ones((40, 2, 24, 24), np.float32), {"kind": np.array(["disk", "point"] * 20)}, ["kind"])
    train(data, folder, epochs=1)
    warnings = json.loads(folder.metrics_file.read_text())["warnings"]
    assert any("same answer" in warning for warning in warnings)
    assert "same answer" in folder.log.read_text()


@pytest.mark.parametrize(
    ("wish", "kind", "words"),
    [
        (settings(network=NetworkSettings(depth=9)), NotPossible, "9 blocks"),
        (settings(data=DataSettings(labels=("id",))), TooFewGalaxies, "1 labelled"),
        (settings(data=DataSettings(group="nothing")), SettingsProblem, "no column"),
        (settings(transfer=TransferSettings(freeze_blocks=1)), SettingsProblem, "starting from"),
        (
            RunSettings(optimiser=OptimiserSettings(batch_size=1), device="cpu"),
            SettingsProblem,
            "at least two galaxies",
        ),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_is_written(blobs, new_run, wish, kind, words):
    folder = new_run()
    with pytest.raises(kind, match=words):
        train(blobs, folder, wish)
    assert not any(folder.path.iterdir())


def test_fine_tuning_keeps_frozen_blocks_bit_by_bit_and_tells_the_baseline_first(blobs, base, new_run):
    start, _, first = base
    folder = new_run()
    wish = settings(
        epochs=2,
        seed=1,
        network=NetworkSettings(depth=1),  # the base's plan counts
        transfer=TransferSettings(start_from=str(start.path), freeze_blocks=2),
        optimiser={"weight_decay": 0.5, "learning_rate": None},
    )
    events, result = train(blobs, folder, wish)
    baseline = of(Preview, events)[0].what
    assert events.index(of(Preview, events)[0]) < events.index(of(BatchEnded, events)[0])
    assert baseline.scores.values == pytest.approx(first.scores.values)
    assert result.baseline == baseline.scores
    metrics = json.loads(folder.metrics_file.read_text())
    assert metrics["baseline"]["accuracy"] == baseline.scores.values["accuracy"]
    assert toml.load(RunSettings, folder.settings_file).network == SMALL
    old, new = Predictor.load(start.best), Predictor.load(folder.best)
    before, after = weights(start.best), weights(folder.best)
    for name in before:
        frozen = old.network.block_of(name) <= 2
        assert (before[name] == after[name]) == frozen, name
    assert torch.equal(old.normalisation.centre, new.normalisation.centre)
    assert of(BatchEnded, events)[0].learning_rate == pytest.approx(1e-4)


def test_a_new_class_gets_a_new_row_and_the_baseline_counts_the_known_ones(base, draw, new_dataset, tmp_path, new_run):
    images, kinds, _ = draw(90, seed=5)
    names = np.array(["point", "disk", "ring"])[kinds]
    data = new_dataset(images, {"type": names}, ["type"])
    wish = settings(epochs=1, transfer=TransferSettings(start_from=str(base[0].best)))
    events, _ = train(data, new_run(), wish)
    baseline = of(Preview, events)[0].what
    assert set(baseline.names) == {"point", "disk"}
    assert baseline.galaxies < json.loads((tmp_path / "run" / "metrics.json").read_text())["validation"]["galaxies"]
    assert Predictor.load(tmp_path / "run").output_names == ("disk", "point", "ring")


def test_a_base_with_other_bands_is_refused(base, new_dataset, new_run):
    images = np.random.default_rng(0).normal(size=(30, 3, 24, 24)).astype(np.float32)
    columns = {"kind": np.array(["disk", "point"] * 15)}
    data = new_dataset(images, columns, ["kind"], bands=("g", "r", "i"))
    with pytest.raises(NotPossible, match="2 bands"):
        train(data, new_run(), settings(transfer=TransferSettings(start_from=str(base[0].path))))
