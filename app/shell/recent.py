"""The projects of late, and where new ones are made."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from PySide6.QtCore import QSettings

_MOST = 6


def projects() -> list[Path]:
    """Folders of the projects of late that are still there, the latest first."""
    kept = QSettings().value("recent", [])
    names = kept if isinstance(kept, list) else [kept]  # Qt gives back a list of one as its only member
    return [Path(str(name)) for name in names if name and (Path(str(name)) / "project.toml").exists()]


def remember(folder: Path) -> None:
    """Note that a project was opened."""
    latest = [folder, *(path for path in projects() if path != folder)][:_MOST]
    QSettings().setValue("recent", [str(path) for path in latest])


def home() -> Path:
    """Where new projects are made: the folder that ``TUNINGFORK_HOME`` names, or one among the user's documents."""
    return Path(os.environ.get("TUNINGFORK_HOME") or Path(platformdirs.user_documents_dir()) / "Tuning Fork")
