"""A tiny refiner from two datasets to a refined one: resumed, stopped, refused, and its labels kept."""

from __future__ import annotations

import csv
import json
import math
import re
import threading
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from galaxies import ellipse, write_dataset

from core.adapt.refiner import applying, training
from core.adapt.refiner.folder import RefinerFolder
from core.adapt.refiner.model import TrainedRefiner
from core.adapt.refiner.settings import RefinerSettings
from core.adapt.refiner.surveys import read_surveys
from core.cli.main import main
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, NotPossible, Problem, Stopped, TooFewGalaxies
from core.events import Preview, Progress, result_of

SIDE, COUNT = 20, 52
TINY = RefinerSettings(
    epochs=2,
    steps=2,
    batch_size=4,
    refiner_alone=1,
    discriminator_alone=1,
    blocks=1,
    filters=4,
    history=8,
    held_out=0.8,
    device="cpu",
)


def write_survey(path: Path, noise: float, seed: int, count: int = COUNT, zero_point: float | None = 22.5) -> Path:
    """Gaussian galaxies with this noise, in units of this zero point."""
    random = np.random.default_rng(seed)
    galaxies = [ellipse(SIDE, 3, random.uniform(1.5, 2.5), random.uniform(0, math.pi)) for _ in range(count)]
    stamps = np.stack(galaxies)[:, None] * 2 + random.normal(0, noise, (count, 1, SIDE, SIDE))
    stamps *= 10 ** (0.4 * ((zero_point or 22.5) - 22.5))
    columns = {
        "kind": np.where(np.arange(count) % 2, "disk", "spheroid"),
        "magnitude": np.linspace(17, 20, count),
        "part": ["train"] * (count - 2) + ["test"] * 2,
    }
    return write_dataset(
        path, stamps.astype(np.float32), columns, ["kind", "magnitude"], bands=["r"], zero_points=[zero_point]
    )


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A simulated dataset and a noisier real one; to be read only."""
    folder = tmp_path_factory.mktemp("surveys")
    return write_survey(folder / "sim.h5", 0.05, 1), write_survey(folder / "real.h5", 0.1, 2)


@pytest.fixture(scope="module")
def trained(surveys: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a refiner of two epochs; to be read only."""
    folder = tmp_path_factory.mktemp("refiners") / "first"
    result_of(training.run(TINY, *surveys, folder))
    return folder


def last_tensors(folder: Path) -> dict[str, torch.Tensor]:
    found = RefinerFolder(folder).load()
    assert found is not None
    return found.tensors


# -- training ------------------------------------------------------------------------------------------------------


def test_each_epoch_is_shown_with_galaxies_and_told_in_a_table(surveys, tmp_path):
    events = list(training.run(TINY, *surveys, tmp_path / "refiner"))
    shown = [event.what for event in events if isinstance(event, Preview)]
    assert [each.numbers.epoch for each in shown] == [0, 1, 2]
    assert np.array_equal(shown[0].simulated, shown[0].refined), "epoch 0: the simulation as it is"
    assert not np.array_equal(shown[2].simulated, shown[2].refined)
    assert shown[2].real.shape == (10, 1, SIDE, SIDE)
    assert [line.title for line in shown[2].drift] == ["flux", "half-light radius", "axis ratio", "position angle"]
    assert any(isinstance(event, Progress) and event.unit == "steps" for event in events)
    with (tmp_path / "refiner" / "history.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["epoch"] for line in lines] == ["0", "1", "2"]
    assert float(lines[2]["accuracy"]) == pytest.approx(shown[2].numbers.accuracy, rel=1e-5)


def test_the_final_numbers_are_of_galaxies_that_nothing_else_has_seen(surveys, trained):
    found = result_of(read_surveys(TINY, *surveys))
    for stamps in (found.simulated, found.real):
        assert [len(stamps[part]) for part in ("train", "validation", "test")] == [10, 21, 21]
        rows = torch.cat([stamps[part].flatten(1) for part in stamps])
        assert len(rows.unique(dim=0)) == COUNT, "no galaxy is in two parts"
    result = RefinerFolder(trained).read_result()
    assert (result.reason, result.epochs, result.galaxies) == ("finished", 2, 21)
    assert result.after.galaxies == result.population.galaxies == 21
    assert all(line.worst <= line.limit or math.isnan(line.worst) or line.worst > 0 for line in result.drift)


def test_real_galaxies_of_a_test_part_are_left_alone(surveys, tmp_path):
    parted = tmp_path / "parted.h5"
    with Cutouts.open(surveys[1]) as cutouts:
        images, columns = cutouts.images[:], dict(cutouts.columns)
    columns.pop("id")
    columns["part"] = np.where(np.arange(COUNT) < COUNT - 2, "train", "test")
    write_dataset(parted, images, columns, ["kind"], bands=["r"], zero_points=[22.5], split_column="part")
    found = result_of(read_surveys(TINY, surveys[0], parted))
    assert sum(map(len, found.real.values())) == COUNT - 2
    assert any("2 real galaxies of the validation and test parts are left alone" in str(each) for each in found.remarks)


def test_an_interrupted_training_ends_as_one_without_interruption(surveys, trained, tmp_path):
    stop, again = threading.Event(), tmp_path / "again"
    for event in training.run(TINY, *surveys, again, stop):
        if isinstance(event, Preview) and event.what.numbers.epoch == 1:
            stop.set()
    stopped = RefinerFolder(again).read_result()
    assert (stopped.reason, stopped.epochs) == ("stopped", 1)
    assert TrainedRefiner.load(RefinerFolder(again).best).epoch == 1
    result_of(training.run(TINY, *surveys, again))
    one, other = last_tensors(trained), last_tensors(again)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert len(one["buffer"]) == 8, "half of each of four batches"
    assert RefinerFolder(again).read_result().after == RefinerFolder(trained).read_result().after


@pytest.mark.slow
def test_another_seed_gives_another_refiner(surveys, trained, tmp_path):
    result_of(training.run(TINY.model_copy(update={"seed": 1}), *surveys, tmp_path / "other"))
    one, other = last_tensors(trained), last_tensors(tmp_path / "other")
    assert not torch.equal(one["refiner.first.weight"], other["refiner.first.weight"])


def test_stopped_before_the_first_epoch_nothing_is_said_to_be_there(surveys, tmp_path):
    stop = threading.Event()
    with pytest.raises(Stopped):
        for event in training.run(TINY, *surveys, tmp_path / "refiner", stop):
            if isinstance(event, Preview):
                stop.set()
    with pytest.raises(Problem, match="no trained refiner"):
        TrainedRefiner.load(RefinerFolder(tmp_path / "refiner").best)


def test_a_refiner_goes_on_with_its_own_settings_and_datasets_only(surveys, trained, tmp_path):
    with pytest.raises(NotPossible, match="another regularisation"):
        result_of(training.run(TINY.model_copy(update={"regularisation": 2.0}), *surveys, trained))
    third = write_survey(tmp_path / "third.h5", 0.1, 3)
    with pytest.raises(NotPossible, match="other datasets"):
        result_of(training.run(TINY, surveys[0], third, trained))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(FolderInUse, match="other files"):
        result_of(training.run(TINY, *surveys, tmp_path / "mine"))


# -- what can be compared ------------------------------------------------------------------------------------------


def test_datasets_of_other_zero_points_are_compared_at_equal_flux(surveys, tmp_path):
    other = write_survey(tmp_path / "other.h5", 0.1, 2, zero_point=25.0)
    found, same = result_of(read_surveys(TINY, surveys[0], other)), result_of(read_surveys(TINY, *surveys))
    assert found.scaling.factor[0] == pytest.approx(10)
    for part in ("train", "test"):
        assert torch.allclose(found.simulated[part], same.simulated[part], rtol=1e-4, atol=1e-3)
    assert "compared at equal flux" in str(found.remarks[0])


def test_real_galaxies_half_a_pixel_beside_the_simulated_ones_are_remarked_upon(tmp_path):
    same = [write_survey(tmp_path / f"{seed}.h5", noise, seed, count=80) for seed, noise in ((1, 0.05), (2, 0.1))]
    with Cutouts.open(same[1]) as cutouts:
        stamps = cutouts.images[:]
    between = (stamps + np.roll(stamps, 1, axis=3)) / 2  # half a pixel to the right
    columns = {"magnitude": np.linspace(17, 20, len(stamps))}
    beside = write_dataset(tmp_path / "beside.h5", between, columns, ["magnitude"], bands=["r"], zero_points=[22.5])
    half = TINY.model_copy(update={"held_out": 0.5})
    (remark,) = (str(each) for each in result_of(read_surveys(half, same[0], beside)).remarks)
    assert re.search(r"lie \+0\.[45]\d pixels in x and [+-]0\.[01]\d in y", remark)
    assert not any("pixels in x" in str(each) for each in result_of(read_surveys(half, *same)).remarks)


def test_an_unknown_zero_point_is_asked_for(surveys, tmp_path):
    unknown = write_survey(tmp_path / "unknown.h5", 0.1, 2, zero_point=None)
    with pytest.raises(NotPossible, match="magnitude of one unit") as caught:
        result_of(read_surveys(TINY, surveys[0], unknown))
    assert "zero point" in caught.value.remedy
    given = TINY.model_copy(update={"zero_point": "22.5"})
    assert result_of(read_surveys(given, surveys[0], unknown)).scaling.factor == (1.0,)


def test_what_cannot_be_compared_is_refused(surveys, tmp_path):
    pictures = write_dataset(tmp_path / "jpeg.h5", np.zeros((COUNT, 1, SIDE, SIDE), np.uint8), {}, [], bands=["r"])
    with pytest.raises(NotPossible, match="8-bit pictures"):
        result_of(read_surveys(TINY, surveys[0], pictures))
    colour = np.zeros((COUNT, 2, SIDE, SIDE), np.float32)
    colour = write_dataset(tmp_path / "colour.h5", colour, {}, [], bands=["g", "i"], zero_points=[22.5, 22.5])
    with pytest.raises(NotPossible, match="bands"):
        result_of(read_surveys(TINY, colour, surveys[1]))
    with pytest.raises(TooFewGalaxies, match="40 galaxies"):
        result_of(read_surveys(TINY, surveys[0], write_survey(tmp_path / "few.h5", 0.1, 2, count=40)))


# -- the refined dataset -------------------------------------------------------------------------------------------


def test_a_refined_dataset_has_the_same_galaxies_and_labels_and_says_where_it_is_from(surveys, trained, tmp_path):
    made = result_of(applying.refine(trained, surveys[0], tmp_path / "refined.h5", device="cpu"))
    with Cutouts.open(surveys[0]) as before, Cutouts.open(tmp_path / "refined.h5") as after:
        assert after.ids == before.ids
        assert (after.labels, after.bands) == (before.labels, before.bands)
        assert after.columns["kind"].tolist() == before.columns["kind"].tolist()
        assert np.array_equal(after.columns["magnitude"], before.columns["magnitude"])
        shares = after.columns[applying.COLUMN]
        assert not np.array_equal(after.images[:], before.images[:])
        assert np.array_equal(after.images[:][shares == 0], before.images[:][shares == 0])
        provenance = tomllib.loads(after.origin.settings)["provenance"]
        assert provenance["simulated_checksum"] == before.checksum
        assert provenance["real"] == "real.h5"
        assert after.origin.source == "simulated galaxies, refined to look like “real.h5”"
    assert made.galaxies == COUNT
    assert made.within == (shares == 1).sum()
    assert made.within + made.blended + made.unrefined == COUNT
    again = tmp_path / "again.h5"
    result_of(applying.refine(trained, surveys[0], again, device="cpu"))
    with Cutouts.open(tmp_path / "refined.h5") as one, Cutouts.open(again) as other:
        assert one.checksum == other.checksum


def test_stamps_beyond_the_limits_are_left_out_if_so_wished(surveys, trained, tmp_path):
    refiner = TrainedRefiner.load(RefinerFolder(trained).best)
    for values in refiner.network.parameters():
        values.zero_()
    refiner.network.last.bias.fill_(0.3)  # bright pixels become brighter by a third
    refiner.settings = TINY.model_copy(update={"beyond": "leave out"})
    refiner.save(tmp_path / "brighter" / "refiner.safetensors")
    with Cutouts.open(surveys[0]) as cutouts:
        images = cutouts.images[:]
    images[[2, 5]] = np.random.default_rng(1).normal(0, 0.05, (2, 1, SIDE, SIDE))  # no galaxy that could change
    kinds = {"kind": [f"kind {row}" for row in range(COUNT)]}
    some = write_dataset(tmp_path / "some.h5", images, kinds, ["kind"], bands=["r"], zero_points=[22.5])
    made = result_of(applying.refine(tmp_path / "brighter", some, tmp_path / "left.h5", device="cpu"))
    assert (made.galaxies, made.left_out) == (2, COUNT - 2)
    assert made.sentence == "2 galaxies; 2 within all limits as refined, 50 left out."
    with Cutouts.open(tmp_path / "left.h5") as cutouts:
        assert cutouts.columns["kind"].tolist() == ["kind 2", "kind 5"]
    none = write_dataset(tmp_path / "none.h5", images[6:], {}, [], bands=["r"], zero_points=[22.5])
    with pytest.raises(NotPossible, match="none is left"):
        result_of(applying.refine(tmp_path / "brighter", none, tmp_path / "nothing.h5", device="cpu"))
    assert not (tmp_path / "nothing.h5").exists()
    refiner.settings = TINY
    refiner.save(tmp_path / "brighter" / "refiner.safetensors")
    blended = result_of(applying.refine(tmp_path / "brighter", some, tmp_path / "blended.h5", device="cpu"))
    assert (blended.galaxies, blended.within, blended.blended + blended.unrefined) == (COUNT, 2, COUNT - 2)
    assert blended.drift[0].worst < 3, "% of the flux"


@pytest.mark.slow
def test_a_simulated_dataset_in_another_unit_is_refined_alike(surveys, trained, tmp_path):
    other = write_survey(tmp_path / "other unit.h5", 0.05, 1, zero_point=25.0)
    result_of(applying.refine(trained, surveys[0], tmp_path / "one.h5", device="cpu"))
    result_of(applying.refine(trained, other, tmp_path / "two.h5", device="cpu"))
    with Cutouts.open(tmp_path / "one.h5") as one, Cutouts.open(tmp_path / "two.h5") as two:
        assert np.allclose(10 * one.images[:], two.images[:], rtol=1e-3, atol=1e-3)


def test_a_stamp_with_a_missing_pixel_stays_as_it_is_and_is_not_learned_from(surveys, trained, tmp_path):
    with Cutouts.open(surveys[0]) as cutouts:
        images = cutouts.images[:]
    images[3, 0, 2, 2] = np.nan
    holed = write_dataset(tmp_path / "holed.h5", images, {}, [], bands=["r"], zero_points=[22.5])
    found = result_of(read_surveys(TINY, holed, surveys[1]))
    assert sum(map(len, found.simulated.values())) == COUNT - 1
    assert "1 stamp with pixels that are no numbers is not used" in str(found.remarks[0])
    result_of(applying.refine(trained, holed, tmp_path / "refined.h5", device="cpu"))
    with Cutouts.open(tmp_path / "refined.h5") as cutouts:
        assert np.array_equal(cutouts.images[3], images[3], equal_nan=True)
        assert cutouts.columns[applying.COLUMN][3] == 0


# -- command line --------------------------------------------------------------------------------------------------


def test_the_command_refines_a_dataset_and_uses_the_refiner_again(surveys, tmp_path, capsys):
    changes = [f"{name}={value}" for name, value in TINY.model_dump(exclude_defaults=True).items()]
    options = [part for change in changes for part in ("--set", change)]
    given = [str(tmp_path / "refined.h5"), "--quiet"]
    assert main(["refine", *map(str, surveys), *options, "-o", *given]) == 0
    said = capsys.readouterr().out
    assert "Two-sample test on 21 held-out simulated and as many real galaxies (chance 50 %)" in said
    assert "change of" in said
    assert "position angle" in said
    assert (tmp_path / "refined.refiner" / "refiner.safetensors").exists()
    used = ["--refiner", str(tmp_path / "refined.refiner"), "--json"]
    assert main(["refine", str(surveys[0]), *used, "-o", str(tmp_path / "two.h5"), "--quiet"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["refined"]["galaxies"] == COUNT
    assert values["test"]["after"]["galaxies"] == 21


def test_the_command_says_what_is_missing(surveys, tmp_path, capsys):
    assert main(["refine", str(surveys[0]), "-o", str(tmp_path / "a.h5")]) == 1
    assert "Name the real galaxies" in capsys.readouterr().err
    assert main(["refine", *map(str, surveys), "-o", str(surveys[0])]) == 1
    assert "would be overwritten" in capsys.readouterr().err
