"""A problem is told as place, sentence and remedy."""

import pickle

import pytest

from core import errors
from core.errors import AmbiguousColumn, Problem, Stopped

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Problem)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_problem_says_where_what_and_what_to_do(kind: type[Problem]):
    problem = kind("It is empty.", "Fetch it again.", "a.fits")
    assert str(problem) == "a.fits: It is empty. Fetch it again."
    assert (problem.sentence, problem.remedy, problem.where) == ("It is empty.", "Fetch it again.", "a.fits")


def test_remedy_and_place_may_be_missing():
    assert str(Problem("It is empty.")) == Problem("It is empty.").text == "It is empty."


def test_the_text_of_a_problem_is_sentence_and_remedy_without_the_place():
    assert Problem("It is empty.", "Fetch it again.", "a.fits").text == "It is empty. Fetch it again."


@pytest.mark.parametrize(
    "sentence",
    [
        f"There is no class “{'a' * 3_000_000}”; there are two.",
        f"The bands {', '.join(f'“b{number}”' for number in range(100_000))} are unknown; there are two.",
    ],
    ids=["one long label", "many names"],
)
def test_a_problem_with_what_is_in_a_file_stays_short(sentence: str):
    problem = Problem(sentence, f"Leave out “{'b' * 10_000}”.", "deep/" * 1200)
    assert len(problem.sentence) <= 500
    assert problem.sentence.startswith(sentence[:40])
    assert problem.sentence.endswith("; there are two.")
    assert "…" in problem.sentence
    assert len(str(problem)) <= 1503
    assert problem.where == "deep/" * 1200, "what it was met with is told whole in tables"
    assert Problem(problem.sentence, problem.remedy, problem.where).text == problem.text


def test_a_long_sentence_of_short_names_is_told_whole():
    sentence = "It is so. " * 49
    assert Problem(sentence).sentence == sentence


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_survives_the_way_to_another_process(kind: type[Problem]):
    problem = pickle.loads(pickle.dumps(kind("It is empty.", "Fetch it again.", "a.fits")))
    assert isinstance(problem, kind)
    assert (problem.sentence, problem.remedy, problem.where) == ("It is empty.", "Fetch it again.", "a.fits")


def test_columns_that_match_equally_well_are_known_in_another_process():
    told = AmbiguousColumn.among(["number", "partner"], 8, 10)
    problem = pickle.loads(pickle.dumps(told))
    assert (str(problem), problem.columns) == (str(told), ("number", "partner"))
    assert "“number” and “partner” of the catalogue both match 8 of 10 images" in str(problem)


def test_being_stopped_is_not_a_problem():
    assert not issubclass(Stopped, Problem)
