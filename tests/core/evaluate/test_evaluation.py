from __future__ import annotations

import csv
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.errors import CatalogueProblem, NotPossible, Stopped, TooFewGalaxies, UnreadableFile
from core.evaluate import evaluation
from core.evaluate.evaluation import Evaluation
from core.events import Skipped, result_of
from core.project.labels import LabelJournal
from core.project.runs import RunFolder


@pytest.fixture
def run(survey_run: Path, tmp_path: Path) -> RunFolder:
    """A run of one's own."""
    shutil.copytree(survey_run, tmp_path / "runs" / "first")
    return RunFolder(tmp_path / "runs" / "first")


def evaluate(run: RunFolder, data: Path | None, part: str = "test") -> Evaluation:
    return result_of(evaluation.run(run, data, part, threading.Event()))


def rows_of(run: RunFolder, part: str) -> list[int]:
    with run.split_file.open() as file:
        lines = [line for line in file if not line.startswith("#")]
    return sorted(int(line["row"]) for line in csv.DictReader(lines) if line["part"] == part)


def test_a_run_has_the_numbers_that_the_evaluation_gives_from_its_end_on(run, survey_dataset) -> None:
    before = json.loads(run.metrics_file.read_text())["validation"]
    assert before["views"] == 8 and "averaged over 8 views" in before["note"]
    assert before["accuracy"] is not None and before["macro_f1"] is not None and before["log_loss"] is not None
    found = evaluate(run, survey_dataset, "validation")
    after = json.loads(run.metrics_file.read_text())["validation"]
    assert {name: after[name] for name in before} == before  # to the last digit
    assert found.report.macro_f1 == before["macro_f1"]
    assert found.report.log_loss == before["log_loss"]


@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_part_is_judged_on_its_own_galaxies_only(run, survey_dataset, part) -> None:
    found = evaluate(run, survey_dataset, part)
    assert sorted(found.rows) == rows_of(run, part)
    with Cutouts.open(survey_dataset) as cutouts:
        shapes = np.asarray(cutouts.catalogue["shape"])[found.rows].tolist()
    predicted = found.predictions.predicted
    assert found.report.balanced_accuracy == pytest.approx(balanced_accuracy_score(shapes, predicted))
    np.testing.assert_array_equal(
        found.report.confusion, confusion_matrix(shapes, predicted, labels=found.predictions.names)
    )


def test_the_numbers_are_kept_beside_what_training_wrote(run, survey_dataset) -> None:
    before = json.loads(run.metrics_file.read_text())
    assert "test" not in before
    found = evaluate(run, survey_dataset)
    after = json.loads(run.metrics_file.read_text())
    assert after["test"]["accuracy"] == found.report.accuracy.value
    assert after["test"]["galaxies"] == len(found.rows)
    assert "locked away" in after["test"]["note"]
    assert {key: value for key, value in after.items() if key != "test"} == before
    evaluate(run, survey_dataset, "validation")
    again = json.loads(run.metrics_file.read_text())
    assert again["validation"]["loss"] == before["validation"]["loss"]
    assert again["validation"]["accuracy"] == before["validation"]["accuracy"]
    assert again["test"] == after["test"]


def test_the_predictions_are_written_with_the_labels(run, survey_dataset) -> None:
    found = evaluate(run, survey_dataset)
    with (run.path / "predictions-test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(found.predictions.ids)
    assert [row["predicted"] for row in rows] == found.predictions.predicted
    assert [row["label"] for row in rows] == [found.predictions.names[label] for label in found.labels]


def test_a_cell_of_the_confusion_matrix_leads_to_its_galaxies(run, survey_dataset) -> None:
    found = evaluate(run, survey_dataset, "all")
    with Cutouts.open(survey_dataset) as cutouts:
        shapes = np.asarray(cutouts.catalogue["shape"])
    total = 0
    for i, true in enumerate(found.predictions.names):
        for j, predicted in enumerate(found.predictions.names):
            rows = found.rows_in(true, predicted)
            assert len(rows) == found.report.confusion[i, j]
            assert set(shapes[rows]) <= {true}
            total += len(rows)
    assert total == len(found.rows) == 90
    assert "too optimistic" in found.note


def elsewhere(survey, folder: Path, change, name: str = "other survey") -> Path:
    """Another dataset of the same galaxies, with another catalogue."""
    with survey.catalogue.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [change(dict(row)) for row in rows[:40]]
    catalogue = folder / "other.csv"
    with catalogue.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    label = next(name for name in rows[0] if name not in {"objid", "width"})
    settings = ImportSettings(catalogue_id="objid", labels=(label,))
    path = folder / f"{name}.h5"
    result_of(importing.run([survey.folder], path, settings, catalogue, threading.Event()))
    return path


def test_on_another_dataset_every_labelled_galaxy_of_a_known_class_counts(run, survey, tmp_path) -> None:
    def renamed(row: dict[str, str]) -> dict[str, str]:
        shape = row.pop("shape")
        row["morphology"] = "merger" if shape == "disk" else shape
        return row

    path = elsewhere(survey, tmp_path, renamed)
    events = []
    work = evaluation.run(run, path, "test", threading.Event())
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            found = end.value
            break
    assert found.part == "all" and "of other survey.h5" in found.note
    assert found.unknown == {"merger": 14}
    assert len(found.rows) == 26
    assert any(isinstance(event, Skipped) and "14 “merger”" in event.problem.sentence for event in events)
    assert found.report.completeness["disk"].value is None
    kept = json.loads(run.metrics_file.read_text())
    assert kept["elsewhere"]["other survey"]["galaxies"] == 26
    assert "test" not in kept
    assert (run.path / "predictions-other survey.csv").exists()


def test_purity_is_not_given_where_only_one_class_of_another_dataset_is_known(run, survey, tmp_path) -> None:
    path = elsewhere(survey, tmp_path, lambda row: row | {"shape": row["shape"].replace("disk", "merger")})
    found = evaluation.run(run, path, class_map={"edge-on": "", "spheroid": "spheroid"})
    report = (found := result_of(found)).report
    assert report.counts["spheroid"] == len(found.rows) > 0
    assert report.completeness["spheroid"].value is not None
    assert {fraction.value for fraction in report.purity.values()} == {None}
    assert report.macro_f1 is None and report.balanced_accuracy is None
    assert f"but {sum(found.unknown.values())} of classes" in found.note and "only one class remains" in found.note


def test_galaxies_that_it_was_trained_on_are_counted_in_another_dataset_too(run, survey, tmp_path) -> None:
    path = elsewhere(survey, tmp_path, lambda row: row | {"note": "imported again"})
    with (run.path / "split.csv").open() as file:
        lines = (line for line in file if not line.startswith("#"))
        used = {row["id"] for row in csv.DictReader(lines) if row["part"] in ("train", "validation")}
    found = evaluate(run, path)
    seen = len(used.intersection(found.predictions.ids))
    assert not found.is_own and 0 < seen < len(found.rows) == 40
    assert f"{seen} were used to train it" in found.note and "not trained" not in found.note
    assert any(f"{seen} of these 40 galaxies" in problem.sentence for problem in found.problems)


def test_a_dataset_that_took_the_place_of_the_runs_own_is_told_of(run, survey, survey_dataset, tmp_path) -> None:
    def changed(row: dict[str, str]) -> dict[str, str]:
        return row | {"shape": "round" if row["shape"] == "edge-on" else row["shape"]}

    other = elsewhere(survey, tmp_path, changed, survey_dataset.stem)
    told = evaluate(run, other)
    assert not told.is_own
    assert f"“{other.name}” is not the dataset on which this run was trained" in told.problems[0].sentence
    assert not [each for each in evaluate(run, survey_dataset).problems if "trained" in each.sentence]
    elsewhere_named = evaluate(run, other.rename(tmp_path / "another.h5"))
    assert not [each for each in elsewhere_named.problems if "not the dataset" in each.sentence]


def test_a_dataset_named_like_a_part_does_not_replace_the_predictions_of_that_part(
    run, survey_dataset, survey, tmp_path
):
    evaluate(run, survey_dataset, "test")
    before = (run.path / "predictions-test.csv").read_bytes()
    evaluate(run, elsewhere(survey, tmp_path, lambda row: row | {"note": "imported again"}, "test"))
    assert (run.path / "predictions-test.csv").read_bytes() == before
    assert len((run.path / "predictions-dataset test.csv").read_text().splitlines()) == 41


def test_a_dataset_without_known_labels_cannot_judge(run, survey, tmp_path) -> None:
    path = elsewhere(survey, tmp_path, lambda row: row | {"shape": "a" if row["shape"] == "disk" else "b"})
    with pytest.raises(TooFewGalaxies, match="could know"):
        evaluate(run, path)


def test_a_dataset_without_the_label_columns_is_refused(run, survey, tmp_path) -> None:
    path = tmp_path / "bare.h5"
    result_of(importing.run([survey.folder], path, ImportSettings(), None, threading.Event()))
    with pytest.raises(CatalogueProblem, match="no column “shape”"):
        evaluate(run, path)


def test_without_a_name_the_dataset_is_looked_for_where_a_project_keeps_it(run, survey_dataset, tmp_path) -> None:
    with pytest.raises(UnreadableFile, match=r"survey\.h5"):
        evaluate(run, None)
    (tmp_path / "datasets").mkdir()
    shutil.copy(survey_dataset, tmp_path / "datasets")
    assert sorted(evaluate(run, None).rows) == rows_of(run, "test")


def test_labels_given_by_hand_count(run, survey_dataset, tmp_path) -> None:
    (tmp_path / "datasets").mkdir()
    data = Path(shutil.copy(survey_dataset, tmp_path / "datasets"))
    before = evaluate(run, data)
    name, old = before.predictions.ids[0], before.predictions.names[before.labels[0]]
    new = next(other for other in before.predictions.names if other != old)
    journal = LabelJournal(tmp_path / "labels" / "survey.jsonl")
    journal.record(name, "shape", old, new)
    after = result_of(evaluation.run(run, data, "test", hand_labels=journal))
    assert after.predictions.names[after.labels[0]] == new
    without = evaluate(run, data)  # the labels lie beside it, but nobody said that they are its own
    assert without.labels.tolist() == before.labels.tolist()


def test_a_stopped_judgement_leaves_no_numbers(run, survey_dataset) -> None:
    before = run.metrics_file.read_text()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(evaluation.run(run, survey_dataset, "test", stop))
    assert run.metrics_file.read_text() == before
    assert not list(run.path.glob("predictions-*"))


def test_a_run_without_a_network_is_told_of(tmp_path, survey_dataset) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFile):
        evaluate(RunFolder(tmp_path / "empty"), survey_dataset)


def test_stamps_of_other_bands_are_refused(run, survey, tmp_path) -> None:
    settings = ImportSettings(catalogue_id="objid", labels=("shape",))
    data = tmp_path / "cubes"
    data.mkdir()
    from astropy.io import fits

    for path in sorted(survey.folder.iterdir())[:6]:
        image, header = fits.getdata(path, header=True)
        fits.writeto(data / path.name, np.stack([image, image]), header)
    result_of(importing.run([data], tmp_path / "cubes.h5", settings, survey.catalogue, threading.Event()))
    with pytest.raises(NotPossible, match="stamps have 2"):
        evaluate(run, tmp_path / "cubes.h5")


def test_two_datasets_of_one_name_do_not_replace_each_others_numbers(run, survey, tmp_path) -> None:
    paths = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        change = lambda row, number=number: row | {"note": f"imported {number}"}  # noqa: E731
        paths.append(elsewhere(survey, tmp_path / str(number), change))
    first, second = (evaluate(run, path) for path in paths)
    kept = json.loads(run.metrics_file.read_text())["elsewhere"]
    other = f"other survey {second.checksum[-8:]}"
    assert set(kept) == {"other survey", other}
    assert kept["other survey"]["checksum"] == first.checksum
    assert (run.path / f"predictions-{other}.csv").exists()
    evaluate(run, paths[1])
    evaluate(run, paths[0])
    assert set(json.loads(run.metrics_file.read_text())["elsewhere"]) == {"other survey", other}


def test_numbers_that_an_earlier_version_kept_for_a_dataset_stay(run, survey, tmp_path) -> None:
    values = json.loads(run.metrics_file.read_text())
    old = {"galaxies": 7, "accuracy": 0.5, "note": "every labelled galaxy of other survey.h5"}
    run.metrics_file.write_text(json.dumps(values | {"elsewhere": {"other survey": old}}))
    found = evaluate(run, elsewhere(survey, tmp_path, lambda row: row | {"note": "imported again"}))
    kept = json.loads(run.metrics_file.read_text())["elsewhere"]
    assert kept["other survey"] == old
    assert kept[f"other survey {found.checksum[-8:]}"]["galaxies"] == len(found.rows)
