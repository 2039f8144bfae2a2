"""The controls above the maps: the output to explain, the run to compare with, opacity and contours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSlider, QWidget

from app.session.session import Session
from app.widgets.flow import FlowLayout
from app.widgets.unreadable import mark_unreadable
from core.data.target import Quantities
from core.project.runs import distinct_titles
from core.reading import is_there
from core.train import run_check

if TYPE_CHECKING:
    from core.evaluate.predict import Predictions

_CONTOURS = "explain/contours"


class Controls(QWidget):
    """The row of controls above the views.

    Parameters
    ----------
    session
        Its project's runs are offered for comparison.

    Notes
    -----
    Signals: ``output_chosen()``, ``run_chosen()`` for comparison (or none), ``opacity_changed(opacity)`` of the maps,
    ``contours_toggled()`` when contours are switched on or off.
    """

    output_chosen = Signal()
    run_chosen = Signal()
    opacity_changed = Signal(float)
    contours_toggled = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._predicted = ""
        self.outputs = QComboBox()
        self.outputs.setToolTip("The class whose evidence is shown.")
        self.outputs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(60)
        self.opacity.setFixedWidth(90)
        self.opacity.setToolTip("How much of the maps lies over the image.")
        self.runs = QComboBox()
        self.runs.setToolTip(
            "Explain another run alongside, such as the one before fine-tuning. Both share one colour scale."
        )
        self.runs.setMinimumContentsLength(12)
        self.runs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._line = FlowLayout(self, 8)
        for title, widget in (
            ("Evidence for", self.outputs),
            ("Map opacity", self.opacity),
            ("Compare with", self.runs),
        ):
            self._line.addWidget(_add_title(title, widget))
        self.contours = QCheckBox("Contours")
        self.contours.setToolTip("Outline the galaxy in white, and its neighbours in dashed yellow.")
        self.contours.setChecked(bool(QSettings().value(_CONTOURS, False, bool)))
        self._line.addWidget(self.contours)
        self.contours.toggled.connect(self._toggle_contours)
        self.outputs.activated.connect(self.output_chosen)
        self.opacity.valueChanged.connect(lambda percent: self.opacity_changed.emit(percent / 100))
        self.runs.activated.connect(self.run_chosen)
        session.runs_changed.connect(self._list_runs)
        session.predictor_changed.connect(self._list_runs)
        self._list_runs()

    # -- the output to explain -------------------------------------------------------------------------------------

    @property
    def chosen(self) -> str | None:
        """The output chosen by hand; None: the predicted one."""
        return self.outputs.currentData()

    @property
    def output(self) -> str:
        """The output to explain: the chosen one, or the most probable; empty: not known yet."""
        return self.chosen or self._predicted

    def offer(self, predictions: Predictions) -> None:
        """Offer the outputs of a network; an output chosen by hand stays chosen."""
        chosen, names = self.chosen, predictions.names
        self._predicted = names[int(np.argmax(predictions.scores[0]))]
        self.outputs.clear()
        if not isinstance(predictions.target, Quantities):
            self.outputs.addItem(f"{self._predicted} (predicted)", None)
        for name in names:
            self.outputs.addItem(name, name)
        self.outputs.setCurrentIndex(max(0, self.outputs.findData(chosen)) if chosen is not None else 0)

    def _toggle_contours(self, on: bool) -> None:
        QSettings().setValue(_CONTOURS, on)
        self.contours_toggled.emit()

    # -- the run to compare with -----------------------------------------------------------------------------------

    @property
    def other(self) -> Path | None:
        """Weights of the run to compare with; None: one network is explained by two methods."""
        return self.runs.currentData()

    def _list_runs(self) -> None:
        """Offer the project's other runs; the chosen one stays chosen while it exists."""
        project, own, chosen = self._session.project, self._session.run, self.other
        self.runs.clear()
        self.runs.addItem("no other run", None)
        runs = [] if project is None else project.runs()
        for run, title in reversed(list(zip(runs, distinct_titles(runs), strict=True))):
            if is_there(run.best) and (own is None or run.path != own.path):
                self.runs.addItem(title, run.best)
                if (problem := run_check.find_problem(run)) is not None:
                    mark_unreadable(self.runs, self.runs.count() - 1, problem)
        places = [place for place in range(self.runs.count()) if self.runs.itemData(place) == chosen]
        self.runs.setCurrentIndex(places[0] if places else 0)
        self.runs.setEnabled(self.runs.count() > 1)
        if self.other != chosen:
            self.run_chosen.emit()


def _add_title(title: str, widget: QWidget) -> QWidget:
    """Put a title before a widget, so that the flow layout never separates them."""
    both = QWidget()
    line = QHBoxLayout(both)
    line.setContentsMargins(0, 0, 8, 0)
    line.addWidget(QLabel(title))
    line.addWidget(widget)
    return both
