"""Augmentation: sixteen augmented views of one galaxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.panel.panel import Panel
from app.session.session import Session
from app.theme import icon
from app.train import work
from app.widgets.message_line import MessageLine
from app.widgets.mosaic import Mosaic
from core.data.stretch import StretchSettings, colour_planes, default_stretch, limits, to_rgb

if TYPE_CHECKING:
    from core.nets.normalisation import Normalisation

_NEIGHBOURS = 16


class AugmentationPanel(Panel):
    """How galaxies are augmented in training, tried out on the current galaxy.

    Parameters
    ----------
    session
        Its draft ``settings.augmentation`` is tried out here.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "augmentation", parent=parent)
        self._seed = 0
        self._stamp: NDArray[np.float32] | None = None
        self._scaling: tuple[tuple[Any, ...], Normalisation] | None = (
            None  # what the last scaling was fitted for, and the scaling
        )
        self.shown: NDArray[np.float32] | None = None  # (16, C, H, W), after augmentation
        self._latest = self._make_request(self._show_views)
        self._build()
        self.again.clicked.connect(self._draw_again)
        self.as_seen.toggled.connect(self.refresh)
        session.draft.changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        session.current_changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self.mosaic = Mosaic()
        self.caption = MessageLine(grows=True)
        self.again = QPushButton(icon("mdi6.dice-multiple-outline"), "Draw again")
        self.again.setToolTip("Sixteen other views of the same galaxy.")
        self.as_seen = QCheckBox("As the network sees it")
        self.as_seen.setToolTip("After the input scaling and whitening of the network's settings.")
        below = QHBoxLayout()
        below.addWidget(self.as_seen)
        below.addStretch(1)
        below.addWidget(self.again)
        views = QWidget()
        column = QVBoxLayout(views)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.mosaic, 1)
        column.addWidget(self.caption)
        column.addLayout(below)
        self._set_content(views)

    def _draw_again(self) -> None:
        self._seed += 1
        self.refresh()

    def _drop_outdated(self) -> None:
        self._latest.stop()

    def _renew(self) -> None:
        """Request sixteen new views."""
        cutouts = self._session.dataset.cutouts
        self.again.setEnabled(cutouts is not None)
        if cutouts is None or not len(cutouts):
            self._stamp = None
            self.mosaic.set_pictures([])
            self.caption.setText("Open a dataset to see augmentation at work.")
            return
        row = max(self._session.current, 0)
        self._stamp = cutouts.images[row]
        self.caption.setText(f"{cutouts.ids[row]}, sixteen times")
        settings = self._session.draft.settings
        others = self._sample_neighbours(row) if settings.augmentation.neighbours else None
        if self.as_seen.isChecked():
            known = self._scaling[1] if self._scaling is not None and self._scaling[0] == self._scaling_key else None
            self._latest.start(
                work.augment_as_seen(
                    self._stamp, settings, cutouts.path, self._seed, others, known, self._session.dataset.journal
                )
            )
        else:
            self._latest.start(work.augment_stamp(self._stamp, settings.augmentation, self._seed, others))

    @property
    def _scaling_key(self) -> tuple[Any, ...]:
        """Everything that the input scaling depends on."""
        cutouts, settings = self._session.dataset.cutouts, self._session.draft.settings
        network = settings.network
        knobs = (network.normalisation, network.samplewise, network.whitening, network.whitening_floor)
        return None if cutouts is None else cutouts.path, settings.data, settings.seed, *knobs

    def _sample_neighbours(self, row: int) -> NDArray[np.float32] | None:
        """Draw some galaxies of the dataset that may be pasted beside this one."""
        cutouts = self._session.dataset.cutouts
        if cutouts is None:
            return None
        rows = np.random.default_rng(self._seed).permutation(len(cutouts))[: _NEIGHBOURS + 1]
        rows = np.sort(rows[rows != row])
        return cutouts.images[rows] if len(rows) else None

    def _show_views(self, found: NDArray[np.float32] | tuple[NDArray[np.float32], Normalisation]) -> None:
        cutouts = self._session.dataset.cutouts
        if self._stamp is None or cutouts is None:
            return
        planes = colour_planes([band.name for band in cutouts.bands])
        if isinstance(found, tuple):
            views, scaling = found
            self._scaling, self.shown = (self._scaling_key, scaling), views
            low, high = np.percentile(views, (0.5, 99.8))
            seen = StretchSettings(kind="linear", limits="manual", low=float(low), high=float(max(high, low + 1e-6)))
            self.mosaic.set_pictures([to_rgb(view, seen, planes) for view in views])
            return
        views = self.shown = found
        # all sixteen share the limits of the original, so that brightness can be compared
        stretch = default_stretch(cutouts.is_picture)
        low, high = limits(self._stamp, stretch)
        stretch = stretch.model_copy(update={"limits": "manual", "low": low, "high": high})
        self.mosaic.set_pictures([to_rgb(view, stretch, planes) for view in views])
