"""Recent projects, and the folder for new ones."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from PySide6.QtCore import QSettings

_MOST = 6


def projects() -> list[Path]:
    """Folders of the recent projects that still exist, the latest first."""
    return [folder for folder in _kept() if (folder / "project.toml").exists()]


def latest() -> Path | None:
    """The project that was opened last, whether it still exists or not; None: none yet."""
    return next(iter(_kept()), None)


def _kept() -> list[Path]:
    kept = QSettings().value("recent", [])
    names = kept if isinstance(kept, list) else [kept]  # Qt returns a list of one as its only member
    return [Path(str(name)) for name in names if name]


def remember(folder: Path) -> None:
    """Put a project at the head of the recent ones."""
    latest = [folder, *(path for path in projects() if path != folder)][:_MOST]
    QSettings().setValue("recent", [str(path) for path in latest])


def home() -> Path:
    """The folder for new projects: that of ``TUNINGFORK_HOME``, or one among the user's documents."""
    return Path(os.environ.get("TUNINGFORK_HOME") or Path(platformdirs.user_documents_dir()) / "Tuning Fork")
