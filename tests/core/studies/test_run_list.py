"""The folder of a study is that of the same settings, from wherever and however its paths are named."""

from pathlib import Path

import pytest

from core.errors import FolderInUse
from core.project.project import Project
from core.studies import run_list
from core.studies.settings import TrainingSizeSettings
from core.train.settings import RunSettings


def starting_from(path: Path) -> RunSettings:
    return RunSettings.model_validate({"transfer": {"start_from": str(path)}})


def test_a_study_in_a_project_goes_on_from_another_working_folder_and_through_a_link(tmp_path, monkeypatch):
    project = Project.create(tmp_path / "project", "project")
    project.close()
    base, study = tmp_path / "project" / "runs" / "base", TrainingSizeSettings()
    base.mkdir()
    folder = tmp_path / "project" / "studies" / "one"
    run_list.prepare_folder(starting_from(base), folder, study, "study.toml", ())
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "project", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for place in (Path("project"), link):
        again = place / "studies" / "one"
        settings, _ = run_list.read_settings(again, "study.toml", TrainingSizeSettings)
        run_list.prepare_folder(settings, again, study, "study.toml", ())
        for way in (place / "runs" / "base", base):
            run_list.prepare_folder(starting_from(way), again, study, "study.toml", ())
    other = tmp_path / "project" / "runs" / "other"
    other.mkdir()
    with pytest.raises(FolderInUse, match=r"transfer\.start_from"):
        run_list.prepare_folder(starting_from(other), folder, study, "study.toml", ())


def test_a_setting_with_which_a_study_began_is_named_where_it_differs(tmp_path):
    folder = tmp_path / "study"
    run_list.prepare_folder(RunSettings(), folder, TrainingSizeSettings(), "study.toml", ("least_steps",))
    with pytest.raises(FolderInUse, match="Fewest steps: 300"):
        changed = TrainingSizeSettings(least_steps=7)
        run_list.prepare_folder(RunSettings(), folder, changed, "study.toml", ("least_steps",))
