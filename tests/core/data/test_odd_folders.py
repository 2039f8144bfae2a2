"""Folders and names of every kind: one odd entry is reported, and the rest is imported."""

import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from core.cli.main import main
from core.data import importing
from core.data import preview as previews
from core.data.cutouts import Cutouts
from core.data.discovery import discover
from core.data.fits import read_image
from core.data.pictures import read_picture
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.errors import UnreadableFile
from core.events import result_of

RANDOM = np.random.default_rng(0)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files and names")


def galaxy(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    fits.writeto(path, RANDOM.normal(size=(8, 8)).astype(np.float32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two images."""
    for name in ("a2.fits", "a10.fits"):
        galaxy(tmp_path / "in" / name)
    return tmp_path / "in"


def run(folder: Path) -> tuple[ImportReport, list[str]]:
    report = result_of(importing.run(folder, folder.parent / "out.h5"))
    with Cutouts.open(folder.parent / "out.h5") as cutouts:
        return report, cutouts.ids


def test_digits_of_other_scripts_have_a_place_in_the_natural_order(folder: Path) -> None:
    galaxy(folder / "٣5.fits")
    galaxy(folder / "²5.fits")
    assert run(folder)[1] == ["a2", "a10", "²5", "٣5"]


def test_a_thousand_folders_inside_each_other_are_walked_through(folder: Path) -> None:
    place = str(folder)
    for _ in range(1100):
        place += "/d"
        os.mkdir(place)  # noqa: PTH102 - a Path takes its time with so many parts
    galaxy(Path(place) / "deep.fits")
    assert run(folder)[1] == ["a2", "a10", "deep"]
    Path(f"{place}/deep.fits").unlink()
    while place != str(folder):  # which pytest would do by recursion
        os.rmdir(place)  # noqa: PTH106
        place = place[:-2]


def test_links_that_lead_round_in_circles_or_nowhere_are_reported(folder: Path) -> None:
    (folder / "self").symlink_to(folder / "self")
    (folder / "up").symlink_to(folder.parent)
    (folder / "one").symlink_to(folder / "two")
    (folder / "two").symlink_to(folder / "one")
    (folder / "gone.fits").symlink_to("nowhere")
    (folder / "zero.fits").symlink_to("/dev/zero")
    report, ids = run(folder)
    assert sorted(ids) == ["a10", "a2"]
    told = {Path(problem.where).name: problem.sentence for problem in report.unusable}
    assert sorted(told) == ["gone.fits", "one", "self", "two", "zero.fits"]
    assert told["gone.fits"] == "This link leads nowhere."
    assert told["zero.fits"] == "This link leads to a device or a pipe and to no file."


def test_links_out_of_the_folder_are_followed_and_said(folder: Path) -> None:
    galaxy(folder.parent / "elsewhere" / "b.fits")
    galaxy(folder.parent / "secret.fits")
    (folder / "more").symlink_to(folder.parent / "elsewhere")
    (folder / "c.fits").symlink_to(folder.parent / "secret.fits")
    (folder / "again.fits").symlink_to(folder / "a2.fits")  # inside, so nothing to be said
    report, ids = run(folder)
    assert ids == ["a2", "a10", "again", "c", "b"]
    (note,) = [note for note in report.notes if "out of the chosen folder" in note]
    assert "2 links" in note
    assert str((folder.parent / "secret.fits").resolve()) in note
    assert note in result_of(previews.preview([folder], ImportSettings(), None)).notes


def test_pipes_and_sockets_are_never_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)  # the names of sockets are short
    for name in ("pipe.fits", "pipe.jpg", "pipe.h5", "pipe.npz"):
        os.mkfifo(name)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket.fits")
        report, ids = run(folder)
        assert len(ids) == 2
        assert len(report.unusable) == 5
        assert all("a device or a pipe" in problem.sentence for problem in report.unusable)
    for name, read in (("pipe.fits", read_image), ("pipe.jpg", read_picture)):
        with pytest.raises(UnreadableFile, match="a device or a pipe"):
            read(name)
    for name in ("pipe.h5", "pipe.npz", "/dev/zero"):
        with pytest.raises(UnreadableFile, match="a device or a pipe"):
            result_of(discover([Path(name)], ImportSettings()))
    with pytest.raises(UnreadableFile, match="no regular file"):
        Cutouts.open("pipe.h5")


def test_one_of_the_chosen_files_that_is_none_leaves_the_others(folder: Path) -> None:
    os.mkfifo(folder / "pipe.fits")
    (folder / "loop.fits").symlink_to("loop.fits")
    (folder / "nowhere.fits").symlink_to("missing.fits")
    found = result_of(discover(sorted(folder.iterdir()), ImportSettings()))  # as a shell expands “*.fits”
    assert len(found.sources) == 2
    assert [Path(problem.where).name for problem in found.problems] == ["loop.fits", "nowhere.fits", "pipe.fits"]
    with pytest.raises(UnreadableFile, match="no such file"):  # a name that was mistyped
        result_of(discover([folder, folder / "typo.fits"], ImportSettings()))


def test_a_name_that_is_no_text_comes_through_import_report_and_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (b"gal\xe9.fits", b"bad\xff.fits"):
        galaxy(folder / os.fsdecode(name))
    (folder / os.fsdecode(b"bad\xff.fits")).write_bytes(b"SIMPLE")
    out = folder.parent / "out.h5"
    assert main(["import", str(folder), "-o", str(out), "--report", str(folder.parent / "report.csv")]) == 0
    assert "bad" in (folder.parent / "report.csv").read_text("utf-8")
    assert "bad" in capsys.readouterr().err
    with Cutouts.open(out) as cutouts:
        assert [name for name in cutouts.ids if name.startswith("gal")] == ["gal\\udce9"]
        assert [problem.where for problem in cutouts.unusable] == [os.fsdecode(b"bad\xff.fits")]


def test_names_of_eighty_chinese_letters_make_a_dataset_of_that_name(folder: Path) -> None:
    name = "星" * 80
    galaxy(folder / f"{name}.fits")
    output = folder.parent / f"{name}.h5"
    assert result_of(importing.run(folder, output)).imported == 3
    with Cutouts.open(output) as cutouts:
        assert name in cutouts.ids


def test_a_file_of_the_year_ten_thousand_is_imported(folder: Path) -> None:
    os.utime(folder / "a2.fits", (3e11, 3e11))
    assert len(run(folder)[1]) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_and_folders_that_may_not_be_read_are_reported(folder: Path) -> None:
    galaxy(folder / "mine.fits")
    galaxy(folder / "closed" / "b.fits")
    (folder / "mine.fits").chmod(0)
    (folder / "closed").chmod(0)
    report, ids = run(folder)
    (folder / "closed").chmod(0o700)
    assert ids == ["a2", "a10"]
    assert {problem.where.rpartition("/")[2] for problem in report.unusable} == {"mine.fits", "closed"}


def test_a_file_that_vanishes_between_finding_and_reading_is_reported(folder: Path) -> None:
    galaxy(folder / "b.fits")
    work = importing.run(folder, folder.parent / "out.h5")
    for event in work:
        if getattr(event, "unit", "") == "catalogue rows":
            (folder / "b.fits").unlink(missing_ok=True)
    with Cutouts.open(folder.parent / "out.h5") as cutouts:
        assert cutouts.ids == ["a2", "a10"]
        assert [problem.where for problem in cutouts.unusable] == ["b.fits"]
