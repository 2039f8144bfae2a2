import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
import safetensors.torch
import torch

from core.data.target import Classes, Quantities
from core.errors import NotPossible, UnreadableFile, WrongVersion
from core.explain import explained_output
from core.nets import cnn, heads, normalisation
from core.nets.calibration import ErrorBarCalibration
from core.nets.heads import OutputScale
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.nets.training_range import fit_training_range


def _predictor(target=None, pooling="global", bands=("g", "r", "i"), error_bars=False):
    target = target or Classes("kind", ("disk", "edge-on", "sphéroïde"))
    outputs = heads.output_count(target, error_bars=error_bars)
    shape = (len(bands), 32, 32)
    network = cnn.build(NetworkSettings(depth=3, channels=8, pooling=pooling), shape, outputs)
    network(torch.randn(8, *shape))  # so that the batch statistics are not the first ones
    network.eval().requires_grad_(False)
    images = np.random.default_rng(0).normal(5, 2, (20, *shape)).astype(np.float32)
    scaling = normalisation.fit(images, "asinh")
    scale = OutputScale(torch.tensor([3.0, 0.5]), torch.tensor([2.0, 0.1])) if isinstance(target, Quantities) else None
    return Predictor(network, scaling, target, bands, shape, 0.396, scale, {"run": "one", "epoch": 7})


@pytest.mark.parametrize("target", [None, Quantities(("radius", "ratio"), ("arcsec", ""))])
def test_a_saved_predictor_comes_back_with_the_same_scores_and_names(tmp_path, target):
    predictor = _predictor(target)
    path = tmp_path / "best.safetensors"
    predictor.save(path)
    again = Predictor.load(path)
    images = torch.randn(5, 3, 32, 32)
    assert torch.equal(again.scores(images), predictor.scores(images))
    assert (again.target, again.bands, again.stamp_shape) == (predictor.target, predictor.bands, predictor.stamp_shape)
    assert (again.pixel_scale, again.card) == (0.396, {"run": "one", "epoch": 7})
    assert not again.network.training
    assert Predictor.load(tmp_path).output_names == predictor.output_names
    again.save(tmp_path / "twice.safetensors")
    assert (tmp_path / "twice.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("error_bars", [False, True])
def test_averaged_answers_are_the_same_however_a_galaxy_is_turned_or_mirrored(tmp_path, error_bars):
    predictor = _predictor(
        Quantities(("radius", "ratio"), ("arcsec", "")) if error_bars else None, error_bars=error_bars
    )
    predictor.views = tuple(itertools.product((False, True), range(4)))
    predictor.save(tmp_path / "best.safetensors")
    again, images = Predictor.load(tmp_path), torch.randn(4, 3, 32, 32)
    scores, bars = again.scores_and_error_bars(images)
    for seen in (images.flip(2), images.flip(3), torch.rot90(images, 1, (2, 3)), images.transpose(2, 3)):
        others, other_bars = again.scores_and_error_bars(seen)
        assert torch.allclose(others, scores, atol=1e-5)
        assert bars is None or torch.allclose(other_bars, bars, atol=1e-5)
    plain = _predictor(predictor.target, error_bars=error_bars)
    assert not torch.allclose(plain.scores(images.flip(2)), plain.scores(images), atol=1e-4)
    asked = explained_output.select_output(again, images[0], again.output_names[1])
    assert (
        asked.probability is None if error_bars else asked.probability == pytest.approx(scores[0, 1].item(), rel=1e-4)
    )
    assert asked.outputs == pytest.approx(again.logits(images[:1]).numpy(), rel=1e-4), "maps explain it as it stands"


def test_error_bars_are_kept_and_do_not_change_what_is_explained(tmp_path):
    predictor = _predictor(Quantities(("radius", "ratio"), ("arcsec", "")), error_bars=True)
    predictor.save(tmp_path / "best.safetensors")
    again, images = Predictor.load(tmp_path), torch.randn(5, 3, 32, 32)
    scores, bars = again.scores_and_error_bars(images)
    outputs = predictor.logits(images)
    assert outputs.shape == (5, 4)
    assert torch.allclose(scores, torch.tensor([3.0, 0.5]) + torch.tensor([2.0, 0.1]) * outputs[:, :2])
    sigma = torch.tensor([2.0, 0.1]) * torch.exp(5 * torch.tanh(outputs[:, 2:] / 5))
    assert torch.allclose(bars, sigma)
    assert _predictor().scores_and_error_bars(images)[1] is None
    asked = explained_output.select_output(again, images[0], "ratio")
    assert asked.score == pytest.approx(float(scores[0, 1]), rel=1e-5)


def test_a_file_of_before_there_were_error_bars_is_read(tmp_path):
    path, predictor = tmp_path / "best.safetensors", _predictor()
    predictor.save(path)
    with safetensors.safe_open(path, framework="pt") as file:
        plan = json.loads(file.metadata()["tuning_fork"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del plan["outputs"]
    path.write_bytes(safetensors.torch.save(tensors, {"tuning_fork": json.dumps(plan)}))
    images = torch.randn(5, 3, 32, 32)
    assert torch.equal(Predictor.load(path).scores(images), predictor.scores(images))


def _measuring() -> Predictor:
    predictor = _predictor(Quantities(("radius", "ratio"), ("arcsec", "")), error_bars=True)
    predictor.calibration = ErrorBarCalibration((0.5, 3.0), (0.1, 0.2), 50)
    images = torch.randn(8, 3, 32, 32).numpy()
    labels = np.ones((8, 2), np.float32)
    predictor.training_range = fit_training_range(images, predictor.bands, predictor.target, labels, np.full(8, 0.2))
    predictor.zero_points = (25.0, None, 27.5)
    return predictor


def test_calibration_training_range_and_zero_points_are_kept(tmp_path):
    predictor, images = _measuring(), torch.randn(5, 3, 32, 32)
    predictor.save(tmp_path / "best.safetensors")
    again = Predictor.load(tmp_path)
    assert again.calibration == predictor.calibration and again.training_range == predictor.training_range
    assert again.zero_points == predictor.zero_points
    bars = again.scores_and_error_bars(images)[1]
    unscaled = dataclasses.replace(again, calibration=None).scores_and_error_bars(images)[1]
    assert bars is not None and unscaled is not None
    assert torch.allclose(bars, unscaled * torch.tensor([0.5, 3.0]))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("calibration", {"factors": [1.0], "uncertainties": [0.1], "galaxies": 9}, "1 factors"),
        ("calibration", {"factors": [1.0, -2.0], "uncertainties": [0.1, 0.1], "galaxies": 9}, "factors"),
        ("calibration", {"factors": [1.0, math.nan], "uncertainties": [0.1, 0.1], "galaxies": 9}, "factors"),
        ("zero_points", [25.0], "1 zero points of 3 bands"),
        ("training_range", {"galaxies": 1, "quantities": {}, "images": {}, "pixel_scale": None}, "0 ranges"),
        ("training_range", {"galaxies": 1, "quantities": {"radius": [1]}, "images": {}, "pixel_scale": None}, "radius"),
    ],
)
def test_damaged_factors_ranges_and_zero_points_are_refused_when_the_file_is_opened(tmp_path, key, value, words):
    path = tmp_path / "best.safetensors"
    _measuring().save(path)
    with safetensors.safe_open(path, framework="pt") as file:
        plan = json.loads(file.metadata()["tuning_fork"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    plan[key] = value
    path.write_bytes(safetensors.torch.save(tensors, {"tuning_fork": json.dumps(plan)}))
    with pytest.raises(UnreadableFile) as told:
        Predictor.load(path)
    assert words in str(told.value)


def test_probabilities_add_up_to_one_and_follow_the_images_gradient():
    predictor = _predictor()
    images = torch.randn(4, 3, 32, 32, requires_grad=True)
    scores = predictor.scores(images)
    assert torch.allclose(scores.sum(1), torch.ones(4))
    scores[:, 0].sum().backward()
    assert images.grad.abs().sum() > 0


def test_an_unknown_pixel_scale_survives(tmp_path):
    predictor = _predictor()
    predictor.pixel_scale = math.nan
    predictor.save(tmp_path / "p.safetensors")
    assert math.isnan(Predictor.load(tmp_path / "p.safetensors").pixel_scale)
    assert predictor.check(("g", "r", "i"), (3, 32, 32), 0.2) == []


def test_files_that_hold_no_network_are_told_apart(tmp_path):
    missing, text, foreign, torn = (tmp_path / name for name in ("missing", "text", "foreign", "torn"))
    text.write_text("<html>404</html>")
    safetensors.torch.save_file({"weight": torch.zeros(2)}, foreign)
    _predictor().save(torn)
    torn.write_bytes(torn.read_bytes()[:-100])
    for path, words in (
        (missing, "no such"),
        (text, "not a whole safetensors file"),
        (foreign, "not written by this program"),
        (torn, "not a whole safetensors file"),
    ):
        with pytest.raises(UnreadableFile, match=words) as caught:
            Predictor.load(path)
        assert caught.value.where == str(path)


def _saved(path):
    """The tensors and the plan of a predictor that is saved there."""
    _predictor().save(path)
    with safetensors.safe_open(path, "pt") as file:
        return safetensors.torch.load_file(path), json.loads(file.metadata()["tuning_fork"])


def test_more_views_than_there_are_turns_and_mirror_images_are_refused(tmp_path):
    path = tmp_path / "p.safetensors"
    tensors, plan = _saved(path)
    safetensors.torch.save_file(tensors, path, {"tuning_fork": json.dumps(plan | {"views": [[False, 0]] * 9})})
    with pytest.raises(UnreadableFile, match="views") as caught:
        Predictor.load(path)
    assert caught.value.where == str(path)


def test_a_newer_format_and_missing_weights_are_refused(tmp_path):
    path = tmp_path / "p.safetensors"
    tensors, plan = _saved(path)
    safetensors.torch.save_file(tensors, path, {"tuning_fork": json.dumps(plan | {"format": 99})})
    with pytest.raises(WrongVersion):
        Predictor.load(path)
    del tensors["network.head.output.bias"]
    safetensors.torch.save_file(tensors, path, {"tuning_fork": json.dumps(plan)})
    with pytest.raises(UnreadableFile, match="cannot be read"):
        Predictor.load(path)


def test_other_bands_sizes_and_scales_are_warned_of_or_refused():
    predictor = _predictor()
    assert predictor.check(("g", "r", "i"), (3, 32, 32), 0.4) == []
    with pytest.raises(NotPossible, match="3 bands"):
        predictor.check(("g",), (1, 32, 32), 0.4)
    assert "bands are" in predictor.check(("i", "r", "g"), (3, 32, 32), 0.4)[0].sentence
    assert "48 × 40 pixels" in predictor.check(("g", "r", "i"), (3, 40, 48), 0.4)[0].sentence
    assert "0.2 arcsec/pixel" in predictor.check(("g", "r", "i"), (3, 32, 32), 0.2)[0].sentence
    with pytest.raises(NotPossible, match="too small"):
        predictor.check(("g", "r", "i"), (3, 3, 3), 0.4)
    with pytest.raises(NotPossible):
        _predictor(pooling="flatten").check(("g", "r", "i"), (3, 40, 40), 0.4)
