from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from core.project.user_folders import cache_folder, log_folder, projects_folder


def test_projects_and_log_follow_one_variable_so_that_two_homes_do_not_share_their_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("one", "other"):
        monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / name))
        assert projects_folder() == tmp_path / name
        assert log_folder().parent == tmp_path / name
        found.append(log_folder())
    assert len(set(found)) == 2


def test_without_variables_the_folders_are_those_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUNINGFORK_HOME", "TUNINGFORK_CACHE"):
        monkeypatch.setenv(name, "")
    assert projects_folder() == Path(platformdirs.user_documents_dir()) / "Tuning Fork"
    assert log_folder() == Path(platformdirs.user_log_dir("tuning-fork", appauthor=False))
    assert cache_folder() == Path(platformdirs.user_cache_dir("tuning-fork", appauthor=False))
