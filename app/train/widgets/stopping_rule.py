"""The early-stopping rule, drawn on the validation curve, and the noise of that curve."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt

from app.theme import Colours
from core.train import stopping, verdict
from core.train.settings import StoppingSettings

_FEWEST_VALUES = 5  # for the running median


class StoppingRule:
    """A bar at the value to beat, as long as the patience, and a band as wide as the noise of the curve.

    Parameters
    ----------
    plot
        Where it is drawn.
    """

    def __init__(self, plot: pg.PlotWidget) -> None:
        self._low, self._high = pg.PlotDataItem(), pg.PlotDataItem()
        self._band = pg.FillBetweenItem(self._low, self._high)
        self._bar = pg.PlotDataItem()
        self._end = pg.TextItem(anchor=(1, 1))
        box = plot.getViewBox()
        for item in (self._low, self._high, self._band, self._end):
            box.addItem(item, ignoreBounds=True)
        plot.addItem(self._bar)  # counts for the limits: the end of the patience has to be in view
        self._logarithmic = False
        self.clear()

    def clear(self) -> None:
        """Remove rule and band."""
        self.stops_at = 0
        self.to_beat = math.nan
        for item in (self._low, self._high, self._bar):
            item.setData([], [])
        self._band.hide()
        self._end.hide()

    def show(
        self, epochs: NDArray[np.float64], values: NDArray[np.float64], settings: StoppingSettings, planned: int
    ) -> None:
        """Draw the rule after these epochs.

        Parameters
        ----------
        epochs, values
            (n,) the monitored quantity as drawn.
        settings
            The rule; patience 0 means that it never stops early.
        planned
            Epochs of the whole training; it does not stop early if they end before the patience does.
        """
        self.clear()
        if not len(values):
            return
        self._show_noise(epochs, values)
        now = stopping.state(list(values), settings)
        if settings.patience == 0 or now.best_epoch == 0:
            return
        lower_is_better = settings.monitor == "loss"
        best = float(values[now.best_epoch - 1])
        self.to_beat = best - settings.min_delta if lower_is_better else best + settings.min_delta
        begin = float(epochs[now.best_epoch - 1])
        self.stops_at = round(begin) + settings.patience
        if self._is_drawable(self.to_beat):
            end = min(self.stops_at, planned)
            self._bar.setData([begin, end], [self.to_beat, self.to_beat])
            self._end.setText(f"stops at {self.stops_at}")
            self._end.setAnchor((1, 0) if lower_is_better else (1, 1))
            self._end.setPos(end, self._height(self.to_beat))
            self._end.setVisible(self.stops_at <= planned)

    def _show_noise(self, epochs: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        known = np.isfinite(values)
        if known.sum() < _FEWEST_VALUES:
            return
        middle, noise = verdict.running_median(values[known]), verdict.scatter(values[known])
        low, high = middle - noise, middle + noise
        if self._logarithmic and (low <= 0).any():
            return
        self._low.setData(epochs[known], low)
        self._high.setData(epochs[known], high)
        self._band.show()

    def set_logarithmic(self, on: bool) -> None:
        """Switch to a logarithmic axis; call :meth:`show` again afterwards."""
        self._logarithmic = on
        for item in (self._low, self._high, self._bar):
            item.setLogMode(False, on)

    def _is_drawable(self, value: float) -> bool:
        return math.isfinite(value) and not (self._logarithmic and value <= 0)

    def _height(self, value: float) -> float:
        return math.log10(value) if self._logarithmic else value

    def apply_theme(self, chosen: Colours) -> None:
        """Apply the colours of the theme."""
        shade = pg.mkColor(chosen.validation)
        shade.setAlpha(40)
        self._band.setBrush(pg.mkBrush(shade))
        nothing = pg.mkPen(None)
        self._low.setPen(nothing)
        self._high.setPen(nothing)
        self._bar.setPen(pg.mkPen(chosen.muted, width=2, style=Qt.PenStyle.DotLine))
        self._end.setColor(chosen.muted)


def monitored_curve(settings: StoppingSettings, score: str) -> str | None:
    """The validation curve of the monitored quantity: ``val_loss``, ``val_score``, or None if it is not drawn.

    Parameters
    ----------
    settings
        The stopping rule.
    score
        The score on display, ``accuracy`` or ``r2``.
    """
    if settings.monitor == "loss":
        return "val_loss"
    shown: Sequence[str] = ("accuracy",) if score == "accuracy" else ("r2", "score")
    return "val_score" if settings.monitor in shown else None
