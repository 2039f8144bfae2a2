"""Libraries that the program can do without: how to get one, in words that fit how the program was installed."""

from __future__ import annotations

import sys
from typing import Literal, TypeAlias

Extra: TypeAlias = Literal["backbones", "onnx", "tensorboard"]
"""A group of further libraries that ``pyproject.toml`` names."""


def how_to_get(extra: Extra, otherwise: str = "") -> str:
    """What to do where a library of a group is missing.

    Parameters
    ----------
    extra
        The group.
    otherwise
        What can be done without it, as the end of a sentence that begins with “or”; empty: nothing.

    Examples
    --------
    >>> how_to_get("tensorboard", "switch its files off")
    "Install it with “pip install 'tuning-fork[tensorboard]'”, or switch its files off."
    """
    install = f"“pip install 'tuning-fork[{extra}]'”"
    if not getattr(sys, "frozen", False):
        return f"Install it with {install}{f', or {otherwise}' if otherwise else ''}."
    possible = f"{otherwise[:1].upper()}{otherwise[1:]}; nothing" if otherwise else "Nothing"
    return (
        f"{possible} can be added to an installed program. Who has Python can set Tuning Fork up with it as well, "
        f"where {install} brings what is missing (both open the same projects)."
    )
