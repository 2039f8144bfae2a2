"""Editors for the range or the choices of one searched setting."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QWidget

from app.widgets.flow import FlowLayout
from app.widgets.inputs import DecimalSpin, WholeSpin
from core.settings.declare import Knob
from core.studies.search_space import Choices, Dimension, Range

_UNLIMITED = 1e9
_INDENT = 22


class RangeEditor(QWidget):
    """Lower and upper limit, and whether the scale is logarithmic."""

    changed = Signal()

    def __init__(self, axis: Range, knob: Knob) -> None:
        super().__init__()
        self.low, self.high = _make_spin(axis, knob), _make_spin(axis, knob)
        self.low.setAccessibleName(f"{knob.title} from")
        self.high.setAccessibleName(f"{knob.title} to")
        self.log = QCheckBox("log")
        self.log.setToolTip("Even steps of the logarithm: as many trials from 0.001 to 0.01 as from 0.01 to 0.1.")
        line = QHBoxLayout(self)
        line.setContentsMargins(_INDENT, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self.low, 1)
        line.addWidget(QLabel("to"))
        line.addWidget(self.high, 1)
        line.addWidget(self.log)
        self.show_axis(axis)
        self.low.valueChanged.connect(self.changed)
        self.high.valueChanged.connect(self.changed)
        self.log.toggled.connect(self.changed)

    def show_axis(self, axis: Dimension) -> bool:
        """Show a range without emitting ``changed``; returns False for choices."""
        if not isinstance(axis, Range):
            return False
        for part, value in ((self.low, axis.low), (self.high, axis.high), (self.log, axis.log)):
            part.blockSignals(True)
            if isinstance(part, QCheckBox):
                part.setChecked(bool(value))
            elif isinstance(part, WholeSpin):
                part.setValue(int(value))
            else:
                part.setValue(value)
            part.blockSignals(False)
        return True

    def text(self) -> str:
        """The range in the syntax of the search space: ``1e-4:0.1:log``."""
        return f"{self.low.value():.6g}:{self.high.value():.6g}:{'log' if self.log.isChecked() else 'linear'}"


class ChoicesEditor(QWidget):
    """A box for each choice, all ticked at first."""

    changed = Signal()

    def __init__(self, axis: Choices) -> None:
        super().__init__()
        self.boxes = {value: QCheckBox(str(value)) for value in axis.values}
        if set(axis.values) == {True, False}:
            for value, box in self.boxes.items():
                box.setText("yes" if value else "no")
        line = FlowLayout(spacing=8)
        for box in self.boxes.values():
            line.addWidget(box)
        indented = QHBoxLayout(self)
        indented.setContentsMargins(_INDENT, 0, 0, 0)
        indented.addLayout(line)
        self.show_axis(axis)
        for box in self.boxes.values():
            box.toggled.connect(self.changed)

    def show_axis(self, axis: Dimension) -> bool:
        """Tick the choices to try without emitting ``changed``; returns False for a range or unknown choices."""
        if not isinstance(axis, Choices) or not set(axis.values) <= set(self.boxes):
            return False
        for value, box in self.boxes.items():
            box.blockSignals(True)
            box.setChecked(value in axis.values)
            box.blockSignals(False)
        return True

    def text(self) -> str:
        """The choices in the syntax of the search space: ``relu,gelu``."""
        return ",".join(str(value) for value, box in self.boxes.items() if box.isChecked())


def _make_spin(axis: Range, knob: Knob) -> DecimalSpin | WholeSpin:
    low, high = -_UNLIMITED if knob.low is None else knob.low, _UNLIMITED if knob.high is None else knob.high
    if axis.whole:
        spin = WholeSpin()
        spin.setRange(int(low), int(high))
    else:
        spin = DecimalSpin(axis.log)
        spin.setRange(low, high)
    spin.setKeyboardTracking(False)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    spin.setMinimumWidth(72)
    return spin
