"""Settings as commented TOML, overrides by dotted name, and differences.

TOML has no null: a setting whose value is None is written as a comment and read back as its default, so a
setting that may be None must have None as its default.

The first comment gives the number of the file's format. A file without it, such as one written by hand, is read, too.
"""

from __future__ import annotations

import difflib
import re
import textwrap
import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import tomlkit
from pydantic import ValidationError

from core.errors import SettingsProblem, WrongVersion
from core.reading import describe, read_text, reading
from core.settings.declare import Knob, Settings, knobs

S = TypeVar("S", bound=Settings)
_FORMAT = "Tuning Fork settings, format "
_LONGEST = 200  # letters of a value in a message
_SIMILAR = 0.75  # least similarity of a name to one that is suggested in its place


def dumps(settings: Settings, section: str = "") -> str:
    """Write settings as TOML text, each with its help, unit and range as a comment; of one section only, if given."""
    lines = [f"# {_FORMAT}{settings.file_format}", "", *_lines(settings, "", [section] if section else None)]
    return "\n".join(lines) + "\n"


def _lines(settings: Settings, path: str, only: Collection[str] | None = None) -> list[str]:
    """The lines of settings whose section has the name ``path``; tomlkit writes the values."""
    lines: list[str] = []
    nested: list[tuple[str, Settings]] = []
    notes = _notes(type(settings))
    for name in (name for name in notes if only is None or name in only):
        value = getattr(settings, name)
        if isinstance(value, Settings):  # TOML needs plain values before tables
            nested.append((name, value))
            continue
        lines += [f"# {line}" for line in notes[name]]
        lines.append(f"# {name} =" if value is None else f"{name} = {tomlkit.item(_plain(value)).as_string()}")
    for name, value in nested:
        knob, inner = knobs(type(settings))[name], f"{path}.{name}" if path else name
        help_lines = [f"# {knob.title}: {knob.help}"] if knob.help else []
        lines += ["", f"[{inner}]", *help_lines, *_lines(value, inner)]
    return lines


@cache
def _notes(model: type[Settings]) -> dict[str, list[str]]:
    """The lines of comment above each setting of a model."""
    found: dict[str, list[str]] = {}
    for name, knob in knobs(model).items():
        parts = (knob.unit, knob.range, _choices(knob.annotation), _condition(knob))
        facts = "; ".join(fact for fact in parts if fact)
        found[name] = textwrap.wrap(f"{knob.title}: {knob.help}" + (f" [{facts}]" if facts else ""), 100)
    return found


def _plain(value: Any) -> Any:
    """A value as TOML has it: a table within one line, so that it may stand before the sections."""
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        return table
    return list(value) if isinstance(value, tuple) else value


def _choices(annotation: Any) -> str:
    if get_origin(annotation) is not Literal:
        return ""
    return "one of " + ", ".join(str(choice) for choice in get_args(annotation))


def _condition(knob: Knob) -> str:
    if knob.applies is None:
        return ""
    name, values = knob.applies
    if values in ((), ("",), (None,)):
        return f"only with{'out' if values else ''} {name}"
    return f"only with {name} = " + " or ".join(str(v).lower() if isinstance(v, bool) else str(v) for v in values)


def loads(model: type[S], text: str, where: str = "") -> S:
    """Read settings from TOML text, also of an earlier format.

    Raises
    ------
    WrongVersion
        A newer program wrote it.
    SettingsProblem
        Not TOML, an unknown name (the nearest known one is suggested), or a value outside its limits.
    """
    try:
        values = tomllib.loads(text.removeprefix("\ufeff"))  # some editors begin a file with a byte order mark
    except Exception as error:  # noqa: BLE001 - a text that is nested too deeply, or with a date that is none
        remedy = "Correct or remove the line."
        raise SettingsProblem(f"This is not valid TOML: {describe(error)}.", remedy, where) from None
    stated = re.search(rf"^# {_FORMAT}(.*)$", text, flags=re.MULTILINE)
    with reading("The settings", where):
        version = _version_of(stated[1].strip(), where) if stated else model.format_of(values)
        if version > model.file_format:
            raise WrongVersion("A newer Tuning Fork wrote these settings.", "Update the program.", where)
        values = model.upgrade(values, version)
    return validate(model, values, where)


def _version_of(stated: str, where: str) -> int:
    """The number of a format, as a file states it."""
    if not re.fullmatch("[1-9][0-9]{0,8}", stated):
        raise SettingsProblem(
            f"These settings say that their format is “{stated[:_LONGEST]}”, and formats have numbers.",
            "Correct the number, or remove the line if the settings are of this version.",
            where,
        )
    return int(stated)


def load(model: type[S], path: Path) -> S:
    """Read settings from a TOML file."""
    with reading("The settings", path, "Choose a TOML file."):
        return loads(model, read_text(path), str(path)).with_paths_from(path.parent)


def validate(model: type[S], values: Mapping[str, Any], where: str = "") -> S:
    """Build a model from plain values; a validation error becomes a :class:`SettingsProblem`."""
    _require_64_bits(values, where)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _problem(model, error, where) from None


def apply_overrides(settings: S, assignments: Iterable[str]) -> S:
    """Apply assignments such as ``"optimiser.learning_rate=1e-3"``.

    The right side is read as a TOML value, or as plain text if it is not one; “none” clears a setting that may be
    empty.

    Raises
    ------
    SettingsProblem
        Unknown name, missing ``=``, or a value outside its limits.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsProblem("An override needs the form name=value.", "", assignment)
        path = name.strip().split(".")
        try:
            value: Any = tomllib.loads(f"value = {text}")["value"]
        except Exception:  # noqa: BLE001 - thousands of digits or brackets are plain text, too
            value = text.strip()
        if value == "none" and _may_be_empty(type(settings), path):
            value = None
        values[".".join(path)] = value
    return replace_values(settings, values)


def replace_values(settings: S, values: Mapping[str, Any]) -> S:
    """Replace the values of some settings by dotted name, and validate the result.

    A value may be a whole section, such as ``optimiser``.

    Raises
    ------
    SettingsProblem
        Unknown name, or a value outside its limits.
    """
    changed = settings.model_dump()
    for name, value in values.items():
        _assign(changed, name.split("."), value.model_dump() if isinstance(value, Settings) else value)
    return validate(type(settings), changed)


def _assign(values: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        values = values.setdefault(step, {})
        if not isinstance(values, dict):
            raise SettingsProblem(f"“{step}” is a single value and has no parts.", "", ".".join(path))
    values[path[-1]] = value


def differences(a: Settings, b: Settings, prefix: str = "") -> list[tuple[str, Any, Any]]:
    """The dotted names of the settings that differ, with both values; None where one model lacks the setting."""
    found: list[tuple[str, Any, Any]] = []
    for name in dict.fromkeys([*knobs(type(a)), *knobs(type(b))]):
        one, other = getattr(a, name, None), getattr(b, name, None)
        if isinstance(one, Settings) and isinstance(other, Settings):
            found += differences(one, other, f"{prefix}{name}.")
        elif one != other:
            found.append((f"{prefix}{name}", one, other))
    return found


def _problem(model: type[Settings], error: ValidationError, where: str) -> SettingsProblem:
    first = error.errors()[0]
    path = [str(step) for step in first["loc"]]
    place = ", ".join(part for part in (where, ".".join(path)) if part)
    if first["type"] == "extra_forbidden":
        return SettingsProblem(f"There is no setting “{path[-1]}” here.", suggest_name(model, path), place)
    message = first["msg"].replace("Input should be", "It should be").replace("Value error, ", "")
    is_of_several = isinstance(first["input"], (Mapping, tuple, list))
    if first["type"] == "value_error" and is_of_several:  # a rule of the model, which says all
        return SettingsProblem(f"{message[:1].upper()}{message[1:]}.", "", place)
    return SettingsProblem(f"The value {_shown(first['input'])} does not fit: {message}.", "", place)


def _require_64_bits(values: Any, where: str, name: str = "") -> None:
    """Refuse whole numbers that TOML has not, and which could not be written again."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            _require_64_bits(value, where, f"{name}.{key}" if name else str(key))
    elif isinstance(values, (list, tuple)):
        for value in values:
            _require_64_bits(value, where, name)
    elif isinstance(values, int) and not -(2**63) <= values < 2**63:
        place = ", ".join(part for part in (where, name) if part)
        raise SettingsProblem("This number is larger than any whole number in TOML.", "Choose a smaller one.", place)


def _shown(value: Any) -> str:
    """A value as a file has it, shortened if it is long."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a number of thousands of digits has no text
        return "of thousands of digits"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def suggest_name(model: type[Settings], path: list[str]) -> str:
    """A remedy for the name of a setting that does not exist.

    Parameters
    ----------
    model
        The model of the whole.
    path
        The steps of the dotted name; the last one is unknown.

    Returns
    -------
        A name of the same section that is spelled similarly, or the same name in other sections; else all known names.
    """
    known = knobs(_model_at(model, path[:-1]))
    near = difflib.get_close_matches(path[-1], known, n=1, cutoff=_SIMILAR)
    near = near or [name for name in _dotted_names(model) if name.rpartition(".")[2] == path[-1]][:3]
    if near:
        return "Did you mean " + " or ".join(f"“{name}”" for name in near) + "?"
    return f"Known names: {', '.join(known)}."


def _dotted_names(model: type[Settings], prefix: str = "") -> list[str]:
    """The dotted names of all settings of a model."""
    found: list[str] = []
    for name, knob in knobs(model).items():
        inner = knob.annotation
        is_section = isinstance(inner, type) and issubclass(inner, Settings)
        found += _dotted_names(inner, f"{prefix}{name}.") if is_section else [f"{prefix}{name}"]
    return found


def _may_be_empty(model: type[Settings], path: list[str]) -> bool:
    knob = knobs(_model_at(model, path[:-1])).get(path[-1])
    return knob is not None and type(None) in get_args(knob.annotation)


def _model_at(model: type[Settings], path: list[str]) -> type[Settings]:
    for step in path:
        inner = model.model_fields[step].annotation if step in model.model_fields else None
        if isinstance(inner, type) and issubclass(inner, Settings):
            model = inner
    return model
