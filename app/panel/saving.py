"""A file that the user wants: ask where, write it beside the window's work, and tell of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QWidget

from app.jobs.job import Job
from app.session.session import Session


def ask_path(
    parent: QWidget, session: Session, title: str, name: str, kinds: str, endings: Sequence[str]
) -> Path | None:
    """Ask for a file to write; without one of these endings it gets that of the chosen kind. None: nowhere."""
    folder = Path.home() if session.project is None else session.project.folder
    chosen, kind = QFileDialog.getSaveFileName(parent, title, str(folder / name), kinds)
    if not chosen:
        return None
    path = Path(chosen)
    if path.suffix.lower() in endings:
        return path
    return path.with_name(path.name + next((ending for ending in endings if ending in kind), endings[0]))


def save(session: Session, job: Job, told: Callable[[Any], str]) -> None:
    """Write a file, and tell of it."""
    job.finished.connect(lambda written: session.message.emit(told(written)))
    job.failed.connect(session.report)
    session.activity.add(job)
    job.start()
