"""Two sentences on each method, with its paper, out of ``resources/help/methods.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources


@dataclass(frozen=True)
class MethodText:
    """A method: what it is called, two sentences on it, and its paper."""

    title: str
    about: str
    paper: str

    @property
    def html(self) -> str:
        """As a tooltip."""
        return f"<p><b>{escape(self.title)}.</b> {escape(self.about)}</p><p><i>{escape(self.paper)}</i></p>"


@cache
def read_methods() -> dict[str, MethodText]:
    """All methods by the names that settings and commands have for them."""
    file = resources.files("resources") / "help" / "methods.toml"
    return {name: MethodText(**values) for name, values in tomllib.loads(file.read_text(encoding="utf-8")).items()}


def explain(name: object) -> str:
    """The text on a method as a tooltip; empty where it has none."""
    found = read_methods().get(str(name))
    return "" if found is None else found.html
