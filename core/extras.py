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
    end = f", or {otherwise}" if otherwise else ""
    if not getattr(sys, "frozen", False):
        return f"Install it with {install}{end}."
    return (
        "Nothing can be added to an installed program. Set Tuning Fork up with Python as well, where "
        f"{install} brings it (both open the same projects){end}."
    )
