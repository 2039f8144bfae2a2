"""Angles inside the network: two components, turned with the galaxy, and their error bars."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import circstd
from torch import nn

from core.data.target import Quantities
from core.nets import cnn, encoding, heads, normalisation, transfer
from core.nets.cnn import CNN
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings

TARGET = Quantities(("magnitude", "position_angle", "ratio"), ("mag", "deg", ""), (None, 180.0, None))
PLAIN = Quantities(TARGET.columns, TARGET.units)
LABELS = np.array([[18, 0, 0.1], [20, 179, 0.3], [21, 90, 0.9], [24, 12.5, 0.4]], np.float32)


def make_predictor(target=TARGET, *, error_bars=False, seed=0):
    outputs = heads.output_count(target, error_bars=error_bars)
    network = cnn.build(NetworkSettings(depth=2, channels=8), (1, 16, 16), outputs, torch.Generator().manual_seed(seed))
    network(torch.randn(8, 1, 16, 16, generator=torch.Generator().manual_seed(seed)))
    network.eval().requires_grad_(False)
    scaling = normalisation.identity(1)
    return Predictor(network, scaling, target, ("r",), (1, 16, 16), 0.2, heads.fit_output_scale(target, LABELS))


def test_an_angle_is_two_outputs_inside_and_one_number_outside():
    assert (heads.output_count(TARGET), heads.output_count(TARGET, error_bars=True)) == (4, 8)
    scale = heads.fit_output_scale(TARGET, LABELS)
    given = heads.to_outputs(TARGET, torch.from_numpy(LABELS), scale)
    assert given.shape == (4, 4)
    assert torch.allclose(given[:, 1:3].norm(dim=1), torch.full((4,), 2**0.5)), "on the circle, in units of its scatter"
    assert (given[0] - given[1])[1:3].norm() < 0.06, "0° and 179° are neighbours"
    assert torch.allclose(heads.apply_activation(TARGET, given, scale), torch.from_numpy(LABELS), atol=1e-4)
    plain = heads.fit_output_scale(PLAIN, LABELS)
    assert torch.equal(scale.centre[[0, 3]], plain.centre[[0, 2]])


def test_answers_to_views_are_turned_back_before_they_are_averaged():
    """A network that measures the angle exactly has the same answer for every view, and for the mean of all."""
    predictor = make_predictor()
    predictor.network = Moments()
    predictor.output_scale = heads.OutputScale(torch.zeros(4), torch.ones(4))
    images = torch.stack([draw_stripe(angle) for angle in (0.0, 3.0, 50.0, 90.0, 134.0, 178.0)])
    expected = predictor.scores(images)[:, 1]
    assert torch.allclose(expected, torch.tensor([0.0, 3, 50, 90, 134, 178]), atol=0.5)
    for views in (*[(view,) for view in ALL_VIEWS], ALL_VIEWS):
        found = replace(predictor, views=views).scores(images)[:, 1]
        assert ((found - expected + 90) % 180 - 90).abs().max() < 0.01, views


ALL_VIEWS = tuple(itertools.product((False, True), range(4)))


class Moments(CNN):
    """Measures an image's second moments in place of a network: cosine and sine of twice the position angle."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.outputs = 4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        side = torch.arange(x.shape[-1]) - (x.shape[-1] - 1) / 2
        light = x[:, 0]
        up, along = ((light * axis).sum(dim=(1, 2)) for axis in (side[:, None] ** 2, side[None, :] ** 2))
        across = (light * side[:, None] * side[None, :]).sum(dim=(1, 2))
        nothing = torch.zeros_like(up)
        return torch.stack([nothing, up - along, -2 * across, nothing], dim=1)


def draw_stripe(angle: float) -> torch.Tensor:
    """An elongated Gaussian (1, 33, 33) whose major axis is at this angle from up to the left."""
    side = torch.arange(33) - 16.0
    phi = np.radians(angle)
    along = -np.sin(phi) * side[None, :] + np.cos(phi) * side[:, None]
    across = np.cos(phi) * side[None, :] + np.sin(phi) * side[:, None]
    return torch.exp(-((along / 6) ** 2) / 2 - (across / 2) ** 2 / 2)[None].float()


@pytest.mark.truth("Error bars of angles", "scipy's circular scatter of drawn angles")
def test_the_error_bar_of_an_angle_is_the_circular_scatter_of_the_angles():
    """For directions on the circle, drawn with many widths, mean and variance of the components give the scatter."""
    random = np.random.default_rng(1)
    for width in (0.5, 5, 20, 40):
        drawn = random.normal(77, width, 200_000) % 180
        phase = np.exp(2j * np.radians(drawn))
        components = torch.tensor([[1.0, phase.real.mean(), phase.imag.mean(), 1.0]])
        sigma = torch.tensor([[0.3, phase.real.std(), phase.imag.std(), 0.1]])
        found = encoding.error_bars(TARGET, components, sigma)
        assert float(found[0, 1]) == pytest.approx(circstd(drawn, 180), rel=1e-3)
        assert found[0, [0, 2]].tolist() == pytest.approx([0.3, 0.1])
    unknown = encoding.error_bars(TARGET, torch.zeros(1, 4), torch.full((1, 4), 0.7))
    assert float(unknown[0, 1]) == pytest.approx(180 / 12**0.5)
    assert encoding.error_bars(TARGET, torch.zeros(1, 4), torch.zeros(1, 4)).isfinite().all()


def test_a_network_with_angles_comes_back_with_its_answers_and_error_bars(tmp_path):
    predictor = make_predictor(error_bars=True)
    predictor.views = ALL_VIEWS
    predictor.save(tmp_path / "best.safetensors")
    again, images = Predictor.load(tmp_path), torch.randn(5, 1, 16, 16)
    assert again.target == TARGET
    assert again.has_error_bars
    assert not make_predictor().has_error_bars
    scores, bars = again.scores_and_error_bars(images)
    assert scores.shape == bars.shape == (5, 3)
    assert all(map(torch.equal, predictor.scores_and_error_bars(images), (scores, bars)))
    assert ((scores[:, 1] >= 0) & (scores[:, 1] < 180)).all()
    turned, turned_bars = again.scores_and_error_bars(torch.rot90(images, 1, (2, 3)))
    assert torch.allclose(turned[:, ::2], scores[:, ::2], atol=1e-4)
    assert ((turned[:, 1] + 90 - scores[:, 1] + 90) % 180 - 90).abs().max() < 0.01
    assert torch.allclose(turned_bars, bars, atol=1e-3)


def test_a_network_with_other_quantities_continues_what_they_share():
    """Angle and ratio are continued, at other places and in other units of scatter; a plain angle is not."""
    base = make_predictor(error_bars=True)
    images = torch.randn(5, 1, 16, 16)
    new = Quantities(("position_angle", "size", "ratio"), ("deg", "pix", ""), (180.0, None, None))
    scale = heads.fit_output_scale(new, LABELS[:, [1, 0, 2]] * [1, 2, 3])
    network = transfer.prepare(base, (1, 16, 16), new, scale)
    continued = replace(base, network=network.eval(), target=new, output_scale=scale)
    found, before = continued.scores(images), base.scores(images)
    assert torch.allclose(found[:, [0, 2]], before[:, [1, 2]], atol=1e-3)
    assert transfer.matched_rows(TARGET, new) == {0: 1, 2: 2}
    assert transfer.matched_rows(PLAIN, new) == {2: 2}
    assert transfer.changed_encodings(PLAIN, new) == ["position_angle"]
    assert transfer.changed_encodings(TARGET, new) == []
