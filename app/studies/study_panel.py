"""Base of the study panels: a form, buttons, progress, and opening earlier studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QDockWidget,
    QFormLayout,
    QGroupBox,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.jobs.job import Job
from app.panel.panel import Panel
from app.panel.saving import FIGURES
from app.session.session import Session
from app.studies import work
from app.theme import icon
from app.widgets.empty_state import EmptyState
from app.widgets.flow import FlowLayout
from app.widgets.focus_guard import keep_from_focus
from app.widgets.job_bar import describe_time_left
from app.widgets.reserved import reserve
from app.widgets.responsive_split import Scrollable
from core.events import Preview, Skipped
from core.settings.declare import Settings
from core.studies import study_folders
from core.studies.study_folders import StudyKind

_TICK = 500  # ms between two updates of the time left
_STEPS = 1000


class StudyPanel(Panel):
    """A panel in which a study is prepared, run, stopped, resumed, and opened again.

    A subclass makes the job of a study (:meth:`_make_job`) and the job that opens one (:meth:`_make_opening_job`),
    and shows results (:meth:`_show_result`, :meth:`_show_earlier`, :meth:`_show_new_study`, :meth:`_show_settings`).

    Parameters
    ----------
    session
        Its draft settings are those of the runs; the open study is ``session.study``.
    name
        Of the panel in the table of its room.
    kind
        The kind of studies shown here.
    symbol, nothing
        Icon and text of the empty state without a dataset.
    table
        File name of the study's table.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        kind: StudyKind,
        symbol: str,
        nothing: str,
        table: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(session, name, EmptyState(symbol, "No galaxies yet", nothing), parent)
        self._kind, self._table = kind, table
        self._folder: Path | None = None
        self._base = session.draft.settings  # of the study's runs
        self._job: Job | None = None
        self._is_announced = False  # whether the running study has a folder that was opened
        self._opener = self._make_request(self._opened)
        self._changes = self._make_request(self._show_changed_labels)
        self._build_widgets()
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK)
        self._tick.timeout.connect(self._show_progress)

    def _build_widgets(self) -> None:
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of this study")
        self.start = QPushButton(icon("mdi6.play", "on_accent"), "Start")
        self.start.setProperty("role", "primary")
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        keep_from_focus(self.stop)
        self.stop.setToolTip("Stop after this batch. What is done is kept, and it can go on later.")
        self.fresh = QPushButton(icon("mdi6.file-plus-outline"), "New")
        self.fresh.setToolTip("Prepare another study.")
        self.pack = QPushButton(icon("mdi6.package-up"), "Pack…")
        self.pack.setToolTip(
            "One file of the study with its galaxies, for a bigger machine: “tuningfork job run” does it there, and "
            "File ▸ Open package takes its results into this project."
        )
        self.figure = QPushButton(icon("mdi6.chart-box-outline"), "Save figure…")
        self.figure.setToolTip("For a paper or a talk: PNG, SVG or PDF.")
        self.table = QPushButton(icon("mdi6.table"), "Save table…")
        self.table.setToolTip(f"{self._table}: a row for each run.")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        reserve(self.bar)

    def _lay_out_head(self) -> QVBoxLayout:
        """Lay out buttons, progress bar and state line."""
        buttons = FlowLayout(spacing=6)
        for button in (self.start, self.stop, self.fresh, self.pack, self.figure, self.table):
            buttons.addWidget(button)
        head = QVBoxLayout()
        head.setSpacing(6)
        head.addLayout(buttons)
        head.addWidget(self.bar)
        head.addWidget(self.state)
        return head

    def _build_form_side(self, title: str, *content: QWidget) -> QWidget:
        """Build the scrollable side of the settings: the study's name, and the given widgets below it."""
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 6, 0)
        head = QFormLayout()
        head.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        head.addRow(title, self.name)
        column.addLayout(head)
        for each in content:
            column.addWidget(each)
        column.addStretch(1)
        return Scrollable(inner)

    def _set_content(self, content: QWidget, margin: int | None = None) -> None:
        """Show the panel, and follow the session from now on."""
        super()._set_content(content, margin)
        session = self._session
        self.start.clicked.connect(self.run)
        self.stop.clicked.connect(self._stop)
        self.fresh.clicked.connect(lambda _checked=False: session.open_study(None))
        self.pack.clicked.connect(self._pack)
        self.figure.clicked.connect(self._save_figure)
        self.table.clicked.connect(self._save_table)
        self._opener.ended.connect(self._show_state)
        session.study_changed.connect(self._study_changed)
        session.draft.changed.connect(self._settings_changed)
        session.dataset.changed.connect(self._show_state)
        session.activity.job_started.connect(lambda _job: self._show_state())
        session.studies_changed.connect(self._show_state)
        self._show_new_study()
        self._study_changed()

    # -- implemented by subclasses ---------------------------------------------------------------------------------

    def _make_job(self, data: Path, folder: Path) -> Job:
        """Make the job that runs the study in this folder."""
        raise NotImplementedError

    @property
    def _study_settings(self) -> Settings:
        """The study's own settings, as the form has them."""
        raise NotImplementedError

    def _make_opening_job(self, folder: Path, data: Path | None) -> Job:
        """Make the job that opens an earlier study."""
        raise NotImplementedError

    def _show_result(self, what: Any) -> None:
        """Show an intermediate or final result of the study."""
        raise NotImplementedError

    def _show_earlier(self, earlier: Any) -> None:
        """Show a study that was opened again, with its settings."""
        raise NotImplementedError

    def _show_new_study(self) -> None:
        """Prepare a new study."""
        raise NotImplementedError

    def _show_settings(self) -> None:
        """Show the draft settings, which the next study will use."""

    def _enable_settings(self, *, is_new: bool, is_running: bool) -> None:
        """Enable the settings that may be changed now."""
        raise NotImplementedError

    @property
    def _result(self) -> Any:
        """The result on display, which can be saved as a figure; None: nothing yet."""
        raise NotImplementedError

    @property
    def _problem(self) -> str:
        """The reason why the form is not valid; empty if it is."""
        raise NotImplementedError

    # -- which study -----------------------------------------------------------------------------------------------

    def _study_changed(self) -> None:
        """Open the chosen study if it is of this kind; prepare a new one if none is chosen."""
        folder = self._session.study
        if folder is not None and study_folders.kind_of(folder) != self._kind:
            return
        if self._job is not None:
            if folder != self._folder:
                self._session.message.emit("A study is running here. Stop it, or wait for its end.")
            return
        if folder is None or folder == self._folder:
            if folder is None and self._folder is not None:
                self._forget()
            self._show_state()
            return
        self._forget()
        self._folder = folder
        self.name.setText(study_folders.title_of(folder))
        self.state.setText("Opening…")
        cutouts = self._session.dataset.cutouts
        self._opener.start(self._make_opening_job(folder, None if cutouts is None else cutouts.path))
        if isinstance(dock := self.parentWidget(), QDockWidget):
            dock.raise_()
        self._show_state()

    def _forget(self) -> None:
        self._opener.stop()
        self._changes.stop()
        self._folder = None
        self.name.clear()
        self.state.clear()
        self._show_new_study()

    def _opened(self, earlier: Any) -> None:
        self.state.clear()
        self._show_earlier(earlier)
        if self._folder is not None:
            self._changes.start(work.describe_changed_labels(self._folder))

    def _show_changed_labels(self, said: str) -> None:
        if self._job is None and said:
            self.state.setText(said)

    def _settings_changed(self) -> None:
        if self._folder is None:
            self._show_settings()
            self._show_state()

    @property
    def _hindrance(self) -> str:
        """The reason why the study cannot be started; empty if it can."""
        if self._session.project is None or self._session.dataset.cutouts is None:
            return "Open the dataset first."
        if self._session.activity.studying is not None:
            return "Another study is running."
        return self._problem

    def _show_state(self) -> None:
        running, hindrance, is_new = self._job is not None, self._hindrance, self._folder is None
        self._show_content(self._session.dataset.cutouts is not None or not is_new)
        self.start.setText("Start" if is_new else "Go on")
        self.start.setEnabled(not running and not hindrance and not self._opener.is_running)
        self.start.setToolTip("" if running else hindrance or "Finished runs are kept and not repeated.")
        self.stop.setEnabled(running)
        self.fresh.setEnabled(not running and not is_new)
        self.pack.setEnabled(not running and not hindrance and is_new)
        self.name.setEnabled(is_new)
        self.bar.setVisible(running)
        for button in (self.figure, self.table):
            button.setEnabled(self._result is not None)
        if hindrance and not running:
            self.state.setText(hindrance)
        elif not running and self.state.property("hint"):
            self.state.clear()
        self.state.setProperty("hint", bool(hindrance and not running))
        self._enable_settings(is_new=is_new, is_running=running)

    # -- running ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start a study, or resume the open one."""
        project, cutouts = self._session.project, self._session.dataset.cutouts
        if project is None or cutouts is None or self._hindrance:
            return
        if self._folder is None:
            name = self.name.text().strip() or self._kind
            self.name.setText(name)
            self._folder = study_folders.new_folder(project.folder, name)
        self._is_announced = self._session.study == self._folder
        self._job = job = self._make_job(cutouts.path, self._folder)
        job.happened.connect(self._happened)
        job.finished.connect(self._finished)
        job.failed.connect(self._show_problem)
        job.stopped.connect(lambda: self.state.setText("Stopped before anything was done."))
        self._session.activity.add_study(job)
        job.ended.connect(self._ended)  # connected after the session, which by then knows that the study has ended
        self.bar.setRange(0, 0)
        self.state.setText("Preparing…")
        self._tick.start()
        job.start()
        self._show_state()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()
            self.stop.setEnabled(False)
            self.state.setText("Stopping after this batch…")

    def _happened(self, events: list[object]) -> None:
        newest: dict[type, Any] = {}
        for event in events:
            if isinstance(event, Skipped):
                self._session.report(event.problem)
            elif isinstance(event, Preview):
                newest[type(event.what)] = event.what  # only the last of each type is drawn
        for what in newest.values():
            self._show_result(what)
        if not self._is_announced and self._folder is not None and study_folders.kind_of(self._folder):
            self._is_announced = True  # from now on the user may look at another one
            self._session.open_study(self._folder)
            self._session.studies_changed.emit()
        self._show_progress()

    def _describe_progress(self) -> str:
        """Describe what is running beyond the count of runs, for the state line."""
        return ""

    def _show_progress(self) -> None:
        job = self._job
        if job is None or job.stopping:
            return
        if job.fraction is not None:
            self.bar.setRange(0, _STEPS)
            self.bar.setValue(round(_STEPS * job.fraction))
        progress = job.progress
        words = (
            [f"{progress.done} of {progress.total} {progress.unit}"] if progress is not None and progress.total else []
        )
        words += [f"{left} left"] if (left := describe_time_left(job)) else []
        words += [self._describe_progress()] if self._describe_progress() else []
        if words:
            self.state.setText(" · ".join(words))

    def _finished(self, result: Any) -> None:
        self.state.clear()
        self._show_result(result)

    def _ended(self) -> None:
        self._job = None
        self._tick.stop()
        if self._folder is not None and study_folders.kind_of(self._folder) is None:  # it never began
            self._folder = None
        self._session.studies_changed.emit()
        self._show_state()

    def _pack(self) -> None:
        """Pack the study that is prepared as a job for another machine."""
        cutouts, name = self._session.dataset.cutouts, self.name.text().strip() or self._kind
        path = self._ask_path("Pack the study", f"{name} job.zip", "Packages (*.zip)")
        if cutouts is not None and path is not None:
            job = work.pack_study(self._kind, self._base, self._study_settings, cutouts.path, path, name)
            self._save(job, str)

    # -- saving ----------------------------------------------------------------------------------------------------

    def _save_figure(self) -> None:
        path = self._ask_path("Save the figure", f"{self._stem}.png", FIGURES)
        if path is not None and self._result is not None:
            job = work.save_figure(self._result, path)
            self._save(job, lambda written: f"The figure is saved in {written}.")

    def _save_table(self) -> None:
        path = self._ask_path("Save the table", f"{self._stem}.csv", "CSV (*.csv)")
        if path is not None and self._folder is not None:
            job = work.save_table(self._folder / self._table, path)
            self._save(job, lambda written: f"The table is saved in {written}.")

    @property
    def _stem(self) -> str:
        """Stem of the proposed file names."""
        return study_folders.title_of(self._folder) if self._folder is not None else self._kind


def group(title: str, *content: QWidget) -> QGroupBox:
    """Group widgets below one another under a title."""
    made = QGroupBox(title)
    column = QVBoxLayout(made)
    for each in content:
        column.addWidget(each)
    return made
