"""The wheel over a panel scrolls what is under the mouse."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QScrollArea,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.data.import_wizard import ImportWizard
from app.panel.panel import Panel
from app.session.session import Session
from app.widgets.band_chooser import BandChooser
from app.widgets.class_map import ClassMapTable


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


def test_the_wheel_over_the_import_form_changes_no_choice(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    wizard = ImportWizard(session, tmp_path / "project")
    qtbot.addWidget(wizard)
    for box in (wizard.choices.id_column, wizard.choices.split_column):
        box.addItems(["a", "b", "c"])
    wizard.show()
    wizard.choices.name.setFocus()
    fields = [field for kind in (QComboBox, QAbstractSpinBox) for field in wizard.findChildren(kind)]
    before = [_text(field) for field in fields]
    assert len(fields) >= 6
    assert [turn(field) for field in fields] == [False] * len(fields)
    assert [_text(field) for field in fields] == before
    wizard.close()
    session.close()


def _text(field: QWidget) -> str:
    return field.currentText() if isinstance(field, QComboBox) else field.text()  # pyright: ignore[reportAttributeAccessIssue]


def test_fields_that_appear_later_are_guarded_as_well(qtbot: QtBot) -> None:
    panel, content = Panel(Session(), "wheel"), QWidget()
    bands, classes = BandChooser(), ClassMapTable()
    column = QVBoxLayout(content)
    column.addWidget(bands)
    column.addWidget(classes)
    panel._set_content(content)
    qtbot.addWidget(panel)
    panel.show()
    bands.show_bands(("g", "r"), ("u", "g", "r"), "g,r")
    classes.show_classes(["disk", "ring"], ["disk"], {"disk": "disk"})
    boxes = [*bands.boxes, *classes.boxes.values()]
    assert [turn(box) for box in boxes] == [False] * 3
    assert [box.currentText() for box in boxes] == ["g", "r", "disk"]
