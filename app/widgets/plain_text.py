"""Names and sentences of the user, shown as they are written: Qt takes what looks like HTML for HTML.

A class may be called ``a<5``, a file ``<new>.fits``; a label or a tooltip would swallow part of either.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QLabel, QWidget


def as_written(text: str) -> str:
    """A text for a tooltip or a message box, which cannot be told to take it as plain text."""
    if not GuiQt.mightBeRichText(text):
        return text
    return f'<p style="white-space: pre-wrap">{escape(text)}</p>'


def on_button(text: str) -> str:
    """A text for a button or a menu, which would take an ampersand for the mark of a shortcut."""
    return text.replace("&", "&&")


def show_as_written(root: QWidget) -> None:
    """Have all labels of a widget show their texts as written, except for those that were declared rich text."""
    for label in root.findChildren(QLabel):
        if label.textFormat() == Qt.TextFormat.AutoText:
            label.setTextFormat(Qt.TextFormat.PlainText)
