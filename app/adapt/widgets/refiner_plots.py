"""How the training of a refiner goes: losses of both networks, and how often refined stamps are told from real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.theme import colours
from app.widgets.plain_text import RichLabel
from app.widgets.plot import Plot

if TYPE_CHECKING:
    from core.adapt.refiner.folder import RefinerEpoch

_UNDECIDED = float(np.log(2))  # loss of a discriminator that cannot tell


class RefinerPlots(QWidget):
    """Two plots over the epochs, with the epoch marked whose weights are kept."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: list[RefinerEpoch] = []
        self.losses, self.accuracy = Plot("Loss", "Epoch", still=True), Plot("Told right [%]", "Epoch", still=True)
        self._curves = {name: self.losses.plot(symbolSize=5) for name in ("refiner", "discriminator")}
        self._told = self.accuracy.plot(symbolSize=6)
        self._errors = pg.ErrorBarItem(beam=0.15)
        self.accuracy.addItem(self._errors)
        self._undecided = pg.InfiniteLine(_UNDECIDED, angle=0)
        self._chance = pg.InfiniteLine(
            50, angle=0, label="chance", labelOpts={"position": 0.06, "anchors": [(0, 1), (0, 1)]}
        )
        self._best = pg.InfiniteLine(angle=90, label="best {value:.0f}", labelOpts={"position": 0.92})
        self.losses.addItem(self._undecided)
        self.accuracy.addItem(self._chance)
        self.accuracy.getViewBox().addItem(self._best, ignoreBounds=True)
        self.legend = RichLabel()
        line = QHBoxLayout()
        line.setSpacing(8)
        for plot in (self.losses, self.accuracy):
            plot.setMinimumSize(160, 110)
            line.addWidget(plot, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(line, 1)
        column.addWidget(self.legend)
        self.set_history([])
        self._apply_theme()

    @property
    def history(self) -> list[RefinerEpoch]:
        """The epochs that are drawn."""
        return list(self._history)

    def set_history(self, history: Sequence[RefinerEpoch]) -> None:
        """Draw epochs; epoch 0 is the test of the simulated stamps as they are."""
        self._history = list(history)
        epochs = np.array([each.epoch for each in history], np.float64)
        trained = epochs > 0

        def values(name: str) -> NDArray[np.float64]:
            return np.array([getattr(each, name) for each in history], np.float64)

        for name, curve in self._curves.items():
            curve.setData(epochs[trained], values(name)[trained])
        told = 100 * values("accuracy")
        self._told.setData(epochs, told)
        self._errors.setData(x=epochs, y=told, height=200 * values("error"))
        best = min(((each.accuracy, -each.epoch) for each in history if each.epoch), default=None)
        self._best.setVisible(best is not None)
        if best is not None:
            self._best.setValue(-best[1])
        self.accuracy.getViewBox().setYRange(40, 100, padding=0.02)
        for plot in (self.losses, self.accuracy):
            plot.getViewBox().setXRange(0, max(5.0, epochs.max(initial=0)), padding=0.03)

    def add(self, epoch: RefinerEpoch) -> None:
        """Draw one epoch more; one that was drawn before, and all after it, are drawn anew."""
        self.set_history([each for each in self._history if each.epoch < epoch.epoch] + [epoch])

    def _apply_theme(self) -> None:
        chosen = colours()
        looks = {"refiner": (chosen.train, "o"), "discriminator": (chosen.validation, "t1")}
        for name, (colour, symbol) in looks.items():
            curve = self._curves[name]
            curve.setPen(pg.mkPen(colour, width=1))
            curve.setSymbol(symbol)
            curve.setSymbolBrush(colour)
            curve.setSymbolPen(chosen.surface)
        self._told.setPen(pg.mkPen(chosen.text, width=1))
        self._told.setSymbol("s")
        self._told.setSymbolBrush(chosen.text)
        self._told.setSymbolPen(chosen.surface)
        self._errors.setOpts(pen=pg.mkPen(chosen.text, width=1.2))
        dashed = pg.mkPen(chosen.muted, width=1, style=Qt.PenStyle.DashLine)
        for line in (self._undecided, self._chance, self._best):
            line.setPen(dashed)
        for line in (self._chance, self._best):
            line.label.setColor(chosen.muted)
        self.legend.setText(
            f'<span style="color:{chosen.train}">● refiner</span> &nbsp; '
            f'<span style="color:{chosen.validation}">▲ discriminator</span> &nbsp; '
            f'<span style="color:{chosen.text}">■ two-sample test on held-out galaxies, standard error</span>'
        )

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "legend"):
            self._apply_theme()
        super().changeEvent(event)
