"""One of the two map views: its method, the settings form of each method, and its newest map request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.explain import map_work
from app.explain.map_work import MapRequest
from app.explain.maps.film import FilmPlayer
from app.explain.widgets.map_view import MapView
from app.jobs.job import Latest
from app.widgets.forms import SettingsForm
from core.errors import Problem
from core.events import Preview
from core.explain.methods import METHODS
from core.settings.declare import Settings, knobs

if TYPE_CHECKING:
    from core.explain.explanation import Explanation

_LAYER_FIELD = "layer"  # name of the settings field that holds a layer


class MapSide(QObject):
    """A map view together with the choice of method, its settings and its requests.

    Parameters
    ----------
    name
        Key under which the chosen method is remembered.
    default
        The initial method.

    Attributes
    ----------
    method
        The method chosen on this side; while two networks are compared, the view may show the other side's.
    request, row
        The last request, and the dataset row of its galaxy.
    finished_map
        The finished map on display; None: no map, or only a coarse preview.

    Notes
    -----
    Signals: ``settings_changed()`` when the user chooses another method or other settings, ``changed()`` when
    another map or none is shown, ``finished()`` when a finished map is shown, ``form_made(form)`` when another method
    is chosen for the first time.
    """

    settings_changed = Signal()
    form_made = Signal(object)
    changed = Signal()
    finished = Signal()

    def __init__(self, name: str, default: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._key = f"explain/{name}"
        self.view = MapView({method.name: method.title for method in METHODS.values()}, self)
        remembered = str(QSettings().value(self._key, default))
        self.method = remembered if remembered in METHODS else default
        self.view.set_method(self.method)
        self.settings = QWidget()
        column = QVBoxLayout(self.settings)
        column.setContentsMargins(0, 0, 0, 0)
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        column.addWidget(self._title)
        column.addStretch(1)
        self._forms: dict[str, SettingsForm] = {}
        self._layers: Sequence[str] = ()
        self.film = FilmPlayer(self.view, self)
        self.request: MapRequest | None = None
        self.row = -1
        self.finished_map: Explanation | None = None
        self._finished_maps: dict[MapRequest, Explanation] = {}  # of the current galaxy
        self._latest = Latest(self)
        self._latest.happened.connect(self._take_preview)
        self._latest.finished.connect(self._take_finished_map)
        self._latest.failed.connect(self._failed)
        self.view.method_chosen.connect(self._choose_method)
        self._show_form()

    @property
    def form(self) -> SettingsForm:
        """The form of the chosen method."""
        method = METHODS[self.method]
        if method.name not in self._forms:
            form = self._forms[method.name] = SettingsForm(method.settings)
            self._offer_layers(method.settings, form)
            form.changed.connect(self.settings_changed)
            self.form_made.emit(form)
            column = self.settings.layout()
            assert isinstance(column, QVBoxLayout)
            column.insertWidget(1, form)
        return self._forms[method.name]

    def set_layers(self, names: Sequence[str]) -> None:
        """Offer the layers of the network in the settings that name one."""
        if list(names) != list(self._layers):
            self._layers = names
            for name, form in self._forms.items():
                self._offer_layers(METHODS[name].settings, form)

    def _offer_layers(self, settings: type[Settings], form: SettingsForm) -> None:
        if self._layers and _LAYER_FIELD in knobs(settings):
            form.offer(_LAYER_FIELD, self._layers)

    def _choose_method(self, name: str) -> None:
        self.method = name
        QSettings().setValue(self._key, name)
        self._show_form()
        self.show_waiting()
        self.settings_changed.emit()

    def _show_form(self) -> None:
        shown = self.form
        self._title.setText(METHODS[self.method].title)
        for form in self._forms.values():
            form.setVisible(form is shown)

    # -- requests --------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a map is being computed."""
        return self._latest.is_running

    @property
    def colour_limit(self) -> float | None:
        """The colour limit shared by the maps of a run's epochs, so that they can be compared; None without a map."""
        if self.request is None or self.view.explanation is None:
            return None
        same = (each for other, each in self._finished_maps.items() if _differ_in_network_only(other, self.request))
        return max(each.colour_limit for each in (self.view.explanation, *same))

    def explain(self, request: MapRequest, row: int) -> None:
        """Explain a galaxy in place of any earlier request; a map finished before is shown at once."""
        self.request, self.row = request, row
        if request in self._finished_maps:
            self._latest.stop()
            self._show_finished_map(self._finished_maps[request])
        else:
            self._latest.start(map_work.explain(request, row))

    def forget(self) -> None:
        """Drop the maps and the running request of this galaxy, since another one is to be explained."""
        self._latest.stop()
        self._finished_maps.clear()

    def show_waiting(self) -> None:
        """Remove the map until the next one arrives."""
        self.finished_map = None
        self.film.offer(None, -1)
        self.view.show_waiting()
        self.changed.emit()

    def show_message(self, text: str) -> None:
        """Show a sentence instead of a map."""
        self.finished_map = None
        self.film.offer(None, -1)
        self.view.show_message(text)
        self.changed.emit()

    def _take_preview(self, events: Sequence[object]) -> None:
        maps = [event.what for event in events if isinstance(event, Preview)]
        if maps:
            self._show(cast("Explanation", maps[-1]), coarse=True)

    def _take_finished_map(self, explanation: Explanation) -> None:
        assert self.request is not None
        self._finished_maps[self.request] = explanation
        self._show_finished_map(explanation)

    def _show_finished_map(self, explanation: Explanation) -> None:
        self._show(explanation)
        self.finished_map = explanation
        self.finished.emit()

    def _show(self, explanation: Explanation, *, coarse: bool = False) -> None:
        self.finished_map = None
        self.film.offer(self.request, self.row)
        self.view.show_map(explanation, coarse=coarse)
        self.changed.emit()

    def _failed(self, problem: object) -> None:
        self.show_message(describe_problem(problem))


def _differ_in_network_only(one: MapRequest, other: MapRequest) -> bool:
    """Whether two requests are the same except for the network."""
    return replace(one, predictor=other.predictor) == other


def describe_problem(problem: object) -> str:
    """Describe in one line what went wrong and what to do."""
    return problem.text if isinstance(problem, Problem) else str(problem)
