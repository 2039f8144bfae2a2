"""Classes that distinguish clockwise from anticlockwise: a mirror image has another label.

Where such names come in pairs, a mirrored galaxy can take the label of the other name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

_HANDED = re.compile(
    r"(?:^|(?<=[^a-z]))(?:(?P<one>cw|clockwise|(?:left|s)[ _-]?(?:handed|wise))|"
    r"(?P<other>acw|ccw|(?:anti|counter)[ _-]?clockwise|(?:right|z)[ _-]?(?:handed|wise)))(?=$|[^a-z])",
    re.IGNORECASE,
)


def has_handed_names(names: Sequence[str]) -> bool:
    """Whether any of the names contains a sense of rotation."""
    return any(_HANDED.search(name) for name in names)


def mirror_indices(names: Sequence[str]) -> tuple[int, ...] | None:
    """For each name the index of its mirror image's name; None if a handed one has no counterpart.

    Names without a sense of rotation are their own counterparts.
    """
    found = {_split_sense(name): place for place, name in enumerate(names)}
    mirrored = [found.get(_mirror_sense(*_split_sense(name))) for name in names]
    return tuple(place for place in mirrored if place is not None) if None not in mirrored else None


def swap_mirrored(labels: Tensor, mirror: Tensor, is_mirrored: Tensor) -> Tensor:
    """Swap the labels of those galaxies of a batch that are mirrored.

    Parameters
    ----------
    labels
        Classes (n,), or vote fractions (n, K) with or without further columns, which stay.
    mirror
        (K,), from :func:`mirror_indices`.
    is_mirrored
        bool (n,).
    """
    if labels.ndim == 1:
        return torch.where(is_mirrored, mirror[labels], labels)
    beside = torch.arange(len(mirror), labels.shape[1], device=labels.device)
    return torch.where(is_mirrored[:, None], labels[:, torch.cat([mirror, beside])], labels)


def _split_sense(name: str) -> tuple[str, str]:
    """Split a name into itself without its sense of rotation, and the sense: ``"one"``, ``"other"`` or nothing."""
    match = _HANDED.search(name)
    if match is None:
        return name, ""
    return name[: match.start()] + "*" + name[match.end() :], str(match.lastgroup)


def _mirror_sense(stem: str, sense: str) -> tuple[str, str]:
    return stem, {"one": "other", "other": "one", "": ""}[sense]
