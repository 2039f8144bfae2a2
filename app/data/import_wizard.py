"""The import wizard: choose files, preview, import, and read the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.data import work
from app.data.import_sentences import describe_left_out, describe_preview
from app.data.widgets.import_choices import ImportChoices
from app.data.widgets.import_progress import ImportProgress
from app.data.widgets.report_view import ReportView
from app.jobs.job import Job, Latest
from app.panel import saving
from app.panel.room import CommandContext
from app.session.session import Session
from app.theme import icon
from app.widgets.button_line import button_line
from app.widgets.dialog import Dialog
from app.widgets.forms import SettingsForm
from app.widgets.mosaic import Mosaic
from app.widgets.wheel import WheelGuard
from core.data.settings import ImportSettings
from core.data.stretch import colour_planes, default_stretch, to_rgb
from core.errors import AmbiguousColumn, CatalogueProblem, Problem, SettingsProblem
from core.events import Progress
from core.project.project import dataset_path

if TYPE_CHECKING:
    from core.data.importing import ImportReport
    from core.data.preview import ImportPreview

_INVITATION = "A sample of the galaxies appears here, with their sizes and bands and how the catalogue fits them."
_BY_HAND = {"catalogue_id", "labels", "labels_from_folders", "missing_labels", "split_column"}


class ImportWizard(Dialog):
    """Three pages: choices with a preview, the running import, and its report.

    It may be closed while the import runs, and can be reopened to see the report.

    Parameters
    ----------
    session
        Its project gets the dataset.
    project
        Folder of the project to propose, unless one is open.
    sources
        Initial files and folders.

    Notes
    -----
    Signals: ``imported(path)`` when the user wants to open the finished dataset.
    """

    imported = Signal(object)

    def __init__(
        self, session: Session, project: Path, sources: Sequence[Path] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import galaxies")
        self.setObjectName("import")
        self.setAcceptDrops(True)
        self.resize(1020, 680)
        self._session = session
        self._wheel = WheelGuard(self)
        self._preview_request = Latest(self)
        self._preview_result: ImportPreview | None = None
        self._refusal = ""
        self._offered: tuple[str, ...] = ()
        self._job: Job | None = None
        self._report: ImportReport | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(250)
        self.progress = ImportProgress()
        self.pages = QStackedWidget()
        for page in (self._build_choice_page(), self.progress, self._build_report_page()):
            self.pages.addWidget(page)
        QVBoxLayout(self).addWidget(self.pages)
        self.choices.project.setText(str(session.project.folder if session.project is not None else project))
        self._connect()
        self.set_sources(sources)
        self._show_obstacles()

    # -- pages -----------------------------------------------------------------------------------------------------

    def _build_choice_page(self) -> QWidget:
        self.form = SettingsForm(ImportSettings, exclude=_BY_HAND)
        self.choices = ImportChoices(self.form)
        self.mosaic = Mosaic()
        self.mosaic.setMinimumSize(260, 260)
        self.preview_text = QLabel()
        self.preview_text.setWordWrap(True)
        self.preview_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.left_out = QLabel()
        self.left_out.setWordWrap(True)
        self.left_out.setProperty("role", "warning")
        self.problem_text = QLabel()
        self.problem_text.setWordWrap(True)
        self.problem_text.setProperty("role", "problem")
        self.start = QPushButton(icon("mdi6.import", "on_accent"), "Import")
        self.start.setProperty("role", "primary")
        self.cancel = QPushButton("Cancel")
        for button in (self.start, self.cancel):
            button.setAutoDefault(False)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.choices)
        heading = QLabel("What is there")
        heading.setProperty("role", "heading")
        right = QVBoxLayout()
        right.addWidget(heading)
        right.addWidget(self.mosaic, 1)
        right.addWidget(self.preview_text)
        right.addWidget(self.left_out)
        right.addWidget(self.problem_text)
        columns = QHBoxLayout()
        columns.setSpacing(20)
        columns.addWidget(scroll, 11)
        columns.addLayout(right, 9)
        page = QWidget()
        whole = QVBoxLayout(page)
        whole.addLayout(columns, 1)
        whole.addLayout(button_line(None, self.cancel, self.start))
        return page

    def _build_report_page(self) -> QWidget:
        self.report = ReportView()
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save report…")
        self.back = QPushButton("Import more")
        self.open_button = QPushButton("Open the dataset")
        self.open_button.setProperty("role", "primary")
        for button in (self.save, self.back):
            button.setAutoDefault(False)
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(self.report, 1)
        column.addLayout(button_line(self.save, None, self.back, self.open_button))
        return page

    def _connect(self) -> None:
        self.choices.changed.connect(self._settle.start)
        self.choices.sources_changed.connect(self._propose_name)
        self.choices.named.connect(self._show_obstacles)
        self.form.changed.connect(lambda _settings: self._settle.start())
        self._settle.timeout.connect(self._start_preview)
        self._preview_request.finished.connect(self._show_preview)
        self._preview_request.failed.connect(self._show_refusal)
        self.start.clicked.connect(self._import)
        self.cancel.clicked.connect(self.reject)
        self.progress.stop.clicked.connect(lambda _checked=False: self._job.stop() if self._job is not None else None)
        self.progress.hide_button.clicked.connect(self.hide)
        self.save.clicked.connect(self._save_report)
        self.back.clicked.connect(lambda _checked=False: self._restart())
        self.open_button.clicked.connect(self._open)

    # -- choosing --------------------------------------------------------------------------------------------------

    @property
    def is_importing(self) -> bool:
        """Whether an import is running."""
        return self._job is not None

    def set_sources(self, sources: Sequence[Path]) -> None:
        """Choose files and folders."""
        self.choices.set_sources(sources)

    def _propose_name(self) -> None:
        if self.choices.sources:
            first = self.choices.sources[0]
            self.choices.name.setText(self._free_name(first.name if first.is_dir() else first.parent.name))

    def _free_name(self, name: str) -> str:
        free, number = name, 2
        while dataset_path(self.choices.folder, free).exists():
            free, number = f"{name} ({number})", number + 1
        return free

    def showEvent(self, event: QShowEvent) -> None:
        """Keep the wheel off the choices."""
        super().showEvent(event)
        self._wheel.guard(self)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if event.mimeData().hasUrls() and not self.is_importing:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add dropped files and folders."""
        self.set_sources([*self.choices.sources, *(Path(url.toLocalFile()) for url in event.mimeData().urls())])

    @property
    def settings(self) -> ImportSettings:
        """The import settings of the form and the column choices."""
        return self.form.value().model_copy(update=self.choices.columns)

    # -- preview ---------------------------------------------------------------------------------------------------

    def _start_preview(self) -> None:
        self._preview_result, self._refusal = None, ""
        if self.choices.sources:
            self.preview_text.setText("Looking at the files…")
            self._preview_request.start(
                work.preview_import(self.choices.sources, self.settings, self.choices.catalogue)
            )
        else:
            self._preview_request.stop()
            self.mosaic.set_pictures([])
            self.preview_text.setText(_INVITATION)
        self._show_obstacles()

    def _show_preview(self, preview: ImportPreview) -> None:
        self._preview_result = preview
        planes = colour_planes(preview.bands)
        self.mosaic.set_pictures(
            [
                to_rgb(
                    stamp,
                    default_stretch(stamp.dtype.name == "uint8"),
                    planes if len(stamp) == len(preview.bands) else None,
                )
                for stamp in preview.stamps
            ]
        )
        is_used = self.choices.offer_catalogue(preview.catalogue)
        columns = (preview.columns, preview.id_column, preview.label_columns) if is_used else ((), "", ())
        rivals = [problem.columns for problem in preview.problems if isinstance(problem, AmbiguousColumn)]
        self.choices.offer_columns(*columns, rivals=rivals[0] if rivals and is_used else ())
        self.choices.offer_parts(columns[0], preview.split_column)
        if columns[0] != self._offered:
            self._offered = columns[0]
            self.form.offer("field_column", columns[0], empty="all alike")
        self.preview_text.setText("\n".join(describe_preview(preview, with_labels=is_used)))
        self._show_obstacles()

    def _show_refusal(self, problem: object) -> None:
        self.mosaic.set_pictures([])
        self.preview_text.setText("")
        if isinstance(problem, Problem):
            self._refusal = str(problem)
        else:
            self._session.report(problem)
        self._show_obstacles()

    def _show_obstacles(self) -> None:
        """Show what prevents the import, and what would be left out."""
        problems = [] if self._preview_result is None else self._preview_result.problems
        in_the_way = [problem for problem in problems if isinstance(problem, CatalogueProblem | SettingsProblem)]
        lines = [self._refusal] * bool(self._refusal) + [str(problem) for problem in in_the_way[:3]]
        name = self.choices.name.text().strip()
        exists = bool(name) and dataset_path(self.choices.folder, name).exists()
        if exists:
            lines.append(f"There is a dataset “{name}” in this project already.")
        self.problem_text.setText("\n".join(lines))
        self.problem_text.setVisible(bool(lines))
        self.left_out.setText(describe_left_out([problem for problem in problems if problem not in in_the_way]))
        self.left_out.setVisible(bool(self.left_out.text()))
        is_named = bool(name and self.choices.project.text().strip())
        ready = is_named and self._preview_result is not None and bool(self._preview_result.stamps)
        self.start.setEnabled(ready and not exists and not in_the_way and not self.form.problem)

    # -- importing -------------------------------------------------------------------------------------------------

    def _import(self) -> None:
        folder = self.choices.folder
        try:
            self._open_project(folder)
        except Problem as problem:
            self._show_refusal(problem)
            return
        self._preview_request.stop()
        self.progress.begin()
        self.pages.setCurrentIndex(1)
        output = dataset_path(folder, self.choices.name.text().strip())
        job = work.import_files(self.choices.sources, output, self.settings, self.choices.catalogue)
        job.happened.connect(self._happened)
        job.finished.connect(self._show_report)
        job.failed.connect(self._failed)
        job.stopped.connect(self._restart)
        job.ended.connect(self._ended)
        self._job = job
        self._session.activity.add(job)
        job.start()

    def _open_project(self, folder: Path) -> None:
        other = self._session.project is not None and self._session.project.folder != folder
        if other and (what := self._session.activity.at_work):
            raise Problem(f"Another project cannot be opened while {what} runs.", "Import into this one.")
        self._session.open_project(folder)

    def _happened(self, events: Sequence[object]) -> None:
        progress = [event for event in events if isinstance(event, Progress)]
        if not progress or self._job is None:
            return
        self.progress.show_progress(progress[-1].done, progress[-1].total, self._job.time_left)

    def _failed(self, problem: object) -> None:
        self._restart()
        self._show_refusal(problem)
        self.show()

    def _ended(self) -> None:
        self._job = None

    def _restart(self) -> None:
        self.pages.setCurrentIndex(0)
        if self.choices.name.text():
            self.choices.name.setText(self._free_name(self.choices.name.text()))
        self._start_preview()

    def _show_report(self, report: ImportReport) -> None:
        self._report = report
        self.report.show_report(report)
        self.pages.setCurrentIndex(2)
        self.open_button.setFocus()
        self.show()

    def _save_report(self) -> None:
        reads = [*self.choices.sources, *([self.choices.catalogue] if self.choices.catalogue else [])]
        name, kinds = "import report.csv", "Tables (*.csv)"
        file = saving.ask_path(self, self._session, "Save the report", name, kinds, reads=reads)
        if file is not None and self._report is not None:
            try:
                self._report.save(file)
            except Problem as problem:
                self._session.report(problem)

    def _open(self) -> None:
        if self._report is not None:
            self.imported.emit(self._report.path)
        self.accept()

    def done(self, arg__1: int) -> None:
        """Close; a running import goes on."""
        self._settle.stop()
        self._preview_request.stop()
        super().done(arg__1)


def show(context: CommandContext, sources: Sequence[Path] = ()) -> None:
    """Open the import wizard, or bring back the one with a running import."""
    before = context.window.findChildren(ImportWizard)
    wizard = before[-1] if before else None
    if wizard is None or not (wizard.isVisible() or wizard.is_importing):
        if wizard is not None:
            wizard.deleteLater()
        wizard = ImportWizard(context.session, context.projects / "My galaxies", sources, context.window)
        wizard.imported.connect(context.open_dataset)
    elif sources and not wizard.is_importing:
        wizard.set_sources(sources)
    wizard.show()
    wizard.raise_()
