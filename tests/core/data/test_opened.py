from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from galaxies import write_dataset

from core.data import opened
from core.data.cutouts import Cutouts
from core.data.labelled_catalogue import LabelledCatalogue
from core.data.opened import OpenedDataset
from core.data.settings import DRAWN, DataSettings
from core.errors import Stopped
from core.events import result_of
from core.project.labels import LabelJournal


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Sixty galaxies with a class, a number and parts of their own."""
    columns = {
        "shape": np.where(np.arange(60) % 2, "round", "edge-on"),
        "size": np.linspace(1, 2, 60),
        "split": np.where(np.arange(60) % 3, "train", "test"),
    }
    return write_dataset(tmp_path / "galaxies.h5", np.zeros((60, 1, 8, 8), np.float32), columns, ["shape"], "r")


def prepared(path: Path, journal: LabelJournal | None = None, **settings: object) -> OpenedDataset:
    return result_of(opened.prepare(Cutouts.open(path), journal, DataSettings.model_validate(settings), 3))


def test_all_is_as_if_it_were_asked_for_one_by_one(dataset: Path, tmp_path: Path) -> None:
    journal = LabelJournal(tmp_path / "labels" / "galaxies.jsonl")
    with Cutouts.open(dataset) as cutouts:
        journal.record(cutouts.ids[1], "shape", "round", "irregular")
        journal.record(cutouts.ids[4], "shape", "edge-on", "irregular")
        journal.record(cutouts.ids[9], "shape", "round", "irregular")
        truth = LabelledCatalogue(
            cutouts.ids, cutouts.columns, cutouts.labels, cutouts.units, journal.replay(), cutouts.split_column
        )
        truth.apply_settings(DataSettings(split_column=DRAWN), 3)
    found = prepared(dataset, journal, split_column=DRAWN)
    with found.cutouts:
        assert found.catalogue.target == truth.target
        assert found.catalogue.split is not None
        assert truth.split is not None
        assert found.catalogue.split.test.tolist() == truth.split.test.tolist()
        assert found.catalogue.columns["shape"][[1, 4, 9]].tolist() == ["irregular"] * 3
        assert found.votes.labels() == journal.replay()
        assert found.columns_with_parts == ["split"]
        assert found.has_present_labels
        journal.record(found.cutouts.ids[2], "shape", "edge-on", "irregular")
        assert not found.has_present_labels


def test_columns_that_it_lacks_are_left_out_of_account(dataset: Path) -> None:
    found = prepared(dataset, labels=("redshift",), group="field", split_column="fold")
    with found.cutouts:
        assert found.catalogue.target is not None
        assert found.catalogue.split is not None
    data = DataSettings(labels=("size",), group="shape", split_column="split")
    assert opened.fitting(data, found.catalogue.columns) == data
    assert opened.fitting(data, ["size", "shape"]) == data.model_copy(update={"split_column": ""})


def test_numbers_to_be_measured_stay_numbers(dataset: Path, tmp_path: Path) -> None:
    found = prepared(dataset, LabelJournal(tmp_path / "labels.jsonl"), labels=("size",))
    with found.cutouts:
        assert found.catalogue.columns["size"].dtype == np.float64


def test_labels_that_cannot_be_read_are_named(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").mkdir()
    found = prepared(dataset, LabelJournal(tmp_path / "labels.jsonl"))
    with found.cutouts:
        assert found.labels_problem is not None
        assert found.votes.labels() == {}


def test_one_that_is_stopped_is_closed(dataset: Path) -> None:
    stop, cutouts = threading.Event(), Cutouts.open(dataset)
    work = opened.prepare(cutouts, None, DataSettings(), 0, stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        result_of(work)
    assert not cutouts._file


def test_an_opening_that_is_stopped_leaves_no_file_open(dataset: Path) -> None:
    stop = threading.Event()
    work = Cutouts.opening(dataset, stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        result_of(work)


def test_whoever_opens_an_open_dataset_shares_its_catalogue_and_cannot_change_it(dataset: Path) -> None:
    with Cutouts.open(dataset) as first, Cutouts.open(dataset) as second:
        assert np.shares_memory(first.columns["size"], second.columns["size"])
        with pytest.raises(ValueError, match="read-only"):
            first.columns["size"][0] = 3
        first.catalogue["other"] = np.arange(60)
        assert "other" not in second.catalogue.colnames


def test_a_dataset_that_was_written_anew_is_read_anew(dataset: Path) -> None:
    with Cutouts.open(dataset) as before:
        images = np.zeros((60, 1, 8, 8), np.float32)
        write_dataset(dataset, images, {"shape": ["round", "edge-on"] * 30}, ["shape"], "r")
        with Cutouts.open(dataset) as now:
            assert "size" in before.columns
            assert "size" not in now.columns
