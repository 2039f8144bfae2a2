"""A grid of means with their errors, coloured from the worst to the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QHeaderView, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from app.theme import colours
from core.metrics.uncertainty import plus_minus
from core.printable import on_one_line

if TYPE_CHECKING:
    from core.studies.pictures import Grid

_STRONGEST = 0.8  # share of the accent in the best cell
_FAINTEST = 0.06
_EVEN_LUMINANCE = 0.18
_LEAST_WIDTH, _LEAST_HEIGHT = 70, 40  # pixels of a cell


class GridTable(QWidget):
    """Cells with mean and standard error; the sampling error is in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid: Grid | None = None
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.title.setProperty("role", "muted")
        self.table = QTableWidget()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for header, least in (
            (self.table.horizontalHeader(), _LEAST_WIDTH),
            (self.table.verticalHeader(), _LEAST_HEIGHT),
        ):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            header.setMinimumSectionSize(least)
            header.setHighlightSections(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addWidget(self.table, 1)

    @property
    def shown(self) -> Grid | None:
        """What is on display."""
        return self._grid

    def set_grid(self, grid: Grid | None) -> None:
        """Show a grid; None: nothing."""
        self._grid = grid
        self._draw()

    def _draw(self) -> None:
        grid = self._grid
        self.table.clear()
        self.table.setRowCount(0 if grid is None else len(grid.rows))
        self.table.setColumnCount(0 if grid is None else len(grid.columns))
        self.title.clear()
        if grid is None:
            return
        errors = "±: standard error of the mean of the runs"
        self.title.setText(f"{grid.what}, {grid.about}. Rows: {grid.down}; columns: {grid.across}. {errors}.")
        self.table.setHorizontalHeaderLabels([on_one_line(text) for text in grid.columns])
        self.table.setVerticalHeaderLabels([on_one_line(text) for text in grid.rows])
        shares = _shares(grid)
        for (row, column), mean in np.ndenumerate(grid.means):
            self.table.setItem(
                row,
                column,
                _cell(
                    float(mean),
                    float(grid.scatter[row, column]),
                    float(grid.sampling[row, column]),
                    float(shares[row, column]),
                ),
            )

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()
        super().changeEvent(event)


def _cell(mean: float, scatter: float, sampling: float, share: float) -> QTableWidgetItem:
    if not np.isfinite(mean):
        item = QTableWidgetItem("–")
        item.setToolTip("Not measured")
    else:
        item = QTableWidgetItem(f"{mean:.3f}" + (f"\n{error}" if (error := plus_minus(scatter, ".3f").strip()) else ""))
        known = plus_minus(sampling, ".3f").strip()
        item.setToolTip(f"Sampling error of the judged galaxies: {known or 'unknown'}")
        ground = _mix(share)
        item.setBackground(QBrush(ground))
        item.setForeground(QBrush(_legible_on(ground)))
    item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
    return item


def _legible_on(ground: QColor) -> QColor:
    """Black or white, whichever has the higher contrast (WCAG: the two are equal at a luminance of 0.18)."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    luminance = 0.2126 * linear(ground.redF()) + 0.7152 * linear(ground.greenF()) + 0.0722 * linear(ground.blueF())
    return QColor("#000000" if luminance > _EVEN_LUMINANCE else "#ffffff")


def _shares(grid: Grid) -> np.ndarray:
    """From 0, the worst of the cells, to 1, the best."""
    values = grid.means if grid.rises else -grid.means
    if not np.isfinite(values).any():
        return np.zeros_like(values)
    low, high = np.nanmin(values), np.nanmax(values)
    return np.nan_to_num((values - low) / (high - low)) if high > low else np.ones_like(values)


def _mix(share: float) -> QColor:
    """Between the surface and the accent of the theme."""
    strength = _FAINTEST + (_STRONGEST - _FAINTEST) * share
    ground, accent = QColor(colours().surface), QColor(colours().accent)

    def between(a: float, b: float) -> float:
        return a + strength * (b - a)

    return QColor.fromRgbF(
        between(ground.redF(), accent.redF()),
        between(ground.greenF(), accent.greenF()),
        between(ground.blueF(), accent.blueF()),
    )
