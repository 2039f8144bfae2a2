"""Menus on right click: the buttons beside a widget, where the mouse is."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.context_menu import offer_buttons
from app.widgets.image_view import ImageView
from app.widgets.plot import Plot


def menu_of(widget: QWidget) -> QMenu:
    widget.customContextMenuRequested.emit(QPoint(5, 5))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def test_buttons_are_offered_as_they_are(qtbot: QtBot) -> None:
    table, pressed = QTableWidget(2, 1), []
    go, off, hidden = (QPushButton(text) for text in ("Go", "Off", "Hidden"))
    for widget in (table, go, off):
        qtbot.addWidget(widget)
        widget.show()
    qtbot.addWidget(hidden)
    hidden.hide()
    off.setEnabled(False)
    go.clicked.connect(lambda: pressed.append("go"))
    offer_buttons(table, (go, off, hidden))
    menu = menu_of(table)
    assert [(action.text(), action.isEnabled()) for action in menu.actions()] == [("Go", True), ("Off", False)]
    menu.actions()[0].trigger()
    assert pressed == ["go"]
    menu.close()


def test_a_picture_is_shown_whole_again_and_copied(qtbot: QtBot) -> None:
    view = ImageView()
    qtbot.addWidget(view)
    view.show()
    view.offer_actions((save := QAction("Save this map…"),))
    view.set_image(np.zeros((20, 20, 3), np.uint8))
    view._canvas.box.scaleBy((0.5, 0.5))
    menu = menu_of(view._canvas)
    assert [action.text() for action in menu.actions()] == ["Show everything", "Copy picture", save.text()]
    menu.actions()[0].trigger()
    assert view._canvas.box.viewRect().width() >= 20
    menu.actions()[1].trigger()
    assert not QGuiApplication.clipboard().pixmap().isNull()
    menu.close()


def test_a_plot_is_shown_whole_again(qtbot: QtBot) -> None:
    plot = Plot()
    qtbot.addWidget(plot)
    plot.show()
    plot.plot([0, 1, 2], [0, 1, 4])
    plot.setXRange(0, 0.1)
    menu = menu_of(plot)
    menu.actions()[0].trigger()
    assert plot.getViewBox().viewRange()[0][1] > 1.9
    menu.close()
