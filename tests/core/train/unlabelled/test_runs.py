"""Trainings that look at galaxies without labels, too."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from core.data.target import Quantities
from core.errors import NotPossible, SettingsProblem, TooFewGalaxies
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.history import read_history
from core.project.metrics_file import read_metrics
from core.settings import toml
from core.train import checkpoint, loop, outlook, resuming
from core.train.settings import RunSettings

METHODS = ("fixmatch", "coral", "mmd", "dann", "mcc")


def weights(folder):
    return Predictor.load(folder.best).network.state_dict()


def test_a_run_says_how_many_of_its_own_galaxies_it_learns_from_without_labels(new_survey, wish, train, new_run):
    data, folder = new_survey("own", labelled=60), new_run()
    _, epochs, said = train(data, folder, wish(method="fixmatch", confidence=0.34, per_labelled=2))
    assert any("30 galaxies of own.h5 are shown without labels (fixmatch)" in sentence for sentence in said)
    for epoch in epochs:
        assert 0 < epoch.train.values["unlabelled_confident"] <= 1
        assert epoch.train.values["unlabelled_loss"] > 0
    assert "unlabelled confident" in folder.log.read_text()
    assert len(folder.unlabelled_file.read_text().splitlines()) == 31
    facts = read_metrics(folder.metrics_file)["data"]["unlabelled"]
    assert (facts["method"], facts["galaxies"], facts["data"]) == ("fixmatch", 30, "own.h5")
    assert "30 galaxies of own.h5" in folder.card.read_text()


@pytest.mark.parametrize("method", ["dann", *(pytest.param(name, marks=pytest.mark.slow) for name in METHODS[:3])])
def test_a_run_goes_on_with_its_discriminator_as_one_without_interruption(method, new_survey, wish, train, new_run):
    data, other = new_survey("own", 60), new_survey("other", 40, seed=1, labelled=0)
    settings = wish(epochs=2, method=method, dataset=other, optimiser={"decay": "constant"})
    whole, broken = new_run("whole"), new_run("broken")
    _, epochs, _ = train(data, whole, settings)
    state = checkpoint.load(whole.last).beside
    if method == "dann":
        assert 0 < epochs[0].train.values["surveys_told_apart"] < 1
        assert state["0.weight"].shape == (256, 8)
    work, stop = loop.run(settings, data, broken, threading.Event()), threading.Event()
    while not broken.has_whole_epoch:
        next(work)
    work.close()
    result_of(resuming.run(broken, stop))
    for one, two in ((weights(whole), weights(broken)), (state, checkpoint.load(broken.last).beside)):
        assert all(torch.equal(one[name], two[name]) for name in one)
    assert read_history(whole.history_file)[-1]["loss"] == read_history(broken.history_file)[-1]["loss"]
    with pytest.raises(NotPossible, match=r"other\.h5.* has changed"):
        new_survey("other", 40, seed=2, labelled=0)
        result_of(resuming.run(broken, stop, epochs=3))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", METHODS)
def test_each_method_trains_on_another_survey_with_other_bands_and_stamps(
    method, precision, new_survey, wish, train, new_run
):
    data, other = new_survey("own"), new_survey("other", 50, size=20, bands=("F200W",), labelled=0)
    settings = wish(method=method, dataset=other).model_copy(update={"precision": precision})
    _, epochs, said = train(data, new_run(), settings)
    assert all(np.isfinite(epoch.train.values["unlabelled_loss"]) for epoch in epochs)
    assert any("fed F200W,F200W" in sentence for sentence in said)
    assert any("20 × 20 pixels are resampled to the 16 × 16" in sentence for sentence in said)


@pytest.mark.parametrize("method", ["fixmatch", "mcc"])
def test_methods_on_probabilities_are_refused_where_no_classes_are_learned(method, new_survey, wish, train, new_run):
    data = new_survey("own", width=np.linspace(1, 2, 90))
    with pytest.raises(SettingsProblem, match="no classes are learned") as caught:
        train(data, new_run(), wish(data={"labels": ("width",)}, method=method))
    assert caught.value.where == "unlabelled.method"


@pytest.mark.slow
def test_methods_on_features_learn_quantities_too(new_survey, wish, train, new_run):
    data, other = new_survey("own", width=np.linspace(1, 2, 90)), new_survey("other", 40, labelled=0)
    result, _, _ = train(data, new_run(), wish(data={"labels": ("width",)}, method="mmd", dataset=other))
    assert isinstance(Predictor.load(result.folder).target, Quantities)


@pytest.mark.slow
def test_features_of_a_network_that_is_frozen_cannot_be_made_alike(new_survey, wish, train, new_run):
    data, other = new_survey("own", 40), new_survey("other", 20, labelled=0)
    base = new_run("base")
    small = {"dense": 0}
    train(data, base, wish(epochs=1, network=small))
    start = {"start_from": str(base.path), "freeze_blocks": 2}
    with pytest.raises(SettingsProblem, match="cannot change the features"):
        train(data, new_run(), wish(method="coral", dataset=other, transfer=start, network=small))


def test_a_survey_without_further_galaxies_says_so(new_survey, wish, train, new_run):
    with pytest.raises(TooFewGalaxies, match="0 galaxies beside those that the run learns or is judged on"):
        train(new_survey("own", 40), new_run(), wish(method="mcc"))


def test_pixels_of_another_kind_are_told_before_the_training(new_survey, wish, train, new_run, tmp_path):
    from galaxies import write_dataset

    images = np.random.default_rng(0).normal(0, 1e-3, (20, 2, 16, 16)).astype(np.float32)
    faint = write_dataset(tmp_path / "faint.h5", images, {}, [], ids=[f"faint {row}" for row in range(20)])
    data = new_survey("own", 40)
    found = [
        event.what.notices
        for event in outlook.run(wish(method="coral", dataset=faint), data, threading.Event(), measured=False)
        if hasattr(event, "what")
    ]
    told = [notice for notice in found[0] if "hardly look like galaxies" in notice.sentence]
    assert [notice.where for notice in told] == ["network.samplewise"]


@pytest.mark.slow
def test_the_forecast_counts_the_time_of_the_galaxies_without_labels(new_survey, wish):
    data = new_survey("own", labelled=60)
    work = outlook.run(wish(method="fixmatch", per_labelled=1), data, threading.Event())
    assert result_of(work).training_seconds > 0


def test_the_path_of_the_other_survey_is_kept_relative_within_a_project(tmp_path, wish):
    (tmp_path / "project.toml").write_text("format = 1\n")
    (tmp_path / "other.h5").touch()
    run = tmp_path / "runs" / "first"
    run.mkdir(parents=True)
    settings = wish(method="mmd", dataset=tmp_path / "other.h5")
    file = run / "settings.toml"
    file.write_text(toml.dumps(settings.with_paths_for(run)))
    assert 'dataset = "../../other.h5"' in file.read_text()
    assert toml.load(RunSettings, file) == settings
