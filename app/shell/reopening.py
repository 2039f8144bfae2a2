"""Which project is opened again at the next start of the program."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings

from app.shell import recent

_WANTED, _UNDER_WAY = "reopen", "reopening"


def is_wanted() -> bool:
    """Whether the user wants the last project to be reopened."""
    return QSettings().value(_WANTED, "true") in ("true", True)


def set_wanted(wanted: bool) -> None:
    """Reopen the last project at the next start, or do not."""
    QSettings().setValue(_WANTED, wanted)


def last_project() -> Path | None:
    """The project that was opened last; None: it is gone, or there was none."""
    latest, found = recent.latest(), recent.projects()
    return latest if latest is not None and latest in found else None


def begin(folder: Path) -> bool:
    """Note that a project is being reopened; returns whether the program outlived the attempt before.

    A project with which the program broke down would else break it down at every start.
    """
    settings = QSettings()
    broke_down = settings.value(_UNDER_WAY, "") == str(folder)
    settings.setValue(_UNDER_WAY, str(folder))
    settings.sync()
    if broke_down:
        end()
    return not broke_down


def end() -> None:
    """Note that the project is open, or cannot be opened."""
    QSettings().remove(_UNDER_WAY)
