"""Feature maps of a layer for one galaxy, on one scale, and the weights of the first layer."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.explain.widgets.colour_bar import ColourBar
from app.widgets.mosaic import Mosaic
from core.data.stretch import colour_table


class ResponseView(QWidget):
    """A map for each filter, with their common colour bar; below them the filters of the first layer.

    Notes
    -----
    Signals: ``clicked(number)``, counted from 0, at a click on a filter.
    """

    clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.note = QLabel(), QLabel("Click a filter to see its galaxies, or to hide them.")
        self.title.setProperty("role", "heading")
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        self.maps = Mosaic(None, clickable=True)
        self.bar = ColourBar()
        self.weights = Mosaic(None)
        heading = QLabel("Weights of the first layer")
        heading.setProperty("role", "heading")
        self.maps.clicked.connect(self.clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 0, 0, 0)
        column.addWidget(self.title)
        column.addWidget(self.maps, 3)
        column.addWidget(self.bar)
        column.addWidget(self.note)
        column.addWidget(heading)
        column.addWidget(self.weights, 1)

    def show_responses(self, responses: NDArray[np.float32], title: str) -> None:
        """Show maps (F, h, w), row 0 at the bottom; the scale starts at zero, or is symmetric if some are negative."""
        self.title.setText(title)
        high = float(responses.max())
        low = float(responses.min())
        if low < 0:
            high = max(high, -low)
            low, colour_map = -high, "blue-red"
        else:
            low, colour_map = 0.0, "magma"
        high = high if high > low else low + 1
        shades = ((responses - low) / (high - low) * 255).round().astype(np.uint8)
        peaks = responses.max(axis=(1, 2))
        tips = [f"Filter {number + 1}, at most {peak:.3g}" for number, peak in enumerate(peaks)]
        self.maps.set_pictures(list(colour_table(colour_map)[shades]), tips)
        self.bar.set_scale(low, high, colour_map)

    def show_weights(self, pictures: NDArray[np.uint8]) -> None:
        """Show the first layer's filters as pictures (F, k, k, 3)."""
        self.weights.set_pictures(list(pictures), [f"Filter {number + 1}" for number in range(len(pictures))])

    def set_marked(self, filters: Collection[int]) -> None:
        """Frame the chosen filters."""
        self.maps.set_marked(filters)

    def clear(self) -> None:
        """Show nothing."""
        self.title.clear()
        self.maps.set_pictures([])
        self.weights.set_pictures([])
        self.bar.clear()
