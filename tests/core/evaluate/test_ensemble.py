"""Several networks as one: made of runs, asked wherever a run is asked, with a test part that none of them has seen."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.table import Table
from scipy.stats import entropy
from sklearn.metrics import accuracy_score, log_loss, mutual_info_score

from core.adapt import match
from core.cli.main import main
from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import FolderInUse, NotPossible, TooFewGalaxies, UnreadableFile
from core.evaluate import ensemble_making, evaluation, measure, predict, unusual
from core.events import Skipped, result_of
from core.explain import methods
from core.explain.settings import GradientSettings, OcclusionSettings
from core.nets import features, temperature
from core.nets.combination import combine_probabilities
from core.nets.ensemble import Ensemble
from core.nets.predictor import Predictor
from core.nets.temperature import Temperature
from core.project import ensembles
from core.project.runs import RunFolder
from core.studies import ensemble_training
from core.train import run_check, run_summary
from core.train.settings import RunSettings

GOLDEN = Path(__file__).parents[2] / "golden" / "measured"


def change(run: RunFolder, seed: int) -> None:
    """Change the weights of a network a little."""
    network = Predictor.load(run.best)
    random = torch.Generator().manual_seed(seed)
    for value in network.network.parameters():
        value.add_(0.1 * value.std() * torch.randn(value.shape, generator=random) if value.numel() > 1 else 0)
    network.save(run.best)


@pytest.fixture
def runs(survey_run: Path, tmp_path: Path) -> list[RunFolder]:
    """Three runs of the same parts with different networks, in one folder."""
    found = []
    for number in range(3):
        run = RunFolder(Path(shutil.copytree(survey_run, tmp_path / "runs" / f"seed {number}")))
        if number:
            change(run, number)
        found.append(run)
    return found


@pytest.fixture
def ensemble(runs, survey_dataset, tmp_path) -> RunFolder:
    for run in runs:
        run.save_data_path(survey_dataset)
    return result_of(ensemble_making.make(runs, RunFolder.create(tmp_path / "runs" / "together")))


def watched(work) -> tuple[object, list[str]]:
    """The result of some work, and what was said."""
    said: list[str] = []
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return end.value, said
        if isinstance(event, Skipped):
            said.append(event.problem.sentence)


def probabilities_of(runs, data) -> np.ndarray:
    return np.stack([result_of(predict.run(run.best, data)).scores for run in runs])


# -- the mean and the doubt --------------------------------------------------------------------------------------------


def test_the_entropy_of_the_mean_divides_into_that_of_the_networks_and_the_mutual_information():
    each = np.random.default_rng(1).dirichlet((0.3, 0.5, 1), (4, 50))
    each[0, 0], each[1, 0] = (1, 0, 0), (0, 1, 0)
    mean, doubt = combine_probabilities(each)
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(doubt.data[:, 0], entropy(each, base=3, axis=2).mean(axis=0), rtol=1e-12)
    counts = np.round(1e6 * each).astype(np.int64)
    independent = [mutual_info_score(None, None, contingency=counts[:, row]) / np.log(3) for row in range(50)]
    np.testing.assert_allclose(doubt.ignorance[:, 0], independent, atol=1e-5)
    np.testing.assert_allclose(
        doubt.data[:, 0] + doubt.ignorance[:, 0], entropy(mean, base=3, axis=1), rtol=1e-9, atol=1e-12
    )


def test_an_ensemble_predicts_the_mean_of_its_networks_and_says_where_its_doubt_comes_from(
    ensemble, runs, survey_dataset, tmp_path
):
    found = result_of(predict.run(ensemble.path, survey_dataset))
    each = probabilities_of(runs, survey_dataset)
    np.testing.assert_allclose(found.scores, each.mean(axis=0), atol=1e-6)
    assert found.run == "together" and found.errors is None
    np.testing.assert_allclose(found.doubt.data[:, 0], entropy(each, base=3, axis=2).mean(axis=0), atol=1e-5)
    table = tmp_path / "table.fits"
    assert main(["predict", str(ensemble.path), str(survey_dataset), "-o", str(table)]) == 0
    read = Table.read(table)
    np.testing.assert_allclose(read["entropy_networks"], found.doubt.ignorance[:, 0], atol=1e-6)
    np.testing.assert_allclose(read["entropy_data"] + read["entropy_networks"], read["entropy"], atol=1e-5)
    assert "that the ignorance of the networks causes" in read["entropy_networks"].description
    assert np.isfinite(read["unlikeness"]).all() and read.meta["WEIGHTS"].startswith("sha256:")
    alone = tmp_path / "alone.csv"
    assert main(["predict", str(runs[0].path), str(survey_dataset), "-o", str(alone)]) == 0
    assert "entropy_data" not in alone.read_text()


def test_what_enters_the_mean_of_calibrated_networks_is_said(runs, ensemble, survey_dataset):
    own = Predictor.load(ensemble.best)
    assert not any("calibrated" in str(note) for note in own.notes)
    temperature.keep(runs[0].best, Temperature(0.5, 0.1, 40, (0.5, 0.4), (0.03, 0.02)))
    said = [str(note) for note in Predictor.load(ensemble.best).notes]
    begin = f"1 of its {len(runs)} networks has been calibrated (temperature 0.5)"
    assert sum(begin in each for each in said) == 1
    _, told = watched(evaluation.run(ensemble, survey_dataset, "validation"))
    assert any("calibrated probabilities enter the mean" in each for each in told)


def test_classes_in_another_order_are_matched_by_name(runs, ensemble, survey_dataset):
    expected = result_of(predict.run(ensemble.path, survey_dataset)).scores
    network = Predictor.load(runs[2].best)
    order = [2, 0, 1]
    last = network.network.head[-1]
    last.weight.copy_(last.weight[order].clone())
    last.bias.copy_(last.bias[order].clone())
    assert isinstance(network.target, Classes)
    network.target = dataclasses.replace(network.target, names=tuple(network.target.names[place] for place in order))
    network.save(runs[2].best)
    np.testing.assert_allclose(result_of(predict.run(ensemble.path, survey_dataset)).scores, expected, atol=1e-6)


# -- wherever a run is asked -------------------------------------------------------------------------------------------


def test_an_ensemble_is_evaluated_on_its_parts_like_a_run(ensemble, runs, survey_dataset):
    before = json.loads(ensemble.metrics_file.read_text())
    assert before["validation"]["galaxies"] > 0 and "test" not in before
    found = result_of(evaluation.run(ensemble, None, "test"))
    assert found.is_own and found.part == "test" and found.problems == []
    with Cutouts.open(survey_dataset) as cutouts:
        shapes = np.asarray(cutouts.catalogue["shape"])[found.rows]
    mean = probabilities_of(runs, survey_dataset).mean(axis=0, dtype=float)[found.rows]
    assert found.report.accuracy.value == pytest.approx(
        accuracy_score(shapes, np.array(found.predictions.names)[mean.argmax(axis=1)])
    )
    assert found.report.log_loss == pytest.approx(log_loss(shapes, mean / mean.sum(axis=1, keepdims=True)), rel=1e-4)
    own = result_of(evaluation.run(runs[0], survey_dataset, "test"))
    np.testing.assert_array_equal(found.rows, own.rows)
    balanced = result_of(evaluation.run(ensemble, None, "validation", decision="balanced", keep=True))
    assert balanced.predictions.decision.kind == "balanced"
    assert result_of(predict.run(ensemble.path, survey_dataset)).decision.kind == "balanced"


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        pytest.param("occlusion", OcclusionSettings(patch=8, stride=8), marks=pytest.mark.slow),
        ("integrated-gradients", GradientSettings()),
    ],
)
def test_a_map_is_the_mean_of_the_networks_maps_for_what_the_ensemble_predicts(
    ensemble, runs, survey_dataset, method, settings
):
    with Cutouts.open(survey_dataset) as cutouts:
        image = cutouts.images[4]
    together = Predictor.load(ensemble.path)
    found = result_of(methods.explain(method, together, image, None, settings))
    scores = together.scores(torch.from_numpy(image[None]))[0]
    assert found.target_name == together.output_names[int(scores.argmax())]
    assert found.probability == pytest.approx(float(scores.max()), abs=1e-6)
    each = [
        result_of(methods.explain(method, Predictor.load(run.best), image, found.target_name, settings)) for run in runs
    ]
    np.testing.assert_allclose(found.map, np.mean([one.map for one in each], axis=0), atol=1e-6)
    assert found.score == pytest.approx(np.mean([one.score for one in each]), rel=1e-6)
    with pytest.raises(NotPossible, match="no output “irregular”"):
        result_of(methods.explain(method, together, image, "irregular", settings))


@pytest.mark.slow
def test_the_command_explains_with_an_ensemble(ensemble, survey_dataset, tmp_path, capsys):
    with Cutouts.open(survey_dataset) as cutouts:
        name = cutouts.ids[0]
    arguments = ["explain", str(ensemble.path), str(survey_dataset), "--id", name, "--method", "grad-cam"]
    assert main([*arguments, "-o", str(tmp_path / "maps")]) == 0
    assert "best epochs of several runs together" in capsys.readouterr().err
    assert len(list((tmp_path / "maps").glob("*.fits"))) == 1


def test_features_are_those_of_all_networks_and_strange_galaxies_are_found_by_them(ensemble, runs, survey_dataset):
    with Cutouts.open(survey_dataset) as cutouts:
        images = torch.from_numpy(cutouts.images[:3])
    together = Predictor.load(ensemble.path)
    each = [features.last_features(Predictor.load(run.best), images) for run in runs]
    torch.testing.assert_close(features.last_features(together, images), torch.cat(each, dim=1))
    assert features.feature_count(together) == sum(one.shape[1] for one in each)
    found = result_of(unusual.run(ensemble.path, survey_dataset))
    assert len(found.order) == 90 and found.is_own


def test_an_ensemble_is_matched_with_another_survey_and_other_scalings_are_said(ensemble, runs, survey_dataset):
    found, said = watched(match.run(ensemble.path, survey_dataset))
    assert found.line("bands").state == "fits" and found.source is not None and said == []
    network = Predictor.load(runs[1].best)
    network.normalisation.centre.add_(1)
    network.save(runs[1].best)
    again, said = watched(match.run(ensemble.path, survey_dataset))
    assert again.line("bands").state == "fits"
    assert len(said) == 1 and "scale pixel values in different ways" in said[0]


def test_what_needs_one_network_is_refused_with_the_way_out(ensemble, survey_dataset, tmp_path, capsys):
    with pytest.raises(NotPossible, match=r"“together” are 3 networks.*Choose one of the runs"):
        _ = Predictor.load(ensemble.path).network
    top = ["top", str(ensemble.path), str(survey_dataset), "--layer", "activation1", "-o", str(tmp_path / "top")]
    assert main(top) == 1 and "with one only" in capsys.readouterr().err
    again = ["train", str(survey_dataset), "-o", str(tmp_path / "tuned"), "--start-from", str(ensemble.path)]
    assert main(again) == 1 and "with one only" in capsys.readouterr().err
    report = ["report", str(ensemble.path), "-o", str(tmp_path / "report.html")]
    assert main(report) == 1 and "reports, model cards and methods are of one run" in capsys.readouterr().err


def test_an_ensemble_is_listed_among_the_runs_and_a_missing_run_makes_it_unreadable(ensemble, runs):
    summary = run_summary.summarise(ensemble)
    assert summary.problem is None and summary.start == "3 runs together" and summary.state == "finished"
    assert summary.score_name == "balanced_accuracy" and summary.settings is None
    shutil.rmtree(runs[1].path)
    problem = run_check.find_problem(ensemble)
    assert problem is not None and "“seed 1” of this ensemble is not there any more" in problem.sentence
    assert run_summary.summarise(ensemble).state == "unreadable"
    with pytest.raises(UnreadableFile, match="seed 1"):
        Predictor.load(ensemble.path)


def test_quantities_of_an_ensemble_have_the_error_bars_that_measuring_with_its_runs_gives(tmp_path):
    project = Path(shutil.copytree(GOLDEN, tmp_path / "measured"))
    first = next((project / "runs").iterdir())
    second = RunFolder(Path(shutil.copytree(first, first.parent / "second")))
    network = Predictor.load(second.best)
    assert network.output_scale is not None
    network.output_scale = dataclasses.replace(
        network.output_scale, centre=network.output_scale.centre + 0.3 * network.output_scale.scale
    )
    network.save(second.best)
    data = project / "datasets" / "measured.h5"
    folder = result_of(ensemble_making.make([first, second], RunFolder.create(project / "runs" / "both")))
    measured, by_runs = result_of(measure.run([folder.path], data)), result_of(measure.run([first, second.path], data))
    np.testing.assert_array_equal(measured.found.errors, by_runs.found.errors)
    predicted = result_of(predict.run(folder.path, data))
    np.testing.assert_allclose(predicted.scores, measured.found.values, rtol=1e-5)
    np.testing.assert_allclose(predicted.errors, measured.found.errors, rtol=1e-4)
    np.testing.assert_allclose(predicted.doubt.ignorance, measured.found.ignorance, rtol=1e-3)
    moved = project.rename(tmp_path / "elsewhere")
    network = Predictor.load(moved / "runs" / "both")
    assert isinstance(network, Ensemble) and network.calibration is not None
    judged = result_of(evaluation.run(moved / "runs" / "both", None, "validation"))
    assert judged.error_bars is not None


# -- which runs belong together ----------------------------------------------------------------------------------------


def rewrite_parts(run: RunFolder, changes: dict[str, str]) -> None:
    """Have some galaxies in other parts of a run; by part, all that are in it."""
    lines = run.split_file.read_text().splitlines()
    kept = [line if line.startswith("#") else _with_part(line, changes) for line in lines]
    run.split_file.write_text("\n".join(kept) + "\n")


def _with_part(line: str, changes: dict[str, str]) -> str:
    head, _, part = line.rpartition(",")
    return f"{head},{changes.get(part, part)}"


def parts_of(run: RunFolder) -> dict[str, str]:
    with run.split_file.open() as file:
        return {line["id"]: line["part"] for line in csv.DictReader(row for row in file if not row.startswith("#"))}


def test_a_test_galaxy_of_one_run_that_another_was_trained_on_is_no_test_galaxy(runs, survey_dataset, tmp_path):
    own = parts_of(runs[0])
    tested = [name for name, part in own.items() if part == "test"]
    lines = runs[1].split_file.read_text()
    for name in tested[:5]:
        row = next(line for line in lines.splitlines() if line.startswith(f"{name},"))
        lines = lines.replace(row, row.replace(",test", ",train"))
    runs[1].split_file.write_text(lines)
    for run in runs:
        run.save_data_path(survey_dataset)
    folder = result_of(ensemble_making.make(runs, RunFolder.create(tmp_path / "runs" / "together")))
    assert {name for name, part in parts_of(folder).items() if part == "test"} == set(tested[5:])
    found = result_of(evaluation.run(folder, None, "test"))
    assert sorted(found.predictions.ids) == sorted(tested[5:])
    (problem,) = found.problems
    assert "5 galaxies of the test part of one were shown to another" in problem.sentence
    assert f"{len(tested) - 5} galaxies that none of them has seen remain" in problem.sentence


def test_networks_alone_are_compared_with_all_together_only_on_the_same_galaxies(runs, survey_dataset, tmp_path):
    for run in runs:
        run.save_data_path(survey_dataset)
    folder = result_of(ensemble_making.make(runs, RunFolder.create(tmp_path / "runs" / "alike")))
    assert "; alone " in ensemble_training.describe(folder, runs)
    validated = next(name for name, part in parts_of(runs[1]).items() if part == "validation")
    lines = runs[1].split_file.read_text().splitlines()
    moved = [_with_part(line, {"validation": "train"}) if line.startswith(f"{validated},") else line for line in lines]
    runs[1].split_file.write_text("\n".join(moved) + "\n")
    folder = result_of(ensemble_making.make(runs, RunFolder.create(tmp_path / "runs" / "unlike")))
    told = ensemble_training.describe(folder, runs)
    assert "on average" not in told and "judged on other galaxies" in told


def test_runs_of_which_each_was_trained_on_the_others_test_part_have_no_test_part(runs, survey_dataset, tmp_path):
    rewrite_parts(runs[1], {"test": "train", "train": "test"})
    folder = result_of(ensemble_making.make(runs, RunFolder.create(tmp_path / "runs" / "together")))
    with pytest.raises(TooFewGalaxies, match="no labelled galaxy in the test part"):
        result_of(evaluation.run(folder, survey_dataset, "test"))


def test_runs_that_do_not_belong_together_are_refused_with_the_difference(runs, survey_dataset, tmp_path):
    def refusal(change) -> str:
        network = Predictor.load(runs[0].best)
        change(network)
        network.save(runs[1].best)
        with pytest.raises(NotPossible) as refused:
            result_of(ensemble_making.make(runs, RunFolder(tmp_path / "runs" / "together")))
        assert not (tmp_path / "runs" / "together").exists()
        return refused.value.sentence

    def learn_otherwise(network: Predictor) -> None:
        network.target = Classes("shape", ("disk", "edge-on", "irregular"))

    def set_scale(network: Predictor) -> None:
        network.pixel_scale = 0.8

    def set_bands(network: Predictor) -> None:
        network.bands = ("i",)

    def set_zero_point(network: Predictor) -> None:
        network.zero_points = (22.5,)

    def set_dataset(network: Predictor) -> None:
        network.card["checksum"] = "another"

    assert "one knows disk, edge-on, irregular, the other disk, edge-on, spheroid" in refusal(learn_otherwise)
    assert "one was trained at 0.8 arcsec/pixel, the other at 0.4" in refusal(set_scale)
    assert "one was trained on the bands i, the other on r" in refusal(set_bands)
    assert "the zero point of r was 22.5 in the training of one, unknown in that of the other" in refusal(
        set_zero_point
    )
    assert "“seed 1” was trained on another dataset than “seed 0”" in refusal(set_dataset)
    with pytest.raises(NotPossible, match="two or more runs"):
        result_of(ensemble_making.make([runs[0], runs[0]], RunFolder(tmp_path / "x")))
    shutil.copyfile(runs[0].best, runs[1].best)
    runs[1].split_file.unlink()
    with pytest.raises(UnreadableFile, match="“seed 1” has no record of its parts"):
        result_of(ensemble_making.make(runs, RunFolder(tmp_path / "x")))


def test_an_ensemble_of_ensembles_and_one_of_a_newer_program_are_refused(ensemble, runs, tmp_path):
    with pytest.raises(NotPossible, match="itself an ensemble"):
        result_of(ensemble_making.make([ensemble, runs[0]], RunFolder(tmp_path / "x")))
    text = ensemble.ensemble_file.read_text()
    ensemble.ensemble_file.write_text(text.replace("format = 1", "format = 9"))
    problem = run_check.find_problem(ensemble)
    assert problem is not None and "newer Tuning Fork" in problem.sentence
    ensemble.ensemble_file.write_text("runs = 3")
    problem = run_check.find_problem(ensemble)
    assert problem is not None and "Make the ensemble anew" in problem.text


# -- training ----------------------------------------------------------------------------------------------------------

TINY = {"network": {"depth": 1, "channels": 4}, "optimiser": {"epochs": 1, "batch_size": 32}, "device": "cpu"}


def test_one_option_trains_several_seeds_with_the_same_parts_and_goes_on_after_an_interruption(
    survey_dataset, tmp_path, capsys
):
    settings = tmp_path / "tiny.toml"
    settings.write_text(
        "[network]\ndepth = 1\nchannels = 4\n[optimiser]\nepochs = 1\nbatch_size = 32\n", encoding="utf-8"
    )
    out = tmp_path / "both"
    arguments = [
        "train",
        str(survey_dataset),
        "-o",
        str(out),
        "--seeds",
        "2",
        "--seed",
        "4",
        "--settings",
        str(settings),
    ]
    assert main([*arguments, "--set", "device=cpu"]) == 0
    told = capsys.readouterr().out
    assert "2 networks together: validation accuracy" in told and "on average" in told
    folders = [RunFolder(out / "seed 4"), RunFolder(out / "seed 5")]
    assert [run.path for run in ensembles.read(out / "ensemble.toml").members] == [run.path for run in folders]
    assert parts_of(folders[0]) == parts_of(folders[1]) == parts_of(RunFolder(out))
    weights = [Predictor.load(run.best).network.head[-1].weight for run in folders]
    assert not torch.equal(*weights)
    assert main([*arguments, "--set", "device=cpu"]) == 1 and "holds an ensemble already" in capsys.readouterr().err

    before = folders[0].best.read_bytes()
    (out / "ensemble.toml").unlink()
    for file in (*out.glob("*.csv"), *out.glob("*.json"), *out.glob("*.txt")):
        file.unlink()
    shutil.rmtree(folders[1].path)  # interrupted after the first
    other = [*arguments, "--set", "device=cpu", "--set", "optimiser.batch_size=16"]
    assert main(other) == 1 and "begun with other settings: optimiser.batch_size" in capsys.readouterr().err
    assert main([*arguments, "--set", "device=cpu"]) == 0
    assert folders[0].best.read_bytes() == before and Predictor.load(out).card["run"] == "both"
    assert main(["ensemble", *(str(run.path) for run in folders), "-o", str(tmp_path / "again")]) == 0
    assert main(["runs", str(out)]) == 0 and "both" in capsys.readouterr().out


def test_an_ensemble_in_a_project_has_the_parts_that_the_project_keeps(survey_dataset, tmp_path):
    from core.project.project import Project

    project = Project.create(tmp_path / "project", "project")
    data = Path(shutil.copy(survey_dataset, project.dataset_path("survey")))
    journal = project.labels(data)
    settings = RunSettings.model_validate(TINY | {"seed": 3})
    members, folder = [project.new_run("one"), project.new_run("two")], project.new_run("together")
    result_of(ensemble_training.run(settings, data, members, folder, hand_labels=journal))
    assert ensemble_training.list_settings(settings, data, 2, journal)[1].data.split_seed is None  # kept from now on
    assert [run.title for run in project.runs()] == ["one", "together", "two"]
    assert parts_of(members[0]) == parts_of(members[1]) == parts_of(folder)
    project.close()


def test_a_folder_with_anything_else_is_not_taken_for_an_ensemble_that_has_begun(survey_dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert main(["train", str(survey_dataset), "-o", str(tmp_path / "out"), "--seeds", "2"]) == 1
    with pytest.raises(FolderInUse):
        RunFolder.create(tmp_path / "out")
