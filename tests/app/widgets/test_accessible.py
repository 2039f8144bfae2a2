"""Names for screen readers: what is seen beside a widget, or what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QSlider, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.theme import icon
from app.widgets.accessible import name_of, name_usable_widgets, usable_widgets
from app.widgets.confusion import ConfusionMatrix
from app.widgets.dialog import Dialog
from app.widgets.forms import SettingsForm
from core.train.settings import RunSettings


def test_a_name_follows_from_what_is_seen(qtbot: QtBot) -> None:
    root = QWidget()
    qtbot.addWidget(root)
    column = QVBoxLayout(root)
    label, named, line, box, slider, plain = (
        QLabel("&Band:"),
        QComboBox(),
        QLineEdit(),
        QToolButton(),
        QSlider(),
        QPushButton("Go && on"),
    )
    label.setBuddy(named)
    line.setPlaceholderText("Find a run…")
    box.setIcon(icon("mdi6.play"))
    box.setToolTip("<p><b>Start.</b> It takes a while.</p>")
    matrix, later = ConfusionMatrix(), QPushButton()
    matrix.set_counts(("a", "b"), np.eye(2, dtype=int))
    for widget in (label, named, line, box, slider, plain, matrix, later):
        column.addWidget(widget)
    name_usable_widgets(root, "Panel")
    expected = {named: "Band", line: "Find a run", box: "Start", slider: "Panel", plain: "Go & on"}
    assert {widget: name_of(widget) for widget in expected} == expected
    assert name_of(matrix) == "Confusion matrix"
    assert later not in set(usable_widgets(root)) and not later.accessibleName()  # its text comes later


def test_all_parts_of_a_setting_say_which_it_is(qtbot: QtBot) -> None:
    form = SettingsForm(RunSettings.model_fields["optimiser"].annotation)
    qtbot.addWidget(form)
    names = [name_of(widget) for widget in usable_widgets(form)]
    assert all(names)
    for name in ("Learning rate", "Learning rate: automatic", "Learning rate: back to automatic", "Epochs, slider"):
        assert name in names, name


def test_dialogs_name_what_is_in_them(qtbot: QtBot) -> None:
    dialog = Dialog()
    qtbot.addWidget(dialog)
    dialog.setWindowTitle("Fit profiles")
    described, plain = QComboBox(dialog), QLineEdit(dialog)
    described.setToolTip("The instrument. It gives the noise.")
    dialog.show()
    assert (name_of(described), name_of(plain)) == ("The instrument", "Fit profiles")
    app = Path(__file__).parents[3] / "app"
    others = {path.stem for path in app.rglob("*.py") if "(QDialog):" in path.read_text(encoding="utf-8")}
    assert others == {"dialog", "notices", "closing"}  # the last two have buttons and texts with names only
