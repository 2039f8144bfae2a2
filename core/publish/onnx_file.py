"""A network as an ONNX file, which other programs compute without PyTorch or this one.

The graph takes images in physical units and gives answers: the input scaling, the average over mirror images and
turns, the step from outputs to probabilities or quantities, and calibrated error bars are inside. Every file is
compared with the network before it is handed over.

References
----------
ONNX, Open Neural Network Exchange, https://onnx.ai.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core import extras
from core.data.target import Quantities
from core.errors import NotPossible, Problem, Stopped
from core.events import NEVER, Progress, Work
from core.nets.predictor import Predictor
from core.nets.side_inputs import SideInputs
from core.project.files import atomic_path
from core.version import PROGRAM

_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_GALAXIES = 7  # on which the two are compared; a number that is no power of two
_TOLERANCE = 1e-3  # of a probability's range, of a quantity or its scatter, or of an angle's period
_HEADER = "tuning_fork"


@dataclass(frozen=True)
class Agreement:
    """How well an ONNX file gives the network's answers.

    Attributes
    ----------
    galaxies
        The number of test images.
    difference
        The largest one: of probabilities and shares as such, of quantities as a share of the value or of the scatter
        over the training galaxies, whichever is larger, of angles as a share of the period.
    """

    galaxies: int
    difference: float

    @property
    def sentence(self) -> str:
        """In words."""
        return (
            f"The ONNX file gives the network's answers: on {self.galaxies} test images they differ by "
            f"{self.difference:.1g} at most, and {_TOLERANCE:g} is allowed."
        )


def require_libraries() -> None:
    """Require the libraries that write and compute ONNX files.

    Raises
    ------
    NotPossible
        One is not installed.
    """
    _silence_reports()
    for name in _NEEDED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise NotPossible(
                f"{name}, which is needed for ONNX files, is not installed.",
                extras.how_to_get("onnx", "leave it out (“tuningfork export … --no-onnx”)"),
            ) from error


def write(predictor: Predictor, path: Path, stop: threading.Event = NEVER) -> Work[Agreement]:
    """Write a network as an ONNX file, and compare its answers with the network's.

    The input ``images`` is (n, C, H, W) float32 in physical units, of the training stamps' size; where the network
    takes catalogue columns, the input ``beside`` is (n, S) float64 with their values, NaN where there is none, in the
    order of the metadata. The output is ``answers`` (n, K), and of quantities with error bars also ``errors`` (n, K).
    Names, units, bands and scales are in the file's metadata, as JSON under ``tuning_fork``.

    Parameters
    ----------
    predictor
        The network; it is moved to the CPU.
    path
        Of the file, written wholly or not at all.
    stop
        Checked between the steps.

    Raises
    ------
    NotPossible
        A library is missing, or the network has a layer that ONNX lacks.
    Problem
        The answers differ.
    """
    require_libraries()
    predictor.to("cpu")
    yield Progress(0, 2, "steps")
    with atomic_path(path) as temporary:
        _export(predictor, temporary)
        if stop.is_set():
            raise Stopped
        yield Progress(1, 2, "steps")
        agreement = compare(predictor, temporary)
        if not agreement.difference <= _TOLERANCE:
            raise Problem(
                f"The ONNX file would not give the network's answers: they differ by {agreement.difference:.2g}.",
                "It was not written. Use the weights file with this program instead.",
                str(path),
            )
    yield Progress(2, 2, "steps")
    return agreement


class _Answers(nn.Module):
    """A predictor as one module, from physical images to answers and error bars.

    All views go through the network together, so that its layers are in the graph once.
    """

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.network, self.normalisation = predictor.network, predictor.normalisation
        self._predictor = predictor

    def forward(self, images: Tensor, beside: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        views = self._predictor.show_views(images)
        repeated = None if beside is None else beside.repeat(len(views), 1)
        outputs = self._predictor.logits(torch.cat(views), repeated)
        of_views = outputs.unflatten(0, (len(views), -1)).unbind()  # chunks would fix the number of galaxies
        scores, errors = self._predictor.combine_views(of_views)
        return scores if errors is None else (scores, errors)


def _export(predictor: Predictor, path: Path) -> None:
    inputs = {"images": torch.from_numpy(make_test_images(predictor, 2))}
    if predictor.side is not None:
        inputs["beside"] = torch.from_numpy(make_test_values(predictor.side, 2))
    count = torch.export.Dim("galaxies")
    outputs = ["answers", "errors"] if predictor.has_error_bars else ["answers"]
    with _quiet(), torch.no_grad():
        try:
            program: Any = torch.onnx.export(
                _Answers(predictor).eval(),
                tuple(inputs.values()),
                dynamo=True,
                dynamic_shapes=({0: count},) * len(inputs),
                input_names=list(inputs),
                output_names=outputs,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise NotPossible(
                "This network cannot be written as ONNX.",
                "Use the weights file with this program instead.",
                detail=str(error),
            ) from error
    model = program.model_proto
    entry = model.metadata_props.add()
    entry.key, entry.value = _HEADER, json.dumps(describe(predictor), ensure_ascii=False)
    model.producer_name = PROGRAM
    path.write_bytes(model.SerializeToString())


def describe(predictor: Predictor) -> dict[str, Any]:
    """What others need to know to use the file: plain values for JSON."""
    target, scale = predictor.target, predictor.pixel_scale
    is_measuring = isinstance(target, Quantities)
    return {
        "program": PROGRAM,
        "run": str(predictor.card.get("run", "")),
        "kind": "quantities" if is_measuring else "probabilities",
        "names": list(predictor.output_names),
        "units": list(target.units) if is_measuring else [""] * len(predictor.output_names),
        "bands": list(predictor.bands),
        "stamp_shape": list(predictor.stamp_shape),
        "pixel_scale": scale if np.isfinite(scale) else None,
        "zero_points": list(predictor.zero_points),
        "beside": [] if predictor.side is None else [asdict(column) for column in predictor.side.columns],
    }


def compare(predictor: Predictor, path: Path) -> Agreement:
    """Compare an ONNX file's answers with the network's, on images like those that the input scaling was made for."""
    images = make_test_images(predictor, _GALAXIES)
    beside = None if predictor.side is None else make_test_values(predictor.side, _GALAXIES)
    found = run(path, images, beside)
    with torch.no_grad():
        values = None if beside is None else torch.from_numpy(beside)
        wanted = predictor.scores_and_error_bars(torch.from_numpy(images), values)
    pairs = [
        (there, here.numpy()) for there, here in zip(found, [each for each in wanted if each is not None], strict=True)
    ]
    worst = [_difference(predictor, *pair) for pair in pairs]
    return Agreement(len(images), float(np.max(worst)))


def run(
    path: Path, images: NDArray[np.float32], beside: NDArray[np.float64] | None = None
) -> list[NDArray[np.float32]]:
    """The outputs of an ONNX file for images (n, C, H, W), computed by onnxruntime on the CPU.

    ``beside`` are the values (n, S) of the catalogue columns of a network that takes some.
    """
    _silence_reports()
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images} if beside is None else {"images": images, "beside": beside})


def _silence_reports() -> None:
    """Keep onnxruntime from reporting its use to its maker, which it begins when it is imported."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def make_test_images(predictor: Predictor, count: int) -> NDArray[np.float32]:
    """Images (n, C, H, W) whose scaled values are noise about a source, always the same."""
    bands, height, width = predictor.stamp_shape
    generator = torch.Generator().manual_seed(0)
    scaled = torch.randn(count, bands, height, width, generator=generator)
    y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
    size, ratio = 0.1 + torch.rand(2, count, 1, 1, generator=generator)
    source = torch.exp(-((x / size) ** 2) - (y / size / ratio) ** 2)  # (n, H, W)
    scaled = 0.3 * scaled + 3 * source[:, None]
    scaling = predictor.normalisation
    images = scaled if scaling.samplewise != "none" else scaling.inverse(scaled)
    return images.clamp(-1e18, 1e18).numpy().astype(np.float32)


def make_test_values(side: SideInputs, count: int) -> NDArray[np.float64]:
    """Values (n, S) of catalogue columns: over the range of the training and beyond it, and each missing once."""
    low, high = np.array([(column.lowest, column.highest) for column in side.columns]).T
    shares = np.random.default_rng(0).uniform(-0.2, 1.2, (count, len(low)))
    values = low + shares * (high - low)
    values[np.arange(len(low)) % count, np.arange(len(low))] = np.nan
    return values


def _difference(predictor: Predictor, found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    target = predictor.target
    apart, unit = np.abs(found.astype(np.float64) - wanted), np.ones_like(wanted)
    if isinstance(target, Quantities):
        unit = np.maximum(np.abs(wanted), wanted.std(axis=0))
        for place, period in enumerate(target.periods):
            if period is not None:
                apart[:, place] = np.minimum(apart[:, place], period - apart[:, place])
                unit[:, place] = period
    return float(np.max(apart / np.where(unit > 0, unit, 1)))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the exporter says of its own workings is not for the user."""
    logger, bars = logging.getLogger("torch.onnx"), importlib.import_module("tqdm").tqdm
    level, interval = logger.level, bars.monitor_interval
    logger.setLevel(logging.ERROR)
    bars.monitor_interval = 0  # else it starts a thread that stays
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        bars.monitor_interval = interval
