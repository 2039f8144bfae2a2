"""Numbers in sentences."""

import pytest

from core.metrics.fraction import Fraction
from core.settings.declare import Settings, knobs
from core.train.settings import RunSettings
from core.wording import count_of, percent, singular, with_error


@pytest.mark.parametrize(
    ("number", "word", "text"),
    [
        (0, "run", "0 runs"),
        (1, "epoch", "1 epoch"),
        (2, "map", "2 maps"),
        (1, "galaxy", "1 galaxy"),
        (12_345, "galaxy", "12,345 galaxies"),
        (3, "day", "3 days"),
    ],
)
def test_one_is_one_and_others_are_several(number: int, word: str, text: str) -> None:
    assert count_of(number, word) == text


def test_every_unit_of_a_whole_number_has_a_form_for_one() -> None:
    models = [knob.annotation for knob in knobs(RunSettings).values() if isinstance(knob.annotation, type)]
    units = {
        knob.unit
        for model in models
        if issubclass(model, Settings)
        for knob in knobs(model).values()
        if isinstance(knob.default, int) and knob.unit.endswith("s")
    }
    assert units
    for unit in units:
        assert count_of(2, singular(unit)) == f"2 {unit}"


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.03341, 0.0272, "0.03 ± 0.03"),
        (-0.0334, 0.0014, "−0.0334 ± 0.0014"),
        (1234.5, 27.1, "1230 ± 30"),
        (-2.5, float("nan"), "−2.5"),
    ],
)
def test_a_value_has_the_digits_that_its_error_leaves(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.714, 0, "71 %"),
        (1.0, 0, "100 %"),
        (0.0, 1, "0.0 %"),
        (0.9997, 1, "> 99.9 %"),
        (0.996, 0, "> 99 %"),
        (0.0004, 1, "< 0.1 %"),
        (0.99, 0, "99 %"),
    ],
)
def test_a_share_reads_all_or_none_only_where_it_is(share: float, digits: int, text: str) -> None:
    assert percent(share, digits) == text


def test_a_fraction_reads_all_or_none_only_where_it_is() -> None:
    assert Fraction(20, 20).in_percent.startswith("100 ")
    assert Fraction(0, 20).in_percent.startswith("0 ")
    assert Fraction(999, 1000).in_percent.startswith("99.9 +")
    assert Fraction(1, 10_000).in_percent.startswith("0.01 +")
