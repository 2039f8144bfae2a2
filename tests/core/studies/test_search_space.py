"""Which settings are searched: read from texts, within the settings' own limits, narrowed around the best."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SettingsProblem
from core.studies import search_space
from core.studies.search_space import Choices, Range
from core.studies.settings import SearchSettings
from core.train.settings import RunSettings

BASE = RunSettings()


def parse(*texts):
    return search_space.parse_space(texts, BASE)


def test_the_default_space_is_possible():
    assert len(parse(*SearchSettings().space)) == 5


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("optimiser.learning_rate=1e-4:1e-2", Range("optimiser.learning_rate", 1e-4, 1e-2, log=True)),
        ("optimiser.learning_rate=0.001:0.01:linear", Range("optimiser.learning_rate", 1e-3, 1e-2)),
        ("optimiser.weight_decay=1e-6:0.1:log", Range("optimiser.weight_decay", 1e-6, 0.1, log=True)),
        ("network.depth = 3:6", Range("network.depth", 3, 6, whole=True)),
        ("network.activation=relu, GELU", Choices("network.activation", ("relu", "gelu"))),
        ("optimiser.batch_size=16,64", Choices("optimiser.batch_size", (16, 64))),
        ("network.residual", Choices("network.residual", (False, True))),
        ("network.kernel", Choices("network.kernel", (3, 5, 7))),
        ("network.channels", Range("network.channels", 4, 512, log=True, whole=True)),
        ("network.dropout", Range("network.dropout", 0, 0.999)),
    ],
)
def test_a_knob_is_read_with_the_limits_and_scale_that_it_was_declared_with(text, axis):
    assert parse(text) == (axis,)


def test_a_range_without_an_end_of_its_own_begins_six_decades_below_the_other():
    (axis,) = parse("optimiser.learning_rate")
    assert axis.log
    assert (axis.low, axis.high) == (pytest.approx(1e-5), 10)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("optimiser.learning_speed=1:2", "learning_rate"),
        ("optimizer.learning_rate=1:2", "optimiser"),
        ("network.depth=0:4", "greater than or equal to 1"),
        ("network.dropout=0:2", "less than 1"),
        ("network.activation=relu,swish", "swish"),
        ("optimiser.momentum=0.9:0.5", "not a range"),
        ("optimiser.weight_decay=0:0.1:log", "begin at zero"),
        ("network.depth=a:b", "not a range"),
        ("data.test=0.1:0.3", "cannot be searched"),
        ("optimiser.epochs=5:10", "cannot be searched"),
        ("seed=1:5", "cannot be searched"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_a_reason(text, says):
    with pytest.raises(SettingsProblem, match=says):
        parse(text)


def test_a_knob_is_searched_once():
    with pytest.raises(SettingsProblem, match="twice"):
        parse("network.depth", "network.depth=2:3")
    with pytest.raises(SettingsProblem, match="nothing"):
        parse()


def drawn(low: float, factor: float, log: bool, whole: bool) -> Range:
    if whole:
        return Range("network.channels", round(4 * low), math.ceil(4 * low * factor), log, whole)
    return Range("augmentation.noise", low / 10, low * factor / 10, log)


ranges = st.builds(drawn, st.floats(1, 5), st.floats(1.5, 3), st.booleans(), st.booleans())
places = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@given(ranges, places)
def test_a_narrowed_range_holds_the_best_and_lies_within_the_wide_one(axis: Range, at: list[float]):
    best = [{axis.name: axis.value(place)} for place in at]
    (narrow,) = search_space.narrow_space((axis,), best)
    if isinstance(narrow, Choices):
        assert {each[axis.name] for each in best} == set(narrow.values)
        return
    assert axis.low <= narrow.low < narrow.high <= axis.high
    for values in best:
        assert narrow.low * (1 - 1e-9) <= values[axis.name] <= narrow.high * (1 + 1e-9)
    assert (narrow.log, narrow.whole) == (axis.log, axis.whole)


def test_a_range_is_narrowed_on_its_own_scale():
    axis = Range("optimiser.learning_rate", 1e-5, 1e-1, log=True)
    (narrow,) = search_space.narrow_space((axis,), [{axis.name: 1e-3}, {axis.name: 1e-2}])
    assert narrow.low == pytest.approx(10**-3.25)
    assert narrow.high == pytest.approx(10**-1.75)
    (single,) = search_space.narrow_space((axis,), [{axis.name: 1e-3}])
    assert math.log10(single.high / single.low) == pytest.approx(0.4), "a tenth of four decades"


def test_of_choices_those_of_the_best_remain():
    axis = Choices("network.activation", ("relu", "prelu", "gelu"))
    assert search_space.narrow_space((axis,), [{axis.name: "gelu"}, {axis.name: "relu"}])[0] == Choices(
        axis.name, ("relu", "gelu")
    )


@given(ranges, st.floats(0, 1))
def test_place_and_value_are_inverse(axis: Range, place: float):
    value = axis.value(place)
    assert axis.low <= value <= axis.high
    assert axis.place(value) == pytest.approx(place, abs=1e-6) or axis.whole


@given(ranges)
def test_an_axis_survives_its_text(axis: Range):
    (again,) = parse(str(axis))
    assert (again.log, again.whole) == (axis.log, axis.whole)
    assert again.low == pytest.approx(axis.low, rel=1e-5)


def test_a_grid_has_every_combination_once():
    axes = parse("optimiser.learning_rate=1e-4:1e-2", "network.depth=2:3", "network.activation=relu,gelu")
    found = list(search_space.grid(axes, 3))
    assert len(found) == len({tuple(each.values()) for each in found}) == 3 * 2 * 2
    assert sorted({each["optimiser.learning_rate"] for each in found}) == pytest.approx([1e-4, 1e-3, 1e-2])


def test_values_are_applied_by_their_dotted_names():
    settings = search_space.apply_values(BASE, {"optimiser.learning_rate": 0.5, "network.depth": 2, "seed": 9})
    assert (settings.optimiser.learning_rate, settings.network.depth, settings.seed) == (0.5, 2, 9)
    assert settings.network.channels == BASE.network.channels


@pytest.mark.parametrize(("trials", "best"), [(1, 1), (3, 3), (8, 3), (24, 6), (100, 25)])
def test_a_quarter_counts_as_the_best_but_three_at_least(trials, best):
    assert search_space.best_count(trials) == best
