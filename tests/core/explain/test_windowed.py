from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tolerances import peak_of, through
from torch import nn

from core.explain import fused, reach, windowed
from core.explain.occluder import positions
from core.explain.reach import AxisStep

pools = st.lists(
    st.sampled_from([AxisStep(1, 1, 0), AxisStep(2, 2, 0), AxisStep(3, 2, 0), AxisStep(3, 3, 0), AxisStep(2, 1, 0)]),
    max_size=2,
)
convolutions = st.sampled_from(
    [AxisStep(1, 1, 0), AxisStep(3, 1, 1), AxisStep(5, 1, 2), AxisStep(7, 1, 3), AxisStep(3, 1, 0), AxisStep(5, 1, 1)]
)


def touched(
    stages: list[tuple[AxisStep, list[AxisStep]]], pixels: int, start: int, patch: int
) -> list[tuple[np.ndarray, ...]]:
    """Which responses after each convolution and stage look at the patch: by going through all of them."""
    found = []
    changed = np.zeros(pixels, bool)
    changed[start : start + patch] = True
    for convolution, steps in stages:
        between = None
        for step in (convolution, *steps):
            padded = np.pad(changed, step.padding)
            changed = np.array(
                [padded[i * step.stride : i * step.stride + step.kernel].any() for i in range(step.size(len(changed)))]
            )
            between = changed if between is None else between
        found.append((between, changed))
    return found


@given(
    st.lists(st.tuples(convolutions, pools), min_size=1, max_size=4),
    st.integers(8, 70),
    st.integers(1, 20),
    st.integers(1, 9),
)
def test_windows_hold_all_that_a_patch_can_change(
    stages: list[tuple[AxisStep, list[AxisStep]]], pixels: int, patch: int, stride: int
) -> None:
    size = pixels
    for convolution, steps in stages:
        for step in (convolution, *steps):
            if size + 2 * step.padding < step.kernel:
                return  # no such network
            size = step.size(size)
    patch, stride = min(patch, pixels), min(stride, patch)
    starts = positions(pixels, patch, stride)
    spans = reach.spans(stages, pixels, starts, patch)
    for number, start in enumerate(starts):
        for span, (between, after) in zip(spans, touched(stages, pixels, start, patch), strict=True):
            assert (span.between, span.after) == (len(between), len(after))
            changed, out = np.flatnonzero(between), np.flatnonzero(after)
            if len(changed):
                first = span.changed[number]
                assert first <= changed[0] and changed[-1] < first + span.changed_width
            if len(out):
                first = span.out[number]
                assert first <= out[0] and out[-1] < first + span.out_width
            assert span.out[number] >= 0 and span.out[number] + span.out_width <= span.after
            assert span.seen[number] >= 0 and span.seen[number] + span.seen_width <= span.between


@pytest.mark.parametrize("pooling", ["global", "flatten"])
@pytest.mark.parametrize(
    ("shape", "depth", "patch", "stride", "kernel", "activation"),
    [
        ((1, 45, 45), 1, 8, 3, 3, "gelu"),
        ((3, 61, 40), 2, 7, 2, 5, "prelu"),
        ((5, 33, 33), 5, 8, 8, 3, "leaky relu"),
        ((3, 64, 64), 4, 8, 2, 3, "relu"),
        ((2, 35, 35), 3, 5, 3, 3, "gelu"),
        ((1, 16, 16), 5, 16, 1, 7, "relu"),
    ],
)
def test_a_windowed_network_gives_what_the_whole_network_gives(
    make, galaxy, shape, depth, patch, stride, kernel, activation, pooling
) -> None:
    predictor = make(shape, depth=depth, kernel=kernel, activation=activation, pooling=pooling)
    scaled = predictor.normalisation(torch.from_numpy(galaxy(shape))[None])[0]
    cover = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    rows, columns = positions(shape[1], patch, stride), positions(shape[2], patch, stride)
    parts = reach.split_stages(fused.fuse_layers(predictor.network.features))
    assert parts is not None
    network, which = predictor.network, np.random.default_rng(0).permutation(len(rows) * len(columns))[:40]
    with torch.no_grad():
        windows = windowed.WindowedNetwork(parts, network.neck, network.head, scaled, cover, patch, rows, columns)
        covered = scaled.repeat(len(which), 1, 1, 1)
        for stamp, number in zip(covered, which, strict=True):
            top, left = rows[number // len(columns)], columns[number % len(columns)]
            stamp[:, top : top + patch, left : left + patch] = cover[:, top : top + patch, left : left + patch]
        expected = network(covered)
        exact = through(network, peak_of(expected))
        torch.testing.assert_close(windows.evaluate(which), expected, atol=exact, rtol=0)


def test_layers_before_the_first_convolution_and_without_normalisation_are_understood(make, galaxy) -> None:
    predictor = make((1, 32, 32), depth=2, normalise="none")
    features = nn.Sequential(nn.AvgPool2d(2), nn.ReLU(), *predictor.network.features)
    parts = reach.split_stages(fused.fuse_layers(features))
    assert parts is not None
    assert [part.convolution is None for part in parts] == [True, False, False]
    scaled, cover = torch.from_numpy(galaxy((1, 32, 32))), torch.full((1, 32, 32), 0.5)
    network = predictor.network
    network.features = features
    with torch.no_grad():
        found = windowed.WindowedNetwork(parts, network.neck, network.head, scaled, cover, 6, [3], [26]).evaluate(
            np.array([0])
        )
        scaled[:, 3:9, 26:32] = 0.5
        expected = network(scaled[None])
        torch.testing.assert_close(found, expected, atol=through(network, peak_of(expected)), rtol=0)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, padding=1, stride=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.MaxPool2d(3, padding=1),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.BatchNorm2d(4),
        nn.InstanceNorm2d(4),
        nn.Softmax2d(),
    ],
)
def test_layers_that_reach_further_than_is_known_are_refused(layer: nn.Module) -> None:
    assert reach.split_stages([nn.Conv2d(1, 4, 3, padding=1), nn.ReLU().eval(), layer]) is None


@pytest.mark.parametrize(("sign", "norms"), [(1, 0), (-1, 4)])
def test_a_folded_network_gives_the_same_outputs(make, galaxy, sign: int, norms: int) -> None:
    predictor = make((3, 40, 40), depth=4)
    for name, parameter in predictor.network.features.named_parameters():
        if name.endswith(tuple(f"norm{block}.weight" for block in range(1, 5))):
            parameter.data = parameter.data.abs()
            parameter.data[0] *= sign  # pooling does not let a negative factor through
    stamps = torch.from_numpy(np.stack([galaxy((3, 40, 40), seed) for seed in range(4)]))
    with torch.no_grad():
        expected = predictor.logits(stamps)
        exact = through(predictor.network, peak_of(expected))
        torch.testing.assert_close(fused.logits_of_physical(predictor)(stamps), expected, atol=exact, rtol=0)
    left = [module for module in fused.fuse_layers(predictor.network.features) if isinstance(module, nn.BatchNorm2d)]
    assert len(left) == norms


@pytest.mark.parametrize(("kind", "samplewise"), [("asinh", "none"), ("standard", "none"), ("asinh", "standard")])
def test_scaling_and_the_way_back_are_what_autograd_says(make, kind: str, samplewise: str) -> None:
    normalisation = make((2, 8, 8)).normalisation
    normalisation.kind, normalisation.samplewise = kind, samplewise
    if kind == "standard":  # as scaled values are limited without asinh
        normalisation.limit = torch.tensor([10.0, 500.0])
    images = torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(1)) * 10 ** torch.linspace(-3, 4, 8)
    images[0, 0, 0, 0] = normalisation.sky[0]  # where the compression is straight
    scaled, way_back = fused.scale_with_vjp(normalisation, images)
    own = images.requires_grad_()
    expected = normalisation(own)
    torch.testing.assert_close(scaled, expected, atol=1e-6, rtol=1e-6)
    signal = torch.randn(images.shape, generator=torch.Generator().manual_seed(2))
    (slopes,) = torch.autograd.grad(expected, own, signal)
    torch.testing.assert_close(way_back(signal), slopes, atol=1e-6, rtol=1e-5)
