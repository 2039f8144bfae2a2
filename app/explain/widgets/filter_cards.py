"""Filters: what each sees in the galaxies that excite it most, as image regions and as patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QWidget

from app.widgets.flow import FlowLayout
from app.widgets.mosaic import Mosaic

if TYPE_CHECKING:
    from core.explain.mosaics import FilterMosaic

_SIDE = 3  # pictures in a line, and lines
_WIDTH = 176  # pixels: three pictures


class FilterCards(QScrollArea):
    """A card for each filter, line after line.

    Notes
    -----
    Signals: ``galaxy_clicked(row)`` with the galaxy's row in the dataset.
    """

    galaxy_clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        inner = QWidget()
        self._flow = FlowLayout(inner, spacing=18)
        self.cards: list[FilterCard] = []
        self.drawn: Sequence[FilterMosaic] = ()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inner)

    def show_filters(self, drawn: Sequence[FilterMosaic]) -> None:
        """Show these filters instead of those before."""
        for card in self.cards:
            self._flow.removeWidget(card)
            card.hide()  # it may take a while until it is gone
            card.deleteLater()
        self.drawn, self.cards = drawn, [FilterCard(each) for each in drawn]
        for card in self.cards:
            card.galaxy_clicked.connect(self.galaxy_clicked)
            self._flow.addWidget(card)

    def set_current(self, row: int) -> None:
        """Frame a galaxy wherever it is among the strongest."""
        for card in self.cards:
            card.set_current(row)


class FilterCard(QWidget):
    """Title, and two mosaics of three by three, the strongest galaxy at the top left.

    Parameters
    ----------
    drawn
        The filter's pictures.

    Notes
    -----
    Signals: ``galaxy_clicked(row)`` at a click on a region or its pattern.
    """

    galaxy_clicked = Signal(int)

    def __init__(self, drawn: FilterMosaic, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = [place.row for place in drawn.places]
        heading = QLabel(f"Filter {drawn.number + 1}")
        heading.setProperty("role", "heading")
        self.told = QLabel(drawn.class_counts if self._rows else "answers to none")
        self.told.setProperty("role", "muted")
        self.told.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.addWidget(heading, 0, 0)
        grid.addWidget(self.told, 0, 1)
        tips = [
            "\n".join(filter(None, (place.galaxy_id, place.class_name, f"response {place.response:.3g}")))
            for place in drawn.places
        ]
        self.regions, self.patterns = Mosaic(_SIDE, clickable=True), Mosaic(_SIDE, clickable=True)
        for column, (mosaic, pictures) in enumerate(((self.regions, drawn.regions), (self.patterns, drawn.patterns))):
            mosaic.setFixedSize(QSize(_WIDTH, _WIDTH))
            mosaic.set_pictures(list(pictures), tips)
            mosaic.clicked.connect(lambda place: self.galaxy_clicked.emit(self._rows[place]))
            grid.addWidget(mosaic, 1, column)

    def set_current(self, row: int) -> None:
        """Frame that galaxy in both mosaics, if it is there."""
        places = [place for place, other in enumerate(self._rows) if other == row]
        self.regions.set_marked(places)
        self.patterns.set_marked(places)
