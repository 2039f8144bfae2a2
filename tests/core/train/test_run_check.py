"""A damaged run is one row with its reason, and never keeps another run from being listed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from damage import DAMAGES, date, odd_lines, odd_values, restore

from core.cli.main import main
from core.errors import Problem
from core.project.project import Project
from core.project.runs import RunFolder
from core.train import run_check, run_summary

GOLDEN = Path(__file__).parents[2] / "golden" / "decision"
RUN = "2026-11-27 18.00.00 decided"
FILES = (
    "settings.toml",
    "metrics.json",
    "history.csv",
    "data.txt",
    "split.csv",
    "environment.toml",
    "best.safetensors",
)
HARMLESS = {("history.csv", "cut in half"), ("data.txt", "empty"), ("data.txt", "cut in half"), ("data.txt", "zeros")}
HARMLESS |= {("split.csv", "cut in half")}  # only its beginning is looked at; who uses it reads it whole
SAMPLE = [
    ("settings.toml", "nested deeply"),
    ("metrics.json", "empty"),
    ("data.txt", "not UTF-8"),
    ("history.csv", "noise"),
]
SAMPLE += [("best.safetensors", "cut in half"), ("split.csv", "a folder"), ("decision.toml", "a pipe")]
SAMPLE += [("metrics.json", "a link to itself")]


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """The runs of a project: one that will be damaged, and a whole one."""
    shutil.copytree(GOLDEN, tmp_path / "project")
    folder = tmp_path / "project" / "runs"
    shutil.copytree(folder / RUN, folder / "2026-11-27 19.00.00 whole")
    yield folder
    shutil.rmtree(folder)  # a pipe among the files would stop whoever reads it


def listed(runs: Path) -> dict[str, run_summary.RunSummary]:
    return {run.folder.title: run for run in map(run_summary.summarise, run_summary.find_runs(runs))}


def assert_only_the_damaged_run_is_hurt(runs: Path, *, is_damaged: bool | None) -> None:
    began = time.monotonic()
    found = listed(runs)
    assert time.monotonic() - began < 30
    assert found["whole"].state == "finished"
    assert found["whole"].problem is None
    assert (found["decided"].state == "unreadable") == (found["decided"].problem is not None)
    if is_damaged is not None:
        assert (found["decided"].problem is not None) == is_damaged
    if found["decided"].problem is not None:
        assert RUN in found["decided"].problem.where, "the file is named"
        assert found["decided"].problem.text.isprintable()


def damage_and_look(runs: Path, name: str, damage: str) -> None:
    DAMAGES[damage](runs / RUN / name)
    is_harmless = damage == "dated beyond every calendar" or (name, damage) in HARMLESS
    assert_only_the_damaged_run_is_hurt(runs, is_damaged=None if is_harmless else True)


@pytest.mark.parametrize(("name", "damage"), SAMPLE)
def test_a_damaged_run_is_one_unreadable_row_and_the_others_are_listed(runs: Path, name: str, damage: str) -> None:
    damage_and_look(runs, name, damage)


def test_a_run_that_is_dated_beyond_every_calendar_is_listed(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    date(monkeypatch, runs / RUN / "settings.toml", 3e11)
    assert_only_the_damaged_run_is_hurt(runs, is_damaged=False)
    assert main(["runs", str(runs)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FILES, "best.safetensors", "last/current"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_of_every_file_is_one_unreadable_row(runs: Path, name: str, damage: str) -> None:
    file = runs / RUN / name
    original = file.read_bytes()
    if name == "last/current":
        DAMAGES[damage](file)
        assert_only_the_damaged_run_is_hurt(runs, is_damaged=None)
    else:
        damage_and_look(runs, name, damage)
    restore(file, original)
    assert listed(runs)["decided"].state == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["metrics.json", "settings.toml", "decision.toml", "environment.toml"])
def test_every_odd_value_is_either_taken_or_told(runs: Path, name: str) -> None:
    file = runs / RUN / name
    original = file.read_text(encoding="utf-8")
    for text in (odd_values if name.endswith("json") else odd_lines)(original):
        file.write_text(text, encoding="utf-8")
        assert_only_the_damaged_run_is_hurt(runs, is_damaged=None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics.json", '{"validation": 1}'),
        ("metrics.json", '{"epochs": Infinity}'),
        ("metrics.json", '{"data": {"galaxies": {"training": "many"}}}'),
        ("settings.toml", "unheard_of = 1\n"),
        ("decision.toml", "format = inf\n"),
        ("notes.toml", 'text = ""\ntags = 3\n'),
        ("bands.json", "[]"),
        ("history.csv", "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\nnan,1,1,1,1,1,1\n"),
        ("history.csv", "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n1,1,1,1,much,1,1\n"),
        ("history.csv", "epoch,loss,\n1,1,1\n"),
    ],
)
def test_an_odd_value_makes_a_run_unreadable(runs: Path, name: str, text: str) -> None:
    (runs / RUN / name).write_text(text)
    assert_only_the_damaged_run_is_hurt(runs, is_damaged=True)


def test_the_command_lists_a_damaged_run_with_its_reason_and_says_so_by_its_status(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", str(runs)]) == 0
    (runs / RUN / "metrics.json").write_text('{"validation": 1}')
    (runs / "2026-11-27 20.00.00 bare").mkdir()
    shutil.copy(runs / RUN / "best.safetensors", runs / "2026-11-27 20.00.00 bare")
    capsys.readouterr()
    assert main(["runs", str(runs)]) == 1
    shown = capsys.readouterr().out
    assert "“validation”" in shown
    assert shown.count("unreadable") == 2
    assert "whole" in shown
    assert main(["runs", str(runs), "--json"]) == 1


def test_a_repaired_run_is_readable_again(runs: Path) -> None:
    run = RunFolder(runs / RUN)
    text = run.metrics_file.read_text(encoding="utf-8")
    assert run_check.find_problem(run) is None
    run.metrics_file.write_text("{")
    assert isinstance(run_check.find_problem(run), Problem)
    run.metrics_file.write_text(text, encoding="utf-8")
    assert run_check.find_problem(run) is None


def test_a_project_lists_runs_whose_settings_are_gone(runs: Path) -> None:
    (runs / RUN / "settings.toml").unlink()
    project = Project.open(runs.parent)
    assert [run.title for run in project.runs()] == ["decided", "whole"]
    project.close()
