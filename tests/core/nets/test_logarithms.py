"""Positive quantities inside the network: their logarithms, their error bars, and the way back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.data.target import Quantities
from core.nets import cnn, heads, normalisation, transfer
from core.nets.calibration import ErrorBarCalibration
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.nets.training_range import fit_training_range

NAMES, UNITS, PERIODS = ("magnitude", "radius", "pa"), ("mag", "arcsec", "deg"), (None, None, 180.0)
TARGET = Quantities(NAMES, UNITS, PERIODS, ("radius",))
PLAIN = Quantities(NAMES, UNITS, PERIODS)
LABELS = np.array([[18, 12, 3], [20, 0.3, 90], [21, 0.02, 170], [24, 1.5, 45]], np.float32)


def make_predictor(target=TARGET, *, error_bars=True):
    generator = torch.Generator().manual_seed(0)
    outputs = heads.output_count(target, error_bars=error_bars)
    network = cnn.build(NetworkSettings(depth=2, channels=8), (1, 16, 16), outputs, generator)
    network(torch.randn(8, 1, 16, 16, generator=generator))
    network.eval().requires_grad_(False)
    scale = heads.fit_output_scale(target, LABELS)
    return Predictor(network, normalisation.identity(1), target, ("r",), (1, 16, 16), 0.2, scale)


def test_what_is_learned_is_the_standardised_logarithm_and_the_way_back_is_exact():
    scale = heads.fit_output_scale(TARGET, LABELS)
    given = heads.to_outputs(TARGET, torch.from_numpy(LABELS), scale)
    logarithm = np.log(LABELS[:, 1].astype(float))
    assert given[:, 1].numpy() == pytest.approx((logarithm - logarithm.mean()) / logarithm.std(), abs=1e-5)
    assert torch.allclose(heads.apply_activation(TARGET, given, scale), torch.from_numpy(LABELS), rtol=1e-4, atol=1e-4)
    assert torch.allclose(heads.to_answers(TARGET, given, scale), torch.from_numpy(LABELS), rtol=1e-4, atol=1e-4)


def test_no_answer_is_negative_zero_or_infinite_whatever_the_network_gives():
    scale = heads.fit_output_scale(TARGET, LABELS)
    outputs = torch.tensor([-1e6, -100, -3, 0, 3, 100, 1e6])[:, None].expand(-1, 4)
    radii = heads.apply_activation(TARGET, outputs, scale)[:, 1]
    assert (radii > 0).all() and radii.isfinite().all() and (radii.diff() >= 0).all()
    assert (heads.apply_activation(PLAIN, outputs, heads.fit_output_scale(PLAIN, LABELS))[:, 1] < 0).any()


def test_the_error_is_the_value_times_the_spread_of_the_logarithm():
    predictor, images = make_predictor(), torch.randn(6, 1, 16, 16)
    values, errors = predictor.scores_and_error_bars(images)
    mean, log_sigma = heads.mean_and_log_sigma(predictor.logits(images))
    scale = predictor.output_scale
    assert torch.allclose(values[:, 1], (mean[:, 1] * scale.scale[1] + scale.centre[1]).exp())
    assert torch.allclose(errors[:, 1] / values[:, 1], log_sigma[:, 1].exp() * scale.scale[1])
    assert torch.allclose(errors[:, 0], log_sigma[:, 0].exp() * scale.scale[0])
    longer = replace(predictor, calibration=ErrorBarCalibration((1.0, 2.0, 1.0), (0.1, 0.1, 0.1), 50))
    assert torch.allclose(longer.scores_and_error_bars(images)[1][:, 1], 2 * errors[:, 1])


def test_answers_to_views_are_averaged_as_logarithms():
    predictor, images = make_predictor(), torch.randn(6, 1, 16, 16)
    views = ((False, 0), (True, 0), (False, 1))
    single = [replace(predictor, views=(view,)).scores_and_error_bars(images) for view in views]
    values, errors = replace(predictor, views=views).scores_and_error_bars(images)
    radii = torch.stack([each[:, 1] for each, _ in single])
    spreads = torch.stack([bars[:, 1] / each[:, 1] for each, bars in single])
    assert torch.allclose(values[:, 1], radii.log().mean(0).exp(), rtol=1e-4)
    assert torch.allclose(errors[:, 1] / values[:, 1], spreads.mean(0), rtol=1e-4)


def test_a_network_with_logarithms_comes_back_from_its_file_as_it_was(tmp_path):
    predictor, images = make_predictor(), torch.randn(6, 1, 16, 16)
    predictor.save(tmp_path / "best.safetensors")
    again = Predictor.load(tmp_path)
    assert again.target == TARGET
    assert all(map(torch.equal, predictor.scores_and_error_bars(images), again.scores_and_error_bars(images)))


def test_a_network_that_starts_from_another_continues_logarithms_of_another_scatter_and_no_plain_numbers():
    base, images = make_predictor(error_bars=False), torch.randn(6, 1, 16, 16)
    new = Quantities(("radius", "magnitude"), ("arcsec", "mag"), (), ("radius",))
    scale = heads.fit_output_scale(new, LABELS[:, [1, 0]] * np.array([3, 1], np.float32))
    network = transfer.prepare(base, (1, 16, 16), new, scale)
    continued = replace(base, network=network.eval(), target=new, output_scale=scale)
    assert torch.allclose(continued.scores(images), base.scores(images)[:, [1, 0]], rtol=1e-3)
    assert transfer.matched_rows(TARGET, new) == {0: 1, 1: 0}
    assert transfer.matched_rows(PLAIN, new) == {1: 0}
    assert transfer.changed_encodings(PLAIN, new) == ["radius"]
    assert transfer.changed_encodings(TARGET, new) == []


def test_the_training_range_of_a_logarithm_is_positive_and_holds_its_galaxies():
    radii = np.exp(np.random.default_rng(0).uniform(-4, 2, (500, 1))).astype(np.float32)
    images, scales = np.random.default_rng(1).normal(size=(5, 1, 16, 16)).astype(np.float32), np.full(5, 0.2)
    low, high = fit_training_range(images, ("r",), Quantities(("r",), ("",), (), ("r",)), radii, scales).quantities["r"]
    assert 0 < low < float(radii.min()) * 1.05 and high > 0.95 * float(radii.max())
    assert fit_training_range(images, ("r",), Quantities(("r",), ("",)), radii, scales).quantities["r"][0] < 0
