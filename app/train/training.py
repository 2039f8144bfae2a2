"""Training: watch it learn, pause and stop it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.jobs.job import Job
from app.panel.panel import Panel
from app.session.session import Session
from app.theme import icon
from app.train.widgets.curve_plot import CurvePlot
from app.train.widgets.verdict_line import VerdictLine
from app.widgets.focus_guard import keep_from_focus
from app.widgets.job_bar import TICK, describe_time_left
from app.widgets.message_line import MessageLine
from app.widgets.numbers import Numbers
from app.widgets.plain_text import as_written
from core.errors import Problem
from core.events import (
    BatchEnded,
    CheckpointSaved,
    EpochEnded,
    NetworkBegun,
    Preview,
    Progress,
    Scores,
    Skipped,
)
from core.metrics.guessing import guess_of_run
from core.metrics.part_notes import describe_part
from core.metrics.uncertainty import find_error, plus_minus
from core.project.history import read_history
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings
from core.wording import count_of

if TYPE_CHECKING:
    from core.studies.ensemble_training import EnsembleResult
    from core.train.loop import RunResult

_PAUSE_MARGIN = 50  # px beside the longer of its two words
_TITLES = {"r2": "R²", "neighbours_accuracy": "k-NN"}
_SCORES = ("accuracy", "r2", "neighbours_accuracy")
_REASONS = {
    "finished": "Finished after {epochs}.",
    "early": "Stopped early after {epochs}: no improvement any more.",
    "stopped": "Stopped by you after {epochs}.",
}
_STOPPING = "Stopping after this batch…"
_STOPPED_OF_SEVERAL = (
    "Stopped. The networks so far are kept as runs; select several in Compare to have them answer together."
)
_FINAL = "The numbers of the best weights, as they will answer:"
_OF_EPOCH = "Of this epoch, one view of each validation galaxy, as in the curve."
_UNLABELLED = "Unlabelled"
_OF_UNLABELLED = {
    "unlabelled_confident": ("sure of {:.0%}", "Share of the galaxies without labels that were learned from."),
    "surveys_told_apart": (
        "told apart {:.0%}",
        "Share of the galaxies whose survey the discriminator finds; 50%: the surveys look alike to it.",
    ),
    "unlabelled_loss": ("loss {:.3g}", "Loss of the galaxies without labels, before it is weighted."),
}
_NUMBER_NAMES = ("Epoch", "Loss", "Validation", "Best", "Learning rate", "Images/s", "Time left", _UNLABELLED)


class TrainingPanel(Panel):
    """The learning curves of the training that runs, or of the run that is open, with two buttons.

    Parameters
    ----------
    session
        Its ``activity.training`` is followed, and else its ``run`` is shown.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "training", parent=parent)
        self._job: Job | None = None
        self._epoch: EpochEnded | None = None
        self._network: NetworkBegun | None = None  # of several that are trained
        self._tick = QTimer(self)
        self._tick.setInterval(TICK)
        self._build()
        self._connect()
        self._show_state()
        if session.activity.training is not None:
            self._watch()
        elif session.run is not None:
            self._show_run()

    def _build(self) -> None:
        self.pause = QPushButton(icon("mdi6.pause"), "Pause")
        self.pause.setMinimumWidth(self.pause.fontMetrics().horizontalAdvance("Resume") + _PAUSE_MARGIN)
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.stop.setToolTip("Stop after this batch and keep the best weights.")
        keep_from_focus(self.pause, self.stop)
        self.reason = MessageLine(3, grows=True)
        self.reason.setObjectName("reason")
        self.baseline = MessageLine(3, grows=True)
        self.baseline.setObjectName("baseline")
        self.numbers = Numbers(_NUMBER_NAMES, per_row=4, wide=("Validation",))
        self.curves = CurvePlot()
        self.verdict = VerdictLine()
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        buttons = QHBoxLayout()
        buttons.addWidget(self.reason, 1)
        for button in (self.pause, self.stop):
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)  # where it stays however long the reason is
        column.addLayout(buttons)
        column.addWidget(self.numbers)
        column.addWidget(self.baseline)
        column.addWidget(self.curves, 1)
        column.addWidget(self.verdict)
        self._set_content(content)

    def _connect(self) -> None:
        session = self._session
        self._tick.timeout.connect(self._show_time_left)
        self.pause.clicked.connect(self._pause_or_resume)
        self.stop.clicked.connect(self._stop)
        session.predictor_changed.connect(self._show_run)
        session.activity.training_begun.connect(self._watch)

    # -- the buttons -----------------------------------------------------------------------------------------------

    def _show_state(self, _state: object = None) -> None:
        running = self._job is not None
        self.pause.setEnabled(running)
        self.stop.setEnabled(running)
        paused = self._job is not None and self._job.state == "paused"
        self.pause.setText("Resume" if paused else "Pause")
        self.pause.setIcon(icon("mdi6.play" if paused else "mdi6.pause"))

    def _show_reason(self, text: str, role: str = "muted") -> None:
        self.reason.say(text, role)

    # -- running ---------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Follow the training that has begun, after any epochs of a resumed run."""
        job, folder = self._session.activity.training, self._session.activity.training_folder
        if job is None or folder is None:
            return
        self._job, self._network = job, None
        self._tick.start()
        self._begin_run(RunFolder(folder))
        job.happened.connect(self._happened)
        job.state_changed.connect(self._show_state)
        job.finished.connect(self._finished)
        job.failed.connect(self._failed)
        job.stopped.connect(self._stopped)
        job.ended.connect(self._ended)
        self._show_state()

    def _begin_run(self, run: RunFolder) -> None:
        """Show the curves of a run that begins, or goes on after its last epoch."""
        self._epoch = None
        settings = _read_settings(run) or self._session.draft.settings
        self.curves.set_rule(settings.stopping, settings.optimiser.epochs)
        self.curves.set_history(read_history(run.history_file) if run.has_whole_epoch else [])
        self.numbers.clear()
        self.baseline.clear()
        self.curves.set_guess(math.nan)
        self.verdict.forget()
        self._show_reason("Preparing…")

    def _pause_or_resume(self) -> None:
        if self._job is None:
            return
        if self._job.state == "paused":
            self._job.resume()
        else:
            self._job.pause()
        self._show_state()

    def _stop(self) -> None:
        if self._job is not None:
            self._show_reason(_STOPPING)
            self._job.stop()

    def _happened(self, events: list[object]) -> None:
        shown: list[object] = []
        for event in events:
            if isinstance(event, Preview) and isinstance(event.what, NetworkBegun):
                self._show_events(shown)
                shown, self._network = [], event.what
                self._begin_run(RunFolder(event.what.folder))
            else:
                shown.append(event)
        self._show_events(shown)

    def _show_events(self, events: list[object]) -> None:
        batches = [event for event in events if isinstance(event, BatchEnded)]
        epochs = [event for event in events if isinstance(event, EpochEnded)]
        if batches:
            self.curves.add_batches(batches)
            self._show_batch(batches[-1])
        if epochs:
            self.curves.add_epochs(epochs)
            self._show_epoch(epochs[-1])
        for event in events:
            if isinstance(event, CheckpointSaved):
                self._show_saved(RunFolder(event.path.parents[2]))
            elif isinstance(event, Progress) and self._epoch is not None:
                self._show_reason(f"{_FINAL} {event.done:,} of {event.total:,} galaxies.")
            elif isinstance(event, Preview):
                self._show_baseline(getattr(event.what, "sentence", ""))
            elif isinstance(event, Skipped):  # a hint, which was to be read before the start
                self._session.message.emit(event.problem.text)

    def _show_saved(self, run: RunFolder) -> None:
        """Show what a run tells of itself after an epoch."""
        self.verdict.show_run(run)
        if math.isnan(self.curves.guess):
            self.curves.set_guess(_read_guess(run))

    def _show_batch(self, batch: BatchEnded) -> None:
        is_stopping = self._job is not None and self._job.stopping  # by whichever button
        which = "" if self._network is None else f"Network {self._network.number} of {self._network.total}: epoch"
        where = f"{which or 'Epoch'} {batch.epoch}, batch {batch.batch} of {batch.batches}"
        self._show_reason(_STOPPING if is_stopping else where)
        self.numbers.show_number("Loss", f"{batch.loss:.4f}")
        self.numbers.show_number("Learning rate", f"{batch.learning_rate:.2g}")
        self.numbers.show_number("Images/s", f"{batch.images_per_second:,.0f}")
        epochs = self._session.draft.settings.optimiser.epochs if self._epoch is None else self._epoch.epochs
        self.numbers.show_number("Epoch", f"{batch.epoch}/{epochs}")
        self._show_time_left()

    def _show_time_left(self) -> None:
        """Show the estimate that the job's bar shows."""
        if self._job is not None:
            self.numbers.show_number("Time left", describe_time_left(self._job) or "–")

    def _show_epoch(self, epoch: EpochEnded) -> None:
        self._epoch = epoch
        name, value = _first_score(epoch.validation)
        self.numbers.show_number("Epoch", f"{epoch.epoch}/{epoch.epochs}")
        self.numbers.show_number("Loss", f"{epoch.train.loss:.4f}")
        self.numbers.show_number("Validation", f"{value:.3f}", f"Val. {name}")
        self.numbers.explain("Validation", _OF_EPOCH)
        for known, (form, meaning) in _OF_UNLABELLED.items():
            if known in epoch.train.values:
                self.numbers.show_number(_UNLABELLED, form.format(epoch.train.values[known]))
                self.numbers.explain(_UNLABELLED, meaning)
                break
        since = f" ({epoch.epochs_since_best} ago)" if epoch.epochs_since_best else ""
        self.numbers.show_number("Best", f"{epoch.best_epoch}{since}")
        self.numbers.show_number("Learning rate", f"{epoch.learning_rate:.2g}")

    def _show_baseline(self, sentence: str) -> None:
        self.baseline.setText(sentence)

    def _finished(self, result: Any) -> None:
        if self._network is None:
            self._show_result(result)
        else:
            self._show_together(result)

    def _show_together(self, result: EnsembleResult) -> None:
        """Show how good several networks are together, and open them as one."""
        self._job = None  # the numbers of the ensemble take the place of those of its last network
        self._session.runs_changed.emit()
        self._session.open_run(RunFolder(result.folder))
        self._show_reason(result.sentence, "good")

    def _show_result(self, result: RunResult) -> None:
        name, value = _first_score(result.scores)
        error = _format_error(RunFolder(result.folder), name)
        why = _REASONS[result.reason].format(epochs=count_of(result.epochs, "epoch"))
        self._show_reason(
            f"{why} The weights of epoch {result.best_epoch} are kept: validation {name} {value:.3f}{error}.", "good"
        )
        self._show_final(RunFolder(result.folder))
        self.numbers.show_number("Time left", "–")
        self.verdict.show_run(RunFolder(result.folder))
        self._session.runs_changed.emit()
        self._session.open_run(RunFolder(result.folder))

    def _failed(self, problem: object) -> None:
        self._show_reason(self._describe(problem), "problem")

    def _stopped(self) -> None:
        several = self._network is not None
        self._show_reason(_STOPPED_OF_SEVERAL if several else "Stopped before the first weights were saved.")
        self._session.runs_changed.emit()

    def _ended(self) -> None:
        self._job = None
        self._tick.stop()
        self._show_state()

    def _show_run(self) -> None:
        """Show the curves of the run that was opened, unless a training is being watched."""
        run = self._session.run
        if self._job is not None or run is None:
            return
        if run.is_ensemble:
            self._show_ensemble(run)
        if not run.history_file.exists():
            return
        try:
            rows, metrics = read_history(run.history_file), read_metrics(run.metrics_file)
        except Problem as problem:
            self._session.report(problem)
            return
        settings = _read_settings(run)
        self.curves.set_rule(*((settings.stopping, settings.optimiser.epochs) if settings else (None, 0)))
        self.curves.set_history(rows, metrics.get("best_epoch"))
        self.verdict.show_run(run)
        self.reason.clear()  # it tells of the training that ended here
        self._show_best_epoch(rows, self.curves.best_epoch)
        self._show_final(run)
        self.curves.set_guess(_read_guess(run))

    def _show_ensemble(self, run: RunFolder) -> None:
        """Show the numbers of several networks together, which have no curves in common."""
        self.curves.set_history([])
        self.curves.set_guess(_read_guess(run))
        self.numbers.clear()
        self.verdict.forget()
        self.reason.clear()
        self._show_final(run)
        self.baseline.setText("Several runs answer together here; each of them has its own curves.")

    def _show_best_epoch(self, rows: list[dict[str, float]], best: int) -> None:
        """Show the numbers of the best epoch of a run that was opened again."""
        self.numbers.clear()
        for row in rows:
            if row["epoch"] == best:
                score = next(name for name in _SCORES if name in row)
                self.numbers.show_number("Epoch", f"{best}/{rows[-1]['epoch']:.0f}")
                self.numbers.show_number("Best", str(best))
                self.numbers.show_number("Loss", f"{row['loss']:.4f}")
                self.numbers.show_number(
                    "Validation", f"{row[f'val_{score}']:.3f}", f"Val. {_TITLES.get(score, score)}"
                )
                self.numbers.explain("Validation", _OF_EPOCH)

    def _show_final(self, run: RunFolder) -> None:
        """Show the numbers that are kept with a run: those that Evaluate, Runs and the predictions give."""
        try:
            metrics = read_metrics(run.metrics_file)
        except Problem:
            return  # whoever opens the run is told of it
        baseline, validation = metrics.get("baseline") or {}, metrics.get("validation") or {}
        judged = metrics.get("unlabelled") or {}
        sentences = (
            (baseline.get("afterwards") or {}).get("sentence"),
            baseline.get("sentence"),
            judged.get("sentence"),
        )
        self.baseline.setText(" ".join(filter(None, sentences)))
        name = next((name for name in _SCORES if validation.get(name) is not None), "")
        if name:
            error = plus_minus(find_error(validation, name), ".3f")
            self.numbers.show_number("Validation", f"{validation[name]:.3f}{error}", f"Val. {_TITLES.get(name, name)}")
            self.numbers.explain("Validation", as_written(describe_part(metrics)))


def _read_settings(run: RunFolder) -> RunSettings | None:
    """Read the settings of a run; None if they cannot be read."""
    try:
        return toml.load(RunSettings, run.settings_file)
    except Problem:
        return None


def _read_guess(run: RunFolder) -> float:
    """The accuracy of always answering the commonest class of the validation part; NaN: not known, or no classes."""
    try:
        guess = guess_of_run(read_metrics(run.metrics_file))
    except Problem:
        return math.nan
    return math.nan if guess is None else guess.accuracy


def _format_error(run: RunFolder, name: str) -> str:
    """Format the error of a figure of merit, by its title, on the validation part; empty where it was not saved."""
    key = next((key for key, title in _TITLES.items() if title == name), name.replace(" ", "_"))
    try:
        return plus_minus(find_error(read_metrics(run.metrics_file).get("validation") or {}, key), ".3f")
    except Problem:
        return ""  # whoever opens the run is told of it


def _first_score(scores: Scores) -> tuple[str, float]:
    """Name and value of the first figure of merit, or the loss if there is none."""
    name, value = next(iter(scores.values.items()), ("loss", scores.loss))
    return _TITLES.get(name, name.replace("_", " ")), value
