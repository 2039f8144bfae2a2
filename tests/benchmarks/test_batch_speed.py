"""Maps of a whole test part: how many a second, and what share of the time is left for the network?

Beside each map stand a FITS image, a picture with its colour bar and a line in a table.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.events import result_of
from core.explain import batch, methods
from core.explain.methods import METHODS
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.settings.declare import Settings
from core.simulate import demo
from core.simulate.settings import SurveySettings
from core.train import loop
from core.train.settings import OptimiserSettings, RunSettings

pytestmark = pytest.mark.benchmark
_NEVER = threading.Event()
_GALAXIES = 40


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "survey.h5"
    return result_of(demo.make(path, SurveySettings(count=600), _NEVER))


@pytest.fixture(scope="module")
def run(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("run") / "short")
    result_of(loop.run(RunSettings(optimiser=OptimiserSettings(epochs=4)), survey, folder, _NEVER))
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_a_tenth_of_the_time_at_least_goes_into_the_maps(
    method: str, survey: Path, run: RunFolder, tmp_path: Path
) -> None:
    settings: Settings = METHODS[method].settings()
    with Cutouts.open(survey) as cutouts:
        test = splits.load(run.split_file, cutouts.ids).test[:_GALAXIES]
        galaxies = [(cutouts.ids[row], cutouts.images[row]) for row in test]
    predictor = Predictor.load(run.best)
    start = time.perf_counter()
    alone = [
        result_of(methods.explain(method, predictor, image, None, settings, _NEVER, name)) for name, image in galaxies
    ]
    maps = time.perf_counter() - start
    start = time.perf_counter()
    written = result_of(batch.explain_many(run.best, survey, test.tolist(), None, method, settings, tmp_path, _NEVER))
    whole = time.perf_counter() - start
    assert written == len(alone) == len(list(tmp_path.glob("*.fits")))
    assert all(np.isfinite(made.map).all() for made in alone)
    print(
        f"\n{method}: {len(test) / maps:.1f} maps a second, written {len(test) / whole:.1f}; ratio {maps / whole:.2f}"
    )
    assert maps / whole > 0.1
