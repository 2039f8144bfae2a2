"""The base of all plots: in the colours of the theme, without menus and buttons."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QWidget

from app.theme import colours
from app.widgets.context_menu import offer_view
from app.widgets.plain_text import in_html


class Plot(pg.PlotWidget):
    """Axes with titles, without automatic SI prefixes.

    Parameters
    ----------
    left, bottom
        Titles of the axes.
    still
        Whether panning and zooming are off.
    width
        Pixels for the numbers on the left.
    """

    def __init__(
        self, left: str = "", bottom: str = "", *, still: bool = False, width: int = 56, parent: QWidget | None = None
    ) -> None:
        self._titles: dict[
            str, str
        ] = {}  # empty while there are no axes: Qt sends a palette change during construction
        super().__init__(parent, enableMenu=False)  # which would be built at once, and is not shown
        self._titles = {"left": left, "bottom": bottom}
        offer_view(self)
        self.hideButtons()
        self.setMouseEnabled(x=not still, y=not still)
        self.getAxis("left").setWidth(width)
        self._apply_theme()

    def set_titles(self, left: str, bottom: str) -> None:
        """Set the titles of the axes."""
        self._titles = {"left": left, "bottom": bottom}
        self._apply_theme()

    def _apply_theme(self) -> None:
        chosen = colours()
        self.setBackground(chosen.surface)
        self.showGrid(x=True, y=True, alpha=0.12)
        for side, title in self._titles.items():
            axis = self.getAxis(side)
            axis.setPen(chosen.line)
            axis.setTextPen(chosen.muted)
            if title:
                axis.setLabel(in_html(title), siPrefixEnableRanges=(), color=chosen.muted)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange and self._titles:
            self._apply_theme()
        super().changeEvent(event)
