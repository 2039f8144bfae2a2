"""The input scaling of a network on other galaxies: in another unit, or fitted anew."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from galaxies import ellipse, write_dataset

from core.data.cutouts import Cutouts
from core.nets import base_scaling, normalisation
from core.nets.predictor import Predictor
from core.train import preparation
from core.train.settings import RunSettings


def images(seed=0, factor=1.0, count=20):
    draw = np.random.default_rng(seed)
    plain = 5 * ellipse(24, 4, 3) + draw.normal(1, 0.3, (count, 1, 24, 24))
    return (plain * factor).astype(np.float32)


def network(survey_run, kind, samplewise="none", zero_point=22.5):
    loaded = Predictor.load(survey_run)
    fitted = normalisation.fit(images(), kind, samplewise)
    return replace(loaded, normalisation=fitted, zero_points=(zero_point,))


@pytest.mark.parametrize("kind", ["standard", "centre", "asinh"])
def test_pixels_in_another_unit_enter_the_network_as_the_same_light_did_in_training(survey_run, kind):
    base = network(survey_run, kind)
    other = torch.from_numpy(images(1, factor=10 ** (0.4 * (25.0 - 22.5))))  # one unit is a tenth as much light
    scaled = base_scaling.in_unit_of(base, (25.0,))(other)
    assert torch.allclose(scaled, base.normalisation(torch.from_numpy(images(1))), atol=2e-4)
    assert float(base.normalisation.centre) == float(network(survey_run, kind).normalisation.centre), "left as it was"


def test_without_both_zero_points_and_for_galaxies_scaled_by_themselves_nothing_changes(survey_run):
    for base, here in (
        (network(survey_run, "asinh", zero_point=None), 25.0),
        (network(survey_run, "asinh"), None),
        (network(survey_run, "standard", "standard"), 25.0),
    ):
        scaled = base_scaling.in_unit_of(base, (here,))(torch.from_numpy(images(2)))
        assert torch.equal(scaled, base.normalisation(torch.from_numpy(images(2))))


def test_fitted_anew_it_is_the_same_kind_of_scaling_on_the_new_values(survey_run):
    base, new = network(survey_run, "asinh"), images(3, factor=40) + 7
    fitted = base_scaling.fit_anew(base, new)
    assert fitted.kind == "asinh"
    scaled = fitted(torch.from_numpy(new))
    assert float(scaled.mean()) == pytest.approx(0, abs=1e-3) and float(scaled.std()) == pytest.approx(1, abs=1e-3)


def test_fine_tuning_begins_with_the_scaling_that_was_chosen(survey_run, tmp_path):
    draw = np.random.default_rng(4)
    shapes = np.tile(["disk", "edge-on", "spheroid"], 20)
    stamps = np.stack([40 * ellipse(24, 4, 3) + draw.normal(900, 2, (24, 24)) for _ in shapes])[:, None]
    ids = [f"new-{row}" for row in range(60)]
    data = write_dataset(tmp_path / "new.h5", stamps.astype(np.float32), {"shape": shapes}, ["shape"], ("r",), ids=ids)
    base = Predictor.load(survey_run).normalisation
    for choice in ("kept", "refitted"):
        settings = RunSettings.model_validate(
            {"transfer": {"start_from": str(survey_run), "input_scaling": choice}, "device": "cpu"}
        )
        with Cutouts.open(data) as cutouts:
            plan = preparation.prepare(settings, cutouts)
        scaling = plan.predictor.normalisation
        if choice == "kept":
            assert torch.equal(scaling.sky, base.sky) and torch.equal(scaling.centre, base.centre)
        else:
            assert float(scaling.sky) == pytest.approx(900, rel=0.01)
