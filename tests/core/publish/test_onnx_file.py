"""Networks as ONNX files: every kind of network and head, computed by onnxruntime, against PyTorch."""

import itertools
import json
import math
import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from program import ROOT

from core.data.target import Classes, Quantities, VoteFractions
from core.errors import Problem
from core.events import result_of
from core.nets import cnn, heads, normalisation
from core.nets.calibration import ErrorBarCalibration
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.nets.side_inputs import SideColumn, SideInputs
from core.publish import onnx_file

ALL_VIEWS = tuple(itertools.product((False, True), range(4)))
SOME_VIEWS = ((False, 0), (True, 1))
ANGLES = Quantities(("re", "pa", "mag"), ("arcsec", "deg", "mag"), periods=(None, 180.0, None), logarithms=("re",))


def make_predictor(target=None, bands=("g", "r"), *, error_bars=False, views=SOME_VIEWS, scaling="asinh", **settings):
    target = target or Classes("kind", ("disk", "edge-on", "sphéroïde"))
    generator = torch.Generator().manual_seed(3)
    shape = (len(bands), 16, 16)
    small = {"depth": 2, "channels": 8}
    if "backbone" in settings:
        small, shape = {}, (len(bands), 64, 64)
    outputs = heads.output_count(target, error_bars=error_bars)
    network = cnn.build(NetworkSettings(**small, **settings), shape, outputs, generator)
    network.train()
    network(torch.randn(16, *shape, generator=generator))  # so that the batch statistics are not the first ones
    network.eval().requires_grad_(False)
    images = np.random.default_rng(0).normal(5, 2, (40, *shape)).astype(np.float32)
    samplewise, floor = ("standard", None) if scaling == "samplewise" else ("none", 0.1 if scaling == "white" else None)
    kind = scaling if scaling in ("standard", "centre", "asinh") else "standard"
    fitted = normalisation.fit(images, kind, samplewise, floor)
    labels = np.random.default_rng(1).uniform(0.5, 30, (40, 3)).astype(np.float32)
    predictor = Predictor(network, fitted, target, bands, shape, 0.2, heads.fit_output_scale(target, labels))
    predictor.views, predictor.zero_points = views, (25.9,) * len(bands)
    if error_bars:
        predictor.calibration = ErrorBarCalibration((1.1, 0.9, 2.0), (0.1,) * 3, 40)
    return predictor


BESIDE = (
    SideColumn("z", "", is_logarithm=False, centre=0.8, spread=0.3, lowest=0.1, highest=2.0, missing=3),
    SideColumn("flux", "uJy", is_logarithm=True, centre=1.2, spread=0.5, lowest=0.2, highest=900.0, missing=0),
)


def beside(predictor):
    """The predictor with columns beside the image, whose branch has random weights."""
    predictor.side = SideInputs(BESIDE, 6)
    outputs, generator = predictor.network.outputs, torch.Generator().manual_seed(5)
    network = cnn.build(predictor.network.settings, predictor.stamp_shape, outputs, generator, predictor.side.branch)
    network.side.output.weight.data.normal_(generator=generator)
    predictor.network = network.eval().requires_grad_(False)
    return predictor


def require_same(predictor, path):
    """Two batches of images made otherwise than those on which the program itself compares."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count, sky in ((3, 5.0), (1, 4.0)):
        images = np.random.default_rng(count).normal(sky, 2, (count, *predictor.stamp_shape)).astype(np.float32)
        inputs, values = {"images": images}, None
        if predictor.side is not None:
            inputs["beside"] = np.array([[0.5, 30.0], [np.nan, -1.0], [7.0, np.nan]])[:count]
            values = torch.from_numpy(inputs["beside"])
        found = session.run(None, inputs)
        answers = predictor.scores_and_error_bars(torch.from_numpy(images), values)
        wanted = [each for each in answers if each is not None]
        assert len(found) == len(wanted)
        for there, here in zip(found, wanted, strict=True):
            apart = np.abs(there - here.numpy())
            if isinstance(predictor.target, Quantities) and there is found[0]:
                for place, period in enumerate(predictor.target.periods):
                    apart[:, place] = (
                        apart[:, place] if period is None else np.minimum(apart[:, place], 180 - apart[:, place])
                    )
            assert there.shape == here.shape
            assert np.all(apart < 1e-3 * np.maximum(1, np.abs(here.numpy())))


@pytest.mark.slow
def test_an_onnx_file_answers_as_the_network_with_its_scaling_and_names(tmp_path):
    predictor, path = make_predictor(views=ALL_VIEWS[:1]), tmp_path / "network.onnx"
    agreement = result_of(onnx_file.write(predictor, path))
    assert agreement.difference < 1e-4
    require_same(predictor, path)
    about = json.loads({entry.key: entry.value for entry in onnx.load(path).metadata_props}["tuning_fork"])
    assert about["names"] == ["disk", "edge-on", "sphéroïde"]
    assert (about["bands"], about["stamp_shape"], about["pixel_scale"]) == (["g", "r"], [2, 16, 16], 0.2)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="onnxruntime keeps its reports elsewhere")
def test_nothing_is_noted_down_about_the_machine(tmp_path):
    node = onnx.helper.make_node("Identity", ["images"], ["same"])
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("images", "same")]
    graph = onnx.helper.make_graph([node], "same", ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "same.onnx")
    home = tmp_path / "home"
    home.mkdir()
    script = (
        "import sys, numpy, pathlib; from core.publish import onnx_file; onnx_file.require_libraries();"
        "print(onnx_file.run(pathlib.Path(sys.argv[1]), numpy.float32([3]))[0][0])"
    )
    hidden = {"XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY"}
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "same.onnx")],
        env=variables | {"HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "3.0"
    assert not list(home.rglob("*[Oo]nnx*"))


KINDS = {
    "vote fractions": {"target": VoteFractions(("yes", "no", "artefact"))},
    "quantities": {"target": ANGLES},
    "error bars of all views": {"target": ANGLES, "error_bars": True, "views": ALL_VIEWS},
    "error bars of one view": {"target": ANGLES, "error_bars": True, "views": ((False, 0),)},
    "quarter turns": {"views": tuple((False, turns) for turns in range(4))},
    "residual": {"residual": True},
    "flattened, two layers, no norm": {"pooling": "flatten", "layers": 2, "normalise": "none"},
    "group norm, leaky": {"normalise": "group", "activation": "leaky relu"},
    "prelu": {"activation": "prelu", "dense": 0},
    "gelu": {"activation": "gelu", "kernel": 5},
    "each galaxy by itself": {"scaling": "samplewise"},
    "whitened": {"scaling": "white", "views": ((False, 0),)},
    "centred": {"scaling": "centre"},
}


@pytest.mark.truth("Networks in ONNX", "the network")
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_and_head_gives_the_same_answers_in_onnx(tmp_path, kind):
    predictor, path = make_predictor(**KINDS[kind]), tmp_path / "network.onnx"
    assert result_of(onnx_file.write(predictor, path)).difference < 1e-3
    require_same(predictor, path)


@pytest.mark.slow
@pytest.mark.parametrize("dense", [0, 64])
@pytest.mark.parametrize("views", [ALL_VIEWS[:1], ALL_VIEWS])
def test_catalogue_columns_are_a_second_input_with_their_scaling_inside(tmp_path, dense, views):
    predictor, path = beside(make_predictor(dense=dense, views=views)), tmp_path / "network.onnx"
    assert result_of(onnx_file.write(predictor, path)).difference < 1e-4
    require_same(predictor, path)
    about = json.loads({entry.key: entry.value for entry in onnx.load(path).metadata_props}["tuning_fork"])
    assert [(column["name"], column["unit"]) for column in about["beside"]] == [("z", ""), ("flux", "uJy")]


@pytest.mark.slow
@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "efficientnet_b0"])
def test_backbones_give_the_same_answers_in_onnx(tmp_path, name):
    predictor, path = make_predictor(ANGLES, error_bars=True, views=ALL_VIEWS[:1], backbone=name), tmp_path / "n.onnx"
    result_of(onnx_file.write(predictor, path))
    require_same(predictor, path)


@pytest.mark.slow
def test_a_file_whose_answers_differ_is_not_written(tmp_path, monkeypatch):
    predictor, path = make_predictor(views=ALL_VIEWS[:1]), tmp_path / "network.onnx"
    whole = onnx_file._export

    def spoil(given, file):
        whole(given, file)
        predictor.network.head.output.bias.add_(torch.tensor([0.0, 1.0, 0.0]))

    monkeypatch.setattr(onnx_file, "_export", spoil)
    with pytest.raises(Problem, match="would not give the network's answers"):
        result_of(onnx_file.write(predictor, path))
    assert not path.exists()
    assert math.isfinite(predictor.pixel_scale)
