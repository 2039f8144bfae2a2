"""The search space as a form: the settings of a training, in which those to be searched are ticked.

A ticked number gets a range, a ticked choice the choices to try; names, limits and help come from the settings'
declarations. A setting that is not ticked shows the value that all trials share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.studies.widgets.axis_inputs import ChoicesEditor, RangeEditor
from app.widgets.message_line import MessageLine
from core.errors import SettingsProblem
from core.settings.declare import Knob, Settings, knobs
from core.studies import search_space
from core.studies.search_space import Choices, Dimension, Range
from core.studies.settings import SearchSettings
from core.studies.trials import format_value
from core.train.settings import RunSettings

_GROUPS = ("network", "optimiser", "loss", "augmentation", "stopping", "transfer")


class SpaceForm(QWidget):
    """Settings to tick, the essential ones at once and the others on demand.

    Parameters
    ----------
    base
        The settings that the trials share.

    Notes
    -----
    Signals: ``changed()`` after every change by the user, and then ``edited(before, after, names)`` with the spaces.
    """

    changed = Signal()
    edited = Signal(object, object, object)

    def __init__(self, base: RunSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = base
        self._told: tuple[str, ...] = ()
        self._rows: dict[str, _KnobRow] = {}
        self._groups: dict[str, QLabel] = {}
        self.search_text = QLineEdit()
        self.search_text.setPlaceholderText("Find a setting…")
        self.search_text.setClearButtonEnabled(True)
        self.all_settings = QCheckBox("All settings")
        self.all_settings.setToolTip("Also those that are seldom searched.")
        self.error = MessageLine(1, "problem", grows=True)
        self._build()
        self.search_text.textChanged.connect(self._arrange)
        self.all_settings.toggled.connect(self._arrange)
        self.set_texts(SearchSettings().space)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        head = QHBoxLayout()
        head.addWidget(self.search_text, 1)
        head.addWidget(self.all_settings)
        column.addLayout(head)
        column.addWidget(self.error)
        known = search_space.searchable_knobs()
        for part in _GROUPS:
            title = QLabel(knobs(RunSettings)[part].title)
            title.setProperty("role", "heading")
            title.setContentsMargins(0, 8, 0, 0)
            self._groups[part] = title
            column.addWidget(title)
            for name, knob in known.items():
                if name.startswith(f"{part}."):
                    row = _KnobRow(name, knob)
                    row.changed.connect(self._edited)
                    self._rows[name] = row
                    column.addWidget(row)
        column.addStretch(1)

    def tick(self, name: str) -> QCheckBox:
        """The checkbox of a setting."""
        return self._rows[name].tick

    def editor(self, name: str) -> RangeEditor | ChoicesEditor:
        """The editor for the range or the choices of a ticked setting."""
        return self._rows[name].editor()

    def texts(self) -> tuple[str, ...]:
        """The space, as :class:`~core.studies.settings.SearchSettings` has it."""
        return tuple(row.text() for row in self._rows.values() if row.tick.isChecked())

    def set_texts(self, texts: Sequence[str]) -> None:
        """Tick exactly these settings with their ranges, without emitting ``changed``."""
        for row in self._rows.values():
            row.set_axis(None)
        for axis in search_space.parse_space(texts, self._base):
            self._rows[axis.name].set_axis(axis)
        self._check()
        self._arrange()
        self._told = self.texts()

    def snapshot(self) -> tuple[str, ...]:
        """The last valid space."""
        return self._told

    def restore(self, state: Sequence[str]) -> None:
        """Show an earlier space, and emit ``changed``; nothing happens while the form is locked."""
        if self.isEnabled():
            self.set_texts(state)
            self.changed.emit()

    def set_base(self, base: RunSettings) -> None:
        """Show other values of the settings that are not searched."""
        self._base = base
        self._check()
        self._arrange()

    @property
    def problem(self) -> str:
        """The reason why the space is not valid; empty if it is."""
        return self.error.text()

    def _edited(self) -> None:
        self._check()
        self._arrange()
        self.changed.emit()
        if not self.problem and self.texts() != self._told:
            before, self._told = self._told, self.texts()
            self.edited.emit(before, self._told, {"What is searched": "What is searched"})

    def _check(self) -> None:
        try:
            search_space.parse_space(self.texts(), self._base)
            self.error.clear()
        except SettingsProblem as problem:
            name = self._rows[problem.where].knob.title if problem.where in self._rows else ""
            self.error.setText(f"{name}: {problem.sentence}" if name else "Tick the settings to search.")

    def _arrange(self) -> None:
        """Show the settings that match the search text or are ticked, as far as they have an effect."""
        query = self.search_text.text().strip().lower()
        for name, row in self._rows.items():
            part = name.partition(".")[0]
            settings = getattr(self._base, part)
            row.show_value(getattr(settings, row.knob.name))
            if query:
                is_found = query in f"{row.knob.title} {name} {row.knob.help}".lower()
            else:
                is_found = self.all_settings.isChecked() or row.knob.level == "essential"
            row.setVisible(row.tick.isChecked() or (is_found and self._has_effect(part, row.knob, settings)))
        for part, title in self._groups.items():
            title.setHidden(all(row.isHidden() for name, row in self._rows.items() if name.startswith(f"{part}.")))

    def _has_effect(self, part: str, knob: Knob, settings: Settings) -> bool:
        """Whether a setting has an effect, or may get one through another setting that is searched."""
        if knob.applies is None or knob.has_effect(settings):
            return True
        other = self._rows.get(f"{part}.{knob.applies[0]}")
        return other is not None and other.tick.isChecked()


class _KnobRow(QWidget):
    """A box to tick, the value that all trials share, and below them the range once it is ticked."""

    changed = Signal()

    def __init__(self, name: str, knob: Knob) -> None:
        super().__init__()
        self.name, self.knob = name, knob
        self._editor: RangeEditor | ChoicesEditor | None = None
        tip = f"<p>{knob.help}</p><p><i>{name}{f'; {knob.range}' if knob.range else ''}</i></p>"
        self.tick = QCheckBox(knob.title)
        self.tick.setToolTip(tip)
        self.tick.setObjectName(name)
        self.value = QLabel()
        self.value.setProperty("role", "muted")
        self.value.setToolTip("The value that all trials share, from the form of the training.")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(3)
        self._grid.addWidget(self.tick, 0, 0)
        self._grid.addWidget(self.value, 0, 1, Qt.AlignmentFlag.AlignRight)
        self._grid.setColumnStretch(0, 1)
        self.tick.toggled.connect(self._ticked)

    def editor(self) -> RangeEditor | ChoicesEditor:
        """The editor of range or choices; made on first use, since most settings are never searched."""
        return self._editor or self._make_editor(_default_dimension(self.name, self.knob))

    def _make_editor(self, axis: Dimension) -> RangeEditor | ChoicesEditor:
        """Make the editor that fits, in place of the previous one."""
        if self._editor is not None:
            self._grid.removeWidget(self._editor)
            self._editor.deleteLater()
        self._editor = ChoicesEditor(axis) if isinstance(axis, Choices) else RangeEditor(axis, self.knob)
        self._editor.changed.connect(self.changed)
        self._grid.addWidget(self._editor, 1, 0, 1, 2)
        return self._editor

    def text(self) -> str:
        """The setting and its range in the syntax of the search space."""
        return f"{self.name}={self.editor().text()}"

    def set_axis(self, axis: Dimension | None) -> None:
        """Tick the setting with a range or choices; None: do not search it."""
        if axis is not None and not self.editor().show_axis(axis):
            self._make_editor(axis)
        self.tick.blockSignals(True)
        self.tick.setChecked(axis is not None)
        self.tick.blockSignals(False)
        self._show_editor()

    def show_value(self, value: Any) -> None:
        """Show the value that all trials share while the setting is not searched."""
        words = {None: "automatic", True: "yes", False: "no"}
        known = value is None or isinstance(value, bool)
        text = words[value] if known else f"{format_value(value, 4)} {self.knob.unit}".strip()
        self.value.setText("" if self.tick.isChecked() else text)

    def _ticked(self) -> None:
        self._show_editor()
        self.changed.emit()

    def _show_editor(self) -> None:
        if self.tick.isChecked():
            self.editor().show()
        elif self._editor is not None:
            self._editor.hide()


def _default_dimension(name: str, knob: Knob) -> Dimension:
    """The initial range or choices of a setting: those of the default search, or everything that it allows."""
    base = RunSettings()
    for text in SearchSettings().space:
        if text.partition("=")[0] == name:
            return search_space.parse_space((text,), base)[0]
    try:
        return search_space.parse_space((name,), base)[0]
    except SettingsProblem:  # it has no limits of its own
        low = knob.low or 0.0
        return Range(name, low, low + 1.0, whole=knob.annotation is int)
