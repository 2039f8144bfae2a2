"""The first column: the galaxy, its label and the outputs of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.explain.widgets.score_bars import ScoreBars
from app.session.session import Session
from app.widgets.image_view import ImageView
from core.data.target import Classes, Quantities, Target, columns_of, label_text

if TYPE_CHECKING:
    from core.evaluate.predict import Predictions


class GalaxyColumn(QObject):
    """The parts of the first column, for the rows of the panel's grid."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.name = QLabel()
        self.name.setProperty("role", "heading")
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.view = ImageView()
        self.truth = QLabel()
        self.bars = ScoreBars()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setProperty("role", "muted")
        self.outputs = QWidget()
        column = QVBoxLayout(self.outputs)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.truth, self.bars, self.message):
            column.addWidget(widget)
        column.addStretch(1)

    def show_galaxy(self, name: str, picture: NDArray[np.uint8], pixel_scale: float) -> bool:
        """Show a galaxy; returns whether it differs from the one shown before, so that its prediction is pending."""
        another = self.name.text() != name
        self.name.setText(name)
        self.view.set_image(picture, pixel_scale)
        if another:
            self.bars.clear()
            self.truth.clear()
        return another

    def show_prediction(self, predictions: Predictions) -> None:
        """Show the outputs for the galaxy beside its label."""
        self.message.setText("" if predictions.doubt is None else predictions.doubt.describe(predictions.target))
        target, names, scores = predictions.target, predictions.names, list(predictions.scores[0])
        truth = self._label(target)
        absent = [name for name in columns_of(target) if name not in self._session.dataset.columns]
        without = f"No column “{absent[0]}” in this dataset" if absent else "No label"
        self.truth.setText(f"Label: {truth}" if truth else without)
        if isinstance(target, Quantities):
            self.bars.set_quantities(names, scores, target.units)
        else:
            self.bars.set_shares(names, scores, self._session.dataset.class_colours(names), truth)

    def show_message(self, sentence: str) -> None:
        """Show a sentence instead of the outputs."""
        self.bars.clear()
        self.message.setText(sentence)

    def _label(self, target: Target) -> str:
        columns, row = self._session.dataset.columns, self._session.current
        if any(name not in columns for name in columns_of(target)):
            return ""
        values = [columns[name][row] for name in columns_of(target)]
        if isinstance(target, Classes):
            return label_text(values[0])
        return ", ".join(f"{name} {float(value):.3g}" for name, value in zip(columns_of(target), values, strict=True))


def format_prediction(predictions: Predictions, output: str) -> str:
    """Format the prediction for one galaxy: the most probable class, or the explained quantity, with its value."""
    scores = predictions.scores[0]
    if not isinstance(predictions.target, Quantities):
        best = int(scores.argmax())
        return f"{predictions.names[best]} {scores[best]:.2f}"
    place = predictions.names.index(output) if output in predictions.names else 0
    return f"{predictions.names[place]} {scores[place]:.3g} {predictions.units[place]}".strip()
