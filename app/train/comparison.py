"""All runs of the project: search, sort, compare, annotate, continue and remove them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFile, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.panel.panel import Panel
from app.session.draft_commands import use_settings
from app.session.edit_commands import Restore
from app.session.session import Session
from app.theme import icon
from app.train import work
from app.train.widgets.differences_table import DifferencesTable
from app.train.widgets.overlay_plot import MOST_CURVES, OverlayPlot
from app.train.widgets.run_table import RunTable
from app.widgets.context_menu import offer_buttons
from app.widgets.empty_state import EmptyState
from app.widgets.focus_guard import keep_from_focus
from app.widgets.plain_text import on_button
from app.widgets.unreadable import describe_unreadable
from core.errors import Problem
from core.metrics import judged_on
from core.project import notes
from core.project.notes import Notes
from core.project.runs import RunFolder, distinct_titles
from core.train import run_summary
from core.train.run_summary import RunSummary
from core.wording import count_of

if TYPE_CHECKING:
    from core.studies.ensemble_training import EnsembleResult

_Histories = Mapping[str, Sequence[Mapping[str, float]]]


class ComparisonPanel(Panel):
    """A table of runs; for the selected ones their curves, the settings that differ, and notes.

    Parameters
    ----------
    session
        Its project's runs are listed.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        empty = EmptyState(
            "mdi6.history", "No runs yet", "Every training will appear here, to be compared with the others."
        )
        super().__init__(session, "comparison", empty, parent)
        self._selected_run: RunSummary | None = None
        self._summary_request = self._make_request(self._show_runs)
        self._history_request = self._make_request(self._show_histories)
        self._build()
        self._connect()
        self.refresh()

    def _build_table_side(self) -> QWidget:
        """Build the table and the buttons for its rows."""
        self.words = QLineEdit()
        self.words.setPlaceholderText("Find by name, tag, note, state or dataset")
        self.words.setClearButtonEnabled(True)
        self.table = RunTable()
        self.go_on = QPushButton(icon("mdi6.skip-next"), "Continue…")
        self.go_on.setToolTip("Go on with this training, or for more epochs.")
        self.duplicate = QPushButton(icon("mdi6.content-duplicate"), "Use these settings")
        self.duplicate.setToolTip("Take its settings over into the forms; change what you like, and start.")
        self.folder = QPushButton(icon("mdi6.folder-open-outline"), "Folder")
        self.folder.setToolTip("Open the run's folder.")
        self.rename = QPushButton(icon("mdi6.rename-outline"), "Rename…")
        self.trash = QPushButton(icon("mdi6.trash-can-outline"), "Remove…")
        self.trash.setToolTip("Move the selected runs to the system's trash.")
        keep_from_focus(self.trash)
        above = QWidget()
        upper = QVBoxLayout(above)
        upper.setContentsMargins(0, 0, 0, 0)
        line = QHBoxLayout()
        line.addWidget(self.words, 1)
        self.join = QPushButton(icon("mdi6.set-merge"), "Join")
        self.join.setToolTip("Have the selected runs answer together, as an ensemble: with their mean.")
        for button in (self.go_on, self.duplicate, self.join, self.folder, self.rename, self.trash):
            line.addWidget(button)
        upper.addLayout(line)
        upper.addWidget(self.table, 1)
        return above

    def _build_details(self) -> QWidget:
        """Build the plots, the table of differences and the notes of the selected runs."""
        self.overlay = OverlayPlot()
        self.differences = DifferencesTable()
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setProperty("role", "muted")
        self.summary.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.tags = QLineEdit()
        self.tags.setPlaceholderText("Tags, with commas between them")
        self.text = QPlainTextEdit()
        self.text.setPlaceholderText("Notes on this run")
        self.text.setMaximumHeight(96)
        notebook = QWidget()
        right = QVBoxLayout(notebook)
        right.setContentsMargins(8, 6, 0, 0)
        right.addWidget(self.summary)
        right.addWidget(self.differences, 1)
        right.addWidget(self.tags)
        right.addWidget(self.text)
        below = QSplitter(Qt.Orientation.Horizontal)
        below.setChildrenCollapsible(False)
        below.addWidget(self.overlay)
        below.addWidget(notebook)
        below.setSizes([560, 460])
        return below

    def _build(self) -> None:
        both = QSplitter(Qt.Orientation.Vertical)
        both.setChildrenCollapsible(False)
        both.addWidget(self._build_table_side())
        both.addWidget(self._build_details())
        both.setSizes([300, 330])
        self._set_content(both)

    def _connect(self) -> None:
        session = self._session
        self.words.textChanged.connect(self.table.filter_by)
        self.table.chosen.connect(self._show_chosen)
        self.go_on.clicked.connect(self._continue)
        self.duplicate.clicked.connect(self._duplicate)
        self.join.clicked.connect(self._join)
        self.folder.clicked.connect(self._open_folder)
        self.rename.clicked.connect(self._rename)
        self.trash.clicked.connect(self._remove)
        offer_buttons(self.table, (self.go_on, self.duplicate, self.join, self.folder, self.rename, self.trash))
        self.tags.editingFinished.connect(self._save_notes)
        session.project_changed.connect(self.refresh)
        session.runs_changed.connect(self.refresh)

    # -- the list --------------------------------------------------------------------------------------------------

    def _renew(self) -> None:
        """Read the runs again."""
        project = self._session.project
        if project is None:
            self._show_runs([])
        else:
            self._summary_request.start(work.summarise_runs(project.folder / "runs"))

    def _show_runs(self, runs: list[RunSummary]) -> None:
        self._save_notes()
        trained = self._session.activity.is_trained
        runs = [replace(run, state="running") if trained(run.folder) else run for run in runs]
        self.table.set_runs(runs)
        self._show_content(bool(runs))

    def _show_chosen(self, runs: list[RunSummary]) -> None:
        """Show curves, differences and notes of the selected runs, and enable what can be done with them."""
        self._save_notes()
        one = runs[0] if len(runs) == 1 else None
        self._selected_run = one
        is_readable = one is not None and one.problem is None
        self.folder.setEnabled(one is not None)
        for widget in (self.tags, self.text, self.rename):
            widget.setEnabled(is_readable)
        self.tags.setText(", ".join(one.notes.tags) if one else "")
        self.text.setPlainText(one.notes.text if one else "")
        is_single = is_readable and one is not None and not one.folder.is_ensemble
        self.go_on.setEnabled(is_single and self._session.activity.training is None)
        self.duplicate.setEnabled(is_single)
        self.join.setEnabled(len(runs) > 1 and all(run.problem is None and _is_trained(run) for run in runs))
        self.trash.setEnabled(bool(runs))
        known = [run for run in runs if run.problem is None and run.settings is not None]
        self._history_request.start(work.read_histories([run.folder for run in known[:MOST_CURVES]]))
        self.differences.show_differences(
            distinct_titles([run.folder for run in known]),
            run_summary.differing_settings([run.settings for run in known if run.settings is not None])
            if len(known) > 1
            else [],
        )
        self.summary.setText(_summarise(runs, len(known)))

    def _show_histories(self, histories: _Histories) -> None:
        colours = self.overlay.show_histories(histories)
        self.table.set_colours(colours)
        names = {str(run.folder.path): run.folder.title for run in self.table.selected()}
        self.differences.set_colours([colours.get(path, "") for path in names])

    # -- notes -----------------------------------------------------------------------------------------------------

    def _wind_up(self) -> None:
        self._save_notes()

    def _save_notes(self) -> None:
        """Save the notes and tags if they were edited."""
        run = self._selected_run
        if run is None or not run.folder.path.exists():
            return
        typed = Notes(self.text.toPlainText().strip(), notes.tags_of(self.tags.text()))
        if typed == run.notes:
            return
        self._selected_run = None
        before, folder = run.notes, run.folder.path
        if self._write_notes(folder, typed):
            command = Restore(
                f"notes on “{run.folder.title}”",
                lambda: self._write_notes(folder, before),
                lambda: self._write_notes(folder, typed),
            )
            self._session.undo.push(command)

    def _write_notes(self, folder: Path, wanted: Notes) -> bool:
        """Write the notes on a run; returns whether that was possible."""
        self._selected_run = None  # what is typed there is not saved over them
        try:
            notes.write(folder, wanted)
        except Problem as problem:
            self._session.report(problem)
            return False
        finally:
            self.refresh()
        return True

    # -- actions on the selected runs ------------------------------------------------------------------------------

    def _continue(self) -> None:
        run, session = self._selected_run, self._session
        if run is None or session.activity.training is not None:
            return
        done = run.state in ("finished", "early")
        wanted, agreed = QInputDialog.getInt(
            self,
            "Continue a training",
            on_button(  # the label belongs to a field, and an ampersand would mark its shortcut
                f"“{run.folder.title}” has {run.epochs} of {count_of(run.planned, 'epoch')}. "
                "How many are there to be in all?"
            ),
            2 * run.planned if done else run.planned,
            max(1, run.epochs),
            100_000,
        )
        if not agreed:
            return
        patience = 0 if run.state == "early" else None  # it had stopped early, and is to go on regardless
        epochs = wanted if wanted != run.planned else None
        cutouts = session.dataset.cutouts
        data = run.folder.data or (cutouts.path if cutouts is not None else None)
        hand_labels = session.project.labels(data) if session.project is not None and data is not None else None
        job = work.resume(run.folder, data, epochs, patience, hand_labels)
        session.activity.begin_training(job, run.folder)
        session.workspace_wanted.emit("train")

    def _duplicate(self) -> None:
        if self._selected_run is not None and self._selected_run.settings is not None:
            use_settings(self._session, self._selected_run.settings, self._selected_run.folder.title)
            self._session.workspace_wanted.emit("train")

    def _join(self) -> None:
        """Make an ensemble of the selected runs."""
        project, runs = self._session.project, [run.folder for run in self.table.selected()]
        if project is None or len(runs) < 2:
            return
        try:
            folder = project.new_run(f"{runs[0].title} + {len(runs) - 1}")
        except Problem as problem:
            self._session.report(problem)
            return
        job = work.make_ensemble(runs, folder)
        job.failed.connect(self._session.report)
        job.finished.connect(self._show_joined)
        self._session.activity.add(job)
        job.start()

    def _show_joined(self, made: EnsembleResult) -> None:
        self._session.runs_changed.emit()
        self._session.open_run(RunFolder(made.folder))
        self._session.message.emit(made.sentence)

    def _open_folder(self) -> None:
        if self._selected_run is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._selected_run.folder.path)))

    def _rename(self) -> None:
        run = self._selected_run
        if run is None or self._is_busy([run]):
            return
        name, agreed = QInputDialog.getText(self, "Rename a run", "Its new name", text=run.folder.title)
        if not agreed or not name.strip():
            return
        self._save_notes()
        try:
            renamed = run.folder.rename(name.strip())
        except Problem as problem:
            self._session.report(problem)
            return
        if self._session.run is not None and self._session.run.path == run.folder.path:
            self._session.open_run(renamed)
        self._session.runs_changed.emit()

    def _remove(self) -> None:
        runs = self.table.selected()
        if not runs or self._is_busy(runs):
            return
        what = f"“{runs[0].folder.title}”" if len(runs) == 1 else f"{len(runs)} runs"
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        question = f"Move {what} to the trash, with all weights and notes?"
        answer = QMessageBox.question(self, "Remove runs", question, yes | no, no)
        if answer != QMessageBox.StandardButton.Yes:
            return
        self._selected_run = None
        for run in runs:
            if self._session.run is not None and self._session.run.path == run.folder.path:
                self._session.open_run(None)
            if not QFile.moveToTrash(str(run.folder.path)):
                self._session.report(
                    Problem("This run could not be moved to the trash.", "Remove the folder.", str(run.folder.path))
                )
        self._session.runs_changed.emit()

    def _is_busy(self, runs: Sequence[RunSummary]) -> bool:
        """Whether one of the runs is being trained, here or by another program; if so, a message says so."""
        busy: Path | None = self._session.activity.training_folder
        if busy is not None and any(run.folder.path == busy for run in runs):
            self._session.message.emit("This run is being trained; stop it first.")
            return True
        try:
            for run in runs:
                with run.folder.lock():
                    pass
        except Problem as problem:
            self._session.report(problem)
            return True
        return False


def _is_trained(run: RunSummary) -> bool:
    return run.epochs > 0 and not run.folder.is_ensemble


def _summarise(runs: Sequence[RunSummary], known: int) -> str:
    if not runs:
        return "Select one run for its notes, several to compare them."
    if len(runs) == 1:
        problem = runs[0].problem
        said = " ".join((*(f"* {each}" for each in runs[0].remarks), runs[0].verdict))
        return describe_unreadable(problem) if problem is not None else said
    if known < 2:
        return "The settings of these runs cannot be read."
    parts = ("validation", "test")
    letters = judged_on.letter_parts([run.judged for run in runs], parts)
    apart = [f"{part} numbers" for part in parts if any(part in its for its in letters)]
    warning = (
        f" Their {' and '.join(apart)} are of different galaxies or labels, and cannot be compared." if apart else ""
    )
    drawn = f"; the first {MOST_CURVES} are drawn" if len(runs) > MOST_CURVES else ""
    return f"{len(runs)} runs{drawn}.{warning} Settings that differ:"
