"""Whole small runs with the choices of the bench: what is learned with them, and that a break changes nothing."""

import dataclasses
import json
import shutil
import threading

import numpy as np
import pytest
import torch

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.errors import NotANumber, SettingsProblem
from core.evaluate import evaluation, predict, tables
from core.events import BatchEnded, CheckpointSaved, EpochEnded, Skipped, result_of
from core.nets.predictor import Predictor
from core.nets.settings import LossSettings, NetworkSettings
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.train import batches, loop, nan_diagnosis, preparation, resuming, run_report
from core.train.augmentation.settings import AugmentationSettings
from core.train.settings import OptimiserSettings, RunSettings, StoppingSettings, TransferSettings

SMALL = NetworkSettings(depth=3, channels=16, dense=32)

MILD = AugmentationSettings(zoom_min=0.9, zoom_max=1.1, width_shift=0.05, height_shift=0.05)  # quicker to learn


def settings(epochs=2, optimiser=None, **values):
    wish = OptimiserSettings(
        epochs=epochs, batch_size=32, **{"learning_rate": 5e-3, "decay": "cosine"} | (optimiser or {})
    )
    usual = {"precision": "float32", "network": SMALL, "augmentation": MILD}
    return RunSettings(optimiser=wish, device="cpu", **usual | values)


def train(data, folder, wish):
    work, events = loop.run(wish, data, folder, threading.Event()), []
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            return events, end.value


def weights(path):
    return {name: value.numpy().tobytes() for name, value in Predictor.load(path).network.state_dict().items()}


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param(settings(3, {"decay": "plateau", "plateau_patience": 1, "method": "sgd"}), marks=pytest.mark.slow),
        settings(3, {"decay": "one-cycle", "balanced_batches": True, "warm_up": 0.5, "method": "adam"}),
        pytest.param(
            settings(3, precision="float16", network=NetworkSettings(depth=2, channels=4, dense=8)),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["plateau", "one-cycle, balanced", "float16"],
)
def test_a_run_with_a_break_ends_with_the_weights_of_one_without(blobs, new_run, wish):
    whole, broken, stop = new_run("whole"), new_run("broken"), threading.Event()
    train(blobs, whole, wish)
    for event in loop.run(wish, blobs, broken, stop):
        if isinstance(event, CheckpointSaved) and event.epoch == 2:
            stop.set()
    result_of(resuming.run(broken, threading.Event()))
    last = "epoch-0003/network.safetensors"
    assert weights(whole.last / last) == weights(broken.last / last)


def test_the_plateau_follows_the_history(blobs, new_run):
    optimiser = {"decay": "plateau", "plateau_patience": 1, "learning_rate": 1e-9, "decay_factor": 0.1}
    still = SMALL.model_copy(update={"normalise": "none"})
    stopping = StoppingSettings(monitor="accuracy")  # which no such step can raise
    events, _ = train(blobs, new_run(), settings(3, optimiser, stopping=stopping, network=still))
    rates = [event.learning_rate for event in events if isinstance(event, EpochEnded)]
    assert rates == pytest.approx([1e-9, 1e-9, 1e-10])


def test_balanced_batches_show_all_classes_alike_and_rare_galaxies_again():
    rows = np.arange(100, 200)
    labels = np.repeat([0, 1, 2], [80, 15, 5])
    chosen = batches.draw_balanced(rows, labels, np.random.default_rng(0))
    assert len(chosen) == 100
    assert np.bincount(labels[chosen - 100]).tolist() == [34, 33, 33]
    counts = np.bincount(chosen - 100, minlength=100)
    assert set(counts[:80]) == {0, 1}
    assert set(counts[80:95]) == {2, 3}
    assert set(counts[95:]) == {6, 7}
    assert np.array_equal(chosen, batches.draw_balanced(rows, labels, np.random.default_rng(0)))


def test_balanced_batches_stream_as_from_memory(blobs, new_run, monkeypatch):
    wish = settings(1, {"balanced_batches": True})
    held, streamed = new_run("held"), new_run("streamed")
    train(blobs, held, wish)
    monkeypatch.setattr(batches, "free_memory", lambda: 0)
    train(blobs, streamed, wish)
    assert weights(held.best) == weights(streamed.best)


@pytest.fixture(scope="module")
def surveyed(blobs, tmp_path_factory):
    """A run that learned the width of blobs with an error bar."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "width")
    data = DataSettings(labels=("width",), kind="quantities")
    train(blobs, folder, settings(15, data=data, loss=LossSettings(quantities="gaussian")))
    return folder


@pytest.mark.slow
def test_a_gaussian_run_says_how_sure_it_is(surveyed, blobs, tmp_path):
    predictions = result_of(predict.run(surveyed.path, blobs, None, threading.Event()))
    with Cutouts.open(blobs) as cutouts:
        wrong = (predictions.scores[:, 0] - cutouts.columns["width"]) / predictions.errors[:, 0]
        points = np.asarray(cutouts.columns["kind"]) == "point"
    assert predictions.errors.shape == predictions.scores.shape == (240, 1)
    assert 0.3 < np.median(np.abs(wrong)) < 1.5  # 0.67 for a normal distribution
    assert predictions.errors[points].mean() < predictions.errors[~points].mean()  # all points are of one width
    tables.write(predictions, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text().splitlines()[0] == "id,width,width_error"


def test_error_bars_are_calibrated_on_the_validation_part_and_again_when_the_run_goes_on(surveyed, blobs, tmp_path):
    trained = Predictor.load(surveyed.path)
    assert trained.calibration is not None and trained.training_range is not None
    with Cutouts.open(blobs) as cutouts:
        rows = splits.load(surveyed.split_file, cutouts.ids).validation
        width = np.asarray(cutouts.columns["width"])[rows]
    assert trained.calibration.galaxies == len(rows)
    own = dataclasses.replace(trained, calibration=None)
    own.save(tmp_path / "own.safetensors")
    bare, barred = (result_of(predict.run(each, blobs, rows)) for each in (tmp_path / "own.safetensors", surveyed.path))
    np.testing.assert_array_equal(bare.scores, barred.scores)
    np.testing.assert_allclose(barred.errors / bare.errors, trained.calibration.factors[0], rtol=1e-5)
    spread = barred.errors[:, 0] / barred.scores[:, 0]  # of the logarithm, which is what is learned
    within = np.abs(np.log(barred.scores[:, 0] / width)) <= spread * (1 + 1e-5)
    assert within.sum() == np.ceil(0.6827 * (len(rows) + 1))
    judged = result_of(evaluation.run(surveyed, blobs))
    assert judged.error_bars is not None and "by construction" in judged.error_bars.sentence
    told = read_metrics(surveyed.metrics_file)["validation"]["error_bars"]
    assert told == json.loads(json.dumps(judged.error_bars.to_json()))
    low, high = trained.training_range.quantities["width"]
    assert low == pytest.approx(2, abs=0.05) and high == pytest.approx(6, abs=0.1)
    again = RunFolder(shutil.copytree(surveyed.path, tmp_path / "again"))
    trained.calibration = dataclasses.replace(trained.calibration, factors=(7.0,))
    trained.save(again.best)  # as if the factor were another one: it is found anew from the network's own error bars
    result_of(resuming.run(again, data=blobs, epochs=16))
    found = Predictor.load(again.path).calibration
    assert found is not None and 0.2 < found.factors[0] < 5


@pytest.mark.slow
def test_error_bars_can_be_begun_and_left_off_in_fine_tuning(surveyed, blobs, new_run):
    start = TransferSettings(start_from=str(surveyed.path))
    data = DataSettings(labels=("width",), kind="quantities")
    plain, barred = new_run("plain"), new_run("barred")
    _, result = train(blobs, plain, settings(1, data=data, transfer=start))
    train(blobs, barred, settings(1, data=data, transfer=start, loss=LossSettings(quantities="gaussian")))
    assert result.baseline.values["r2"] > 0.3
    assert not Predictor.load(plain.path).has_error_bars
    assert Predictor.load(barred.path).has_error_bars


@pytest.mark.parametrize("loss", [pytest.param("multinomial", marks=pytest.mark.slow), "dirichlet"])
def test_votes_are_learned_from_counts_or_from_fractions_and_their_number(draw, new_dataset, new_run, loss):
    images, kinds, _ = draw(160)
    shares = np.where(kinds == 0, 0.9, 0.2)
    columns = {"smooth": np.round(40 * shares), "featured": 40 - np.round(40 * shares)}
    fractions = {"smooth_f": columns["smooth"] / 40, "featured_f": columns["featured"] / 40}
    votes = np.where(np.arange(160) == 3, np.nan, 40)
    data = new_dataset(images, columns | fractions | {"votes": votes}, ["smooth", "featured"])
    wish = {"epochs": 16, "loss": LossSettings(votes=loss)}
    counts = DataSettings(kind="vote fractions")
    _, result = train(data, new_run("counts"), settings(data=counts, **wish))
    assert result.scores.values["r2"] > 0.3
    named = DataSettings(labels=("smooth_f", "featured_f"), votes="votes")
    wish["epochs"] = 1
    folder = new_run("fractions")
    train(data, folder, settings(data=named, **wish))
    assert Predictor.load(folder.path).output_names == ("smooth_f", "featured_f")
    with pytest.raises(SettingsProblem, match="needs votes"):
        train(data, new_run("none"), settings(data=named.model_copy(update={"votes": ""}), **wish))
    with pytest.raises(SettingsProblem, match="no column “vote”"):
        train(data, new_run("wrong"), settings(data=named.model_copy(update={"votes": "vote"}), **wish))


@pytest.mark.parametrize("loss", [{"classes": "focal"}, pytest.param({"label_smoothing": 0.1}, marks=pytest.mark.slow)])
def test_classes_are_learned_with_the_other_losses(blobs, new_run, loss):
    _, result = train(blobs, new_run(), settings(8, loss=LossSettings(**loss)))
    assert result.scores.values["accuracy"] > 0.8


def test_knobs_that_move_nothing_are_named_before_the_first_batch(blobs, new_run):
    events, _ = train(blobs, new_run(), settings(1, {"momentum": 0.5, "decay_factor": 0.2}))
    first = next(place for place, event in enumerate(events) if isinstance(event, BatchEnded))
    named = [event.problem.where for event in events[:first] if isinstance(event, Skipped)]
    assert named == ["optimiser.decay_factor", "optimiser.momentum"]


def test_a_quantity_that_the_labels_do_not_have_cannot_be_monitored(blobs, new_run):
    with pytest.raises(SettingsProblem, match="r2"):
        train(blobs, new_run(), settings(stopping=StoppingSettings(monitor="r2")))


def test_the_cause_of_a_loss_that_is_no_number_is_named(blobs):
    with Cutouts.open(blobs) as cutouts:
        plan = preparation.prepare(settings(precision="float16"), cutouts)
        images = plan.predictor.normalisation(torch.from_numpy(cutouts.images[np.arange(4)]))
    rows = np.arange(10, 14)
    broken = images.clone()
    broken[2, 0, 3, 3] = torch.nan
    assert (
        "Galaxy 13 of the dataset has a pixel"
        in nan_diagnosis.diagnose(plan, "epoch 2, batch 1", broken, rows).sentence
    )
    problem = nan_diagnosis.diagnose(plan, "epoch 2, batch 1", images, rows)
    assert "float16" in problem.sentence
    assert "kept" in problem.remedy
    with torch.no_grad():
        next(plan.predictor.network.parameters()).fill_(torch.inf)
    problem = nan_diagnosis.diagnose(plan, "epoch 1, batch 3", images, rows)
    assert "weights have overflowed" in problem.sentence
    assert "learning rate below 0.005" in problem.remedy
    assert "kept" not in problem.remedy


def test_a_breakdown_becomes_the_verdict_on_the_epochs_before(surveyed, tmp_path):
    folder = RunFolder(shutil.copytree(surveyed.path, tmp_path / "run"))
    run_report.record_breakdown(
        folder, NotANumber("The loss is not a number any more.", "Be slower.", "epoch 16, batch 2")
    )
    told = json.loads(folder.metrics_file.read_text())["verdict"]
    assert (told["kind"], told["epoch"], told["advice"]) == ("not a number", 16, "Be slower.")
    assert "epoch 16, batch 2" in folder.log.read_text()
