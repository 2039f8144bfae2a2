"""Buttons that stop or remove something are never in the way of the space bar by chance.

When a button that starts work is disabled, Qt gives the keyboard focus to the next one, which often is the one that
stops that work; and the first button of a page or a dialog gets it, too.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QWidget

_GUARDED = "guarded"


def keep_from_focus(*buttons: QAbstractButton) -> None:
    """Let these buttons have the keyboard focus only if the user brings it there, and never by the return key."""
    for button in buttons:
        button.setProperty(_GUARDED, True)
        if isinstance(button, QPushButton):
            button.setAutoDefault(False)
    application = QApplication.instance()
    if isinstance(application, QApplication) and application.findChild(_FocusGuard) is None:
        _FocusGuard(application)


class _FocusGuard(QObject):
    """Takes the focus back from a guarded button if it came there without the user."""

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        application.focusChanged.connect(self._focus_changed)

    def _focus_changed(self, before: QWidget | None, now: QWidget | None) -> None:
        if now is None or not now.property(_GUARDED):
            return
        is_from_user = (
            before is not None and before.window() is now.window() and before.isVisible() and before.isEnabled()
        )
        if not is_from_user:
            now.clearFocus()
