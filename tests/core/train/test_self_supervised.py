"""First weights from galaxies without labels: the loss, the check, which galaxies are seen, and the run's folder."""

import math
import shutil
import threading

import numpy as np
import pytest
import torch
from galaxies import write_dataset

from core.data import seen
from core.data.cutouts import Cutouts
from core.data.target import NoAnswers
from core.errors import NotPossible, SettingsProblem
from core.events import EpochEnded, Skipped, result_of
from core.metrics.guessing import guess_of_run
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.project.metrics_file import read_metrics
from core.project.project import Project
from core.project.runs import RunFolder
from core.settings import toml
from core.train import loop, preparation, resuming, run_check, run_summary
from core.train.labels import read_labels
from core.train.self_supervised import contrastive, galaxies, neighbours
from core.train.self_supervised.recipe import recommended
from core.train.settings import AugmentationSettings, OptimiserSettings, RunSettings, StoppingSettings, TransferSettings
from core.train.unlabelled.settings import UnlabelledSettings

NEVER = threading.Event()


def settings(more=(), average_bands=False, **optimiser):
    base = recommended(RunSettings(network=NetworkSettings(depth=2, channels=4, dense=8)))
    chosen = base.self_supervised.model_copy(
        update={"more_data": tuple(map(str, more)), "average_bands": average_bands}
    )
    return base.model_copy(
        update={
            "self_supervised": chosen,
            "optimiser": OptimiserSettings(**({"epochs": 2, "batch_size": 32, "decay": "constant"} | optimiser)),
            "stopping": StoppingSettings(patience=0, snapshots=0),
        }
    )


@pytest.fixture(scope="session")
def pretrained(blobs, tmp_path_factory):
    """A run of two epochs without labels; to be read only."""
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "without labels")
    result_of(loop.run(settings(), blobs, folder, NEVER))
    return folder


def plain(folder):
    return [{k: str(v) for k, v in row.items() if k != "seconds"} for row in read_history(folder.history_file)]


def test_the_loss_is_the_cross_entropy_of_finding_the_partner_among_all_others():
    outputs = torch.randn(10, 6, generator=torch.Generator().manual_seed(1))
    unit = (outputs / outputs.norm(dim=1, keepdim=True)).numpy().astype(float)
    expected = []
    for row in range(10):
        partner, others = (row + 5) % 10, [k for k in range(10) if k != row]
        weights = {k: math.exp(unit[row] @ unit[k] / 0.3) for k in others}
        expected.append(-math.log(weights[partner] / sum(weights.values())))
    assert contrastive.nt_xent(outputs, 0.3).item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_galaxies_that_all_look_the_same_give_the_loss_of_guessing_and_no_spread():
    outputs = torch.ones(12, 8) * torch.rand(12, 1, generator=torch.Generator().manual_seed(1))
    assert contrastive.nt_xent(outputs, 0.2).item() == pytest.approx(contrastive.guessing(6), rel=1e-5)
    assert contrastive.spread(outputs) < 1e-6
    assert contrastive.spread(torch.randn(4000, 8)) == pytest.approx(1, abs=0.03)


def test_the_neighbours_that_vote_are_the_nearest_by_angle():
    random = np.random.default_rng(3)
    known, asked = random.normal(size=(40, 5)), random.normal(size=(15, 5))
    classes = random.integers(0, 3, 40)
    told = neighbours.tell_classes(known.astype("f4"), classes, asked.astype("f4"), 5)
    for features, answer in zip(asked, told, strict=True):
        angles = [np.arccos(features @ k / np.linalg.norm(features) / np.linalg.norm(k)) for k in known]
        votes = np.bincount(classes[np.argsort(angles)[:5]], minlength=3)
        assert votes[answer] == votes.max()


def test_the_run_is_a_folder_like_any_other_and_says_what_its_numbers_are(pretrained):
    assert run_check.find_problem(pretrained) is None
    assert [row["epoch"] for row in read_history(pretrained.history_file)] == [1, 2]
    metrics = read_metrics(pretrained.metrics_file)
    validation = metrics["validation"]
    assert metrics["reason"] == "finished"
    assert 0 < validation["neighbours_accuracy"] <= 1 and validation["neighbours_accuracy_error"] > 0
    assert validation["galaxies"] == sum(metrics["data"]["classes"]["validation"].values())
    assert guess_of_run(metrics) is not None
    assert validation["spread"] > contrastive.COLLAPSED and not metrics["warnings"]
    summary = run_summary.summarise(pretrained)
    assert (summary.state, summary.score_name) == ("finished", "neighbours_accuracy")
    assert "no answers" in pretrained.card.read_text()
    assert toml.load(RunSettings, pretrained.settings_file).self_supervised.method == "simclr"


def test_test_galaxies_are_never_seen_and_validation_galaxies_are_not_learned_from(blobs, pretrained):
    """The parts are those of a training with labels on the same dataset with the same seed."""
    with Cutouts.open(blobs) as cutouts:
        split = preparation.split_dataset(cutouts, *read_labels(cutouts, RunSettings().data), RunSettings())
        parts = [{cutouts.ids[row] for row in rows} for rows in (split.train, split.validation, split.test)]
    assert seen.ids_in(pretrained, ("train",)) == parts[0]
    assert seen.ids_in(pretrained, ("validation",)) == parts[1]
    assert parts[2] and not seen.ids_in(pretrained, ("test",))


def test_a_galaxy_without_a_label_is_held_out_if_its_name_will_put_it_into_the_test_part(draw, tmp_path):
    images, kinds, _ = draw(240)
    names = np.array(["point", "disk", "edge-on"])[kinds]
    whole = write_dataset(tmp_path / "whole.h5", images, {"kind": names}, ["kind"])
    bare = write_dataset(tmp_path / "bare.h5", images, {"kind": names}, [])
    chosen = []
    for path in (whole, bare):
        with galaxies.open_datasets(settings(), path) as opened:
            chosen.append(galaxies.choose(settings(), opened))
    with_labels, without = (set(each.split.train.tolist()) for each in chosen)
    assert len(with_labels ^ without) <= 2  # a class that would be missing in a part is put there
    assert chosen[1].target is None and len(chosen[1].asked) == 0


def test_in_a_project_no_later_training_tests_on_galaxies_that_were_learned_from(draw, tmp_path):
    """Not with another seed, and not on galaxies that have no label yet."""
    images, kinds, _ = draw(160)
    names = np.where(np.arange(160) % 3 == 0, "", np.array(["point", "disk", "edge-on"])[kinds])
    project = Project.create(tmp_path / "project", "project")
    data = write_dataset(tmp_path / "project" / "datasets" / "blobs.h5", images, {"kind": names}, ["kind"])
    folder, labels = project.new_run("first weights"), project.labels(data)
    result_of(loop.run(settings(epochs=1), data, folder, NEVER, hand_labels=labels))
    learned = seen.ids_in(folder, ("train", "validation"))
    assert 100 < len(learned) < 160
    with Cutouts.open(data) as cutouts:
        for row in np.flatnonzero(names == ""):
            labels.record(cutouts.ids[int(row)], "kind", "", "disk")
        wish = RunSettings(seed=5)
        split = preparation.split_dataset(cutouts, *read_labels(cutouts, wish.data, labels), wish, labels)
        assert len(split.test) > 15
        assert not {cutouts.ids[row] for row in split.test} & learned
    project.close()


def test_several_datasets_are_one_and_what_is_held_out_in_one_is_held_out_in_all(draw, tmp_path):
    images, kinds, _ = draw(240)
    names = np.array(["point", "disk", "edge-on"])[kinds]
    first = write_dataset(tmp_path / "first.h5", images, {"kind": names}, ["kind"])
    second = write_dataset(tmp_path / "second.h5", images[::-1].copy(), {"kind": names[::-1]}, [])
    third = write_dataset(tmp_path / "third.h5", images[:, :1].copy(), {"kind": names}, [], bands=["r"])
    wish = settings(more=[second])
    with galaxies.open_datasets(wish, first) as opened:
        chosen = galaxies.choose(wish, opened)
        assert len(chosen.cutouts) == 480
        np.testing.assert_array_equal(chosen.cutouts.images[np.array([479, 0, 240])], images[[0, 0, 239]])
        np.testing.assert_array_equal(chosen.cutouts.images[238:242], np.concatenate([images[238:], images[:-3:-1]]))
        held = {chosen.cutouts.ids[row] for part in chosen.parts for row in part.test}
        assert not held & {chosen.cutouts.ids[row] for row in chosen.split.train}
    with galaxies.open_datasets(settings(more=[third]), first) as opened, pytest.raises(NotPossible, match="bands"):
        galaxies.choose(wish, opened)
    third = write_dataset(tmp_path / "third.h5", 10 * images[:, :1], {"kind": names}, [], bands=["r"])
    grey = settings(more=[third], average_bands=True)
    with galaxies.open_datasets(grey, first) as opened:
        chosen = galaxies.choose(grey, opened)
        joined = chosen.cutouts
        assert any("differ in size" in notice.text for notice in chosen.notices)
        np.testing.assert_allclose(joined.images[0], images[0].mean(axis=0, keepdims=True), rtol=1e-6)
        np.testing.assert_allclose(joined.images[240], 10 * images[0, :1], rtol=1e-6)


def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(blobs, pretrained, new_run):
    broken = new_run("broken")
    for event in loop.run(settings(), blobs, broken, NEVER):
        if isinstance(event, EpochEnded):
            break
    shutil.rmtree(broken.path / ".run.lock", ignore_errors=True)
    result_of(resuming.run(broken, NEVER))
    assert plain(broken) == plain(pretrained)
    for file in ("weights.safetensors", "optimiser.safetensors"):
        last = f"last/epoch-0002/{file}"
        assert (broken.path / last).read_bytes() == (pretrained.path / last).read_bytes()


def test_a_run_that_is_stopped_keeps_a_network_to_start_from(blobs, new_run):
    folder, stop = new_run(), threading.Event()
    for event in loop.run(settings(epochs=5), blobs, folder, stop):
        if isinstance(event, EpochEnded):
            stop.set()
    assert read_metrics(folder.metrics_file)["reason"] == "stopped"
    assert len(read_history(folder.history_file)) == 1
    assert isinstance(Predictor.load(folder.best, needs_answers=False).target, NoAnswers)


def test_a_fine_tuning_starts_from_its_blocks(blobs, pretrained, new_run):
    folder = new_run("tuned")
    wish = RunSettings(
        optimiser=OptimiserSettings(epochs=1, learning_rate=1e-9, weight_decay=0, averaging=0),
        transfer=TransferSettings(start_from=str(pretrained.path), freeze_blocks=1),
        stopping=StoppingSettings(snapshots=0),
    )
    result_of(loop.run(wish, blobs, folder, NEVER))
    before = Predictor.load(pretrained.best, needs_answers=False).network.state_dict()
    after = Predictor.load(folder.best)
    assert after.output_names == ("disk", "edge-on", "point")
    weights = after.network.state_dict()
    for name in ("features.conv1.weight", "features.norm1.running_mean"):
        assert torch.equal(weights[name], before[name])
    assert torch.allclose(weights["features.conv2.weight"], before["features.conv2.weight"], atol=1e-6)
    assert "no score" in read_metrics(folder.metrics_file)["baseline"]["sentence"]


def test_asked_for_answers_it_says_that_it_has_none(blobs, pretrained):
    from core.evaluate import evaluation, predict

    for work in (evaluation.run(pretrained), predict.run(pretrained.path, blobs)):
        with pytest.raises(NotPossible, match="no answers to give") as raised:
            result_of(work)
        assert "Start from" in raised.value.remedy


def test_a_network_that_gives_the_same_for_all_galaxies_is_said_to_have_collapsed(new_dataset, new_run):
    blank = np.full((96, 2, 24, 24), 10, dtype=np.float32)
    data = new_dataset(blank, {"kind": np.resize(["point", "disk"], 96)}, ["kind"])
    folder = new_run()
    wish = settings(epochs=2).model_copy(update={"augmentation": AugmentationSettings(noise=0)})
    said = [str(event.problem) for event in loop.run(wish, data, folder, NEVER) if isinstance(event, Skipped)]
    assert sum("collapsed" in each for each in said) == 1
    assert any("collapsed" in each for each in read_metrics(folder.metrics_file)["warnings"])


def test_what_needs_labels_is_refused(blobs, new_run):
    for part, what in (
        ({"stopping": StoppingSettings(monitor="accuracy")}, "cannot be monitored"),
        ({"unlabelled": UnlabelledSettings(method="fixmatch")}, "needs labels"),
    ):
        with pytest.raises(SettingsProblem, match=what):
            result_of(loop.run(settings().model_copy(update=part), blobs, new_run(what), NEVER))


def test_further_datasets_are_named_relative_to_the_project(tmp_path):
    (tmp_path / "project.toml").write_text("format = 1\n")
    for name in ("datasets", "runs/one"):
        (tmp_path / name).mkdir(parents=True)
    data = tmp_path / "datasets" / "more.h5"
    data.touch()
    stored = settings(more=[data]).with_paths_for(tmp_path / "runs" / "one")
    assert stored.self_supervised.more_data == ("../../datasets/more.h5",)
    assert stored.with_paths_from(tmp_path / "runs" / "one").self_supervised.more_data == (str(data),)


@pytest.mark.slow
def test_the_grey_band_of_a_network_is_the_mean_of_whatever_bands_there_are(blobs, new_run):
    folder = new_run()
    result_of(loop.run(settings(average_bands=True, epochs=1), blobs, folder, NEVER))
    assert Predictor.load(folder.best, needs_answers=False).bands == ("grey",)
    tuned = new_run("tuned")
    wish = RunSettings(
        optimiser=OptimiserSettings(epochs=1),
        transfer=TransferSettings(start_from=str(folder.path)),
        network=NetworkSettings(depth=2),
    )
    result_of(loop.run(wish, blobs, tuned, NEVER))
    with Cutouts.open(blobs) as cutouts:
        names = [band.name for band in cutouts.bands]
    assert toml.load(RunSettings, tuned.settings_file).transfer.bands == f"mean({','.join(names)})"
