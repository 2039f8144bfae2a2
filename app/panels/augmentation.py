"""Augmentation: the knobs beside sixteen views of one galaxy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app import work
from app.forms import SettingsForm
from app.jobs import Latest
from app.session import Session
from app.theme import icon
from app.widgets.mosaic import Mosaic
from app.widgets.two_sides import TwoSides, scrolled
from core.data.stretch import colour_planes, limits, suited, to_rgb
from core.train.settings import AugmentationSettings

_NEIGHBOURS = 16


class AugmentationPanel(QWidget):
    """How a galaxy is varied in training, tried out on the current galaxy.

    Parameters
    ----------
    session
        Its draft ``settings.augmentation`` is edited here.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("augmentation")
        self._session = session
        self._seed = 0
        self._stale = True
        self._stamp: NDArray[np.float32] | None = None
        self._latest = Latest(self)
        self._build()
        self.form.changed.connect(self._edited)
        self.again.clicked.connect(self._draw_again)
        self._latest.finished.connect(self._show_views)
        self._latest.failed.connect(session.report)
        session.settings_changed.connect(self._show_settings)
        session.cutouts_changed.connect(self.refresh)
        session.current_changed.connect(self.refresh)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing running."""
        for request in self.findChildren(Latest):
            request.close()
        super().closeEvent(event)

    def _build(self) -> None:
        self.form = SettingsForm(AugmentationSettings, self._session.settings.augmentation)
        self.mosaic = Mosaic()
        self.caption = QLabel()
        self.caption.setProperty("role", "muted")
        self.caption.setWordWrap(True)
        self.again = QPushButton(icon("mdi6.dice-multiple-outline"), "Draw again")
        self.again.setToolTip("Sixteen other views of the same galaxy.")
        below = QHBoxLayout()
        below.addWidget(self.caption, 1)
        below.addWidget(self.again)
        views = QWidget()
        column = QVBoxLayout(views)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.mosaic, 1)
        column.addLayout(below)
        whole = QVBoxLayout(self)
        whole.addWidget(TwoSides(scrolled(self.form), views, 620, (330, 330), (280, 300)))

    def _edited(self, augmentation: AugmentationSettings) -> None:
        if augmentation != self._session.settings.augmentation:
            self._session.set_settings(self._session.settings.model_copy(update={"augmentation": augmentation}))

    def _show_settings(self) -> None:
        augmentation = self._session.settings.augmentation
        if self.form.value() != augmentation:
            self.form.set_value(augmentation)
        self.refresh()

    def _draw_again(self) -> None:
        self._seed += 1
        self.refresh()

    def refresh(self, _row: Any = None) -> None:
        """Ask for sixteen new views, or later if nobody can see them now; drop an older request."""
        self._stale = not self.isVisible()
        if self._stale:
            self._latest.stop()
            return
        cutouts = self._session.cutouts
        self.again.setEnabled(cutouts is not None)
        if cutouts is None or not len(cutouts):
            self._stamp = None
            self.mosaic.set_pictures([])
            self.caption.setText("Open a dataset to see augmentation at work.")
            return
        row = max(self._session.current, 0)
        self._stamp = cutouts.images[row]
        self.caption.setText(f"{cutouts.ids[row]}, sixteen times")
        augmentation = self._session.settings.augmentation
        others = self._others(row) if augmentation.neighbours else None
        self._latest.start(work.sixteen(self._stamp, augmentation, self._seed, others))

    def _others(self, row: int) -> NDArray[np.float32] | None:
        """Some galaxies of the dataset that may come to lie beside this one."""
        cutouts = self._session.cutouts
        if cutouts is None:
            return None
        rows = np.random.default_rng(self._seed).permutation(len(cutouts))[: _NEIGHBOURS + 1]
        rows = np.sort(rows[rows != row])
        return cutouts.images[rows] if len(rows) else None

    def _show_views(self, views: NDArray[np.float32]) -> None:
        cutouts = self._session.cutouts
        if self._stamp is None or cutouts is None:
            return
        # all sixteen with the original's limits, so that brightness can be compared
        stretch = suited(cutouts.is_picture)
        low, high = limits(self._stamp, stretch)
        stretch = stretch.model_copy(update={"limits": "manual", "low": low, "high": high})
        planes = colour_planes([band.name for band in cutouts.bands])
        self.mosaic.set_pictures([to_rgb(view, stretch, planes) for view in views])
