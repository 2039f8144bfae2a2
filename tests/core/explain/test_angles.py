"""Maps and dreams of an angle, which is two outputs of the network."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.nddata import CCDData

from core.data.target import Quantities
from core.events import result_of
from core.explain import dreams, integrated_gradients
from core.explain.explained_output import select_output
from core.explain.faithfulness import deletion
from core.explain.faithfulness.settings import DeletionSettings
from core.explain.settings import ClassDreamSettings, GradientSettings
from core.nets.heads import OutputScale
from core.nets.predictor import Predictor

TARGET = Quantities(("size", "pa"), ("pix", "deg"), (None, 180.0))


@pytest.fixture
def angled(linear) -> Predictor:
    """The linear network's three outputs as a size, and cosine and sine of an angle."""
    return replace(linear, target=TARGET, output_scale=OutputScale(torch.zeros(3), torch.full((3,), 0.5)))


def test_what_is_explained_is_the_outputs_part_along_the_predicted_angle(angled, galaxy) -> None:
    image = galaxy((2, 12, 16))
    explained = select_output(angled, image, "pa")
    found = 0.5 * angled.logits(torch.from_numpy(image)[None])[0, 1:]
    assert explained.score == pytest.approx(math.hypot(*found.tolist()), rel=1e-5)
    assert explained.angle == pytest.approx(float(angled.scores(torch.from_numpy(image)[None])[0, 1]), abs=1e-3)
    assert explained.unit == f"towards {explained.angle:.3g} deg"
    turned = torch.tensor([[0.0, -2 * found[1], 2 * found[0]], [0, -2 * found[0], -2 * found[1]]])
    across, against = explained.scores(turned).tolist()
    assert across == pytest.approx(0, abs=1e-4), "an answer 45° away is no evidence"
    assert against == pytest.approx(-explained.score, rel=1e-4), "one 90° away is evidence against"
    assert explained.values(turned)[0] == pytest.approx(explained.angle + 45, abs=0.01)
    size = select_output(angled, image, "size")
    assert (size.angle, size.unit) == (None, "pix")
    assert size.score == pytest.approx(0.5 * float(angled.logits(torch.from_numpy(image)[None])[0, 0]))


def test_a_map_of_an_angle_is_complete_and_its_file_is_read_elsewhere(angled, galaxy, tmp_path) -> None:
    image = galaxy((2, 12, 16))
    made = result_of(integrated_gradients.explain(angled, image, "pa", GradientSettings()))
    assert made.map.sum() == pytest.approx(made.score - made.baseline_score, rel=1e-3)
    assert made.score == pytest.approx(select_output(angled, image, "pa").score, rel=1e-5)
    path = tmp_path / "map.fits"
    made.save_fits(path)
    header = fits.getheader(path)
    assert (header["BUNIT"], header["SCORUNIT"]) == ("", made.unit)
    assert CCDData.read(path, unit="adu").shape


def test_the_curves_of_an_angle_follow_how_much_of_it_is_left(angled, galaxy) -> None:
    image = galaxy((2, 12, 16))
    ranking = np.random.default_rng(0).normal(size=(12, 16))
    curves = result_of(deletion.compute_curves(angled, image, "pa", ranking, DeletionSettings(smoothing=0, steps=8)))
    assert (curves.deletion[0], curves.deletion[-1]) == pytest.approx((1, 0))


@pytest.mark.parametrize("wished", [30.0, pytest.param(175.0, marks=pytest.mark.slow)])
def test_a_dream_of_an_angle_turns_the_shorter_way_to_the_wished_one(angled, galaxy, wished) -> None:
    free = {"jitter": 0, "penalty": 0, "blur": 0, "galaxy_range": False, "galaxy_colours": False}
    settings = ClassDreamSettings(wished=wished, steps=200, step=0.1, **free)
    made = result_of(dreams.class_dream(angled, galaxy((2, 12, 16)), "pa", settings))
    assert made.unit == "deg"
    assert made.score_after == pytest.approx(wished, abs=3)
    assert abs(made.score_before - wished) <= 90
    found = angled.logits(torch.from_numpy(made.image)[None])[0, 1:] * 0.5
    assert math.hypot(*found.tolist()) == pytest.approx(1, abs=0.1), "as clear as that of a training galaxy"


def test_a_dream_without_a_wish_makes_the_galaxys_own_angle_clearer(angled, galaxy) -> None:
    image = galaxy((2, 12, 16))
    before = select_output(angled, image, "pa")
    settings = ClassDreamSettings(steps=40, start="galaxy", jitter=0, penalty=0, blur=0)
    made = result_of(dreams.class_dream(angled, image, "pa", settings))
    after = select_output(angled, made.image, "pa")
    assert after.score > before.score
    assert made.score_before == pytest.approx(before.angle, abs=1e-2)
