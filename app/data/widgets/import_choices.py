"""The choices of an import: files, labels, stamp settings, and the place of the dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.data.widgets.column_chooser import ColumnChooser
from app.theme import icon
from app.widgets.forms import SettingsForm
from app.widgets.plain_text import as_written
from core.data.settings import DRAWN, ImportSettings

_RECOGNISE = "Recognise"
_CATALOGUES = "Catalogues (*.csv *.tsv *.txt *.dat *.fits *.fit *.gz *.xml *.vot *.parquet *.ecsv);;All files (*)"


class ImportChoices(QWidget):
    """All choices before an import.

    Parameters
    ----------
    form
        The form with the stamp settings, shown among the other choices.

    Notes
    -----
    Signals: ``changed()`` when the files should be looked at again, ``sources_changed()`` when there are others,
    ``named()`` when the dataset's name or its project changed.
    """

    changed = Signal()
    sources_changed = Signal()
    named = Signal()

    def __init__(self, form: SettingsForm, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sources: list[Path] = []
        self._detects_catalogue = True  # beside the images, until the user chooses or clears one
        self._build(form)
        self.add_folder.clicked.connect(self._ask_folder)
        self.add_files.clicked.connect(self._ask_files)
        self.clear.clicked.connect(lambda _checked=False: self.set_sources([]))
        self.choose_catalogue.clicked.connect(self._ask_catalogue)
        self.choose_project.clicked.connect(self._ask_project)
        self.catalogue_field.textChanged.connect(self._catalogue_changed)
        self.id_column.activated.connect(lambda _place: self.changed.emit())
        self.labels.changed.connect(lambda _names: self.changed.emit())
        self.missing.textEdited.connect(lambda _text: self.changed.emit())
        self.split_column.activated.connect(lambda _place: self.changed.emit())
        self.from_folders.toggled.connect(lambda _on: self.changed.emit())
        self.name.textChanged.connect(lambda _text: self.named.emit())
        self.project.textChanged.connect(lambda _text: self.named.emit())

    def _build(self, form: SettingsForm) -> None:
        self.sources_text = QLabel()
        self.sources_text.setWordWrap(True)
        self.add_folder = QPushButton(icon("mdi6.folder-plus-outline"), "Folder…")
        self.add_files = QPushButton(icon("mdi6.file-plus-outline"), "Files…")
        self.clear = QPushButton("Clear")
        self.catalogue_field = QLineEdit()
        self.catalogue_field.setPlaceholderText("No catalogue")
        self.catalogue_field.setClearButtonEnabled(True)
        self.choose_catalogue = QPushButton(icon("mdi6.table"), "Choose…")
        self.id_column = QComboBox()
        self.id_column.setToolTip("Catalogue column with the file name or the id.")
        self.labels = ColumnChooser(_RECOGNISE)
        self.missing = QLineEdit("auto")
        self.missing.setToolTip(ImportSettings.model_fields["missing_labels"].description or "")
        self.split_column = QComboBox()
        self.split_column.setToolTip("Column that says train, validation or test for each galaxy.")
        self.from_folders = QCheckBox("Names of folders are the classes")
        self.name = QLineEdit()
        self.project = QLineEdit()
        self.choose_project = QPushButton(icon("mdi6.folder-open-outline"), "Choose…")
        fields = {"Catalogue": self.catalogue_field, "Id column": self.id_column, "Labels": self.labels}
        for button in (
            self.add_folder,
            self.add_files,
            self.clear,
            self.choose_catalogue,
            self.labels,
            self.choose_project,
        ):
            button.setAutoDefault(False)  # the return key ends the input in a field, and opens no other dialog
        labels = _grid({**fields, "Missing labels": self.missing, "Parts": self.split_column})
        labels.addWidget(self.choose_catalogue, 0, 2)
        labels.addWidget(self.from_folders, 5, 1)
        saved = _grid({"Dataset": self.name, "Project": self.project})
        saved.addWidget(self.choose_project, 1, 2)
        _align(labels, form.grids[0], saved)
        buttons = QHBoxLayout()
        for button in (self.add_folder, self.add_files, self.clear):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        column.addWidget(_heading("Images"))
        column.addWidget(self.sources_text)
        column.addLayout(buttons)
        column.addWidget(_heading("Labels"))
        column.addLayout(labels)
        column.addWidget(_heading("Stamps"))
        column.addWidget(form)
        column.addWidget(_heading("Save as"))
        column.addLayout(saved)
        column.addStretch(1)

    # -- files -----------------------------------------------------------------------------------------------------

    @property
    def sources(self) -> list[Path]:
        """The chosen files and folders."""
        return self._sources

    def set_sources(self, sources: Sequence[Path]) -> None:
        """Choose files and folders."""
        self._sources = list(dict.fromkeys(sources))
        names = [path.name for path in self._sources]
        several = f"{names[0]} and {len(names) - 1:,} more" if len(names) > 4 else ", ".join(names)
        self.sources_text.setText(several or "Choose a folder or files, or drop them here.")
        self.sources_text.setToolTip(as_written("\n".join(map(str, self._sources[:30]))))
        self.sources_text.setProperty("role", "" if names else "muted")
        self.sources_text.style().polish(self.sources_text)
        self.clear.setVisible(bool(names))
        if self._detects_catalogue:
            self._show_catalogue("")
        self.sources_changed.emit()
        self.changed.emit()

    def _ask_folder(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self, "Folder with galaxies"):
            self.set_sources([*self._sources, Path(folder)])

    def _ask_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Files with galaxies")
        if files:
            self.set_sources([*self._sources, *map(Path, files)])

    # -- labels ----------------------------------------------------------------------------------------------------

    @property
    def catalogue(self) -> Path | None:
        """The table with labels."""
        text = self.catalogue_field.text().strip()
        return Path(text) if text else None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns with ids and labels, as import settings."""
        return {
            "catalogue_id": self.id_column.currentData() or "",
            "labels": self.labels.chosen,
            "missing_labels": self.missing.text().strip(),
            "labels_from_folders": self.from_folders.isChecked(),
            "split_column": self.split_column.currentData() or "",
        }

    def offer_catalogue(self, path: Path | None) -> bool:
        """Propose a detected catalogue; returns whether it is the one in use."""
        if path is not None and self._detects_catalogue:
            self._show_catalogue(str(path))
        return path is None or path == self.catalogue

    def offer_columns(
        self, columns: Sequence[str], id_column: str, labels: Sequence[str], rivals: Sequence[str] = ()
    ) -> None:
        """Offer the columns of the catalogue, show which were recognised, and ask which of ``rivals`` is the id."""
        chosen = self.id_column.currentData()
        self.id_column.clear()
        nothing = f"Which one? {' or '.join(rivals)}" if rivals else _RECOGNISE
        self.id_column.addItem(f"{_RECOGNISE}: {id_column}" if id_column and not chosen else nothing, "")
        for name in [*rivals, *(name for name in columns if name not in rivals)]:
            self.id_column.addItem(name, name)
        self.id_column.setCurrentIndex(max(0, self.id_column.findData(chosen)))
        self.labels.set_columns(columns)
        self.labels.set_nothing(f"{_RECOGNISE}: {', '.join(labels)}" if labels else "No labels recognised")
        self.id_column.setEnabled(bool(columns))
        self.labels.setEnabled(bool(columns))

    def offer_parts(self, columns: Sequence[str], recognised: str) -> None:
        """Offer the columns as given parts, and show which one was recognised."""
        chosen = self.split_column.currentData() or ""
        self.split_column.clear()
        self.split_column.addItem(f"Given by “{recognised}”" if recognised else "Drawn by the program", "")
        if recognised:
            self.split_column.addItem("Drawn by the program", DRAWN)
        for name in columns:
            self.split_column.addItem(f"Given by “{name}”", name)
        self.split_column.setCurrentIndex(max(0, self.split_column.findData(chosen)))
        self.split_column.setEnabled(self.split_column.count() > 1)

    def _show_catalogue(self, path: str) -> None:
        with QSignalBlocker(self.catalogue_field):
            self.catalogue_field.setText(path)
        self.catalogue_field.setToolTip(as_written(path))

    def _catalogue_changed(self) -> None:
        """Adopt the catalogue that the user chose or cleared."""
        self._detects_catalogue = False
        self.id_column.clear()
        self.split_column.clear()
        self.labels.set_chosen(())
        self.changed.emit()

    def _ask_catalogue(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Catalogue", "", _CATALOGUES)
        if file:
            self.catalogue_field.setText(file)

    # -- destination -----------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return Path(self.project.text().strip()).expanduser()

    def _ask_project(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self, "Project, or an empty folder for a new one"):
            self.project.setText(folder)


def _grid(fields: dict[str, QWidget]) -> QGridLayout:
    """Lay out fields below one another, with their names before them."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(8)
    grid.setColumnStretch(1, 1)
    for place, (text, field) in enumerate(fields.items()):
        label = QLabel(text)
        label.setBuddy(field)
        grid.addWidget(label, place, 0)
        grid.addWidget(field, place, 1)
    return grid


def _align(*grids: QGridLayout) -> None:
    """Start the fields of all grids in one line."""
    labels = [grid.itemAtPosition(row, 0) for grid in grids for row in range(grid.rowCount())]
    width = max(label.sizeHint().width() for label in labels if label is not None)
    for grid in grids:
        grid.setColumnMinimumWidth(0, width)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label
