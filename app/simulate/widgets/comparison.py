"""Sixteen simulated galaxies, one of them beside a real one at the same stretch and zoom, and their histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.simulate.widgets.histogram_plot import HistogramPlot
from app.simulate.widgets.same_field import fit_to_field, pixels_across
from app.theme import icon
from app.widgets.image_view import ImageView
from app.widgets.inputs import WholeSpin
from app.widgets.message_line import MessageLine
from app.widgets.mosaic import Mosaic
from app.widgets.stretch_bar import StretchBar
from core.data.stretch import StretchSettings, colour_planes, thumbnails, to_rgb

_TILE = 128  # pixels of a stamp in the grid
_SEED = 110  # pixels
_NO_REAL = "Open or import your own galaxies, and the current one appears here at the same stretch and zoom."


class Comparison(QWidget):
    """Pictures and histograms of simulated galaxies and of the user's.

    Notes
    -----
    Signals: ``stepped(by)`` when the user leafs through the real galaxies; ``band_chosen()`` when another band of them
    is to be compared; ``seed_chosen(seed)`` when other galaxies are to be simulated.
    """

    stepped = Signal(int)
    band_chosen = Signal()
    seed_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stamps: NDArray[np.float32] = np.empty((0, 1, 1, 1), np.float32)
        self._planes: tuple[int, int, int] | None = None
        self._scale = self._real_scale = math.nan
        self._tips: Sequence[str] = ()
        self._real: NDArray[np.float32] | None = None
        self._real_bands: Sequence[str] = ()
        self._place = 0
        self._build()
        self._lay_out()
        self.stretch.changed.connect(self._draw)
        self.mosaic.clicked.connect(self.pick)
        self.band.activated.connect(self._choose_band)
        self.others.clicked.connect(lambda _checked=False: self.seed.stepUp())
        self.seed.valueChanged.connect(self.seed_chosen)
        self.back.clicked.connect(lambda _checked=False: self.stepped.emit(-1))
        self.forward.clicked.connect(lambda _checked=False: self.stepped.emit(1))
        self.set_real(None, math.nan, "")

    def _build(self) -> None:
        self.stretch = StretchBar()
        self.stretch.set_value(StretchSettings(limits="sky"))
        self.seed, self.others = WholeSpin(), QToolButton()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setPrefix("Seed ")
        self.seed.setFixedWidth(_SEED)
        self.seed.setKeyboardTracking(False)
        self.seed.setToolTip("Origin of all randomness: with one seed, only what you change changes.")
        self.others.setIcon(icon("mdi6.dice-multiple-outline"))
        self.others.setToolTip("Other galaxies: the next seed.")
        self.others.setAccessibleName("Other galaxies")
        self.mosaic = Mosaic(4, clickable=True)
        self.mosaic.setMinimumSize(200, 200)
        self.problem = MessageLine(1, "problem", grows=True, insists=True)
        self.simulated, self.real = ImageView(), ImageView()
        self.simulated_text, self.real_text = (MessageLine(2, grows=True, insists=True) for _ in range(2))
        self.real_name = _heading("Your galaxy")
        self.band = QComboBox()
        self.band.setToolTip("The band of your galaxies that is compared.")
        self.band.setMinimumContentsLength(4)
        self.back, self.forward = QToolButton(), QToolButton()
        for button, text, tip in ((self.back, "‹", "The galaxy before"), (self.forward, "›", "The next galaxy")):
            button.setText(text)
            button.setToolTip(f"{tip} in the open dataset.")
            button.setAccessibleName(tip)
        self.invitation = QLabel(_NO_REAL)
        self.invitation.setProperty("role", "muted")
        self.invitation.setWordWrap(True)
        self.invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.noise_plot, self.size_plot = HistogramPlot("Sky noise"), HistogramPlot("Measured radius")
        self.legend, self.remarks = MessageLine(4, grows=True), MessageLine(1, grows=True)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.stretch, 1)
        for widget in (self.seed, self.others):
            head.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
        simulated_place, real_place = _SquarePlace(), _SquarePlace()
        QStackedLayout(simulated_place).addWidget(self.simulated)
        self._real_pages = QStackedLayout(real_place)
        self._real_pages.addWidget(self.invitation)
        self._real_pages.addWidget(self.real)
        leaf = QHBoxLayout()
        leaf.addWidget(self.real_name, 1)
        for widget in (self.band, self.back, self.forward):
            leaf.addWidget(widget)
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.addWidget(_heading("Simulated"), 0, 0)
        grid.addLayout(leaf, 0, 1)
        grid.addWidget(simulated_place, 1, 0)
        grid.addWidget(real_place, 1, 1)
        grid.addWidget(self.simulated_text, 2, 0)
        grid.addWidget(self.real_text, 2, 1, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.noise_plot, 3, 0)
        grid.addWidget(self.size_plot, 3, 1)
        for column in range(2):
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(1, 4)
        grid.setRowStretch(3, 3)
        pictures = QHBoxLayout()
        pictures.setSpacing(14)
        left = QVBoxLayout()
        left.addWidget(self.mosaic, 1)
        left.addWidget(self.problem)
        left.addWidget(self.remarks)
        left.addWidget(self.legend)
        pictures.addLayout(left, 5)
        pictures.addLayout(grid, 6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addLayout(pictures, 1)

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def compared_band(self) -> int:
        """The plane of the real galaxies that is compared."""
        return max(0, self.band.currentIndex())

    @property
    def place(self) -> int:
        """Which of the simulated galaxies is shown large."""
        return self._place

    def set_simulated(
        self, stamps: NDArray[np.float32], bands: Sequence[str], pixel_scale: float, tips: Sequence[str]
    ) -> None:
        """Show simulated stamps (n, C, H, W), with a description of each; the one looked at stays in its place."""
        self._stamps, self._planes = stamps, colour_planes(bands)
        self._scale, self._tips = pixel_scale, tips
        self._place = min(self._place, len(stamps) - 1)
        self._draw()

    def set_real_bands(self, bands: Sequence[str], wanted: str) -> None:
        """Offer the bands of the real galaxies; the one that is called ``wanted`` is chosen, or else the middle one."""
        self._real_bands = bands
        self.band.clear()
        self.band.addItems(list(bands))
        same = [place for place, name in enumerate(bands) if name.casefold().endswith(wanted.casefold())]
        self.band.setCurrentIndex(same[0] if same and wanted else len(bands) // 2)
        self.band.setVisible(len(bands) > 1)

    def set_real(self, stamp: NDArray[np.float32] | None, pixel_scale: float, name: str) -> None:
        """Show a real stamp (C, H, W); None: there is none."""
        self._real, self._real_scale = stamp, pixel_scale
        self.real_name.setText(name or "Your galaxy")
        self._real_pages.setCurrentIndex(0 if stamp is None else 1)
        for widget in (self.back, self.forward):
            widget.setVisible(stamp is not None)
        self.band.setVisible(stamp is not None and self.band.count() > 1)
        self._draw_real()

    def show_seed(self, seed: int) -> None:
        """Show which seed the simulated galaxies have."""
        with QSignalBlocker(self.seed):
            self.seed.setValue(seed)

    def say(self, problem: str) -> None:
        """Say why nothing can be simulated; empty: it can."""
        self.problem.setText(problem)

    def show_remarks(self, remarks: Sequence[str]) -> None:
        """Say what is to be known of the files and priors."""
        self.remarks.setText(" ".join(remarks))

    def pick(self, place: int) -> None:
        """Show one of the simulated galaxies large."""
        self._place = place
        self._draw()

    def _choose_band(self, _place: int) -> None:
        self._draw()
        self.band_chosen.emit()

    def _draw(self, _settings: object = None) -> None:
        settings = self.stretch.value()
        if len(self._stamps):
            self.mosaic.set_pictures([*self._pictures(settings)], self._tips)
            self.mosaic.set_marked({self._place})
            self.simulated.set_image(to_rgb(self._stamps[self._place], settings, self._planes), self._scale)
            self.simulated_text.setText(self._tips[self._place] if self._tips else "")
        self._draw_real()

    def _draw_real(self) -> None:
        settings = self.stretch.value()
        if self._real is None:
            self.real.set_image(None)
            self.real_text.clear()
            return
        planes = colour_planes(self._real_bands) if self._planes is not None else self.compared_band
        side = self._stamps.shape[-1] if len(self._stamps) else self._real.shape[-1]
        across = pixels_across(side, self._scale, self._real_scale)
        self.real.set_image(fit_to_field(to_rgb(self._real, settings, planes), across), self._real_scale)
        self.real_text.setText(self._describe_zoom(across))

    def _pictures(self, settings: StretchSettings) -> NDArray[np.uint8]:
        """The pictures of the grid; large stamps are drawn smaller."""
        side = min(_TILE, self._stamps.shape[-1])
        return thumbnails(self._stamps, settings, side, self._planes)

    def _describe_zoom(self, across: int) -> str:
        if not (math.isfinite(self._real_scale) and math.isfinite(self._scale)):
            return "Shown pixel for pixel: the pixel scale is not known."
        return f"The same {across * self._real_scale:.3g}″, at {self._real_scale:.3g}″ per pixel."


class _SquarePlace(QWidget):
    """No higher than it is wide."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setMaximumHeight(max(event.size().width(), self.minimumSizeHint().height()))


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
