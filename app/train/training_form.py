"""All settings of a training in sections, from its galaxies to the weights that it starts from."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panel import saving
from app.session.draft_commands import use_settings
from app.session.session import Session
from app.theme import icon
from app.train.base_choices import BaseChoices
from app.train.finders import Finders
from app.train.other_galaxies import OtherGalaxies
from app.train.widgets.outlook_view import format_roughly
from app.train.widgets.rate_plots import SchedulePlot
from app.widgets.forms import SettingsForm
from app.widgets.inputs import NumberInput
from app.widgets.message_line import MessageLine
from app.widgets.plain_text import as_written
from app.widgets.unreadable import mark_unreadable
from core.data import side_columns
from core.data.settings import DataSettings
from core.data.target import Classes, columns_of, describe_angles, logarithms_of
from core.errors import Problem
from core.nets import base_networks
from core.nets.settings import LossSettings, NetworkSettings
from core.project.files import write_atomically
from core.project.runs import distinct_titles
from core.settings import toml
from core.settings.declare import Settings, knobs
from core.train import run_check, schedule
from core.train.settings import (
    AugmentationSettings,
    OptimiserSettings,
    RunSettings,
    StoppingSettings,
    TransferSettings,
)
from core.train.unlabelled.settings import UnlabelledSettings
from core.wording import count_of

if TYPE_CHECKING:
    from core.train.outlook import EpochTime, RunOutlook

_FINE_TUNED = ", fine-tuned"  # behind the name of the network that a run starts from
_RANDOM = "Random weights"
_FILE = "Weights file…"
_SETTINGS = "Settings (*.toml)"
_MACHINE = ("device", "precision", "tensorboard")
_CHOSEN_ELSEWHERE = {"start_from", "bands", "class_map"}  # from lists, not in a field
_LABEL_WIDTH, _RIGHT_MARGIN = 108, 6  # pixels
_CURVE_POINTS = 400  # of the learning-rate schedule
_TITLES = {
    "data": "Data & parts",
    "augmentation": "Augmentation",
    "network": "Network",
    "optimiser": "Optimiser",
    "loss": "Loss",
    "stopping": "Stopping",
    "transfer": "Fine-tuning",
    "unlabelled": "Unlabelled",
    "machine": "Machine",
}


class TrainingForm(QWidget):
    """The draft of the next training, section below section.

    Parameters
    ----------
    session
        Its draft ``settings`` are edited here.

    Attributes
    ----------
    sections
        Of the form, by name, in their order.

    Notes
    -----
    Signals: ``problem_changed`` when what is typed becomes invalid or valid.
    """

    problem_changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._build()
        self._connect()
        self._show_runs()
        self._show_settings()
        self._show_target()
        self._offer_columns()

    def _build(self) -> None:
        draft = self._session.draft.settings
        self.sections = group = {part: QGroupBox(title.replace("&", "&&"), self) for part, title in _TITLES.items()}
        self.data = SettingsForm(DataSettings, draft.data, group["data"], exclude={"labels", "split_column"})
        self.augmentation = SettingsForm(AugmentationSettings, draft.augmentation, group["augmentation"])
        self.network = SettingsForm(NetworkSettings, draft.network, group["network"])
        self.optimiser = SettingsForm(OptimiserSettings, draft.optimiser, group["optimiser"])
        self.loss = SettingsForm(LossSettings, draft.loss, group["loss"])
        self.stopping = SettingsForm(StoppingSettings, draft.stopping, group["stopping"])
        self.transfer = SettingsForm(TransferSettings, draft.transfer, group["transfer"], exclude=_CHOSEN_ELSEWHERE)
        self.unlabelled = SettingsForm(UnlabelledSettings, draft.unlabelled, group["unlabelled"], exclude={"dataset"})
        self._forms = {
            "data": self.data,
            "augmentation": self.augmentation,
            "network": self.network,
            "optimiser": self.optimiser,
            "loss": self.loss,
            "stopping": self.stopping,
            "transfer": self.transfer,
            "unlabelled": self.unlabelled,
        }
        self.machine = SettingsForm(RunSettings, draft, group["machine"], only=_MACHINE)
        self._build_fields()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, _RIGHT_MARGIN, 0)
        named = QHBoxLayout()
        named.addWidget(self.name, 1)
        named.addWidget(self.file)
        column.addLayout(named)
        start = QFormLayout()
        start.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        start.addRow("Start from", self.start_from)
        start.addRow("Labels at most", self.limit)
        self.others = OtherGalaxies(self._session)
        others = QFormLayout()
        others.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        others.addRow("Galaxies of", self.others)
        others.labelForField(self.others).setFixedWidth(_LABEL_WIDTH)
        before: dict[str, QWidget | QFormLayout] = {"data": self.learns, "network": self.cost, "transfer": start}
        before["unlabelled"] = others
        for part, form in (*self._forms.items(), ("machine", self.machine)):
            inside = self._add_section(column, part)
            first = before.get(part)
            if isinstance(first, QWidget):
                inside.addWidget(first)
            elif first is not None:
                inside.addLayout(first)
            if part == "transfer":
                self.base = BaseChoices(self._session, self)
                inside.addWidget(self.base)
            inside.addWidget(form)
            if part == "optimiser":
                inside.addWidget(self.schedule)
                inside.addWidget(self.finders)
        column.addStretch(1)
        forms = (*self._forms.values(), self.machine)
        for form in forms:
            form.set_label_width(_LABEL_WIDTH)
        for field in (self.start_from, self.limit):
            start.labelForField(field).setFixedWidth(_LABEL_WIDTH)

    @cached_property
    def _row_width(self) -> int:
        return max(form.row_width for form in (*self._forms.values(), self.machine))

    def minimumSizeHint(self) -> QSize:
        """As wide as the widest field, shown or not."""
        return super().minimumSizeHint().expandedTo(QSize(self._row_width + _RIGHT_MARGIN, 0))

    def _build_fields(self) -> None:
        """Make the fields beside the forms."""
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
        self.learns = MessageLine(2, grows=True)
        self.cost = MessageLine(2, grows=True)
        self.start_from = QComboBox()
        self.start_from.setMinimumContentsLength(14)
        self.start_from.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.start_from.setToolTip("Begin with random weights, or fine-tune a network that was trained before.")
        self.limit = NumberInput(True, 2, None, unit="galaxies", optional=True)
        limit = knobs(DataSettings)["train_limit"]
        self.limit.field.setToolTip(f"<p>{limit.help}</p>")
        self.limit.field.setAccessibleName("Labels at most")
        if self.limit.automatic is not None:
            self.limit.automatic.setText("All")
            self.limit.automatic.setToolTip("Use every labelled galaxy of the training part.")
        self.finders = Finders(self._session, self)
        self.schedule = SchedulePlot()
        self.schedule.setToolTip("The learning rate along the training.")

    def _add_section(self, column: QVBoxLayout, part: str) -> QVBoxLayout:
        """Add an empty section; returns its layout."""
        column.addWidget(self.sections[part])
        inside = QVBoxLayout(self.sections[part])
        inside.setContentsMargins(0, 6, 0, 0)
        return inside

    def _connect(self) -> None:
        session = self._session
        for part, form in self._forms.items():
            form.changed.connect(lambda value, part=part: self._edited(part, value))
            form.problem_changed.connect(self.problem_changed)
        self.machine.changed.connect(self._machine_edited)
        self.start_from.activated.connect(self._set_start)
        self.limit.changed.connect(lambda: self._session.draft.edit("data.train_limit", self.limit.value()))
        self.save.triggered.connect(self._save)
        self.load.triggered.connect(self._load)
        session.draft.changed.connect(self._show_settings)
        session.dataset.changed.connect(self._offer_columns)
        session.dataset.changed.connect(self._show_target)
        session.dataset.split_changed.connect(self._show_target)
        session.project_changed.connect(self._show_runs)
        session.runs_changed.connect(self._show_runs)

    @property
    def problem(self) -> str:
        """The reason why the settings are not valid; empty if they are."""
        wrong = [f"{_TITLES[part]}: {form.problem}" for part, form in self._forms.items() if form.problem]
        return wrong[0] if wrong else self.base.problem

    @property
    def run_name(self) -> str:
        """The name that was typed, or a name made from the settings."""
        settings = self._session.draft.settings
        if name := self.name.text().strip():
            return name
        if start := settings.transfer.start_from:
            base, frozen = base_networks.title_of(start).split(_FINE_TUNED)[0], settings.transfer.freeze_blocks
            return f"{base}{_FINE_TUNED}" + (f", {count_of(frozen, 'block')} frozen" if frozen else "")
        return count_of(settings.network.depth, "block")

    def seek(self, words: str) -> bool:
        """Show only the settings whose title or help contains the words, in any section; returns whether there are any.

        Nothing sought: all are shown.
        """
        found = False
        for part, form in (*self._forms.items(), ("machine", self.machine)):
            whole = words.casefold() in _TITLES[part].casefold()
            matches = form.seek("" if whole else words)
            self.sections[part].setVisible(matches)
            found = found or matches
        for extra in (self.schedule, self.finders):
            extra.setVisible(not words)
        return found

    def show_cost(self, outlook: RunOutlook | None, time: EpochTime | None) -> None:
        """Say beside the depth what the input's size allows, and what the network costs; None: not known yet."""
        if outlook is None:
            self.cost.clear()
            return
        bands, height, width = outlook.stamp
        allows = f": at most {count_of(outlook.deepest, 'block')}" if outlook.deepest else ""
        epoch = "" if time is None else f", {format_roughly(time.seconds)} per epoch"
        parameters = count_of(outlook.parameters, "parameter")
        self.cost.setText(
            f"Input {width} × {height} pixels, {count_of(bands, 'band')}{allows}. "
            f"{parameters}, sees {outlook.receptive_field} pixels{epoch}."
        )

    def set_running(self, running: bool) -> None:
        """Lock name, initial weights and what is made of them while a training runs, and the finders."""
        for widget in (self.name, self.start_from, self.limit, self.base):
            widget.setEnabled(not running)
        self.transfer.setEnabled(not running and bool(self._session.draft.settings.transfer.start_from))
        self.finders.setEnabled(not running and self._session.dataset.cutouts is not None)

    def _edited(self, part: str, value: Settings) -> None:
        if value != getattr(self._session.draft.settings, part):
            self._session.draft.edit(part, value)

    def _machine_edited(self, value: RunSettings) -> None:
        self._session.draft.edit_together({name: getattr(value, name) for name in _MACHINE})

    def _show_settings(self) -> None:
        settings = self._session.draft.settings
        self.machine.set_value(settings)
        if self.limit.value() != settings.data.train_limit:
            self.limit.set_value(settings.data.train_limit)
        for part, form in self._forms.items():
            if form.value() != getattr(settings, part):
                form.set_value(getattr(settings, part))
        places = np.linspace(0, settings.optimiser.epochs, _CURVE_POINTS, endpoint=False)
        rates = np.array([schedule.rate_at(settings, place) for place in places])
        self.schedule.show_rates(places, rates)
        self.network.setEnabled(not settings.transfer.start_from)  # the layers are those of the earlier network
        is_free = self._session.activity.training is None
        self.transfer.setEnabled(is_free and bool(settings.transfer.start_from))
        self._show_start()

    def _offer_columns(self) -> None:
        """Have settings that name a column chosen among those of the open dataset."""
        if columns := [name for name in self._session.dataset.columns if name != "id"]:
            self.data.offer_columns(columns)

    def _show_target(self) -> None:
        """Say what is learned, which is chosen where the data are looked at, and offer what can stand beside it."""
        dataset = self._session.dataset
        target = dataset.target
        names = target.names if isinstance(target, Classes) else ()
        usable = side_columns.usable(dataset.columns, () if target is None else (*columns_of(target), *names))
        self.data.offer_several("side_columns", usable, "not in this dataset", "no column that can be")
        if isinstance(target, Classes):
            self.learns.setText(f"Learns {target.column}: {', '.join(target.names)}.")
        elif target is not None:
            repeats, positive = describe_angles(target), ", ".join(logarithms_of(target))
            sentences = (
                f"Learns {', '.join(columns_of(target))}.",
                f"Angles repeat: {repeats}." if repeats else "",
                f"As logarithms: {positive}." if positive else "",
            )
            self.learns.setText(" ".join(filter(None, sentences)))
        else:
            self.learns.setText("Nothing to learn is chosen yet.")

    # -- initial weights -------------------------------------------------------------------------------------------

    def _show_runs(self) -> None:
        """Offer the runs of the project, newest first, and the base networks as initial weights for fine-tuning."""
        self.start_from.clear()
        self.start_from.addItem(icon("mdi6.dice-multiple-outline"), _RANDOM, "")
        project = self._session.project
        runs = [] if project is None else project.starting_points()
        for run, title in reversed(list(zip(runs, distinct_titles(runs), strict=True))):
            self.start_from.addItem(icon("mdi6.history"), title, str(run.path))
            self.start_from.setItemData(self.start_from.count() - 1, as_written(run.name), Qt.ItemDataRole.ToolTipRole)
            if (problem := run_check.find_problem(run)) is not None:
                mark_unreadable(self.start_from, self.start_from.count() - 1, problem)
        for network in base_networks.base_networks():
            self.start_from.addItem(icon("mdi6.creation-outline"), network.title, network.name)
            self.start_from.setItemData(self.start_from.count() - 1, network.about, Qt.ItemDataRole.ToolTipRole)
        self.start_from.addItem(icon("mdi6.file-outline"), _FILE, None)
        self._show_start()

    def _show_start(self) -> None:
        chosen = self._session.draft.settings.transfer.start_from
        place = self.start_from.findData(chosen)
        if place < 0:
            place = self.start_from.count() - 1
            self.start_from.insertItem(place, icon("mdi6.file-outline"), base_networks.title_of(chosen), chosen)
        self.start_from.setCurrentIndex(place)

    def _set_start(self, place: int) -> None:
        chosen = self.start_from.itemData(place)
        if chosen is None:
            chosen = QFileDialog.getOpenFileName(self, "Weights to start from", "", "Networks (*.safetensors)")[0]
            if not chosen:
                self._show_start()
                return
        fresh = {"start_from": chosen, "bands": "", "class_map": {}}  # how much is tuned stays as it is
        before = self._session.draft.settings.transfer
        self._session.draft.edit("transfer", before.model_copy(update=fresh) if chosen else TransferSettings())

    # -- settings as a file ----------------------------------------------------------------------------------------

    def _save(self) -> None:
        path = saving.ask_path(self, self._session, "Save settings", "settings.toml", _SETTINGS)
        if path is None:
            return
        try:
            write_atomically(path, toml.dumps(self._session.draft.settings))
        except Problem as problem:
            self._session.report(problem)
            return
        self._session.message.emit(f"“tuningfork train DATA.h5 -o RUN --settings {path.name}” trains with these.")

    def _load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load settings", "", _SETTINGS)
        if not path:
            return
        try:
            use_settings(self._session, toml.load(RunSettings, Path(path)), Path(path).name)
        except Problem as problem:
            self._session.report(problem)
