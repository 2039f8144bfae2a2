"""The network: a table of its layers, and its receptive field drawn over a galaxy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app import work as shared_work
from app.jobs.job import Latest
from app.panel.panel import Panel
from app.session.session import Session
from app.train import work
from app.widgets.image_view import ImageView
from app.widgets.layer_table import LayerTable
from app.widgets.message_line import MessageLine
from core.data.stretch import colour_planes, default_stretch, to_rgb
from core.project.runs import RunFolder
from core.train import receptive_field, tuned_blocks

if TYPE_CHECKING:
    from core.nets.layers import LayerRow

_SHAPE_WITHOUT_DATA = (3, 64, 64)


class NetworkPanel(Panel):
    """See every layer with its receptive field, and freeze blocks of a base network.

    Parameters
    ----------
    session
        Its draft ``settings.network`` are shown and its ``settings.transfer.freeze_blocks`` edited here.
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
        self.table = LayerTable()
        self.table.setMinimumHeight(160)
        self.view = ImageView()
        self.view.setMinimumSize(160, 160)
        self.total = QLabel()
        self.total.setObjectName("total")
        self.field = MessageLine(2, "", grows=True)
        self.message = MessageLine(3, grows=True)
        self.base = MessageLine(3, grows=True)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view, 2)
        column.addWidget(self.field)
        column.addWidget(self.message)
        column.addWidget(self.table, 3)
        column.addWidget(self.total)
        column.addWidget(self.base)
        self._set_content(content)

    def _connect(self) -> None:
        self.table.freeze_changed.connect(self._set_frozen_blocks)
        self._size_request.finished.connect(self._show_size)
        self._session.draft.changed.connect(self.refresh)
        self._session.dataset.changed.connect(self.refresh)
        self._session.dataset.split_changed.connect(self.refresh)
        self._session.current_changed.connect(self.refresh)
        self._session.activity.training_begun.connect(self.refresh)
        self._session.activity.training_advanced.connect(self.refresh)

    def _set_frozen_blocks(self, blocks: int) -> None:
        if not self._can_freeze:
            return
        changes: dict[str, Any] = {"transfer.freeze_blocks": blocks}
        if blocks < self._depth and self._session.draft.settings.transfer.cached_views:
            changes["transfer.cached_views"] = 0  # what a tuned block answers cannot be kept
        self._session.draft.edit_together(changes)

    @property
    def _can_freeze(self) -> bool:
        """Whether there are earlier layers to freeze, and no training that has begun with them."""
        return bool(self._base) and self._session.activity.training is None

    @property
    def _depth(self) -> int:
        """The number of blocks."""
        return max((row.block for row in self._rows if len(row.shape) == 3), default=0)

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
        """Update the table from the draft; the layers are listed on another thread."""
        settings = self._session.draft.settings
        self.base.clear()
        if self._base:
            title = RunFolder(Path(self._base)).title
            self.base.setText(
                f"The layers come from “{title}”. Click a block to freeze it and all before it, or the head to train "
                "it alone; click again to free. Frozen blocks keep their weights and batch statistics."
            )
        target, error_bars = self._session.dataset.target, settings.loss.quantities == "gaussian"
        request = (settings.network, self._base, self._shape, target, error_bars)
        if request != self._requested:
            self._requested = request
            self._latest.start(
                shared_work.read_base_layers(Path(self._base), self._shape)
                if self._base
                else work.build_layer_table(settings.network, self._shape, target, error_bars=error_bars)
            )
        self._measure()
        self._show_tuning()

    def _show_tuning(self) -> None:
        """Show which blocks are frozen, and when and at which rate the others learn."""
        settings = self._session.draft.settings
        self.table.set_frozen(settings.transfer.freeze_blocks if self._base else 0, choosable=self._can_freeze)
        self.table.set_learning(tuned_blocks.describe_rates(settings, self._depth) if self._base else {})

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
        self._show_tuning()
        self.total.setText(f"{sum(row.parameters for row in rows):,} parameters")
        self.message.clear()
        self._show_field()

    def _show_refusal(self, problem: object) -> None:
        self._rows = ()
        self.table.set_rows([], self._pixel_scale())
        self.total.clear()
        self.field.clear()
        self.view.set_circle(None)
        self.message.say(self._describe(problem), "problem")

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
        draft = self._session.draft.settings
        is_free = not draft.transfer.start_from  # else the layers are those of the earlier network
        narrow = receptive_field.narrow_field_warning(field, self._size, draft.network) if is_free else None
        self.message.say("" if narrow is None else narrow.text)
