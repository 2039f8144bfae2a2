"""The settings of a training: optimiser, loss, early stopping, and initial weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.session.draft_commands import use_settings
from app.session.session import Session
from app.theme import icon
from app.train.base_choices import BaseChoices
from app.train.learning_rate_dialog import LearningRateDialog
from app.train.widgets.rate_plots import SchedulePlot
from app.widgets.forms import SettingsForm
from core.errors import Problem
from core.nets.settings import LossSettings
from core.project.files import write_atomically
from core.project.runs import RunFolder
from core.settings import toml
from core.settings.declare import Settings
from core.train import schedule
from core.train.settings import OptimiserSettings, RunSettings, StoppingSettings, TransferSettings

_RANDOM = "Random weights"
_FILE = "Weights file…"
_SETTINGS = "Settings (*.toml)"
_MACHINE = ("device", "precision", "tensorboard")
_CURVE_POINTS = 400  # of the learning-rate schedule


class TrainingForm(QWidget):
    """The draft of the next training.

    Parameters
    ----------
    session
        Its draft ``settings`` are edited here.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._build()
        self._connect()
        self._show_runs()
        self._show_settings()

    def _build(self) -> None:
        settings = self._session.draft.settings
        self.optimiser = SettingsForm(OptimiserSettings, settings.optimiser)
        self.loss = SettingsForm(LossSettings, settings.loss)
        self.stopping = SettingsForm(StoppingSettings, settings.stopping)
        self._forms = {"optimiser": self.optimiser, "loss": self.loss, "stopping": self.stopping}
        self.machine = SettingsForm(RunSettings, settings, only=_MACHINE)
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of this run")
        self.file = QToolButton()
        self.file.setIcon(icon("mdi6.content-save-cog-outline"))
        self.file.setToolTip("All settings of a training as a file, which the command line takes, too.")
        self.file.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.file)
        self.save = menu.addAction("Save settings…")
        self.load = menu.addAction("Load settings…")
        self.file.setMenu(menu)
        self.start_from = QComboBox()
        self.start_from.setMinimumContentsLength(14)
        self.start_from.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.start_from.setToolTip("Begin with random weights, or fine-tune a network that was trained before.")
        self.find_rate = QPushButton(icon("mdi6.chart-bell-curve"), "Find a learning rate…")
        self.find_rate.setToolTip("A short training at growing learning rates shows which of them work.")
        self.rates = LearningRateDialog(self._session, self)
        self.schedule = SchedulePlot()
        self.schedule.setToolTip("The learning rate along the training.")

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        head = QFormLayout()
        head.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        named = QHBoxLayout()
        named.addWidget(self.name, 1)
        named.addWidget(self.file)
        head.addRow("Run", named)
        head.addRow("Start from", self.start_from)
        column.addLayout(head)
        self.base = BaseChoices(self._session, self)
        column.addWidget(self.base)
        for part, form in self._forms.items():
            group = QGroupBox(part.capitalize())
            inside = QVBoxLayout(group)
            inside.addWidget(form)
            if part == "optimiser":
                inside.addWidget(self.schedule)
                inside.addWidget(self.find_rate)
            column.addWidget(group)
        group = QGroupBox("Machine")
        QVBoxLayout(group).addWidget(self.machine)
        column.addWidget(group)
        column.addStretch(1)

    def _connect(self) -> None:
        session = self._session
        for part, form in self._forms.items():
            form.changed.connect(lambda value, part=part: self._edited(part, value))
        self.machine.changed.connect(self._machine_edited)
        self.start_from.activated.connect(self._set_start)
        self.find_rate.clicked.connect(self.rates.begin)
        self.save.triggered.connect(self._save)
        self.load.triggered.connect(self._load)
        session.draft.changed.connect(self._show_settings)
        session.project_changed.connect(self._show_runs)
        session.runs_changed.connect(self._show_runs)

    @property
    def problem(self) -> str:
        """The reason why the settings are not valid; empty if they are."""
        wrong = [f"{part.capitalize()}: {form.problem}" for part, form in self._forms.items() if form.problem]
        return wrong[0] if wrong else self.base.problem

    @property
    def run_name(self) -> str:
        """The name that was typed, or a name made from the settings."""
        settings = self._session.draft.settings
        if name := self.name.text().strip():
            return name
        if settings.transfer.start_from:
            return f"fine-tuned, {settings.transfer.freeze_blocks} frozen"
        return f"{settings.network.depth} blocks"

    def set_running(self, running: bool) -> None:
        """Lock name and initial weights while a training runs, and disable the learning-rate finder."""
        for widget in (self.name, self.start_from):
            widget.setEnabled(not running)
        self.find_rate.setEnabled(not running and self._session.dataset.cutouts is not None)

    def _edited(self, part: str, value: Settings) -> None:
        if value != getattr(self._session.draft.settings, part):
            self._session.draft.edit(part, value)

    def _machine_edited(self, value: RunSettings) -> None:
        self._session.draft.edit_together({name: getattr(value, name) for name in _MACHINE})

    def _show_settings(self) -> None:
        settings = self._session.draft.settings
        self.machine.set_value(settings)
        for part, form in self._forms.items():
            if form.value() != getattr(settings, part):
                form.set_value(getattr(settings, part))
        places = np.linspace(0, settings.optimiser.epochs, _CURVE_POINTS, endpoint=False)
        rates = np.array([schedule.rate_at(settings, place) for place in places])
        self.schedule.show_rates(places, rates)
        self._show_start()

    # -- initial weights -------------------------------------------------------------------------------------------

    def _show_runs(self) -> None:
        """Offer the runs of the project, newest first, as initial weights for fine-tuning."""
        self.start_from.clear()
        self.start_from.addItem(icon("mdi6.dice-multiple-outline"), _RANDOM, "")
        project = self._session.project
        runs = [] if project is None else [run for run in project.runs() if run.best.exists()]
        for run in reversed(runs):
            self.start_from.addItem(icon("mdi6.history"), run.title, str(run.path))
            self.start_from.setItemData(self.start_from.count() - 1, run.name, Qt.ItemDataRole.ToolTipRole)
        self.start_from.addItem(icon("mdi6.file-outline"), _FILE, None)
        self._show_start()

    def _show_start(self) -> None:
        chosen = self._session.draft.settings.transfer.start_from
        place = self.start_from.findData(chosen)
        if place < 0:
            place = self.start_from.count() - 1
            self.start_from.insertItem(place, icon("mdi6.file-outline"), RunFolder(Path(chosen)).title, chosen)
        self.start_from.setCurrentIndex(place)

    def _set_start(self, place: int) -> None:
        chosen = self.start_from.itemData(place)
        if chosen is None:
            chosen = QFileDialog.getOpenFileName(self, "Weights to start from", "", "Networks (*.safetensors)")[0]
            if not chosen:
                self._show_start()
                return
        blocks = self._session.draft.settings.transfer.freeze_blocks if chosen else 0
        self._session.draft.edit("transfer", TransferSettings(start_from=chosen, freeze_blocks=blocks))

    # -- settings as a file ----------------------------------------------------------------------------------------

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save settings", "settings.toml", _SETTINGS)
        if not path:
            return
        try:
            write_atomically(Path(path), toml.dumps(self._session.draft.settings))
        except Problem as problem:
            self._session.report(problem)
            return
        self._session.message.emit(f"“tuningfork train DATA.h5 -o RUN --settings {Path(path).name}” trains with these.")

    def _load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load settings", "", _SETTINGS)
        if not path:
            return
        try:
            use_settings(self._session, toml.load(RunSettings, Path(path)), Path(path).name)
        except Problem as problem:
            self._session.report(problem)
