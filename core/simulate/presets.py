"""Instruments and surveys to start from, with the source of every number."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from core.errors import NotPossible
from core.settings.toml import validate
from core.simulate.settings import SimulationSettings

DEFAULT = "HST/WFC3 F160W"
_OF_THE_FILE = ("name", "note", "sources")


def preset_names() -> tuple[str, ...]:
    """Names of all presets, the default first."""
    return tuple(sorted(_files(), key=lambda name: (name != DEFAULT, name)))


def load_preset(name: str) -> SimulationSettings:
    """The settings of a preset, whose name may be written in any case.

    Raises
    ------
    NotPossible
        There is no such preset.
    """
    content = _content(name)
    return validate(SimulationSettings, {key: value for key, value in content.items() if key not in _OF_THE_FILE}, name)


def preset_sources(name: str) -> dict[str, str]:
    """Where the numbers of a preset come from, by the dotted name of the setting."""
    return dict(_content(name)["sources"])


def preset_note(name: str) -> str:
    """What one should know about a preset; may be empty."""
    return str(_content(name).get("note", ""))


def _content(name: str) -> dict[str, Any]:
    same = [known for known in _files() if known.casefold() == name.strip().casefold()]
    if not same:
        raise NotPossible(f"There is no preset “{name}”.", f"There are {', '.join(preset_names())}.", "preset")
    return _files()[same[0]]


@cache
def _files() -> dict[str, dict[str, Any]]:
    folder = resources.files("resources") / "presets"
    contents = [tomllib.loads(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".toml")]
    return {content["name"]: content for content in contents}
