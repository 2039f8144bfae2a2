import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.studies import search_space
from core.studies.axis_ticks import axis_ticks, round_values
from core.train.settings import RunSettings


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_steps_are_even_within_the_range_and_few(low: float, span: float) -> None:
    high = low + span
    if not low < high:
        return
    found = round_values(low, high)
    assert len(found) <= 7
    margin = 1e-6 * span + 1e-9 * abs(low)
    assert all(low - margin <= value <= high + margin for value in found)
    gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert max(gaps, default=0) - min(gaps, default=0) <= margin


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("network.depth=3:6", ["3", "4", "5", "6"]),
        ("network.dropout=0:0.6", ["0", "0.2", "0.4", "0.6"]),
        ("network.dropout=0.1:0.35", ["0.1", "0.15", "0.2", "0.25", "0.3", "0.35"]),
        ("optimiser.learning_rate=2e-3:3e-2", ["0.002", "0.005", "0.01", "0.02", "0.03"]),
        ("optimiser.learning_rate=1e-4:3e-2", ["0.0001", "0.001", "0.01", "0.03"]),
        ("network.activation=relu,gelu", ["relu", "gelu"]),
    ],
)
def test_marks_stand_where_their_values_lie(text: str, written: list[str]) -> None:
    (axis,) = search_space.parse_space((text,), RunSettings())
    found = axis_ticks(axis)
    assert [value for _, value in found] == written
    assert [place for place, _ in found] == sorted(place for place, _ in found)
    assert found[0][0] >= 0
    assert found[-1][0] <= 1


def test_of_many_decades_only_some_are_written() -> None:
    found = axis_ticks(search_space.Range("any", 1e-12, 1.0, log=True))
    assert len(found) <= 9
    places = [place for place, _ in found]
    assert places[0] == 0
    assert places[-1] == 1
    assert min(later - earlier for earlier, later in itertools.pairwise(places)) > 0.1


def test_what_is_searchable_can_be_searched() -> None:
    known = search_space.searchable_knobs()
    assert {"optimiser.learning_rate", "network.depth", "augmentation.horizontal_flip"} <= set(known)
    assert not {"seed", "optimiser.epochs", "data.validation", "transfer.start_from"} & set(known)
    for name, knob in known.items():
        if knob.annotation is bool or (knob.low is not None and knob.high is not None):
            assert search_space.parse_space((name,), RunSettings())[0].name == name
