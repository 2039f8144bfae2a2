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
    assert lines[0].split() == ["run", "state", "epochs", "best", "score", "validation", "loss", "test", "tags"]
    assert lines[1].startswith("runs/better")
    assert "0.9000" in lines[1]
    assert lines[2].startswith("runs/worse")
    assert lines[2].endswith("bars")
    assert command_line.main(["runs", str(tmp_path), "--filter", "bars", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["runs"]
    assert [(run["run"], run["score"], run["tags"]) for run in found] == [("runs/worse", 0.4, ["bars"])]


def test_a_folder_without_runs_says_so(tmp_path, capsys):
    assert command_line.main(["runs", str(tmp_path)]) == 0
    assert "No runs here" in capsys.readouterr().out
