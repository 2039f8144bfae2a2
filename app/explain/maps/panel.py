"""The panel: the galaxy and two maps side by side, from one network or from two."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app import work
from app.explain import map_work
from app.explain.map_work import MapRequest
from app.explain.maps import saving
from app.explain.maps.controls import Controls
from app.explain.maps.doubts import Doubts
from app.explain.maps.epochs import Epochs
from app.explain.maps.galaxy import GalaxyColumn, in_short
from app.explain.maps.outlines import OutlinesShown
from app.explain.maps.side import Side
from app.explain.maps.weights import Weights
from app.explain.widgets.shallow import Shallow
from app.jobs.job import Latest
from app.panel.panel import Panel
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from app.widgets.fold import Fold
from core.data.stretch import colour_planes, default_stretch, to_rgb

if TYPE_CHECKING:
    from core.evaluate.predict import Predictions


class ExplanationPanel(Panel):
    """Prediction of the current galaxy and two maps of its evidence, renewed as a training goes on.

    Parameters
    ----------
    session
        Its current galaxy is explained with its current predictor.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "explanation", EmptyState("mdi6.magnify-scan", "", ""), parent)
        self._weights = Weights(session, self)
        self._predictions: dict[Path | None, Predictions] = {}  # of the galaxy that is shown, by the weights
        self._prediction = self._request(self._show_prediction, self._show_refusal)
        self._other_prediction = self._request(self._show_other)
        self._layers = Latest(self)  # where they cannot be found, the prediction says why
        self._build()
        self._connect()
        self.epochs.show_run(self._weights.run)
        self._count_selection()
        self._compare()

    def _build(self) -> None:
        self.controls = Controls(self._session)
        self.epochs = Epochs(self._is_idle)
        self.galaxy = GalaxyColumn(self._session, self)
        self.sides = (Side("first", "occlusion", self), Side("second", "integrated-gradients", self))
        self.doubts = Doubts(self.sides)
        self._outlines = OutlinesShown(
            self._session, (self.galaxy.view, *(side.view.view for side in self.sides)), self
        )
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.controls)
        column.addWidget(self.epochs)
        column.addLayout(self._pictures(), 1)
        column.addWidget(self.doubts)
        column.addWidget(self._fold())
        self._set_content(content)

    def _pictures(self) -> QGridLayout:
        """Three columns; in each row of the grid, what belongs together stands at one height."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setRowStretch(2, 1)
        grid.addWidget(self.galaxy.name, 0, 0)
        grid.addWidget(self.galaxy.view, 2, 0)
        grid.addWidget(self.galaxy.said, 3, 0, 2, 1)
        for column, side in enumerate(self.sides, 1):
            view = side.view
            for row, widget in enumerate((view.head, view.caption, view.picture, view.bar, view.note)):
                grid.addWidget(widget, row, column)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        return grid

    def _fold(self) -> Fold:
        inside = QWidget()
        line = QHBoxLayout(inside)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(24)
        for side in self.sides:
            policy = side.settings.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            side.settings.setSizePolicy(policy)
            line.addWidget(side.settings, 1)
        return Fold("How the maps are made", Shallow(inside))

    def _connect(self) -> None:
        session = self._session
        session.current_changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        session.selection_changed.connect(self._count_selection)
        self._weights.changed.connect(self._follow)
        self.epochs.moved.connect(self._move)
        self.controls.asked.connect(self._ask)
        self.controls.compared.connect(self._compare)
        self.controls.outlined.connect(self._outline)
        for side in self.sides:
            self._layers.finished.connect(side.set_layers)
            side.wanted.connect(self._ask)
            side.changed.connect(self._scale)
            self.controls.faded.connect(side.view.set_opacity)
            side.view.save.triggered.connect(partial(self._save_map, side))
            side.view.save_all.triggered.connect(partial(self._save_maps, side))

    # -- asking ----------------------------------------------------------------------------------------------------

    @property
    def _predictor(self) -> Path | None:
        """The weights that are asked: those of the chosen epoch, where there is a choice."""
        step = self.epochs.step
        return self._weights.path if step is None else step.path

    def _follow(self) -> None:
        """Another run was opened, or the training has come further."""
        self.epochs.show_run(self._weights.run)
        self.refresh()

    def _move(self) -> None:
        """Ask the network of another epoch the same about the same galaxy."""
        if self._stale or self._is_empty:
            return
        if self._predictions:
            self._ask()
        self._predict()

    def _is_idle(self) -> bool:
        return not (self._prediction.is_running or any(side.is_busy for side in self.sides))

    def _drop_outdated(self) -> None:
        self._predictions.clear()
        for request in (self._prediction, self._other_prediction):
            request.stop()
        for side in self.sides:
            side.forget()

    def _renew(self) -> None:
        """Predict and explain the current galaxy anew."""
        cutouts, row, predictor = self._session.dataset.cutouts, self._session.current, self._predictor
        if cutouts is None or predictor is None or row < 0:
            self._explain_emptiness()
            return
        self._show_content()
        scale = float(cutouts.pixel_scale[row])
        planes = colour_planes([band.name for band in cutouts.bands])
        picture = to_rgb(cutouts.images[row], default_stretch(cutouts.is_picture), planes)
        another = self.galaxy.show_galaxy(cutouts.ids[row], picture, scale)
        for side in self.sides:
            side.view.set_image(picture, scale)
            if another:
                side.wait()
        if another:
            self._outline()
        self._predict()
        if self.controls.other is not None:
            self._other_prediction.start(work.predict(self.controls.other, cutouts.path, np.array([row])))
        bands, height, width = cutouts.images.shape[1:]
        self._layers.start(map_work.layers(predictor, (bands, height, width)))

    def _predict(self) -> None:
        """Find out what the network says of the current galaxy."""
        cutouts, predictor = self._session.dataset.cutouts, self._predictor
        if predictor in self._predictions:
            self._prediction.stop()
            self._show_prediction(self._predictions[predictor])
        elif cutouts is not None and predictor is not None:
            self._prediction.start(work.predict(predictor, cutouts.path, np.array([self._session.current])))

    def _outline(self) -> None:
        self._outlines.renew(self.controls.contours.isChecked())

    def _explain_emptiness(self) -> None:
        if self._session.dataset.cutouts is None:
            self._show_empty("Nothing to explain yet", "Open a dataset and train a network first.")
        elif self._predictor is None:
            self._show_empty(
                "No network yet", "Train a network or open an earlier run; maps appear after its first epoch."
            )
        else:
            self._show_empty("No galaxy chosen", "Click a galaxy in the gallery.")

    def _show_prediction(self, predictions: Predictions) -> None:
        """Show what the network says; what is asked about stays the same from epoch to epoch."""
        is_first = not self._predictions
        self._predictions[self._predictor] = predictions
        self.galaxy.show_prediction(predictions)
        if is_first:
            self.controls.offer(predictions)
        epoch = self.epochs.step.name if self.epochs.step is not None else ""
        title = f"{self._weights.title}, {epoch}" if epoch else self._weights.title
        self.sides[0].view.caption.setText(f"{title}: {in_short(predictions, self.controls.output)}")
        if is_first:
            self._ask()

    def _show_other(self, predictions: Predictions) -> None:
        second = self.sides[1].view
        second.caption.setText(f"{self.controls.runs.currentText()}: {in_short(predictions, self.controls.output)}")

    def _show_refusal(self, problem: object) -> None:
        self.galaxy.say(self._describe(problem))
        for side in self.sides:
            side.say("")

    def _question(self, side: Side, output: str | None) -> MapRequest | None:
        """What a view asks; None while that is not known, or not valid."""
        cutouts, predictor, other = self._session.dataset.cutouts, self._predictor, self.controls.other
        asked = self.sides[0] if other is not None else side
        if cutouts is None or predictor is None or asked.form.problem:
            return None
        whose = other if other is not None and side is self.sides[1] else predictor
        return MapRequest(whose, cutouts.path, output, asked.method, asked.form.value())

    def _ask(self) -> None:
        """Explain by both views what is asked about."""
        if self.controls.other is not None:
            self.sides[1].view.set_method(self.sides[0].method)
        for side in self.sides:
            question = self._question(side, self.controls.output)
            if question is not None and question.output and self._session.current >= 0:
                side.ask(question, self._session.current)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        """Arrange the views for one network asked in two ways, or for two asked in the same way."""
        first, second = self.sides
        two = self.controls.other is not None
        for side in self.sides:
            side.view.caption.setVisible(two)
            side.view.caption.clear()
        second.view.chooser.setEnabled(not two)
        second.view.set_method(first.method if two else second.method)
        second.settings.setVisible(not two)
        if two:
            second.wait()
        self.refresh()

    def _scale(self) -> None:
        """Give the maps of all epochs that were shown, and of two networks, the same colours."""
        limits = [side.limit for side in self.sides]
        if self.controls.other is not None:
            limits = [max(limit or 0.0 for limit in limits)] * len(limits)
        for side, limit in zip(self.sides, limits, strict=True):
            side.view.set_limit(limit)

    # -- taking home -----------------------------------------------------------------------------------------------

    def _count_selection(self) -> None:
        for side in self.sides:
            side.view.offer_selection(len(self._session.selection))

    def _save_map(self, side: Side, _checked: bool = False) -> None:
        if side.view.explanation is not None:
            saving.save_map(self._session, side.view.explanation, self)

    def _save_maps(self, side: Side, _checked: bool = False) -> None:
        question = self._question(side, self.controls.chosen)
        if question is not None:
            saving.save_maps(self._session, question, self)
