"""Map of the features: each galaxy is a point, and galaxies similar to the network lie together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from app.explain import network_work
from app.explain.network_panel import RunNetworkPanel
from app.explain.network_work import Pair
from app.explain.widgets.colour_bar import ColourBar
from app.explain.widgets.point_map import PointMap
from app.session.session import Session
from app.theme import colours, icon
from app.widgets.empty_state import EmptyState
from app.widgets.focus_guard import keep_from_focus
from app.widgets.forms import SettingsForm
from app.widgets.image_view import ImageView
from app.widgets.plain_text import RichLabel, in_html, shortened
from app.widgets.reserved import share_place
from app.widgets.responsive_split import ResponsiveSplit, Scrollable
from core.data.stretch import colour_planes, colour_table, default_stretch, to_rgb
from core.data.target import Classes, columns_of, label_text, numbers
from core.explain.settings import FeatureMapSettings
from core.wording import count_of, percent

if TYPE_CHECKING:
    from core.explain.features import FeatureMap

_SHADES = 32  # steps of the colour scale of a quantity
_COLOUR_PERCENTILES = (1, 99)  # between which the colour scale of a quantity extends
_HINT = "Click a point to go to its galaxy. Draw around points to select them, with Shift more. The wheel zooms."


class GalaxyMapPanel(RunNetworkPanel):
    """The last features of all galaxies, projected onto a plane; clicks and lassos lead back to the galaxies.

    Parameters
    ----------
    session
        The features of its open dataset come from its open run; current galaxy and selection are shared with it.

    Attributes
    ----------
    feature_map
        The map on display; None: none was computed yet.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "galaxy_map",
            "mdi6.chart-scatter-plot",
            "Nothing to map yet",
            "Then see which galaxies are similar to it.",
            parent,
        )
        self.feature_map: FeatureMap | None = None
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.form = SettingsForm(FeatureMapSettings)
        self._session.keep_undo(self.form)
        self.draw = QPushButton(icon("mdi6.play", "on_accent"), "Draw the map")
        self.draw.setProperty("role", "primary")
        self.draw.setToolTip("Compute the network's features of every galaxy of the dataset.")
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        keep_from_focus(self.stop)
        share_place(self.draw, self.stop)
        self.legend, self.caption = RichLabel(), QLabel()
        self.caption.setProperty("role", "muted")
        for label in (self.caption, self.legend):
            label.setWordWrap(True)
        self.columns = QComboBox()
        self.columns.setToolTip("The quantity whose values colour the points.")
        self.bar = ColourBar()
        self.picture = ImageView()
        self.picture.setFixedHeight(200)
        self._set_content(
            ResponsiveSplit(
                Scrollable(self._build_settings()), self._build_plot(), 620, (260, 600), (240, 400), parent=self
            )
        )

    def _build_settings(self) -> QWidget:
        side = QWidget()
        buttons = QHBoxLayout()
        buttons.addWidget(self.draw, 1)
        buttons.addWidget(self.stop, 1)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(8)
        column.addWidget(self.form)
        column.addLayout(buttons)
        for widget in (self.state, self.columns, self.bar, self.legend, self.picture, self.caption):
            column.addWidget(widget)
        column.addStretch(1)
        return side

    def _build_plot(self) -> QWidget:
        """Build the scatter plot, and the empty state shown before there is a map."""
        invitation = EmptyState(
            "mdi6.chart-scatter-plot",
            "Which galaxies are similar to the network?",
            "Draw the map: each galaxy is a point, and similar ones lie together. Outliers are often wrong labels.",
        )
        self.map = PointMap()
        hint = QLabel(_HINT)
        hint.setProperty("role", "muted")
        hint.setWordWrap(True)
        plot, side = QWidget(), QWidget()
        column = QVBoxLayout(plot)
        column.setContentsMargins(6, 0, 0, 0)
        column.addWidget(self.map, 1)
        column.addWidget(hint)
        self._pages = QStackedLayout(side)
        self._pages.addWidget(invitation)
        self._pages.addWidget(plot)
        return side

    def _connect(self) -> None:
        for signal in (self._session.dataset.split_changed, self._session.dataset.labels_changed):
            signal.connect(self.refresh)
        self._session.selection_changed.connect(self._show_selection)
        self._session.neighbours_changed.connect(self._show_selection)
        self.work.finished.connect(self._show)
        self.work.stopped.connect(self._show_selection)
        self.draw.clicked.connect(self.begin)
        self.stop.clicked.connect(self._stop)
        self.columns.activated.connect(self._show_colours)
        self.map.clicked.connect(lambda index: self._session.set_current(self._dataset_row(index)))
        self.map.hovered.connect(self._hover)
        self.map.lassoed.connect(self._select)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange and self.isVisible():
            self._show_colours()
        super().changeEvent(event)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self.feature_map = None
        self._show_state()

    def _show_current_galaxy(self, pair: Pair, row: int) -> None:
        del pair, row
        self._show_target()
        self._show_current()
        self._show_selection()

    def begin(self) -> None:
        """Compute the map with the settings of the form."""
        if self._pair is not None and not self.work.is_running and not self.form.problem:
            self._begin(network_work.compute_feature_map(self._pair, self.form.value()))

    def _stop(self) -> None:
        self.work.stop()
        self.state.setText("Stopping…")

    def _show_state(self) -> None:
        self.draw.setVisible(not self.work.is_running)
        self.stop.setVisible(self.work.is_running)
        has_map = self.feature_map is not None
        self._pages.setCurrentIndex(1 if has_map else 0)
        for widget in (self.legend, self.picture, self.caption):
            widget.setVisible(has_map)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _show(self, feature_map: FeatureMap) -> None:
        self.feature_map = feature_map
        share = feature_map.explained_variance
        titles = None
        if share is not None:
            titles = [f"Component {axis}: {percent(part)} of the variance" for axis, part in enumerate(share, 1)]
        self.map.set_points(feature_map.coordinates, titles, self._describe_point)
        self._show_target()
        self._show_current()
        self._show_selection()

    def _dataset_row(self, index: int) -> int:
        assert self.feature_map is not None
        return int(self.feature_map.rows[index])

    def _describe_point(self, index: int) -> str:
        label = self._session.dataset.label(self._dataset_row(index))
        return "" if self.feature_map is None else f"{self.feature_map.ids[index]}\n{label}".strip()

    def _show_target(self) -> None:
        """Offer the columns that the points can be coloured by, and colour the points."""
        target = self._session.dataset.target
        names = () if target is None or isinstance(target, Classes) else columns_of(target)
        chosen = self.columns.currentText()
        self.columns.clear()
        self.columns.addItems(names)
        self.columns.setCurrentIndex(max(0, self.columns.findText(chosen)) if names else -1)
        self._show_colours()

    def _show_colours(self, _place: int = 0) -> None:
        target, feature_map = self._session.dataset.target, self.feature_map
        is_number = feature_map is not None and target is not None and not isinstance(target, Classes)
        self.columns.setVisible(is_number)
        self.bar.setVisible(is_number)
        self.legend.clear()
        if feature_map is None:
            return
        if isinstance(target, Classes):
            self._show_classes(target, self._session.dataset.columns[target.column][feature_map.rows])
        elif is_number:
            self._show_values(numbers(self._session.dataset.columns[self.columns.currentText()])[feature_map.rows])
        else:
            self.map.set_colours(np.full(len(feature_map), -1), [])

    def _show_classes(self, target: Classes, labels: NDArray[np.generic]) -> None:
        names, shades, muted = target.names, self._session.dataset.class_colours(target.names), colours().muted
        index = {name: number for number, name in enumerate(names)}
        groups = np.array([index.get(label_text(label), -1) for label in labels.tolist()], dtype=np.int64)
        self.map.set_colours(groups, shades)
        unlabelled, *counts = np.bincount(groups + 1, minlength=len(names) + 1).tolist()
        entries = list(zip(names, shades, counts, strict=True)) + [("no label", muted, unlabelled)] * (unlabelled > 0)
        lines = [
            f'<span style="color:{shade}">●</span> {in_html(shortened(name))} '
            f'<span style="color:{muted}">{count:,}</span>'
            for name, shade, count in entries
        ]
        self.legend.setText("<br>".join(lines))

    def _show_values(self, values: NDArray[np.float64]) -> None:
        finite = np.isfinite(values)
        low, high = np.percentile(values[finite], _COLOUR_PERCENTILES) if finite.any() else (0.0, 1.0)
        high = high if high > low else low + 1
        shades = np.clip((np.where(finite, values, low) - low) / (high - low), 0, 1) * (_SHADES - 1)
        table = colour_table("viridis")[np.linspace(0, 255, _SHADES).astype(int)]
        self.map.set_colours(
            np.where(finite, shades.round(), -1).astype(np.int64), [QColor(*shade).name() for shade in table.tolist()]
        )
        self.bar.set_scale(float(low), float(high), "viridis")

    # -- to the galaxies and back ----------------------------------------------------------------------------------

    def _show_current(self) -> None:
        row = self._session.current
        if self.feature_map is not None:
            places = np.flatnonzero(self.feature_map.rows == row)
            self.map.set_current(int(places[0]) if len(places) else -1)
            self._show_picture(row)

    def _show_selection(self) -> None:
        if self.feature_map is not None:
            places = np.flatnonzero(np.isin(self.feature_map.rows, self._session.selection))
            self.map.set_selected(places)
            alike = np.flatnonzero(np.isin(self.feature_map.rows, self._session.neighbours))
            self.map.set_neighbours(alike)
            chosen = f", {len(places):,} selected" if len(places) else ""
            marked = f"; squares: the {len(alike):,} most alike of “Find more like this”" if len(alike) else ""
            self.state.setText(f"{count_of(len(self.feature_map), 'galaxy')}{chosen}{marked}")

    def _select(self, places: NDArray[np.int64], more: bool) -> None:
        if self.feature_map is not None:
            rows = self.feature_map.rows[places]
            self._session.set_selection(np.union1d(self._session.selection, rows) if more else rows)

    def _hover(self, index: int) -> None:
        self._show_picture(self._dataset_row(index) if index >= 0 else self._session.current)

    def _show_picture(self, row: int) -> None:
        cutouts = self._session.dataset.cutouts
        if cutouts is None or row < 0:
            self.picture.set_image(None)
            self.caption.clear()
            return
        planes = colour_planes([band.name for band in cutouts.bands])
        picture = to_rgb(cutouts.images[row], default_stretch(cutouts.is_picture), planes)
        self.picture.set_image(picture, float(cutouts.pixel_scale[row]))
        self.caption.setText(f"{cutouts.ids[row]} {self._session.dataset.label(row)}".strip())
