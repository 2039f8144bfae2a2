"""The base of the dialogs: everything in them that can be used has a name for screen readers."""

from __future__ import annotations

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog

from app.widgets.accessible import name_usable_widgets


class Dialog(QDialog):
    """Names its widgets when it is shown; what has no name of its own is called after the dialog."""

    def showEvent(self, event: QShowEvent) -> None:
        """Name what can be used."""
        super().showEvent(event)
        name_usable_widgets(self, self.windowTitle())
