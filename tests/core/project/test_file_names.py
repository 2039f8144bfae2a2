"""Each id has a file name of its own, that every file system takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.project.file_names import file_stem, mark_row

ODD = ["a b", "a_b", "a/b", "a-b", "a\tb", "..", ".", "", "\x1b[31m", "x" * 300, "x" * 301, "星" * 80, "é", "e\u0301"]
ODD += ["~", "a~1", "/etc/passwd", "con", "a\nb", "\ud800", "\x00", "../../a"]


def test_plain_names_stay_as_they_are() -> None:
    assert file_stem("NGC4526", "grad-cam", "edge-on") == "NGC4526_grad-cam_edge-on"
    assert file_stem("J1.5+2_b", "occlusion", "螺旋") == "J1.5+2_b_occlusion_螺旋"


def test_odd_names_have_different_files_that_can_be_written(tmp_path: Path) -> None:
    stems = [file_stem(name, "occlusion", "disk") for name in ODD]
    assert len(set(stems)) == len(ODD)
    for stem in stems:
        (tmp_path / f".{stem}.fits.abcdefgh.fits").touch()
        assert not stem.startswith((".", "/"))
        assert stem.isprintable()
    assert len(list(tmp_path.iterdir())) == len(ODD)


@given(st.text(), st.text())
def test_two_names_never_share_a_file(one: str, other: str) -> None:
    assert (file_stem(one) == file_stem(other)) == (one == other)
    assert len(file_stem(one, other, one).encode()) <= 242


@pytest.mark.parametrize("name", ["a", "a b"])
def test_images_of_one_object_are_told_apart_by_their_rows(name: str) -> None:
    assert mark_row(file_stem(name), 5) == f"{file_stem(name)}~5"


def test_no_file_looks_like_an_option() -> None:
    assert not {stem for name in ("-o", "--force", "-", "-5") if (stem := file_stem(name, "occlusion")).startswith("-")}
    assert len({file_stem(name) for name in ("-o", "o", "--o")}) == 3
