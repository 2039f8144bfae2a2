"""A network learns from a catalogue column what no image shows, and only then."""

from __future__ import annotations

import beside_survey
import numpy as np
import pytest
import torch

from core.data import side_columns
from core.data.cutouts import Cutouts
from core.errors import NotPossible, SettingsProblem
from core.evaluate import evaluation, predict
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.settings import toml
from core.train import loop, preparation
from core.train.description import methods, model_card
from core.train.description.facts import read_facts
from core.train.settings import RunSettings


def wish(columns=(), **more):
    values = {
        "data": {"side_columns": columns},
        "network": {"depth": 2, "channels": 4, "dense": 16, "dropout": 0.0},
        "optimiser": {"epochs": 12, "batch_size": 16, "learning_rate": 0.01},
        "device": "cpu",
        "precision": "float32",
    }
    for name, part in more.items():
        values[name] = {**values.get(name, {}), **part}
    return RunSettings.model_validate(values)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return beside_survey.write(tmp_path_factory.mktemp("beside") / "survey.h5")


@pytest.fixture(scope="module")
def trained(survey, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "beside"
    return result_of(loop.run(wish(("redshift", "flux")), survey, folder))


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    return beside_survey.write(tmp_path_factory.mktemp("others") / "others.h5", 200, seed=5)


def right(run, data):
    found = result_of(predict.run(run, data))
    with Cutouts.open(data) as cutouts:
        return np.mean(np.array(found.predicted) == cutouts.columns["distance"]), found


def test_with_the_column_the_classes_are_known_and_without_it_they_are_guessed(survey, trained, others, tmp_path):
    alone = result_of(loop.run(wish(), survey, tmp_path / "alone"))
    assert right(trained.folder, others)[0] > 0.93
    assert 0.35 < right(alone.folder, others)[0] < 0.65


def test_the_columns_are_found_by_name_in_whatever_order_and_a_missing_one_is_named(trained, others, tmp_path):
    turned = beside_survey.write(tmp_path / "turned.h5", 200, seed=5, order=("flux", "field", "redshift", "distance"))
    assert np.array_equal(right(trained.folder, turned)[1].scores, right(trained.folder, others)[1].scores)
    lacking = beside_survey.write(tmp_path / "lacking.h5", 20, seed=5, order=("redshift", "distance"))
    with pytest.raises(NotPossible, match=r"takes redshift, flux from the catalogue, and there is no column “flux”"):
        result_of(predict.run(trained.folder, lacking))


def test_the_scaling_is_that_of_the_training_part_alone(survey):
    with Cutouts.open(survey) as cutouts:
        plan = preparation.prepare(wish(("redshift", "flux")), cutouts)
        values = side_columns.read(cutouts.columns, ("redshift", "flux"))
        own = values[plan.split.train]
        changed = cutouts.columns["redshift"].copy()
        for other in (plan.split.validation, plan.split.test):
            changed[other] = 100.0
        cutouts.columns["redshift"] = changed
        again = preparation.prepare(wish(("redshift", "flux")), cutouts)
    first, second = plan.predictor.side.columns
    assert again.predictor.side == plan.predictor.side
    assert (first.is_logarithm, second.is_logarithm, second.unit) == (False, True, "uJy")
    assert first.centre == pytest.approx(np.median(own[:, 0]))
    low, high = np.quantile(np.log10(own[:, 1]), (0.15865, 0.84135))
    assert second.spread == pytest.approx((high - low) / 2, rel=1e-3)
    scaled = plan.side.numpy()[plan.split.train]
    assert scaled.dtype == np.float32
    assert np.allclose(scaled[:, 0], (own[:, 0] - first.centre) / first.spread, atol=1e-6)
    assert not scaled[:, 2:].any()


def test_a_network_begins_as_if_there_were_nothing_beside_the_image(survey):
    with Cutouts.open(survey) as cutouts:
        plans = [preparation.prepare(wish(columns), cutouts) for columns in ((), ("redshift",))]
        images = torch.from_numpy(cutouts.images[:5])
        beside = torch.tensor([[0.1], [0.5], [1.9], [np.nan], [1.0]])
    answers = plans[0].predictor.scores(images), plans[1].predictor.scores(images, beside)
    assert torch.equal(*answers)


def test_a_saved_network_answers_the_same_to_the_last_digit(trained, others):
    predictor = Predictor.load(trained.folder)
    with Cutouts.open(others) as cutouts:
        images = torch.from_numpy(cutouts.images[:])
        beside = torch.from_numpy(predictor.side.read(cutouts.columns))
    again = trained.folder / "again.safetensors"
    predictor.save(again)
    assert Predictor.load(again).side == predictor.side
    assert torch.equal(Predictor.load(again).scores(images, beside), predictor.scores(images, beside))
    with pytest.raises(NotPossible, match="takes redshift, flux from the catalogue, not given here"):
        predictor.scores(images)


def test_held_at_a_galaxys_values_the_network_of_the_image_alone_gives_the_same_answer(trained, others):
    predictor = Predictor.load(trained.folder)
    with Cutouts.open(others) as cutouts:
        images = torch.from_numpy(cutouts.images[:6])
        values = predictor.side.read(cutouts.columns)[:6]
    values[3] = np.nan
    together = predictor.logits(images, torch.from_numpy(values))
    for row in range(6):
        held = predictor.held(values[row])
        assert held.side is None
        assert held.network.features is predictor.network.features
        assert torch.allclose(held.logits(images[row : row + 1])[0], together[row], atol=1e-5)
    typical = predictor.logits(images[:1], torch.from_numpy(predictor.side.typical[None]))
    assert torch.allclose(predictor.held_at_typical().logits(images[:1]), typical, atol=1e-5)


def test_what_is_missing_is_told_to_a_network_that_has_learned_what_that_means(trained, tmp_path):
    data = beside_survey.write(tmp_path / "gaps.h5", 240, seed=2, missing=0.3)
    run = result_of(loop.run(wish(("redshift",), optimiser={"epochs": 3}), data, tmp_path / "gaps"))
    side = Predictor.load(run.folder).side
    with Cutouts.open(data) as cutouts:
        values = cutouts.columns["redshift"]
        train = preparation.prepare(wish(("redshift",)), cutouts).split.train
    assert side.columns[0].missing == np.isnan(values[train]).sum() > 0
    given = torch.tensor([[np.nan], [np.inf], [0.5]], dtype=torch.float64)
    assert side.scale(given)[:, 1].tolist() == [1, 1, 0]
    assert side.scale(given)[:2, 0].tolist() == [0, 0]
    untold = Predictor.load(trained.folder).side.scale(torch.tensor([[np.nan, -1.0]], dtype=torch.float64))
    assert untold.tolist() == [[0, 0, 0, 0]]  # no training galaxy lacked them: these inputs mean nothing to it
    found = result_of(predict.run(trained.folder, data))
    said = " ".join(problem.sentence for problem in found.problems)
    assert f"{np.isnan(values).sum()} of these 240 galaxies have no “redshift”" in said
    assert "the network is not told, since no training galaxy lacked it" in said
    judged = result_of(evaluation.run(run.folder, data, "validation"))
    count = int(np.isnan(values[judged.rows]).sum())
    said = " ".join(problem.sentence for problem in judged.problems)
    assert f"{count} of these {len(judged.rows)} galaxies have no “redshift”" in said
    one = result_of(predict.run(run.folder, data, np.flatnonzero(np.isnan(values))[:1]))
    assert any(problem.sentence.startswith("This galaxy has no “redshift”") for problem in one.problems)
    there = result_of(predict.run(run.folder, data, np.flatnonzero(np.isfinite(values))))
    assert not any("have no “redshift”" in problem.sentence for problem in there.problems)
    assert np.isfinite(found.scores).all()


def test_the_command_line_takes_columns_separated_by_commas():
    for text in ("redshift, flux", '["redshift", "flux"]'):
        told = toml.apply_overrides(RunSettings(), [f"data.side_columns={text}"])
        assert told.data.side_columns == ("redshift", "flux")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("mass",), "no column “mass”, which is to stand beside the image"),
        (("distance",), "words or nothing"),
        (("field",), "words or nothing"),
        (("epoch",), "the same value for all labelled galaxies"),
        (("redshift", "redshift"), "named twice"),
    ],
)
def test_a_column_that_cannot_stand_beside_the_image_is_refused(survey, columns, said):
    with Cutouts.open(survey) as cutouts, pytest.raises(SettingsProblem, match=said):
        preparation.prepare(wish(columns), cutouts)


def test_a_column_that_tells_the_answer_is_refused(survey):
    with Cutouts.open(survey) as cutouts:
        kinds = cutouts.columns["distance"] == "near"
        planted = {"far_fraction": 1 - kinds, "votes_near": 10.0 * kinds, "code": 3.0 + kinds}
        cutouts.columns.update({name: values.astype(float) for name, values in planted.items()})
        assert side_columns.usable(cutouts.columns, cutouts.labels) == ("redshift", "flux", "epoch", "code")
        for name, said in (("far_fraction", "one of the votes"), ("votes_near", "votes"), ("code", "for each class")):
            with pytest.raises(SettingsProblem, match=said):
                preparation.prepare(wish((name,)), cutouts)
        cutouts.columns["lookback"] = 14 - np.exp(-cutouts.columns["redshift"])
        for name, said in (("redshift", "is what is learned"), ("lookback", "rises or falls with “redshift”")):
            with pytest.raises(SettingsProblem, match=said):
                preparation.prepare(wish((name,), data={"labels": ("redshift",), "kind": "quantities"}), cutouts)


def test_fine_tuning_goes_on_with_the_same_columns_and_says_what_becomes_of_others(trained, others, tmp_path):
    start = {"start_from": str(trained.folder)}
    more = {"transfer": start, "optimiser": {"epochs": 1, "learning_rate": 1e-6}}
    base = Predictor.load(trained.folder)
    same = result_of(loop.run(wish(("flux", "redshift"), **more), others, tmp_path / "same"))
    assert Predictor.load(same.folder).side.names == ("redshift", "flux")
    assert right(same.folder, others)[0] == pytest.approx(right(trained.folder, others)[0], abs=0.02)
    assert same.baseline.values["accuracy"] > 0.9
    with Cutouts.open(others) as cutouts:
        images = torch.from_numpy(cutouts.images[:4])
        for columns in ((), ("flux",)):
            plan = preparation.prepare(wish(columns, **more), cutouts)
            said = [each.sentence for each in plan.notices]
            assert any("started from as it is for a typical galaxy" in each for each in said)
            beside = torch.ones((4, 1), dtype=torch.float64) if columns else None
            plan.predictor.network.eval()
            wanted = base.held_at_typical().scores(images)
            assert torch.allclose(plan.predictor.scores(images, beside), wanted, atol=1e-5)


@pytest.mark.parametrize("dense", [0, 8])
def test_kept_features_and_streamed_images_train_as_all_others(trained, others, tmp_path, dense):
    begun = result_of(
        loop.run(wish(("redshift",), network={"dense": dense}, optimiser={"epochs": 1}), others, tmp_path / "begun")
    )
    values = {"start_from": str(begun.folder), "freeze_blocks": 2, "cached_views": 2}
    tuned = result_of(
        loop.run(wish(("redshift",), transfer=values, optimiser={"epochs": 30}), others, tmp_path / "tuned")
    )
    assert right(tuned.folder, others)[0] > 0.9
    before, after = (Predictor.load(each.folder).network.state_dict() for each in (begun, tuned))
    assert torch.equal(before["features.conv1.weight"], after["features.conv1.weight"])
    assert not torch.equal(before["side.dense.weight"], after["side.dense.weight"])


def test_card_and_methods_name_the_columns_with_their_units(trained):
    facts = read_facts(RunFolder(trained.folder))
    assert "Beside the image it takes redshift, log flux [uJy] from the catalogue." in model_card.summarise(facts)
    assert "galaxies/ --catalogue catalogue.csv -o answers.fits" in model_card.format_card(facts)
    told = methods.format_text(facts)
    assert "the network took redshift and log flux [uJy] from the catalogue" in told
    assert "A hidden layer of 32 units" in told
