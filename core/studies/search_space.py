"""The search space: settings by their dotted names, each with a range or with choices.

Limits, scale and type of a setting are those of its declaration; a search only narrows them. As text it is written
``optimiser.learning_rate=1e-4:1e-2``, ``network.depth=3:6``, ``network.activation=relu,gelu``, or its name alone.
"""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any, Literal, TypeAlias, get_args, get_origin

from core.errors import SettingsProblem
from core.settings import toml
from core.settings.declare import Knob, Settings, knobs
from core.train.settings import RunSettings

_OPEN_DECADES = 6  # of a logarithmic range without a lower limit
_OPEN_MARGIN = 1e-3  # of the range: distance from a limit that is excluded
_BEST_FRACTION, _MIN_BEST = 0.25, 3
_MARGIN = 0.25  # of the span of the best, added at both ends of a narrowed range
_MIN_WIDTH = 0.1  # of the wide range
_NOT_SEARCHED = ("data", "self_supervised", "unlabelled")  # other galaxies, or no score to compare
_NOT_SEARCHABLE = ("seed", "device", "precision", "optimiser.epochs")


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; ``log``: uniform in the logarithm; ``whole``: integers."""

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.name}={self.low:.6g}:{self.high:.6g}:{'log' if self.log else 'linear'}"

    def place(self, value: float) -> float:
        """The position of a value in the range, 0 … 1."""
        low, high, value = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        return (value - low) / (high - low) if high > low else 0.5

    def value(self, place: float) -> float:
        """The value at a position, 0 … 1."""
        low, high = (math.log(x) if self.log else x for x in (self.low, self.high))
        value = low + min(max(place, 0.0), 1.0) * (high - low)
        value = min(max(math.exp(value) if self.log else value, self.low), self.high)
        return round(value) if self.whole else value


@dataclass(frozen=True)
class Choices:
    """A few values."""

    name: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.name}={','.join(str(value) for value in self.values)}"

    def place(self, value: Any) -> float:
        """The position of a value among them, 0 … 1."""
        return self.values.index(value) / max(1, len(self.values) - 1)


Dimension: TypeAlias = Range | Choices
Space: TypeAlias = tuple[Dimension, ...]


def parse_space(texts: Sequence[str], settings: RunSettings) -> Space:
    """Parse a search space from its texts.

    Raises
    ------
    SettingsProblem
        A setting is unknown, fixed in a search, given twice, or a value is beyond its limits.
    """
    found = tuple(_parse_dimension(text, settings) for text in texts)
    names = [each.name for each in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SettingsProblem("This setting is given twice.", "Leave one of them out.", twice[0])
    if not found:
        raise SettingsProblem(
            "There is nothing to search.", "Name a setting, such as optimiser.learning_rate.", "space"
        )
    return found


def searchable_knobs() -> dict[str, Knob]:
    """The settings that can be searched, by dotted name: numbers, switches and choices."""
    return {
        f"{part}.{name}": knob
        for part, group in knobs(RunSettings).items()
        if part not in _NOT_SEARCHED and isinstance(group.annotation, type) and issubclass(group.annotation, Settings)
        for name, knob in knobs(group.annotation).items()
        if f"{part}.{name}" not in _NOT_SEARCHABLE and (_choices(knob) or _value_types(knob) & {int, float})
    }


def apply_values(settings: RunSettings, values: Mapping[str, Any]) -> RunSettings:
    """Change some values of the settings, by dotted name."""
    changed = settings.model_dump()
    for name, value in values.items():
        *path, last = name.split(".")
        place = changed
        for step in path:
            place = place[step]
        place[last] = value
    return toml.validate(RunSettings, changed)


def narrow_space(space: Space, best: Sequence[Mapping[str, Any]]) -> Space:
    """Narrow the space around the best trials.

    A range becomes that of the best trials' values, on its own scale, widened at both ends by a quarter of their span;
    it covers at least a tenth of the wide range, and does not exceed it. Of choices those remain that a best trial had.
    """
    return tuple(_narrow(each, [values[each.name] for values in best]) for each in space)


def best_count(trials: int) -> int:
    """How many of ``trials`` finished trials count as the best: a quarter, at least three."""
    return min(trials, max(_MIN_BEST, round(_BEST_FRACTION * trials)))


def grid(space: Space, points: int) -> Iterator[dict[str, Any]]:
    """Every combination of all choices and of ``points`` evenly spaced values of each range."""
    each = [
        list(dict.fromkeys(axis.value(place / (points - 1)) for place in range(points)))
        if isinstance(axis, Range)
        else list(axis.values)
        for axis in space
    ]
    names = [axis.name for axis in space]
    for values in itertools.product(*each):
        yield dict(zip(names, values, strict=True))


def _narrow(axis: Dimension, values: Sequence[Any]) -> Dimension:
    if isinstance(axis, Choices):
        return replace(axis, values=tuple(value for value in axis.values if value in values))
    places = sorted(axis.place(value) for value in values)
    margin = max(_MARGIN * (places[-1] - places[0]), (_MIN_WIDTH - places[-1] + places[0]) / 2)
    low, high = axis.value(places[0] - margin), axis.value(places[-1] + margin)
    return replace(axis, low=low, high=high) if low < high else Choices(axis.name, (low,))  # one whole number is left


def _parse_dimension(text: str, settings: RunSettings) -> Dimension:
    name, equals, values = (part.strip() for part in text.partition("="))
    knob = _find_knob(name, type(settings))
    if name in _NOT_SEARCHABLE or name.startswith("data."):
        raise SettingsProblem(
            "This setting cannot be searched: all trials have the same galaxies, seed and number of epochs.",
            "The search's own settings say how long its trials last.",
            name,
        )
    found = _declared_range(name, knob) if not equals else _parse_range(name, knob, values)
    for value in (found.low, found.high) if isinstance(found, Range) else found.values:
        apply_values(settings, {name: value})  # raises SettingsProblem for a value beyond the limits
    return found


def _find_knob(name: str, model: type[Settings]) -> Knob:
    whole, steps = model, name.split(".")
    *path, last = steps
    for place, step in enumerate(path, 1):
        inner = knobs(model)[step].annotation if step in knobs(model) else None
        if not (isinstance(inner, type) and issubclass(inner, Settings)):
            raise SettingsProblem(f"There is no setting “{name}”.", toml.suggest_name(whole, steps[:place]), name)
        model = inner
    if last not in knobs(model):
        raise SettingsProblem(f"There is no setting “{name}”.", toml.suggest_name(whole, steps), name)
    return knobs(model)[last]


def _value_types(knob: Knob) -> set[Any]:
    """The types and literal values that a setting's value may have, except None."""
    parts = get_args(knob.annotation) if get_origin(knob.annotation) not in (None, Literal) else (knob.annotation,)
    return {part for part in parts if part is not NoneType}


def _declared_range(name: str, knob: Knob) -> Dimension:
    """The full range or all choices that a setting's declaration allows."""
    if choices := _choices(knob):
        return Choices(name, choices)
    if not _value_types(knob) & {int, float} or knob.low is None or knob.high is None:
        raise SettingsProblem(f"“{knob.title}” has no limits of its own.", f"Write {name}=low:high.", name)
    log, whole = knob.scale == "log", int in _value_types(knob)
    low, high = float(knob.low), float(knob.high)
    if log and low <= 0:
        low = high * 10.0**-_OPEN_DECADES
    inside = 1.0 if whole else _OPEN_MARGIN * (high - low)
    low += inside if knob.low_is_open and not log else 0
    high -= inside if knob.high_is_open else 0
    return Range(name, low, high, log, whole)


def _parse_range(name: str, knob: Knob, text: str) -> Dimension:
    if _choices(knob) or ":" not in text:
        known = _choices(knob)
        return Choices(name, tuple(_parse_choice(choice.strip(), known) for choice in text.split(",")))
    low, high, *scale = text.split(":")
    try:
        bounds = float(low), float(high)
    except ValueError:
        raise SettingsProblem(f"“{text}” is not a range.", f"Write {name}=low:high.", name) from None
    if not bounds[0] < bounds[1] or scale not in ([], ["log"], ["linear"]):
        raise SettingsProblem(f"“{text}” is not a range.", "Write low:high, or low:high:log.", name)
    log = scale == ["log"] if scale else knob.scale == "log"
    if log and bounds[0] <= 0:
        raise SettingsProblem("A logarithmic range cannot begin at zero.", "Begin above it, or add :linear.", name)
    return Range(name, *bounds, log, int in _value_types(knob))


def _choices(knob: Knob) -> tuple[Any, ...]:
    if knob.annotation is bool:
        return (False, True)
    return get_args(knob.annotation) if get_origin(knob.annotation) is Literal else ()


def _parse_choice(text: str, known: tuple[Any, ...]) -> Any:
    """Parse a choice: one of the declared ones, or a TOML value."""
    for value in known:
        if str(value).lower() == text.lower():
            return value
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except Exception:  # noqa: BLE001 - thousands of digits or brackets are plain text, too
        return text
