"""Choosing the arrays of a file that hold its images, which may lie in several parts: ``x_train`` and ``x_test``.

The part stands in the name of the array (``x_train``, ``test_images``) or of its group (``train/images``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Arrays = Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]
"""Shapes and types by name, those inside groups by their path."""

IMAGE_NAMES = ("images", "image", "imgs", "img", "data", "x", "cutouts", "cutout", "stamps")
_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def split_part(key: str) -> tuple[str, str]:
    """An array's name without the part, and the part: “x” and “train” of ``x_train``; empty where there is none."""
    words = [word for word in re.split(r"[_/\-.]", key) if word]
    parts = [word for word in words if word.lower() in _PARTS]
    if len(parts) != 1 or len(words) == 1:
        return key, ""
    return "_".join(word for word in words if word not in parts), _PARTS[parts[0].lower()]


def choose_images(arrays: Arrays) -> list[str]:
    """The arrays with the images: one, or one for each part if their images have one shape; empty if there are none."""
    pictured = [key for key, (shape, _) in arrays.items() if len(shape) in {3, 4}]
    if not pictured:
        return []

    def rank(key: str) -> int:
        base = split_part(key)[0].replace("/", "_").lower()
        last = base.rpartition("_")[2]
        return next((place for place, name in enumerate(IMAGE_NAMES) if name in (base, last)), len(IMAGE_NAMES))

    first = min(pictured, key=rank)
    base, part = split_part(first)
    if not part:
        return [first]
    shape, dtype = arrays[first]
    chosen: dict[str, str] = {}
    for key in pictured:
        its_base, its_part = split_part(key)
        same = arrays[key][0][1:] == shape[1:] and arrays[key][1] == dtype
        if its_base.lower() == base.lower() and its_part and same:
            chosen.setdefault(its_part, key)
    return [chosen[part] for part in ("train", "valid", "test") if part in chosen]


def describe_left_out(arrays: Arrays, chosen: Sequence[str]) -> str:
    """A remark on images that are left out, and on parts that are put together; empty if there is nothing to say."""
    others = [key for key, (shape, _) in arrays.items() if len(shape) in {3, 4} and key not in chosen]
    said = [f"The parts {', '.join(chosen)} are put together"] if len(chosen) > 1 else []
    if others:
        few = ", ".join(f"{key} {'×'.join(map(str, arrays[key][0]))}" for key in others[:4])
        more = f" and {len(others) - 4:,} more" if len(others) > 4 else ""
        said.append(f"{'the' if said else 'The'} images are the array {chosen[0]}; left out: {few}{more}")
    return "; ".join(said)
