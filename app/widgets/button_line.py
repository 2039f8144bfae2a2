"""Buttons side by side."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget


def button_line(*widgets: QWidget | None) -> QHBoxLayout:
    """Lay out widgets side by side; None: a stretchable gap."""
    line = QHBoxLayout()
    for widget in widgets:
        if widget is None:
            line.addStretch(1)
        else:
            line.addWidget(widget)
    return line
