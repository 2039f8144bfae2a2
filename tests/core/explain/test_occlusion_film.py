"""The film of the moving square: the places, the scores there, the pictures, and the file."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image
from tolerances import peak_of, through

from core.data.stretch import StretchSettings, to_rgb
from core.errors import SettingsProblem, Stopped
from core.events import Progress, result_of
from core.explain import occlusion, occlusion_film
from core.explain.settings import OcclusionSettings

LOOK = StretchSettings(limits="sky")
RGB = (2, 1, 0)


def shot(predictor, image, planes=RGB, **knobs) -> occlusion_film.OcclusionFilm:
    return result_of(
        occlusion_film.render_film(
            predictor, image, 1, OcclusionSettings(**knobs), LOOK, planes, threading.Event(), "G"
        )
    )


def test_it_amounts_to_the_map_of_its_places(make, galaxy) -> None:
    predictor, image = make((3, 24, 30)), galaxy((3, 24, 30))
    settings = OcclusionSettings(patch=6, stride=3)
    made = shot(predictor, image, patch=6, stride=3)
    map_ = result_of(occlusion.explain(predictor, image, 1, settings, threading.Event(), "G"))
    assert made.explanation.settings == settings
    exact = through(predictor.network, peak_of(map_.score, map_.baseline_score))
    np.testing.assert_allclose(made.explanation.map, map_.map, atol=exact)
    assert (made.explanation.score, made.explanation.galaxy_id) == (map_.score, "G")
    assert [tuple(place) for place in made.places] == [
        (row, column) for row in range(0, 19, 3) for column in range(0, 25, 3)
    ]
    assert len(made) == len(made.scores) == 63
    assert made.score_range[0] <= made.scores.min() and made.score_range[1] >= map_.score


@pytest.mark.parametrize(("side", "patch", "stride"), [(64, 8, 1), (40, 8, 2), (128, 8, 2), (24, 4, 4)])
def test_it_is_short_however_fine_the_steps_of_the_map_are(make, galaxy, side, patch, stride) -> None:
    made = shot(make((1, side, side), depth=2), galaxy((1, side, side)), None, patch=patch, stride=stride)
    chosen = made.explanation.settings.stride
    assert stride <= chosen <= patch
    assert len(made) <= 200 or chosen == patch
    assert chosen == stride or ((side - patch) // (chosen - 1) + 1) ** 2 > 200


def test_what_is_not_covered_looks_the_same_in_all_pictures(make, galaxy) -> None:
    image = galaxy((3, 24, 24)) + np.float32([[[3]], [[2]], [[1]]])
    made = shot(make((3, 24, 24)), image, patch=8, stride=8, fill="zero")
    whole = to_rgb(image, LOOK, RGB)
    for picture, (row, column) in zip(made.pictures, made.places, strict=True):
        square = np.zeros((24, 24), bool)
        square[row : row + 8, column : column + 8] = True
        assert np.abs(picture[~square].astype(int) - whole[~square]).max() <= 1
        assert picture[square].max() == 0


def test_progress_is_told_and_it_can_be_stopped(make, galaxy) -> None:
    stop = threading.Event()
    predictor, image = make((1, 24, 24)), galaxy((1, 24, 24))
    work = occlusion_film.render_film(predictor, image, None, OcclusionSettings(stride=8), LOOK, None, stop)
    assert next(work) == Progress(1, 9, "pictures")
    stop.set()
    with pytest.raises(Stopped):
        list(work)
    with pytest.raises(SettingsProblem, match="larger than the image"):
        shot(predictor, image, None, patch=30)


def test_the_file_plays_all_pictures_upright_with_the_square_and_a_bar(make, galaxy, tmp_path) -> None:
    image = np.zeros((1, 24, 24), np.float32)
    image[0, 20:22, 2:4] = 50  # bright, above on the left
    made = shot(make((1, 24, 24)), image, None, patch=8, stride=4)
    path = tmp_path / "film.gif"
    made.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["film.gif"]
    with Image.open(path) as file:
        assert file.n_frames == len(made) == 25
        assert file.info["loop"] == 0 and file.info["duration"] == occlusion_film.MILLISECONDS
        file.seek(7)  # second row of places, third column: first pixel (4, 8)
        seen = np.asarray(file.convert("RGB")).astype(int)
    factor = 384 // 24
    assert seen.shape == (384 + 44, 384, 3)
    assert seen[factor * 3, factor * 3].min() > 200
    assert seen[factor * 20, factor * 3].max() < 40
    yellow = (seen[:384, :, 0] > 200) & (seen[:384, :, 2] < 160)
    rows, columns = np.nonzero(yellow)
    assert (rows.min(), rows.max()) == (factor * (24 - 12), factor * (24 - 4) - 1)
    assert (columns.min(), columns.max()) == (factor * 8, factor * 16 - 1)
    blue = (np.abs(seen[384:] - (90, 174, 240)).max(axis=2) < 12).any(axis=0)
    low, high = made.score_range
    assert np.flatnonzero(blue).size == pytest.approx(364 * abs(made.scores[7]) / (high - low), abs=3)
