"""The button that saves what is shown: as a figure, or its numbers as a table."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.theme import icon


class SaveButton(QPushButton):
    """A button with a menu of two.

    Attributes
    ----------
    figure, numbers
        Its entries.
    choices
        The menu; its ``aboutToShow`` is the time to enable them.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(icon("mdi6.content-save-outline"), "", parent)
        self.setAccessibleName("Save")
        self.setToolTip("Save what is shown: the figure, or its numbers as a table.")
        self.choices = QMenu(self)
        self.choices.setToolTipsVisible(True)
        self.figure = self.choices.addAction("Figure…")
        self.figure.setToolTip("Save what is shown as PNG, SVG or PDF.")
        self.numbers = self.choices.addAction("Numbers…")
        self.numbers.setToolTip("Save the numbers behind it as a table: CSV, FITS, VOTable, Parquet or HDF5.")
        self.setMenu(self.choices)
