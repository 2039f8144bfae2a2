"""A slider over the epochs of the open run whose weights were kept, with the best epoch last."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from app.theme import icon
from core.errors import UnreadableFile
from core.project.runs import RunFolder, read_history

_FRAME_MS = 500  # ms between two epochs while it plays


@dataclass(frozen=True)
class EpochChoice:
    """An epoch that can be chosen: a position of the slider.

    Attributes
    ----------
    path
        The weights file.
    name
        Such as ``epoch 7``; empty for the best one.
    summary
        The epoch with its score, as shown beside the slider.
    """

    path: Path
    name: str
    summary: str


class EpochSlider(QWidget):
    """Play button, slider and summary; hidden while the run has no weights of single epochs.

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
        for widget in (QLabel("Epoch"), self.play, self.slider, self.summary):
            line.addWidget(widget, int(widget is self.slider))
        self.play.clicked.connect(self._play_or_pause)
        self.slider.sliderPressed.connect(self.pause)
        self.slider.valueChanged.connect(self._slider_moved)
        self.pause()
        self.hide()

    @property
    def choice(self) -> EpochChoice | None:
        """The chosen epoch; None while the slider is hidden."""
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
        self.slider.setValue(self.slider.maximum())
        self.slider.blockSignals(False)
        widths = (self.summary.fontMetrics().horizontalAdvance(choice.summary) for choice in choices)
        self.summary.setMinimumWidth(max(widths, default=0))  # keeps the slider's length constant while it moves
        self._show_summary()
        self.setVisible(bool(choices))

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
    """List the epochs whose weights were kept, then the best epoch; empty for a run that kept none."""
    kept = run.snapshots()
    if not kept:
        return []
    try:
        rows = read_history(run.history_file)
    except UnreadableFile:
        rows = []
    choices = [EpochChoice(path, f"epoch {epoch}", _summarise(epoch, rows)) for epoch, path in kept]
    metrics = json.loads(run.metrics_file.read_text(encoding="utf-8")) if run.metrics_file.exists() else {}
    best = metrics.get("best_epoch")
    if run.best.exists():
        choices.append(EpochChoice(run.best, "", "best epoch" if best is None else f"best: {_summarise(best, rows)}"))
    return choices


def _summarise(epoch: int, rows: list[dict[str, float]]) -> str:
    row = next((row for row in rows if row["epoch"] == epoch), {})
    scores = {"val_accuracy": "accuracy", "val_r2": "R²"}
    summary = "".join(f" · val. {title} {row[name]:.2f}" for name, title in scores.items() if name in row)
    return f"epoch {epoch} of {len(rows)}{summary}"
