"""Votes of several people in the journal of labels: kept apart, undone, counted; old journals mean what they meant."""

import json

import pytest

from core.project.labels import LabelJournal
from core.project.votes import Votes, count_votes


@pytest.fixture
def journal(tmp_path):
    return LabelJournal(tmp_path / "labels.jsonl")


def test_without_names_a_journal_is_written_as_ever(journal):
    journal.record("a", "shape", "", "spiral")
    line = json.loads(journal.path.read_text())
    assert set(line) == {"time", "id", "column", "old", "new"}
    journal.record("a", "shape", "spiral", "")
    assert journal.replay() == {("a", "shape"): ""}


def test_each_person_has_a_vote_and_the_last_one_counts(journal):
    journal.record_all("shape", [("a", None, "spiral")], "Ada")
    journal.record_all("shape", [("a", None, "elliptical")], "Ben")
    votes = LabelJournal(journal.path).votes()
    assert votes.of("a", "shape") == {"Ada": "spiral", "Ben": "elliptical"}
    assert journal.replay() == {("a", "shape"): "elliptical"}
    journal.record_all("shape", [("a", "spiral", "edge-on")], "Ada")
    assert journal.replay() == {("a", "shape"): "edge-on"}


def test_a_withdrawn_vote_leaves_those_of_the_others(journal):
    journal.record_all("shape", [("a", None, "spiral")], "Ada")
    journal.record_all("shape", [("a", None, "elliptical")], "Ben")
    journal.record_all("shape", [("a", "elliptical", None)], "Ben")
    assert journal.replay() == {("a", "shape"): "spiral"}
    journal.record_all("shape", [("a", "spiral", None)], "Ada")
    assert journal.replay() == {}


def test_the_majority_counts_where_that_was_chosen_and_everybody_reads_it_so(journal, tmp_path):
    for person, label in (("Ada", "spiral"), ("Ben", "spiral"), ("Cem", "elliptical")):
        journal.record_all("shape", [("a", None, label)], person)
    assert journal.replay() == {("a", "shape"): "elliptical"}
    journal.record_counting("majority")
    assert LabelJournal(journal.path).replay() == {("a", "shape"): "spiral"}
    assert LabelJournal(journal.path).problem is None
    frozen = journal.frozen()
    journal.record_counting("last")
    assert frozen.replay() == {("a", "shape"): "spiral"}
    journal.save_copy(tmp_path / "copy.jsonl")
    assert LabelJournal(tmp_path / "copy.jsonl").replay() == {("a", "shape"): "elliptical"}


def test_a_tie_goes_to_the_latest_of_its_votes():
    assert count_votes({"Ada": "spiral", "Ben": "elliptical"}, "majority") == "elliptical"
    assert count_votes({"Ada": "b", "Ben": "a", "Cem": "b", "Dan": "a", "Eve": "c"}, "majority") == "a"
    assert count_votes({"Ada": "b", "Ben": ""}, "majority") == "b"
    assert count_votes({"Ada": "b", "Ben": ""}, "last") == ""
    assert count_votes({}, "last") is None


def test_only_galaxies_on_which_several_voted_are_compared():
    votes = Votes()
    votes.record("a", "shape", "Ada", "spiral")
    votes.record("a", "shape", "Ben", "elliptical")
    votes.record("a", "size", "Ben", "large")
    votes.record("b", "shape", "Ada", "spiral")
    votes.record("c", "shape", "Ada", "spiral")
    votes.record("c", "shape", "Ben", "")
    assert votes.several("shape") == {"a": {"Ada": "spiral", "Ben": "elliptical"}}


@pytest.mark.parametrize(
    "line",
    [
        {"time": "2026-01-01T00:00:00+00:00", "id": "a", "column": "shape", "old": "", "new": None},
        {"time": "2026-01-01T00:00:00+00:00", "id": "a", "column": "shape", "old": "", "new": "x", "by": 3},
        {"time": "2026-01-01T00:00:00+00:00", "count": "loudest"},
    ],
)
def test_what_is_no_change_is_a_damaged_line(journal, line):
    journal.record("b", "shape", "", "spiral")
    journal.path.write_text(journal.path.read_text() + json.dumps(line) + "\n")
    assert "line 2" in journal.problem.sentence
    assert journal.replay() == {("b", "shape"): "spiral"}
