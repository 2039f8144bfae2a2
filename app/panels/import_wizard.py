"""From files to a dataset: choose, look, import, read the report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import work
from app.forms import SettingsForm
from app.jobs import Job, Latest
from app.session import Session
from app.theme import icon
from app.widgets.mosaic import Mosaic
from core.data.settings import ImportSettings
from core.data.stretch import suited, to_rgb
from core.errors import Problem
from core.events import Progress

if TYPE_CHECKING:
    from core.data.importing import ImportReport
    from core.data.preview import ImportPreview

_MOST_REPORTED = 1000


class ImportWizard(QDialog):
    """Three pages: what to import and how, the import, its report.

    Parameters
    ----------
    session
        Its project gets the dataset, which is opened at the end.
    sources
        Files and folders to begin with.
    """

    imported = Signal(object)

    def __init__(self, session: Session, sources: Sequence[Path] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import galaxies")
        self.setObjectName("import")
        self.setAcceptDrops(True)
        self.resize(980, 660)
        self._session = session
        self._sources: list[Path] = []
        self._preview = Latest(self)
        self._job: Job | None = None
        self._report: ImportReport | None = None
        self._began = 0.0
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(200)
        self.pages = QStackedWidget()
        for page in (self._choosing(), self._working(), self._reporting()):
            self.pages.addWidget(page)
        QVBoxLayout(self).addWidget(self.pages)
        self._connect()
        self.set_sources(list(sources))

    # -- pages -----------------------------------------------------------------------------------------------------

    def _choosing(self) -> QWidget:
        self.sources_text = QLabel()
        self.sources_text.setWordWrap(True)
        self.add_folder = QPushButton(icon("mdi6.folder-plus-outline"), "Folder…")
        self.add_files = QPushButton(icon("mdi6.file-plus-outline"), "Files…")
        self.catalogue = QLineEdit()
        self.catalogue.setPlaceholderText("None, or one that lies beside the images")
        self.catalogue.setClearButtonEnabled(True)
        self.choose_catalogue = QPushButton(icon("mdi6.table"), "Catalogue…")
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of the dataset")
        self.form = SettingsForm(ImportSettings)
        self.mosaic = Mosaic()
        self.mosaic.setMinimumSize(280, 280)
        self.found = QLabel("Choose a folder or files, or drop them here.")
        self.found.setWordWrap(True)
        self.start = QPushButton(icon("mdi6.import", "on_accent"), "Import")
        self.start.setProperty("role", "primary")
        self.start.setEnabled(False)
        self.cancel = QPushButton("Cancel")

        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(_heading("Images"))
        left.addWidget(self.sources_text)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add_folder)
        buttons.addWidget(self.add_files)
        buttons.addStretch(1)
        left.addLayout(buttons)
        left.addWidget(_heading("Labels"))
        line = QHBoxLayout()
        line.addWidget(self.catalogue, 1)
        line.addWidget(self.choose_catalogue)
        left.addLayout(line)
        left.addWidget(_heading("How"))
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(self.form)
        left.addWidget(scroll, 1)
        left.addWidget(_heading("Save as"))
        left.addWidget(self.name)

        right = QVBoxLayout()
        right.addWidget(_heading("What is there"))
        right.addWidget(self.mosaic, 1)
        right.addWidget(self.found)

        columns = QHBoxLayout()
        columns.setSpacing(16)
        columns.addLayout(left, 3)
        columns.addLayout(right, 2)
        below = QHBoxLayout()
        below.addStretch(1)
        below.addWidget(self.cancel)
        below.addWidget(self.start)
        page = QWidget()
        whole = QVBoxLayout(page)
        whole.addLayout(columns, 1)
        whole.addLayout(below)
        return page

    def _working(self) -> QWidget:
        self.progress_text = QLabel("Importing…")
        self.progress_text.setProperty("role", "heading")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.left_text = QLabel()
        self.left_text.setProperty("role", "muted")
        self.stop = QPushButton(icon("mdi6.stop"), "Cancel")
        page = QWidget()
        column = QVBoxLayout(page)
        column.addStretch(1)
        for widget in (self.progress_text, self.bar, self.left_text):
            column.addWidget(widget)
        column.addWidget(self.stop, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(2)
        return page

    def _reporting(self) -> QWidget:
        self.summary = QLabel()
        self.summary.setProperty("role", "heading")
        self.summary.setWordWrap(True)
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setProperty("role", "muted")
        self.unusable = QTableWidget(0, 3)
        self.unusable.setHorizontalHeaderLabels(["File", "Reason", "Remedy"])
        self.unusable.verticalHeader().hide()
        self.unusable.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.unusable.setWordWrap(True)
        self.unusable.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save report…")
        self.back = QPushButton("Back")
        self.done = QPushButton("Open")
        self.done.setProperty("role", "primary")
        below = QHBoxLayout()
        below.addWidget(self.save)
        below.addStretch(1)
        below.addWidget(self.back)
        below.addWidget(self.done)
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(self.summary)
        column.addWidget(self.notes)
        column.addWidget(self.unusable, 1)
        column.addLayout(below)
        return page

    def _connect(self) -> None:
        self.add_folder.clicked.connect(self._ask_folder)
        self.add_files.clicked.connect(self._ask_files)
        self.choose_catalogue.clicked.connect(self._ask_catalogue)
        self.catalogue.textChanged.connect(lambda _text: self._settle.start())
        self.form.changed.connect(lambda _settings: self._settle.start())
        self._settle.timeout.connect(self._look)
        self._preview.finished.connect(self._show_preview)
        self._preview.failed.connect(self._show_refusal)
        self.start.clicked.connect(self._import)
        self.cancel.clicked.connect(self.reject)
        self.stop.clicked.connect(self._stop)
        self.save.clicked.connect(self._save_report)
        self.back.clicked.connect(lambda: self.pages.setCurrentIndex(0))
        self.done.clicked.connect(self._open)

    # -- choosing --------------------------------------------------------------------------------------------------

    def set_sources(self, sources: Sequence[Path]) -> None:
        """Choose files and folders."""
        self._sources = list(dict.fromkeys(sources))
        self.sources_text.setText(", ".join(path.name for path in self._sources) or "Nothing chosen yet.")
        self.sources_text.setToolTip("\n".join(map(str, self._sources)))
        if self._sources and not self.name.text():
            first = self._sources[0]
            self.name.setText(first.name if first.is_dir() else first.parent.name)
        self._look()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped."""
        self.set_sources([*self._sources, *(Path(url.toLocalFile()) for url in event.mimeData().urls())])

    def _ask_folder(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self, "Folder with galaxies"):
            self.set_sources([*self._sources, Path(folder)])

    def _ask_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Files with galaxies")
        if files:
            self.set_sources([*self._sources, *map(Path, files)])

    def _ask_catalogue(self) -> None:
        kinds = "Catalogues (*.csv *.fits *.fit *.xml *.vot *.parquet *.ecsv);;All files (*)"
        file, _ = QFileDialog.getOpenFileName(self, "Catalogue", "", kinds)
        if file:
            self.catalogue.setText(file)

    @property
    def _catalogue(self) -> Path | None:
        text = self.catalogue.text().strip()
        return Path(text) if text else None

    def _look(self) -> None:
        self.start.setEnabled(False)
        if self._sources:
            self.found.setText("Looking…")
            self._preview.start(work.preview_import(self._sources, self.form.value(), self._catalogue))

    def _show_preview(self, preview: ImportPreview) -> None:
        pictures = [to_rgb(stamp, suited(stamp.dtype.name == "uint8")) for stamp in preview.stamps]
        self.mosaic.set_pictures(pictures)
        sizes = ", ".join(f"{width} × {height}" for (_, height, width), _ in list(preview.shapes.items())[:3])
        lines = [f"{preview.count:,} galaxies of {sizes} pixels; bands {', '.join(preview.bands)}."]
        if preview.pixel_scale == preview.pixel_scale:  # known
            lines.append(f"{preview.pixel_scale:.3g}″ per pixel.")
        if preview.catalogue is not None:
            labels = ", ".join(preview.label_columns) or "none"
            lines.append(
                f"Catalogue {preview.catalogue.name}, by “{preview.id_column}”: {preview.matched:,} galaxies have a "
                f"row. Labels: {labels}."
            )
            if not self.catalogue.text():
                self.catalogue.setText(str(preview.catalogue))
        lines += [str(problem) for problem in preview.problems[:3]]
        lines += preview.notes[:3]
        self.found.setText("\n".join(lines))
        self.start.setEnabled(bool(preview.stamps))

    def _show_refusal(self, problem: object) -> None:
        self.mosaic.set_pictures([])
        self.found.setText(str(problem))

    # -- importing -------------------------------------------------------------------------------------------------

    def _import(self) -> None:
        project = self._session.project
        if project is None:
            return
        output = project.dataset_path(self.name.text().strip() or "galaxies")
        self._preview.stop()
        self._began = time.monotonic()
        self.bar.setRange(0, 0)
        self.pages.setCurrentIndex(1)
        job = work.import_files(self._sources, output, self.form.value(), self._catalogue)
        job.happened.connect(self._happened)
        job.finished.connect(self._show_report)
        job.failed.connect(self._failed)
        job.stopped.connect(lambda: self.pages.setCurrentIndex(0))
        self._job = job
        self._session.add_job(job)
        job.ended.connect(self._ended)
        job.start()

    def _happened(self, events: Sequence[object]) -> None:
        progress = [event for event in events if isinstance(event, Progress)]
        if not progress:
            return
        done, total = progress[-1].done, progress[-1].total
        self.bar.setRange(0, total or 0)
        self.bar.setValue(done)
        self.progress_text.setText(f"{done:,} of {total:,} files" if total else f"Found {done:,} files")
        if total and done and self._job is not None and self._job.time_left is not None:
            self.left_text.setText(f"{_clock(self._job.time_left)} left")

    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()

    def _failed(self, problem: object) -> None:
        self.pages.setCurrentIndex(0)
        if isinstance(problem, Problem):
            self.found.setText(str(problem))
        else:
            self._session.report(problem)

    def _ended(self) -> None:
        self._job = None

    def _show_report(self, report: ImportReport) -> None:
        self._report = report
        self.summary.setText(f"{report.sentence} {report.seconds:.1f} s.")
        self.notes.setText("\n".join(report.notes))
        self.unusable.setVisible(bool(report.unusable))
        shown = report.unusable[:_MOST_REPORTED]
        self.unusable.setRowCount(len(shown))
        for place, problem in enumerate(shown):
            for column, text in enumerate((problem.where, problem.sentence, problem.remedy)):
                self.unusable.setItem(place, column, QTableWidgetItem(text))
        self.unusable.resizeRowsToContents()
        self.pages.setCurrentIndex(2)

    def _save_report(self) -> None:
        file, _ = QFileDialog.getSaveFileName(self, "Save the report", "import report.csv", "Tables (*.csv)")
        if file and self._report is not None:
            try:
                self._report.save(Path(file))
            except Problem as problem:
                self._session.report(problem)

    def _open(self) -> None:
        if self._report is not None:
            self.imported.emit(self._report.path)
        self.accept()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing cancels an import that is under way."""
        self._stop()
        self._preview.stop()
        super().closeEvent(event)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
