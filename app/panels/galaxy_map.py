"""The galaxies as points: those that the network finds alike lie together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QColor, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from app import inside
from app.forms import SettingsForm
from app.jobs import Job
from app.session import Session
from app.theme import class_colours, colours, icon
from app.widgets.colour_bar import ColourBar
from app.widgets.empty_state import EmptyState
from app.widgets.image_view import ImageView
from app.widgets.point_map import PointMap
from app.widgets.state_line import StateLine
from app.widgets.two_sides import TwoSides, scrolled
from core.data.stretch import COLOUR_MAPS, colour_planes, suited, to_rgb
from core.data.target import Classes, columns_of, label_text, numbers
from core.errors import Problem
from core.explain.settings import FeatureMapSettings

if TYPE_CHECKING:
    from core.explain.features import FeatureMap

_SHADES = 32  # of a quantity
_ENDS = (1, 99)  # percentiles of a quantity between which its colours reach
_HINT = "Click a point to go to its galaxy. Draw around points to select them, with Shift more. The wheel zooms."


class GalaxyMapPanel(QWidget):
    """The last features of all galaxies on a map; clicks and lassos lead back to the galaxies.

    Parameters
    ----------
    session
        Its open dataset is laid out by its open run; current galaxy and selection are shared with it.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("galaxy_map")
        self._session = session
        self._job: Job | None = None
        self._shown_for: tuple[Path, Path] | None = None
        self._stale = True
        self.found: FeatureMap | None = None
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.form = SettingsForm(FeatureMapSettings)
        self.draw = QPushButton(icon("mdi6.play", "on_accent"), "Draw the map")
        self.draw.setProperty("role", "primary")
        self.draw.setToolTip("Let the network look at every galaxy of the dataset once.")
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.state, self.legend, self.caption = StateLine(), QLabel(), QLabel()
        self.caption.setProperty("role", "muted")
        self.caption.setWordWrap(True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.columns = QComboBox()
        self.columns.setToolTip("The quantity whose values colour the points.")
        self.bar = ColourBar()
        self.picture = ImageView()
        self.picture.setFixedHeight(200)
        self.map = PointMap()
        self.empty = EmptyState("mdi6.chart-scatter-plot", "", "")
        self._invitation = EmptyState(
            "mdi6.chart-scatter-plot",
            "Which galaxies are alike to the network?",
            "Draw the map: each galaxy is a point, and like ones lie together. Strays are often wrong labels.",
        )
        hint = QLabel(_HINT)
        hint.setProperty("role", "muted")
        hint.setWordWrap(True)
        plot, side = QWidget(), QWidget()
        column = QVBoxLayout(plot)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.map, 1)
        column.addWidget(hint)
        self._sides = QStackedLayout(side)
        self._sides.addWidget(self._invitation)
        self._sides.addWidget(plot)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(TwoSides(scrolled(self._choices()), side, 620, (260, 600), (240, 400)))
        whole = QVBoxLayout(self)
        whole.addLayout(self._stack)

    def _choices(self) -> QWidget:
        side = QWidget()
        buttons = QHBoxLayout()
        buttons.addWidget(self.draw, 1)
        buttons.addWidget(self.stop, 1)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(8)
        column.addWidget(self.form)
        column.addLayout(buttons)
        column.addWidget(self.state)
        for widget in (self.columns, self.bar, self.legend, self.picture, self.caption):
            column.addWidget(widget)
        column.addStretch(1)
        return side

    def _connect(self) -> None:
        session = self._session
        session.cutouts_changed.connect(self.refresh)
        session.predictor_changed.connect(self.refresh)
        session.split_changed.connect(self._show_target)
        session.current_changed.connect(self._show_current)
        session.selection_changed.connect(self._show_selection)
        self.draw.clicked.connect(self.begin)
        self.stop.clicked.connect(self._stop)
        self.columns.activated.connect(self._show_colours)
        self.map.clicked.connect(lambda place: self._session.set_current(self._row(place)))
        self.map.hovered.connect(self._hover)
        self.map.lassoed.connect(self._select)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing running."""
        self._stop()
        super().closeEvent(event)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Forget the map of another dataset or network."""
        self._stale = not self.isVisible()
        cutouts, predictor = self._session.cutouts, self._session.predictor_path
        asked = None if cutouts is None or predictor is None else (predictor, cutouts.path)
        if asked != self._shown_for:
            self._stop()
            self._shown_for, self.found = asked, None
            self.state.clear()
        self._stack.setCurrentIndex(0 if asked is None else 1)
        if cutouts is None:
            self.empty.set_text("Nothing to lay out yet", "Open a dataset and train a network first.")
        else:
            self.empty.set_text(
                "No network yet", "Train a network or open an earlier run. Then see whom it finds alike."
            )
        self._show_target()
        self._show_state()

    def begin(self) -> None:
        """Draw the map with the settings of the form."""
        if self._shown_for is None or self._job is not None or self.form.problem:
            return
        self._job = job = inside.galaxy_map(*self._shown_for, self.form.value())
        self.state.follow(job)
        job.finished.connect(self._show)
        job.failed.connect(self._failed)
        job.ended.connect(self._ended)
        self._session.add_job(job)
        job.start()
        self._show_state()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()
            self.state.setText("Stopping…")

    def _failed(self, problem: object) -> None:
        self.state.show_problem(problem)
        if not isinstance(problem, Problem):
            self._session.report(problem)

    def _ended(self) -> None:
        self._job = None
        self._show_state()

    def _show_state(self) -> None:
        self.draw.setVisible(self._job is None)
        self.stop.setVisible(self._job is not None)
        has_map = self.found is not None
        self._sides.setCurrentIndex(1 if has_map else 0)
        for widget in (self.legend, self.picture, self.caption):
            widget.setVisible(has_map)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _show(self, found: FeatureMap) -> None:
        self.found = found
        share = found.explained_variance
        titles = ["", ""]
        if share is not None:
            titles = [f"Component {axis}: {100 * part:.0f} % of the variance" for axis, part in enumerate(share, 1)]
        self.map.set_points(found.coordinates, titles, equal=share is None, tip=self._tip)
        self.state.setText(f"{len(found):,} galaxies".replace(",", "\u202f"))
        self._show_target()
        self._show_current(self._session.current)
        self._show_selection()

    def _row(self, place: int) -> int:
        assert self.found is not None
        return int(self.found.rows[place])

    def _tip(self, place: int) -> str:
        label = self._session.label(self._row(place))
        return "" if self.found is None else f"{self.found.ids[place]}\n{label}".strip()

    def _show_target(self) -> None:
        """Offer the columns that points can be coloured by, and colour them."""
        target = self._session.target
        names = () if target is None or isinstance(target, Classes) else columns_of(target)
        chosen = self.columns.currentText()
        self.columns.clear()
        self.columns.addItems(names)
        self.columns.setCurrentIndex(max(0, self.columns.findText(chosen)) if names else -1)
        self._show_colours()

    def _show_colours(self, _place: int = 0) -> None:
        target, found = self._session.target, self.found
        is_number = found is not None and target is not None and not isinstance(target, Classes)
        self.columns.setVisible(is_number)
        self.bar.setVisible(is_number)
        self.legend.clear()
        if found is None:
            return
        if isinstance(target, Classes):
            texts = [label_text(value) for value in self._session.columns[target.column][found.rows].tolist()]
            place = {name: number for number, name in enumerate(target.names)}
            groups = np.array([place.get(text, -1) for text in texts], dtype=np.int64)
            self.map.set_colours(groups, class_colours(len(target.names)))
            self._show_legend(target.names, groups)
        elif is_number:
            values = numbers(self._session.columns[self.columns.currentText()])[found.rows]
            self._show_values(values)
        else:
            self.map.set_colours(np.full(len(found), -1), [])

    def _show_legend(self, names: Sequence[str], groups: NDArray[np.int64]) -> None:
        entries = list(zip(names, class_colours(len(names)), strict=True))
        lines = [
            f'<span style="color:{colour}">●</span> {name} <span style="color:{colours().muted}">{count:,}</span>'
            for (name, colour), count in zip(
                entries, np.bincount(groups + 1, minlength=len(names) + 1)[1:], strict=True
            )
        ]
        if bare := int((groups < 0).sum()):
            lines.append(f'<span style="color:{colours().muted}">● no label {bare:,}</span>')
        self.legend.setText("<br>".join(lines))

    def _show_values(self, values: NDArray[np.float64]) -> None:
        finite = np.isfinite(values)
        low, high = np.percentile(values[finite], _ENDS) if finite.any() else (0.0, 1.0)
        high = high if high > low else low + 1
        shades = np.clip((np.where(finite, values, low) - low) / (high - low), 0, 1) * (_SHADES - 1)
        table = COLOUR_MAPS["viridis"][np.linspace(0, 255, _SHADES).astype(int)]
        self.map.set_colours(
            np.where(finite, shades.round(), -1).astype(np.int64), [QColor(*shade).name() for shade in table.tolist()]
        )
        self.bar.set_scale(float(low), float(high), "viridis")

    # -- to the galaxies and back ----------------------------------------------------------------------------------

    def _places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where these galaxies are among the points; those that are not there are left out."""
        return np.empty(0, np.int64) if self.found is None else np.flatnonzero(np.isin(self.found.rows, rows))

    def _show_current(self, row: int) -> None:
        if self.found is not None:
            places = self._places(np.array([row]))
            self.map.set_current(int(places[0]) if len(places) else -1)
            self._show_picture(row)

    def _show_selection(self) -> None:
        if self.found is not None:
            self.map.set_selected(self._places(self._session.selection))

    def _select(self, places: NDArray[np.int64], more: bool) -> None:
        if self.found is not None:
            rows = self.found.rows[places]
            self._session.set_selection(np.union1d(self._session.selection, rows) if more else rows)
            self._session.message.emit(f"{len(self._session.selection):,} galaxies are selected.")

    def _hover(self, place: int) -> None:
        self._show_picture(self._row(place) if place >= 0 else self._session.current)

    def _show_picture(self, row: int) -> None:
        cutouts = self._session.cutouts
        if cutouts is None or row < 0:
            self.picture.set_image(None)
            self.caption.clear()
            return
        planes = colour_planes([band.name for band in cutouts.bands])
        picture = to_rgb(cutouts.images[row], suited(cutouts.is_picture), planes)
        self.picture.set_image(picture, float(cutouts.pixel_scale[row]))
        self.caption.setText(f"{cutouts.ids[row]} {self._session.label(row)}".strip())
