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
