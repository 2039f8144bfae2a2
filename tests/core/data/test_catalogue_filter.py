import threading

import numpy as np
import pytest

from core.data.catalogue_filter import Arrangement, Finder, arrange, sort_rows
from core.errors import Stopped
from core.events import result_of

COLUMNS = {
    "id": np.array(["NGC 1", "NGC 12", "IC 1"]),
    "type": np.array(["Spiral", "elliptical", None], dtype=object),
    "magnitude": np.array([12.0, 13.5, np.nan]),
}


def found(text: str) -> list[bool]:
    return result_of(Finder(COLUMNS).search(text, 3)).tolist()


def test_every_word_must_occur_in_some_column_in_any_case() -> None:
    assert found("ngc") == [True, True, False]
    assert found("ngc SPIRAL") == [True, False, False]
    assert found("") == [True, True, True]
    assert found("dwarf") == [False, False, False]


def test_sorting_keeps_missing_values_last_in_both_directions() -> None:
    rows = np.array([2, 0, 1])
    values = np.array([3.0, 1.0, np.nan])
    assert result_of(sort_rows(values, rows)).tolist() == [1, 0, 2]
    assert result_of(sort_rows(values, rows, descending=True)).tolist() == [0, 1, 2]
    names = np.array(["b", "", "a"], dtype=object)
    assert result_of(sort_rows(names, np.arange(3), descending=True)).tolist() == [0, 2, 1]


def test_equal_values_keep_their_order() -> None:
    values = np.array([1, 1, 0, 1])
    assert result_of(sort_rows(values, np.array([3, 0, 2, 1]))).tolist() == [2, 3, 0, 1]
    assert result_of(sort_rows(values, np.array([3, 0, 2, 1]), descending=True)).tolist() == [3, 0, 1, 2]


def test_numbers_in_text_are_sorted_as_numbers_with_all_their_digits() -> None:
    ids = np.array(["587722981742084097", "9", "587722981742084096", "10"])
    assert result_of(sort_rows(ids, np.arange(4))).tolist() == [1, 3, 2, 0]


def test_measured_numbers_with_some_given_by_hand_are_sorted_as_numbers() -> None:
    column = np.array([10.5, "9.25", np.nan, "", -2.0, "1e2"], dtype=object)
    assert result_of(sort_rows(column, np.arange(6))).tolist() == [4, 1, 0, 5, 2, 3]
    assert result_of(sort_rows(column, np.arange(6), descending=True)).tolist() == [5, 0, 1, 4, 2, 3]


def test_one_word_among_numbers_makes_them_words() -> None:
    column = np.array(["10", "9", "n/k"])
    assert result_of(sort_rows(column, np.arange(3))).tolist() == [0, 1, 2]


@pytest.mark.parametrize("descending", [False, True])
def test_many_texts_are_sorted_as_few(descending: bool) -> None:
    texts = np.array([f"J{number % 9001:05d}" for number in np.random.default_rng(0).permutation(40_000)])
    truth = sorted(range(len(texts)), key=lambda row: texts[row], reverse=descending)
    assert result_of(sort_rows(texts, np.arange(len(texts)), descending=descending)).tolist() == truth


def test_an_arrangement_finds_and_sorts_among_those_that_are_left_in() -> None:
    among, finder = np.array([True, True, False]), Finder(COLUMNS)
    wanted = Arrangement(among, "1", COLUMNS["magnitude"], descending=True)
    assert result_of(arrange(wanted, finder)).tolist() == [1, 0]
    ranked = Arrangement(among, "ngc", order=np.array([2, 1, 0]))
    assert result_of(arrange(ranked, finder)).tolist() == [1, 0]
    assert result_of(arrange(Arrangement(among, descending=True), finder)).tolist() == [1, 0]


def test_a_value_that_changes_while_it_is_read_is_found_in_the_next_search() -> None:
    columns = {"shape": np.array(["round"] * 3, dtype=object)}
    finder = Finder(columns)
    search = finder.search("round", 3)
    next(search)
    columns["shape"][1] = "edge-on"
    finder.forget("shape")
    result_of(search)
    assert result_of(finder.search("round", 3)).tolist() == [True, False, True]


def test_a_search_and_a_sort_can_be_stopped() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(Finder(COLUMNS).search("ngc", 3, stop))
    with pytest.raises(Stopped):
        result_of(sort_rows(COLUMNS["id"], np.arange(3), stop))
