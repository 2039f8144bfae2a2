"""Charts, doubtful galaxies and two runs, of evaluations that are made by hand."""

from __future__ import annotations

import csv
import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from core.cli.main import main
from core.data.target import Classes, Quantities
from core.errors import NotPossible, SettingsProblem, TooFewGalaxies
from core.evaluate import charts, class_charts, confusion_figure, doubtful, two_runs
from core.evaluate.evaluation import Evaluation
from core.evaluate.predict import Predictions
from core.events import result_of
from core.metrics.report import make_report
from core.nets import temperature
from core.nets.temperature import Temperature
from core.project.runs import RunFolder

NAMES = ("disk", "lens")


def evaluate(labels: np.ndarray, scores: np.ndarray, target: object, errors: np.ndarray | None = None) -> Evaluation:
    ids = tuple(f"g{place}" for place in range(len(labels)))
    rows = np.arange(len(labels)) + 100
    names = getattr(target, "names", None) or target.columns
    predictions = Predictions(ids, names, scores, target, rows, run="first", errors=errors)
    report = make_report(target, labels, scores)
    return Evaluation("validation", "note", "survey.h5", target, rows, labels, predictions, report)


@pytest.fixture
def classes() -> Evaluation:
    random = np.random.default_rng(0)
    labels = (random.random(300) < 0.1).astype(np.int64)
    p = 1 / (1 + np.exp(-random.normal(3 * labels - 2, 1)))
    return evaluate(labels, np.stack([1 - p, p], axis=1).astype(np.float32), Classes("kind", NAMES))


def words_in(drawing: Path) -> set[str]:
    """What is written in an SVG drawing: matplotlib names each text that it draws as paths in a comment."""
    comments = re.findall(r"<!--(.*?)-->", drawing.read_text(encoding="utf-8"), re.DOTALL)
    return set(" ".join(map(html.unescape, comments)).split())


def test_every_chart_is_saved_as_a_figure_and_its_numbers_as_a_table(classes, tmp_path) -> None:
    rankings = result_of(class_charts.find_rankings(classes))
    for kind in class_charts.KINDS:
        chart = class_charts.make_chart(rankings, kind, "lens")
        assert "“first” on the validation part of survey.h5, 300 galaxies" in chart.note
        if kind == "top":
            charts.save_figure(chart, tmp_path / f"{kind}.svg")
            assert words_in(tmp_path / f"{kind}.svg") >= set(chart.note.split())
            assert (tmp_path / f"{kind}.svg").read_text().count("<path") > 20
        charts.write_table(chart, tmp_path / f"{kind}.csv")
        with (tmp_path / f"{kind}.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == sum(len(each.band.x) for each in chart.series) > 3
        assert float(rows[0][chart.y_title]) == pytest.approx(chart.series[0].band.y[0], nan_ok=True)
    both = class_charts.make_chart(rankings, "roc")
    assert [each.name.split(":")[0] for each in both.series] == list(NAMES)


def test_of_the_first_k_so_many_are_real_is_a_sentence(classes) -> None:
    taken = class_charts.select(classes, "lens", first=20)
    order = np.argsort(-classes.predictions.scores[:, 1])[:20]
    said = class_charts.describe_selection(taken, "lens", "the first 20", 0.001)
    assert f"The first 20: 20 galaxies, of which {(classes.labels[order] == 1).sum()} are lens" in said
    assert "Where 0.1 % of all galaxies are lens" in said
    none = class_charts.select(classes, "lens", threshold=1.01)
    assert class_charts.describe_selection(none, "lens", "above 1.01") == "Above 1.01 no galaxy is taken for lens."


def test_classes_are_shown_in_bins_with_the_numbers_of_galaxies(classes) -> None:
    column = np.linspace(18, 24, 300)
    chart = class_charts.draw_bins(classes, "completeness:lens", ("mag [mag]", column), bins=3)
    assert chart.series[0].counts == (100, 100, 100)
    headers, rows = class_charts.bins_table(chart)
    assert headers[-1] == "completeness of lens" and len(rows) == 3 and " (+" in rows[0][-1]
    with pytest.raises(SettingsProblem, match="no figure of merit"):
        class_charts.draw_bins(classes, "completeness:star", ("mag", column))


def test_the_confusion_matrix_has_three_faces(classes, tmp_path) -> None:
    counts = classes.report.confusion
    np.testing.assert_allclose(confusion_figure.shares(counts, "of each label").sum(axis=1), 1)
    np.testing.assert_allclose(confusion_figure.shares(counts, "of each prediction").sum(axis=0), 1)
    confusion_figure.save(classes, "of each label", tmp_path / "matrix.png")
    confusion_figure.save(classes, "counts", tmp_path / "matrix.svg")
    assert words_in(tmp_path / "matrix.svg") >= set(class_charts.describe(classes).split())
    assert (tmp_path / "matrix.png").read_bytes().startswith(b"\x89PNG")
    confusion_figure.write_table(classes, tmp_path / "cells.fits")
    table = Table.read(tmp_path / "cells.fits")
    assert table["galaxies"].sum() == 300 and len(table) == 4


def test_the_surest_mistakes_come_first_and_lead_to_their_galaxies(classes, tmp_path) -> None:
    found = doubtful.find(classes, "mistakes")
    called = classes.predictions.scores.argmax(axis=1)
    assert set(found.rows.tolist()) == set(classes.rows[called != classes.labels].tolist())
    sure = [float(cells[2]) for cells in found.cells]
    assert sure == sorted(sure, reverse=True)
    assert found.suggested[0] == found.cells[0][1] != found.cells[0][0]
    doubtful.write_table(found, tmp_path / "mistakes.csv")
    assert (tmp_path / "mistakes.csv").read_text().splitlines()[0] == "id,label,called,p_called,p_label"
    wrong = doubtful.find(classes, "label errors")
    assert "confident learning" in wrong.sentence and "look at each galaxy" in wrong.sentence


def test_quantities_have_deviations_in_their_error_bars() -> None:
    true = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    values, errors = true + np.array([[0.1, 0], [0, 9.0], [-0.5, 1]]), np.full((3, 2), [0.1, 3.0])
    target = Quantities(("radius", "flux"), ("arcsec", ""))
    found = doubtful.find(evaluate(true, values, target, errors), "deviations")
    assert found.rows.tolist() == [102, 101, 100]
    assert found.cells[0] == ("radius", "3 arcsec", "2.5 arcsec", "−5.0")
    assert found.cells[1][0] == "flux" and found.cells[1][3] == "+3.0" and "error bars" in found.sentence
    with pytest.raises(SettingsProblem, match="no mistakes of quantities"):
        doubtful.find(evaluate(true, values, target, errors), "mistakes")
    with pytest.raises(NotPossible, match="predicts none"):
        class_charts.require_classes(evaluate(true, values, target))


def test_two_runs_are_compared_on_galaxies_that_are_new_to_both(survey_run, survey_dataset, tmp_path) -> None:
    folders = []
    for name in ("first", "second"):
        folder = RunFolder(Path(shutil.copytree(survey_run, tmp_path / name)))
        lines = folder.split_file.read_text().splitlines()
        every = 2 if name == "first" else 3
        moved = [each.replace(",train", ",validation") if at % every else each for at, each in enumerate(lines)]
        folder.split_file.write_text("\n".join(moved) + "\n")
        folders.append(folder)
    found = result_of(two_runs.run(*folders, survey_dataset))
    assert found.mcnemar is not None and found.mcnemar.probability == 1
    assert all(each.difference == 0 for each in found.differences if np.isfinite(each.difference))
    parts = []
    for folder in folders:
        with folder.split_file.open() as file:
            lines = [line for line in file if not line.startswith("#")]
        parts.append({int(row["row"]) for row in csv.DictReader(lines) if row["part"] == "validation"})
    assert found.galaxies == len(parts[0] & parts[1]) < min(map(len, parts))
    assert "in the validation part of “first” and in the validation part of “second”" in found.sentence
    assert not found.answering
    temperature.keep(folders[1].best, Temperature(2.0, 0.1, 40, (0.7, 0.6), (0.2, 0.1)))
    calibrated = result_of(two_runs.run(*folders, survey_dataset))
    assert "“second” – Decision: most probable class; probabilities at temperature 2." in calibrated.sentence
    assert "“first” –" not in calibrated.sentence and "fitted to galaxies of this part" in calibrated.sentence
    temperature.remove(folders[1].best)
    two_runs.write_table(found, tmp_path / "two.csv")
    assert (tmp_path / "two.csv").read_text().startswith("metric,first,second,difference,error,low,high\naccuracy,")
    shutil.copy(survey_run / "split.csv", folders[0].split_file)
    with pytest.raises(TooFewGalaxies, match="20 are needed"):
        result_of(two_runs.run(*folders, survey_dataset))


def test_the_command_says_how_pure_the_first_ones_are_and_writes_what_it_is_asked_for(
    survey_run, survey_dataset, tmp_path, capsys
) -> None:
    folder = Path(shutil.copytree(survey_run, tmp_path / "run"))
    tables = "--mistakes", tmp_path / "mistakes.csv", "--label-errors", tmp_path / "errors.xml"
    further = "--top", "3,5", "--frequency", "0.01", "--by", "width", "--metric", "purity:disk", *tables
    asked = ["evaluate", folder, survey_dataset, "--split", "all", *further, "--against", folder, "--quiet"]
    assert main([str(each) for each in asked]) == 0
    said = capsys.readouterr().out
    assert "AUC (68 %)" in said and "The first 3 by the probability of disk: 3 galaxies" in said
    assert "Where 1 % of all galaxies are disk" in said
    assert "purity of disk: " in said and "no difference in accuracy beyond chance" in said
    assert (tmp_path / "mistakes.csv").exists() and (tmp_path / "errors.xml").exists()
    assert main([str(each) for each in (*asked, "--json", "--force")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["top"]["disk"]["first"][0]["taken"] == 3 and told["top"]["disk"]["first"][0]["k"] == 3
    assert f"{told['top']['disk']['auc']['value']:.3f}" in said
    assert told["against"]["galaxies"] == told["galaxies"] and told["against"]["mcnemar"]["probability"] == 1
    assert told["by"][0]["metric"] == "purity:disk" and told["by"][0]["groups"][0]["bins"]
    for wrong in (["--top", "none"], ["--frequency", "0.1"], ["--metric", "accuracy"], ["--mistakes", "x.doc"]):
        assert main(["evaluate", str(folder), str(survey_dataset), *wrong]) != 0
        assert "tuningfork: " in capsys.readouterr().err


def test_what_means_nothing_by_the_label_itself_is_refused_in_words(
    survey_run, survey_dataset, tmp_path, capsys
) -> None:
    folder = Path(shutil.copytree(survey_run, tmp_path / "run"))
    asked = ["evaluate", str(folder), str(survey_dataset), "--split", "all", "--by", "width", "--split-by", "shape"]
    for metric, title in (("purity:disk", "Purity of disk"), ("f1:disk", "F1"), ("macro_f1", "Macro F1")):
        assert main([*asked, "--metric", metric]) == 1
        told = capsys.readouterr().err
        assert title in told and "that is the label itself" in told
    assert main([*asked, "--metric", "accuracy", "--metric", "completeness:disk"]) == 0
    assert "edge-on" in capsys.readouterr().out
