"""A file that the user wants: ask where, write it beside the window's work, and tell of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QWidget

from app import work
from app.jobs.job import Job
from app.session.session import Session

FIGURES = "PNG picture (*.png);;SVG drawing (*.svg);;PDF page (*.pdf)"
_TABLES = "CSV (*.csv);;FITS (*.fits);;VOTable (*.xml);;Parquet (*.parquet)"


def ask_path(parent: QWidget, session: Session, title: str, name: str, kinds: str) -> Path | None:
    """Ask for a file to write, and see to its ending.

    Parameters
    ----------
    parent
        The panel that asks.
    session
        Its project's folder is proposed.
    title, name
        Of the dialog, and of the file that is proposed.
    kinds
        What can be written, as Qt's dialog wants it: ``"CSV (*.csv);;FITS (*.fits)"``.

    Returns
    -------
    Path
        The file; without an ending of these kinds it gets that of the chosen one. None: nowhere.
    """
    folder = Path.home() if session.project is None else session.project.folder
    chosen, kind = QFileDialog.getSaveFileName(parent, title, str(folder / name), kinds)
    if not chosen:
        return None
    path, endings = Path(chosen), re.findall(r"\*(\.\w+)", kinds)
    if path.suffix.lower() in endings:
        return path
    return path.with_name(path.name + next((ending for ending in endings if ending in kind), endings[0]))


def save(session: Session, job: Job, told: Callable[[Any], str]) -> None:
    """Write a file, and tell of it."""
    job.finished.connect(lambda written: session.message.emit(told(written)))
    job.failed.connect(session.report)
    session.activity.add(job)
    job.start()


def save_predictions(parent: QWidget, session: Session, title: str, weights: Path) -> None:
    """Ask for a file, and write there what a network says of every galaxy of the open dataset."""
    if session.dataset.cutouts is None:
        return
    path = ask_path(parent, session, title, "predictions.csv", _TABLES)
    if path is not None:
        job = work.save_predictions(weights, session.dataset.cutouts.path, path)
        save(session, job, lambda _written: f"Predictions are saved in {path}.")
