"""What a file is, and whether another may be written in its place."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from galaxies import write_dataset

from core.errors import FolderInUse, NotPossible
from core.project import outputs
from core.project.files import ask_before_writing, write_atomically
from core.project.outputs import Inputs, Output, kind_of, require_writable

GOLDEN = Path(__file__).parents[2] / "golden"


def test_a_file_is_known_by_what_is_in_it(tmp_path):
    dataset = write_dataset(tmp_path / "a.fits", np.zeros((3, 1, 8, 8), np.float32), {"x": [1, 2, 3]}, ["x"], "r")
    assert kind_of(dataset) == outputs.DATASET, "whatever it is called"
    assert all(kind_of(path) == outputs.DATASET for path in GOLDEN.rglob("*.h5"))
    image, packed, table = tmp_path / "i.csv", tmp_path / "c.fits", tmp_path / "t.fits"
    fits.PrimaryHDU(np.zeros((8, 8))).writeto(tmp_path / "i.fits")
    (tmp_path / "i.fits").rename(image)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((32, 32)))]).writeto(packed)
    Table({"ra": [1.0]}).write(table)
    kinds = [kind_of(path) for path in (image, packed, table)]
    assert kinds == [outputs.FITS_IMAGE, outputs.FITS_IMAGE, outputs.FITS_TABLE]
    Table({"ra": [1.0]}).write(tmp_path / "t.xml", format="votable")
    Table({"ra": [1.0]}).write(tmp_path / "t.csv")
    assert kind_of(tmp_path / "t.xml") == outputs.VOTABLE
    assert kind_of(tmp_path / "t.csv") == outputs.TEXT_TABLE
    (tmp_path / "notes.md").write_text("# Notes")
    assert kind_of(tmp_path / "notes.md") == "a text file (.md)"
    assert kind_of(next(GOLDEN.rglob("best.safetensors"))).startswith("the weights of a network")
    (tmp_path / "empty").touch()
    assert kind_of(tmp_path / "empty") == kind_of(tmp_path / "missing") == ""


def test_a_file_is_the_same_by_whatever_name(tmp_path, monkeypatch):
    file, link, twin = tmp_path / "c.csv", tmp_path / "link.csv", tmp_path / "twin.csv"
    file.write_text("id\n1\n")
    link.symlink_to(file)
    os.link(file, twin)
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in (file, link, twin, Path("c.csv"), tmp_path / "sub" / ".." / "c.csv"):
        with pytest.raises(NotPossible, match="is an input"):
            require_writable([Output(name)], Inputs([file]), force=True)
    require_writable([Output(tmp_path / "new.csv")], Inputs([file]))


def test_a_galaxy_in_a_folder_is_read_also_by_another_name_outside_it(tmp_path):
    folder, outside = tmp_path / "cutouts", tmp_path / "outside.fits"
    folder.mkdir()
    fits.PrimaryHDU(np.zeros((8, 8))).writeto(folder / "a.fits")
    os.link(folder / "a.fits", outside)
    for name in (folder / "a.fits", outside):
        with pytest.raises(NotPossible):
            require_writable([Output(name, outputs.FITS_TABLE)], Inputs([folder]), force=True)
    (folder / "predictions.csv").write_text("id\n")
    require_writable([Output(folder / "predictions.csv")], Inputs([folder]))


def test_every_file_that_is_written_is_asked_about(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("mine")
    with ask_before_writing(Inputs([file]).refuse):
        write_atomically(tmp_path / "b.csv", "new")
        with pytest.raises(NotPossible):
            write_atomically(file, "new")
    assert file.read_text() == "mine"
    write_atomically(file, "after the block it is a file like others")


def test_two_outputs_are_not_one_file(tmp_path):
    with pytest.raises(NotPossible, match="twice"):
        require_writable([Output(tmp_path / "a.h5"), Output(tmp_path / "A.h5", outputs.TEXT_TABLE)])


@pytest.mark.parametrize(
    ("kind", "said"), [("", "is a folder"), (outputs.FOLDER, "a folder is to be written")], ids=["file", "folder"]
)
def test_a_folder_is_no_file_and_a_file_no_folder(kind, said, tmp_path):
    (tmp_path / "file").touch()
    place = tmp_path / "file" if kind else tmp_path
    with pytest.raises(FolderInUse, match=said):
        require_writable([Output(place, kind)])
    with pytest.raises(FolderInUse, match="is a file, and no folder"):
        require_writable([Output(tmp_path / "file" / "below.csv")])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are pipes only on POSIX systems")
def test_a_pipe_is_no_place_for_a_table(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FolderInUse, match="a pipe"):
        require_writable([Output(tmp_path / "pipe.csv")])


def test_the_files_of_a_run_and_of_a_project_belong_to_them():
    for pattern in ("project.toml", "history.csv", "settings.toml", "last/*/state.json", "labels/*.jsonl"):
        file = next(GOLDEN.rglob(pattern))
        with pytest.raises(NotPossible, match=r"is a part of the (run|project)"):
            require_writable([Output(file)], force=True)
