"""Where the parts come from: drawn by the program, or given by a column."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from core.data.settings import DRAWN


class PartsSource(QComboBox):
    """A choice among drawn parts and the columns that hold parts; hidden where there is no choice.

    Notes
    -----
    Signals: ``chosen(column)``, as the settings name it.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._declared = ""
        self.setToolTip("Parts are drawn by the names of the galaxies, or given by a column of the catalogue.")
        self.activated.connect(lambda place: self.chosen.emit(self._setting(self.itemData(place))))

    def show_columns(self, columns: Sequence[str], declared: str, in_use: str) -> None:
        """Offer columns.

        Parameters
        ----------
        columns
            Those that hold parts.
        declared
            The one that the dataset was imported with; empty: none.
        in_use
            The one that gives the parts; empty: they are drawn.
        """
        self._declared = declared
        with QSignalBlocker(self):
            self.clear()
            self.addItem("Drawn by the names of the galaxies", "")
            for name in dict.fromkeys(filter(None, (declared, *columns, in_use))):
                self.addItem(f"Given by column “{name}”", name)
            self.setCurrentIndex(max(0, self.findData(in_use)))
        self.setVisible(self.count() > 1)

    def _setting(self, column: str) -> str:
        if column == self._declared:
            return ""
        return column or DRAWN
