"""Base networks: small trained networks that come with the program, to start a fine-tuning from without a connection.

Each is a weights file in ``resources/models`` with a card beside it that tells data, settings, numbers and licence;
``packaging/base_networks.py`` has made them all. Settings name one as ``base:NAME``, which means the same on every
machine.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import UnreadableFile
from core.project.runs import RunFolder, title_of_weights

PREFIX = "base:"
_ENDING = ".safetensors"


class BaseNetwork(NamedTuple):
    """A network that comes with the program: how settings name it, its title, and in a sentence what it has learned."""

    name: str
    title: str
    about: str


def is_named(start: str) -> bool:
    """Whether this names a base network, and not a run or a file."""
    return start.startswith(PREFIX)


def offer(alternatives: str) -> str:
    """The help of an option that takes a network, with base networks among the alternatives if any are there.

    Examples
    --------
    >>> offer("a run, a weights file").startswith("a run")
    True
    """
    named = f"{PREFIX}NAME (“tuningfork settings base-networks” lists them)"
    if _files():
        return f"{alternatives}, or {named}"
    before, comma, last = alternatives.rpartition(", ")
    return f"{before} or {last}" if comma else last


def find(name: str) -> Path:
    """The weights file of a base network.

    Raises
    ------
    UnreadableFile
        There is none of that name.
    """
    path = _folder() / f"{name.removeprefix(PREFIX).strip().lower()}{_ENDING}"
    if path not in _files():
        known = ", ".join(f"{PREFIX}{each.stem}" for each in _files()) or "none"
        raise UnreadableFile(f"No network “{name}” comes with this program.", f"There are: {known}.", name)
    return path


def base_networks() -> tuple[BaseNetwork, ...]:
    """All networks that come with the program, by name."""
    return tuple(_describe(path) for path in _files())


def title_of(start: str) -> str:
    """The title of what a training starts from: of a run, of a base network, or the name of a file."""
    if not is_named(start):
        path = Path(start)
        return title_of_weights(path) if path.suffix == _ENDING else RunFolder(path).title
    return next((each.title for each in base_networks() if each.name == start), start.removeprefix(PREFIX))


def _describe(path: Path) -> BaseNetwork:
    from core.nets.weights_file import read_plan

    card: dict[str, Any] = read_plan(path)["card"]
    return BaseNetwork(f"{PREFIX}{path.stem}", str(card.get("title", path.stem)), str(card.get("about", "")))


@cache
def _files() -> tuple[Path, ...]:
    return tuple(sorted(_folder().glob(f"*{_ENDING}")))


def _folder() -> Path:
    return Path(str(resources.files("resources"))) / "models"
