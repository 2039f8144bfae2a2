"""One of the two views: its method, the settings of each method, and the newest request."""

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

_LAYER = "layer"  # the field of those settings that name one


class Side(QObject):
    """A view that asks.

    Parameters
    ----------
    name
        Under which the chosen method is remembered.
    default
        The method to begin with.

    Attributes
    ----------
    method
        The one that was chosen here; the view may show another one's, while two networks are compared.
    question, row
        What was asked last, and about which galaxy.
    answer
        The finished map that is shown; None: none, or only a first look.

    Notes
    -----
    Signals: ``wanted()`` when the user chose another method or other settings, ``changed()`` when another map is
    shown, or none, ``answered()`` when it is the finished one.
    """

    wanted = Signal()
    changed = Signal()
    answered = Signal()

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
        self.question: MapRequest | None = None
        self.row = -1
        self.answer: Explanation | None = None
        self._answers: dict[MapRequest, Explanation] = {}  # about the galaxy that is shown
        self._request = Latest(self)
        self._request.happened.connect(self._happened)
        self._request.finished.connect(self._answered)
        self._request.failed.connect(self._failed)
        self.view.method_chosen.connect(self._choose)
        self._show_form()

    @property
    def form(self) -> SettingsForm:
        """The form of the chosen method."""
        method = METHODS[self.method]
        if method.name not in self._forms:
            form = self._forms[method.name] = SettingsForm(method.settings)
            self._offer_layers(method.settings, form)
            form.changed.connect(self.wanted)
            column = self.settings.layout()
            assert isinstance(column, QVBoxLayout)
            column.insertWidget(1, form)
        return self._forms[method.name]

    def set_layers(self, names: Sequence[str]) -> None:
        """The layers that the network has."""
        if list(names) != list(self._layers):
            self._layers = names
            for name, form in self._forms.items():
                self._offer_layers(METHODS[name].settings, form)

    def _offer_layers(self, settings: type[Settings], form: SettingsForm) -> None:
        if self._layers and _LAYER in knobs(settings):
            form.offer(_LAYER, self._layers)

    def _choose(self, name: str) -> None:
        self.method = name
        QSettings().setValue(self._key, name)
        self._show_form()
        self.wait()
        self.wanted.emit()

    def _show_form(self) -> None:
        shown = self.form
        self._title.setText(METHODS[self.method].title)
        for form in self._forms.values():
            form.setVisible(form is shown)

    # -- asking ----------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._request.is_running

    @property
    def limit(self) -> float | None:
        """Where the colours should end, so that the answers of a run's epochs can be compared; None without any."""
        if self.question is None or self.view.explanation is None:
            return None
        same = (found for asked, found in self._answers.items() if _is_alike(asked, self.question))
        return max(found.colour_limit for found in (self.view.explanation, *same))

    def ask(self, question: MapRequest, row: int) -> None:
        """Explain a galaxy, instead of whatever was asked before; what was answered is shown at once."""
        self.question, self.row = question, row
        if question in self._answers:
            self._request.stop()
            self._finish(self._answers[question])
        else:
            self._request.start(map_work.explain(question, row))

    def forget(self) -> None:
        """Another galaxy is going to be explained, and no answer about this one is wanted any more."""
        self._request.stop()
        self._answers.clear()

    def wait(self) -> None:
        """Take the map away until another comes."""
        self.answer = None
        self.film.offer(None, -1)
        self.view.wait()
        self.changed.emit()

    def say(self, text: str) -> None:
        """Show a sentence instead of a map."""
        self.answer = None
        self.film.offer(None, -1)
        self.view.say(text)
        self.changed.emit()

    def _happened(self, events: Sequence[object]) -> None:
        maps = [event.what for event in events if isinstance(event, Preview)]
        if maps:
            self._show(cast("Explanation", maps[-1]), coarse=True)

    def _answered(self, explanation: Explanation) -> None:
        assert self.question is not None
        self._answers[self.question] = explanation
        self._finish(explanation)

    def _finish(self, explanation: Explanation) -> None:
        self._show(explanation)
        self.answer = explanation
        self.answered.emit()

    def _show(self, explanation: Explanation, *, coarse: bool = False) -> None:
        self.answer = None
        self.film.offer(self.question, self.row)
        self.view.show_map(explanation, coarse=coarse)
        self.changed.emit()

    def _failed(self, problem: object) -> None:
        self.say(sentence(problem))


def _is_alike(one: MapRequest, other: MapRequest) -> bool:
    """Whether the same is asked of two networks."""
    return replace(one, predictor=other.predictor) == other


def sentence(problem: object) -> str:
    """What went wrong and what to do, in one line."""
    return problem.text if isinstance(problem, Problem) else str(problem)
