"""Maps of a whole test part: how many a second, with a FITS image, a picture and a line in a table beside each?

What is counted is processor time on one thread, so that other programs on the machine weigh little.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from astropy.io import fits

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.events import result_of
from core.explain import batch, methods
from core.explain.explanation import Explanation
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
_GALAXIES = 24


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "survey.h5"
    return result_of(demo.simulate_survey(path, SurveySettings(count=600), _NEVER))


@pytest.fixture(scope="module")
def run(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("run") / "short")
    result_of(loop.run(RunSettings(optimiser=OptimiserSettings(epochs=4)), survey, folder, _NEVER))
    return folder


def as_a_script(made: Explanation, image: np.ndarray, path: Path) -> None:
    """What somebody would write to keep a map: numbers as FITS, and a figure of galaxy and map."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4))
    left.imshow(image[0], origin="lower")
    right.imshow(image[0], origin="lower", cmap="gray")
    figure.colorbar(right.imshow(made.map, origin="lower", cmap="RdBu_r", alpha=0.6), ax=right)
    left.set_title(made.galaxy_id)
    figure.savefig(path.with_suffix(".png"), dpi=150, bbox_inches="tight")
    plt.close(figure)
    fits.writeto(path.with_suffix(".fits"), made.map)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_written_as_fast_as_by_a_short_script(
    method: str, survey: Path, run: RunFolder, tmp_path: Path
) -> None:
    settings: Settings = METHODS[method].settings()
    with Cutouts.open(survey) as cutouts:
        test = splits.load(run.split_file, cutouts.ids).test[:_GALAXIES]
        galaxies = [(cutouts.ids[row], cutouts.images[row]) for row in test]
    predictor = Predictor.load(run.best)
    for folder in ("script", "batch"):
        (tmp_path / folder).mkdir()
    start = time.process_time()
    made = [
        result_of(methods.explain(method, predictor, image, None, settings, _NEVER, name)) for name, image in galaxies
    ]
    maps = time.process_time() - start
    for one, (name, image) in zip(made, galaxies, strict=True):
        as_a_script(one, image, tmp_path / "script" / name)
    script = time.process_time() - start
    start = time.process_time()
    rows, folder = test.tolist(), tmp_path / "batch"
    assert result_of(batch.explain_many(run.best, survey, rows, None, method, settings, folder, _NEVER)) == len(made)
    whole = time.process_time() - start
    assert len(list(folder.glob("*.fits"))) == len(list(folder.glob("*.png"))) == len(made)
    print(
        f"\n{method}: {len(made) / maps:.1f} maps a second, with pictures and FITS {len(made) / whole:.1f}; "
        f"by a script {len(made) / script:.1f}, ratio {script / whole:.2f}"
    )
    assert script / whole >= 0.8
