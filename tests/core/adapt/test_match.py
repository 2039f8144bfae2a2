"""Whether a network fits another survey: each line with its state, its numbers and its remedy."""

import json
from dataclasses import replace

import numpy as np
import pytest
from small_survey import SIDE

from core.adapt import match, match_lines, survey_statistics, surveys
from core.adapt.survey_statistics import SurveyStatistics
from core.cli.main import main
from core.data.cutouts import Cutouts
from core.data.recipe import StampRecipe
from core.data.settings import ImportSettings
from core.data.target import Classes, NoAnswers
from core.events import result_of
from core.nets.predictor import Predictor


def matched(run, data, **options):
    return result_of(match.run(run, data, **options))


def states(found):
    return {line.aspect: line.state for line in found.lines}


def test_another_part_of_the_same_survey_fits_in_every_line(survey_run, other):
    found = matched(survey_run, other())
    assert states(found) == {
        "bands": "fits",
        "stamps": "fits",
        "size": "fits",
        "values": "fits",
        "noise": "fits",
        "zero points": "not known",
        "classes": "fits",
        "labels": "fits",
    }
    assert found.resample == pytest.approx(1, abs=0.1)
    assert "in the training" in found.line("size").sentence and "0.4″/px" in found.line("size").sentence
    told = found.line("labels").sentence
    assert told.startswith("80 labelled galaxies") and "10 more in the test part" in told


@pytest.mark.slow
def test_smaller_galaxies_are_to_be_enlarged_by_the_ratio_of_their_sizes(survey_run, other):
    found = matched(survey_run, other(larger=0.6))
    line = found.line("size")
    assert line.state == "can be adapted" and line.action == "resample"
    assert found.resample == pytest.approx(1 / 0.6, rel=0.15)
    assert f"{found.resample:.2f}" in line.remedy


@pytest.mark.slow
def test_values_elsewhere_are_told_with_what_a_fitted_scaling_would_make_of_them(survey_run, other):
    found = matched(survey_run, other(dimmer=100))
    line = found.line("values")
    assert line.state == "a problem" and line.action == "scaling"
    assert found.target is not None and found.target.deviation[0] < 0.1
    assert "Fit the input scaling" in line.remedy and "then 0.00 and 1.00" in line.remedy
    assert found.line("noise").state == "fits", "the ratio of brightness to noise has not changed"


@pytest.mark.slow
def test_the_mean_and_deviation_are_those_of_the_scaled_pixels(survey_run, other):
    data = other()
    predictor = Predictor.load(survey_run)
    found = matched(survey_run, data).target
    assert found is not None
    with Cutouts.open(data) as cutouts:
        rows = surveys.read_target_labels(cutouts).rows
        pixels = cutouts.images[rows].astype(np.float64)
    scaling = predictor.normalisation
    expected = (np.arcsinh((pixels - float(scaling.sky)) / float(scaling.knee)) - float(scaling.centre)) / float(
        scaling.scale
    )
    assert found.mean[0] == pytest.approx(expected.mean(), abs=1e-3)
    assert found.deviation[0] == pytest.approx(expected.std(), abs=1e-3)
    assert found.noise[0] == pytest.approx(2, rel=0.1)
    assert abs(found.correlation[0]) < 0.1


def test_noise_that_is_smoothed_correlates_between_neighbours():
    noise = np.random.default_rng(0).normal(0, 1, (400, 1, 20, 41))
    smooth = (noise[..., 1:] + noise[..., :-1]) / 2  # neighbours share one of two draws
    correlation = survey_statistics._correlate_neighbours(smooth.astype(np.float32))
    assert correlation[0] == pytest.approx(0.5, abs=0.05)
    assert survey_statistics._correlate_neighbours(noise.astype(np.float32))[0] == pytest.approx(0, abs=0.05)


@pytest.mark.slow
def test_several_bands_for_a_network_of_one_are_averaged_if_the_user_agrees(survey_run, other):
    found = matched(survey_run, other(bands=("u", "v", "w")))
    line = found.line("bands")
    assert (line.state, line.action, found.bands) == ("can be adapted", "bands", "mean(u,v,w)")
    assert found.target is not None, "measured as they would feed it"


def test_classes_of_much_the_same_kind_are_suggested_and_taken_only_when_chosen(survey_run, other):
    data = other(names=("featured", "edge_on", "smooth"))
    line = matched(survey_run, data).line("classes")
    assert line.state == "can be adapted" and "“edge_on” is its “edge-on”" in line.sentence
    assert line.remedy == "Are these the same kinds: featured = disk, smooth = spheroid?"
    found = matched(survey_run, data, class_map={"featured": "disk", "smooth": "spheroid"})
    assert found.line("classes").state == "fits"
    nothing = found.with_classes({"featured": "", "smooth": ""})
    assert nothing.line("classes").state == "can be adapted" and not nothing.classes.suggested


@pytest.mark.slow
def test_a_network_without_its_run_is_checked_as_far_as_its_file_goes(survey_run, other, tmp_path):
    weights = tmp_path / "alone.safetensors"
    weights.write_bytes((survey_run / "best.safetensors").read_bytes())
    found = matched(weights, other(larger=0.6))
    assert found.source is None and "does not come with its run" in found.why_no_source
    assert found.line("size").state == "not known" and "px here" in found.line("size").sentence
    assert found.line("bands").state == found.line("stamps").state == "fits"


def test_the_test_part_of_the_target_is_not_looked_at(other):
    with Cutouts.open(other(unlabelled=15)) as cutouts:
        labels = surveys.read_target_labels(cutouts)
        from core.train import preparation
        from core.train.labels import read_labels
        from core.train.settings import RunSettings

        settings = RunSettings()
        target, encoded = read_labels(cutouts, settings.data)
        split = preparation.split_dataset(cutouts, target, encoded, settings)
    assert len(split.test) == labels.test > 0
    assert not set(split.test) & set(labels.rows)
    assert (labels.encoded[split.test] == -1).all()
    assert len(labels.unlabelled) == 15
    assert len(labels.rows) == 90 - labels.test


@pytest.mark.slow
def test_the_command_prints_lines_distance_and_zero_shot(survey_run, other, capsys):
    data = other(names=("featured", "edge_on", "smooth"), larger=0.7)
    arguments = ["match", str(survey_run), str(data), "--zero-shot", "--class-map", "featured=disk"]
    assert main([*arguments, "--class-map", "smooth=spheroid", "-q"]) == 0
    text = capsys.readouterr().out
    assert "size: can be adapted. The typical half-light radius is" in text
    assert "a linear classifier tells galaxies of other from training galaxies of survey" in text
    assert "The network as it is, on 80 labelled galaxies of other, without its 10 test galaxies" in text
    assert main([*arguments, "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["class_map"] == {"edge_on": "edge-on", "featured": "disk"}
    assert told["domain_distance"]["chance"] == 0.5
    assert told["zero_shot"]["left_out"] == {"smooth": 26}


def test_a_network_that_learned_without_labels_knows_no_classes():
    line = match_lines.on_classes(NoAnswers(), Classes("form", ("a", "b")), "", match_lines.ClassChoice())
    assert line.state == "can be adapted" and "without labels" in line.sentence


@pytest.mark.parametrize(
    ("sizes_fit", "state", "told"),
    [(True, "fits", "as large all the same"), (False, "can be adapted", "larger or smaller")],
)
def test_stamps_of_files_of_another_size_fit_only_if_the_galaxies_do(survey_run, sizes_fit, state, told):
    predictor = Predictor.load(survey_run)
    made = StampRecipe(ImportSettings(size=32, fit="resample"), predictor.bands, "", False, 212.0)
    here = replace(made, native_size=128.0)
    line = match_lines.on_stamps(replace(predictor, stamps=made), predictor.stamp_shape, here, sizes_fit=sizes_fit)
    assert line.state == state and told in line.sentence and "128 px (there 212)" in line.sentence
    same = match_lines.on_stamps(replace(predictor, stamps=made), predictor.stamp_shape, made, sizes_fit=sizes_fit)
    assert same.state == "fits" and "whole files" not in same.sentence


def sizes_line(run, recipe, enlarge):
    predictor = Predictor.load(run)
    nothing = np.zeros(1)
    measured = (*[nothing] * 4, np.zeros((1, 1), np.float32), nothing, nothing)
    here = SurveyStatistics(90, predictor.bands, predictor.stamp_shape[1:], np.nan, 4.0, *measured)
    there = replace(here, radius=4.0 * enlarge)
    return match_lines.on_sizes(match_lines.Surveys(predictor, there, here, ""), recipe)


@pytest.mark.parametrize(
    ("settings", "native", "field", "by"),
    [
        ({"fit": "resample"}, (212.0, np.nan), "106 px", "8.8 × 8.8"),
        ({"field": 128}, (np.nan, np.nan), "64 px", "5.3 × 5.3"),
        ({"field": 6.4, "field_unit": "arcsec"}, (np.nan, 0.05), "3.2 arcsec", "5.3 × 5.3"),
    ],
)
def test_galaxies_that_were_shrunk_are_better_imported_again_than_enlarged(survey_run, settings, native, field, by):
    made = StampRecipe(ImportSettings(size=SIDE, **settings), ("r",), "", False, *native)
    line = sizes_line(survey_run, made, 2.0)
    assert line.remedy.startswith("Enlarge the galaxies by 2.00") and line.action == "resample"
    assert f"import the files again with stamps of {SIDE} px and a field of {field}:" in line.remedy
    assert by in line.remedy
    shrunk = sizes_line(survey_run, made, 0.5)
    assert shrunk.remedy.startswith("Shrink the galaxies by 0.50") and "import" not in shrunk.remedy


@pytest.mark.parametrize("settings", [{"fit": "crop or pad"}, {"field": SIDE}, {"field": 2.0, "field_column": "r50"}])
def test_files_without_more_detail_are_not_imported_again(survey_run, settings):
    made = StampRecipe(ImportSettings(size=SIDE, **settings), ("r",), "", False, 212.0)
    assert "import" not in sizes_line(survey_run, made, 2.0).remedy
