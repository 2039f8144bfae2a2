from __future__ import annotations

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from tolerances import peak_of, through

from core.data.target import Quantities
from core.errors import NotPossible, Stopped
from core.events import Progress, result_of
from core.explain.explained_output import select_output
from core.explain.faithfulness import deletion
from core.explain.faithfulness.deletion import DeletionCurves
from core.explain.faithfulness.settings import DeletionSettings
from core.nets.heads import OutputScale
from core.nets.predictor import Predictor


def curves(predictor, image, ranking, output=0, **knobs) -> DeletionCurves:
    settings = DeletionSettings(**{"smoothing": 0} | knobs)
    work = deletion.compute_curves(predictor, image, output, ranking, settings, threading.Event())
    return result_of(work)


@pytest.fixture
def quantity(linear) -> Predictor:
    """The linear network's outputs as quantities, which are a straight function of the pixels."""
    target = Quantities(("a", "b", "c"), ("", "", ""))
    return replace(linear, target=target, output_scale=OutputScale(torch.ones(3), torch.full((3,), 2.0)))


def shares(predictor: Predictor, image: np.ndarray) -> np.ndarray:
    """What each pixel (H, W) above the background gives to the first output, whose sum is positive."""
    impulses = 1024 * torch.eye(image.size).reshape(-1, *image.shape)
    with torch.no_grad():
        weights = predictor.scores(impulses)[:, 0] - predictor.scores(torch.zeros_like(impulses[:1]))[:, 0]
    level = select_output(predictor, image, 0).fill_values("background").numpy()[:, None, None]
    return (weights.reshape(image.shape).double().numpy() / 1024 * (image - level)).sum(axis=0)


def positive(predictor: Predictor, galaxy) -> tuple[np.ndarray, np.ndarray]:
    """An image whose light raises the first output, and the shares of its pixels."""
    image = galaxy((2, 12, 16))
    image *= np.sign(shares(predictor, image).sum())
    return image, shares(predictor, image)


@pytest.mark.truth("Deletion and insertion of a linear network", "the shares, written out")
@pytest.mark.parametrize("order", ["exact", "random"])
def test_of_a_linear_network_each_pixel_takes_its_share_away(quantity, galaxy, order) -> None:
    image, exact = positive(quantity, galaxy)
    ranking = exact if order == "exact" else np.random.default_rng(1).normal(size=exact.shape)
    found = curves(quantity, image, ranking, steps=192)
    gone = np.r_[0, exact.ravel()[np.argsort(-ranking.ravel())].cumsum()] / exact.sum()
    np.testing.assert_allclose(found.fractions, np.arange(193) / 192)
    # the scores are as large as this beside the difference that counts as one
    question = select_output(quantity, image, 0)
    rounded = through(quantity.network, peak_of(gone, question.score / exact.sum()), passes=2)
    np.testing.assert_allclose(found.deletion, 1 - gone, atol=rounded)
    np.testing.assert_allclose(found.insertion, gone, atol=rounded)
    np.testing.assert_allclose(found.insertion, 1 - found.deletion, atol=rounded)
    assert found.deletion_area == pytest.approx(np.trapezoid(1 - gone, dx=1 / 192), abs=rounded)


def test_no_order_deletes_a_linear_score_faster_than_the_exact_map(quantity, galaxy) -> None:
    image, exact = positive(quantity, galaxy)
    best = curves(quantity, image, exact)
    assert best.is_faithful
    assert not curves(quantity, image, -exact).is_faithful
    for seed in range(50):
        other = curves(quantity, image, np.random.default_rng(seed).random(exact.shape), rankings=1)
        assert best.deletion_area < other.deletion_area
        assert best.insertion_area > other.insertion_area


def test_the_probability_of_a_class_is_followed_as_a_plain_loop_finds(make, galaxy) -> None:
    predictor, image = make((3, 20, 25)), galaxy((3, 20, 25))
    ranking = image.sum(axis=0)
    found = curves(predictor, image, ranking, 2, steps=10, fill="noise", seed=5)
    cover = select_output(predictor, image, 2).baseline_image("noise", 5).numpy()
    order = np.argsort(-ranking.ravel())
    for curve, start, end in ((found.deletion, image, cover), (found.insertion, cover, image)):
        for count, probability in zip(range(0, 501, 50), curve, strict=True):
            mixed = start.copy().reshape(3, -1)
            mixed[:, order[:count]] = end.reshape(3, -1)[:, order[:count]]
            with torch.no_grad():
                expected = predictor.scores(torch.from_numpy(mixed.reshape(1, 3, 20, 25)))[0, 2].item()
            assert probability == pytest.approx(expected, abs=through(predictor.network))
    assert found.target_name == "spheroid"


def test_the_ends_are_the_image_and_the_empty_image_for_every_order(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    found = curves(predictor, image, image[0])
    explained = select_output(predictor, image, 0)
    with torch.no_grad():
        empty = predictor.scores(explained.baseline_image("background")[None])[0, 0].item()
    for curve in (found.deletion, found.random_deletion, found.insertion[::-1], found.random_insertion[::-1]):
        assert curve[0] == pytest.approx(explained.probability, abs=through(predictor.network))
        assert curve[-1] == pytest.approx(empty, abs=through(predictor.network))


@pytest.mark.truth("Areas under the curves", "the trapezoid rule")
@given(
    st.lists(st.floats(-5, 5), min_size=2, max_size=30).flatmap(
        lambda curve: st.tuples(st.just(curve), st.permutations(curve))
    )
)
def test_areas_are_those_of_trapezoids(pair: tuple[list[float], list[float]]) -> None:
    first, second = np.array(pair[0]), np.array(pair[1])
    found = DeletionCurves("disk", np.linspace(0, 1, len(first)), first, second, second, first)
    heights = [(low + high) / 2 for low, high in itertools.pairwise(first)]
    assert found.deletion_area == pytest.approx(sum(heights) / len(heights), abs=1e-9)
    assert found.deletion_area == found.random_insertion_area
    assert found.insertion_area == found.random_deletion_area
    assert found.is_faithful == (found.deletion_area < found.insertion_area)


def test_areas_of_known_curves() -> None:
    steps = np.linspace(0, 1, 101)
    found = DeletionCurves("disk", steps, np.ones(101), steps, 1 - steps, steps**2)
    areas = found.deletion_area, found.insertion_area, found.random_deletion_area, found.random_insertion_area
    np.testing.assert_allclose(areas, (1, 1 / 2, 1 / 2, 1 / 3), atol=1e-4)
    assert not found.is_faithful  # it falls later than by chance
    assert (
        found.sentence().startswith("It is not clear") and "1.00 on average (0.50 in random order)" in found.sentence()
    )


def test_the_same_seed_gives_the_same_numbers(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    flat = np.zeros((24, 24), np.float32)  # all pixels alike: their order is random too
    once, again, other = (curves(predictor, image, flat, seed=seed) for seed in (1, 1, 2))
    for name in ("deletion", "insertion", "random_deletion", "random_insertion"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
        assert not np.array_equal(getattr(once, name), getattr(other, name))


def test_pixels_that_are_not_a_number_go_last(quantity, galaxy) -> None:
    image, exact = positive(quantity, galaxy)
    holed = np.where(exact < np.quantile(exact, 0.5), np.nan, exact)
    whole, with_holes = curves(quantity, image, exact, steps=8), curves(quantity, image, holed, steps=8)
    exact = through(quantity.network, peak_of(whole.deletion))
    np.testing.assert_allclose(with_holes.deletion[:5], whole.deletion[:5], atol=exact)
    assert np.isfinite(with_holes.deletion).all()


def test_the_map_is_smoothed_before_its_pixels_are_put_in_order(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    ranking = np.random.default_rng(3).normal(size=(24, 24))
    found = curves(predictor, image, ranking, smoothing=2)
    expected = curves(predictor, image, gaussian_filter(ranking, 2, mode="nearest"))
    np.testing.assert_array_equal(found.deletion, expected.deletion)
    holed, nothing = ranking.copy(), ranking.copy()
    holed[5, 5], nothing[5, 5] = np.nan, 0
    blurred = gaussian_filter(nothing, 2, mode="nearest")  # what is not known gives nothing to its neighbours
    blurred[5, 5] = -np.inf
    found, expected = curves(predictor, image, holed, smoothing=2), curves(predictor, image, blurred)
    np.testing.assert_array_equal(found.deletion, expected.deletion)


def test_in_random_order_a_linear_score_goes_evenly(quantity, galaxy) -> None:
    image, exact = positive(quantity, galaxy)
    for block in (1, 3):
        found = curves(quantity, image, exact, rankings=300, steps=8, block=block)
        spread = np.abs(exact).sum() / exact.sum()
        np.testing.assert_allclose(found.random_deletion, 1 - found.fractions, atol=0.05 * spread)
        np.testing.assert_array_equal(found.random_insertion, found.random_deletion[::-1])


def test_a_quantity_that_no_galaxy_changes_has_no_curve(quantity) -> None:
    found = curves(quantity, np.full((2, 12, 16), 3.0, np.float32), np.zeros((12, 16)))
    assert np.isnan(found.deletion).all() and np.isnan(found.insertion_area) and not found.is_faithful


def test_it_reports_stops_and_says_what_does_not_fit(make, galaxy) -> None:
    predictor, image, stop = make((2, 24, 24)), galaxy((2, 24, 24)), threading.Event()
    settings = DeletionSettings(steps=10, rankings=2)
    events = list(deletion.compute_curves(predictor, image, 0, image[0], settings, stop))
    assert events[-1] == Progress(4 * 9, 4 * 9, "images")
    with pytest.raises(NotPossible, match="map is"):
        curves(predictor, image, image[0, 1:])
    stop.set()
    with pytest.raises(Stopped):
        list(deletion.compute_curves(predictor, image, 0, image[0], settings, stop))
