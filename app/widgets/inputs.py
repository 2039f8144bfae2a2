"""One input widget for each type of value: holds a value, can be set, and signals changes by the user."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from PySide6.QtCore import QLocale, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QSlider,
    QSpinBox,
    QWidget,
)

from app.widgets.method_texts import explain
from core.wording import singular

_SLIDER_STEPS = 1000
_WIDTH = 112
_REST = 600  # ms after the last key until what was typed counts, even if the field still has the focus


def _rest_timer(parent: QObject) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(_REST)
    return timer


class Input(Protocol):
    """The interface that forms expect of an input."""

    @property
    def changed(self) -> Any:
        """Signal: the user changed the value."""

    @property
    def field(self) -> QWidget:
        """The widget that is typed into."""
        ...

    def value(self) -> Any:
        """The value."""

    def set_value(self, value: Any) -> None:
        """Show a value without emitting ``changed``."""


class _IgnoresWheel:
    """Ignores the wheel, which scrolls the form and must not change values under the cursor."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class WholeSpin(_IgnoresWheel, QSpinBox):
    """A whole number, at the right of its field as all numbers are: at the left it would touch the frame."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)


class _StillSlider(_IgnoresWheel, QSlider):
    """A slider that ignores the wheel."""


class _StillCombo(_IgnoresWheel, QComboBox):
    """A combo box that ignores the wheel."""


class DecimalSpin(_IgnoresWheel, QDoubleSpinBox):
    """A number of any size, formatted as short as possible; on a logarithmic scale the arrows step 1, 2, 5, 10."""

    def __init__(self, logarithmic: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._logarithmic = logarithmic
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setDecimals(12)
        self.setLocale(QLocale.c())

    def textFromValue(self, val: float) -> str:
        """Format 0.001 rather than 0.001000000000."""
        return f"{val:.6g}"

    def valueFromText(self, text: str) -> float:
        """Parse what the user typed, in any notation."""
        try:
            return float(self._strip(text))
        except ValueError:
            return self.value()

    def validate(self, input: str, pos: int) -> tuple[QValidator.State, str, int]:  # noqa: A002 - Qt's name
        """Let the user type 1e-3; limits are applied at the end."""
        text = self._strip(input)
        try:
            number = float(text)
        except ValueError:
            begun = text in {"", "-", "+", "."} or text[-1:] in "eE+-."
            return QValidator.State.Intermediate if begun else QValidator.State.Invalid, input, pos
        fits = self.minimum() <= number <= self.maximum()
        return QValidator.State.Acceptable if fits else QValidator.State.Intermediate, input, pos

    def stepBy(self, steps: int) -> None:
        """Step by a tenth of the leading digit's size, or along 1, 2, 5."""
        value = self.value()
        if self._logarithmic and value > 0:
            self.setValue(_next_round_number(value, steps))
        else:
            span = self.maximum() - self.minimum()
            self.setSingleStep(10 ** math.floor(math.log10(span / 20)) if math.isfinite(span) and span < 1e6 else 0.1)
            super().stepBy(steps)

    def _strip(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip().replace(",", ".")


def _next_round_number(value: float, steps: int) -> float:
    """The ``steps``-th neighbour of a value in …, 0.1, 0.2, 0.5, 1, 2, 5, 10, …."""
    for _ in range(abs(steps)):
        decade = 10.0 ** math.floor(math.log10(value) - 1)
        ladder = [digit * decade * power for power in (1, 10, 100) for digit in (1, 2, 5)]
        if steps > 0:
            value = next(step for step in ladder if step > value * (1 + 1e-9))
        else:
            value = next(step for step in reversed(ladder) if step < value * (1 - 1e-9))
    return value


class NumberInput(QWidget):
    """A number that can be typed, with a slider where both limits are known; ``None`` if automatic is allowed."""

    changed = Signal()

    def __init__(
        self,
        whole: bool,
        low: float | None,
        high: float | None,
        *,
        low_is_open: bool = False,
        high_is_open: bool = False,
        logarithmic: bool = False,
        unit: str = "",
        optional: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._whole = whole
        self._logarithmic = logarithmic and (low or 0) >= 0
        self.field = WholeSpin() if whole else DecimalSpin(self._logarithmic)
        least, most = (-(2**31) + 1, 2**31 - 1) if whole else (-1e12, 1e12)
        edge = 1 if whole else 1e-9
        self._low = least if low is None else low + edge * low_is_open
        self._high = most if high is None else high - edge * high_is_open
        self.field.setRange(int(self._low) if whole else self._low, int(self._high) if whole else self._high)  # pyrefly: ignore[bad-argument-type]
        self._unit = unit
        self._show_unit()
        self.field.setMinimumWidth(_WIDTH)
        self._is_key = False  # whether the number changes by a key that was just typed
        self._rest = _rest_timer(self)
        self._rest.timeout.connect(self.changed)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        self.automatic: QCheckBox | None = None
        if optional:
            self.automatic = QCheckBox("Auto")
            policy = self.field.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            self.field.setSizePolicy(policy)
            self.field.setValue(self._default_number())  # pyrefly: ignore[bad-argument-type]
            line.addWidget(self.automatic)
            self.automatic.toggled.connect(self._toggled)
        line.addWidget(self.field)
        self.slider: QSlider | None = None
        if low is not None and high is not None and not optional:
            self.slider = _StillSlider(Qt.Orientation.Horizontal)
            steps = (
                int(high - low) if whole and not self._logarithmic and high - low <= _SLIDER_STEPS else _SLIDER_STEPS
            )
            self.slider.setRange(0, steps)
            self.slider.setMinimumWidth(40)
            self.slider.valueChanged.connect(self._dragged)
            line.addWidget(self.slider, 1)
        else:
            line.addStretch(1)
        self.field.lineEdit().textEdited.connect(self._key_typed)
        self.field.valueChanged.connect(self._number_changed)
        self.field.lineEdit().textChanged.connect(self._key_done)  # after the number has changed
        self.field.editingFinished.connect(self._finished)

    def name_parts(self, title: str) -> None:
        """Name slider and switch for those who cannot see them beside the number."""
        if self.slider is not None:
            self.slider.setAccessibleName(f"{title}, slider")
        if self.automatic is not None:
            self.automatic.setAccessibleName(f"{title}: automatic")

    def value(self) -> float | int | None:
        """The number; None if automatic."""
        if self.automatic is not None and self.automatic.isChecked():
            return None
        return self.field.value()

    def set_value(self, value: float | None) -> None:
        """Show a number; None: automatic."""
        blockers = [QSignalBlocker(widget) for widget in (self.field, self.automatic) if widget is not None]
        if self.automatic is not None:
            self.automatic.setChecked(value is None)
            self.field.setVisible(value is not None)
        if value is not None:
            self.field.setValue(value)  # pyrefly: ignore[bad-argument-type]
        self._show_unit()
        del blockers
        self._move_slider()

    def _show_unit(self) -> None:
        """Show the unit behind the number: 1 block, 2 blocks."""
        unit = singular(self._unit) if self._whole and self.field.value() == 1 else self._unit
        self.field.setSuffix(f" {unit}" if unit else "")

    def _toggled(self, automatic: bool) -> None:
        self.field.setVisible(not automatic)
        self.changed.emit()

    def _default_number(self) -> float:
        """The initial number once the automatic value is switched off: the geometric middle of the range."""
        middle = math.sqrt(max(self._low, 1e-6) * min(self._high, 1e6))
        return 2 ** round(math.log2(middle)) if self._whole else float(f"{middle:.0e}")

    def _key_typed(self) -> None:
        self._is_key = True

    def _key_done(self) -> None:
        self._is_key = False

    def _number_changed(self) -> None:
        self._move_slider()
        if self._is_key:  # what is typed may be the beginning of another number
            self._rest.start()
        else:
            self._finish()

    def _finished(self) -> None:
        if self._rest.isActive():
            self._finish()

    def _finish(self) -> None:
        self._rest.stop()
        self._show_unit()
        self.changed.emit()

    def _move_slider(self) -> None:
        """Move the slider to the number."""
        if self.slider is not None:
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(self._share(self.field.value()) * self.slider.maximum()))

    def _dragged(self, place: int) -> None:
        assert self.slider is not None
        share = place / self.slider.maximum()
        if self._logarithmic:
            low = max(self._low, self._high * 1e-8)
            value = low * (self._high / low) ** share
        else:
            value = self._low + share * (self._high - self._low)
        value = round(value) if self._whole else float(f"{value:.2g}" if self._logarithmic else f"{value:.3g}")
        self.field.setValue(value)  # pyrefly: ignore[bad-argument-type]

    def _share(self, value: float) -> float:
        low, high = self._low, self._high
        if self._logarithmic:
            low, value = max(low, high * 1e-8), max(value, high * 1e-8)
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low) if high > low else 0.0


class SwitchInput(QCheckBox):
    """Yes or no."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = self
        self.toggled.connect(lambda _on: self.changed.emit())

    def value(self) -> bool:
        """Whether it is on."""
        return self.isChecked()

    def set_value(self, value: bool) -> None:
        """Switch it without emitting ``changed``."""
        with QSignalBlocker(self):
            self.setChecked(value)


class ChoiceInput(QWidget):
    """One of several values.

    Parameters
    ----------
    choices, unit
        The values, and their unit.
    empty
        The title of an additional empty choice; None: there is none.
    setting
        The name of the setting, by which those values are explained that are methods.

    Attributes
    ----------
    about
        What is known of the choices that are methods, for “What's this?”.
    """

    changed = Signal()

    def __init__(
        self,
        choices: Sequence[Any],
        unit: str = "",
        empty: str | None = None,
        parent: QWidget | None = None,
        *,
        setting: str = "",
    ) -> None:
        super().__init__(parent)
        self.field = _StillCombo()
        if empty is not None:
            self.field.addItem(empty, "")
        for choice in choices:
            self.field.addItem(f"{choice} {unit}".strip(), choice)
            if text := explain(f"{setting}.{choice}"):
                self.field.setItemData(self.field.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
        self.about = "".join(explain(f"{setting}.{choice}") for choice in choices)
        self.field.setMinimumWidth(_WIDTH)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.field)
        line.addStretch(1)
        self.field.activated.connect(lambda _place: self.changed.emit())

    def value(self) -> Any:
        """The chosen value."""
        return self.field.currentData()

    def set_value(self, value: Any) -> None:
        """Choose a value without emitting ``changed``."""
        self.field.setCurrentIndex(self.field.findData(value))


class TextInput(QLineEdit):
    """A text, or several names separated by commas."""

    changed = Signal()

    def __init__(self, several: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = self
        self._several = several
        if several:
            self.setPlaceholderText("separated by commas")
        self._rest = _rest_timer(self)
        self._rest.timeout.connect(self._finished)
        self.textEdited.connect(self._rest.start)
        self.editingFinished.connect(self._finished)
        self._last_text = ""

    def value(self) -> str | tuple[str, ...]:
        """The text, or the names."""
        if self._several:
            return tuple(name.strip() for name in self.text().split(",") if name.strip())
        return self.text()

    def set_value(self, value: str | Sequence[object]) -> None:
        """Show a text, or names or numbers, without emitting ``changed``."""
        self._last_text = value if isinstance(value, str) else ", ".join(map(str, value))
        self.setText(self._last_text)
        self.setCursorPosition(0)  # shows the beginning of a long text

    def _finished(self) -> None:
        self._rest.stop()
        if self.text() != self._last_text:
            self._last_text = self.text()
            self.changed.emit()
