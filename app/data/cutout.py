"""The cutout of the current galaxy: pixel values, sky coordinates, and its catalogue row."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.data import work
from app.data.ranking import NO_NETWORK
from app.data.widgets.sky_text import Position, degrees, directions, sexagesimal
from app.jobs.job import Latest
from app.panel.panel import Panel
from app.session.session import Session
from app.theme import icon
from app.widgets.empty_state import EmptyState
from app.widgets.image_view import ImageView
from app.widgets.plain_text import as_written
from app.widgets.stretch_bar import StretchBar
from core.data import stretch
from core.data.stretch import StretchSettings
from core.printable import on_one_line

_SHORT = 9  # letters
_CURSOR_LINES = 3  # pixel and values, hours and degrees, degrees


class CutoutPanel(Panel):
    """The current galaxy.

    Parameters
    ----------
    session
        Its current galaxy is shown.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        empty = EmptyState("mdi6.image-outline", "No galaxy chosen", "Click a galaxy in the gallery.")
        super().__init__(session, "cutout", empty, parent)
        self._position: Position | None = None
        self._latest = Latest(self)  # if this fails, the sky coordinates stay unknown
        self._build()
        self._connect()
        self._new_dataset()

    def _build(self) -> None:
        self.view = ImageView()
        self.stretch_bar = StretchBar()
        self.bands = QComboBox()
        self.bands.setToolTip("Show one band, or three as colours.")
        self.bands.setMinimumContentsLength(9)
        self.bands.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.similar = QToolButton()
        self.similar.setIcon(icon("mdi6.image-multiple-outline"))
        self.similar.setAccessibleName("Find more like this")
        self.name = QLabel()
        self.name.setProperty("role", "heading")
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.cursor_text = QLabel()
        self.cursor_text.setProperty("role", "muted")
        self.cursor_text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.cursor_text.setFixedHeight(_CURSOR_LINES * self.cursor_text.fontMetrics().lineSpacing() + 2)
        self.cursor_text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["Column", "Value"])
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.horizontalHeader().setHighlightSections(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.setWordWrap(False)  # of a path that is wrapped at its slash, only the folder is seen
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)

        for control in (self.similar, self.bands):  # beside the name, they would cut it off
            self.stretch_bar.add(control)
        picture = QWidget()
        column = QVBoxLayout(picture)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.name)
        column.addWidget(self.stretch_bar)
        column.addWidget(self.view, 1)
        column.addWidget(self.cursor_text)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(picture)
        splitter.addWidget(self.table)
        splitter.setStretchFactor(0, 1)
        splitter.setSizes([470, 170])
        self._set_content(splitter)

    def _connect(self) -> None:
        self._session.dataset.changed.connect(self._new_dataset)
        self._session.current_changed.connect(self._show)
        self._session.predictor_changed.connect(self._show_network)
        self.similar.clicked.connect(lambda _checked=False: self._find_similar())
        self._session.dataset.labels_changed.connect(self._show_row)
        self.stretch_bar.changed.connect(self._draw)
        self.bands.activated.connect(self._draw)
        self.view.hovered.connect(self._hover)
        self.view.left.connect(self.cursor_text.clear)
        self._latest.finished.connect(self._set_position)

    def _show_network(self) -> None:
        """Offer what needs a network."""
        is_there = self._session.predictor_path is not None
        self.similar.setEnabled(is_there)
        about = "Find more like this: show the galaxies most alike to it, in the gallery."
        self.similar.setToolTip(about if is_there else f"{about} {NO_NETWORK}")

    def _find_similar(self) -> None:
        self._session.panel_wanted.emit("gallery")
        self._session.similar_wanted.emit(np.array([self._session.current], dtype=np.int64))

    def _new_dataset(self) -> None:
        cutouts = self._session.dataset.cutouts
        self.bands.clear()
        if cutouts is not None:
            names = [band.name for band in cutouts.bands]
            planes = stretch.colour_planes(names)
            if planes is not None:
                three = ", ".join(names[plane] for plane in planes)
                self.bands.addItem(f"Colour: {three}" if len(three) <= _SHORT else "Colour", planes)
                self.bands.setItemData(0, as_written(f"Red, green and blue: {three}"), Qt.ItemDataRole.ToolTipRole)
            for plane, name in enumerate(names):
                self.bands.addItem(f"Band {name}", plane)
            self.bands.setVisible(len(names) > 1)
            self.stretch_bar.set_value(stretch.default_stretch(cutouts.is_picture))
        self._show_network()
        self._show(self._session.current)

    def _show(self, row: int) -> None:
        cutouts = self._session.dataset.cutouts
        ready = cutouts is not None and row >= 0
        self._show_content(ready)
        self._position = None
        self.view.set_compass(None)
        self.cursor_text.clear()
        if cutouts is None or row < 0:
            return
        self.name.setText(cutouts.ids[row])
        self.name.setToolTip(as_written(cutouts.ids[row]))
        self._draw()
        self._show_row()
        self._latest.start(work.read_coordinates(cutouts.path, row))

    def _draw(self, _value: object = None) -> None:
        cutouts, row = self._session.dataset.cutouts, self._session.current
        if cutouts is None or row < 0:
            return
        settings: StretchSettings = self.stretch_bar.value()
        picture = stretch.to_rgb(cutouts.images[row], settings, self.bands.currentData())
        self.view.set_image(picture, float(cutouts.pixel_scale[row]))

    def _show_row(self, _rows: object = None) -> None:
        """Show the galaxy's catalogue row, with labels given by hand."""
        session, cutouts, row = self._session, self._session.dataset.cutouts, self._session.current
        if cutouts is None or row < 0:
            return
        cells = [
            (name, _text(values[row]), cutouts.units.get(name, "")) for name, values in session.dataset.columns.items()
        ]
        missing = float(cutouts.missing[row])
        if missing > 0:
            cells.append(("filled pixels", f"{100 * missing:.2g}", "%"))
        self.table.setRowCount(len(cells))
        for place, (name, value, unit) in enumerate(cells):
            self.table.setItem(place, 0, QTableWidgetItem(on_one_line(name)))
            text = f"{value} {unit}".strip()
            item = QTableWidgetItem(on_one_line(text))
            item.setToolTip(as_written(text))
            self.table.setItem(place, 1, item)

    def _set_position(self, position: Position | None) -> None:
        self._position, cutouts = position, self._session.dataset.cutouts
        if position is not None and cutouts is not None:
            height, width = cutouts.shape[2:]
            self.view.set_compass(directions(position, (width - 1) / 2, (height - 1) / 2))

    def _hover(self, x: float, y: float) -> None:
        """Show pixel, values and sky coordinates under the cursor."""
        cutouts, row = self._session.dataset.cutouts, self._session.current
        if cutouts is None or row < 0:
            return
        column, line = round(x), round(y)
        values = cutouts.images[row][:, line, column]
        parts = [f"{band.name} {value:.4g}" for band, value in zip(cutouts.bands, values, strict=True)]
        units = {band.unit for band in cutouts.bands}
        unit = f" {units.pop()}" if len(units) == 1 else ""  # once for all
        lines = [f"x {column}, y {line}   {'  '.join(parts)}{unit}".rstrip()]
        if self._position is not None:
            ra, dec = self._position(x, y)
            if math.isfinite(ra):
                lines += [sexagesimal(ra, dec), degrees(ra, dec)]
        metrics, room = self.cursor_text.fontMetrics(), self.cursor_text.width()
        shown = [metrics.elidedText(each, Qt.TextElideMode.ElideRight, room) for each in lines]
        self.cursor_text.setText("\n".join(shown))


def _text(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.6g}" if math.isfinite(value) else "–"
    return str(value)
