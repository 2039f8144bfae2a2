"""Networks that come with the program, named in settings and found wherever it is installed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from galaxies import ellipse

from core.data.target import NoAnswers
from core.errors import NotPossible, UnreadableFile
from core.nets import base_networks, weights_file
from core.nets.band_mapping import GREY
from core.nets.predictor import Predictor
from core.train.settings import RunSettings, TransferSettings

NETWORKS = base_networks.base_networks()


@pytest.mark.parametrize("network", NETWORKS, ids=[each.name for each in NETWORKS])
def test_each_has_a_card_and_works_on_galaxies_of_any_brightness(network):
    loaded = Predictor.load(network.name, needs_answers=False)
    assert loaded.bands == (GREY,)
    assert loaded.card["licence"] and network.about.endswith(".")
    card = base_networks.find(network.name).with_suffix(".md").read_text()
    assert f"`{network.name}`" in card and "Licence" in card
    stamps = torch.randn(3, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(loaded.logits(1000 * stamps + 7), loaded.logits(stamps), rtol=1e-3, atol=1e-3)
    if isinstance(loaded.target, NoAnswers):
        with pytest.raises(NotPossible, match="no answers"):
            Predictor.load(network.name)


def test_the_one_with_classes_tells_thin_galaxies_from_round_ones_that_another_formula_drew():
    random = np.random.default_rng(3)
    shapes = [(6.0, 1.2), (4.0, 4.0)] * 20  # along and across; the first of each pair is thin
    drawn = np.stack([ellipse(64, *axes, random.uniform(0, np.pi)) for axes in shapes])
    stamps = np.clip(np.round(150 * drawn + random.normal(4, 2, drawn.shape)), 0, 255)[:, None].astype(np.float32)
    network = Predictor.load("base:simulated-classes")
    names = np.array(network.output_names)[network.logits(torch.from_numpy(stamps)).argmax(1).numpy()]
    assert (names[0::2] == "edge-on").mean() > 0.9
    assert (names[1::2] == "edge-on").mean() < 0.1


def test_one_comes_with_the_program():
    assert "base:simulated-classes" in {each.name for each in NETWORKS}


def test_together_they_are_a_few_megabytes():
    assert sum(base_networks.find(each.name).stat().st_size for each in NETWORKS) < 5e6


def test_a_name_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(UnreadableFile, match="No network “base:nothing”"):
        weights_file.locate("base:nothing")


def test_settings_keep_the_name_wherever_they_are_written(tmp_path):
    settings = RunSettings(transfer=TransferSettings(start_from="base:some"))
    for same in (settings.with_paths_for(tmp_path), settings.with_paths_from(tmp_path)):
        assert same.transfer.start_from == "base:some"
    assert weights_file.locate(tmp_path) == tmp_path / "best.safetensors"
    assert weights_file.locate(Path("some.safetensors")) == Path("some.safetensors")
