from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from tolerances import peak_of, through
from torch import nn

from core.data.target import Quantities, VoteFractions
from core.errors import NotANumber, NotPossible, SettingsProblem, Stopped
from core.events import Preview, Progress, result_of
from core.explain import activations, occlusion
from core.explain.explained_output import select_output
from core.explain.explanation import Explanation
from core.explain.settings import OcclusionSettings
from core.nets.heads import OutputScale
from core.nets.normalisation import border_pixels


def explained(predictor, image, output=None, **knobs) -> Explanation:
    return result_of(occlusion.explain(predictor, image, output, OcclusionSettings(**knobs), threading.Event()))


def captums(predictor, image, output, patch, stride, baseline) -> np.ndarray:
    """One band of Captum's map; all are equal."""
    window, step = (image.shape[0], patch, patch), (image.shape[0], stride, stride)
    with torch.no_grad():
        found = Occlusion(predictor.logits).attribute(
            torch.from_numpy(image)[None], window, step, baselines=baseline, target=output, perturbations_per_eval=8
        )
    return found[0, 0].numpy()


def rounding(predictor, found, expected) -> float:
    """Of differences of scores; the scores before any scale of the outputs."""
    return through(predictor.network, peak_of(found.score, found.baseline_score, expected))


@pytest.mark.truth("Occlusion", "Captum")
@pytest.mark.parametrize(
    ("shape", "patch", "stride"),
    [((1, 45, 45), 8, 3), ((3, 40, 61), 7, 7), ((5, 32, 32), 8, 2), ((3, 33, 33), 5, 4), ((1, 20, 20), 20, 6)],
)
@pytest.mark.parametrize("pooling", ["global", "flatten"])
def test_values_are_those_of_captum(make, galaxy, shape, patch, stride, pooling) -> None:
    predictor, image = make(shape, pooling=pooling), galaxy(shape)
    found = explained(predictor, image, 1, patch=patch, stride=stride, fill="zero")
    expected = captums(predictor, image, 1, patch, stride, 0.0)
    assert found.map.dtype == np.float32
    np.testing.assert_allclose(found.map, expected, atol=rounding(predictor, found, expected))


def test_a_network_of_unknown_layers_is_explained_the_long_way(make, galaxy) -> None:
    predictor, image = make((2, 24, 24), depth=2), galaxy((2, 24, 24))
    predictor.network.features.append(nn.Softmax2d())
    found = explained(predictor, image, 0, patch=6, stride=4, fill="zero")
    expected = captums(predictor, image, 0, 6, 4, 0.0)
    np.testing.assert_allclose(found.map, expected, atol=rounding(predictor, found, expected))


@pytest.mark.truth("Occlusion of a linear network", "the sum under the square, written out")
def test_of_a_linear_network_the_map_is_the_sum_of_weight_times_change_under_the_patch(linear, galaxy) -> None:
    image = galaxy((2, 12, 16))
    impulses = torch.eye(2 * 12 * 16).reshape(-1, 2, 12, 16)
    with torch.no_grad():
        weights = (linear.logits(impulses) - linear.logits(torch.zeros_like(impulses[:1])))[:, 2]
    share = (weights.reshape(2, 12, 16).numpy() * image).sum(axis=0)  # fill is zero
    expected = share.reshape(3, 4, 4, 4).sum(axis=(1, 3)).repeat(4, axis=0).repeat(4, axis=1)
    # weights found from outputs, which are larger than they
    exact = through(linear.network, peak_of(linear.logits(impulses)) * peak_of(image))
    found = explained(linear, image, 2, patch=4, stride=4, fill="zero")
    np.testing.assert_allclose(found.map, expected, atol=exact)


def test_the_map_peaks_where_the_evidence_was_planted(make) -> None:
    """One filter passes on what is brighter than 5; the first class counts it, the second counts against."""
    predictor = make((1, 40, 40), depth=1, channels=4, dense=0, normalise="none")
    predictor.normalisation.kind = "standard"
    predictor.normalisation.knee.fill_(1)
    convolution, output = predictor.network.features[0], predictor.network.head.output
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[0, 0, 1, 1] = 1
        convolution.bias.fill_(-5)
        output.weight.copy_(torch.tensor([[1.0, 0, 0, 0], [-1.0, 0, 0, 0], [0, 0, 0, 0]]))
    image = np.random.default_rng(0).uniform(0, 4, (1, 40, 40)).astype(np.float32)
    image[0, 8:12, 30:34] = 50
    for name, sign in (("disk", 1), ("edge-on", -1)):
        found = explained(predictor, image, name, patch=4, stride=1)
        assert (sign * found.map).min() >= 0
        assert np.unravel_index((sign * found.map).argmax(), (40, 40)) in {(y, x) for y in (9, 10) for x in (31, 32)}
        elsewhere = found.map.copy()
        elsewhere[5:15, 27:37] = 0
        assert np.abs(elsewhere).max() == 0
    assert explained(predictor, image, "spheroid", patch=4, stride=1).map.any() == 0


def test_a_coarse_map_of_the_whole_image_comes_first(make, galaxy) -> None:
    predictor, image = make((3, 48, 48)), galaxy((3, 48, 48))
    events = list(occlusion.explain(predictor, image, 0, OcclusionSettings(), threading.Event()))
    kinds = [type(event) for event in events]
    assert kinds.count(Preview) == 1
    before = events[kinds.index(Preview) - 1]
    assert isinstance(before, Progress) and before.total == 21 * 21 and before.done <= before.total / 10
    coarse = events[kinds.index(Preview)].what
    assert isinstance(coarse, Explanation) and np.isfinite(coarse.map).all()
    fine = explained(predictor, image, 0).map
    assert np.corrcoef(coarse.map.ravel(), fine.ravel())[0, 1] > 0.7
    assert events[-1] == Progress(441, 441, "positions")


def test_between_the_first_positions_lie_straight_lines() -> None:
    rows, columns = occlusion.coarse_positions(20), occlusion.coarse_positions(7)
    assert rows[0] == 0 and rows[-1] == 19 and np.diff(rows).max() <= 8 and list(columns) == [0, 6]
    assert list(occlusion.coarse_positions(1)) == [0]
    plane = 3.0 * np.arange(20)[:, None] - np.arange(7)
    np.testing.assert_allclose(occlusion.interpolate(plane[np.ix_(rows, columns)], rows, columns), plane, atol=1e-12)


def test_it_stops_between_chunks(make, galaxy) -> None:
    stop = threading.Event()
    work = occlusion.explain(make((1, 64, 64)), galaxy((1, 64, 64)), 0, OcclusionSettings(stride=1), stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)


def test_the_score_is_the_output_before_the_softmax_and_the_probability_is_told_too(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    with torch.no_grad():
        outputs = predictor.logits(torch.from_numpy(image)[None])[0]
    found = explained(predictor, image)
    best = int(outputs.argmax())
    assert found.target_name == predictor.output_names[best]
    exact = through(predictor.network, peak_of(outputs))
    assert found.score == pytest.approx(outputs[best].item(), abs=exact)
    assert found.probability == pytest.approx(outputs.softmax(0)[best].item(), abs=exact)
    assert found.unit == ""


def test_a_quantity_is_explained_in_its_unit(make, galaxy) -> None:
    target = Quantities(("radius", "axis_ratio"), ("arcsec", ""))
    scale = OutputScale(torch.tensor([3.0, 0.5]), torch.tensor([2.0, 0.1]))
    predictor, image = make((1, 24, 24), target, scale), galaxy((1, 24, 24))
    found = explained(predictor, image, "radius", fill="zero")
    with torch.no_grad():
        score = predictor.scores(torch.from_numpy(image)[None])[0, 0].item()
    assert found.score == pytest.approx(score, abs=through(predictor.network, score))
    assert found.unit == "arcsec" and found.probability is None
    expected = 2 * captums(predictor, image, 0, 8, 2, 0.0)
    np.testing.assert_allclose(found.map, expected, atol=rounding(predictor, found, expected))


def test_vote_fractions_are_explained_like_classes(make, galaxy) -> None:
    predictor = make((1, 24, 24), VoteFractions(("smooth", "featured")))
    found = explained(predictor, galaxy((1, 24, 24)), "featured")
    assert found.target_name == "featured" and 0 < (found.probability or 0) < 1


@pytest.mark.parametrize("fill", ["background", "mean", "zero", "noise"])
def test_an_image_that_equals_its_cover_has_an_empty_map(make, fill) -> None:
    image = np.full((2, 24, 24), 0.0 if fill == "zero" else 7.0, np.float32)
    predictor = make((2, 24, 24))
    found = explained(predictor, image, fill=fill)
    exact = through(predictor.network, found.score)
    assert np.abs(found.map).max() <= exact
    assert found.score == pytest.approx(found.baseline_score, abs=exact)


def test_covering_with_the_background_uses_the_border_of_each_band(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24)) + np.float32([[[10]], [[20]]])
    border = np.ones((24, 24), bool)
    border[1:-1, 1:-1] = False
    level = torch.tensor(np.median(image[:, border], axis=1))[None, :, None, None]
    expected, found = captums(predictor, image, 0, 8, 2, level), explained(predictor, image, 0)
    np.testing.assert_allclose(found.map, expected, atol=rounding(predictor, found, expected))


def test_covering_with_noise_shows_pixels_of_the_border(make, galaxy) -> None:
    predictor, image = make((3, 24, 28)), galaxy((3, 24, 28)) + np.float32([[[10]], [[20]], [[30]]])
    image[:, 0, 5:8] += 1000  # a neighbour
    chosen = select_output(predictor, image, 0)
    noise = chosen.baseline_image("noise", seed=3)
    assert noise.shape == image.shape and noise.max() < 100
    edge = {tuple(pixel) for pixel in border_pixels(image[None])[0].T}
    drawn = {tuple(pixel) for pixel in noise.numpy().reshape(3, -1).T}
    assert drawn < edge and len(drawn) > 60
    assert torch.equal(noise, chosen.baseline_image("noise", seed=3))
    assert not torch.equal(noise, chosen.baseline_image("noise", seed=4))
    expected = captums(predictor, image, 0, 8, 2, noise[None])
    found = explained(predictor, image, 0, fill="noise", seed=3)
    np.testing.assert_allclose(found.map, expected, atol=rounding(predictor, found, expected))
    with torch.no_grad():
        score = predictor.logits(noise[None])[0, 0].item()
    assert found.baseline_score == pytest.approx(score, abs=through(predictor.network, score))


@pytest.mark.truth("Occlusion of layers and filters", "a plain loop over positions")
@pytest.mark.parametrize("response", ["mean", "maximum"])
@pytest.mark.parametrize(
    ("layer", "number"), [("activation3", None), ("conv2", 5), ("pool1", 1), ("norm2", None), ("odd", 3)]
)
def test_the_response_of_a_layer_or_filter_falls_as_a_plain_loop_finds(make, galaxy, layer, number, response) -> None:
    predictor, image = make((2, 27, 24)), galaxy((2, 27, 24))
    predictor.network.features.add_module("odd", nn.Softmax2d())  # of a kind that is not understood
    filters = slice(None) if number is None else slice(number - 1, number)

    def responses(stamps: torch.Tensor) -> torch.Tensor:
        of_layer = activations.responses(predictor, stamps, layer)[:, filters]
        return of_layer.mean(dim=(1, 2, 3)) if response == "mean" else of_layer.amax(dim=(1, 2, 3))

    found = explained(predictor, image, patch=7, stride=5, fill="noise", layer=layer, filter=number, response=response)
    cover, stamp = select_output(predictor, image).baseline_image("noise"), torch.from_numpy(image)[None]
    whole, total, count = responses(stamp), np.zeros((27, 24)), np.zeros((27, 24))
    for top in range(0, 21, 5):
        for left in range(0, 21, 5):
            square = (..., slice(top, top + 7), slice(left, left + 7))
            hidden = stamp.clone()
            hidden[square] = cover[square]
            total[square] += float(whole - responses(hidden))
            count[square] += 1
    of_cover = responses(cover[None]).item()
    exact = through(predictor.network, peak_of(activations.responses(predictor, torch.stack([stamp[0], cover]), layer)))
    np.testing.assert_allclose(found.map, total / count, atol=exact)
    assert found.score == pytest.approx(whole.item(), abs=exact)
    assert found.baseline_score == pytest.approx(of_cover, abs=exact)
    assert found.probability is None and found.unit == ""
    whose = layer if number is None else f"{layer}, filter {number}"
    assert found.target_name == f"{response} response of {whose}"


def test_the_film_shows_each_position_in_order_and_its_score(make, galaxy) -> None:
    predictor, image = make((2, 20, 25)), galaxy((2, 20, 25))
    settings = OcclusionSettings(patch=6, stride=6, fill="zero")
    events = list(occlusion.explain_frame_by_frame(predictor, image, 1, settings, threading.Event()))
    film = [event.what for event in events if isinstance(event, Preview)]
    assert [(frame.row, frame.column) for frame in film] == [
        (row, column) for row in (0, 6, 12, 18) for column in (0, 6, 12, 18, 24)
    ]
    for frame in film:
        expected = image.copy()
        expected[:, frame.row : frame.row + 6, frame.column : frame.column + 6] = 0
        np.testing.assert_array_equal(frame.image, expected)
    with torch.no_grad():
        scores = predictor.logits(torch.from_numpy(np.stack([frame.image for frame in film])))[:, 1]
    exact = through(predictor.network, peak_of(scores))
    np.testing.assert_allclose([frame.score for frame in film], scores, atol=exact)


def test_the_film_stops_between_frames(make, galaxy) -> None:
    stop = threading.Event()
    film = occlusion.explain_frame_by_frame(make((1, 24, 24)), galaxy((1, 24, 24)), 0, OcclusionSettings(), stop)
    next(film)
    stop.set()
    with pytest.raises(Stopped):
        next(film)


def test_what_makes_no_sense_is_said_in_a_sentence(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    with pytest.raises(NotPossible, match="no output “barred”"):
        explained(predictor, image, "barred")
    with pytest.raises(NotPossible, match="2 bands"):
        explained(predictor, image[:1])
    with pytest.raises(SettingsProblem, match="larger than the image"):
        explained(predictor, image, patch=30)
    with pytest.raises(NotPossible, match="no maps of a layer “conv9”"):
        explained(predictor, image, layer="conv9")
    with pytest.raises(NotPossible, match="no filter 99"):
        explained(predictor, image, layer="conv2", filter=99)
    image[0, 3, 3] = np.nan
    with pytest.raises(NotANumber, match="NaN"):
        explained(predictor, image)
    with pytest.raises(ValueError, match="stride must not be larger"):
        OcclusionSettings(patch=4, stride=5)
    with pytest.raises(ValueError, match="a filter needs a layer"):
        OcclusionSettings(filter=3)


def test_the_network_is_left_as_it_was(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    before = {name: value.clone() for name, value in predictor.network.state_dict().items()}
    explained(predictor, image)
    assert all(torch.equal(before[name], value) for name, value in predictor.network.state_dict().items())
    assert torch.is_grad_enabled()
