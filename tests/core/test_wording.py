"""Numbers in sentences."""

import pytest

from core.settings.declare import Settings, knobs
from core.train.settings import RunSettings
from core.wording import count_of, singular, with_error


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
