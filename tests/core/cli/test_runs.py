import json
import shutil

from core.cli import main as command_line
from core.project import notes
from core.project.notes import Notes


def test_runs_are_listed_sorted_and_filtered(survey_run, tmp_path, capsys):
    for name, accuracy in (("worse", 0.4), ("better", 0.9)):
        copy = shutil.copytree(survey_run, tmp_path / "runs" / name)
        values = json.loads((copy / "metrics.json").read_text())
        values["validation"]["balanced_accuracy"] = accuracy
        (copy / "metrics.json").write_text(json.dumps(values))
    notes.write(tmp_path / "runs" / "worse", Notes("", ("bars",)))
    assert command_line.main(["runs", str(tmp_path), "--sort", "score"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = "run state epochs best score validation guess loss test galaxies tags"
    assert lines[0].split() == head.split()
    assert lines[1].startswith("runs/better")
    assert "0.9000" in lines[1] and "0.3333" in lines[1]
    assert lines[2].startswith("runs/worse")
    assert lines[2].endswith("bars")
    assert command_line.main(["runs", str(tmp_path), "--filter", "bars", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["runs"]
    assert [(run["run"], run["score"], run["tags"]) for run in found] == [("runs/worse", 0.4, ["bars"])]


def test_numbers_of_an_earlier_version_are_said_to_be_of_single_views(survey_run, tmp_path, capsys):
    copy = shutil.copytree(survey_run, tmp_path / "runs" / "old")
    values = json.loads((copy / "metrics.json").read_text())
    values["validation"] = {"loss": 0.5, "accuracy": 0.8, "balanced_accuracy": 0.75, "galaxies": 14}
    (copy / "metrics.json").write_text(json.dumps(values))
    assert command_line.main(["runs", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "0.7500" in told and "validation over 14 galaxies, one view of each." in told
    assert command_line.main(["runs", str(survey_run)]) == 0
    assert "one view" not in capsys.readouterr().out


def test_a_folder_without_runs_says_so(tmp_path, capsys):
    assert command_line.main(["runs", str(tmp_path)]) == 0
    assert "No runs here" in capsys.readouterr().out
