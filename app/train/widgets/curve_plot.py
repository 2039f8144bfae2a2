"""Live learning curves: loss and score, training and validation, with the best epoch marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from app.theme import Colours, colours
from app.train.widgets.stopping_rule import StoppingRule, monitored_curve
from app.widgets.plain_text import RichLabel
from app.widgets.plot import Plot
from core.events import BatchEnded, EpochEnded
from core.project.history import score_name
from core.train.settings import StoppingSettings

_TITLES = {"accuracy": "Accuracy", "r2": "R²", "neighbours_accuracy": "k-NN accuracy"}
_ACCURACIES = ("accuracy", "neighbours_accuracy")
_GUESS_LABELS = ("commonest class {value:.2f}", "to beat {value:.2f}", "{value:.2f}")  # the longest that fits
_GUESS_PLACE, _LABEL_MARGIN = 0.02, 10  # of the width; pixels on both sides of the text


class _Track:
    """Points that are added one by one, in arrays that grow by doubling."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget them."""
        self._points = np.empty((2, 256))
        self._count = 0

    def add(self, x: float, y: float) -> None:
        """Add a point; one that is not finite leaves a gap."""
        if self._count == self._points.shape[1]:
            self._points = np.concatenate([self._points, np.empty_like(self._points)], axis=1)
        self._points[:, self._count] = x, y
        self._count += 1

    @property
    def x(self) -> NDArray[np.float64]:
        return self._points[0, : self._count]

    @property
    def y(self) -> NDArray[np.float64]:
        return self._points[1, : self._count]


class CurvePlot(QWidget):
    """Two plots over the epochs. Nothing is smoothed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tracks = {name: _Track() for name in ("batches", "loss", "val_loss", "score", "val_score")}
        self._best = 0
        self._score = "accuracy"
        self._plots = {"loss": Plot(), "score": Plot()}
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._lines: dict[str, pg.InfiniteLine] = {}
        self.guess = math.nan
        self._guess_line = pg.InfiniteLine(
            angle=0,
            movable=False,
            label=_GUESS_LABELS[0],
            labelOpts={"position": _GUESS_PLACE, "anchors": [(0, 0), (0, 1)]},
        )
        self._stopping: StoppingSettings | None = None
        self._planned = 0
        self.rules: dict[str, StoppingRule] = {}
        self.legend = RichLabel()
        self.logarithmic = QCheckBox("Logarithmic loss")
        self.logarithmic.toggled.connect(self._set_logarithmic)
        self._build()
        self._apply_theme()

    def _build(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        for part, plot in self._plots.items():
            plot.setMinimumSize(160, 96)
            plot.setClipToView(True)
            plot.setDownsampling(auto=True, mode="peak")
            if part == "loss":
                self._curves["batches"] = plot.plot()
            for name in (part, f"val_{part}"):
                self._curves[name] = plot.plot(symbolSize=5, connect="finite")
            best = pg.InfiniteLine(angle=90, movable=False, label="best {value:.0f}", labelOpts={"position": 0.92})
            best.hide()
            plot.getViewBox().addItem(best, ignoreBounds=True)
            self._lines[part] = best
            self.rules[part] = StoppingRule(plot)
            line.addWidget(plot, 1)
        self._guess_line.hide()
        score = self._plots["score"].getViewBox()
        score.addItem(self._guess_line)  # counts for the limits: it has to be in view
        score.sigResized.connect(self._fit_guess)
        below = QHBoxLayout()
        below.addWidget(self.legend)
        below.addStretch(1)
        below.addWidget(self.logarithmic)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(line, 1)
        column.addLayout(below)

    @property
    def best_epoch(self) -> int:
        """The marked epoch; 0: none."""
        return self._best

    def points(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the drawn x and y of ``batches``, ``loss``, ``val_loss``, ``score`` or ``val_score``."""
        return self._tracks[name].x.copy(), self._tracks[name].y.copy()

    def clear(self) -> None:
        """Remove all curves."""
        for track in self._tracks.values():
            track.clear()
        self._best = 0
        self._draw()

    def set_rule(self, stopping: StoppingSettings | None, epochs: int) -> None:
        """Draw the stopping rule of a training of ``epochs`` epochs on the monitored curve; None: no rule."""
        self._stopping, self._planned = stopping, epochs
        self._draw_rule()

    def set_guess(self, accuracy: float) -> None:
        """Draw the accuracy of always answering the commonest class; NaN: there is none."""
        self.guess = accuracy
        self._show_guess()

    def _show_guess(self) -> None:
        is_shown = math.isfinite(self.guess) and self._score in _ACCURACIES
        self._guess_line.setVisible(is_shown)
        if is_shown:
            self._guess_line.setValue(self.guess)
            self._fit_guess()

    def _fit_guess(self) -> None:
        """Name the line as fully as the plot is wide."""
        label, width = self._guess_line.label, self._plots["score"].getViewBox().width()
        room = (1 - 2 * _GUESS_PLACE) * width - _LABEL_MARGIN
        metrics = QFontMetricsF(label.textItem.font())
        fitting = (each for each in _GUESS_LABELS if metrics.horizontalAdvance(each.format(value=self.guess)) <= room)
        label.setFormat(next(fitting, _GUESS_LABELS[-1]))

    def _draw_rule(self) -> None:
        name = None if self._stopping is None else monitored_curve(self._stopping, self._score)
        for part, rule in self.rules.items():
            if self._stopping is not None and name == f"val_{part}":
                track = self._tracks[f"val_{part}"]
                rule.show(track.x, track.y, self._stopping, self._planned)
            else:
                rule.clear()

    def add_batches(self, events: Sequence[BatchEnded]) -> None:
        """Extend the loss curve within the epoch."""
        for event in events:
            self._tracks["batches"].add(event.epoch - 1 + event.batch / event.batches, event.loss)
        self._draw()

    def add_epochs(self, events: Sequence[EpochEnded]) -> None:
        """Add finished epochs."""
        for event in events:
            self._score = score_name(event.validation)
            self._add(
                event.epoch,
                event.train.loss,
                event.validation.loss,
                event.train.values.get(self._score, math.nan),
                event.validation.values.get(self._score, math.nan),
            )
            self._best = event.best_epoch
        self._draw()

    def set_history(self, rows: Sequence[Mapping[str, float]], best_epoch: int | None = None) -> None:
        """Show the history of a run; without ``best_epoch``, the epoch of the smallest validation loss is marked."""
        self.clear()
        self._score = next((name for name in _TITLES if rows and name in rows[0]), "accuracy")
        for row in rows:
            score = self._score
            self._add(row["epoch"], row["loss"], row["val_loss"], row[score], row[f"val_{score}"])
        losses = [row["val_loss"] for row in rows]
        if best_epoch is None and any(math.isfinite(loss) for loss in losses):
            best_epoch = int(rows[int(np.nanargmin(losses))]["epoch"])
        self._best = best_epoch or 0
        self._draw()

    def _add(self, epoch: float, loss: float, val_loss: float, score: float, val_score: float) -> None:
        for name, value in zip(
            ("loss", "val_loss", "score", "val_score"), (loss, val_loss, score, val_score), strict=True
        ):
            self._tracks[name].add(epoch, value)

    def _draw(self) -> None:
        for name, curve in self._curves.items():
            x, y = self._tracks[name].x, self._tracks[name].y
            if np.isfinite(y).any():
                curve.setData(x, y)
            else:  # pyqtgraph cannot find limits of NaNs alone
                curve.setData([], [])
        self._draw_rule()
        for line in self._lines.values():
            line.setVisible(self._best > 0)
            line.setValue(self._best)
        self._show_guess()
        self._set_axis_titles()

    def _set_axis_titles(self) -> None:
        """Set the titles of the axes."""
        self._plots["loss"].set_titles("Loss", "Epoch")
        self._plots["score"].set_titles(_TITLES[self._score], "Epoch")

    def _set_logarithmic(self, on: bool) -> None:
        self._plots["loss"].setLogMode(y=on)
        self.rules["loss"].set_logarithmic(on)
        self._draw_rule()

    def _apply_theme(self) -> None:
        """Apply the colours of the theme; validation and training also differ in their symbols."""
        chosen = colours()
        faint = pg.mkColor(chosen.train)
        faint.setAlpha(70)
        self._curves["batches"].setPen(pg.mkPen(faint, width=1))
        for part in ("loss", "score"):
            self._style_curve(self._curves[part], chosen.train, "o", chosen)
            self._style_curve(self._curves[f"val_{part}"], chosen.validation, "t1", chosen)
            self._lines[part].setPen(pg.mkPen(chosen.muted, width=1, style=Qt.PenStyle.DashLine))
            self._lines[part].label.setColor(chosen.muted)
        guess = pg.mkColor(chosen.muted)
        guess.setAlpha(150)
        self._guess_line.setPen(pg.mkPen(guess, width=1, style=Qt.PenStyle.DashLine))
        self._guess_line.label.setColor(chosen.muted)
        for rule in self.rules.values():
            rule.apply_theme(chosen)
        self._set_axis_titles()
        self.legend.setText(
            f'<span style="color:{chosen.train}">● training</span> &nbsp; '
            f'<span style="color:{chosen.validation}">▲ validation</span> &nbsp; '
            f'<span style="color:{chosen.muted}">┄ to beat &nbsp; ▒ noise</span>'
        )

    @staticmethod
    def _style_curve(curve: pg.PlotDataItem, colour: str, symbol: str, chosen: Colours) -> None:
        curve.setPen(pg.mkPen(colour, width=1))
        curve.setSymbol(symbol)
        curve.setSymbolSize(6)
        curve.setSymbolBrush(colour)
        curve.setSymbolPen(chosen.surface)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange and self._curves:
            self._apply_theme()
        super().changeEvent(event)
