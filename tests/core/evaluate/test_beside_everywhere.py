"""Wherever a network that takes catalogue columns meets galaxies, it is given theirs, or says what it lacks."""

from __future__ import annotations

import csv
import subprocess
import sys

import beside_survey
import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table

from core.cli.main import main
from core.data.cutouts import Cutouts
from core.errors import NotPossible, SettingsProblem
from core.evaluate import predict
from core.events import result_of
from core.explain import batch, integrated_gradients, methods
from core.explain.settings import GradientSettings, OcclusionSettings
from core.metrics.decision import MOST_PROBABLE
from core.nets import features
from core.nets.ensemble import Ensemble, require_together
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.publish import onnx_file, prediction_script
from core.train import loop, preparation
from core.train.batches import open_images
from core.train.settings import RunSettings


def wish(columns=("redshift", "flux"), **more):
    values = {
        "data": {"side_columns": columns},
        "network": {"depth": 2, "channels": 4, "dense": 16, "dropout": 0.0},
        "optimiser": {"epochs": 4, "batch_size": 16, "learning_rate": 0.01},
        "device": "cpu",
        "precision": "float32",
    }
    return RunSettings.model_validate(values | more)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return beside_survey.write(tmp_path_factory.mktemp("beside") / "survey.h5", 240)


@pytest.fixture(scope="module")
def runs(survey, tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    return [RunFolder(result_of(loop.run(wish(seed=seed), survey, place / str(seed))).folder) for seed in (1, 2)]


def values_of(predictor, data):
    with Cutouts.open(data) as cutouts:
        return torch.from_numpy(cutouts.images[:]), torch.from_numpy(predictor.side.read(cutouts.columns))


def test_an_ensemble_gives_its_networks_the_columns_and_needs_the_same_ones(runs, survey, tmp_path):
    members = [Predictor.load(run.path) for run in runs]
    together = Ensemble(members, "both")
    images, beside = values_of(together, survey)
    mean = torch.stack([member.scores(images, beside) for member in members]).mean(0)
    assert torch.allclose(together.scores(images, beside), mean, atol=1e-6)
    held = together.held(beside[3].numpy())
    assert torch.allclose(held.scores(images[3:4])[0], mean[3], atol=1e-5)
    other = RunFolder(result_of(loop.run(wish(("flux",), seed=3), survey, tmp_path / "flux")).folder)
    with pytest.raises(NotPossible, match=r"one takes flux \[uJy\] beside the image, the other redshift \[\], flux"):
        require_together([*members, Predictor.load(other.path)], ["a", "b", "c"])


def test_streamed_images_have_the_same_columns_as_images_in_memory(survey):
    with Cutouts.open(survey) as cutouts:
        plan = preparation.prepare(wish(), cutouts)
        _, criterion = loop.optimiser.build_losses(plan.settings, plan.target, plan.training_labels, plan.shift)
        scores = []
        for in_memory in (True, False):
            rows = plan.split.validation
            work = open_images(cutouts, rows, plan.scaling_on_read, plan.device, in_memory=in_memory)
            with result_of(work) as images:
                scores.append(loop.validate(plan, images, criterion).scores())
        assert scores[0] == scores[1]


def test_a_map_explains_the_image_with_the_columns_at_the_galaxys_own_values(runs, survey, tmp_path):
    with open_network_on_data(runs[0].best, survey) as opened:
        image, whole = opened.cutouts.images[7], opened.predictor
        answers = whole.logits(*(each[7:8] for each in values_of(whole, survey)))
        network = opened.of_galaxy(7)
        made = result_of(integrated_gradients.explain(network, image, None, GradientSettings(tolerance=0.01)))
        assert made.score == pytest.approx(float(answers.max()), abs=1e-4)
        with pytest.raises(NotPossible, match="takes redshift, flux from the catalogue"):
            result_of(methods.explain("occlusion", whole, image, None, OcclusionSettings(patch=4, stride=4)))
    done = result_of(
        batch.explain_many(
            runs[0].best, survey, [7, 8], None, "occlusion", OcclusionSettings(patch=4, stride=4), tmp_path
        )
    )
    assert done == 2


def test_features_are_those_of_the_image(runs, survey, tmp_path):
    without = beside_survey.write(tmp_path / "without.h5", 240, order=("distance",))
    found = []
    for data in (survey, without):
        with open_network_on_data(runs[0].best, data, needs_answers=False) as opened:
            found.append(result_of(features.compute(opened.predictor, opened.cutouts, np.arange(8))))
    assert np.array_equal(*found)
    with (
        pytest.raises(NotPossible, match="no column “redshift”, “flux” here"),
        open_network_on_data(runs[0].best, without),
    ):
        pass


def test_image_files_take_the_columns_from_a_catalogue_and_refuse_to_go_without(runs, survey, tmp_path, capsys):
    files = tmp_path / "files"
    files.mkdir()
    with Cutouts.open(survey) as cutouts:
        for row in range(6):
            header = fits.Header({"PIXSCALE": 0.2})
            fits.writeto(files / f"{cutouts.ids[row].replace(' ', '_')}.fits", cutouts.images[row][0], header)
        table = Table({"id": [path.stem for path in sorted(files.iterdir())]})
        for name in ("redshift", "flux"):
            table[name] = cutouts.columns[name][:6]
    table["flux"].unit = "uJy"
    catalogue = tmp_path / "catalogue.fits"
    table.write(catalogue)
    wanted = result_of(predict.run(runs[0].path, survey)).scores[:6]
    said = tmp_path / "said.csv"
    assert main(["predict", str(runs[0].path), str(files), "-o", str(said), "--catalogue", str(catalogue)]) == 0
    found = {line["id"]: line for line in csv.DictReader(said.read_text(encoding="utf-8").splitlines())}
    answers = np.array([[float(found[name][f"p_{kind}"]) for kind in ("far", "near")] for name in table["id"]])
    assert np.allclose(answers, wanted, atol=1e-4)
    assert main(["predict", str(runs[0].path), str(files), "-o", str(tmp_path / "none.csv")]) != 0
    assert "there is no column “redshift”, “flux” here" in capsys.readouterr().err


@pytest.mark.slow
def test_the_script_beside_the_onnx_file_reads_the_columns_from_a_table(runs, survey, tmp_path):
    predictor = Predictor.load(runs[0].path)
    result_of(onnx_file.write(predictor, tmp_path / "network.onnx"))
    script = tmp_path / "predict.py"
    script.write_text(prediction_script.make(predictor, "network.onnx", MOST_PROBABLE), encoding="utf-8")
    with Cutouts.open(survey) as cutouts:
        for row in range(3):
            fits.writeto(tmp_path / f"g{row}.fits", cutouts.images[row][0])
        columns = {name: cutouts.columns[name][:2] for name in ("redshift", "flux")}
    Table({"filename": ["g0.fits", "g1.fits"], **columns}).write(tmp_path / "catalogue.csv")
    files = [str(tmp_path / f"g{row}.fits") for row in range(3)]
    line = [sys.executable, str(script), *files, "-o", str(tmp_path / "out.csv")]
    done = subprocess.run([*line, "--catalogue", str(tmp_path / "catalogue.csv")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "g2: it is not in the catalogue" in done.stderr
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    images, beside = values_of(predictor, survey)
    beside[2] = torch.nan
    wanted = predictor.scores(images[:3], beside[:3]).numpy()
    assert np.allclose([[float(row["p_far"]), float(row["p_near"])] for row in rows], wanted, atol=1e-4)
    assert "--catalogue" in subprocess.run(line, capture_output=True, text=True).stderr


def test_methods_for_galaxies_without_labels_refuse_the_columns(survey, tmp_path):
    with pytest.raises(SettingsProblem, match="learns from images without a catalogue"):
        result_of(loop.run(wish(unlabelled={"method": "fixmatch"}), survey, tmp_path / "fixmatch"))
