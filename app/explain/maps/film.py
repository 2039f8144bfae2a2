"""The film of the moving square, played in the place of the map on demand."""

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

_MILLISECONDS = 40  # for which a picture is shown


class FilmPlayer(QObject):
    """The buttons of one view that play its film, hold it, and end it.

    Parameters
    ----------
    view
        Where it is shown.
    """

    def __init__(self, view: MapView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._asked: tuple[MapRequest, int] | None = None
        self._film: OcclusionFilm | None = None
        self._next = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_MILLISECONDS)
        self._timer.timeout.connect(self._show_next)
        self._request = Latest(self)
        self._request.finished.connect(self._begin)
        self._request.failed.connect(self._failed)
        view.chooser.currentIndexChanged.connect(self._show_button)
        view.play.clicked.connect(self._play_or_pause)
        view.end.clicked.connect(self.end)
        self._show_button()
        self.offer(None, -1)

    @property
    def is_playing(self) -> bool:
        """Whether the square moves."""
        return self._timer.isActive()

    def offer(self, question: MapRequest | None, row: int) -> None:
        """Let the film of a map be played, where the method has one; a film of another map ends."""
        self.end()
        asked = question if question is not None and isinstance(question.settings, OcclusionSettings) else None
        self._asked = None if asked is None else (asked, row)
        self._view.play.setEnabled(asked is not None)

    def end(self) -> None:
        """Show the map again."""
        self._request.stop()
        self._film = None
        self._hold()
        self._view.end.hide()
        self._view.end_film()

    def _show_button(self) -> None:
        """Only one method has a film."""
        self._view.play.setVisible(METHODS[self._view.method].settings is OcclusionSettings)

    def _play_or_pause(self) -> None:
        if self._timer.isActive():
            self._hold()
        elif self._film is not None:
            self._go_on()
        elif self._asked is not None and not self._request.is_running:
            self._request.start(map_work.film(*self._asked))

    def _begin(self, film: OcclusionFilm) -> None:
        self._film, self._next = film, 0
        self._view.end.show()
        self._show_next()
        self._go_on()

    def _go_on(self) -> None:
        self._timer.start()
        self._view.play.setIcon(icon("mdi6.pause"))
        self._view.play.setToolTip("Hold the film.")

    def _hold(self) -> None:
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
