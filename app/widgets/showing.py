"""Showing and hiding widgets that are not in sight yet, without the style sheet being applied to them too early."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def show_or_hide(widget: QWidget, shown: bool) -> None:
    """Show or hide a widget, and do nothing if it is so already, or will be as soon as its parent is shown.

    Qt applies the style sheet to a widget, and to all in it, when it is told to be shown or asked for its size, even if
    its parent is hidden; and once more each time that it is then put into another one. So whoever does so while a panel
    is built pays for it several times.
    """
    is_hidden = widget.isHidden() and widget.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
    if is_hidden == shown:
        widget.setVisible(shown)
