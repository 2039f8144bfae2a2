"""AdaBN: batch statistics of another survey, against one pass over all of it."""

from __future__ import annotations

import copy
import json
import threading

import numpy as np
import pytest
import torch
from galaxies import ellipse, write_dataset

from core.adapt import batch_statistics
from core.cli.main import main
from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import NotPossible
from core.events import result_of
from core.nets import cnn, normalisation
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings

CLASSES = ("disk", "edge-on", "spheroid")
AXES = {"disk": (4.5, 4.0), "edge-on": (4.5, 1.1), "spheroid": (2.2, 2.2)}


def write(path, count=60, *, labels=CLASSES, gain=0.3, level=50.0, names=None):
    """A survey of the same galaxies as those of the run, with other units."""
    random = np.random.default_rng(5)
    kinds = [CLASSES[row % 3] for row in range(count)]
    images = np.stack([40 * ellipse(24, *AXES[kind], random.uniform(0, np.pi)) for kind in kinds])[:, None]
    images = level + gain * (images + random.normal(0, 2, images.shape))
    columns = {"shape": [labels[CLASSES.index(kind)] for kind in kinds] if names is None else names}
    return write_dataset(path, images.astype(np.float32), columns, ["shape"], ["r"])


def make(**settings):
    network = cnn.build(NetworkSettings(channels=4, dense=0, **settings), (1, 24, 24), 3)
    return Predictor(network.eval(), normalisation.identity(1), Classes("shape", CLASSES), ("r",), (1, 24, 24), 0.4)


@pytest.mark.truth("AdaBN", "one pass over all galaxies")
@pytest.mark.parametrize("settings", [{"depth": 1}, {"depth": 3}, {"depth": 2, "residual": True, "layers": 2}])
def test_they_are_those_of_one_pass_over_all_galaxies(settings, tmp_path):
    predictor = make(**settings)
    direct = copy.deepcopy(predictor.network).train()
    for module in direct.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the statistics of the one batch, whole
    with Cutouts.open(write(tmp_path / "other.h5")) as cutouts:
        rows = np.arange(60)
        with torch.no_grad():
            direct(torch.from_numpy(cutouts.images[rows]))
        layers = result_of(batch_statistics.adapt(predictor, cutouts, rows))
        norms = [module for module in predictor.network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        assert layers == len(norms)
        found, expected = predictor.network.state_dict(), direct.state_dict()
        for name in found:
            if "num_batches" not in name:
                torch.testing.assert_close(found[name], expected[name], rtol=2e-3, atol=1e-4, msg=name)
        again = make(**settings)
        result_of(batch_statistics.adapt(again, cutouts, rows[::-1].copy()))
        for name, value in again.network.state_dict().items():
            torch.testing.assert_close(value, found[name], rtol=1e-5, atol=1e-6)


def test_a_network_without_batch_normalisation_has_nothing_to_adapt():
    with pytest.raises(NotPossible, match="no batch normalisation"):
        batch_statistics.find_norms(make(depth=1, normalise="group"))


def test_it_is_a_new_file_that_says_what_was_done(survey_run, tmp_path, capsys):
    data = write(tmp_path / "other.h5")
    before = (survey_run / "best.safetensors").read_bytes()
    command = ["adapt", "--method", "adabn", str(survey_run), str(data), "--json", "-q"]
    assert main([*command, "-o", str(tmp_path / "new.safetensors")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (survey_run / "best.safetensors").read_bytes() == before
    new, old = Predictor.load(tmp_path / "new.safetensors"), Predictor.load(survey_run)
    assert new.card["adapted"]["data"] == "other.h5"
    assert new.card["adapted"]["galaxies"] == told["galaxies"] < 60, "its validation and test part are not looked at"
    changed = {
        name
        for name, value in new.network.state_dict().items()
        if not torch.equal(value, old.network.state_dict()[name])
    }
    assert changed
    assert all("running" in name for name in changed)
    assert told["judged"]["accuracy"] >= told["judged"]["before"]


def test_the_input_scaling_is_fitted_anew_on_request(survey_run, tmp_path):
    data = write(tmp_path / "other.h5", gain=1e-3, level=0.0)
    place = tmp_path / "new.safetensors"
    work = batch_statistics.run(survey_run, data, place, threading.Event(), refits_scaling=True)
    found = result_of(work)
    assert found.judged is not None
    assert found.judged.difference is not None
    assert found.judged.difference > 0
    with Cutouts.open(data) as cutouts:
        scaled = Predictor.load(place).normalisation(torch.from_numpy(cutouts.images[np.arange(60)]))
    assert float(scaled.std()) == pytest.approx(1, abs=0.2)


def test_a_method_that_trains_makes_a_run_that_starts_from_the_earlier_one(
    survey_run, survey_dataset, tmp_path, capsys
):
    data = write(tmp_path / "other.h5")
    new = tmp_path / "adapted"
    command = ["adapt", "--method", "mmd", str(survey_run), str(data), "--source", str(survey_dataset), "-o", str(new)]
    assert main([*command, "--set", "optimiser.epochs=1", "-q"]) == 0
    said = capsys.readouterr().out
    assert "validation galaxies of other.h5, none of which was shown: accuracy" in said
    kept = (new / "settings.toml").read_text()
    assert 'method = "mmd"' in kept
    assert 'keep = "last"' in kept
    assert main([*command[:-1], str(tmp_path / "wrong.safetensors"), "-q"]) == 1
