"""The stretch of displayed images: curve, limits and colours. It does not affect training."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QToolButton, QWidget

from app.theme import icon
from app.widgets.flow import FlowLayout
from app.widgets.inputs import DecimalSpin
from core.data.stretch import ColourMap, StretchSettings, colour_table
from core.settings.declare import knobs

_SWATCH = QSize(56, 12)
_LARGEST = 1e12


class StretchBar(QWidget):
    """One row with the stretch; number fields appear where the choice needs them.

    Notes
    -----
    Signals: ``changed(StretchSettings)`` when the user changes anything.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = StretchSettings()
        declared = knobs(StretchSettings)
        self.kind = _make_combo(get_args(declared["kind"].annotation))
        self.limits = _make_combo(get_args(declared["limits"].annotation))
        self.softening = _make_spin(logarithmic=True, low=1e-3, high=1000)
        self.black = _make_spin(logarithmic=False, low=0, high=49.99, suffix=" %")
        self.white = _make_spin(logarithmic=False, low=50.01, high=100, suffix=" %")
        self.low = _make_spin(logarithmic=False, low=-_LARGEST, high=_LARGEST)
        self.high = _make_spin(logarithmic=False, low=-_LARGEST, high=_LARGEST)
        self._numbers = (self.softening, self.black, self.white, self.low, self.high)
        self.colour_map = QComboBox()
        self.colour_map.setIconSize(_SWATCH)
        for name in get_args(ColourMap):
            self.colour_map.addItem(_draw_swatch(name), name, name)
        self.invert = QToolButton()
        self.invert.setIcon(icon("mdi6.invert-colors"))
        self.invert.setCheckable(True)
        self._line = line = FlowLayout(self)
        for name in ("kind", "softening", "limits", "black", "white", "low", "high", "colour_map", "invert"):
            editor: QWidget = getattr(self, name)
            editor.setToolTip(f"<p><b>{declared[name].title}.</b> {declared[name].help}</p>")
            editor.setAccessibleName(declared[name].title)
            line.addWidget(editor)
        for box in (self.kind, self.limits, self.colour_map):
            box.activated.connect(self._edited)
        for spin in self._numbers:
            spin.valueChanged.connect(self._edited)
        self.invert.toggled.connect(self._edited)
        self.set_value(self._value)

    def add(self, control: QWidget) -> None:
        """Put another control at the end."""
        self._line.addWidget(control)

    def value(self) -> StretchSettings:
        """The chosen stretch."""
        return self._value

    def set_value(self, settings: StretchSettings) -> None:
        """Show another stretch without emitting ``changed``."""
        self._value = settings
        blockers = [QSignalBlocker(spin) for spin in self._numbers]
        blockers.append(QSignalBlocker(self.invert))
        for name in ("kind", "limits", "colour_map"):
            box: QComboBox = getattr(self, name)
            box.setCurrentIndex(box.findData(getattr(settings, name)))
        for name in ("softening", "black", "white", "low", "high"):
            spin: QDoubleSpinBox = getattr(self, name)
            spin.setValue(getattr(settings, name))
        self.invert.setChecked(settings.invert)
        del blockers
        self._show_relevant()

    def _edited(self, _value: Any = None) -> None:
        low, high = self.low.value(), self.high.value()
        if high <= low:  # adjusts the one that is not being typed
            low, high = (low, low + 1) if self.sender() is self.low else (high - 1, high)
        changed = StretchSettings(
            kind=self.kind.currentData(),
            limits=self.limits.currentData(),
            black=self.black.value(),
            white=self.white.value(),
            low=low,
            high=high,
            softening=self.softening.value(),
            colour_map=self.colour_map.currentData(),
            invert=self.invert.isChecked(),
        )
        if changed != self._value:
            self.set_value(changed)
            self.changed.emit(changed)

    def _show_relevant(self) -> None:
        """Show number fields only where they have an effect."""
        self.softening.setVisible(self._value.kind == "asinh")
        for spin in (self.black, self.white):
            spin.setVisible(self._value.limits == "percentile")
        for spin in (self.low, self.high):
            spin.setVisible(self._value.limits == "manual")


def _make_combo(names: tuple[str, ...]) -> QComboBox:
    box = QComboBox()
    for name in names:
        box.addItem(name, name)
    box.setMinimumContentsLength(5)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _make_spin(*, logarithmic: bool, low: float, high: float, suffix: str = "") -> DecimalSpin:
    spin = DecimalSpin(logarithmic)
    spin.setRange(low, high)
    spin.setSuffix(suffix)
    spin.setKeyboardTracking(False)
    spin.setFixedWidth(78)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    return spin


def _draw_swatch(name: str) -> QIcon:
    table = colour_table(name)
    across = table[np.linspace(0, 255, _SWATCH.width()).astype(np.intp)]
    picture = np.ascontiguousarray(np.repeat(across[None], _SWATCH.height(), axis=0))
    image = QImage(picture.data, _SWATCH.width(), _SWATCH.height(), 3 * _SWATCH.width(), QImage.Format.Format_RGB888)
    return QIcon(QPixmap.fromImage(image))
