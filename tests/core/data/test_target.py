"""What is learned is recognised from the columns, and its labels become numbers without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.target import (
    NO_LABEL,
    Classes,
    Quantities,
    VoteFractions,
    columns_of,
    describe_votes,
    encode,
    from_dict,
    has_label,
    label_text,
    numbers,
    outputs,
    recognise,
    to_dict,
    votes,
)
from core.errors import CatalogueProblem, TooFewGalaxies

COLUMNS = {
    "shape": ["spiral", "disk", "", "nan", " disk "],
    "code": np.array([2, 10, 9, -1, 2]),
    "flag": np.array([True, False, True, True, False]),
    "radius": np.array([1.5, 2.5, np.nan, 3.5, 0.25]),
    "a": np.array([0.25, 0.5, 1.0, 0.0, np.nan]),
    "b": np.array([0.75, 0.5, 0.0, 1.0, 0.5]),
    "empty": ["", "", "", "", ""],
}


def test_text_and_small_whole_numbers_are_classes():
    assert recognise(COLUMNS, ["shape"]) == Classes("shape", ("disk", "spiral"))
    assert recognise(COLUMNS, ["code"]) == Classes("code", ("-1", "2", "9", "10"))  # as numbers, not as text
    assert recognise(COLUMNS, ["flag"]) == Classes("flag", ("False", "True"))


def test_other_numbers_are_quantities_with_their_units():
    assert recognise(COLUMNS, ["radius"], units={"radius": "arcsec"}, logarithms_wish="none") == Quantities(
        ("radius",), ("arcsec",)
    )
    assert recognise(COLUMNS, ["radius", "a"]) == Quantities(("radius", "a"), ("", ""), (), ("radius",))
    assert recognise({"n": np.arange(100)}, ["n"]) == Quantities(("n",), ("",))


def test_shares_that_add_up_to_one_are_vote_fractions():
    assert recognise(COLUMNS, ["a", "b"]) == VoteFractions(("a", "b"))


def test_the_user_decides_where_columns_could_be_two_things():
    assert recognise(COLUMNS, ["code"], "quantities") == Quantities(("code",), ("",))
    assert recognise(COLUMNS, ["a", "b"], "quantities") == Quantities(("a", "b"), ("", ""))
    assert recognise(COLUMNS, ["radius"], "classes").names == ("0.25", "1.5", "2.5", "3.5")


@pytest.mark.parametrize(
    ("names", "kind", "problem"),
    [
        ([], "auto", CatalogueProblem),
        (["nothing"], "auto", CatalogueProblem),
        (["shape", "code"], "classes", CatalogueProblem),
        (["empty"], "classes", TooFewGalaxies),
        (["empty"], "quantities", CatalogueProblem),
        (["a"], "vote fractions", CatalogueProblem),
    ],
)
def test_columns_that_do_not_fit_are_told(names: list[str], kind: str, problem: type[Exception]):
    with pytest.raises(problem):
        recognise(COLUMNS, names, kind)


def test_one_class_only_is_told_by_name():
    with pytest.raises(TooFewGalaxies, match="1 class \\(“disk”\\)"):
        recognise({"shape": ["disk", "disk"]}, ["shape"])


def test_labels_are_places_among_the_names():
    labels = encode(Classes("shape", ("disk", "spiral")), COLUMNS)
    assert labels.tolist() == [1, 0, NO_LABEL, NO_LABEL, 0]
    assert has_label(labels).tolist() == [True, True, False, False, True]


def test_a_class_that_the_network_does_not_know_is_no_label():
    assert encode(Classes("shape", ("disk",)), COLUMNS).tolist() == [NO_LABEL, 0, NO_LABEL, NO_LABEL, 0]


def test_quantities_with_a_gap_are_left_out_as_a_row():
    values = encode(Quantities(("radius", "b"), ("", "")), COLUMNS)
    assert values.dtype == np.float32
    assert has_label(values).tolist() == [True, True, False, True, True]
    assert np.isnan(values[2]).all()


def test_vote_fractions_add_up_to_one():
    values = encode(VoteFractions(("x", "y")), {"x": [2.0, 0.0, 1.0], "y": [6.0, 0.0, np.nan]})
    np.testing.assert_array_equal(values, np.float32([[0.25, 0.75], [np.nan, np.nan], [np.nan, np.nan]]))


@given(st.lists(st.sampled_from(["a", "b", "10", "9", ""]), min_size=2, max_size=30))
def test_names_do_not_depend_on_the_order_of_the_rows(column: list[str]):
    if len({text for text in column if text}) < 2:
        return
    one = recognise({"c": column}, ["c"], "classes")
    assert one == recognise({"c": column[::-1]}, ["c"], "classes")
    decoded = [one.names[label] if label != NO_LABEL else "" for label in encode(one, {"c": column})]
    assert decoded == column


@pytest.mark.parametrize(
    "target", [Classes("c", ("a", "ü")), VoteFractions(("a", "b")), Quantities(("r", "q"), ("arcsec", ""))]
)
def test_a_target_comes_back_from_plain_values(target):
    assert from_dict(to_dict(target)) == target
    assert len(outputs(target)) == 2
    assert set(columns_of(target)) <= {"c", "a", "b", "r", "q"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (np.float32(2.5), "2.5"),
        (np.int64(587722953303916935), "587722953303916935"),
        (b"ab ", "ab"),
        (np.nan, ""),
        (None, ""),
        (np.ma.masked, ""),
        ("N/A", ""),
        (True, "True"),
    ],
)
def test_a_label_reads_the_same_however_it_is_stored(value: object, text: str):
    assert label_text(value) == text


def test_numbers_are_read_from_text_and_masked_columns():
    np.testing.assert_array_equal(numbers(["1.5", "", "x", "-2"]), [1.5, np.nan, np.nan, -2])
    np.testing.assert_array_equal(numbers(np.ma.array([1, 2], mask=[True, False])), [np.nan, 2])


def test_votes_are_counted_and_fractions_add_up_to_one():
    counts = {"smooth": np.array([10, 3, 0]), "disk": np.array([30, np.nan, 0])}
    found = votes(VoteFractions(("smooth", "disk")), counts)
    assert found.tolist() == pytest.approx([40, np.nan, 0], nan_ok=True)
    assert votes(VoteFractions(("a", "b")), COLUMNS)[:4].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("scale", [1, 100])
def test_votes_in_percent_are_vote_fractions(scale):
    columns = {"smooth": np.array([0.2, 0.8, np.nan]) * scale, "disk": np.array([0.8, 0.2, 0.5]) * scale}
    target = recognise(columns, ["smooth", "disk"])
    assert target == VoteFractions(("smooth", "disk"))
    np.testing.assert_allclose(encode(target, columns)[:2], [[0.2, 0.8], [0.8, 0.2]], atol=1e-6)
    assert votes(target, columns)[:2].tolist() == [1, 1], "percent are no hundred votes"
    assert ("percent" in describe_votes(target, columns)) == (scale == 100)


@pytest.mark.parametrize(
    ("total", "kind"),
    [("total_votes", VoteFractions), ("n_class", VoteFractions), ("petal_width", Quantities), ("", Quantities)],
)
def test_counts_are_votes_only_beside_a_column_that_is_called_and_is_their_total(total, kind):
    columns = {"smooth": np.array([12, 3, 40]), "disk": np.array([30, 5, 0])}
    if total:
        columns[total] = np.array([42, 8, 40])
    target = recognise(columns, ["smooth", "disk"])
    assert isinstance(target, kind)
    if kind is VoteFractions:
        assert votes(target, columns).tolist() == [42, 8, 40]
        assert "divided by it" in describe_votes(target, columns)
        columns[total] = np.array([42, 8, 41])
        assert isinstance(recognise(columns, ["smooth", "disk"]), Quantities), "it is not their sum"


def test_numbers_that_happen_to_be_below_a_hundred_are_quantities():
    columns = {"concentration": np.array([30.0, 60.0]), "asymmetry": np.array([70.5, 10.0])}
    assert isinstance(recognise(columns, ["concentration", "asymmetry"]), Quantities)
