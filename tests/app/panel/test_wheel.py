"""The wheel over a panel scrolls what is under the mouse."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QScrollArea, QSlider, QSpinBox, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.panel.panel import Panel
from app.session.session import Session


def turn(widget: QWidget) -> bool:
    """Turn the wheel over a widget; whether the widget takes it, rather than what lies around it."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        *(middle, widget.mapToGlobal(middle), QPoint(0, 0), QPoint(0, -120), Qt.MouseButton.NoButton),
        *(Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False),
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_a_field_changes_by_the_wheel_only_with_the_focus(qtbot: QtBot) -> None:
    panel, area, content = Panel(Session(), "wheel"), QScrollArea(), QWidget()
    box, spin, slider = QComboBox(), QSpinBox(), QSlider(Qt.Orientation.Horizontal)
    box.addItems(["a", "b", "c"])
    spin.setValue(5)
    slider.setValue(50)
    tall = QLabel()
    tall.setFixedHeight(2000)
    column = QVBoxLayout(content)
    for widget in (box, spin, slider, tall):
        column.addWidget(widget)
    area.setWidget(content)
    panel._set_content(area)
    qtbot.addWidget(panel)
    panel.resize(300, 300)
    panel.show()
    assert [turn(field) for field in (box, spin, slider)] == [False] * 3, "Qt gives it to the scroll area then"
    assert (box.currentIndex(), spin.value(), slider.value()) == (0, 5, 50)
    panel.activateWindow()
    spin.setFocus()
    qtbot.waitUntil(spin.hasFocus)
    assert turn(spin)
    assert spin.value() == 4
