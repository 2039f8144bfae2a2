"""The outlines of the galaxy and its neighbours, in all pictures of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from app import explaining
from app.explaining import Outlines
from app.jobs import Latest
from app.widgets.image_view import ImageView


class OutlinesShown(QObject):
    """Finds the newest galaxy's outlines and draws them.

    Parameters
    ----------
    views
        Where they are drawn.
    """

    def __init__(self, views: Sequence[ImageView], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._views = views
        self._request = Latest(self)
        self._request.finished.connect(self._show)

    def show_row(self, data: Path | None, row: int) -> None:
        """Outline a galaxy of a dataset, or without one take the outlines away."""
        self._request.stop()
        self._show(Outlines((), ()))
        if data is not None and row >= 0:
            self._request.start(explaining.outlines(data, row))

    def _show(self, found: Outlines) -> None:
        for view in self._views:
            view.set_outlines(found.galaxy, found.neighbours)
