from pathlib import Path

from core.studies import study_folders


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def test_studies_are_listed_newest_first_with_what_they_hold(tmp_path: Path) -> None:
    shelf_folder = tmp_path / "studies"
    older = write(
        shelf_folder / "2026-01-02 03.04.05 rates",
        search_toml="",
        trials_csv="stage,number,state,score\ncoarse,0,finished,0.8\ncoarse,1,pruned,0.5\ncoarse,2,failed,\n",
    )
    newer = write(
        shelf_folder / "2026-01-02 03.04.06 how many",
        study_toml="",
        study_csv="size,seed,run\n50,1,a\n1000,1,b\n1000,2,c\n",
    )
    write(shelf_folder / "something else", notes_txt="")
    found = study_folders.list_studies(tmp_path)
    assert [study.folder for study in found] == [newer, older]
    assert [study.title for study in found] == ["how many", "rates"]
    assert [study.kind for study in found] == ["training size", "search"]
    assert [study.progress for study in found] == ["3 runs", "2 trials"]
    assert found[0].begun > found[1].begun


def test_a_project_without_studies_has_none(tmp_path: Path) -> None:
    assert study_folders.list_studies(tmp_path) == []
    assert study_folders.kind_of(tmp_path) is None


def test_a_study_that_has_only_begun_is_listed_too(tmp_path: Path) -> None:
    write(tmp_path / "studies" / "a", study_toml="")
    write(tmp_path / "studies" / "b", search_toml="")
    assert {study.progress for study in study_folders.list_studies(tmp_path)} == {"0 runs", "0 trials"}


def test_a_new_folder_never_holds_another_study(tmp_path: Path) -> None:
    first = study_folders.new_folder(tmp_path, "rates: 1/2")
    first.mkdir(parents=True)
    second = study_folders.new_folder(tmp_path, "rates: 1/2")
    assert first.parent == tmp_path / "studies"
    assert "rates- 1-2" in first.name
    assert not second.exists()
