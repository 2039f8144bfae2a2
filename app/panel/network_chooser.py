"""The network that is carried to the open dataset, as a list: the project's runs, base networks and weights files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from app.session.session import Session
from app.theme import icon
from app.widgets.plain_text import as_written
from app.widgets.unreadable import mark_unreadable
from core.nets.base_networks import title_of

_NONE, _FILE = "Choose a network", "Weights file…"
_ENCODER = "Encoder of the hub…"
_ABOUT_ENCODER = "Such as Zoobot's, which learned from volunteers' answers: it brings features, but no classes."
_LETTERS = 20  # of the width


class NetworkChooser(QComboBox):
    """Runs of the project, newest first, base networks and weights files: all choosers show the session's one choice.

    Parameters
    ----------
    session
        Its ``carried`` network is shown and chosen.
    offers_encoder
        Whether an encoder of the hub is offered, too.

    Notes
    -----
    Signals: ``encoder_wanted()`` when an encoder of the hub is wanted, which is no network with answers and cannot be
    compared with a survey.
    """

    encoder_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None, *, offers_encoder: bool = False) -> None:
        super().__init__(parent)
        self._session, self._offers_encoder = session, offers_encoder
        self._fixed: str | None = None
        self.setMinimumContentsLength(_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setPlaceholderText(_NONE)
        self.setToolTip("The trained network that is carried to the open dataset: one choice for all panels.")
        self.setAccessibleName("Network")
        self.activated.connect(self._take)
        session.carried.changed.connect(self._show)
        self._show()

    def fix(self, start: str | None) -> None:
        """Show the network of a study that has begun, as settings name it; None: the one that is carried."""
        self._fixed = start
        self._show()

    def ask_file(self) -> None:
        """Ask for a weights file, and choose it."""
        chosen = QFileDialog.getOpenFileName(self, "Network to adapt", "", "Networks (*.safetensors)")[0]
        if chosen:
            self._session.carried.choose(Path(chosen))
        else:
            self._show()

    def _show(self) -> None:
        self.clear()
        carried = self._session.carried
        if self._fixed is not None:
            self.addItem(icon("mdi6.lock-outline"), title_of(self._fixed) if self._fixed else "none")
            self.setItemData(0, as_written(self._fixed), Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(0)
            return
        for place, each in enumerate(carried.offered):
            self.addItem(icon(f"mdi6.{each.symbol}"), each.title, str(each.weights))
            self.setItemData(place, as_written(each.tip), Qt.ItemDataRole.ToolTipRole)
            if each.problem is not None:
                mark_unreadable(self, place, each.problem)
        self.addItem(icon("mdi6.file-outline"), _FILE, None)
        if self._offers_encoder:
            self.addItem(icon("mdi6.import"), _ENCODER, _ENCODER)
            self.setItemData(self.count() - 1, _ABOUT_ENCODER, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(-1 if carried.path is None else self.findData(str(carried.path)))

    def _take(self, place: int) -> None:
        chosen = self.itemData(place)
        if self._fixed is not None:
            return
        if chosen is None:
            self.ask_file()
        elif chosen == _ENCODER:
            self._show()
            self.encoder_wanted.emit()
        else:
            self._session.carried.choose(Path(chosen))
