"""On what the decisions rest, class by class: a click on a share asks for its galaxies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.theme import class_colours
from app.widgets.share_bar import COLOUR, SHARE, ShareBar

if TYPE_CHECKING:
    from core.explain.belief.table import ClassBelief

_GROUNDS = {"galaxy": "Galaxy", "neighbour": "Neighbour", "sky": "Sky", "nothing": "Nothing"}
_TIPS = {
    "galaxy": "The galaxy's own pixels together speak most for the decision.",
    "neighbour": "The pixels of a neighbour or a star speak most for it.",
    "sky": "Pixels where nothing is speak most for it.",
    "nothing": "All pixels together speak against it, or not at all.",
}
_MEDIANS = ("Evidence on it", "Deletion", "Insertion")
_EVIDENCE_TIP = "Share of the evidence on the galaxy; after the stroke, the share of the image that it covers. Medians."
_AREA_TIP = (
    "Area under the curve of what the network still says while the pixels that the map points at go (deletion, small "
    "is good) or come (insertion, large is good); after the stroke, in random order. Medians."
)


class GroundTable(QTableWidget):
    """One line for each class, and one for all.

    Notes
    -----
    Signals: ``ground_clicked(name, ground)`` for the galaxies of a class whose decisions rest there.
    """

    ground_clicked = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        titles = ("Class", "Galaxies", *_GROUNDS.values(), *_MEDIANS)
        super().__init__(0, len(titles), parent)
        tips = ("", "", *_TIPS.values(), _EVIDENCE_TIP, _AREA_TIP, _AREA_TIP)
        for across, (title, tip) in enumerate(zip(titles, tips, strict=True)):
            head = _cell(title, across)
            head.setToolTip(tip)
            self.setHorizontalHeaderItem(across, head)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setItemDelegate(ShareBar(self))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(30)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setHighlightSections(False)
        self.cellClicked.connect(self._clicked)

    def show_classes(self, classes: Sequence[ClassBelief]) -> None:
        """Fill it; the last line may stand for all classes."""
        shades = dict(zip(_GROUNDS, class_colours(len(_GROUNDS)), strict=True))
        self.setRowCount(len(classes))
        for down, each in enumerate(classes):
            self.setItem(down, 0, _cell(each.name, 0))
            self.setItem(down, 1, _cell(f"{each.galaxies:,}".replace(",", "\u202f"), 1))
            for across, (ground, count) in enumerate(each.counts.items(), 2):
                share = count / each.galaxies if each.galaxies else 0.0
                item = _cell(_percent(share), across)
                item.setData(SHARE, share)
                item.setData(COLOUR, shades[ground])
                item.setToolTip(f"{count} of {each.galaxies}. Click to select them.")
                self.setItem(down, across, item)
            pairs = ((each.deletion, each.deletion_random), (each.insertion, each.insertion_random))
            medians = (map(_percent, (each.galaxy, each.area_galaxy)), *(map(_area, pair) for pair in pairs))
            for across, pair in enumerate(medians, 2 + len(_GROUNDS)):
                self.setItem(down, across, _cell(" / ".join(pair), across))
        height = self.horizontalHeader().sizeHint().height() + len(classes) * self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(height + self.horizontalScrollBar().sizeHint().height() + 4)

    def _clicked(self, down: int, across: int) -> None:
        name = self.item(down, 0)
        if name is not None and 2 <= across < 2 + len(_GROUNDS):
            self.ground_clicked.emit(name.text(), [*_GROUNDS][across - 2])


def _cell(text: str, column: int) -> QTableWidgetItem:
    """Names stand left, numbers right."""
    item = QTableWidgetItem(text)
    side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return item


def _area(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.0f} %"
