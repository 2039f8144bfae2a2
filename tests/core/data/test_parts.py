"""The place of a galaxy, parts that a column gives, and parts that are kept."""

from pathlib import Path

import numpy as np
import pytest

from core.data.parts import (
    NO_PART,
    KeptParts,
    describe_given,
    folder_part,
    group_rows,
    holds_parts,
    places,
    read_given,
    recognise_column,
)
from core.errors import CatalogueProblem, UnreadableFile


def test_the_place_of_a_galaxy_is_the_same_on_every_machine_and_in_every_version():
    found = places(group_rows(["M 31", "NGC 1300"]).checksums, 1)
    assert found.tolist() == pytest.approx([0.9360098401421533, 0.5399393602307722], abs=1e-15)


def test_places_are_even_and_independent_of_the_seed_before():
    sums = group_rows([f"{number:06d}" for number in range(20_000)]).checksums
    one, two, limit = places(sums, 1), places(sums, 2), places(sums, 1, 1)
    for found in (one, two, limit):
        assert np.abs(np.histogram(found, 20, (0, 1))[0] - 1000).max() < 5 * np.sqrt(950)
    for other in (two, limit):
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(20_000)


def test_the_usual_names_of_parts_are_understood_in_any_case():
    column = ["Train", "TRAINING", "val", "valid", " Validation", "dev", "test", "Testing", "", "nan"]
    assert read_given(column, "split").tolist() == [0, 0, 1, 1, 1, 1, 2, 2, -1, -1]


def test_a_value_that_is_no_part_is_named_with_those_that_are():
    with pytest.raises(CatalogueProblem, match="“spare”, which is no part") as caught:
        read_given(["train", "spare", "test"], "split")
    assert "validation" in caught.value.remedy
    with pytest.raises(CatalogueProblem, match="“0”, “1”, “2”, which are no part"):
        read_given(np.array([0, 1, 2]), "split")


@pytest.mark.parametrize(
    ("name", "values", "is_it"),
    [
        ("split", ["train", "test", ""], True),
        ("Set", ["training", "validation", "testing"], True),
        ("gz_split", ["train", "val", "val"], True),
        ("split", ["train", "train", "train"], False),
        ("split", ["train", "test", "spare"], False),
        ("split", ["0", "1", "2"], False),
        ("shape", ["train", "test", "test"], False),
    ],
)
def test_a_column_of_parts_is_recognised_by_its_name_and_its_values(name: str, values: list[str], is_it: bool):
    assert recognise_column({"id": ["a", "b", "c"], name: np.array(values)}) == (name if is_it else "")
    assert not holds_parts([*["train", "test"] * 40, "a galaxy"])


def test_the_folder_of_a_part_may_stand_above_or_below_that_of_a_class():
    assert folder_part(["survey", "Train", "spiral"]) == "train"
    assert folder_part(["spiral", "valid"]) == "validation"
    assert folder_part(["spiral"]) == ""


def test_kept_parts_come_back_from_their_file_and_can_be_read_by_anyone(tmp_path: Path):
    kept = KeptParts(7, {"a": 0, "b,c": 2, "line\nbreak": 1})
    kept.save(tmp_path / "survey.csv", "by hand")
    assert KeptParts.load(tmp_path / "survey.csv") == kept
    text = (tmp_path / "survey.csv").read_text(encoding="utf-8")
    assert text.startswith('# seed = 7\n# rule = by hand\nid,part\na,train\n"b,c",test\n')
    assert kept.numbers(["b,c", "unknown", "a"]).tolist() == [2, -1, 0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# seed = 1\n# rule = x\nid,part\na,spare\n",
        b"\xff",
        b"# seed = x\n\n",
        b"# seed = 99999999999999999999\n# rule = x\nid,part\na,train\n",
        b"# seed = -1\n# rule = x\nid,part\na,train\n",
    ],
)
def test_damaged_parts_are_told(tmp_path: Path, content: bytes):
    (tmp_path / "survey.csv").write_bytes(content)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        KeptParts.load(tmp_path / "survey.csv")


@pytest.mark.parametrize(
    ("name", "values", "first"),
    [
        ("is_test", np.array([0, 1, 0]), [0, 2, 0]),
        ("is_train", np.array([1, 0, 1]), [0, 2, 0]),
        ("Train", np.array(["True", "False", ""]), [0, 2, NO_PART]),
        ("is_val", np.array([0.0, 1.0, np.nan]), [0, 1, NO_PART]),
    ],
)
def test_zeros_and_ones_under_the_name_of_a_part_are_given_parts(name, values, first):
    assert recognise_column({"id": ["a", "b", "c"], name: values}) == name
    assert read_given(values, name).tolist() == first
    told = describe_given(values, name)
    assert f"“{name}” (1 is " in told
    assert "1 test" in told or "1 validation" in told


@pytest.mark.parametrize(
    ("name", "values"), [("flag", [0, 1, 0]), ("is_test", [0, 0, 0]), ("is_test", [0, 1, 2]), ("is_bar", [0, 1, 1])]
)
def test_other_zeros_and_ones_are_no_parts(name, values):
    assert recognise_column({"id": ["a", "b", "c"], name: np.array(values)}) == ""
