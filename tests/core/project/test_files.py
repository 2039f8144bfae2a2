"""A file is written wholly or not at all."""

import errno
import json
import os
import sys
from pathlib import Path

import pytest

from core.errors import DiskFull, FolderInUse
from core.project.files import append_durably, atomic_path, free_space, require_space, write_atomically


def test_a_library_that_finds_no_space_reports_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """astropy raises an OSError without a number."""
    monkeypatch.setattr("core.project.files.free_space", lambda _folder: 4096)
    with pytest.raises(DiskFull), atomic_path(tmp_path / "map.fits"):
        raise OSError("Not enough space on disk: requested 8640, available 4096.")


def test_a_file_appears_with_its_whole_content(tmp_path: Path):
    target = tmp_path / "deep" / "file.txt"
    write_atomically(target, "ärger\n")
    assert target.read_bytes() == "ärger\n".encode()
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    target = tmp_path / "file.txt"
    write_atomically(target, "old")
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_the_name_is_taken_only_when_all_is_written(tmp_path: Path):
    target = tmp_path / "data.h5"
    with atomic_path(target) as temporary:
        assert not target.exists()
        assert temporary.parent == target.parent  # a rename within one disk
        assert temporary.suffix == ".h5"
        temporary.write_text("whole")
    assert target.read_text() == "whole"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of Unix")
def test_others_may_read_the_file_as_usual(tmp_path: Path):
    mask = os.umask(0o022)
    try:
        write_atomically(tmp_path / "file", "x")
    finally:
        os.umask(mask)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_disk_that_fills_up_on_the_way_is_told(tmp_path: Path):
    with pytest.raises(DiskFull) as caught, atomic_path(tmp_path / "big"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.where.endswith("big")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's disk that is always full")
def test_a_journal_on_a_full_disk_is_told():
    with pytest.raises(DiskFull):
        append_durably(Path("/dev/full"), "line")


def test_a_folder_that_is_a_file_or_write_protected_is_told(tmp_path: Path):
    with pytest.raises(FolderInUse) as caught, atomic_path(tmp_path / "file"):
        raise OSError(errno.EROFS, "Read-only file system")
    assert caught.value.where == str(tmp_path)


def test_other_trouble_is_not_renamed(tmp_path: Path):
    with pytest.raises(OSError, match="cable"), atomic_path(tmp_path / "file"):
        raise OSError(errno.EIO, "cable")


def test_lines_are_appended_one_by_one(tmp_path: Path):
    journal = tmp_path / "journal"
    append_durably(journal, "one")
    append_durably(journal, "two\n")
    assert journal.read_text() == "one\ntwo\n"


def test_free_space_is_asked_of_the_nearest_folder_that_exists(tmp_path: Path):
    assert free_space(tmp_path / "not" / "yet") > 0


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path):
    require_space(tmp_path, 1)
    with pytest.raises(DiskFull, match="This needs 1000000000"):
        require_space(tmp_path, 10**18)


def test_names_that_are_no_text_are_written_so_that_json_reads_them(tmp_path: Path):
    name = os.fsdecode(b"m\xfcller.h5")
    write_atomically(tmp_path / "a.json", json.dumps({"data": name}, ensure_ascii=False))
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"data": name}
    append_durably(tmp_path / "log.txt", name)
    assert (tmp_path / "log.txt").read_text("utf-8") == "m\\udcfcller.h5\n"
