"""A network adapted without labels is a run: it opens, answers, and says whether it became better or worse."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from galaxies import ellipse, write_dataset

from core.adapt import adapted_run, batch_statistics, moved
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.errors import NotPossible
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.settings import toml
from core.train import preparation, run_check, run_summary
from core.train.settings import RunSettings
from core.train.unlabelled import galaxies

AXES = {"disk": (4.5, 4.0), "edge-on": (4.5, 1.1), "spheroid": (2.2, 2.2)}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same kinds of galaxies with other units, labelled by other names."""
    random = np.random.default_rng(5)
    kinds = [list(AXES)[row % 3] for row in range(90)]
    images = np.stack([40 * ellipse(24, *AXES[kind], random.uniform(0, np.pi)) for kind in kinds])[:, None]
    images = 50 + 0.3 * (images + random.normal(0, 2, images.shape))
    columns = {"kind": [{"disk": "spiral"}.get(kind, kind) for kind in kinds]}
    path = tmp_path_factory.mktemp("other") / "other.h5"
    return write_dataset(path, images.astype(np.float32), columns, ["kind"], ["r"])


@pytest.fixture(scope="module")
def made(survey_run: Path, other: Path, tmp_path_factory: pytest.TempPathFactory) -> adapted_run.AdaptedRun:
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "adapted")
    return result_of(adapted_run.run(survey_run, other, "adabn", folder, class_map={"spiral": "disk"}))


def test_new_batch_statistics_are_judged_on_the_validation_part_of_the_surveys_own_settings(
    survey_run: Path, other: Path, tmp_path: Path
) -> None:
    own, folder = DataSettings(validation=0.3, test=0.2), RunFolder.create(tmp_path / "adapted")
    found = result_of(
        adapted_run.run(survey_run, other, "adabn", folder, class_map={"spiral": "disk"}, settings=own, seed=9)
    )
    with Cutouts.open(other) as cutouts:
        split = preparation.prepare(RunSettings(data=own, seed=9), cutouts).split
        shown = galaxies.load(folder.unlabelled_file, cutouts)
    assert shown.tolist() == sorted(set(range(90)) - set(split.validation) - set(split.test))
    assert f"On {len(split.validation)} validation galaxies" in found.sentence


def test_new_batch_statistics_become_a_run_that_began_with_the_network_before(
    made: adapted_run.AdaptedRun, survey_run: Path, survey_dataset: Path, other: Path, tmp_path: Path
) -> None:
    run = RunFolder(made.folder)
    assert run.is_run and run_check.find_problem(run) is None
    assert run.data == survey_dataset.resolve()
    assert run.split_file.read_bytes() == RunFolder(survey_run).split_file.read_bytes()
    assert toml.load(RunSettings, run.settings_file).data == toml.load(RunSettings, survey_run / "settings.toml").data
    direct = result_of(batch_statistics.run(survey_run, other, tmp_path / "direct.safetensors"))
    assert Predictor.load(run.best).network.state_dict().keys() == direct.predictor.network.state_dict().keys()
    for name, value in direct.predictor.network.state_dict().items():
        np.testing.assert_array_equal(Predictor.load(run.best).network.state_dict()[name], value, err_msg=name)
    with Cutouts.open(other) as cutouts:
        assert len(galaxies.load(run.unlabelled_file, cutouts)) == len(direct.rows)
    assert run_summary.summarise(run).problem is None
    layers = result_of(moved.run(run, survey_dataset, "validation")).layers
    assert all(layer.change == 0 for layer in layers)
    assert any((layer.statistics or 0) > 0 for layer in layers), "they alone have changed"


def test_the_verdict_is_that_of_labelled_galaxies_that_were_not_looked_at(
    made: adapted_run.AdaptedRun, survey_run: Path, other: Path, tmp_path: Path
) -> None:
    direct = result_of(batch_statistics.run(survey_run, other, tmp_path / "direct.safetensors", classes="spiral=disk"))
    assert direct.judged is not None and direct.judged.before is not None
    assert (made.sentence, made.is_worse) == (direct.judged.sentence, direct.judged.is_worse)
    assert adapted_run.read(RunFolder(made.folder)) == made


def test_a_bare_weights_file_can_have_new_statistics_but_is_not_trained_further(
    survey_run: Path, other: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy(survey_run / "best.safetensors", tmp_path / "shared.safetensors"))
    folder = RunFolder.create(tmp_path / "adapted")
    result_of(adapted_run.run(file, other, "adabn", folder))
    assert run_check.find_problem(folder) is None and folder.data is None
    with pytest.raises(NotPossible, match="of no run"):
        result_of(adapted_run.run(file, other, "mcc", RunFolder.create(tmp_path / "trained")))


@pytest.mark.slow
def test_a_further_training_keeps_its_last_epoch_and_is_judged(survey_run: Path, other: Path, tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "trained")
    found = result_of(adapted_run.run(survey_run, other, "mcc", folder, class_map={"spiral": "disk"}))
    settings = toml.load(RunSettings, folder.settings_file)
    assert (settings.unlabelled.method, settings.stopping.keep) == ("mcc", "last")
    assert "validation galaxies of other.h5" in found.sentence
