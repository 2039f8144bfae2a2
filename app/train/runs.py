"""The project's runs: open one, explain with it, fine-tune it, or predict with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panel import saving
from app.panel.panel import Panel
from app.session.draft_commands import use_settings
from app.session.session import Session
from app.theme import colours, icon
from app.train import work
from app.widgets.context_menu import offer_buttons
from app.widgets.empty_state import EmptyState
from app.widgets.flow import FlowLayout
from app.widgets.message_line import MessageLine
from app.widgets.plain_text import as_written
from app.widgets.unreadable import describe_unreadable
from core.errors import Problem
from core.metrics import judged_on
from core.metrics.part_notes import describe_part
from core.metrics.uncertainty import find_error, plus_minus
from core.project.files import file_name
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.reading import modified
from core.settings import toml
from core.train import run_check, run_summary
from core.train.run_summary import STATE_NAMES
from core.train.settings import RunSettings, TransferSettings
from core.wording import count_of

if TYPE_CHECKING:
    from core.publish.export import Exported

_TRAINING = "This run is being trained; its first weights are not saved yet."
_NO_WEIGHTS = "This run ended before its first weights were saved."
_ROW_HEIGHT = 26  # pixels
_COLUMNS = ("Run", "Validation", "Test", "Best epoch", "Started from", "Galaxies", "Date")
_NUMBERS = (1, 2, 3)  # columns
_SCORES = {1: "validation", 2: "test"}  # parts by column
_REST = 1500  # milliseconds without a label given
_OF_GALAXIES = "Number of galaxies in the training and in the validation part."


class RunsPanel(Panel):
    """Runs in a table, newest first.

    Parameters
    ----------
    session
        Its project's runs are listed; the chosen one becomes ``session.run``.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        empty = EmptyState(
            "mdi6.history", "No runs yet", "Every training is kept here with its settings, curves and weights."
        )
        super().__init__(session, "runs", empty, parent)
        self._remarks = self._make_request(self._mark_numbers)
        self._letters = ""  # what those behind numbers stand for
        self._labels_rested = QTimer(self, singleShot=True, interval=_REST)
        self._labels_rested.timeout.connect(self.refresh)
        self._build()
        self.table.itemSelectionChanged.connect(self._chosen_changed)
        self.explain.clicked.connect(self._explain)
        self.use_settings.clicked.connect(self._use_settings)
        self.fine_tune.clicked.connect(self._fine_tune)
        self.predict.clicked.connect(self._predict)
        offer_buttons(self.table, (self.explain, self.fine_tune, self.predict))
        session.project_changed.connect(self.refresh)
        session.runs_changed.connect(self.refresh)
        session.predictor_changed.connect(self._show_current)
        session.dataset.changed.connect(self._chosen_changed)
        session.dataset.labels_changed.connect(lambda _rows: self._labels_rested.start())
        self.refresh()

    def _build(self) -> None:
        self.table = self._build_table()
        self.explain = QPushButton(icon("mdi6.magnify-scan"), "Explain")
        self.explain.setToolTip("Use this network for predictions and maps, and show the maps.")
        self.fine_tune = QPushButton(icon("mdi6.tune-variant"), "Fine-tune")
        self.fine_tune.setToolTip("Start the next training from the weights of this run.")
        self.use_settings = QPushButton(icon("mdi6.content-duplicate"), "Use settings")
        self.use_settings.setToolTip("Take the settings of this run over into the forms of the next training.")
        self.predict = QPushButton(icon("mdi6.table-arrow-right"), "Predict…")
        self.predict.setToolTip(
            "Predict, or measure with errors and flags, every galaxy of the open dataset, and save the table."
        )
        self.predict_files = QPushButton(icon("mdi6.folder-outline"), "Predict files")
        self.predict_files.setToolTip(
            "Predict, or measure with errors and flags, image files that are in no dataset; their stamps are made as "
            "those of the training were."
        )
        ask = QMenu(self.predict_files)
        self.ask_folder = ask.addAction("A folder…", self._predict_folder)
        self.ask_files = ask.addAction("Files…", self._predict_chosen_files)
        self.predict_files.setMenu(ask)
        self._build_publishing()
        self.note = MessageLine(grows=True, insists=True)  # beside a table that is as low as can be
        self._buttons = QWidget()
        buttons = FlowLayout(self._buttons, spacing=6)
        for button in (self.explain, self.fine_tune, self.use_settings, self.predict, self.predict_files, self.publish):
            buttons.addWidget(button)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.note)
        column.addWidget(self._buttons)
        self._set_content(content)

    def _build_publishing(self) -> None:
        self.publish = QPushButton(icon("mdi6.file-outline"), "Publish")
        self.publish.setToolTip("Write the run for others: a report, or the network with all that is needed to use it.")
        kinds = QMenu(self.publish)
        kinds.setToolTipsVisible(True)
        self.ask_report = kinds.addAction("Report with plots (HTML)…", self._write_report)
        self.ask_report.setToolTip("One file for the browser: scores, plots, methods, settings, caveats.")
        self.ask_export = kinds.addAction("Network for others (ONNX, model card)…", self._export)
        self.ask_export.setToolTip(
            "A folder with the network as ONNX, a script that predicts without this program, the weights, a model card "
            "and a paragraph on the methods with BibTeX."
        )
        self.publish.setMenu(kinds)

    def _build_table(self) -> QTreeWidget:
        table = QTreeWidget()
        table.setHeaderLabels(_COLUMNS)
        for column in _NUMBERS:
            table.headerItem().setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        table.setRootIsDecorated(False)
        table.setUniformRowHeights(True)
        table.setAlternatingRowColors(True)
        table.setStyleSheet(f"QTreeView::item {{ min-height: {_ROW_HEIGHT - 2}px; }}")
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = table.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        return table

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep room for the lines of buttons, and for one run above them: a dock asks for one line alone."""
        super().resizeEvent(event)
        margins, flow = self._frame.contentsMargins(), self._buttons.layout()
        assert flow is not None
        needed = flow.heightForWidth(event.size().width() - margins.left() - margins.right())
        two_lines = 2 * flow.sizeHint().height() + flow.spacing()  # a dock is narrower only while it is laid out
        self._buttons.setMinimumHeight(min(needed, two_lines))
        bar = self.table.horizontalScrollBar().sizeHint().height()
        self.table.setMinimumHeight(self.table.header().sizeHint().height() + _ROW_HEIGHT + bar)

    # -- the list --------------------------------------------------------------------------------------------------

    def _renew(self) -> None:
        """List the runs."""
        project = self._session.project
        runs = [] if project is None else list(project.runs())
        self.table.blockSignals(True)
        self.table.clear()
        for run in reversed(runs):
            item = QTreeWidgetItem(_format_row(run, is_training=self._session.activity.is_trained(run)))
            item.setData(0, Qt.ItemDataRole.UserRole, run)
            problem = run_check.find_problem(run)
            item.setToolTip(0, as_written(str(run.path if problem is None else problem)))
            if problem is not None:
                for column in range(len(_COLUMNS)):
                    item.setForeground(column, QColor(colours().bad))
            for column, part in _SCORES.items():
                item.setToolTip(column, _describe_part(run, part) if problem is None else "")
            item.setToolTip(_COLUMNS.index("Galaxies"), _OF_GALAXIES)
            for column in _NUMBERS:
                item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.addTopLevelItem(item)
        self.table.blockSignals(False)
        self._show_content(bool(runs))
        self._show_current()
        if readable := [run for run in runs if run_check.find_problem(run) is None]:
            self._remarks.start(work.find_remarks(readable))

    def _mark_numbers(self, found: dict[Path, work.Remarks]) -> None:
        """Mark numbers that are outdated, and with letters those that cannot be compared with the others."""
        items = [item for item in map(self.table.topLevelItem, range(self.table.topLevelItemCount())) if item]
        ended = [item for item in items if not self._session.activity.is_trained(_run_of(item))]
        known = [(item, run, found[run.path]) for item in ended if (run := _run_of(item)).path in found]
        letters = judged_on.letter_parts([remarks.judged for _, _, remarks in known], [*_SCORES.values()])
        for (item, run, remarks), its in zip(known, letters, strict=True):
            for column, part in _SCORES.items():
                if not (said := remarks.outdated.get(part)) and part not in remarks.judged:
                    continue
                metrics = read_metrics(run.metrics_file)
                item.setText(column, _format_score(metrics.get(part)) + judged_on.mark(remarks.outdated, its, part))
                basis = f"These are {remarks.judged[part].basis}." if part in remarks.judged else ""
                why = f"({its[part]}) {judged_on.NOT_COMPARABLE}" if part in its else ""
                item.setToolTip(column, _describe_part(run, part, basis, f"* {said}" if said else "", why))
        self._letters = "\n".join(judged_on.explain_letters([each.judged for *_, each in known], letters))
        self._show_note()

    def _show_current(self) -> None:
        """Mark the run that is open."""
        run = self._session.run
        self.table.blockSignals(True)
        for place in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(place)
            if item is None:
                continue
            is_open = run is not None and item.data(0, Qt.ItemDataRole.UserRole).path == run.path
            font = item.font(0)
            font.setBold(is_open)
            item.setFont(0, font)
            if is_open:
                self.table.setCurrentItem(item)
        self.table.blockSignals(False)
        self._chosen_changed(reopen=False)

    @property
    def chosen(self) -> RunFolder | None:
        """The run that is selected in the list."""
        items = self.table.selectedItems()
        return items[0].data(0, Qt.ItemDataRole.UserRole) if items else None

    def _chosen_changed(self, *, reopen: bool = True) -> None:
        run = self.chosen
        problem = None if run is None else run_check.find_problem(run)
        is_readable = run is not None and problem is None
        trained = is_readable and run.best.exists()
        is_single = run is not None and not run.is_ensemble
        self.explain.setEnabled(trained)
        self.fine_tune.setEnabled(trained and is_single)
        self.use_settings.setEnabled(is_readable and is_single)
        self.predict_files.setEnabled(trained)
        self.publish.setEnabled(trained and is_single)
        self.predict.setEnabled(trained and self._session.dataset.cutouts is not None)
        self._show_note()
        current = self._session.run
        if reopen and run is not None and is_readable and (current is None or current.path != run.path):
            self._session.open_run(run)  # to look at it changes nothing in the draft

    def _show_note(self) -> None:
        """Say what is the matter with the chosen run, or else with comparing all of them."""
        run = self.chosen
        if run is not None and (problem := run_check.find_problem(run)) is not None:
            self.note.setText(describe_unreadable(problem))
        elif run is not None and not run.best.exists():
            self.note.setText(_TRAINING if self._session.activity.is_trained(run) else _NO_WEIGHTS)
        else:
            self.note.setText(judged_on.NOT_COMPARABLE if self._letters else "")
            self.note.setToolTip(as_written(self._letters))

    # -- actions on a run ------------------------------------------------------------------------------------------

    def _use_settings(self) -> None:
        """Take the settings of the chosen run over into the draft."""
        if self.chosen is None:
            return
        try:
            use_settings(self._session, toml.load(RunSettings, self.chosen.settings_file), self.chosen.title)
        except Problem as problem:
            self._session.report(problem)

    def _explain(self) -> None:
        if self.chosen is not None:
            self._session.open_run(self.chosen)
            self._session.message.emit(f"Predictions and maps now come from “{self.chosen.title}”.")
            self._session.workspace_wanted.emit("explain")

    def _fine_tune(self) -> None:
        run = self.chosen
        if run is None:
            return
        fresh = TransferSettings(start_from=str(run.path))
        self._session.draft.edit("transfer", fresh)
        self._session.message.emit(f"The next training starts from “{run.title}”.")
        self._session.workspace_wanted.emit("train")

    def _predict(self) -> None:
        if self.chosen is not None:
            saving.save_predictions(self, self._session, "Save predictions", self.chosen.best)

    def _predict_folder(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self, "Folder with galaxies to predict"):
            self._predict_sources([Path(folder)])

    def _predict_chosen_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Files with galaxies to predict")
        self._predict_sources([Path(file) for file in files])

    def _write_report(self) -> None:
        run = self.chosen
        if run is None:
            return
        path = self._ask_path("Save the report", f"{run.title}.html", "Report (*.html)")
        if path is not None:
            self._save(work.write_report(run, path), lambda written: f"The report is saved as {written}.")

    def _export(self) -> None:
        run = self.chosen
        if run is None:
            return
        place = QFileDialog.getExistingDirectory(self, "Folder in which a folder for the network is made")
        if place:
            self._save(work.export(run, Path(place) / f"{file_name(run.title)} for others"), _describe_export)

    def _predict_sources(self, sources: list[Path]) -> None:
        if sources and self.chosen is not None:
            saving.save_predictions_of_files(self, self._session, sources, self.chosen.best)


def _describe_export(made: Exported) -> str:
    agreed = "" if made.agreement is None else made.agreement.sentence
    said = f"{count_of(len(made.files), 'file')} written into {made.folder}."
    return " ".join(filter(None, [said, agreed, made.left_out]))


def _format_row(run: RunFolder, *, is_training: bool) -> list[str]:
    began = modified(run.settings_file) or modified(run.path)
    date = "–" if began is None else f"{began:%Y-%m-%d %H:%M}"
    if run_check.find_problem(run) is not None:
        return [run.title, STATE_NAMES["unreadable"], "–", "–", "–", "–", date]
    metrics = read_metrics(run.metrics_file)
    return [
        run.title,
        "in training" if is_training else _format_score(metrics.get("validation")),
        _format_score(metrics.get("test")),
        "–" if is_training else str(metrics.get("best_epoch", "–")),
        _describe_start(run),
        _format_galaxies(metrics),
        date,
    ]


def _format_galaxies(metrics: dict[str, Any]) -> str:
    galaxies = (metrics.get("data") or {}).get("galaxies") or {}
    counts = [galaxies[part] for part in ("training", "validation") if part in galaxies]
    return " / ".join(f"{count:,}" for count in counts) or "–"


def _run_of(item: QTreeWidgetItem) -> RunFolder:
    run: RunFolder = item.data(0, Qt.ItemDataRole.UserRole)
    return run


def _describe_part(run: RunFolder, part: str, *remarks: str) -> str:
    """The figures of merit of a part, over what they are, and what guessing gives; empty where there are none."""
    metrics = read_metrics(run.metrics_file)
    return as_written("\n".join(filter(None, (describe_part(metrics, part), *remarks)))) if metrics.get(part) else ""


def _describe_start(run: RunFolder) -> str:
    """Name the run's initial weights, if its settings can be read; of an ensemble how many runs it is."""
    try:
        settings = None if run.is_ensemble else toml.load(RunSettings, run.settings_file)
    except Problem:
        return "–"
    return run_summary.describe_start(run, settings) or "random weights"


def _format_score(part: dict[str, Any] | None) -> str:
    """Format the figure of merit of one part, with its name."""
    for name, title in (("accuracy", "accuracy"), ("r2", "R²"), ("neighbours_accuracy", "k-NN")):
        value = (part or {}).get(name)
        if value is not None:
            assert part is not None
            return f"{title} {value:.3f}{plus_minus(find_error(part, name), '.3f')}"
    return "–"
