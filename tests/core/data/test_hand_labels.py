"""Labels given by hand are joined to the catalogue if the caller says whose they are, and never by a guess."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.cli.console import Console
from core.cli.sources import hand_labels_of
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.settings import DataSettings
from core.explain.faithfulness import table
from core.project.labels import LabelJournal
from core.project.project import Project, journal_of
from core.train import labels


@pytest.fixture
def strange(survey_dataset: Path, tmp_path: Path) -> tuple[Path, LabelJournal]:
    """A dataset in a stranger's folder, whose labels lie beside it as they would in a project."""
    data = tmp_path / "stranger" / "datasets" / survey_dataset.name
    data.parent.mkdir(parents=True)
    shutil.copy(survey_dataset, data)
    journal = LabelJournal(tmp_path / "stranger" / "labels" / f"{data.stem}.jsonl")
    with Cutouts.open(data) as cutouts:
        journal.record_all("shape", [(name, "", "a stranger's") for name in cutouts.ids])
    return data, journal


def test_labels_of_a_stranger_do_not_touch_a_dataset_outside_a_project(strange: tuple[Path, LabelJournal]) -> None:
    data, journal = strange
    assert journal_of(data) is None
    with Cutouts.open(data) as cutouts:
        own = cutouts.columns["shape"].tolist()
        assert labelled_columns(cutouts, None)["shape"].tolist() == own
        target, _ = labels.read_labels(cutouts, DataSettings())
        assert "a stranger's" not in target.names
        assert table._labels(cutouts, target, None) == own
        assert set(labelled_columns(cutouts, journal)["shape"]) == {"a stranger's"}


def test_a_dataset_belongs_to_the_project_in_whose_folder_it_lies(
    strange: tuple[Path, LabelJournal], tmp_path: Path
) -> None:
    data, _ = strange
    project = Project.create(tmp_path / "project", "mine")
    project.close()
    inside = Path(shutil.copy(data, project.folder / "datasets"))
    found = journal_of(inside)
    assert found is not None
    assert found.path == project.labels(inside).path
    beside = Path(shutil.copy(data, project.folder))
    assert journal_of(beside) is None


def test_the_command_line_says_whose_labels_it_uses(
    strange: tuple[Path, LabelJournal], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, journal = strange
    project = Project.create(tmp_path / "project", "mine")
    project.close()
    inside = Path(shutil.copy(data, project.folder / "datasets"))
    console = Console()
    assert hand_labels_of(data, console) is None
    assert hand_labels_of(inside, console) is None  # nobody has given any yet
    assert capsys.readouterr().err == ""
    shutil.copy(journal.path, project.folder / "labels")
    assert hand_labels_of(inside, console) is not None
    assert str(project.labels(inside).path) in capsys.readouterr().err
