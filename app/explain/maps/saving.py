"""Take maps home: ask where to, write them as a job of the session, and say when they are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QWidget

from app.explain import map_work
from app.explain.map_work import MapRequest
from app.session.session import Session

if TYPE_CHECKING:
    from core.explain.explanation import Explanation

_KINDS = {
    "PNG picture (*.png)": ".png",
    "SVG drawing (*.svg)": ".svg",
    "PDF page (*.pdf)": ".pdf",
    "FITS map on the sky (*.fits)": ".fits",
}


def save_map(session: Session, explanation: Explanation, parent: QWidget) -> None:
    """Ask for a file and its kind, and write the current galaxy's map there."""
    cutouts = session.dataset.cutouts
    if cutouts is None:
        return
    first = str(_folder(session) / f"{explanation.stem}.png")
    name, kind = QFileDialog.getSaveFileName(parent, "Save the map", first, ";;".join(_KINDS))
    if not name:
        return
    path = Path(name)
    if path.suffix.lower() not in _KINDS.values():
        path = path.with_name(path.name + _KINDS.get(kind, ".png"))
    job = map_work.save_map(explanation, cutouts.path, session.current, path)
    job.finished.connect(lambda saved: session.message.emit(f"Saved as {saved}."))
    job.failed.connect(session.report)
    session.activity.add(job)
    job.start()


def save_maps(session: Session, question: MapRequest, parent: QWidget) -> None:
    """Ask for a folder, and write the maps of the selected galaxies there."""
    rows = [int(row) for row in session.selection]
    folder = QFileDialog.getExistingDirectory(parent, f"Folder for the maps of {len(rows):,} galaxies")
    if not folder or not rows:
        return
    job = map_work.save_maps(question, rows, Path(folder))
    job.finished.connect(lambda count: session.message.emit(f"{count:,} maps saved in {folder}."))
    job.stopped.connect(lambda: session.message.emit(f"Stopped. The maps made so far are in {folder}."))
    job.failed.connect(session.report)
    session.activity.add(job)
    job.start()


def _folder(session: Session) -> Path:
    return session.project.folder if session.project is not None else Path.home()
