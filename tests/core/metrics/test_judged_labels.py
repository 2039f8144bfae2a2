import json
import shutil
from pathlib import Path

import pytest

from core.cli import main as command_line
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.evaluate import evaluation
from core.events import result_of
from core.metrics import judged_labels
from core.metrics.judged_on import JudgedOn, letter_parts
from core.project.project import Project
from core.project.runs import RunFolder
from core.publish import html_report
from core.studies import changed_labels


@pytest.fixture
def project(survey_run: Path, survey_dataset: Path, tmp_path: Path) -> Project:
    """A project with the dataset and two copies of one run."""
    made = Project.create(tmp_path / "survey", "survey")
    made.close()
    (made.folder / "datasets").mkdir(exist_ok=True)
    data = shutil.copy2(survey_dataset, made.folder / "datasets" / "survey.h5")
    for name in ("first", "second"):
        run = RunFolder(shutil.copytree(survey_run, made.folder / "runs" / name))
        run.labels_file.unlink(missing_ok=True)
        run.labels_file.write_text("")  # it began without hand labels
        run.save_data_path(Path(data))
    return made


def relabel(project: Project, run: RunFolder, count: int) -> Path:
    """Give so many validation galaxies of a run another label; two more are given the label that they have."""
    data = project.folder / "datasets" / "survey.h5"
    journal = project.labels(data)
    with Cutouts.open(data) as cutouts:
        shapes = [str(shape) for shape in labelled_columns(cutouts, journal)["shape"]]
        rows = splits.load(run.split_file, cutouts.ids).validation.tolist()
        other = {shape: next(each for each in sorted(set(shapes)) if each != shape) for shape in shapes}
        for row in rows[:count]:
            journal.record(cutouts.ids[row], "shape", shapes[row], other[shapes[row]])
        for row in rows[count : count + 2]:
            journal.record(cutouts.ids[row], "shape", shapes[row], shapes[row])
    return data


def test_changed_labels_are_counted_from_the_beginning_of_a_run_and_from_its_last_evaluation(project: Project) -> None:
    run = RunFolder(project.folder / "runs" / "first")
    before = judged_labels.find(run, "validation")
    assert before is not None and before.changed == 0
    assert before.galaxies == json.loads(run.metrics_file.read_text())["validation"]["galaxies"]
    data = relabel(project, run, 3)
    found = judged_labels.find(run, "validation")
    assert found is not None and found.changed == 3
    assert found.fingerprint == before.fingerprint
    assert found.remark.startswith("Since then 3 labels of this part have changed: evaluate it again")
    result_of(evaluation.run(run, data, hand_labels=project.labels(data)))
    anew = judged_labels.find(run, "validation")
    assert anew is not None and anew.changed == 0
    assert anew.fingerprint != before.fingerprint
    assert judged_labels.find(run, "test") is None


def test_the_list_of_runs_tells_numbers_over_other_labels_apart(project: Project, capsys) -> None:
    runs = [RunFolder(project.folder / "runs" / name) for name in ("first", "second")]
    assert command_line.main(["runs", str(project.folder / "runs"), "--sort", "name"]) == 0
    assert "(a)" not in capsys.readouterr().out
    data = relabel(project, runs[0], 3)
    result_of(evaluation.run(runs[1], data, hand_labels=project.labels(data)))
    assert command_line.main(["runs", str(project.folder / "runs"), "--sort", "name"]) == 0
    told = capsys.readouterr().out
    first, second = told.splitlines()[1:3]
    assert "* (a)" in first and "(b)" in second and "*" not in second
    assert "(a): " in told and "with the labels before 3 of them changed, validation part" in told
    assert "Different letters: other galaxies or labels; do not compare." in told
    assert "* first: Validation part: Since then 3 labels of this part have changed" in told
    assert command_line.main(["runs", str(project.folder / "runs"), "--json", "--sort", "name"]) == 0
    listed = [run["judged_on"]["validation"] for run in json.loads(capsys.readouterr().out)["runs"]]
    assert [each["changed"] for each in listed] == [3, 0]
    assert listed[0]["fingerprint"] != listed[1]["fingerprint"]


def test_a_report_and_a_study_say_that_labels_have_changed(project: Project, tmp_path: Path) -> None:
    run = RunFolder(project.folder / "runs" / "first")
    assert changed_labels.describe(project.folder / "runs") == ""
    relabel(project, run, 1)
    result_of(html_report.write(run, tmp_path / "report.html"))
    assert "Since then 1 label of this part has changed" in (tmp_path / "report.html").read_text()
    assert "have changed since this study began (1 label of survey.h5)" in changed_labels.describe(
        project.folder / "runs"
    )


def test_without_its_dataset_nothing_is_claimed(project: Project) -> None:
    run = RunFolder(project.folder / "runs" / "first")
    data = relabel(project, run, 2)
    result_of(evaluation.run(run, data, hand_labels=project.labels(data)))
    data.unlink()
    found = judged_labels.find(run, "validation")
    assert found is not None and found.changed is None and found.remark == ""
    assert judged_labels.find(RunFolder(project.folder / "runs" / "second"), "validation") is None


def test_no_letter_stands_for_two_things() -> None:
    one, two, three, four = (JudgedOn("a.h5", 10, name, 0) for name in "1234")
    runs = [{"validation": one, "test": three}, {"validation": two, "test": four}, {"validation": one}]
    assert letter_parts(runs, ("validation", "test")) == [
        {"validation": "a", "test": "c"},
        {"validation": "b", "test": "d"},
        {"validation": "a"},
    ]
