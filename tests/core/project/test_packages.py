"""A project as one file: what is packed comes back byte by byte, and a file that lies about itself does no harm."""

import hashlib
import json
import os
import shutil
import threading
import zipfile
from pathlib import Path

import pytest

from core.errors import DiskFull, FolderInUse, Problem, Stopped, UnreadableFile, WrongVersion
from core.events import Skipped, result_of
from core.project import outputs
from core.project.packages import FORMAT, LIST, TEXT, PlainNames, folder_name, is_package, is_plain, read_contents
from core.project.packing import pack_project
from core.project.project import Project
from core.project.unpacking import unpack


def make_project(folder: Path) -> Path:
    """A project with two runs, labels, a dataset, hidden files and an accent; what is in its files does not matter."""
    project = Project.create(folder, "Müller’s galaxies")
    for name, content in {
        "datasets/survey.h5": os.urandom(300_000),
        "runs/2026-11-27 21.00.00 tief/settings.toml": b"seed = 1\n" * 1000,
        "runs/2026-11-27 21.00.00 tief/last/epoch-0001/weights.safetensors": os.urandom(1000),
        "labels/survey.jsonl": '{"id": "é"}\n'.encode(),
        "empty.txt": b"",
        ".hidden": b"a lock of somebody",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    os.utime(folder / "datasets/survey.h5", ns=(10**18, 1_700_000_000_123_456_789))
    project.close()
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """All visible files of a project by their names, without its lock."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(".") and "lock" not in name}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The packed project."""
    result_of(pack_project(make_project(tmp_path / "here"), tmp_path / "sent.zip"))
    return tmp_path / "sent.zip"


def test_a_packed_project_comes_back_byte_by_byte(tmp_path: Path, package: Path):
    contents = result_of(unpack(package, tmp_path / "there" / "new"))
    assert contents.title == "Müller’s galaxies"
    assert tree(tmp_path / "there" / "new") == tree(tmp_path / "here")
    assert (tmp_path / "there/new/datasets/survey.h5").stat().st_mtime_ns == 1_700_000_000_123_456_789
    project = Project.open(tmp_path / "there" / "new")
    assert project.name == "Müller’s galaxies" and len(project.runs()) == 1
    project.close()
    assert not list((tmp_path / "there").glob(".*"))


def test_any_program_can_look_into_a_package_and_sees_the_digests(package: Path, tmp_path: Path):
    with zipfile.ZipFile(package) as opened:
        assert opened.testzip() is None
        assert opened.namelist()[0] == TEXT and "tuningfork unpack" in opened.read(TEXT).decode()
        listed = {each["name"]: each for each in json.loads(opened.read(LIST))["files"]}
        assert set(listed) == set(opened.namelist()) - {TEXT, LIST}
        for name, each in listed.items():
            assert hashlib.sha256(opened.read(name)).hexdigest() == each["sha256"]
    assert not any("hidden" in name or "lock" in name for name in listed)


def test_without_images_the_list_says_which_datasets_stayed_behind(tmp_path: Path):
    here = make_project(tmp_path / "here")
    contents = result_of(pack_project(here, tmp_path / "small.zip", with_images=False))
    assert [(each.name, each.size) for each in contents.left_out] == [("datasets/survey.h5", 300_000)]
    assert (tmp_path / "small.zip").stat().st_size < 20_000
    again = result_of(unpack(tmp_path / "small.zip", tmp_path / "there"))
    assert again.left_out == contents.left_out
    (tmp_path / "there/datasets").mkdir(exist_ok=True)
    shutil.copy(here / "datasets/survey.h5", tmp_path / "there/datasets")
    assert tree(tmp_path / "there") == tree(here)


def test_what_cannot_be_packed_is_told(tmp_path: Path):
    here = make_project(tmp_path / "here")
    (here / "what: is this?.csv").write_text("a")
    (here / "empty.TXT").write_text("b")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "other.h5").write_bytes(b"linked")
    (here / "linked folder").symlink_to(outside)
    (here / "linked.h5").symlink_to(outside / "other.h5")
    os.mkfifo(here / "pipe")
    work, told = pack_project(here, here / "runs" / "sent.zip"), []
    contents = None
    while contents is None:
        try:
            event = next(work)
        except StopIteration as end:
            contents = end.value
        else:
            told += [str(event.problem)] if isinstance(event, Skipped) else []
    assert len(told) == 4
    for part in ("is this?.csv", "linked folder", "pipe", "empty."):
        assert any(part in each for each in told), part
    names = {each.name for each in contents.files}
    assert "linked.h5" in names and "runs/sent.zip" not in names


def test_a_stopped_packing_or_unpacking_leaves_nothing(tmp_path: Path, package: Path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(pack_project(tmp_path / "here", tmp_path / "second.zip", stop))
    with pytest.raises(Stopped):
        result_of(unpack(package, tmp_path / "there", stop))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "sent.zip"]


def test_nothing_is_unpacked_over_other_files(tmp_path: Path, package: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(FolderInUse, match="already"):
        result_of(unpack(package, tmp_path / "full"))
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    result_of(unpack(package, tmp_path / "empty"))


def listed(name: str, content: bytes, **changed: object) -> dict[str, object]:
    """A line of the list of a package."""
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "modified": 0} | changed


def forge(path: Path, entries: dict[str, bytes], lines: list[dict[str, object]], **changed: object) -> Path:
    """Write a package by hand, with a project.toml and what else is wanted."""
    project = b'format = 1\nname = "x"\n'
    values = {"format": 1, "kind": "project", "title": "x", "program": "", "made": "", "about": {}, "left_out": []}
    values |= {"files": [listed("project.toml", project), *lines]} | changed
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(TEXT, "x")
        package.writestr("project.toml", project)
        for name, content in entries.items():
            package.writestr(name, content)
        package.writestr(LIST, json.dumps(values))
    return path


OUTSIDE = (
    *("../outside.txt", "/outside.txt", "runs/../../outside.txt", "..\\outside.txt", "C:/outside.txt", "C:outside"),
    *("", ".", "runs/", "runs//a", "./a", "a\0b", "a\nb", "nul", "runs/COM1.txt", "a.", "a ", ".hidden", "x/.git/a"),
    *("a" * 300, "é" * 200, "/".join(["a"] * 600), "a:stream", "\udc80"),
)


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_path_leaves_the_folder(tmp_path: Path, name: str):
    assert not is_plain(name)
    path = forge(tmp_path / "bad.zip", {"harmless": b"evil"}, [listed(name, b"evil")])
    with pytest.raises(UnreadableFile, match="name"):
        result_of(unpack(path, tmp_path / "inner" / "new"))
    assert sorted(each.name for each in tmp_path.rglob("*")) in (["bad.zip"], ["bad.zip", "inner"])


def test_files_that_the_list_does_not_name_are_not_written(tmp_path: Path):
    path = forge(tmp_path / "odd.zip", {"../outside.txt": b"evil", "unlisted.txt": b"evil"}, [])
    result_of(unpack(path, tmp_path / "inner" / "new"))
    assert tree(tmp_path / "inner" / "new").keys() == {"project.toml"}
    assert not (tmp_path / "inner" / "outside.txt").exists()


def test_sizes_are_not_believed(tmp_path: Path):
    bomb = bytes(5_000_000)
    path = forge(tmp_path / "bomb.zip", {"a.bin": bomb}, [listed("a.bin", bomb, size=1000)])
    with pytest.raises(UnreadableFile, match="longer than the 1,000 bytes"):
        result_of(unpack(path, tmp_path / "new"))
    assert [each.name for each in tmp_path.iterdir()] == ["bomb.zip"]
    path = forge(tmp_path / "vast.zip", {"a.bin": b"a"}, [listed("a.bin", b"a", size=1 << 60)])
    with pytest.raises(DiskFull):
        result_of(unpack(path, tmp_path / "new"))


@pytest.mark.parametrize(
    ("entries", "files"),
    [
        ({}, [listed("a", b"a")]),
        ({"a": b"b"}, [listed("a", b"a")]),
        ({"a": b"ab"}, [listed("a", b"abc")]),
        ({"a": b"a", "A": b"a"}, [listed("a", b"a"), listed("A", b"a")]),
        ({"a": b"a", "a/b": b"a"}, [listed("a", b"a"), listed("a/b", b"a")]),
        ({"a": b"a"}, [listed("a", b"a", size=-1)]),
        ({"a": b"a"}, [listed("a", b"a", size=True)]),
        ({"a": b"a"}, [listed("a", b"a", size="1")]),
        ({"a": b"a"}, [listed("a", b"a", sha256="")]),
        ({"a": b"a"}, [listed("a", b"a", modified=1 << 80)]),
        ({"a": b"a"}, [{"name": "a"}]),
        ({"a": b"a"}, ["a"]),
    ],
)
def test_a_damaged_list_or_file_is_refused(tmp_path: Path, entries: dict[str, bytes], files: list):
    path = forge(tmp_path / "bad.zip", entries, files)
    with pytest.raises(UnreadableFile):
        result_of(unpack(path, tmp_path / "new"))
    assert [each.name for each in tmp_path.iterdir()] == ["bad.zip"]


def test_links_in_a_package_are_refused(tmp_path: Path):
    path = forge(
        tmp_path / "bad.zip",
        {},
        [
            listed("runs", b"/etc"),
        ],
    )
    entry = zipfile.ZipInfo("runs")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as package:
        package.writestr(entry, "/etc")
    with pytest.raises(UnreadableFile, match="no regular file"):
        result_of(unpack(path, tmp_path / "new"))


def test_damage_anywhere_in_the_file_is_told_and_leaves_nothing(tmp_path: Path, package: Path):
    whole = package.read_bytes()
    bad = tmp_path / "bad.zip"
    for place in range(0, len(whole), len(whole) // 12):
        bad.write_bytes(whole[:place])
        with pytest.raises(UnreadableFile):
            result_of(unpack(bad, tmp_path / "new"))
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            result_of(unpack(bad, tmp_path / "new"))
        except Problem:
            assert not (tmp_path / "new").exists()
        else:  # the byte meant nothing, as in the text for people
            assert tree(tmp_path / "new") == tree(tmp_path / "here")
            shutil.rmtree(tmp_path / "new")


def test_other_kinds_and_newer_versions_are_told_apart(tmp_path: Path, package: Path):
    with pytest.raises(Problem, match=r"holds a project, not results of a job\. .*tuningfork unpack"):
        read_contents(package, ("results",))
    with pytest.raises(WrongVersion):
        read_contents(forge(tmp_path / "new.zip", {}, [], format=FORMAT + 1))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "a")
    with pytest.raises(UnreadableFile, match="none of Tuning Fork"):
        read_contents(tmp_path / "other.zip")
    assert outputs.kind_of(package) == outputs.PACKAGE and outputs.kind_of(tmp_path / "other.zip") == outputs.ARCHIVE
    assert is_package(package) and not is_package(tmp_path) and not is_package(tmp_path / "missing.zip")


def test_a_file_without_a_project_is_no_project(tmp_path: Path):
    path = forge(tmp_path / "bad.zip", {"a": b"a"}, [], files=[listed("a", b"a")])
    with pytest.raises(UnreadableFile, match=r"“project\.toml” is missing"):
        result_of(unpack(path, tmp_path / "new"))


def test_names_that_some_system_takes_for_one_are_told_apart():
    names = PlainNames()
    assert names.add("a/b.txt") and names.add("a/c.txt") and names.add("é")
    assert not names.add("A/B.TXT") and not names.add("e\u0301") and not names.add("a") and not names.add("É/x")


def test_the_folder_of_a_package_has_its_name_without_the_ending_by_which_a_desktop_knows_it():
    assert folder_name(Path("sent/Virgo.tuningfork.zip")) == "Virgo"
    assert folder_name(Path("sent/Virgo 1.2.zip")) == "Virgo 1.2"
