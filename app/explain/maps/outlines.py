"""Outlines of the galaxy and its neighbours, drawn on all images of the galaxy."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from app.explain import map_work
from app.explain.map_work import Outlines
from app.jobs.job import Latest
from app.session.session import Session
from app.widgets.image_view import ImageView


class OutlineDrawer(QObject):
    """Finds the current galaxy's outlines and draws them.

    Parameters
    ----------
    session
        Its current galaxy is outlined.
    views
        The views to draw on.
    """

    def __init__(self, session: Session, views: Sequence[ImageView], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._views = views
        self._request = Latest(self)
        self._request.finished.connect(self._show)

    def update(self, wanted: bool) -> None:
        """Outline the current galaxy, or remove the outlines."""
        self._request.stop()
        self._show(Outlines((), ()))
        cutouts, row = self._session.dataset.cutouts, self._session.current
        if wanted and cutouts is not None and row >= 0:
            self._request.start(map_work.outline_galaxy(cutouts.path, row))

    def _show(self, found: Outlines) -> None:
        for view in self._views:
            view.set_outlines(found.galaxy, found.neighbours)
