"""Places that are kept while what stands in them comes and goes."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def reserve(widget: QWidget) -> None:
    """Keep the place of a widget while it is hidden."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def share_place(*widgets: QWidget) -> None:
    """Make widgets equally wide, of which one at a time is shown in the same place of a layout."""
    width = max(widget.sizeHint().width() for widget in widgets)
    for widget in widgets:
        widget.setMinimumWidth(width)
