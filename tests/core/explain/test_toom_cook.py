from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from core.explain.toom_cook import LONGEST, ToomCook


@pytest.mark.parametrize(
    ("window", "kernel"), [((4, 4), (3, 3)), ((6, 5), (3, 3)), ((1, 4), (1, 5)), ((2, 1), (2, 1)), ((4, 6), (5, 3))]
)
@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_products_are_convolutions_that_reach_beyond_the_window(window, kernel, kind, tolerance) -> None:
    random = torch.Generator().manual_seed(0)
    windows = torch.randn(*window, 7, 16, generator=random, dtype=torch.float64)
    weight = torch.randn(5, 16, *kernel, generator=random, dtype=torch.float64)
    down, across = kernel[0] - 1, kernel[1] - 1
    expected = functional.conv2d(windows.permute(2, 3, 0, 1), weight, None, 1, (down, across)).permute(2, 3, 0, 1)
    assert max(expected.shape[:2]) <= LONGEST
    found = torch.empty(expected.shape, dtype=kind)
    ToomCook(weight.to(kind), *window).convolve(windows.to(kind), found)
    assert (found - expected).abs().max() < tolerance * expected.abs().max()
