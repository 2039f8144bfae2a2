"""Measuring, on the golden project “measured”: radius, magnitude, angle with error bars, trained at 0.08″ and 25.9."""

from __future__ import annotations

import csv
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from pyarrow import parquet

from core.cli.main import main
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.data.store import Band, DatasetWriter, Origin
from core.data.target import Quantities
from core.errors import NotPossible, SettingsProblem
from core.evaluate import evaluation, measure, predict, predict_table, zero_point_question
from core.evaluate.written_table import Wish
from core.events import Skipped, result_of
from core.nets.calibration import ErrorBarCalibration
from core.nets.predictor import Predictor
from core.project.runs import RunFolder

GOLDEN = Path(__file__).parents[2] / "golden" / "measured"


@pytest.fixture
def project(tmp_path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "measured"))


@pytest.fixture
def run(project) -> Path:
    return next((project / "runs").iterdir())


@pytest.fixture
def own(project) -> Path:
    return project / "datasets" / "measured.h5"


def changed(own: Path, path: Path, factor=1.0, zero_point: float | None = 25.9, scale=0.08) -> Path:
    """The same galaxies, not known by their ids, in pixels of another unit, zero point or scale."""
    with Cutouts.open(own) as cutouts:
        images, ids = cutouts.images[:] * np.float32(factor), [f"other {row}" for row in range(len(cutouts))]
        columns = {name: cutouts.columns[name] for name in cutouts.labels}
        units = cutouts.units
    with DatasetWriter(path, images.shape[1:], [Band("F160W", "e-/s", zero_point)], "float32") as writer:
        writer.append(images, ids, np.full(len(ids), scale), [""] * len(ids), np.zeros(len(ids)))
        table = Table({"id": ids, **columns}, units=units)
        writer.finish(table, list(columns), Origin("test", "2026-01-01T00:00:00", "made by code", ""), [])
    return path


def measured(networks, data, **more) -> tuple[measure.Measurements, list[str]]:
    work, said = measure.run(networks, data, **more), []
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return end.value, said
        if isinstance(event, Skipped):
            said.append(str(event.problem))


def test_on_its_own_dataset_values_and_errors_are_the_predictions_and_training_galaxies_are_flagged(run, own):
    found, said = measured([run], own)
    expected = result_of(predict.run(run, own))
    np.testing.assert_array_equal(found.found.values.astype(np.float32), expected.scores)
    np.testing.assert_array_equal(found.found.errors.astype(np.float32), expected.errors)
    assert said == [] and found.problems == []
    assert "so that 68 % of the 28 validation galaxies" in found.errors_are
    with Cutouts.open(own) as cutouts:
        parts = splits.load(RunFolder(run).split_file, cutouts.ids)
    used = {row for row, flag in enumerate(found.flags) if "used in the training" in flag}
    assert used == {*parts.train.tolist(), *parts.validation.tolist()}


@pytest.mark.parametrize("is_in_file", [True, False])
def test_galaxies_in_another_unit_have_the_same_values_when_the_zero_points_are_known(run, own, tmp_path, is_in_file):
    other = changed(own, tmp_path / "other.h5", 100.0, 30.9 if is_in_file else None)
    found, said = measured([run], other, given_zero_points=[] if is_in_file else [30.9])
    same, _ = measured([run], changed(own, tmp_path / "same.h5"))
    np.testing.assert_allclose(found.found.values, same.found.values, rtol=1e-4)
    assert found.flags == same.flags
    assert said == [
        "Pixel values are brought to the zero points of the training: F160W from 30.9 to 25.9 mag (× 0.01)."
    ]


def test_an_unknown_zero_point_is_said_and_galaxies_unlike_those_of_the_training_are_flagged(run, own, tmp_path):
    found, said = measured([run], changed(own, tmp_path / "other.h5", 100.0, None))
    assert len(said) == 1 and "zero point of these images is not known (F160W)" in said[0] and "--zero-point" in said[0]
    assert all("flux in F160W high" in flag and "noise in F160W high" in flag for flag in found.flags)
    same, said = measured([run], changed(own, tmp_path / "same.h5"))
    assert said == [] and same.flagged < 0.3 * len(same)
    network = Predictor.load(run)
    dataclasses.replace(network, zero_points=(None,)).save(RunFolder(run).best)
    _, said = measured([run], tmp_path / "other.h5", given_zero_points=[30.9])
    assert len(said) == 1 and "of the network's training images is not known" in said[0]
    with pytest.raises(SettingsProblem, match="2 zero points for 1 band"):
        measured([run], tmp_path / "other.h5", given_zero_points=[30.9, 31])


def test_zero_points_of_files_come_from_their_headers_or_are_asked_for(run, own, tmp_path):
    with Cutouts.open(own) as cutouts:
        images = cutouts.images[:4]
    for folder, header in (("silent", {}), ("telling", {"MAGZERO": 25.9})):
        (tmp_path / folder).mkdir()
        for number, image in enumerate(images):
            cards = fits.Header({"PIXSCALE": 0.08, "FILTER": "F160W", **header})
            fits.writeto(tmp_path / folder / f"{number}.fits", image[0], cards)
    question = result_of(zero_point_question.find_question(run, tmp_path / "silent"))
    assert question is not None and (question.bands, question.known, question.trained) == (("F160W",), (None,), (25.9,))
    assert question.of_files
    assert result_of(zero_point_question.find_question(run, tmp_path / "telling")) is None
    assert result_of(zero_point_question.find_question(run, own)) is None
    told, _ = measured([run], tmp_path / "telling")
    given, _ = measured([run], tmp_path / "silent", given_zero_points=[25.9])
    unknown, _ = measured([run], tmp_path / "silent")
    assert told.pixels_are == given.pixels_are == "Zero points F160W 25.9, brought to those of the training, 25.9 mag."
    assert unknown.pixels_are == "Taken as they are: the zero point of these images is not known."
    np.testing.assert_array_equal(told.found.values, given.found.values)


def test_the_pixel_scale_of_files_is_asked_for_where_they_do_not_say_it_and_sizes_depend_on_it(run, own, tmp_path):
    with Cutouts.open(own) as cutouts:
        images = cutouts.images[:4]
    for number, image in enumerate(images):
        (tmp_path / "files").mkdir(exist_ok=True)
        fits.writeto(tmp_path / "files" / f"{number}.fits", image[0], fits.Header({"FILTER": "F160W", "MAGZERO": 25.9}))
    question = result_of(zero_point_question.find_question(run, tmp_path / "files"))
    assert question is not None and not question.asks_zero_points
    assert question.sizes == ("half_light_radius",) and question.scale_of_training == pytest.approx(0.08)
    same, _ = measured([run], tmp_path / "files", changes={"pixel_scale": 0.08})
    wide, _ = measured([run], tmp_path / "files", changes={"pixel_scale": 0.16})
    np.testing.assert_allclose(wide.found.values[:, 0], 2 * same.found.values[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(wide.found.values[:, 1], same.found.values[:, 1])


def test_sizes_in_arcsec_follow_the_pixel_scale_and_nothing_else_does(run, own, tmp_path):
    coarse, said = measured([run], changed(own, tmp_path / "coarse.h5", scale=0.2))
    same, _ = measured([run], changed(own, tmp_path / "same.h5"))
    for found, expected in ((coarse.found.values, same.found.values), (coarse.found.errors, same.found.errors)):
        np.testing.assert_allclose(found[:, 0], 2.5 * expected[:, 0], rtol=1e-5)
        np.testing.assert_array_equal(found[:, 1:], expected[:, 1:])
    assert any("half_light_radius: converted to the pixel scale of these images, 0.2 arcsec" in each for each in said)
    assert all("pixel scale 2.5 times" in flag for flag in coarse.flags)
    judged = result_of(evaluation.run(run, tmp_path / "coarse.h5"))
    np.testing.assert_array_equal(judged.predictions.scores, coarse.found.values.astype(np.float32))


def test_sizes_are_not_converted_where_nobody_knows_from_what(run, own, tmp_path):
    unknown, said = measured([run], changed(own, tmp_path / "unknown.h5", scale=np.nan))
    same, _ = measured([run], changed(own, tmp_path / "same.h5"))
    np.testing.assert_array_equal(unknown.found.values, same.found.values)
    assert any("pixel scale of 60 of these galaxies is not known" in each for each in said)
    assert all("pixel scale unknown" in flag for flag in unknown.flags)
    old = dataclasses.replace(Predictor.load(run), training_range=None)
    old.save(RunFolder(run).best)
    as_before, said = measured([run], changed(own, tmp_path / "coarse.h5", scale=0.2))
    np.testing.assert_array_equal(as_before.found.values, same.found.values)
    assert any("not converted" in each and "an earlier version" in each for each in said)


def another_run(run: Path, name: str, by: float) -> Path:
    """A run of the same parts whose network answers otherwise."""
    copy = Path(shutil.copytree(run, run.parent / name))
    network = Predictor.load(copy)
    scale = network.output_scale
    assert scale is not None
    network.output_scale = dataclasses.replace(scale, centre=scale.centre + by * scale.scale)
    network.save(RunFolder(copy).best)
    return copy


def test_networks_together_give_the_mean_with_an_error_of_data_and_ignorance_calibrated_on_common_galaxies(run, own):
    runs = [run, another_run(run, "second", 0.3), another_run(run, "third", -0.6)]
    found, said = measured(runs, own)
    each = [measured([one], own)[0].found for one in runs]
    plain = slice(0, 2)
    values = np.stack([one.values for one in each])[:, :, plain]
    np.testing.assert_allclose(found.found.values[:, plain], values.mean(axis=0), rtol=1e-6)
    data = np.sqrt(np.mean([one.errors**2 for one in each], axis=0))[:, plain]
    spread = values.std(axis=0, ddof=1)
    factors = found.found.data[:, plain] / data
    np.testing.assert_allclose(factors, np.broadcast_to(factors[0], factors.shape), rtol=1e-5)
    np.testing.assert_allclose(found.found.ignorance[:, plain], factors[0] * spread, rtol=1e-4)
    np.testing.assert_allclose(found.found.errors**2, found.found.data**2 + found.found.ignorance**2, rtol=1e-9)
    with Cutouts.open(own) as cutouts:
        rows = splits.load(RunFolder(run).split_file, cutouts.ids).validation
        true = np.stack([cutouts.columns[name] for name in found.target.columns[plain]], axis=1)[rows]
    inside = np.abs(found.found.values[rows][:, plain] - true) <= found.found.errors[rows][:, plain] * (1 + 1e-6)
    assert inside.sum(axis=0).tolist() == [np.ceil(0.6827 * 29)] * 2
    assert "28 galaxies are within one that are in the validation part of each run" in found.errors_are
    assert said == [] and found.runs == (run.name,) * 3


def test_networks_without_common_galaxies_are_said_to_be_uncalibrated(run, own):
    other = another_run(run, "second", 0.3)
    RunFolder(other).split_file.unlink()
    found, _ = measured([run, other], own)
    assert "not calibrated: “second” has no record of its parts" in found.errors_are
    assert found.found.errors is not None


def test_angles_of_several_networks_are_averaged_the_shorter_way_round():
    from core.data.encodings import Encoding
    from core.nets.combination import combine

    values = np.array([[[179.0]], [[5.0]], [[2.0]]])
    found = combine(values, [np.full((1, 1), 3.0)] * 3, (Encoding(180.0),))
    assert found.values[0, 0] == pytest.approx(2, abs=0.05)
    assert found.ignorance[0, 0] == pytest.approx(3, abs=0.05)
    assert found.errors[0, 0] == pytest.approx(np.sqrt(18), abs=0.05)
    alone = combine(values[:1], [None], (Encoding(180.0),))
    assert alone.errors is None and alone.ignorance is None and alone.values[0, 0] == pytest.approx(179)


def test_networks_that_measure_something_else_are_refused(run, own, survey_run):
    with pytest.raises(NotPossible, match="nothing to measure"):
        measured([survey_run], own)
    other = another_run(run, "second", 0)
    network = Predictor.load(other)
    assert isinstance(network.target, Quantities)
    network.target = dataclasses.replace(network.target, units=("pix", "mag", "deg"))
    network.save(RunFolder(other).best)
    with pytest.raises(NotPossible, match=r"measures half_light_radius \[pix\]"):
        measured([run, other], own)


@pytest.mark.parametrize("ending", ["csv", "fits", "xml", "parquet"])
def test_the_table_has_values_errors_units_and_flags(run, own, tmp_path, ending):
    found, _ = measured([run], own)
    path = tmp_path / f"table.{ending}"
    measure.write(found, path)
    if ending == "parquet":
        table = Table(parquet.read_table(path).to_pydict())
    else:
        table = Table.read(path, format={"csv": "ascii.csv", "fits": "fits", "xml": "votable"}[ending])
    quantities = ("half_light_radius", "magnitude", "position_angle")
    head = ["id"]
    for name in quantities:
        head += [name, f"{name}_error", *([f"{name}_unit"] if ending == "csv" else [])]
    assert table.colnames == [*head, "flags"]
    np.testing.assert_allclose(table["magnitude_error"], found.found.errors[:, 1], rtol=1e-5)
    if ending == "csv":
        assert set(table["half_light_radius_unit"]) == {"arcsec"}
    elif ending != "parquet":
        assert [str(table[name].unit) for name in quantities] == ["arcsec", "mag", "deg"]


def test_the_command_measures_files_with_several_runs(run, own, tmp_path, capsys):
    second = another_run(run, "second", 0.1)
    with Cutouts.open(own) as cutouts:
        images = cutouts.images[:3]
    folder = tmp_path / "files"
    folder.mkdir()
    for number, image in enumerate(images):
        fits.writeto(folder / f"galaxy{number}.fits", image[0])
    table = tmp_path / "table.csv"
    pixels = ("--zero-point", "25.9", "--stamps", "pixel_scale=0.08")
    assert main(["measure", str(run), str(second), str(folder), "-o", str(table), *pixels]) == 0
    told = capsys.readouterr()
    assert "3 galaxies" in told.out and "networks together were multiplied by a factor" in told.err
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    known, _ = measured([run, second], own)
    np.testing.assert_allclose([float(row["magnitude"]) for row in rows], known.found.values[:3, 1], rtol=1e-5)
    assert {"magnitude_error_data", "magnitude_error_networks"} <= rows[0].keys()
    assert main(["measure", str(run), str(own), "-o", str(tmp_path / "table.txt")]) == 1
    assert main(["measure", str(run), str(own), "-o", str(table), "--zero-point", "ab"]) == 1
    assert "no zero point" in capsys.readouterr().err


def test_a_calibration_with_other_factors_changes_the_errors_alone(run, own):
    network = Predictor.load(run)
    before, _ = measured([run], own)
    network.calibration = ErrorBarCalibration((1.0, 1.0, 1.0), (0.1, 0.1, 0.1), 30)
    network.save(RunFolder(run).best)
    after, _ = measured([run], own)
    np.testing.assert_array_equal(before.found.values, after.found.values)
    factors = Predictor.load(GOLDEN / "runs" / run.name).calibration
    assert factors is not None
    np.testing.assert_allclose(before.found.errors / after.found.errors, np.tile(factors.factors, (60, 1)), rtol=1e-5)


def test_stamps_of_another_size_than_in_training_are_flagged(run, own, tmp_path):
    with Cutouts.open(own) as cutouts:
        images = np.pad(cutouts.images[:4], ((0, 0), (0, 0), (8, 8), (8, 8)))
        side = images.shape[2]
    with DatasetWriter(tmp_path / "large.h5", images.shape[1:], [Band("F160W", "e-/s", 25.9)], "float32") as writer:
        writer.append(images, list("abcd"), np.full(4, 0.08), [""] * 4, np.zeros(4))
        writer.finish(Table({"id": list("abcd")}), [], Origin("test", "2026-01-01T00:00:00", "made by code", ""), [])
    found, _ = measured([run], tmp_path / "large.h5")
    words = f"stamp of {side} × {side} pixels, {side - 16} × {side - 16} in the training"
    assert all(words in flag for flag in found.flags)


def measured_in_pieces(run, data, table: Path, wish: Wish) -> Table:
    written = result_of(predict_table.run(run, data, table, wish=wish))
    found = Table.read(table).filled("")
    assert written.flagged == sum(str(flag) != "" for flag in found["flags"])
    assert "so that 68 % of the 28 validation galaxies" in written.errors_are
    return found


@pytest.mark.parametrize("case", ["own", "another unit"])
def test_a_table_written_in_pieces_holds_what_is_measured_as_a_whole(run, own, tmp_path, monkeypatch, case):
    monkeypatch.setattr(predict_table, "_ROWS", 30)
    data, given = (own, ()) if case == "own" else (changed(own, tmp_path / "other.h5", 100.0, None), (30.9,))
    whole, _ = measured([run], data, given_zero_points=given)
    found = measured_in_pieces(run, data, tmp_path / "t.fits", Wish(unlikeness=False, zero_points=given))
    assert [str(name) for name in found["id"]] == list(whole.ids)
    for place, name in enumerate(whole.target.columns):
        np.testing.assert_allclose(found[name], whole.found.values[:, place], rtol=1e-5)
        np.testing.assert_allclose(found[f"{name}_error"], whole.found.errors[:, place], rtol=1e-5)
    assert [str(flag) for flag in found["flags"]] == whole.flags
    assert any("used in the training" in flag for flag in whole.flags) == (case == "own")
    assert " ".join(str(found.meta["PIXELS"]).split()) == whole.pixels_are


def test_files_are_measured_in_pieces_with_the_pixel_scale_and_zero_point_that_were_asked_for(run, own, tmp_path):
    with Cutouts.open(own) as cutouts:
        images = cutouts.images[:4]
    (tmp_path / "files").mkdir()
    for number, image in enumerate(images):
        fits.writeto(tmp_path / "files" / f"{number}.fits", image[0] * 100, fits.Header({"FILTER": "F160W"}))
    whole, _ = measured([run], tmp_path / "files", changes={"pixel_scale": 0.16, "zero_point": (30.9,)})
    wish = Wish({"pixel_scale": 0.16}, unlikeness=False, workers=0, zero_points=(30.9,))
    found = measured_in_pieces(run, tmp_path / "files", tmp_path / "t.fits", wish)
    for place, name in enumerate(whole.target.columns):
        np.testing.assert_allclose(found[name], whole.found.values[:, place], rtol=1e-5)
    assert [str(flag) for flag in found["flags"]] == whole.flags
    assert all("pixel scale 2 times" in flag for flag in whole.flags)
