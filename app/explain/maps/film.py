"""The film of the moving occlusion square, played in place of the map on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.explain import map_work
from app.explain.map_work import MapRequest
from app.explain.widgets.map_view import MapView
from app.jobs.job import Latest
from app.theme import icon
from core.errors import Problem
from core.explain.methods import METHODS
from core.explain.settings import OcclusionSettings

if TYPE_CHECKING:
    from core.explain.occlusion_film import OcclusionFilm

_FRAME_MS = 40  # per picture


class FilmPlayer(QObject):
    """The buttons of one view that play, pause and end its occlusion film.

    Parameters
    ----------
    view
        Where the film is shown.
    """

    def __init__(self, view: MapView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._offered: tuple[MapRequest, int] | None = None
        self._film: OcclusionFilm | None = None
        self._next = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._show_next)
        self._latest = Latest(self)
        self._latest.finished.connect(self._start)
        self._latest.failed.connect(self._failed)
        view.chooser.currentIndexChanged.connect(self._show_button)
        view.play.clicked.connect(self._play_or_pause)
        view.end.clicked.connect(self.end)
        self._show_button()
        self.offer(None, -1)

    @property
    def is_playing(self) -> bool:
        """Whether the square moves."""
        return self._timer.isActive()

    def offer(self, request: MapRequest | None, row: int) -> None:
        """Offer the film of a map if its method has one; ends the film of any other map."""
        self.end()
        offered = request if request is not None and isinstance(request.settings, OcclusionSettings) else None
        self._offered = None if offered is None else (offered, row)
        self._view.play.setEnabled(offered is not None)

    def end(self) -> None:
        """Show the map again."""
        self._latest.stop()
        self._film = None
        self._pause()
        self._view.end.hide()
        self._view.end_film()

    def _show_button(self) -> None:
        """Show the play button only for occlusion, the one method with a film."""
        self._view.play.setVisible(METHODS[self._view.method].settings is OcclusionSettings)

    def _play_or_pause(self) -> None:
        if self._timer.isActive():
            self._pause()
        elif self._film is not None:
            self._run()
        elif self._offered is not None and not self._latest.is_running:
            self._latest.start(map_work.render_occlusion_film(*self._offered))

    def _start(self, film: OcclusionFilm) -> None:
        self._film, self._next = film, 0
        self._view.end.show()
        self._show_next()
        self._run()

    def _run(self) -> None:
        self._timer.start()
        self._view.play.setIcon(icon("mdi6.pause"))
        self._view.play.setToolTip("Pause the film.")

    def _pause(self) -> None:
        self._timer.stop()
        self._view.play.setIcon(icon("mdi6.play"))
        self._view.play.setToolTip("Watch the square move over the galaxy.")

    def _show_next(self) -> None:
        if self._film is None or self._next == len(self._film):
            self.end()
            return
        self._view.show_film(self._film, self._next)
        self._next += 1

    def _failed(self, problem: object) -> None:
        self._view.note.setText(problem.sentence if isinstance(problem, Problem) else str(problem))
