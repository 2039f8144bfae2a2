"""The settings of a training as a form in which those that a search shall try are ticked.

A ticked number gets a range, a ticked choice the choices to try; names, limits and help are those of the one
declaration. What is not ticked shows the value that all trials share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.studies.widgets.axis_inputs import ChoicesEditor, RangeEditor
from core.errors import SettingsProblem
from core.settings.declare import Knob, Settings, knobs
from core.studies import search_space
from core.studies.search_space import Choices, Dimension, Range
from core.studies.settings import SearchSettings
from core.studies.trials import format_value
from core.train.settings import RunSettings

_GROUPS = ("network", "optimiser", "loss", "augmentation", "stopping", "transfer")


class SpaceForm(QWidget):
    """Knobs to be ticked, those for everybody at once and the others on demand.

    Parameters
    ----------
    base
        The settings that the trials share.

    Notes
    -----
    Signals: ``changed()`` after every change by the user.
    """

    changed = Signal()

    def __init__(self, base: RunSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = base
        self._rows: dict[str, _KnobRow] = {}
        self._groups: dict[str, QLabel] = {}
        self.wanted = QLineEdit()
        self.wanted.setPlaceholderText("Find a setting…")
        self.wanted.setClearButtonEnabled(True)
        self.every = QCheckBox("All settings")
        self.every.setToolTip("Also those that are seldom searched.")
        self.error = QLabel()
        self.error.setWordWrap(True)
        self.error.setProperty("role", "problem")
        self._build()
        self.wanted.textChanged.connect(self._arrange)
        self.every.toggled.connect(self._arrange)
        self.set_texts(SearchSettings().space)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        head = QHBoxLayout()
        head.addWidget(self.wanted, 1)
        head.addWidget(self.every)
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
        """The box that is ticked to search a setting."""
        return self._rows[name].tick

    def editor(self, name: str) -> RangeEditor | ChoicesEditor:
        """Where the range or the choices of a ticked setting are."""
        return self._rows[name].editor()

    def texts(self) -> tuple[str, ...]:
        """The space, as :class:`~core.studies.settings.SearchSettings` has it."""
        return tuple(row.text() for row in self._rows.values() if row.tick.isChecked())

    def set_texts(self, texts: Sequence[str]) -> None:
        """Tick these knobs with their ranges and no others, without saying that it changed."""
        for row in self._rows.values():
            row.set_axis(None)
        for axis in search_space.parse_space(texts, self._base):
            self._rows[axis.name].set_axis(axis)
        self._check()
        self._arrange()

    def set_base(self, base: RunSettings) -> None:
        """Show other values of what is not searched."""
        self._base = base
        self._check()
        self._arrange()

    @property
    def problem(self) -> str:
        """Why this cannot be searched; empty if it can."""
        return self.error.text()

    def _edited(self) -> None:
        self._check()
        self._arrange()
        self.changed.emit()

    def _check(self) -> None:
        try:
            search_space.parse_space(self.texts(), self._base)
            self.error.clear()
        except SettingsProblem as problem:
            name = self._rows[problem.where].knob.title if problem.where in self._rows else ""
            self.error.setText(f"{name}: {problem.sentence}" if name else "Tick what shall be searched.")
        self.error.setVisible(bool(self.error.text()))

    def _arrange(self) -> None:
        """Show what is asked for and what is ticked, as far as it has an effect."""
        wish = self.wanted.text().strip().lower()
        for name, row in self._rows.items():
            part = name.partition(".")[0]
            settings = getattr(self._base, part)
            row.show_value(getattr(settings, row.knob.name))
            if wish:
                asked = wish in f"{row.knob.title} {name} {row.knob.help}".lower()
            else:
                asked = self.every.isChecked() or row.knob.level == "essential"
            row.setVisible(row.tick.isChecked() or (asked and self._matters(part, row.knob, settings)))
        for part, title in self._groups.items():
            title.setHidden(all(row.isHidden() for name, row in self._rows.items() if name.startswith(f"{part}.")))

    def _matters(self, part: str, knob: Knob, settings: Settings) -> bool:
        """Whether a knob has an effect, or may get one from another that is searched."""
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
        self.value.setToolTip("What all trials have, as it stands on the form of the training.")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(3)
        self._grid.addWidget(self.tick, 0, 0)
        self._grid.addWidget(self.value, 0, 1, Qt.AlignmentFlag.AlignRight)
        self._grid.setColumnStretch(0, 1)
        self.tick.toggled.connect(self._ticked)

    def editor(self) -> RangeEditor | ChoicesEditor:
        """The range or the choices; made when it is first wanted, since most knobs are never searched."""
        return self._editor or self._edit(_usual(self.name, self.knob))

    def _edit(self, axis: Dimension) -> RangeEditor | ChoicesEditor:
        """Make the editor that fits, instead of the one before."""
        if self._editor is not None:
            self._grid.removeWidget(self._editor)
            self._editor.deleteLater()
        self._editor = ChoicesEditor(axis) if isinstance(axis, Choices) else RangeEditor(axis, self.knob)
        self._editor.changed.connect(self.changed)
        self._grid.addWidget(self._editor, 1, 0, 1, 2)
        return self._editor

    def text(self) -> str:
        """The knob as a search reads it."""
        return f"{self.name}={self.editor().text()}"

    def set_axis(self, axis: Dimension | None) -> None:
        """Tick it with a range or choices; None: do not search it."""
        if axis is not None and not self.editor().show_axis(axis):
            self._edit(axis)
        self.tick.blockSignals(True)
        self.tick.setChecked(axis is not None)
        self.tick.blockSignals(False)
        self._show_editor()

    def show_value(self, value: Any) -> None:
        """Show what all trials have where it is not searched."""
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


def _usual(name: str, knob: Knob) -> Dimension:
    """What is tried where nobody has said it yet: the range of a usual search, or all that the knob allows."""
    base = RunSettings()
    for text in SearchSettings().space:
        if text.partition("=")[0] == name:
            return search_space.parse_space((text,), base)[0]
    try:
        return search_space.parse_space((name,), base)[0]
    except SettingsProblem:  # it has no limits of its own
        low = knob.low or 0.0
        return Range(name, low, low + 1.0, whole=knob.annotation is int)
