"""Work that is refused, or stopped before it has begun, leaves its folder as it was."""

import pytest

from core.errors import NotPossible, Stopped
from core.project import unbegun
from core.project.runs import RunFolder


def begin(folder):
    """Files as a run, or a study, writes them before its first epoch."""
    folder.joinpath("settings.toml").write_text("seed = 1\n")
    folder.joinpath("runs", "one").mkdir(parents=True)


def end_epoch(folder):
    folder.joinpath("last").mkdir(parents=True)
    folder.joinpath("last", "current").write_text("epoch-0001\n")


def test_a_refused_run_leaves_no_folder_and_the_next_try_finds_it_free(tmp_path):
    for _ in range(2):
        with pytest.raises(NotPossible), unbegun.new_run(tmp_path / "run") as run:
            begin(run.path)
            raise NotPossible("The stamps do not fit.")
        assert not list(tmp_path.iterdir())


def test_what_was_in_the_folder_stays(tmp_path):
    tmp_path.joinpath(".hidden").write_text("mine")
    with pytest.raises(Stopped), unbegun.new_run(tmp_path) as run:
        begin(run.path)
        raise Stopped
    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]


def test_a_run_with_a_whole_epoch_is_kept(tmp_path):
    with pytest.raises(KeyboardInterrupt), unbegun.new_run(tmp_path / "run") as run:
        begin(run.path)
        end_epoch(run.path)
        raise KeyboardInterrupt
    assert run.settings_file.exists()


def test_files_of_another_program_that_works_there_are_not_touched(tmp_path):
    other = RunFolder(tmp_path / "run").lock()
    try:
        with pytest.raises(NotPossible), unbegun.new_run(tmp_path / "run") as run:
            other.acquire()
            begin(run.path)
            raise NotPossible("This run is being written by another program.")
        assert run.settings_file.exists()
    finally:
        other.release()


def test_a_refused_study_leaves_no_folder(tmp_path):
    with pytest.raises(NotPossible), unbegun.study_folder(tmp_path / "study"):
        begin(tmp_path / "study")
        raise NotPossible("None of the numbers of labels is possible.")
    assert not list(tmp_path.iterdir())


def test_a_stopped_study_says_what_is_kept_if_anything_is(tmp_path):
    with pytest.raises(Stopped) as nothing, unbegun.study_folder(tmp_path / "study"):
        begin(tmp_path / "study")
        raise Stopped
    assert not nothing.value.kept and not list(tmp_path.iterdir())
    with pytest.raises(Stopped) as something, unbegun.study_folder(tmp_path / "study"):
        begin(tmp_path / "study")
        end_epoch(tmp_path / "study" / "runs" / "one")
        raise Stopped
    assert "the same command goes on" in something.value.kept
    assert (tmp_path / "study" / "settings.toml").exists()
