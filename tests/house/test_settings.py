"""Every knob is declared once and completely, and travels through files and the command line unchanged."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import typing
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import core
from core.settings.declare import Knob, Settings, knobs
from core.settings.toml import apply_overrides, differences, dumps, loads


def models() -> list[type[Settings]]:
    """Every settings model of the program."""
    names = [module.name for module in pkgutil.walk_packages(core.__path__, "core.")]
    for name in [*names, "core.data.stretch"]:
        if name.endswith(("settings", ".stretch")):
            importlib.import_module(name)
    found, open_ = [], [Settings]
    while open_:
        for model in open_.pop().__subclasses__():
            if model.__module__.startswith("core.") and model not in found:
                found.append(model)
                open_.append(model)
    return sorted(found, key=lambda model: (model.__module__, model.__name__))


MODELS = models()
EVERY_MODEL = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
UNITS = {"", "pixels", "arcsec", "arcsec/pixel", "deg", "galaxies", "epochs", "1/epoch", "blocks", "mag"}
UNITS |= {"nanomaggy", "%", "σ", "s", "e⁻", "e⁻/ADU", "mag/arcsec²"}


def kinds(annotation: Any) -> set[Any]:
    """The plain types that a knob's value may have."""
    if get_origin(annotation) in (Union, UnionType):
        return set().union(*(kinds(part) for part in get_args(annotation)))
    if get_origin(annotation) is Literal:
        return {type(choice) for choice in get_args(annotation)}
    if get_origin(annotation) is typing.Annotated:
        return kinds(get_args(annotation)[0])
    return {get_origin(annotation) or annotation}


def is_free_number(knob: Knob) -> bool:
    chosen = any(get_origin(part) is Literal for part in [knob.annotation, *get_args(knob.annotation)])
    return bool(kinds(knob.annotation) & {int, float}) and not chosen


@EVERY_MODEL
def test_each_knob_says_what_it_is(model: type[Settings]):
    for name, knob in knobs(model).items():
        assert knob.title != knob.name, f"{name}: a title in the astronomer's words"
        assert knob.title[0].isupper() or not knob.title[0].isalpha(), name
        assert not knob.title.endswith("."), name
        assert len(knob.title) <= 28, f"{name}: it has to fit on a form"
        assert knob.help[0].isupper() or not knob.help[0].isalpha(), name
        assert knob.help.endswith((".", "?", ")")), f"{name}: whole sentences"
        assert knob.unit in UNITS, f"{name}: a unit that is known"


@EVERY_MODEL
def test_numbers_have_sensible_limits(model: type[Settings]):
    for name, knob in knobs(model).items():
        if not is_free_number(knob):
            continue
        if knob.low is not None and knob.high is not None:
            assert knob.low < knob.high, name
        if knob.scale == "log":
            assert knob.low is not None, name
            assert knob.high is not None, name
            assert knob.low > 0 or knob.low_is_open, name
        if knob.default is not None:
            assert knob.low is None or knob.low <= knob.default, name
            assert knob.high is None or knob.default <= knob.high, name


@EVERY_MODEL
def test_knobs_that_may_be_empty_are_empty_by_default(model: type[Settings]):
    """TOML has no null: an empty knob is left out, and must come back as empty."""
    for name, knob in knobs(model).items():
        if NoneType in kinds(knob.annotation):
            assert knob.default is None, name


@EVERY_MODEL
def test_defaults_are_valid_and_survive_the_file(model: type[Settings]):
    assert loads(model, dumps(model())) == model()


@EVERY_MODEL
def test_a_model_says_what_it_is_about(model: type[Settings]):
    assert model.__doc__
    assert model.__doc__ != Settings.__doc__


def values_of(knob: Knob) -> st.SearchStrategy[Any]:
    """Valid values of a knob, as far as its own limits tell."""
    annotation = knob.annotation
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return st.one_of([_values(part, knob) for part in parts])


def _values(annotation: Any, knob: Knob) -> st.SearchStrategy[Any]:
    low, high = knob.low, knob.high
    match annotation:
        case type() if annotation is NoneType:
            return st.none()
        case type() if annotation is bool:
            return st.booleans()
        case type() if annotation is int:
            low = None if low is None else int(low) + knob.low_is_open
            return st.integers(
                -(2**31) if low is None else low, 2**31 if high is None else int(high) - knob.high_is_open
            )
        case type() if annotation is float:
            return st.floats(
                low,
                high,
                exclude_min=knob.low_is_open,
                exclude_max=knob.high_is_open,
                allow_nan=False,
                allow_infinity=False,
            )
        case type() if annotation is str:
            return st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
        case type() if issubclass(annotation, Settings):
            return valid(annotation)
        case _ if get_origin(annotation) is Literal:
            return st.sampled_from(get_args(annotation))
        case _ if get_origin(annotation) is tuple and get_args(annotation)[-1] is Ellipsis:
            return st.lists(_values(get_args(annotation)[0], knob), max_size=3).map(tuple)
        case _ if get_origin(annotation) is tuple:
            return st.tuples(*(_values(part, knob) for part in get_args(annotation)))
        case _ if get_origin(annotation) is dict:
            return st.dictionaries(*(_values(part, knob) for part in get_args(annotation)), max_size=3)
    raise NotImplementedError(annotation)


@st.composite
def valid(draw: st.DrawFn, model: type[Settings]) -> Settings:
    """Random valid settings: a value that does not agree with those before it leaves its knob as it was."""
    drawn = {name: draw(values_of(knob)) for name, knob in knobs(model).items()}
    kept: dict[str, Any] = {}
    for name in 2 * draw(st.permutations(list(drawn))):  # a second time for those that need another one
        with contextlib.suppress(ValidationError):
            model.model_validate(kept | {name: drawn[name]})
            kept[name] = drawn[name]
    return model.model_validate(kept)


@EVERY_MODEL
def test_any_settings_survive_file_and_command_line(model: type[Settings]):
    changed: set[str] = set()

    @settings(max_examples=25, derandomize=True)
    @given(valid(model))
    def survive(chosen: Settings) -> None:
        assert loads(model, dumps(chosen)) == chosen
        differing = differences(model(), chosen)
        assert apply_overrides(model(), [f"{name}={_toml(value)}" for name, _, value in differing]) == chosen
        changed.update(name.partition(".")[0] for name, _, _ in differing)

    survive()
    assert changed == set(knobs(model)), "each knob was tried with another value than its own"


def _toml(value: Any) -> str:
    import tomlkit

    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        return table.as_string()
    return "none" if value is None else tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()
