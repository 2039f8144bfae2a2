"""A form made from a settings model: fields, limits and help come from the model's declaration.

Essential fields first, the rest under a fold; each field with its unit, its limits, its help as a tooltip, and a
button that resets it to its default.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QGroupBox, QLabel, QToolButton, QVBoxLayout, QWidget

from app.theme import icon
from app.widgets.fold import Fold
from app.widgets.inputs import ChoiceInput, Input, NumberInput, SwitchInput, TextInput
from app.widgets.mapping_input import MappingInput
from app.widgets.message_line import MessageLine
from app.widgets.showing import show_or_hide
from app.widgets.tick_list import TickListInput
from core.errors import SettingsProblem
from core.settings import toml
from core.settings.declare import Knob, Settings, changed_settings, knobs

_SPACING = 8  # pixels between label, input and reset button


class SettingsForm(QWidget):
    """A form for one settings model.

    Parameters
    ----------
    model
        The model.
    value
        The initial value; the defaults if left out.
    exclude
        Hidden fields, which keep their value.
    only
        Fields to show, in this order; None: all, in the order of their declaration.
    reserves_problem
        Whether there is always room for what may be wrong with the values together, so that it moves nothing.

    Notes
    -----
    Signals: ``changed(settings)`` after every change by the user that leaves the whole valid, and then
    ``edited(before, after, names)`` with what differs and its titles; ``problem_changed`` while typing, when it becomes
    invalid or valid.
    """

    changed = Signal(object)
    edited = Signal(object, object, object)
    problem_changed = Signal()

    def __init__(
        self,
        model: type[Settings],
        value: Settings | None = None,
        parent: QWidget | None = None,
        exclude: Collection[str] = (),
        only: Sequence[str] | None = None,
        reserves_problem: bool = True,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._value = self._told = value or model()
        self._rows: dict[str, _Row] = {}
        self._nested: dict[str, SettingsForm] = {}
        self.grids: list[QGridLayout] = []  # labels in column 0, inputs in column 1
        self._fold: Fold | None = None
        self._error = MessageLine(1, "problem", grows=True)
        policy = self._error.sizePolicy()
        policy.setRetainSizeWhenHidden(reserves_problem and _is_checked_as_a_whole(model))
        self._error.setSizePolicy(policy)
        self._error.hide()
        declared = knobs(model)
        self._build([declared[name] for name in only or declared if name not in exclude])
        self.set_value(self._value)

    def _build(self, shown: list[Knob]) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        plain = [knob for knob in shown if not _is_model(knob.annotation)]
        essential = [knob for knob in plain if knob.level == "essential"]
        expert = [knob for knob in plain if knob.level == "expert"]
        if essential:
            column.addLayout(self._grid(essential))
        for knob in shown:
            if _is_model(knob.annotation):
                group = QGroupBox(knob.title, self)
                group.setToolTip(knob.help)
                form = SettingsForm(knob.annotation, getattr(self._value, knob.name), group)
                form.changed.connect(self._edited)
                form.problem_changed.connect(self.problem_changed)
                QVBoxLayout(group).addWidget(form)
                self._nested[knob.name] = form
                column.addWidget(group)
        if expert and not (essential or self._nested):  # behind a fold nothing would be left
            column.addLayout(self._grid(expert))
        elif expert:
            inside = QWidget(self)
            inside.setLayout(self._grid(expert))
            self._fold = Fold("More", inside, self)
            column.addWidget(self._fold)
        column.addWidget(self._error)
        column.addStretch(1)

    def _grid(self, shown: list[Knob]) -> QGridLayout:
        grid = QGridLayout()
        self.grids.append(grid)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(_SPACING)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for place, knob in enumerate(shown):
            row = _Row(knob)
            row.input.changed.connect(self._edited)
            if isinstance(row.input, (TextInput, MappingInput)):
                row.input.textEdited.connect(self._check)
            row.reset.clicked.connect(lambda _checked=False, row=row: self._reset(row))
            grid.addWidget(row.label, place, 0)
            grid.addWidget(typing.cast("QWidget", row.input), place, 1)
            grid.addWidget(row.reset, place, 2)
            self._rows[knob.name] = row
        return grid

    def editor(self, name: str) -> QWidget:
        """The widget of a field; dotted names reach into groups."""
        first, _, rest = name.partition(".")
        return self._nested[first].editor(rest) if rest else self._rows[first].input.field

    def offer(self, name: str, choices: Sequence[str], empty: str | None = "–") -> None:
        """Turn a text field into a choice among these, or an empty one shown as ``empty``.

        A text that is not among them is reset to its default, and ``changed`` is emitted.
        """
        row = self._rows[name]
        value = row.input.value()
        self._replace_input(row, ChoiceInput(choices, empty=empty))
        if value in ("", *choices):
            self._show_rows()
        else:  # which is no edit by the user
            row.input.set_value(row.knob.default)
            self._announce()

    def offer_several(self, name: str, choices: Sequence[str], absent: str, nothing: str) -> None:
        """Turn a field of several names into a list of these to tick.

        ``absent`` is said of other names that are chosen, ``nothing`` where there are none.
        """
        row = self._rows[name]
        if isinstance(row.input, TickListInput):
            row.input.set_choices(choices)
            return
        self._replace_input(row, TickListInput(choices, absent, nothing))
        self._show_rows()

    def _replace_input(self, row: _Row, new: Input) -> None:
        """Put another input in the place of a field's, with its value."""
        old, value = typing.cast("QWidget", row.input), row.input.value()
        row.set_input(new)
        row.input.set_value(value)
        row.input.changed.connect(self._edited)
        if (parent := old.parentWidget()) is not None and (layout := parent.layout()) is not None:
            layout.replaceWidget(old, typing.cast("QWidget", row.input))
        old.hide()
        old.deleteLater()

    def offer_columns(self, columns: Sequence[str]) -> None:
        """Have every field that names a column of the catalogue chosen among these."""
        for name, row in self._rows.items():
            if row.knob.is_column and row.knob.annotation is str:
                self.offer(name, columns, empty="–")
        for form in self._nested.values():
            form.offer_columns(columns)

    def set_label_width(self, width: int) -> None:
        """Make all labels this wide in pixels, so that the fields of several forms align; a longer one is wrapped."""
        for row in self._rows.values():
            row.label.setWordWrap(row.label.fontMetrics().horizontalAdvance(row.knob.title) > width)
            row.label.setFixedWidth(width)
        for form in self._nested.values():
            form.set_label_width(width)

    @property
    def row_width(self) -> int:
        """The width in pixels that the widest field needs with its label and its reset button, shown or not."""
        own = [row.width for row in self._rows.values()]
        return max([*own, *(form.row_width for form in self._nested.values())], default=0)

    def seek(self, words: str) -> bool:
        """Show only the fields whose title or help contains the words; returns whether there are any.

        Nothing sought: all are shown, and the fold is as it was before.
        """
        for row in self._rows.values():
            row.set_sought(words)
        nested = [form.seek(words) for form in self._nested.values()]
        if self._fold is not None:
            self._fold.reveal(bool(words))
        self._show_rows()
        return any(nested) or any(row.is_sought and row.knob.has_effect(self._value) for row in self._rows.values())

    def value(self) -> Any:
        """The last valid settings."""
        return self._value

    def set_value(self, settings: Settings) -> None:
        """Show other settings without emitting ``changed``."""
        self._value = self._told = settings
        for name, row in self._rows.items():
            row.input.set_value(getattr(settings, name))
        self._show_rows()
        for name, form in self._nested.items():
            form.set_value(getattr(settings, name))
        self._error.hide()

    @property
    def problem(self) -> str:
        """The reason why the input is not valid; empty if it is."""
        own = self._error.text() if not self._error.isHidden() else ""
        return own or next((form.problem for form in self._nested.values() if form.problem), "")

    def _reset(self, row: _Row) -> None:
        row.input.set_value(row.knob.default)
        self._edited()

    def _edited(self, _value: object = None) -> None:
        before = self._told
        self._announce()
        if self._told != before:
            self.edited.emit(before, self._told, changed_settings(before, self._told))

    def _announce(self) -> None:
        valid = self._check()
        if valid is not None:
            self._value = valid
            self._show_rows()
        if not self.problem:
            self.changed.emit(self._value)
            self._told = self._value

    def snapshot(self) -> Settings:
        """The last valid settings that were announced."""
        return self._told

    def restore(self, state: Settings) -> None:
        """Show earlier settings, and emit ``changed``, whose receivers may choose others once; they get these again.

        Nothing happens while one of the fields that would change is locked.
        """
        differing = {name.partition(".")[0] for name in changed_settings(self._told, state)}
        if any(not self._rows[name].input.field.isEnabled() for name in differing & self._rows.keys()):
            return
        for _ in range(2):
            if self._told != state:
                self.set_value(state)
                self.changed.emit(state)

    def _check(self) -> Any | None:
        """Show what is wrong with what was typed; returns the settings, or None if they are not valid."""
        typed = {name: row.input.value() for name, row in self._rows.items()}
        typed |= {name: form.value() for name, form in self._nested.items()}
        values = {name: getattr(self._value, name) for name in knobs(self._model)} | typed
        before, wrong, valid = self.problem, "", None
        try:
            valid = toml.validate(self._model, values)
        except SettingsProblem as problem:
            wrong = problem.where.split(".")[0]
            self._error.setText(problem.sentence)
        self._error.setVisible(valid is None)
        self._show_rows(wrong)
        if self.problem != before:
            self.problem_changed.emit()
        return valid

    def _show_rows(self, wrong: str = "") -> None:
        """Mark the field that is wrong, and hide those without effect, and a fold without any other."""
        for name, row in self._rows.items():
            row.mark(invalid=name == wrong, shown=row.is_sought and row.knob.has_effect(self._value))
        if self._fold is not None:  # which must not be empty
            folded = (row.knob for row in self._rows.values() if row.knob.level == "expert")
            show_or_hide(self._fold, any(knob.has_effect(self._value) for knob in folded))


class _Row:
    """Label, input and reset button of one field."""

    def __init__(self, knob: Knob) -> None:
        self.knob = knob
        self.is_sought = True
        limits = f"{knob.range} {knob.unit}".strip().replace("<", "&lt;") if knob.range else knob.unit
        tip = f"<p>{knob.help}</p>" + (f"<p>{limits}</p>" if limits else "")
        tip += f"<p><i>{knob.source}</i></p>" if knob.source else ""
        self.label = QLabel(knob.title)
        self.label.setToolTip(tip)
        self._tip = tip
        self.set_input(_make_input(knob))
        self.reset = QToolButton()
        self.reset.setIcon(icon("mdi6.restore"))
        self.reset.setAutoRaise(True)
        self.reset.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        is_empty = knob.default in ("", (), {})
        default = "automatic" if knob.default is None else "empty" if is_empty else str(knob.default)
        self.reset.setToolTip(f"Back to {default} {knob.unit}".strip())
        self.reset.setAccessibleName(f"{knob.title}: back to {default}")
        typed = tuple(map(str, knob.default)) if isinstance(knob.default, tuple) else knob.default
        self._defaults = (knob.default, typed)

    @property
    def width(self) -> int:
        """The width in pixels that all three need side by side."""
        parts = (self.label, typing.cast("QWidget", self.input), self.reset)
        widths = [max(part.minimumSizeHint().width(), part.minimumWidth()) for part in parts]
        return sum(widths) + 2 * _SPACING

    def set_sought(self, words: str) -> None:
        """Look for words in title and help; nothing is in all."""
        text = f"{self.knob.title} {self.knob.help}".casefold()
        self.is_sought = all(word in text for word in words.casefold().split())

    def set_input(self, new: Input) -> None:
        """Use this input for the field."""
        self.input = new
        new.field.setToolTip(self._tip)
        about = new.about if isinstance(new, ChoiceInput) else ""
        self.label.setWhatsThis(f"<p><b>{self.knob.title}</b></p>{self._tip}{about}")
        new.field.setWhatsThis(self.label.whatsThis())
        new.field.setAccessibleName(self.knob.title)
        if isinstance(new, NumberInput):
            new.name_parts(self.knob.title)
        new.field.setObjectName(self.knob.name)

    def mark(self, *, invalid: bool, shown: bool) -> None:
        """Show whether the value is invalid or differs from the default; hide a field without effect."""
        for part in (self.label, typing.cast("QWidget", self.input)):
            show_or_hide(part, shown)
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(shown)
        self.reset.setSizePolicy(policy)
        self.reset.setVisible(shown and self.input.value() not in self._defaults)
        field = self.input.field
        if bool(field.property("invalid")) != invalid:
            field.setProperty("invalid", invalid)
            field.style().unpolish(field)
            field.style().polish(field)


def _is_checked_as_a_whole(model: type[Settings]) -> bool:
    """Whether values may be wrong although their inputs accept them."""
    rules = model.__pydantic_decorators__
    own = [rule for rule in rules.field_validators.values() if rule.info.fields != ("*",)]
    return bool(rules.model_validators or own)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Settings)


def _make_input(knob: Knob) -> Input:
    """Make the input for a field's type."""
    annotation, optional = knob.annotation, False
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        others = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        if len(others) != 1:
            raise TypeError(f"no input for {annotation}")
        annotation, optional = others[0], True
    if typing.get_origin(annotation) is typing.Literal:
        return ChoiceInput(typing.get_args(annotation), knob.unit, setting=knob.name)
    if annotation is bool:
        return SwitchInput()
    if annotation in {int, float}:
        return NumberInput(
            annotation is int,
            knob.low,
            knob.high,
            low_is_open=knob.low_is_open,
            high_is_open=knob.high_is_open,
            logarithmic=knob.scale == "log",
            unit=knob.unit,
            optional=optional,
        )
    if annotation is str:
        return TextInput(several=False)
    if typing.get_origin(annotation) is tuple:
        return TextInput(several=True)
    if typing.get_origin(annotation) is dict:
        return MappingInput()
    raise TypeError(f"no input for {annotation}")
