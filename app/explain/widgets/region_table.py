"""The image regions that the decisions rest on, class by class; a click on a share selects its galaxies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.theme import colours
from app.widgets.number_table import NumberTable
from app.widgets.share_bar import COLOUR, SHARE, ShareBar
from core.wording import percent

if TYPE_CHECKING:
    from core.explain.faithfulness.table import ClassFaithfulness

_AREA_TIP = (
    "Area under the curve of the network's output while the pixels that matter most by the map are removed (deletion, "
    "small is good) or inserted (insertion, large is good); after the slash, in random order. Medians."
)
_REGIONS = {
    "galaxy": ("Galaxy", "The evidence for the decision lies on the galaxy more than anywhere else, area for area."),
    "neighbour": ("Neighbour", "It lies on a neighbour or a star."),
    "sky": ("Sky", "It lies on empty sky."),
    "nothing": ("Nothing", "It lies nowhere in particular, or there is none."),
}
_MEDIANS = {
    "Evidence on it": "Share of the evidence on the galaxy; after the slash, of the image that it covers. Medians.",
    "Deletion": _AREA_TIP,
    "Insertion": _AREA_TIP,
}
_FIRST_REGION = 2  # the first column of a region


class RegionTable(NumberTable):
    """One row for each class, and one for all.

    Notes
    -----
    Signals: ``region_clicked(name, region)`` for the galaxies of a class whose decisions rest there.
    """

    region_clicked = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(30, parent)
        self.setItemDelegate(ShareBar(self))
        self.cellClicked.connect(self._clicked)

    def show_classes(self, classes: Sequence[ClassFaithfulness]) -> None:
        """Fill the table; the last row may stand for all classes."""
        heads = ("Class", "Galaxies", *(title for title, _ in _REGIONS.values()), *_MEDIANS)
        self.fill(heads, [_texts(each) for each in classes])
        for across, tip in enumerate((*(tip for _, tip in _REGIONS.values()), *_MEDIANS.values()), _FIRST_REGION):
            self.model().setHeaderData(across, Qt.Orientation.Horizontal, tip, Qt.ItemDataRole.ToolTipRole)
        shades = [colours().accent] * len(_REGIONS)  # the colours of the classes are those of the points beside
        for down, each in enumerate(classes):
            for across, (count, shade) in enumerate(zip(each.counts.values(), shades, strict=True), _FIRST_REGION):
                item = self.item(down, across)
                assert item is not None
                item.setData(SHARE, count / each.galaxies)
                item.setData(COLOUR, shade)
                item.setToolTip(f"{count} of {each.galaxies}. Click to select them.")
        self.setMinimumHeight(self.maximumHeight())

    def _clicked(self, down: int, across: int) -> None:
        name = self.item(down, 0)
        if name is not None and _FIRST_REGION <= across < _FIRST_REGION + len(_REGIONS):
            self.region_clicked.emit(name.text(), [*_REGIONS][across - _FIRST_REGION])


def _texts(each: ClassFaithfulness) -> tuple[str, ...]:
    shares = (_percent(count / each.galaxies) for count in each.counts.values())
    evidence = f"{_percent(each.galaxy)} / {_percent(each.area_galaxy)}"
    pairs = ((each.deletion, each.deletion_random), (each.insertion, each.insertion_random))
    areas = (" / ".join(map(_area, pair)) for pair in pairs)
    return each.name, f"{each.galaxies:,}", *shares, evidence, *areas


def _area(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else percent(share)
