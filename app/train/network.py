"""The network: its settings, a table of its layers, and its receptive field drawn over a galaxy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from app.jobs.job import Latest
from app.panel.panel import Panel
from app.session.session import Session
from app.train import work
from app.train.widgets.layer_table import LayerTable
from app.widgets.forms import SettingsForm
from app.widgets.image_view import ImageView
from app.widgets.responsive_split import ResponsiveSplit, make_scrollable
from core.data.stretch import colour_planes, default_stretch, to_rgb
from core.nets.settings import NetworkSettings
from core.project.runs import RunFolder
from core.train import receptive_field

if TYPE_CHECKING:
    from core.nets.layers import LayerRow

_SHAPE_WITHOUT_DATA = (3, 64, 64)


class NetworkPanel(Panel):
    """Choose depth and width, see every layer with its receptive field, and freeze blocks of a base network.

    Parameters
    ----------
    session
        Its draft ``settings.network`` and ``settings.transfer.freeze_blocks`` are edited here.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "network", parent=parent)
        self._rows: Sequence[LayerRow] = ()
        self._requested: tuple[Any, ...] | None = None
        self._latest = self._make_request(self._show_rows, self._show_refusal)
        self._size_request = Latest(self)  # if this fails, the size stays unknown
        self._measured_for: tuple[Any, ...] | None = None
        self._size = math.nan  # of the galaxies, in pixels
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.form = SettingsForm(NetworkSettings, self._session.draft.settings.network)
        self.table = LayerTable()
        self.view = ImageView()
        self.view.setMinimumSize(150, 150)
        self.total = QLabel()
        self.total.setObjectName("total")
        self.field = QLabel()
        self.field.setWordWrap(True)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setProperty("role", "warning")
        self.base = QLabel()
        self.base.setWordWrap(True)
        self.base.setProperty("role", "muted")

        seen = QWidget()
        look = QVBoxLayout(seen)
        look.setContentsMargins(0, 0, 0, 0)
        look.addWidget(self.view, 1)
        look.addWidget(self.field)
        settings = ResponsiveSplit(make_scrollable(self.form), seen, 540, (340, 200), (130, 190))

        layers = QWidget()
        below = QVBoxLayout(layers)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.base)
        below.addWidget(self.message)
        below.addWidget(self.table, 1)
        below.addWidget(self.total)

        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(settings)
        splitter.addWidget(layers)
        splitter.setSizes([280, 400])
        splitter.setStretchFactor(1, 1)
        self._set_content(splitter)

    def _connect(self) -> None:
        self.form.changed.connect(self._edited)
        self.table.freeze_changed.connect(self._set_frozen_blocks)
        self._size_request.finished.connect(self._show_size)
        self._session.draft.changed.connect(self.refresh)
        self._session.dataset.changed.connect(self.refresh)
        self._session.current_changed.connect(self.refresh)

    def _edited(self, network: NetworkSettings) -> None:
        if network != self._session.draft.settings.network:
            self._session.draft.edit("network", network)

    def _set_frozen_blocks(self, blocks: int) -> None:
        if self._base:
            self._session.draft.edit("transfer.freeze_blocks", blocks)

    @property
    def _base(self) -> str:
        return self._session.draft.settings.transfer.start_from

    @property
    def _shape(self) -> tuple[int, int, int]:
        cutouts = self._session.dataset.cutouts
        return _SHAPE_WITHOUT_DATA if cutouts is None else cutouts.shape[1:]

    def _renew(self) -> None:
        self._show_settings()
        self._show_galaxy()

    def _show_settings(self) -> None:
        """Update form and table from the draft; the layers are listed on another thread."""
        settings = self._session.draft.settings
        if self.form.value() != settings.network:
            self.form.set_value(settings.network)
        self.form.setEnabled(not self._base)
        self.base.setVisible(bool(self._base))
        if self._base:
            title = RunFolder(Path(self._base)).title
            self.base.setText(
                f"The layers come from “{title}”. Click a block to freeze it and all before it: frozen "
                "blocks keep their weights and batch statistics. Click the last frozen one again to free it."
            )
        request = (settings.network, self._base, self._shape)
        if request != self._requested:
            self._requested = request
            self._latest.start(
                work.read_base_layers(Path(self._base), self._shape)
                if self._base
                else work.build_layer_table(settings.network, self._shape)
            )
        self._measure()
        self.table.set_frozen(settings.transfer.freeze_blocks if self._base else 0, choosable=bool(self._base))

    def _measure(self) -> None:
        """Measure the size of the galaxies, once for a dataset and its parts."""
        cutouts, settings = self._session.dataset.cutouts, self._session.draft.settings
        measured_for = None if cutouts is None else (cutouts.path, settings.data, settings.seed)
        if measured_for == self._measured_for:
            return
        self._measured_for, self._size = measured_for, math.nan
        if cutouts is not None:
            self._size_request.start(work.measure_galaxies(cutouts.path, settings, self._session.dataset.journal))

    def _show_size(self, size: float) -> None:
        self._size = size
        self._show_field()

    def _show_rows(self, rows: Sequence[LayerRow]) -> None:
        self._rows = rows
        self.table.set_rows(list(rows), self._pixel_scale())
        self.total.setText(f"{sum(row.parameters for row in rows):,} parameters".replace(",", "\u202f"))
        self.message.clear()
        self._show_field()

    def _show_refusal(self, problem: object) -> None:
        self._rows = ()
        self.table.set_rows([], self._pixel_scale())
        self.total.clear()
        self.field.clear()
        self.view.set_circle(None)
        self.message.setText(self._describe(problem))
        self.message.setVisible(True)

    def _pixel_scale(self) -> float:
        """Of the current galaxy, in arcsec/pixel; NaN if unknown."""
        cutouts, row = self._session.dataset.cutouts, self._session.current
        if cutouts is None or not len(cutouts):
            return math.nan
        return float(cutouts.pixel_scale[max(row, 0)])

    def _show_galaxy(self) -> None:
        cutouts = self._session.dataset.cutouts
        if cutouts is None or not len(cutouts):
            self.view.set_image(None)
        else:
            stamp = cutouts.images[max(self._session.current, 0)]
            planes = colour_planes([band.name for band in cutouts.bands])
            self.view.set_image(to_rgb(stamp, default_stretch(cutouts.is_picture), planes), self._pixel_scale())
        self._show_field()

    def _show_field(self) -> None:
        """Draw the receptive field of the last block, and warn if it is smaller than the galaxies."""
        if not self._rows:
            return
        field, scale = receptive_field.final_receptive_field(self._rows), self._pixel_scale()
        sky = f" = {field * scale:.3g}″" if math.isfinite(scale) else ""
        galaxies = f", half of the galaxies over {self._size:.0f} px" if math.isfinite(self._size) else ""
        self.view.set_circle(float(field))
        self.field.setText(f"Last block sees {field} px{sky}{galaxies}")
        narrow = receptive_field.narrow_field_warning(field, self._size, self._session.draft.settings.network)
        self.message.setVisible(narrow is not None)
        self.message.setText("" if narrow is None else narrow.text)
