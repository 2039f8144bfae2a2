"""Names for screen readers: every widget that can be used has one, its own or one that follows from what is seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocumentFragment
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QGroupBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)

_USABLE = (
    *(QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QAbstractSlider, QAbstractItemView),
    *(QTextEdit, QPlainTextEdit),
)
_GENERAL = {"Plot", "NumberTable", "WholeSpin", "DecimalSpin", "CheckList", "Mosaic"}
_SENTENCE = re.compile(r"[.:;]\s|\n")


def usable_widgets(root: QWidget) -> Iterator[QWidget]:
    """What a user can press, type into, choose from or move in; not the parts of which Qt makes such widgets."""
    for widget in root.findChildren(QWidget):
        if isinstance(widget, QScrollBar | QHeaderView | QScrollArea | QTabBar) or _is_part(widget):
            continue
        if isinstance(widget, QAbstractButton) and not widget.text() and widget.icon().isNull():
            continue  # there is nothing to press before it gets a text
        if isinstance(widget, _USABLE) or widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            yield widget


def _is_part(widget: QWidget) -> bool:
    """Whether Qt has made it as a part of another widget: the list of a combo box, the line of a spin box."""
    parent = widget.parentWidget()
    if widget.objectName().startswith("qt_") or isinstance(parent, QComboBox | QAbstractSpinBox | QTabBar):
        return True
    if isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget:
        return True
    above = parent
    while above is not None:
        if isinstance(above, QComboBox | QAbstractItemView | QLineEdit):
            return True
        above = above.parentWidget()
    return False


def name_of(widget: QWidget) -> str:
    """The name that a screen reader says: its own, or the text on it."""
    if widget.accessibleName():
        return widget.accessibleName()
    if isinstance(widget, QAbstractButton):
        return widget.text().replace("&&", "&").strip()
    return ""


def name_usable_widgets(root: QWidget, fallback: str) -> None:
    """Name what has no name yet: after its label, its placeholder or the beginning of its tooltip.

    Parameters
    ----------
    root
        All that is in it is named; what is made later must be named where it is made.
    fallback
        For what nothing is known of, such as the title of the panel.
    """
    labels = {label.buddy(): label.text() for label in root.findChildren(QLabel) if label.buddy() is not None}
    for widget in usable_widgets(root):
        if name_of(widget):
            continue
        placeholder = widget.placeholderText() if isinstance(widget, QLineEdit) else ""
        name = labels.get(widget, "") or placeholder or _begin(widget.toolTip()) or _kind(widget) or _above(widget)
        widget.setAccessibleName((name or fallback).replace("&", "").strip(" :…"))


def _kind(widget: QWidget) -> str:
    """What a widget of our own is, by the name of its class: “Confusion matrix”; empty: one of Qt's, or too general."""
    kind = type(widget).__name__
    if type(widget).__module__.split(".")[0] != "app" or kind in _GENERAL or kind.startswith("_"):
        return ""
    words = re.findall(r"[A-Z][a-z]+", kind)
    return " ".join(words).capitalize()


def _begin(tip: str) -> str:
    """The first sentence of a tooltip."""
    text = QTextDocumentFragment.fromHtml(tip).toPlainText() if "<" in tip else tip
    return _SENTENCE.split(text.strip(), maxsplit=1)[0].rstrip(".")


def _above(widget: QWidget) -> str:
    """The name of what it lies in."""
    parent = widget.parentWidget()
    while parent is not None:
        if parent.accessibleName():
            return parent.accessibleName()
        if isinstance(parent, QGroupBox):
            return parent.title()
        parent = parent.parentWidget()
    return ""
