import numpy as np
import pytest
import torch

from core.data.target import Quantities, VoteFractions
from core.nets import heads


def test_vote_fractions_are_shares():
    shares = torch.tensor([[0.25, 0.75]])
    assert torch.allclose(heads.apply_activation(VoteFractions(("smooth", "disk")), torch.log(shares)), shares)


def test_quantities_come_back_in_their_units():
    target = Quantities(("radius", "ratio"), ("arcsec", ""))
    labels = np.array([[1.0, 0.2], [3.0, 0.4], [8.0, 0.9]], np.float32)
    scale = heads.fit_output_scale(target, labels)
    standardised = scale.standardise(torch.from_numpy(labels))
    assert torch.allclose(standardised.mean(0), torch.zeros(2), atol=1e-6)
    assert torch.allclose(standardised.std(0, unbiased=False), torch.ones(2), atol=1e-6)
    assert torch.allclose(heads.apply_activation(target, standardised, scale), torch.from_numpy(labels))


def test_error_bars_come_back_in_their_units_and_stay_within_bounds():
    scale = heads.OutputScale(torch.tensor([10.0, 1.0]), torch.tensor([2.0, 0.5]))
    outputs = torch.tensor([[1.0, -1.0, 0.1, 0.0], [0.0, 0.0, 1e6, -1e6]])
    target = Quantities(("radius", "ratio"), ("arcsec", ""))
    assert torch.allclose(heads.apply_activation(target, outputs, scale)[0], torch.tensor([12.0, 0.5]))
    bars = heads.error_bars(target, outputs, scale)
    assert torch.allclose(bars[0], torch.tensor([2 * np.exp(0.1), 0.5]).float(), rtol=1e-3)
    assert bars[1].tolist() == pytest.approx([2 * np.exp(5), 0.5 * np.exp(-5)])
    assert (heads.output_count(target), heads.output_count(target, error_bars=True)) == (2, 4)
