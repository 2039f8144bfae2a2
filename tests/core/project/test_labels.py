"""Hand labels survive a kill, can be undone, and take the place of the catalogue's."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.project.files import append_durably
from core.project.labels import LabelJournal, apply_labels

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@pytest.fixture
def journal(tmp_path: Path) -> LabelJournal:
    return LabelJournal(tmp_path / "labels" / "survey.jsonl")


def test_the_last_label_counts(journal: LabelJournal):
    assert journal.replay() == {}
    journal.record("587722953303916935", "shape", "", "disk")
    journal.record("587722953303916935", "shape", "disk", "spheroid")
    journal.record("2", "shape", "", "disk")
    assert journal.replay() == {("587722953303916935", "shape"): "spheroid", ("2", "shape"): "disk"}


def test_a_label_is_undone_by_recording_the_way_back(journal: LabelJournal):
    change = journal.record("1", "shape", "disk", "spheroid")
    journal.record(change.id, change.column, change.new, change.old)
    assert journal.replay() == {("1", "shape"): "disk"}
    assert len(journal.path.read_text().splitlines()) == 2  # nothing is rewritten


@given(st.lists(st.tuples(texts, texts, texts), max_size=6))
def test_any_text_can_be_a_label(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str, str]]):
    journal = LabelJournal(tmp_path_factory.mktemp("labels") / "a.jsonl")
    for name, column, new in changes:
        journal.record(name, column, "", new)
    assert journal.replay() == {(name, column): new for name, column, new in changes}


def test_many_changes_are_one_line_each(journal: LabelJournal):
    journal.record_all("shape", [(str(number), "", "disk") for number in range(100)])
    lines = journal.path.read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(number) for number in range(100)]
    journal.record_all("shape", [])
    assert len(journal.replay()) == 100


@pytest.mark.parametrize("cut", [1, 3, 30])
def test_a_kill_in_the_middle_of_a_line_costs_that_line_only(journal: LabelJournal, cut: int):
    journal.record("1", "shape", "", "disk")
    journal.record("2", "shape", "", "disk")
    journal.path.write_bytes(journal.path.read_bytes()[:-cut])
    journal.record("3", "shape", "", "disk")
    labels = journal.replay()
    assert ("1", "shape") in labels
    assert ("3", "shape") in labels
    assert (("2", "shape") in labels) is (cut == 1)


def test_lines_that_are_something_else_are_passed_over(journal: LabelJournal):
    journal.record("1", "shape", "", "disk")
    with journal.path.open("ab") as file:
        file.write(b'{"id": 1}\n[]\n\xff\xfe\n\n3\n')
    assert journal.replay() == {("1", "shape"): "disk"}


@pytest.mark.parametrize(
    "line", ['{"id": [1], "column": "shape", "old": "", "new": "disk", "time": ""}', "[" * 100_000]
)
def test_a_line_that_is_no_label_is_named_and_costs_no_other(journal: LabelJournal, line: str):
    journal.record("1", "shape", "", "disk")
    append_durably(journal.path, line)
    journal.record("2", "shape", "", "round")
    assert journal.replay() == {("1", "shape"): "disk", ("2", "shape"): "round"}
    assert "(line 2)" in str(journal.problem)


def test_hand_labels_win_over_the_catalogue_and_leave_it_unchanged():
    columns = {"shape": np.array(["disk", "disk", "round"]), "size": np.array([1.0, 2.0, 3.0])}
    changed = apply_labels(columns, ["a", "b", "b"], {("b", "shape"): "spheroid", ("z", "shape"): "gone"})
    assert changed["shape"].tolist() == ["disk", "spheroid", "spheroid"]  # every image of the object
    assert columns["shape"].tolist() == ["disk", "disk", "round"]
    assert changed["size"] is columns["size"]


def test_a_longer_label_than_any_in_the_catalogue_is_not_cut_off():
    changed = apply_labels({"shape": np.array(["a", "b"])}, ["1", "2"], {("2", "shape"): "irregular"})
    assert changed["shape"].tolist() == ["a", "irregular"]


def test_a_new_column_is_made_for_labels_that_the_catalogue_has_not():
    changed = apply_labels({}, ["1", "2"], {("2", "bar"): "yes"})
    assert changed["bar"].tolist() == ["", "yes"]


def test_a_column_of_numbers_takes_a_hand_label():
    changed = apply_labels({"class": np.array([0, 1])}, ["1", "2"], {("1", "class"): "7"})
    assert [str(value) for value in changed["class"]] == ["7", "1"]
