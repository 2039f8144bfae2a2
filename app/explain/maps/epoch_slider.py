"""A slider over the epochs of the open run whose weights were kept; the best epoch is chosen at first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from app.theme import icon
from core.errors import UnreadableFile
from core.metrics.uncertainty import find_error, plus_minus
from core.project.history import read_history
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.wording import count_of

_FRAME_MS = 500  # ms between two epochs while it plays
_BEST = " (best)"
_SCORES = {"accuracy": "accuracy", "r2": "R²"}


@dataclass(frozen=True)
class EpochChoice:
    """An epoch that can be chosen: a position of the slider.

    Attributes
    ----------
    path
        The weights file.
    name
        Such as ``epoch 7`` or ``epoch 12 (best)``.
    summary
        The epoch with its score, as shown beside the slider.
    is_best
        Whether these are the best weights, which predictions and evaluations use.
    """

    path: Path
    name: str
    summary: str
    is_best: bool = False


class EpochSlider(QWidget):
    """Play button, slider and summary of the weights; the summary alone where there is nothing to choose.

    Parameters
    ----------
    is_idle
        Whether the maps of the present epoch are complete; only then does playback go on to the next epoch.

    Notes
    -----
    Signals: ``moved()`` to another epoch.
    """

    moved = Signal()

    def __init__(self, is_idle: Callable[[], bool], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.is_idle = is_idle
        self._run: RunFolder | None = None
        self._choices: list[EpochChoice] = []
        self.play = QToolButton()
        self.play.setAutoRaise(True)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setPageStep(1)
        self.slider.setToolTip("Explain the network as it was after earlier epochs, all on one colour scale.")
        self.slider.setAccessibleName("Epoch")
        self.summary = QLabel()
        self._timer = QTimer(self)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._advance)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        for widget in (QLabel("Weights"), self.play, self.slider, self.summary):
            line.addWidget(widget, int(widget is self.slider))
        line.addStretch(0)
        self.play.clicked.connect(self._play_or_pause)
        self.slider.sliderPressed.connect(self.pause)
        self.slider.valueChanged.connect(self._slider_moved)
        self.pause()
        self.hide()

    @property
    def choice(self) -> EpochChoice | None:
        """The chosen epoch; None without a run."""
        return self._choices[self.slider.value()] if self._choices else None

    @property
    def is_playing(self) -> bool:
        """Whether the epochs are being played."""
        return self._timer.isActive()

    def show_run(self, run: RunFolder | None) -> None:
        """Offer the epochs of a run and choose the best one; None: no run."""
        choices = [] if run is None else read_epoch_choices(run)
        if choices == self._choices and run == self._run:
            return
        self._run, self._choices = run, choices
        self.pause()
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(choices) - 1))
        self.slider.setValue(next((place for place, choice in enumerate(choices) if choice.is_best), 0))
        self.slider.blockSignals(False)
        widths = (self.summary.fontMetrics().horizontalAdvance(choice.summary) for choice in choices)
        self.summary.setMinimumWidth(max(widths, default=0))  # keeps the slider's length constant while it moves
        for widget in (self.play, self.slider):
            widget.setVisible(len(choices) > 1)
        self._show_summary()
        self.setVisible(bool(choices))

    def show_latest(self, summary: str) -> None:
        """Say which weights are followed while a training runs; no epoch can be chosen."""
        self.show_run(None)
        self.summary.setText(summary)
        self.show()

    def pause(self) -> None:
        """Stop playing."""
        self._timer.stop()
        self.play.setIcon(icon("mdi6.play"))
        self.play.setToolTip("Show the maps epoch by epoch.")

    def _play_or_pause(self) -> None:
        if self.is_playing:
            self.pause()
            return
        if self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self.play.setIcon(icon("mdi6.pause"))
        self.play.setToolTip("Pause")
        self._timer.start()

    def _advance(self) -> None:
        if not self.is_idle():
            return
        self.slider.setValue(self.slider.value() + 1)
        if self.slider.value() == self.slider.maximum():
            self.pause()

    def _slider_moved(self, _place: int) -> None:
        self._show_summary()
        self.moved.emit()

    def _show_summary(self) -> None:
        self.summary.setText("" if self.choice is None else self.choice.summary)


def read_epoch_choices(run: RunFolder) -> list[EpochChoice]:
    """List the epochs whose weights were kept, in order, the best one in its place; of that the best file is used."""
    if run.is_ensemble:
        name = "all its runs"
        return [EpochChoice(run.best, name, f"{name}{_describe_scores(_read_validation(run))}", is_best=True)]
    try:
        rows = read_history(run.history_file)
    except UnreadableFile:
        rows = []
    kept, validation = dict(run.snapshots()), _read_validation(run)
    best = run.best_epoch
    galaxies = validation.get("galaxies")

    def choice(epoch: int, path: Path) -> EpochChoice:
        summary = f"epoch {epoch} of {len(rows)}{_describe_epoch(epoch, rows, galaxies)}"
        return EpochChoice(path, f"epoch {epoch}", summary)

    others = [choice(epoch, path) for epoch, path in kept.items() if epoch != best or not run.best.exists()]
    if not run.best.exists():
        return others
    if best is None:
        return [*others, EpochChoice(run.best, "best epoch", "best epoch", is_best=True)]
    name = f"epoch {best}{_BEST}"
    summary = f"{name}{_describe_scores(validation) or _describe_epoch(best, rows, galaxies)}"
    earlier = sum(epoch < best for epoch in kept)
    return [*others[:earlier], EpochChoice(run.best, name, summary, is_best=True), *others[earlier:]]


def _read_validation(run: RunFolder) -> dict[str, Any]:
    """The numbers of the best weights; empty if they cannot be read."""
    try:
        return read_metrics(run.metrics_file).get("validation") or {}
    except UnreadableFile:
        return {}


def _describe_epoch(epoch: int, rows: list[dict[str, float]], galaxies: int | None) -> str:
    """The score of an epoch as in the curves, of one view of each galaxy."""
    row = next((row for row in rows if row["epoch"] == epoch), {})
    return _describe_scores(
        {name: row[f"val_{name}"] for name in _SCORES if f"val_{name}" in row} | {"galaxies": galaxies}
    )


def _describe_scores(values: Mapping[str, Any]) -> str:
    """The score with its error, and over how many galaxies it is."""
    name = next((name for name in _SCORES if values.get(name) is not None), None)
    if name is None:
        return ""
    count = "" if values.get("galaxies") is None else f" ({count_of(values['galaxies'], 'galaxy')})"
    return f" · val. {_SCORES[name]} {values[name]:.2f}{plus_minus(find_error(values, name), '.2f')}{count}"
