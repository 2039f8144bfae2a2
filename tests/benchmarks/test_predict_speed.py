"""Predicting whole tables against the bare forward pass over images that lie in memory, in turns; and its memory.

Processor seconds are compared, which other work on the machine does not change; those of the clock are printed, too.
Quick by default; the real thing is ``BENCHMARK_GALAXIES=100000 pytest -m benchmark -s`` with this file. The files are
read by this process itself; ``BENCHMARK_READERS=1`` has another one read them, whose time is then left out.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from astropy.io import fits
from astropy.table import Table

from core.data import import_pieces
from core.data.recipe import StampRecipe
from core.data.settings import ImportSettings
from core.data.store import Band, DatasetWriter, Origin
from core.data.target import Classes
from core.evaluate import predict_table
from core.evaluate.written_table import Wish
from core.events import Progress
from core.nets import cnn, normalisation
from core.nets.predictor import Predictor
from core.train.settings import RunSettings

GALAXIES, SIDE = int(os.environ.get("BENCHMARK_GALAXIES", "4000")), 64
READERS = int(os.environ.get("BENCHMARK_READERS", "0"))
PIECE = max(1000, min(4096, GALAXIES // 8))
pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(7200)]
WISH = Wish(unlikeness=False, workers=READERS)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our default network with random weights, for one band."""
    plan, shape = RunSettings().network, (1, SIDE, SIDE)
    made = cnn.build(plan, shape, 3, torch.Generator().manual_seed(1)).eval().requires_grad_(requires_grad=False)
    scaling = normalisation.fit(np.random.default_rng(0).normal(100, 5, (64, *shape)).astype(np.float32), "standard")
    recipe = StampRecipe(ImportSettings(size=SIDE, fit="crop or pad"), ("r",), "", is_picture=False)
    names = ("disk", "edge-on", "spheroid")
    path = tmp_path_factory.mktemp("network") / "network.safetensors"
    Predictor(made, scaling, Classes("kind", names), ("r",), shape, float("nan"), stamps=recipe).save(path)
    return path


def pieces_of_noise():
    random = np.random.default_rng(1)
    for first in range(0, GALAXIES, 1000):
        count = min(1000, GALAXIES - first)
        yield first, random.normal(100, 5, (count, 1, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dataset") / "noise.h5"
    ids = [f"{number:08d}" for number in range(GALAXIES)]
    with DatasetWriter(path, (1, SIDE, SIDE), [Band("r")], "float32") as writer:
        for first, images in pieces_of_noise():
            names, count = ids[first : first + len(images)], len(images)
            writer.append(images, names, np.full(count, np.nan), [""] * count, np.zeros(count))
        writer.finish(Table({"id": ids}), (), Origin("", "", "", ""), [])
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    head = fits.PrimaryHDU(np.zeros((SIDE, SIDE), np.float32)).header
    head["FILTER"] = "r"
    start = head.tostring().encode()
    for first, images in pieces_of_noise():
        for place, image in enumerate(images):
            data = image[0].astype(">f4").tobytes()
            (folder / f"{first + place:08d}.fits").write_bytes(start + data + bytes(-len(data) % 2880))
    return folder


def bare(network: Path) -> tuple[float, float]:
    """Galaxies per second of the processor, and of the clock, of the forward pass alone, in batches as predicted."""
    predictor = Predictor.load(network)
    images = torch.from_numpy(next(pieces_of_noise())[1])
    done, began, clock = 0, time.process_time(), time.perf_counter()
    with torch.no_grad():
        while done < min(GALAXIES, 20_000) / 2:
            for batch in images.split(244):
                predictor.scores(batch)
            done += len(images)
    return done / (time.process_time() - began), done / (time.perf_counter() - clock)


def predicted(network: Path, data: Path, table: Path) -> tuple[float, float, float]:
    """The same of a whole table, and by how many MB the memory grows in its second half."""
    process, memory = psutil.Process(), [0]
    began, clock = time.process_time(), time.perf_counter()
    for event in predict_table.run(network, data, table, wish=WISH):
        if isinstance(event, Progress) and event.unit == "galaxies" and event.done >= GALAXIES // 2:
            memory += [process.memory_info().rss]
    seconds, clock = time.process_time() - began, time.perf_counter() - clock
    return GALAXIES / seconds, GALAXIES / clock, (max(memory) - memory[1]) / 1e6


def test_tables_keep_most_of_the_speed_of_the_bare_network(
    network: Path, dataset: Path, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict_table, "_ROWS", PIECE)
    monkeypatch.setattr(import_pieces, "_MOST", PIECE)
    ratios: dict[str, float] = {}
    before = bare(network)
    for name, data in (("dataset", dataset), ("files", files)):
        rate, clock, grown = predicted(network, data, tmp_path / f"{name}.fits")
        after = bare(network)
        base, base_clock = ((one + other) / 2 for one, other in zip(before, after, strict=True))
        before, ratios[name] = after, rate / base
        print(
            f"\n{GALAXIES:,} from {name}: {rate:,.0f} per processor second, bare network {base:,.0f}: ratio "
            f"{ratios[name]:.2f} (by the clock {clock:,.0f}, {base_clock:,.0f}: {clock / base_clock:.2f}); memory "
            f"+{grown:.0f} MB in the second half"
        )
        assert grown < 100  # the stamps of 100,000 have 1,600
    one, other = (Table.read(tmp_path / f"{name}.fits") for name in ("dataset", "files"))
    np.testing.assert_allclose(one["p_disk"], other["p_disk"], atol=1e-5)
    assert ratios["dataset"] >= 0.85
    assert ratios["files"] >= 0.70
