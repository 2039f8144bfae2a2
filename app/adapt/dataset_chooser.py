"""One of the project's datasets, or a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from app.session.session import Session
from app.theme import icon
from app.widgets.plain_text import as_written

_FILE = "Dataset file…"
_LETTERS = 20  # of the width


class DatasetChooser(QComboBox):
    """Datasets of the project by name, and files that were chosen.

    Parameters
    ----------
    session
        Whose project it is.
    name
        What is chosen, for the dialog and for assistive tools.

    Notes
    -----
    Signals: ``chosen()`` when there is another dataset.
    """

    chosen = Signal()

    def __init__(self, session: Session, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._name = session, name
        self._path: Path | None = None
        self._files: list[Path] = []
        self.setMinimumContentsLength(_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setAccessibleName(name)
        self.setPlaceholderText("Choose…")
        self.activated.connect(self._take)
        self.show_datasets()

    @property
    def path(self) -> Path | None:
        """The chosen dataset; None: none is chosen."""
        return self._path

    def choose(self, path: Path | None) -> None:
        """Choose a dataset by its file; None: none."""
        self._path = path
        self.show_datasets()
        self.chosen.emit()

    def show_datasets(self) -> None:
        """List what there is now; a dataset that is gone is chosen no longer."""
        project = self._session.project
        there = [] if project is None else project.datasets()
        if self._path is not None and self._path not in (*there, *self._files):
            self._files = [*self._files, self._path] if self._path.exists() else self._files
            self._path = self._path if self._path.exists() else None
        self.clear()
        for path in dict.fromkeys([*there, *self._files]):
            self.addItem(icon("mdi6.database-outline" if path in there else "mdi6.file-outline"), path.stem, str(path))
            self.setItemData(self.count() - 1, as_written(str(path)), Qt.ItemDataRole.ToolTipRole)
        self.addItem(icon("mdi6.file-outline"), _FILE, None)
        self.setCurrentIndex(-1 if self._path is None else self.findData(str(self._path)))

    def _take(self, place: int) -> None:
        chosen = self.itemData(place)
        if chosen is None:
            chosen = QFileDialog.getOpenFileName(self, self._name, "", "Datasets (*.h5)")[0]
        if chosen and Path(chosen) != self._path:
            self.choose(Path(chosen))
        else:
            self.show_datasets()
