"""Save maps: ask for a place, write them as a job of the session, and report when they are written; or send one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QWidget

from app.explain import map_work
from app.explain.map_work import MapRequest
from app.panel import saving
from app.panel.saving import FIGURES
from app.session.session import Session
from core.wording import count_of

if TYPE_CHECKING:
    from core.explain.explanation import Explanation

_KINDS = f"{FIGURES};;FITS map on the sky (*.fits)"


def save_map(session: Session, explanation: Explanation, parent: QWidget) -> None:
    """Ask for a file and its format, and write the current galaxy's map to it."""
    cutouts = session.dataset.cutouts
    if cutouts is None:
        return
    path = saving.ask_path(parent, session, "Save the map", f"{explanation.stem}.png", _KINDS)
    if path is not None:
        job = map_work.save_map(explanation, cutouts.path, session.current, path)
        saving.save(session, job, lambda saved: f"Saved as {saved}.")


def send_map(session: Session, explanation: Explanation) -> None:
    """Send the current galaxy's map to other programs, as a FITS image with the coordinates of its stamp."""
    cutouts = session.dataset.cutouts
    if cutouts is not None:
        session.samp.send_image(explanation.stem, map_work.make_map_writer(explanation, cutouts.path, session.current))


def save_maps(session: Session, request: MapRequest, parent: QWidget) -> None:
    """Ask for a folder, and write the maps of the selected galaxies into it."""
    rows = [int(row) for row in session.selection]
    folder = QFileDialog.getExistingDirectory(parent, f"Folder for the maps of {count_of(len(rows), 'galaxy')}")
    if not folder or not rows:
        return
    job = map_work.save_maps(request, rows, Path(folder))
    job.stopped.connect(lambda: session.message.emit(f"Stopped. The maps made so far are in {folder}."))
    saving.save(session, job, lambda count: f"{count_of(count, 'map')} saved in {folder}.")
