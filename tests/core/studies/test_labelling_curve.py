"""The scores of networks that were trained while labelling, and the random order of a study of the same galaxies."""

import json

import pytest

from core.adapt.suggest.run_titles import is_of_labelling, title_of_run
from core.adapt.suggest.settings import SuggestionStudySettings
from core.project.runs import SUGGESTION_STUDY_FILE, RunFolder
from core.settings import toml
from core.studies import labelling_curve, suggestion_gain
from core.studies.suggestion_gain import Point, SuggestionStudy
from core.train.settings import RunSettings


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "galaxies.h5"
    path.touch()
    return path


def run(folder, data, labels, score, galaxies=50):
    found = RunFolder(folder)
    folder.mkdir(parents=True)
    found.save_data_path(data)
    validation = {"balanced_accuracy": score, "galaxies": galaxies, "intervals": {"balanced_accuracy": [0.5, 0.7]}}
    values = {"data": {"galaxies": {"training": labels}}, "validation": validation}
    found.metrics_file.write_text(json.dumps(values))
    return found


def test_the_runs_of_this_dataset_that_were_trained_while_labelling_are_points(tmp_path, data):
    other = tmp_path / "other.h5"
    other.touch()
    runs = [
        run(tmp_path / "runs" / f"2026-01-01 00.00.0{number} {title}", source, labels, score)
        for number, (title, source, labels, score) in enumerate(
            [
                (title_of_run(40), data, 40, 0.62),
                (title_of_run(20), data, 20, 0.55),
                ("4 blocks", data, 90, 0.9),
                (title_of_run(60), other, 60, 0.8),
            ]
        )
    ]
    found = labelling_curve.read(data, runs, tmp_path / "studies")
    assert [(point.labels, point.score) for point in found.points] == [(20, 0.55), (40, 0.62)]
    assert found.points[0].error == pytest.approx(0.1)
    assert found.random == ()
    assert found.note == "50 galaxies of the validation part"
    assert found.what == "Balanced accuracy"


@pytest.mark.parametrize("same", [True, False])
def test_the_random_order_is_shown_only_if_a_study_of_these_galaxies_measured_it(tmp_path, data, same):
    folder = tmp_path / "studies" / "mine"
    judged = data if same else tmp_path / "other.h5"
    judged.touch()
    run(folder / "runs" / "random", judged, 20, 0.5)
    points = tuple(
        Point("random", 20, seed, "runs/random", 1, 1, 50, {"balanced_accuracy": score})
        for seed, score in ((0, 0.5), (1, 0.54))
    )
    suggestion_gain.write_table(SuggestionStudy(folder, "balanced_accuracy", points, 2), folder / "study.csv")
    (folder / SUGGESTION_STUDY_FILE).write_text(toml.dumps(SuggestionStudySettings()))
    (folder / "settings.toml").write_text(toml.dumps(RunSettings()))
    found = labelling_curve.read(data, [], tmp_path / "studies")
    if not same:
        assert found.random == ()
        return
    assert [(point.labels, point.score) for point in found.random] == [(20, pytest.approx(0.52))]
    assert found.random[0].error == pytest.approx(0.02)
    assert "mine" in found.note


def test_a_run_is_known_by_its_name():
    assert is_of_labelling(title_of_run(1234))
    assert not is_of_labelling("4 blocks")
