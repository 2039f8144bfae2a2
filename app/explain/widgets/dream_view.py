"""A dream: the start image, the present image, and the curve of the objective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.explain.widgets.growth_plot import GrowthPlot
from app.widgets.image_view import ImageView
from core.data.stretch import StretchSettings, colour_planes, limits, to_rgb

if TYPE_CHECKING:
    from core.explain.dream import Dream


_STARTS = {"noise": "Start: noise", "empty": "Start: empty sky", "galaxy": "Start: galaxy"}


class DreamView(QWidget):
    """Start image and dream side by side with the same limits and the network's output for each, and the curve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stretch, self._scale = StretchSettings(), math.nan
        self._galaxy_planes: tuple[int, int, int] | None = None
        self._planes: tuple[int, int, int] | None = None
        self.before_title, self.after_title = QLabel(), QLabel("Dream")
        self.before, self.after = ImageView(), ImageView()
        self.before_note, self.after_note = QLabel(), QLabel()
        self.curve = GrowthPlot()
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setRowStretch(1, 1)
        columns = (
            (self.before_title, self.before, self.before_note),
            (self.after_title, self.after, self.after_note),
        )
        for place, (title, view, note) in enumerate(columns):
            title.setProperty("role", "heading")
            note.setProperty("role", "muted")
            note.setWordWrap(True)
            grid.addWidget(title, 0, place)
            grid.addWidget(view, 1, place)
            grid.addWidget(note, 2, place)
            grid.setColumnStretch(place, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(grid, 2)
        column.addWidget(self.curve, 1)

    def set_look(
        self,
        stretch: StretchSettings,
        galaxy_bands: Sequence[str],
        dream_bands: Sequence[str],
        pixel_scale: float,
    ) -> None:
        """Show images with this stretch, these bands of galaxy and dream, and this scale in arcsec/pixel."""
        self._stretch, self._scale = stretch, pixel_scale
        self._galaxy_planes, self._planes = colour_planes(galaxy_bands), colour_planes(dream_bands)

    def show_galaxy(self, image: NDArray[np.float32], name: str) -> None:
        """Show the galaxy, (C, H, W), that a dream begins with or borrows from, and no dream."""
        self.clear()
        self.before_title.setText("Galaxy")
        self._show_image(self.before, image, image, self._galaxy_planes)
        self.before_note.setText(name)

    def begin(self, title: str, steps: int, wished: float | None) -> None:
        """Prepare for a dream of ``steps`` steps whose curve shows the quantity ``title``."""
        self.after.set_image(None)
        self.after_note.clear()
        self.curve.begin(title, steps, wished)

    def show_dream(self, dream: Dream) -> None:
        """Show a dream, finished or not."""
        both = np.stack([dream.start, dream.image])
        self.before_title.setText(_STARTS[dream.start_kind])
        self._show_image(self.before, dream.start, both, self._planes)
        self._show_image(self.after, dream.image, both, self._planes)
        self.before_note.setText(_describe_score(dream, dream.score_before, dream.probability_before))
        self.after_note.setText(_describe_score(dream, dream.score_after, dream.probability_after))
        self.curve.set_values(dream.curve)

    def clear(self) -> None:
        """Show nothing."""
        self.before.set_image(None)
        self.before_note.clear()
        self.begin("", 1, None)

    def _show_image(
        self,
        view: ImageView,
        image: NDArray[np.float32],
        both: NDArray[np.float32],
        planes: tuple[int, int, int] | None,
    ) -> None:
        """Show an image between the limits of ``both``, so that brightness can be compared."""
        low, high = limits(both, self._stretch)
        stretch = self._stretch.model_copy(update={"limits": "manual", "low": low, "high": high})
        view.set_image(to_rgb(image, stretch, planes), self._scale)


def _describe_score(dream: Dream, score: float, probability: float | None) -> str:
    """Format the network's output for an image."""
    if probability is not None:
        return f"{dream.output_name}: p = {probability:.3f}"
    return f"{dream.output_name}: {score:.3g} {dream.unit}".strip().replace(" -", " −")
