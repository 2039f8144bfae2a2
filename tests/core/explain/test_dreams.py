from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits
from PIL import Image
from tolerances import through

from core.data.target import Quantities
from core.errors import NotANumber, NotPossible, Stopped
from core.events import Preview, Progress, result_of
from core.explain import activations, dreams
from core.explain.dream import Dream
from core.explain.settings import ClassDreamSettings, DeepDreamSettings
from core.nets.heads import OutputScale
from core.nets.normalisation import Normalisation

FREE = {"jitter": 0, "blur": 0, "galaxy_range": False, "galaxy_colours": False}


def class_dream(predictor, image, output=0, **knobs) -> Dream:
    return result_of(dreams.class_dream(predictor, image, output, ClassDreamSettings(**knobs), threading.Event()))


def deep_dream(predictor, image, output=None, **knobs) -> Dream:
    return result_of(dreams.deep_dream(predictor, image, output, DeepDreamSettings(**knobs), threading.Event()))


def scaled(predictor, image) -> np.ndarray:
    return predictor.normalisation(torch.from_numpy(image)[None])[0].numpy()


@pytest.fixture
def bare(linear):
    """The network without any bend, behind a scaling that is not the identity; and its weights (K, C, H, W)."""
    scaling = (torch.zeros(2), torch.ones(2), torch.tensor([3.0, -2.0]), torch.tensor([5.0, 10.0]))
    predictor = replace(linear, normalisation=Normalisation("standard", *scaling))
    impulses = torch.eye(2 * 12 * 16).reshape(-1, 2, 12, 16)
    with torch.no_grad():
        weights = linear.network(impulses) - linear.network(torch.zeros_like(impulses[:1]))
    return predictor, weights.T.reshape(-1, 2, 12, 16).numpy()


@pytest.mark.parametrize(
    ("smoothness", "start"),
    [
        pytest.param(0.0, "empty", marks=pytest.mark.slow),
        pytest.param(1.0, "noise", marks=pytest.mark.slow),
        (1.0, "galaxy"),
    ],
)
def test_on_a_linear_network_it_finds_the_maximum_in_closed_form(bare, galaxy, smoothness, start) -> None:
    predictor, weights = bare
    image = galaxy((2, 12, 16))
    penalty = float(np.sqrt(np.mean(weights[1] ** 2))) / 2  # the maximum has a root mean square of one
    knobs = FREE | {"smoothness": smoothness, "start": start, "steps": 600, "step": 0.15, "penalty": penalty}
    made = class_dream(predictor, image, 1, **knobs)
    edge = np.concatenate([image[:, 0], image[:, -1], image[:, 1:-1, 0], image[:, 1:-1, -1]], axis=1)
    empty = scaled(predictor, np.median(edge, axis=1)[:, None, None].astype(np.float32))
    expected = empty + weights[1] / (2 * penalty)
    np.testing.assert_allclose(scaled(predictor, made.image), expected, atol=0.01)


def test_the_score_rises_and_the_image_is_believed_more_in_the_end(make, galaxy) -> None:
    predictor, image = make((3, 32, 32)), galaxy((3, 32, 32))
    for output, name in enumerate(predictor.output_names):
        made = class_dream(predictor, image, output, **(FREE | {"jitter": 2}), steps=60, penalty=1e-6)
        quarters = made.curve.reshape(4, 15).mean(axis=1)
        assert (np.diff(quarters) > 0).all()
        assert made.target_name == made.output_name == name
        assert made.score_after > made.score_before
        assert made.probability_after > made.probability_before
        with torch.no_grad():
            score = predictor.logits(torch.from_numpy(made.image)[None])[0, output].item()
        assert made.score_after == pytest.approx(score, abs=through(predictor.network, score))


def test_a_larger_penalty_leaves_less_light(make, galaxy) -> None:
    predictor, image = make((1, 24, 24), activation="leaky relu"), galaxy((1, 24, 24))

    def light(penalty: float) -> float:
        made = class_dream(predictor, image, 0, **FREE, start="empty", steps=100, penalty=penalty)
        return float(np.square(scaled(predictor, made.image) - scaled(predictor, made.start)).sum())

    assert light(1e-5) > 2 * light(1e-3) > 4 * light(1e-1)


@pytest.mark.parametrize("wished", [2.5, pytest.param(6.0, marks=pytest.mark.slow)])
def test_a_wished_quantity_is_reached(make, galaxy, wished) -> None:
    scale = OutputScale(torch.tensor([3.0]), torch.tensor([2.0]))
    predictor = make((2, 24, 24), Quantities(("sersic_index",), ("",)), scale, activation="leaky relu")
    made = class_dream(
        predictor, galaxy((2, 24, 24)), **(FREE | {"wished": wished, "penalty": 0, "step": 0.1, "steps": 400})
    )
    assert made.score_after == pytest.approx(wished, abs=0.05)
    assert made.curve[-1] == pytest.approx(wished, abs=0.05)
    assert made.probability_after is None


def test_a_quantity_without_a_wish_becomes_larger(make, galaxy) -> None:
    scale = OutputScale(torch.tensor([3.0]), torch.tensor([2.0]))
    predictor = make((1, 24, 24), Quantities(("radius",), ("arcsec",)), scale, activation="leaky relu")
    made = class_dream(predictor, galaxy((1, 24, 24)), **FREE, steps=100, penalty=0)
    assert made.unit == "arcsec"
    assert made.score_after > made.score_before + 0.1


def test_a_wish_for_a_class_is_refused(make, galaxy) -> None:
    with pytest.raises(NotPossible, match="not a quantity"):
        class_dream(make((1, 24, 24)), galaxy((1, 24, 24)), wished=3.0)


def test_the_start_is_noise_like_the_sky_or_empty_or_the_galaxy(make) -> None:
    random = np.random.default_rng(3)
    image = np.stack([random.normal(10, 2, (40, 40)), random.normal(-5, 0.5, (40, 40))]).astype(np.float32)
    image[:, 15:25, 15:25] += 100
    predictor = make((2, 40, 40))
    started = {start: class_dream(predictor, image, start=start, steps=1).start for start in ("noise", "empty")}
    assert started["noise"].mean(axis=(1, 2)) == pytest.approx([10, -5], abs=0.5)
    assert started["noise"].std(axis=(1, 2)) == pytest.approx([2, 0.5], rel=0.2)
    assert np.ptp(started["empty"], axis=(1, 2)).max() == 0
    np.testing.assert_array_equal(class_dream(predictor, image, start="galaxy", steps=1).start, image)


def test_the_brightness_of_the_galaxy_is_not_exceeded(make, galaxy) -> None:
    predictor, image = make((2, 32, 32)), galaxy((2, 32, 32))
    for made in (class_dream(predictor, image, steps=30, step=1), deep_dream(predictor, image, steps=10, step=1)):
        assert (made.image.max(axis=(1, 2)) <= image.max(axis=(1, 2)) * 1.0001).all()
        assert (made.image.min(axis=(1, 2)) >= np.median(image, axis=(1, 2)) - 1).all()


@pytest.mark.parametrize("dream", [class_dream, deep_dream])
def test_the_same_seed_gives_the_same_image_whatever_else_is_drawn(make, galaxy, dream) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    before = torch.get_rng_state()
    first = dream(predictor, image, seed=4, steps=6)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    np.testing.assert_array_equal(dream(predictor, image, seed=4, steps=6).image, first.image)
    assert not np.array_equal(dream(predictor, image, seed=5, steps=6).image, first.image)


@pytest.mark.parametrize("dream", [class_dream, deep_dream])
@pytest.mark.parametrize("flag", [True, False])
def test_the_network_stays_as_it_is(make, galaxy, dream, flag) -> None:
    predictor = make((1, 24, 24), activation="prelu")
    predictor.network.requires_grad_(requires_grad=flag)
    before = {name: value.clone() for name, value in predictor.network.state_dict().items()}
    dream(predictor, galaxy((1, 24, 24)), steps=4)
    after = predictor.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(each.requires_grad is flag and each.grad is None for each in predictor.network.parameters())
    assert not any(module.training or module._forward_hooks for module in predictor.network.modules())


@pytest.mark.parametrize(("layer", "number"), [("", None), ("features.conv2", None), ("activation2", 3)])
def test_a_deep_dream_amplifies_the_layer_or_filter(make, galaxy, layer, number) -> None:
    predictor, image = make((3, 40, 33)), galaxy((3, 40, 33))
    made = deep_dream(predictor, image, layer=layer, filter=number, steps=10, step=0.1)
    name = layer.removeprefix("features.") or "activation3"
    assert made.target_name == (name if number is None else f"{name}, filter {number}")

    def strength(pixels: np.ndarray) -> float:
        found = activations.responses(predictor, torch.from_numpy(pixels)[None], name)[0]
        return float(found.square().mean() if number is None else found[number - 1].mean())

    assert strength(made.image) > 1.3 * strength(image)
    assert made.image.shape == made.start.shape == (3, 40, 33)
    np.testing.assert_array_equal(made.start, image)
    assert len(made.curve) == 40


def test_octaves_end_at_the_size_of_the_image_and_begin_where_the_layer_still_answers() -> None:
    settings = DeepDreamSettings(octaves=5, octave_ratio=2)
    assert dreams.octave_sizes(64, 48, settings, 8) == [(16, 12), (32, 24), (64, 48)]
    assert dreams.octave_sizes(9, 9, settings, 8) == [(9, 9)]


@pytest.mark.parametrize("shape", [(3, 33, 40), (1, 24, 24)])
def test_resampling_keeps_size_and_smooth_images(shape) -> None:
    y, x = np.mgrid[: shape[1], : shape[2]].astype(np.float32)
    smooth = torch.from_numpy(np.stack([np.sin(x / 6) + np.cos(y / 5)] * shape[0]))
    there = dreams.resize(smooth, (shape[1] * 2 // 3, shape[2] * 2 // 3))
    assert there.shape == (shape[0], shape[1] * 2 // 3, shape[2] * 2 // 3)
    back = dreams.resize(there, (shape[1], shape[2]))
    assert back.shape == smooth.shape
    assert float((back - smooth).abs().mean()) < 0.03
    assert dreams.resize(smooth, (shape[1], shape[2])) is smooth


def test_a_layer_or_filter_that_is_not_there_is_a_problem(make, galaxy) -> None:
    predictor, image = make((1, 24, 24)), galaxy((1, 24, 24))
    with pytest.raises(NotPossible, match="conv9"):
        deep_dream(predictor, image, layer="conv9")
    with pytest.raises(NotPossible, match="no filter 99"):
        deep_dream(predictor, image, layer="conv1", filter=99)


@pytest.mark.parametrize(
    ("dream", "settings"),
    [
        (dreams.class_dream, ClassDreamSettings(steps=20)),
        (dreams.deep_dream, DeepDreamSettings(steps=10, octaves=2)),
    ],
)
def test_it_is_seen_growing_and_can_be_stopped(make, galaxy, dream, settings) -> None:
    predictor, image, stop = make((2, 32, 32), pooling="flatten"), galaxy((2, 32, 32)), threading.Event()
    events = list(dream(predictor, image, 1, settings, stop, "NGC 1"))
    assert [event.done for event in events if isinstance(event, Progress)] == list(range(1, 21))
    grown = [event.what for event in events if isinstance(event, Preview)]
    assert [len(each.curve) for each in grown] == [8, 16]
    assert all(each.image.shape == (2, 32, 32) and each.galaxy_id == "NGC 1" for each in grown)
    assert not np.array_equal(grown[0].image, grown[1].image)
    work = dream(predictor, image, 1, settings, stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)


def test_growth_beyond_all_measure_is_a_problem(make, galaxy) -> None:
    with pytest.raises(NotANumber, match="has diverged"):
        class_dream(make((1, 24, 24)), galaxy((1, 24, 24)), **FREE, steps=200, step=10, penalty=0)


@pytest.mark.parametrize("bands", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(5, marks=pytest.mark.slow)])
def test_a_dream_is_kept_as_fits_and_drawn(make, galaxy, bands, tmp_path) -> None:
    predictor, image = make((bands, 24, 30)), galaxy((bands, 24, 30))
    made = replace(class_dream(predictor, image, 2, steps=8, smoothness=0.5), galaxy_id="M 51 à $3")
    made.save_fits(tmp_path / "dream.fits")
    with fits.open(tmp_path / "dream.fits") as file:
        np.testing.assert_array_equal(file[0].data, made.image)
        np.testing.assert_array_equal(file["START"].data, made.start)
        np.testing.assert_array_equal(file["CURVE"].data, made.curve)
        header = file[0].header
        assert (header["TARGET"], header["METHOD"], header["STEPS"]) == ("spheroid", "dream", 8)
        assert header["SMOOTHNE"] == 0.5
        assert header["SCORE"] == pytest.approx(made.score_after)
        assert "WISHED" in header and header["PROB"] == pytest.approx(made.probability_after)
    made.save_png(tmp_path / "dream.png")
    with Image.open(tmp_path / "dream.png") as picture:
        assert picture.size == (1200, 900)
        assert np.asarray(picture).std() > 10
