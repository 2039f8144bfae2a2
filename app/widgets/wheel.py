"""The wheel scrolls what is under the mouse; a value changes by it only in the field that has the focus."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar, QWidget

_KINDS = (QComboBox, QAbstractSpinBox, QAbstractSlider)
_GUARDED = "wheel guarded"


class WheelGuard(QObject):
    """Passes the wheel on to what lies around the fields of a widget, unless they have the focus."""

    def guard(self, root: QWidget) -> None:
        """Guard all fields of a widget, those included that were added since the last time."""
        for kind in _KINDS:
            for field in root.findChildren(kind):
                if not isinstance(field, QScrollBar) and not field.property(_GUARDED):
                    field.setProperty(_GUARDED, True)
                    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel alone gives no focus
                    field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ignore the wheel, so that it goes to the parent."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False
