"""A part of the simulation's settings as a form: plain fields first, then an editor for each of its priors."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.simulate.widgets.prior_editor import PriorEditor
from app.widgets.forms import SettingsForm
from app.widgets.message_line import MessageLine
from core.errors import SettingsProblem
from core.settings import toml
from core.settings.declare import Knob, Settings, knobs
from core.simulate.priors import Prior


class SectionForm(QWidget):
    """A form for a settings model with priors.

    Parameters
    ----------
    value
        The initial settings.
    exclude
        Fields that are not shown.

    Notes
    -----
    Signals: ``changed(settings)`` after every change by the user that leaves the whole valid; ``problem_changed()``;
    ``density_wanted(editor, prior)`` as of :class:`~app.simulate.widgets.prior_editor.PriorEditor`.
    """

    changed = Signal(object)
    problem_changed = Signal()
    density_wanted = Signal(object, object)

    def __init__(self, value: Settings, exclude: Collection[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._value = type(value), value
        self._problem = ""
        priors = {name: knob for name, knob in knobs(self._model).items() if _is_prior(knob)}
        self.form = SettingsForm(self._model, value, exclude={*exclude, *priors}, reserves_problem=False)
        self.priors = {name: PriorEditor(knob, getattr(value, name), list(priors)) for name, knob in priors.items()}
        self.error = MessageLine(1, "problem", grows=True)
        self.error.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.form)
        column.addWidget(self.error)
        width = max((editor.button.sizeHint().width() for editor in self.priors.values()), default=0)
        for editor in self.priors.values():
            column.addWidget(editor)
            editor.button.setMinimumWidth(width)
            editor.changed.connect(self._prior_edited)
            editor.problem_changed.connect(self.problem_changed)
            editor.density_wanted.connect(lambda prior, editor=editor: self.density_wanted.emit(editor, prior))
        self.form.changed.connect(self._edited)
        self.form.problem_changed.connect(self.problem_changed)
        self._show_priors()

    @property
    def value(self) -> Any:
        """The last valid settings."""
        return self._value

    def set_value(self, settings: Settings) -> None:
        """Show other settings without emitting ``changed``."""
        self._value = settings
        self.form.set_value(settings)
        for name, editor in self.priors.items():
            editor.set_value(getattr(settings, name))
        self._say("")
        self._show_priors()

    @property
    def problem(self) -> str:
        """The reason why the input is not valid; empty if it is."""
        typed = [editor.problem for name, editor in self.priors.items() if self._has_effect(name)]
        return next(filter(None, (self.form.problem, *typed, self._problem)), "")

    def _edited(self, settings: Settings) -> None:
        self._take(settings)

    def _prior_edited(self) -> None:
        self._take(self._value)
        if not self._problem:
            self.form.set_value(self._value)  # it checks its own fields together with the priors

    def _take(self, settings: Settings) -> None:
        """Put fields and priors together, and say what is wrong with the whole."""
        values = {name: getattr(settings, name) for name in knobs(self._model)}
        values |= {name: editor.value for name, editor in self.priors.items()}
        try:
            self._value = toml.validate(self._model, values)
        except SettingsProblem as problem:
            self._say(problem.sentence)
            return
        self._say("")
        self._show_priors()
        if not self.problem:
            self.changed.emit(self._value)

    def _say(self, problem: str) -> None:
        before, self._problem = self._problem, problem
        self.error.setText(problem)
        self.error.setVisible(bool(problem))
        if problem != before:
            self.problem_changed.emit()

    def _has_effect(self, name: str) -> bool:
        return knobs(self._model)[name].has_effect(self._value)

    def _show_priors(self) -> None:
        for name, editor in self.priors.items():
            editor.setVisible(self._has_effect(name))


def _is_prior(knob: Knob) -> bool:
    return isinstance(knob.annotation, type) and issubclass(knob.annotation, Prior)
