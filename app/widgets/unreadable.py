"""What cannot be read among other things in a list: it is named, with the reason, and cannot be chosen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox

from app.widgets.plain_text import as_written
from core.errors import Problem

MARK = "unreadable"


def describe_unreadable(problem: Problem) -> str:
    """Why something in a list cannot be read, with the name of its file: the list itself tells where that is."""
    return f"Unreadable. {Path(problem.where).name}: {problem.text}"


def mark_unreadable(chooser: QComboBox, place: int, problem: Problem) -> None:
    """Mark an entry of a chooser as unreadable, and keep it from being chosen; its tooltip gives the reason."""
    chooser.setItemText(place, f"{chooser.itemText(place)} ({MARK})")
    chooser.setItemData(place, as_written(str(problem)), Qt.ItemDataRole.ToolTipRole)
    model = chooser.model()
    assert isinstance(model, QStandardItemModel)
    model.item(place).setEnabled(False)
