from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from scipy.ndimage import sobel
from torch.nn import functional

from core.data.target import Classes
from core.errors import NotANumber, Stopped
from core.events import Progress, Work, result_of
from core.explain import integrated_gradients
from core.explain.explanation import Explanation
from core.explain.faithfulness import sanity_check
from core.explain.faithfulness.sanity_check import SanityCheck
from core.explain.faithfulness.settings import SanityCheckSettings
from core.explain.settings import DeconvnetSettings, GradientSettings, OcclusionSettings
from core.nets.predictor import Predictor

SHAPE = (1, 24, 24)


def planted(count: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise images (n, 1, 24, 24), and in those of class 1 a bright square, always at the same place."""
    images, labels = torch.randn((count, *SHAPE), generator=random), torch.arange(count) % 2
    images[:, :, 4:10, 12:18] += 3.0 * labels[:, None, None, None]
    return images, labels


@pytest.fixture
def trained(make) -> Predictor:
    """A small network that has learned to see the square."""
    predictor = make(SHAPE, Classes("square", ("without", "with")), depth=2, channels=4, pooling="flatten", dropout=0.0)
    predictor.normalisation.kind = "standard"
    weights = list(predictor.network.requires_grad_().parameters())
    descent, random = torch.optim.Adam(weights, 3e-3), torch.Generator().manual_seed(1)
    for _ in range(60):
        images, labels = planted(32, random)
        descent.zero_grad()
        functional.cross_entropy(predictor.logits(images), labels).backward()
        descent.step()
    predictor.network.requires_grad_(requires_grad=False)
    images, labels = planted(200, random)
    assert (predictor.logits(images).argmax(dim=1) == labels).float().mean() > 0.95
    return predictor


@pytest.fixture
def image() -> np.ndarray:
    """With the square."""
    return planted(2, torch.Generator().manual_seed(7))[0][1].numpy()


def checked(predictor, image, method, knobs, **settings) -> SanityCheck:
    chosen = SanityCheckSettings(**settings)
    return result_of(sanity_check.check(predictor, image, None, method, knobs, chosen, threading.Event()))


def drawn(values: np.ndarray, is_signed: bool = True) -> Explanation:
    return Explanation("g", "edges", "with", values, 1.0, 0.0, None, GradientSettings(), is_signed=is_signed)


def test_gradients_of_a_trained_network_pass(trained, image) -> None:
    found = checked(trained, image, "integrated-gradients", GradientSettings())
    assert found.passed and found.similarity < 0.3
    assert found.sentence().startswith("The map tells of what was learned")


@pytest.mark.parametrize("is_signed", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_drawing_of_the_image_does_not_pass(trained, image, is_signed) -> None:
    edges = np.hypot(sobel(image[0], 0), sobel(image[0], 1))

    def explained(_network: Predictor) -> Work[Explanation]:
        yield Progress(1, 1)
        return drawn(edges, is_signed)

    found = result_of(
        sanity_check.compare_with_random_networks(trained, explained, SanityCheckSettings(), threading.Event())
    )
    assert found.similarity == pytest.approx(1) and not found.passed
    assert (
        found.sentence().startswith("The map tells little") and "by edges (rank correlation 1.00)" in found.sentence()
    )


def test_a_map_whose_sign_alone_is_the_networks_does_not_pass(trained, image) -> None:
    def explained(network: Predictor) -> Work[Explanation]:
        yield Progress(1, 1)
        sign = 1 if network is trained else (-1) ** round(float(network.network.head[-1].weight.sum()) * 1e6)
        return drawn(sign * image[0])

    found = result_of(
        sanity_check.compare_with_random_networks(
            trained, explained, SanityCheckSettings(networks=8), threading.Event()
        )
    )
    assert set(found.stages[-1].signed.round(6)) == {-1.0, 1.0}
    assert found.similarity == pytest.approx(1) and not found.passed


def test_strengths_at_other_places_do_not_resemble(trained, image) -> None:
    strength = np.abs(image[0])

    def explained(network: Predictor) -> Work[Explanation]:
        yield Progress(1, 1)
        return drawn(strength if network is trained else strength.max() - strength, is_signed=False)

    found = result_of(
        sanity_check.compare_with_random_networks(trained, explained, SanityCheckSettings(), threading.Event())
    )
    assert found.similarity == pytest.approx(-1, abs=1e-3) and found.passed


def test_layers_forget_from_the_head_down(make) -> None:
    network = make((2, 16, 16), depth=2, activation="prelu").network
    assert sanity_check.weight_groups(network) == [
        ["head.output"],
        ["head.dense", "head.activation"],
        ["features.conv2", "features.norm2", "features.activation2"],
        ["features.conv1", "features.norm1", "features.activation1"],
    ]


def test_in_the_cascade_a_pattern_stays_until_its_own_layers_forget(make, galaxy) -> None:
    """What a deconvnet shows of layer 1 has nothing to do with the layers behind it."""
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    knobs = DeconvnetSettings(layer="activation1", filter=1)
    found = checked(predictor, image, "deconvnet", knobs, cascade=True, networks=2)
    assert [stage.layer for stage in found.stages] == ["head.output", "head.dense", "conv3", "conv2", "conv1"]
    for stage in found.stages[:-1]:
        np.testing.assert_allclose(stage.signed, 1)
        np.testing.assert_allclose(stage.strength, 1)
    assert (np.abs(found.stages[-1].signed) < 0.999).all()


def test_the_cascade_ends_where_the_plain_check_is(trained, image) -> None:
    knobs = OcclusionSettings(patch=6, stride=6)
    plain = checked(trained, image, "occlusion", knobs)
    cascade = checked(trained, image, "occlusion", knobs, cascade=True)
    assert len(plain.stages) == 1 and len(cascade.stages) == 4
    np.testing.assert_array_equal(plain.stages[0].signed, cascade.stages[-1].signed)
    assert plain.similarity == pytest.approx(np.abs(plain.stages[0].signed).mean())
    assert len(set(plain.stages[0].signed)) == 3  # another network each time
    other = checked(trained, image, "occlusion", knobs, seed=100)
    assert not np.array_equal(plain.stages[0].signed, other.stages[0].signed)


def test_a_random_network_without_a_map_is_left_out(trained, image) -> None:
    def check(has_map: list[bool]) -> SanityCheck:
        asked = iter(has_map)

        def explained(network: Predictor) -> Work[Explanation]:
            yield Progress(1, 1)
            if network is not trained and not next(asked):
                raise NotANumber("The network's output for this image is not finite.")
            return drawn(image[0])

        settings = SanityCheckSettings(networks=len(has_map))
        return result_of(sanity_check.compare_with_random_networks(trained, explained, settings, threading.Event()))

    some = check([False, True, False])
    assert np.isfinite(some.stages[0].signed).tolist() == [False, True, False] and some.similarity == pytest.approx(1)
    none = check([False, False])
    assert np.isnan(none.similarity) and not none.passed and "cannot be checked" in none.sentence()


def test_a_problem_of_the_trained_network_is_told(trained, image) -> None:
    holed = image.copy()
    holed[0, 3, 3] = np.nan
    with pytest.raises(NotANumber):
        checked(trained, holed, "occlusion", OcclusionSettings())


def test_the_networks_weights_and_flags_stay(trained, image) -> None:
    before = {name: value.clone() for name, value in trained.network.state_dict().items()}
    random_state = torch.random.get_rng_state()
    first = result_of(integrated_gradients.explain(trained, image, None, GradientSettings(), threading.Event())).map
    checked(trained, image, "integrated-gradients", GradientSettings(), cascade=True, networks=1)
    assert all(torch.equal(before[name], value) for name, value in trained.network.state_dict().items())
    assert not trained.network.training and torch.equal(random_state, torch.random.get_rng_state())
    again = result_of(integrated_gradients.explain(trained, image, None, GradientSettings(), threading.Event())).map
    np.testing.assert_array_equal(first, again)


def test_it_stops_between_maps(trained, image) -> None:
    stop = threading.Event()
    knobs = OcclusionSettings(patch=6, stride=6)
    work = sanity_check.check(trained, image, None, "occlusion", knobs, SanityCheckSettings(networks=50), stop)
    while next(work) != Progress(1, 50, "maps"):
        pass
    stop.set()
    with pytest.raises(Stopped):
        next(work)
