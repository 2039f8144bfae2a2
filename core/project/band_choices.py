"""Which bands of other data feed a run's network, remembered beside its weights.

A network that was trained on ``g,r,i`` may be used on images of ``u,g,r,i``. What the user chose for images with such
bands is kept in the run's folder, and holds for every dataset with them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from core.project.files import write_atomically
from core.project.runs import RunFolder
from core.reading import is_there, read_json


def recall(weights: Path, bands: Sequence[str]) -> str:
    """The choice for images with these bands, as text; empty: none was made.

    Parameters
    ----------
    weights
        A run's folder, or a weights file.
    bands
        Names of the images' bands.
    """
    return _read(_file_of(weights)).get(_key(bands), "")


def remember(weights: Path, bands: Sequence[str], choice: str) -> None:
    """Keep the choice for images with these bands; an empty one is forgotten."""
    file = _file_of(weights)
    known = _read(file) | {_key(bands): choice}
    kept = {key: value for key, value in known.items() if value}
    if kept:
        write_atomically(file, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    else:
        file.unlink(missing_ok=True)


def _key(bands: Sequence[str]) -> str:
    return json.dumps(list(bands), ensure_ascii=False)


def _file_of(weights: Path) -> Path:
    """The file of the run that the weights belong to, or of the weights where they belong to none."""
    for folder in (weights, *list(weights.parents)[:3]):
        if (folder / "settings.toml").exists() or RunFolder(folder).is_ensemble:
            return folder / "bands.json"
    return weights / "bands.json" if weights.is_dir() else weights.with_suffix(".bands.json")


def _read(file: Path) -> dict[str, str]:
    if not is_there(file):
        return {}
    found = read_json(file, "The chosen bands", "Remove this file.")
    return {str(key): str(value) for key, value in found.items()}
