"""Menus on right click: what the buttons beside a widget do, at the place where the mouse is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyqtgraph as pg
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QMenu, QWidget

from app.theme import icon
from app.widgets.plain_text import on_button


def offer_menu(widget: QWidget, fill: Callable[[QMenu, QPoint], object]) -> None:
    """Open a menu at a right click, or at the menu key.

    Parameters
    ----------
    widget
        Where it is clicked; a table, list or view with scroll bars, or any other widget.
    fill
        Called with the empty menu and the place in the widget (in the viewport of one with scroll bars); what it leaves
        empty is not opened.
    """
    widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    surface = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget

    def open_menu(place: QPoint) -> None:
        menu = QMenu(widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        fill(menu, place)
        if menu.isEmpty():
            menu.deleteLater()
        else:
            menu.popup(surface.mapToGlobal(place))

    widget.customContextMenuRequested.connect(open_menu)


def offer_buttons(widget: QWidget, buttons: Iterable[QAbstractButton]) -> None:
    """Offer what buttons do in a menu at a right click: those that are shown, enabled as they are."""
    known = tuple(buttons)
    offer_menu(widget, lambda menu, _place: add_buttons(menu, known))


def add_buttons(menu: QMenu, buttons: Iterable[QAbstractButton]) -> None:
    """Add an entry for each button that is not hidden, enabled as the button is."""
    for button in buttons:
        if not button.isHidden():
            action = menu.addAction(button.icon(), button.text() or button.toolTip().rstrip("."), button.click)
            action.setEnabled(button.isEnabled())
            action.setToolTip(button.toolTip())


def offer_view(view: pg.PlotWidget) -> None:
    """Offer to show all of a plot, and to copy it, at a right click."""
    view.setMenuEnabled(False)

    def fill(menu: QMenu, _place: QPoint) -> None:
        menu.addAction(icon("mdi6.restore"), "Show everything").triggered.connect(lambda _on=False: view.autoRange())
        add_picture(menu, view)

    offer_menu(view, fill)


def add_picture(menu: QMenu, widget: QWidget) -> None:
    """Add an entry that copies what a widget shows as a picture."""
    action = menu.addAction(icon("mdi6.content-copy"), "Copy picture")
    action.triggered.connect(lambda _checked=False: QGuiApplication.clipboard().setPixmap(widget.grab()))


def add_text(menu: QMenu, title: str, text: str) -> None:
    """Add an entry that copies a text."""
    action = menu.addAction(icon("mdi6.content-copy"), on_button(title))
    action.triggered.connect(lambda _checked=False: QGuiApplication.clipboard().setText(text))
