"""The buttons that find settings by a trial: a learning rate, a batch size."""

from __future__ import annotations

from functools import cached_property

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.session.session import Session
from app.theme import icon
from app.train.batch_size_dialog import BatchSizeDialog
from app.train.learning_rate_dialog import LearningRateDialog


class Finders(QWidget):
    """A button for each, and their dialogs, which are built when they are first opened.

    Parameters
    ----------
    session
        Its draft is tried on its open dataset.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.find_rate = QPushButton(icon("mdi6.chart-bell-curve"), "Find a learning rate…")
        self.find_rate.setToolTip("A short training at growing learning rates shows which of them work.")
        self.find_size = QPushButton(icon("mdi6.speedometer"), "Find a batch size…")
        self.find_size.setToolTip(
            "Some training steps with growing batches show how many galaxies per second each size trains here, and "
            "how much memory it takes."
        )
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.find_rate)
        line.addWidget(self.find_size)
        self.find_rate.clicked.connect(self._find_rate)
        self.find_size.clicked.connect(self._find_size)

    def _find_rate(self) -> None:
        self.rates.begin()

    def _find_size(self) -> None:
        self.sizes.begin()

    @cached_property
    def rates(self) -> LearningRateDialog:
        """The dialog that finds a learning rate."""
        return LearningRateDialog(self._session, self)

    @cached_property
    def sizes(self) -> BatchSizeDialog:
        """The dialog that finds a batch size."""
        return BatchSizeDialog(self._session, self)
