from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from matplotlib._pylab_helpers import Gcf
from PIL import Image
from scipy import ndimage
from small_survey import CLASSES

from core.data.cutouts import Cutouts
from core.data.stretch import StretchSettings, to_rgb
from core.data.target import Classes
from core.errors import NotPossible, Stopped
from core.events import result_of
from core.explain import deconvnet, mosaics, top_activations
from core.explain.signed_colours import signed_rgb


@pytest.fixture
def weights(make, tmp_path):
    """A network with random weights and two filters that never respond, as a file."""
    predictor = make((1, 24, 24), Classes("shape", CLASSES), depth=2, normalise="none")
    predictor.network.features.conv2.bias[[1, 5]] = -1e6
    predictor.save(tmp_path / "network.safetensors")
    return tmp_path / "network.safetensors"


def made(weights, data, filters, layer="activation2", **knobs):
    found = result_of(top_activations.find(weights, data, layer, threading.Event()))
    return found, result_of(mosaics.make_mosaics(weights, data, found, filters, threading.Event(), **knobs))


def test_regions_are_the_galaxies_and_patterns_the_deconvnets(weights, survey_dataset) -> None:
    from core.nets.predictor import Predictor

    predictor, stretch = Predictor.load(weights), StretchSettings()
    found, (mosaic,) = made(weights, survey_dataset, [2], smoothing=0.0, stretch=stretch)
    assert mosaic.places == found.filters[2] and len(mosaic.places) == 9
    assert sum(int(part.split()[0]) for part in mosaic.class_counts.split(", ")) == 9
    with Cutouts.open(survey_dataset) as cutouts:
        for place, pattern, region in zip(mosaic.places, mosaic.patterns, mosaic.regions, strict=True):
            image = cutouts.images[place.row]
            back = deconvnet.project_responses(
                predictor, torch.from_numpy(image)[None], "activation2", [2], [place.position]
            )
            top, left, height, width = found.window(place)
            for tile, whole in ((region, to_rgb(image, stretch)), (pattern, signed_rgb(back.numpy(), "r")[0])):
                assert tile.shape == (height, width, 4)
                for y in range(height):
                    for x in range(width):
                        inside = 0 <= top + y < 24 and 0 <= left + x < 24
                        expected = [*whole[top + y, left + x], 255] if inside else [0, 0, 0, 0]
                        np.testing.assert_allclose(tile[y, x].astype(int), expected, atol=1)


@pytest.mark.parametrize("sigma", [0.0, 1.0, 2.5])
def test_patterns_are_smoothed_with_a_gaussian_that_stays_on_the_stamp(sigma) -> None:
    patterns = torch.randn((2, 3, 20, 27), generator=torch.Generator().manual_seed(1))
    expected = ndimage.gaussian_filter(patterns.numpy(), (0, 0, sigma, sigma), mode="constant", truncate=6)
    np.testing.assert_allclose(mosaics._smooth(patterns, sigma).numpy(), expected, atol=0.01)


@pytest.mark.parametrize("ending", ["png", pytest.param("svg", marks=pytest.mark.slow), "pdf"])
def test_a_figure_is_written_in_every_format_of_a_journal(weights, survey_dataset, tmp_path, ending) -> None:
    found, drawn = made(weights, survey_dataset, [2, 1, 0])
    path = tmp_path / f"nine.{ending}"
    mosaics.save_figure(mosaics.draw_figure(found, drawn), path)
    start = path.read_bytes()[:200]
    assert {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}[ending] in start or b"<?xml" in start
    assert [file.name for file in tmp_path.iterdir() if file.suffix == path.suffix] == [path.name]
    assert not Gcf.get_all_fig_managers(), "no pyplot"
    if ending == "png":
        with Image.open(path) as picture:
            assert picture.width == pytest.approx(7.1 * 300, rel=0.02), "a journal's page"


def test_a_figure_tells_what_it_shows(weights, survey_dataset) -> None:
    found, drawn = made(weights, survey_dataset, [2, 1])
    figure = mosaics.draw_figure(found, drawn)
    texts = [text.get_text() for text in figure.texts]
    assert "activation2" in texts[0] and "90 galaxies" in texts[0] and "10 × 10 pixels (4″)" in texts[0]
    assert {"filter 3", "filter 2", "never responds", drawn[0].class_counts} <= set(texts)
    assert [len(axes.images) for axes in figure.axes] == [9, 9, 0, 0]


def test_what_cannot_be_drawn_is_told(weights, survey_dataset) -> None:
    with pytest.raises(NotPossible, match="1 to 16"):
        made(weights, survey_dataset, [16])
    found, _ = made(weights, survey_dataset, [])
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(mosaics.make_mosaics(weights, survey_dataset, found, [0], stop))
