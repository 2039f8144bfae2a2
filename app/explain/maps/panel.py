"""The panel “Why?”: the galaxy and two attribution maps side by side, of one network or of two."""

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
from app.explain.maps.current_network import CurrentNetwork
from app.explain.maps.epoch_slider import EpochSlider
from app.explain.maps.faithfulness_fold import FaithfulnessFold
from app.explain.maps.galaxy_column import GalaxyColumn, format_prediction
from app.explain.maps.map_side import MapSide
from app.explain.maps.outlines import OutlineDrawer
from app.explain.widgets.shrinking_scroll import ShrinkingScrollArea
from app.jobs.job import Latest
from app.panel.panel import Panel
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from app.widgets.fold import Fold
from core.data.stretch import colour_planes, default_stretch, to_rgb
from core.project.runs import describe_weights

if TYPE_CHECKING:
    from core.evaluate.predict import Predictions


class ExplanationPanel(Panel):
    """Prediction for the current galaxy and two attribution maps, updated while a training runs.

    Parameters
    ----------
    session
        Its current galaxy is explained with its current predictor.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "explanation", EmptyState("mdi6.magnify-scan", "", ""), parent)
        self._network = CurrentNetwork(session, self)
        self._predictions: dict[Path | None, Predictions] = {}  # for the current galaxy, by weights file
        self._prediction_request = self._make_request(self._show_prediction, self._show_refusal)
        self._other_request = self._make_request(self._show_other)
        self._layer_request = Latest(self)  # if this fails, the prediction reports why
        self._build()
        self.bands = self._add_band_row()
        self._connect()
        self._show_weights()
        self._show_selection_count()
        self._arrange_sides()

    def _build(self) -> None:
        self.controls = Controls(self._session)
        self.epochs = EpochSlider(self._is_idle)
        self.galaxy = GalaxyColumn(self._session, self)
        self.sides = (MapSide("first", "occlusion", self), MapSide("second", "integrated-gradients", self))
        self.faithfulness = FaithfulnessFold(self.sides)
        self._outlines = OutlineDrawer(
            self._session, (self.galaxy.view, *(side.view.view for side in self.sides)), self
        )
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.controls)
        column.addWidget(self.epochs)
        column.addLayout(self._build_pictures(), 1)
        column.addWidget(self.faithfulness)
        column.addWidget(self._build_settings_fold())
        self._set_content(content)

    def _build_pictures(self) -> QGridLayout:
        """Lay out three columns whose corresponding parts line up in the rows of a grid."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setRowStretch(2, 1)
        grid.addWidget(self.galaxy.name, 0, 0)
        grid.addWidget(self.galaxy.view, 2, 0)
        grid.addWidget(self.galaxy.outputs, 3, 0, 2, 1)
        for column, side in enumerate(self.sides, 1):
            view = side.view
            for row, widget in enumerate((view.head, view.caption, view.picture, view.bar, view.note)):
                grid.addWidget(widget, row, column)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        return grid

    def _build_settings_fold(self) -> Fold:
        inside = QWidget()
        line = QHBoxLayout(inside)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(24)
        for side in self.sides:
            policy = side.settings.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            side.settings.setSizePolicy(policy)
            line.addWidget(side.settings, 1)
        return Fold("How the maps are made", ShrinkingScrollArea(inside))

    def _connect(self) -> None:
        session = self._session
        session.current_changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        session.selection_changed.connect(self._show_selection_count)
        self._network.changed.connect(self._network_changed)
        self.epochs.moved.connect(self._epoch_changed)
        self.controls.output_chosen.connect(self._explain)
        self.controls.run_chosen.connect(self._arrange_sides)
        self.controls.contours_toggled.connect(self._outline)
        for side in self.sides:
            self._layer_request.finished.connect(side.set_layers)
            side.settings_changed.connect(self._explain)
            side.form_made.connect(self._session.keep_undo)
            self._session.keep_undo(side.form)
            side.changed.connect(self._match_colours)
            self.controls.opacity_changed.connect(side.view.set_opacity)
            side.view.save.triggered.connect(partial(self._save_map, side))
            side.view.save_all.triggered.connect(partial(self._save_maps, side))
            side.view.send.triggered.connect(partial(self._send_map, side))

    # -- requests --------------------------------------------------------------------------------------------------

    @property
    def _predictor(self) -> Path | None:
        """The weights to explain: those of the chosen epoch where single epochs were kept."""
        choice = self.epochs.choice
        return self._network.path if choice is None else choice.path

    def _show_weights(self) -> None:
        """Offer the epochs of the open run, or say that a training is followed."""
        if self._network.is_in_training and self._network.path is not None:
            self.epochs.show_latest(f"{describe_weights(self._network.path)}, of the training that runs")
        else:
            self.epochs.show_run(self._network.run)

    def _network_changed(self) -> None:
        """Follow another open run, or the next checkpoint of a training."""
        self._show_weights()
        self.refresh()

    def _epoch_changed(self) -> None:
        """Repeat prediction and maps of the same galaxy with the network of another epoch."""
        if self._stale or self._is_empty:
            return
        if self._predictions:
            self._explain()
        self._predict()

    def _is_idle(self) -> bool:
        return not (self._prediction_request.is_running or any(side.is_busy for side in self.sides))

    def _drop_outdated(self) -> None:
        self._predictions.clear()
        for request in (self._prediction_request, self._other_request):
            request.stop()
        for side in self.sides:
            side.forget()

    def _renew(self) -> None:
        """Predict and explain the current galaxy anew."""
        cutouts, row, predictor = self._session.dataset.cutouts, self._session.current, self._predictor
        self.bands.follow(predictor)
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
                side.show_waiting()
        if another:
            self._outline()
        self._predict()
        if self.controls.other is not None:
            self._other_request.start(work.predict(self.controls.other, cutouts.path, np.array([row])))
        bands, height, width = cutouts.images.shape[1:]
        self._layer_request.start(map_work.list_layers(predictor, (bands, height, width)))

    def _predict(self) -> None:
        """Request the network's prediction for the current galaxy."""
        cutouts, predictor = self._session.dataset.cutouts, self._predictor
        if predictor in self._predictions:
            self._prediction_request.stop()
            self._show_prediction(self._predictions[predictor])
        elif cutouts is not None and predictor is not None:
            self._prediction_request.start(work.predict(predictor, cutouts.path, np.array([self._session.current])))

    def _outline(self) -> None:
        self._outlines.update(self.controls.contours.isChecked())

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
        """Show the prediction; the explained output stays the same from epoch to epoch."""
        is_first = not self._predictions
        self._predictions[self._predictor] = predictions
        self.galaxy.show_prediction(predictions)
        if is_first:
            self.controls.offer(predictions)
        if (weights := self._predictor) is not None:
            prediction = format_prediction(predictions, self.controls.output)
            self.sides[0].view.caption.setText(f"{describe_weights(weights)}: {prediction}")
        if is_first:
            self._explain()

    def _show_other(self, predictions: Predictions) -> None:
        if (other := self.controls.other) is not None:
            prediction = format_prediction(predictions, self.controls.output)
            self.sides[1].view.caption.setText(f"{describe_weights(other)}: {prediction}")

    def _show_refusal(self, problem: object) -> None:
        self.galaxy.show_message(self._describe(problem))
        for side in self.sides:
            side.show_message("")

    def _build_request(self, side: MapSide, output: str | None) -> MapRequest | None:
        """Build the map request of a view; None while something is missing or its settings are not valid."""
        cutouts, predictor, other = self._session.dataset.cutouts, self._predictor, self.controls.other
        source = self.sides[0] if other is not None else side  # of method and settings
        if cutouts is None or predictor is None or source.form.problem:
            return None
        weights = other if other is not None and side is self.sides[1] else predictor
        return MapRequest(weights, cutouts.path, output, source.method, source.form.value())

    def _explain(self) -> None:
        """Explain the chosen output in both views."""
        if self.controls.other is not None:
            self.sides[1].view.set_method(self.sides[0].method)
        for side in self.sides:
            request = self._build_request(side, self.controls.output)
            if request is not None and request.output and self._session.current >= 0:
                side.explain(request, self._session.current)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _arrange_sides(self) -> None:
        """Arrange the views for one network and two methods, or for two networks and one method."""
        first, second = self.sides
        two = self.controls.other is not None
        for side in self.sides:
            side.view.caption.setVisible(two)
            side.view.caption.clear()
        second.view.chooser.setEnabled(not two)
        second.view.set_method(first.method if two else second.method)
        second.settings.setVisible(not two)
        if two:
            second.show_waiting()
        self.refresh()

    def _match_colours(self) -> None:
        """Give the maps of all epochs shown so far, and of two networks, the same colour limits."""
        limits = [side.colour_limit for side in self.sides]
        if self.controls.other is not None:
            limits = [max(limit or 0.0 for limit in limits)] * len(limits)
        for side, limit in zip(self.sides, limits, strict=True):
            side.view.set_limit(limit)

    # -- saving ----------------------------------------------------------------------------------------------------

    def _show_selection_count(self) -> None:
        for side in self.sides:
            side.view.offer_selection(len(self._session.selection))

    def _save_map(self, side: MapSide, _checked: bool = False) -> None:
        if side.view.explanation is not None:
            saving.save_map(self._session, side.view.explanation, self)

    def _save_maps(self, side: MapSide, _checked: bool = False) -> None:
        request = self._build_request(side, self.controls.chosen)
        if request is not None:
            saving.save_maps(self._session, request, self)

    def _send_map(self, side: MapSide, _checked: bool = False) -> None:
        if side.view.explanation is not None:
            saving.send_map(self._session, side.view.explanation)
