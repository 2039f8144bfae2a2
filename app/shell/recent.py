"""Recent projects."""

from __future__ import annotations

from pathlib import Path

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
