"""A network as an ONNX file, computed by onnxruntime, against the same network in this program, on the processor."""

import os
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from core.data.target import Classes
from core.events import result_of
from core.nets import cnn, normalisation
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.publish import onnx_file

GALAXIES, ROUNDS = 128, 6


@pytest.mark.benchmark
@pytest.mark.parametrize("views", [1, 8])
def test_onnxruntime_is_not_slower_than_the_network_here(tmp_path: Path, views: int) -> None:
    shape = (3, 64, 64)
    network = cnn.build(NetworkSettings(), shape, 3).eval().requires_grad_(False)
    images = np.random.default_rng(0).normal(10, 2, (GALAXIES, *shape)).astype(np.float32)
    predictor = Predictor(
        network, normalisation.fit(images, "asinh"), Classes("kind", ("a", "b", "c")), ("g", "r", "i"), shape, 0.4
    )
    predictor.views = tuple((mirrored, turns) for mirrored in (False, True) for turns in range(4))[:views]
    path = tmp_path / "network.onnx"
    result_of(onnx_file.write(predictor, path))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    ours = theirs = float("inf")
    with torch.no_grad():
        for _ in range(ROUNDS):  # in turns, so that both see the same machine; the processor's time, not the clock's
            start = time.process_time()
            here = predictor.scores(torch.from_numpy(images)).numpy()
            ours = min(ours, time.process_time() - start)
            start = time.process_time()
            there = session.run(None, {"images": images})[0]
            theirs = min(theirs, time.process_time() - start)
    assert np.allclose(here, there, atol=1e-5)
    print(f"\n{views} views, galaxies per second of processor time on {os.cpu_count()} cores:")
    print(f"onnxruntime {GALAXIES / theirs:,.0f}, PyTorch {GALAXIES / ours:,.0f}: {ours / theirs:.2f} times")
    assert theirs < 1.1 * ours
