"""A training on position angles, from the catalogue to the table of answers."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from astropy.table import Table
from galaxies import ellipse, write_dataset

from core.data import angles
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.target import Quantities
from core.evaluate import evaluation, predict, tables
from core.events import CheckpointSaved, Skipped, result_of
from core.nets.predictor import Predictor
from core.nets.settings import LossSettings, NetworkSettings
from core.project.runs import RunFolder
from core.train import loop, preparation, resuming
from core.train.augmentation.settings import AugmentationSettings
from core.train.settings import OptimiserSettings, RunSettings, TransferSettings

ELONGATED, ROUND = 240, 60
SETTINGS = RunSettings(
    network=NetworkSettings(depth=2, channels=16, dense=32, dropout=0),
    augmentation=AugmentationSettings(width_shift=0.02, height_shift=0.02),
    loss=LossSettings(quantities="gaussian"),
    optimiser=OptimiserSettings(epochs=4, batch_size=32, learning_rate=1e-2, decay="cosine", averaging=0, repeats=1),
    device="cpu",
    precision="float32",
)


def draw(count, random, is_round=False, side=16):
    """Galaxies on noise, and their position angles from up to the left [deg] with the sizes [pixels]."""
    true = random.uniform(0, 180, count)
    long = np.full(count, 2.0) if is_round else random.uniform(3, 4, count)
    images = random.normal(0, 0.05, (count, 1, side, side))
    for row in range(count):
        images[row] += ellipse(side, long[row], 2.0 if is_round else 1.2, np.radians(true[row]) + np.pi / 2)
    return images.astype(np.float32), true, long


@pytest.fixture(scope="module")
def axes(tmp_path_factory):
    """A dataset of elongated galaxies, and of round ones, whose angle means nothing."""
    random = np.random.default_rng(0)
    both = zip(draw(ELONGATED, random), draw(ROUND, random, is_round=True), strict=True)
    images, true, long = (np.concatenate(pair) for pair in both)
    columns = {"position_angle": true, "size": long, "is_round": np.arange(len(true)) >= ELONGATED}
    path = tmp_path_factory.mktemp("data") / "axes.h5"
    units = {"position_angle": "deg", "size": "pix"}
    return write_dataset(path, images, columns, ["position_angle"], bands=("r",), units=units)


def train(data, folder, settings=SETTINGS):
    """The notices and the result of a run."""
    work, notices = loop.run(settings, data, folder, threading.Event()), []
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return notices, end.value
        notices += [str(event.problem)] if isinstance(event, Skipped) else []


@pytest.fixture(scope="module")
def learned(axes, tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "axes")
    return folder, *train(axes, folder)


def test_position_angles_are_learned_over_the_whole_circle(learned, axes):
    """Of galaxies that no training saw, also where 0° and 180° meet; the error of a guess is 45° on average."""
    folder, notices, result = learned
    assert any("position_angle after 180 deg" in notice for notice in notices)
    assert "Angles repeat: position_angle after 180 deg" in folder.card.read_text(encoding="utf-8")
    assert not any("leaves out" in notice and "rotation" in notice for notice in notices)
    predictor = Predictor.load(folder.path)
    assert predictor.target == Quantities(("position_angle",), ("deg",), (180.0,))
    assert len(predictor.views) == 8
    images, true, _ = draw(300, np.random.default_rng(5))
    answers, bars = answer(predictor, images)
    off = np.abs(angles.difference(answers, true, 180))
    assert off.mean() < 10
    near = (true < 10) | (true > 170)
    assert off[near].mean() < 10
    assert result.scores.values["r2"] > 0.5
    round_bars = answer(predictor, draw(100, np.random.default_rng(6), is_round=True)[0])[1]
    assert np.median(round_bars) > 2 * np.median(bars), "the angle of a round galaxy means nothing"
    assert round_bars.max() <= 180 / 12**0.5


@pytest.mark.parametrize("mirrored", [False, True])
def test_angles_that_count_the_other_way_are_told_of(tmp_path, mirrored):
    """As in stamps whose east is on the right; galaxies that are noise, and random angles, say nothing."""
    random = np.random.default_rng(3)
    images, true, _ = draw(150, random)
    columns = {"pa": 180 - true if mirrored else true, "theta_image": (true + 90) % 180, "pa_of_others": true[::-1]}
    units = dict.fromkeys(columns, "deg")
    data = write_dataset(tmp_path / "axes.h5", images, columns, list(columns), bands=("r",), units=units)
    with Cutouts.open(data) as cutouts:
        plan = preparation.prepare(SETTINGS, cutouts)
    told = [str(notice) for notice in plan.notices if "clockwise in these stamps" in str(notice)]
    assert len(told) == (1 if mirrored else 0)
    assert all("“pa”" in each and "180 minus the angle" in each for each in told)
    assert plan.target.angles == ("pa", "theta_image", "pa_of_others")


def answer(predictor, images):
    found, bars = predictor.scores_and_error_bars(torch.from_numpy(images))
    return found.numpy()[:, 0], bars.numpy()[:, 0]


def test_a_table_and_an_evaluation_of_angles(learned, axes, tmp_path):
    folder, _, result = learned
    predictions = result_of(predict.run(folder.path, axes, None, threading.Event()))
    tables.write(predictions, tmp_path / "table.fits")
    table = Table.read(tmp_path / "table.fits")
    assert table.colnames == ["id", "position_angle", "position_angle_error"]
    assert [str(table[name].unit) for name in table.colnames[1:]] == ["deg", "deg"]
    assert ((table["position_angle"] >= 0) & (table["position_angle"] < 180)).all()
    found = result_of(evaluation.run(folder, axes, "validation"))
    assert found.report.quantities["position_angle"].r2 == pytest.approx(result.scores.values["r2"])
    assert found.report.quantities["position_angle"].mae < 45
    assert "shorter way round" in found.report.remark


def test_fine_tuning_continues_the_angle_beside_a_new_quantity(learned, axes, tmp_path):
    folder, _, result = learned
    start = TransferSettings(start_from=str(folder.path))
    data = DataSettings(labels=("size", "position_angle"))
    optimiser = SETTINGS.optimiser.model_copy(update={"epochs": 1})
    wish = SETTINGS.model_copy(update={"transfer": start, "data": data, "optimiser": optimiser})
    _, tuned = train(axes, RunFolder(tmp_path / "tuned"), wish)
    assert tuned.baseline.values["r2:position_angle"] == pytest.approx(result.scores.values["r2"], abs=0.2)
    assert set(tuned.scores.values) == {"r2", "r2:size", "r2:position_angle"}
    plain = wish.model_copy(update={"data": data.model_copy(update={"angles": "none"})})
    notices, untouched = train(axes, RunFolder(tmp_path / "plain"), plain)
    assert untouched.baseline is None
    assert any("position_angle: the earlier network learned this with another period" in each for each in notices)
    assert any("leaves out rotation" in each for each in notices)
    assert Predictor.load(tmp_path / "plain").target.periods == (None, None)


@pytest.mark.slow
def test_a_broken_off_training_on_angles_goes_on_as_if_it_had_not_been(axes, tmp_path):
    wish = SETTINGS.model_copy(update={"optimiser": SETTINGS.optimiser.model_copy(update={"epochs": 2})})
    whole, broken = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "broken")
    train(axes, whole, wish)
    work = loop.run(wish, axes, broken, threading.Event())
    while not isinstance(next(work), CheckpointSaved):
        pass
    work.close()
    result_of(resuming.run(broken.path))
    assert whole.best.read_bytes()[-1000:] == broken.best.read_bytes()[-1000:]
