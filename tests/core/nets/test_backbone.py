"""Networks of timm, cut into stages: the same answers, any bands, weights from files, and nothing unpickled."""

import pytest
import safetensors.torch
import torch
from tolerances import peak_of, through
from torch import nn

from core.data.target import Classes
from core.errors import NotPossible, SettingsProblem, UnreadableFile
from core.nets import backbone, cnn, layers, normalisation, transfer
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings

pytestmark = pytest.mark.usefixtures("timm")

SMALL = "test_resnet"


def built(name=SMALL, bands=3, side=64, seed=0, **knobs):
    settings = NetworkSettings(backbone=name, **knobs)
    return cnn.build(settings, (bands, side, side), 3, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", [SMALL, "test_convnext", "test_efficientnet", "resnet18", "regnety_002"])
@pytest.mark.parametrize("bands", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_the_stages_answer_as_the_network_that_they_were_cut_from(timm, name, bands):
    torch.manual_seed(1)
    whole = timm.create_model(name, num_classes=0, in_chans=bands).eval()
    torch.manual_seed(1)
    stages = backbone.build_stages(name, bands)
    image = torch.randn(2, bands, 64, 64)
    found = image
    for stage in stages:
        found = stage.eval()(found)
    assert len(stages) >= 4
    expected = whole.forward_features(image)
    assert torch.allclose(found, expected, rtol=0, atol=through(whole, peak_of(expected)))


def test_weights_depend_on_the_generator_alone_and_leave_the_global_random_state():
    before = torch.get_rng_state()
    one, same, other = built(seed=1), built(seed=1), built(seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(("name", "problem"), [("resnet81", "resnet18"), ("test_vit", "no chain")])
def test_what_cannot_be_used_is_told(name, problem):
    with pytest.raises(SettingsProblem, match=problem):
        built(name)


@pytest.fixture
def file(timm, tmp_path):
    """The weights of a network with three bands and a head, as timm writes them."""
    torch.manual_seed(3)
    whole = timm.create_model(SMALL, num_classes=7).eval()
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(whole.state_dict(), path)
    return path, whole


@pytest.mark.parametrize("bands", [1, 3, 5])
def test_weights_of_a_file_are_taken_over_for_any_number_of_bands(file, bands):
    path, whole = file
    network = built(bands=bands).eval()
    backbone.load_weights(network.stages, SMALL, str(path))
    grey = torch.randn(2, 1, 64, 64)
    wanted = whole.forward_features(grey.expand(-1, 3, -1, -1))
    found = network.features(grey.expand(-1, bands, -1, -1))
    assert torch.allclose(found, wanted, rtol=0, atol=through(whole, peak_of(wanted)))


def test_other_weights_and_other_formats_are_refused_by_name(file, tmp_path):
    path, whole = file
    with pytest.raises(UnreadableFile, match="not the weights of test_convnext"):
        backbone.load_weights(backbone.build_stages("test_convnext", 3), "test_convnext", str(path))
    wider = {
        name: torch.cat([value, value]) if name == "layer1.0.conv1.weight" else value
        for name, value in whole.state_dict().items()
    }
    safetensors.torch.save_file(wider, tmp_path / "wider.safetensors")
    with pytest.raises(UnreadableFile, match=r"layer1\.0\.conv1\.weight"):
        backbone.load_weights(backbone.build_stages(SMALL, 3), SMALL, str(tmp_path / "wider.safetensors"))
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    with pytest.raises(UnreadableFile, match="no safetensors file"):
        backbone.load_weights(backbone.build_stages(SMALL, 3), SMALL, str(tmp_path / "weights.pth"))


@pytest.mark.parametrize("prefix", ["encoder.", "model.backbone.", "module.encoder."])
def test_an_encoder_is_found_whatever_a_training_program_put_before_its_names(file, tmp_path, prefix):
    _, whole = file
    given = {f"{prefix}{name}": value for name, value in whole.state_dict().items() if "num_batches" not in name}
    given |= {"head.weight": torch.zeros(3, 5), "decoder.conv1.weight": torch.ones(1)}
    safetensors.torch.save_file(given, tmp_path / "zoobot.safetensors")
    network = built().eval()
    backbone.load_weights(network.stages, SMALL, str(tmp_path / "zoobot.safetensors"))
    image = torch.randn(2, 3, 64, 64)
    wanted = whole.forward_features(image)
    assert torch.allclose(network.features(image), wanted, rtol=0, atol=through(whole, peak_of(wanted)))


def test_a_file_that_does_not_fit_says_what_it_is_and_what_to_do(file, tmp_path):
    path, whole = file
    with pytest.raises(UnreadableFile, match=r"the file has bn1\.weight, .*name under Backbone the network"):
        backbone.load_weights(backbone.build_stages("test_convnext", 3), "test_convnext", str(path))
    own = {f"network.features.stage1.{name}": value for name, value in whole.state_dict().items()}
    safetensors.torch.save_file(own, tmp_path / "best.safetensors")
    with pytest.raises(UnreadableFile, match="Choose it under “Start from”"):
        backbone.load_weights(backbone.build_stages(SMALL, 3), SMALL, str(tmp_path / "best.safetensors"))
    for name, words in (("zoobot.ckpt", "weights_only=True"), ("effnet.keras", "belong to layers of Keras")):
        (tmp_path / name).write_bytes(b"PK\x03\x04 something else")
        with pytest.raises(UnreadableFile, match=words):
            backbone.load_weights(backbone.build_stages(SMALL, 3), SMALL, str(tmp_path / name))


def test_without_a_network_the_hub_is_told_to_be_out_of_reach(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(NotPossible, match="cannot be fetched"):
        backbone.load_weights(backbone.build_stages(SMALL, 3), SMALL, "hf_hub:nobody/nothing-of-this-name")


def test_the_table_has_the_stages_with_what_they_see(timm):
    network = built(side=96)
    rows = [row for row in layers.table(network, (3, 96, 96)) if row.name.startswith("features.")]
    assert [row.name for row in rows] == [f"features.stage{number}" for number in range(1, len(rows) + 1)]
    assert [row.stride for row in rows] == [info["reduction"] for info in timm.create_model(SMALL).feature_info]
    assert rows == sorted(rows, key=lambda row: row.receptive_field)
    assert rows[0].receptive_field < 96
    total = sum(row.parameters for row in layers.table(network, (3, 96, 96)))
    assert total == sum(values.numel() for values in network.parameters())


def test_an_explanation_that_cannot_walk_back_says_why():
    from core.explain import methods

    network = built(bands=1, side=32)
    scaling = normalisation.fit(torch.rand(8, 1, 32, 32).numpy(), "standard")
    predictor = Predictor(network.eval(), scaling, Classes("kind", ("a", "b", "c")), ("r",), (1, 32, 32), 0.4)
    assert "Stage" in methods.unsupported_reason("deconvnet", predictor)
    assert "Stage" in methods.unsupported_reason("guided-backprop", predictor)
    assert (
        methods.unsupported_reason("occlusion", predictor)
        == methods.unsupported_reason("integrated-gradients", predictor)
        == ""
    )
    assert transfer.trainable_parameters(network)
    assert any(isinstance(module, nn.Conv2d) for module in network.features.modules())
