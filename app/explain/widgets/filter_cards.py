"""Cards of filters: image regions and patterns in the galaxies with the strongest activation."""

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
    """A card for each filter, row by row.

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
        self.mosaics: Sequence[FilterMosaic] = ()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inner)

    def show_filters(self, mosaics: Sequence[FilterMosaic]) -> None:
        """Show these filters in place of the previous ones."""
        for card in self.cards:
            self._flow.removeWidget(card)
            card.hide()  # deleteLater may take a while
            card.deleteLater()
        self.mosaics, self.cards = mosaics, [FilterCard(each) for each in mosaics]
        for card in self.cards:
            card.galaxy_clicked.connect(self.galaxy_clicked)
            self._flow.addWidget(card)

    def set_current(self, row: int) -> None:
        """Frame a galaxy wherever it appears among the strongest."""
        for card in self.cards:
            card.set_current(row)


class FilterCard(QWidget):
    """Title, and two grids of three by three, the strongest galaxy at the top left.

    Parameters
    ----------
    mosaic
        The filter's pictures.

    Notes
    -----
    Signals: ``galaxy_clicked(row)`` at a click on a region or its pattern.
    """

    galaxy_clicked = Signal(int)

    def __init__(self, mosaic: FilterMosaic, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = [place.row for place in mosaic.places]
        heading = QLabel(f"Filter {mosaic.number + 1}")
        heading.setProperty("role", "heading")
        self.summary = QLabel(mosaic.class_counts if self._rows else "answers to none")
        self.summary.setProperty("role", "muted")
        self.summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.addWidget(heading, 0, 0)
        grid.addWidget(self.summary, 0, 1)
        tips = [
            "\n".join(filter(None, (place.galaxy_id, place.class_name, f"response {place.response:.3g}")))
            for place in mosaic.places
        ]
        self.regions, self.patterns = Mosaic(_SIDE, clickable=True), Mosaic(_SIDE, clickable=True)
        for column, (grid_view, pictures) in enumerate(
            ((self.regions, mosaic.regions), (self.patterns, mosaic.patterns))
        ):
            grid_view.setFixedSize(QSize(_WIDTH, _WIDTH))
            grid_view.set_pictures(list(pictures), tips)
            grid_view.clicked.connect(lambda place: self.galaxy_clicked.emit(self._rows[place]))
            grid.addWidget(grid_view, 1, column)

    def set_current(self, row: int) -> None:
        """Frame that galaxy in both grids, if it is there."""
        places = [place for place, other in enumerate(self._rows) if other == row]
        self.regions.set_marked(places)
        self.patterns.set_marked(places)
