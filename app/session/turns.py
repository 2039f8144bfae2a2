"""Changing very many galaxies in turns with the window, which shows how far it is and takes no other input."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication, QProgressDialog

from app.session.session import Session

_PIECE = 1000  # galaxies; some hundredths of a second
_WIDTH = 360


def in_turns(session: Session, title: str, count: int, *, may_stop: bool = False) -> Iterator[slice]:
    """The slices that make up ``count`` galaxies, with a turn of the window after each.

    Parameters
    ----------
    session
        No other dataset is shown in it meanwhile.
    title
        What is done.
    count
        So few galaxies that it takes no time are one slice.
    may_stop
        Whether the user may stop it between two slices; the rest is left out.
    """
    if count <= 2 * _PIECE:
        yield slice(0, count)
        return
    dialog = QProgressDialog(title, "Stop", 0, count, QApplication.activeWindow())
    if not may_stop:
        dialog.setCancelButton(None)
    dialog.setWindowTitle("Tuning Fork")
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setMinimumDuration(0)
    dialog.setMinimumWidth(_WIDTH)
    session.is_changing = True
    try:
        for start in range(0, count, _PIECE):
            dialog.setValue(start)
            QCoreApplication.processEvents()
            if dialog.wasCanceled() and may_stop:
                return
            yield slice(start, start + _PIECE)
    finally:
        session.is_changing = False
        dialog.close()
        dialog.deleteLater()
