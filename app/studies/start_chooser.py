"""The network that a study of a move starts from: chosen here or in the Train workspace, it is the draft's."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from app.session.session import Session
from app.theme import icon
from app.widgets.plain_text import as_written
from core.project.runs import RunFolder, distinct_titles

_NONE, _FILE = "Choose a network", "Weights file…"
_LETTERS = 20  # of the width


class StartChooser(QComboBox):
    """Runs of the project, newest first, and weights files; a choice goes into the draft.

    Parameters
    ----------
    session
        Its draft ``transfer.start_from`` is shown and edited.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._fixed: str | None = None
        self.setMinimumContentsLength(_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setToolTip("The trained network that moves to the open dataset.")
        self.setAccessibleName("Start from")
        self.activated.connect(self._take)
        session.project_changed.connect(self.refresh)
        session.runs_changed.connect(self.refresh)
        session.draft.changed.connect(self.refresh)
        self.refresh()

    def fix(self, start: str | None) -> None:
        """Show the network of a study that has begun; None: that of the draft, which can be chosen."""
        self._fixed = start
        self.refresh()

    def refresh(self) -> None:
        """Offer the runs there are now."""
        self.clear()
        project = self._session.project
        runs = [] if project is None else project.starting_points()
        for run, title in reversed(list(zip(runs, distinct_titles(runs), strict=True))):
            self.addItem(icon("mdi6.history"), title, str(run.path))
            self.setItemData(self.count() - 1, as_written(run.name), Qt.ItemDataRole.ToolTipRole)
        self.addItem(icon("mdi6.file-outline"), _FILE, None)
        chosen = self._session.draft.settings.transfer.start_from if self._fixed is None else self._fixed
        if not chosen:
            self.setPlaceholderText(_NONE)
            self.setCurrentIndex(-1)
            return
        if (place := self.findData(chosen)) < 0:
            place = self.count() - 1
            self.insertItem(place, icon("mdi6.file-outline"), RunFolder(Path(chosen)).title, chosen)
        self.setCurrentIndex(place)

    def _take(self, place: int) -> None:
        chosen = self.itemData(place)
        if chosen is None:
            chosen = QFileDialog.getOpenFileName(self, "Network to start from", "", "Networks (*.safetensors)")[0]
        if chosen and chosen != self._session.draft.settings.transfer.start_from:
            changes = {"start_from": str(chosen), "bands": "", "class_map": {}}
            self._session.draft.edit_together({f"transfer.{name}": value for name, value in changes.items()})
        else:
            self.refresh()
