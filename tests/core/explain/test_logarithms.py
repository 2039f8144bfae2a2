"""Maps and dreams of a quantity that is learned as a logarithm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits

from core.data.target import Quantities
from core.errors import NotPossible
from core.events import result_of
from core.explain import dreams, integrated_gradients
from core.explain.explained_output import select_output
from core.explain.settings import ClassDreamSettings, GradientSettings
from core.nets.heads import OutputScale
from core.nets.predictor import Predictor

TARGET = Quantities(("mag", "size", "index"), ("mag", "arcsec", ""), (), ("size", "index"))


@pytest.fixture
def positive(linear) -> Predictor:
    """The linear network's three outputs as a magnitude, and the logarithms of a size and an index."""
    return replace(linear, target=TARGET, output_scale=OutputScale(torch.zeros(3), torch.full((3,), 0.5)))


def test_what_is_explained_is_the_logarithm_and_its_unit_says_so(positive, galaxy, tmp_path) -> None:
    image = galaxy((2, 12, 16))
    size = float(positive.scores(torch.from_numpy(image)[None])[0, 1])
    made = result_of(integrated_gradients.explain(positive, image, "size", GradientSettings()))
    assert made.score == pytest.approx(np.log(size), rel=1e-4) and made.unit == "ln(arcsec)"
    assert made.map.sum() == pytest.approx(made.score - made.baseline_score, rel=1e-3)
    made.save_fits(tmp_path / "map.fits")
    header = fits.getheader(tmp_path / "map.fits")
    assert (header["BUNIT"], header["SCORUNIT"]) == ("", "ln(arcsec)")
    assert select_output(positive, image, "index").unit == "ln"
    assert select_output(positive, image, "mag").unit == "mag"
    explained = select_output(positive, image, "size")
    assert float(explained.values(explained.outputs)) == pytest.approx(size) and explained.value_unit == "arcsec"


def test_a_dream_of_a_size_reaches_the_wished_one_and_never_a_negative_one(positive, galaxy) -> None:
    free = {"jitter": 0, "penalty": 0, "blur": 0, "galaxy_range": False, "galaxy_colours": False}
    settings = ClassDreamSettings(wished=0.3, steps=100, step=0.1, **free)
    made = result_of(dreams.class_dream(positive, galaxy((2, 12, 16)), "size", settings))
    assert made.unit == "arcsec" and made.score_after == pytest.approx(0.3, rel=0.15)
    assert (made.curve > 0).all()
    with pytest.raises(NotPossible, match="always positive"):
        result_of(dreams.class_dream(positive, galaxy((2, 12, 16)), "size", ClassDreamSettings(wished=-1)))
