import numpy as np

from core.data.catalogue_filter import Finder, sort_rows

COLUMNS = {
    "id": np.array(["NGC 1", "NGC 12", "IC 1"]),
    "type": np.array(["Spiral", "elliptical", None], dtype=object),
    "magnitude": np.array([12.0, 13.5, np.nan]),
}


def found(text: str) -> list[bool]:
    return Finder(COLUMNS).find_rows(text, 3).tolist()


def test_every_word_must_occur_in_some_column_in_any_case() -> None:
    assert found("ngc") == [True, True, False]
    assert found("ngc SPIRAL") == [True, False, False]
    assert found("") == [True, True, True]
    assert found("dwarf") == [False, False, False]


def test_sorting_keeps_missing_values_last_in_both_directions() -> None:
    rows = np.array([2, 0, 1])
    values = np.array([3.0, 1.0, np.nan])
    assert sort_rows(values, rows).tolist() == [1, 0, 2]
    assert sort_rows(values, rows, descending=True).tolist() == [0, 1, 2]
    names = np.array(["b", "", "a"], dtype=object)
    assert sort_rows(names, np.arange(3), descending=True).tolist() == [0, 2, 1]


def test_equal_values_keep_their_order() -> None:
    values = np.array([1, 1, 0, 1])
    assert sort_rows(values, np.array([3, 0, 2, 1])).tolist() == [2, 3, 0, 1]
    assert sort_rows(values, np.array([3, 0, 2, 1]), descending=True).tolist() == [3, 0, 1, 2]


def test_numbers_in_text_are_sorted_as_numbers_with_all_their_digits() -> None:
    ids = np.array(["587722981742084097", "9", "587722981742084096", "10"])
    assert sort_rows(ids, np.arange(4)).tolist() == [1, 3, 2, 0]
