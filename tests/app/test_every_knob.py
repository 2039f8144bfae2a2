"""One declaration: what a training can be asked for is on a form, in a settings file, and on the command line."""

import argparse
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.first_weights import FirstWeightsPanel
from app.train.training_form import TrainingForm
from core.cli.setting_options import resolve_settings
from core.settings import toml
from core.settings.declare import Knob, Settings, knobs
from core.train.settings import RunSettings

BY_HAND = {
    "data.labels",
    "data.split_column",
    "seed",
    "self_supervised.method",
    "self_supervised.more_data",
    "transfer.start_from",
    "transfer.freeze_blocks",
    "transfer.bands",
    "transfer.class_map",
    "unlabelled.dataset",
}
"""Chosen in the window by something better than a field: lists of columns and runs, blocks, bands and classes."""


def dotted(model: type[Settings], prefix: str = "") -> dict[str, Knob]:
    found: dict[str, Knob] = {}
    for name, knob in knobs(model).items():
        if isinstance(knob.annotation, type) and issubclass(knob.annotation, Settings):
            found |= dotted(knob.annotation, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = knob
    return found


KNOBS = dotted(RunSettings)


def values(knob: Knob) -> st.SearchStrategy[Any]:
    """Any value that the declaration allows."""
    annotation, optional = knob.annotation, False
    if get_origin(annotation) in (Union, UnionType):
        optional = type(None) in get_args(annotation)
        (annotation,) = [kind for kind in get_args(annotation) if kind is not type(None)]
    low, high = knob.low, knob.high
    if get_origin(annotation) is Literal:
        found: st.SearchStrategy[Any] = st.sampled_from(get_args(annotation))
    elif annotation is bool:
        found = st.booleans()
    elif annotation is int:
        first = None if low is None else int(low) + knob.low_is_open
        found = st.integers(first, 2**31 if high is None else int(high) - knob.high_is_open)
    elif annotation is float:
        found = st.floats(
            low,
            high,
            exclude_min=knob.low_is_open,
            exclude_max=knob.high_is_open,
            allow_nan=False,
            allow_infinity=False,
        )
    elif annotation is str:
        found = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
    elif get_origin(annotation) is dict:
        text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
        found = st.dictionaries(text, text, max_size=3)
    else:
        found = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), unique=True).map(tuple)
    return st.none() | found if optional else found


drafts = st.lists(st.sampled_from(sorted(KNOBS)), unique=True, max_size=8).flatmap(
    lambda names: st.fixed_dictionaries({name: values(KNOBS[name]) for name in names})
)


def with_values(chosen: dict[str, Any]) -> RunSettings | None:
    """The defaults with these values; None where they do not go together."""
    plain = RunSettings().model_dump()
    for name, value in chosen.items():
        *path, last = name.split(".")
        place = plain
        for step in path:
            place = place[step]
        place[last] = value
    try:
        return RunSettings.model_validate(plain)
    except ValueError:
        return None


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(drafts)
def test_any_draft_of_the_window_is_the_same_on_the_command_line(tmp_path_factory, chosen):
    draft = with_values(chosen)
    if draft is None:
        return
    path = tmp_path_factory.mktemp("settings") / "mine.toml"
    path.write_text(toml.dumps(draft), encoding="utf-8")
    options = argparse.Namespace(settings=path, changes=[])
    assert resolve_settings(RunSettings, options) == draft


@pytest.mark.parametrize("name", sorted(KNOBS))
def test_each_knob_can_be_set_on_the_command_line(name):
    wanted, changed = next(
        (value, changed)
        for value in others(KNOBS[name])
        if (changed := with_values({name: value})) not in (None, RunSettings())
    )
    special = {bool: str(wanted).lower(), tuple: '["a b"]', str: str(wanted), dict: '{"a b" = "c.d"}'}
    text = special.get(type(wanted), repr(wanted))
    assert resolve_settings(RunSettings, argparse.Namespace(settings=None, changes=[f"{name}={text}"])) == changed


def others(knob: Knob) -> list[Any]:
    """Values beside the default, of which one at least goes with the other defaults."""
    if isinstance(knob.default, bool):
        return [not knob.default]
    if get_origin(knob.annotation) is Literal:
        return list(get_args(knob.annotation))
    if isinstance(knob.default, tuple):
        return [("a b",)]
    if isinstance(knob.default, dict):
        return [{"a b": "c.d"}]
    if isinstance(knob.default, str):
        return ["some text", "none"]  # not every field takes any text
    limits = [value for value in (knob.low, knob.high) if value is not None]
    kind = int if isinstance(knob.default, int) else float
    near = [kind(limit + share * ((knob.default or 1) - limit)) for limit in limits for share in (0, 0.5, 0.9)]
    return [value for value in near if value != knob.default]


def test_each_knob_is_on_a_form_with_its_help(qtbot: QtBot, session: Session) -> None:
    training, without = TrainingForm(session), FirstWeightsPanel(session)
    for widget in (training, without):
        qtbot.addWidget(widget)
    forms = {
        "data": training.data,
        "augmentation": training.augmentation,
        "network": training.network,
        "optimiser": training.optimiser,
        "loss": training.loss,
        "stopping": training.stopping,
        "self_supervised": without.method,
        "transfer": training.transfer,
        "unlabelled": training.unlabelled,
        "": training.machine,
    }
    for name, knob in KNOBS.items():
        if name in BY_HAND:
            continue
        part, _, rest = name.rpartition(".")
        editor = forms[part].editor(rest)
        assert isinstance(editor, QWidget), name
        assert knob.help in editor.toolTip(), name
