"""The start page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QCommandLinkButton, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.jobs.job import Job
from app.theme import icon, program_icon
from app.widgets.focus_guard import keep_from_focus
from app.widgets.job_bar import describe_time_left
from app.widgets.plain_text import as_written, on_button

_WIDTH = 620


class WelcomePanel(QWidget):
    """Four ways to begin, and the recent projects.

    Signals: ``demonstration_wanted()``, ``workspace_wanted(name)``, ``import_wanted()``, ``open_wanted()``,
    ``project_wanted(Path)``.
    """

    demonstration_wanted = Signal()
    workspace_wanted = Signal(str)
    import_wanted = Signal()
    open_wanted = Signal()
    project_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.demonstration = self._make_link(
            "Open the demonstration survey",
            "Spheroids, disks and edge-on galaxies, made in some seconds without a download.",
            "mdi6.creation-outline",
        )
        self.importing = self._make_link(
            "Import galaxies…",
            "FITS cutouts, pictures or HDF5, with labels from a catalogue or from folders.",
            "mdi6.import",
        )
        self.simulating = self._make_link(
            "Simulate galaxies",
            "As your telescope sees them, with known sizes and shapes that a network can learn.",
            "mdi6.telescope",
        )
        self.open = self._make_link(
            "Open a project…",
            "Go on where you stopped. A single dataset: drop it here, or File › Open dataset.",
            "mdi6.folder-open-outline",
        )
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.stop = QPushButton("Stop")
        self.stop.hide()
        keep_from_focus(self.stop)
        self.progress_text = QLabel()
        self.progress_text.setProperty("role", "muted")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)

        inside = QWidget()
        inside.setFixedWidth(_WIDTH)
        column = QVBoxLayout(inside)
        column.setSpacing(8)
        column.addLayout(self._build_head())
        column.addSpacing(12)
        self._links = (self.demonstration, self.importing, self.simulating, self.open)
        for button in self._links:
            column.addWidget(button)
        line = QHBoxLayout()
        line.addWidget(self.progress, 1)
        line.addWidget(self.stop)
        column.addLayout(line)
        column.addWidget(self.progress_text)
        column.addLayout(self._recent)
        whole = QVBoxLayout(self)
        whole.addStretch(2)
        whole.addWidget(inside, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(3)
        self.demonstration.clicked.connect(self.demonstration_wanted)
        self.importing.clicked.connect(self.import_wanted)
        self.simulating.clicked.connect(lambda _checked=False: self.workspace_wanted.emit("simulate"))
        self.open.clicked.connect(self.open_wanted)

    def _build_head(self) -> QHBoxLayout:
        picture = QLabel()
        picture.setPixmap(program_icon().pixmap(QSize(72, 72)))
        picture.setFixedSize(72, 72)
        title = QLabel("Tuning Fork")
        title.setProperty("role", "title")
        text = QLabel("Train, fine-tune and interrogate networks on galaxy cutouts.")
        text.setProperty("role", "muted")
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(picture)
        words = QVBoxLayout()
        words.addStretch(1)
        words.addWidget(title)
        words.addWidget(text)
        words.addStretch(1)
        head.addLayout(words)
        head.addStretch(1)
        return head

    def _make_link(self, title: str, text: str, symbol: str) -> QCommandLinkButton:
        button = QCommandLinkButton(title, text)
        button.setIcon(icon(symbol))
        button.setIconSize(QSize(24, 24))
        return button

    def set_recent(self, folders: Sequence[Path]) -> None:
        """Offer the recent projects."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        if folders:
            heading = QLabel("Recent projects")
            heading.setProperty("role", "heading")
            self._recent.addWidget(heading)
        for folder in folders:
            button = QPushButton(icon("mdi6.folder-outline"), on_button(folder.name))
            button.setFlat(True)
            button.setToolTip(as_written(str(folder)))
            button.clicked.connect(lambda _checked=False, folder=folder: self.project_wanted.emit(folder))
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def watch(self, job: Job) -> None:
        """Show the progress of a job that was started here; the buttons are disabled until it ends."""
        self._rest(True)
        self.progress.setRange(0, 0)
        job.happened.connect(lambda _events: self._advance(job))
        job.ended.connect(lambda: self._rest(False))
        self.stop.clicked.connect(job.stop)

    def _advance(self, job: Job) -> None:
        if job.progress is not None and job.progress.total:
            self.progress.setRange(0, job.progress.total)
            self.progress.setValue(job.progress.done)
            left = f", {left} left" if (left := describe_time_left(job)) else ""
            self.progress_text.setText(f"{job.progress.done:,} of {job.progress.total:,} {job.progress.unit}{left}")

    def _rest(self, resting: bool) -> None:
        for button in self._links:
            button.setEnabled(not resting)
        self.progress.setVisible(resting)
        self.stop.setVisible(resting)
        self.progress_text.setText("")
