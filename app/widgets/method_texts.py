"""Two sentences on each method, with its formula and its paper, out of ``resources/help/methods.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources

CHAPTERS = {
    "train": "Training",
    "judge": "Judging",
    "measure": "Measuring",
    "explain": "Explaining",
    "adapt": "Another survey",
}
"""The chapters of the page on methods."""


@dataclass(frozen=True)
class MethodText:
    """A method.

    Attributes
    ----------
    title, about, paper
        What it is called, two sentences on it, and its paper.
    chapter
        One of :data:`CHAPTERS`.
    formula, where
        In plain text; what its signs mean, and when the method misleads.
    page
        Page, or page and section, of the guide that tells more.
    """

    title: str
    about: str
    paper: str
    chapter: str
    formula: str
    where: str
    page: str

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
