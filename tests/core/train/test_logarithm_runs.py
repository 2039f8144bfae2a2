"""A training on sizes, learned as logarithms: notices, refusals, the table of answers, and fine-tuning."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from galaxies import write_dataset

from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.errors import SettingsProblem
from core.evaluate import evaluation, measure
from core.events import Skipped, result_of
from core.nets.predictor import Predictor
from core.nets.settings import LossSettings, NetworkSettings
from core.project.runs import RunFolder
from core.train import loop, preparation
from core.train.augmentation.settings import AugmentationSettings
from core.train.settings import OptimiserSettings, RunSettings, TransferSettings

SETTINGS = RunSettings(
    data=DataSettings(validation=0.3, test=0.2),
    network=NetworkSettings(depth=1, channels=4, dense=4, dropout=0),
    augmentation=AugmentationSettings(average_answers=False),
    loss=LossSettings(quantities="gaussian"),
    optimiser=OptimiserSettings(epochs=2, batch_size=16, learning_rate=1e-2, decay="cosine", averaging=0, repeats=1),
    device="cpu",
    precision="float32",
)


def write(path, **columns):
    """Round galaxies on noise whose sizes span two decades."""
    random = np.random.default_rng(0)
    size = np.exp(random.uniform(-2.5, 2, 120))
    y, x = np.mgrid[:12, :12] - 5.5
    images = np.exp(-(x**2 + y**2) / 2 / size[:, None, None] ** 2) + random.normal(0, 0.05, (120, 12, 12))
    columns = {"radius": size, "ratio": random.uniform(0, 1, 120), **columns}
    units = {"radius": "arcsec"}
    return write_dataset(path, images[:, None].astype(np.float32), columns, list(columns), bands=("r",), units=units)


def train(data, folder, settings=SETTINGS):
    work, notices = loop.run(settings, data, folder, threading.Event()), []
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return notices, end.value
        notices += [str(event.problem)] if isinstance(event, Skipped) else []


@pytest.fixture(scope="module")
def sizes(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "sizes.h5")


@pytest.fixture(scope="module")
def learned(sizes, tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "sizes")
    return folder, *train(sizes, folder)


def test_the_beginning_says_what_is_learned_as_a_logarithm(learned):
    folder, notices, _ = learned
    assert [each for each in notices if "Learned as logarithms" in each and ": radius." in each]
    assert "Learned as logarithms: radius." in folder.card.read_text(encoding="utf-8")
    assert Predictor.load(folder.path).target.logarithms == ("radius",)


def test_the_table_has_positive_radii_whose_errors_are_said_to_be_those_of_logarithms(learned, sizes, tmp_path):
    folder, _, result = learned
    measured = result_of(measure.run([folder.path], sizes))
    assert "Learned as logarithms: radius" in measured.errors_are
    measure.write(measured, tmp_path / "table.fits")
    table = Table.read(tmp_path / "table.fits")
    assert (table["radius"] > 0).all() and (table["radius_error"] > 0).all()
    assert str(table["radius"].unit) == str(table["radius_error"].unit) == "arcsec"
    found = result_of(evaluation.run(folder, sizes, "validation"))
    bars, spread = found.error_bars, found.predictions.errors[:, 0] / found.predictions.scores[:, 0]
    within = np.abs(np.log(found.predictions.scores[:, 0] / found.labels[:, 0])) <= spread
    assert bars.coverage["radius"].within_one.hits == pytest.approx(within.sum(), abs=1)
    count = len(found.labels)
    assert bars.coverage["radius"].within_one.hits == pytest.approx(0.683 * (count + 1), abs=1), "by construction"
    assert found.report.quantities["radius"].r2 == pytest.approx(result.scores.values["r2:radius"])


def test_a_column_that_is_not_positive_is_learned_plainly_and_this_is_said(tmp_path):
    flux = np.random.default_rng(1).normal(0.5, 1, 120)
    with Cutouts.open(write(tmp_path / "faint.h5", flux=flux)) as cutouts:
        plan = preparation.prepare(SETTINGS, cutouts)
        named = SETTINGS.model_copy(update={"data": SETTINGS.data.model_copy(update={"logarithms": "flux"})})
        with pytest.raises(SettingsProblem, match=f"“flux” .* {(flux <= 0).sum()} of its 120 values"):
            preparation.prepare(named, cutouts)
        named = SETTINGS.model_copy(update={"data": SETTINGS.data.model_copy(update={"logarithms": "ratio, widht"})})
        other = preparation.prepare(named, cutouts)
    told = [str(each) for each in plan.notices if "“flux” is learned as a plain number" in str(each)]
    assert len(told) == 1 and f"{(flux <= 0).sum()} of its 120 values are zero or negative" in told[0]
    assert plan.target.logarithms == ("radius",)
    assert other.target.logarithms == ("ratio",)
    assert any("widht: named under Logarithms, but not learned" in str(each) for each in other.notices)


def test_fine_tuning_continues_a_logarithm_and_starts_anew_where_it_becomes_a_plain_number(learned, sizes, tmp_path):
    folder, _, result = learned
    start = TransferSettings(start_from=str(folder.path))
    wish = SETTINGS.model_copy(update={"transfer": start})
    _, tuned = train(sizes, RunFolder(tmp_path / "tuned"), wish)
    assert tuned.baseline.values["r2:radius"] == pytest.approx(result.scores.values["r2:radius"], abs=1e-4)
    plain = wish.model_copy(update={"data": SETTINGS.data.model_copy(update={"logarithms": "none"})})
    notices, untouched = train(sizes, RunFolder(tmp_path / "plain"), plain)
    assert set(untouched.baseline.values) == {"r2", "r2:ratio"}
    assert any("radius: the earlier network learned this" in each and "as a logarithm" in each for each in notices)
    assert Predictor.load(tmp_path / "plain").target.logarithms == ()
