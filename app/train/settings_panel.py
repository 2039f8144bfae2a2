"""The settings of the next training, what it will do, and the button that starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.panel.panel import Panel
from app.session.session import Session
from app.theme import icon
from app.train import work
from app.train.forecast import Forecast
from app.train.training_form import TrainingForm
from app.train.widgets.outlook_view import OutlookView, format_range, format_roughly
from app.train.widgets.section_list import SectionList
from app.widgets.inputs import WholeSpin
from app.widgets.responsive_split import Scrollable
from core.errors import Problem
from core.nets import base_networks
from core.wording import count_of

if TYPE_CHECKING:
    from core.train.outlook import RunOutlook

_COMPANIONS = {"network": "network", "augmentation": "augmentation"}  # panels that show what a section does
_LARGE, _USUAL = 100, 64  # px: sides of stamps
_LONG = 600.0  # seconds of a training
_MOST_SEEDS = 20
_SEEDS = (
    "How many networks to train, one after the other, with these settings and other seeds. Several answer together, as "
    "an ensemble: with their mean, and with what of their doubt comes from the data and what from the networks."
)


class SettingsPanel(Panel):
    """All settings by section, with what will happen and the start button always in sight below them.

    Parameters
    ----------
    session
        Its draft ``settings`` are edited here, and the training is started as ``session.activity.training``.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "settings", parent=parent)
        self.forecast = Forecast(session, self)
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        content = QWidget(self)
        self.form = TrainingForm(self._session, content)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search the settings")
        self.search.setClearButtonEnabled(True)
        self.area = Scrollable(self.form, content)
        self.area.setMinimumHeight(200)
        self.sections = SectionList(self.form.sections, self.area)
        self.outlook = OutlookView()
        self.start = QPushButton(icon("mdi6.play", "on_accent"), "Start")
        self.start.setObjectName("start")
        self.start.setProperty("role", "primary")
        self.seeds = WholeSpin()
        self.seeds.setRange(1, _MOST_SEEDS)
        self.seeds.setToolTip(_SEEDS)
        self.seeds.setAccessibleName("Seeds")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.search)
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.sections)
        middle.addWidget(self.area, 1)
        column.addLayout(middle, 1)
        column.addWidget(self.outlook)
        last = QHBoxLayout()
        last.addWidget(QLabel("Seeds"))
        last.addWidget(self.seeds)
        last.addWidget(self.start, 1)
        column.addLayout(last)
        self._set_content(content)

    def _connect(self) -> None:
        session = self._session
        self.search.textChanged.connect(self._seek)
        self.sections.chosen.connect(self._show_companion)
        self.start.clicked.connect(self.train)
        self.seeds.valueChanged.connect(self._show_seeds)
        self.form.problem_changed.connect(self._renew)
        self.form.base.changed.connect(self._renew)
        self.forecast.changed.connect(self._show_outlook)
        self.form.base.changed.connect(self.refresh)
        session.draft.changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        session.dataset.split_changed.connect(self.refresh)
        session.project_changed.connect(self.refresh)
        session.activity.training_begun.connect(self._follow_training)
        session.workspace_wanted.connect(lambda _name: self.search.clear())

    def hideEvent(self, event: QHideEvent) -> None:
        """Show all settings again when the user comes back from another room."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.search.clear()

    def _seek(self, words: str) -> None:
        """Show only the settings that are sought."""
        self.form.seek(words)
        self.sections.show_which_are_there()
        self.area.verticalScrollBar().setValue(0)

    def _show_companion(self, section: str) -> None:
        """Bring the panel that shows what a section does to the front."""
        if section in _COMPANIONS:
            self._session.panel_wanted.emit(_COMPANIONS[section])

    @property
    def _hindrance(self) -> str:
        """The reason why a training cannot be started; empty if it can."""
        if self._session.project is None or self._session.dataset.cutouts is None:
            return "Open a dataset first."
        return self.form.problem

    def _renew(self) -> None:
        """Show whether a training can be started, and find out what it would do."""
        self._show_state()
        self.forecast.ask()
        self._show_outlook()

    def _wind_up(self) -> None:
        self.forecast.forget()

    def _show_state(self) -> None:
        running, hindrance = self._session.activity.training is not None, self._hindrance
        what = "Fine-tune" if self._session.draft.settings.transfer.start_from else "Start"
        several = f" {self.seeds.value()} networks" if self.seeds.value() > 1 else ""
        self.start.setText(what + several)
        self.seeds.setEnabled(not running)
        self.start.setEnabled(not running and not hindrance)
        self.start.setToolTip("A training is running." if running else hindrance or "Train a network on this dataset.")
        self.form.set_running(running)

    def _show_seeds(self) -> None:
        """Show what other seeds mean for the button and for the time."""
        self._show_state()
        self._show_outlook()

    def _show_outlook(self) -> None:
        """Show what will happen, as far as it is known."""
        forecast, view = self.forecast, self.outlook
        outlook, settings = forecast.outlook, self._session.draft.settings
        self.form.show_cost(outlook, forecast.epoch_time)
        if self._hindrance:
            view.clear()
            view.show_hindrance(self._hindrance)
        elif forecast.problem is not None:
            view.clear()
            view.show_problem(self._describe(forecast.problem))
        elif outlook is not None:
            view.show_outlook(outlook, settings.optimiser.epochs, self._start_point)
            view.show_notices([*self._advise_on_size(outlook), *outlook.notices])
            view.time.setText(self._describe_time(outlook))
        else:
            view.clear()
            view.galaxies.setText("Looking ahead…")

    @property
    def _start_point(self) -> str:
        transfer = self._session.draft.settings.transfer
        if not transfer.start_from:
            return "random weights"
        frozen = f", {count_of(transfer.freeze_blocks, 'block')} frozen" if transfer.freeze_blocks else ""
        return f"“{base_networks.title_of(transfer.start_from)}”{frozen}"

    def _describe_time(self, outlook: RunOutlook) -> str:
        """Say how long the whole training takes."""
        epochs, time = self._session.draft.settings.optimiser.epochs, self.forecast.epoch_time
        if time is not None:
            seeds = self.seeds.value()
            whole = format_range(seeds * time.of_run(epochs), time.uncertainty)
            several = f"{seeds} networks of " if seeds > 1 else ""
            like = f", as in “{time.earlier}”" if time.earlier else ""
            return f"About {whole} for {several}{count_of(epochs, 'epoch')} on {outlook.device}{like}."
        if self._session.activity.at_work:
            return f"The time on {outlook.device} is measured once nothing else is trained."
        return f"Measuring the time on {outlook.device}…"

    def _advise_on_size(self, outlook: RunOutlook) -> list[Problem]:
        """Where large stamps make a training long: how long smaller ones would take, and how they are made."""
        time = self.forecast.epoch_time
        if time is None:
            return []
        seconds = time.of_run(self._session.draft.settings.optimiser.epochs)
        _, height, width = outlook.stamp
        if min(height, width) < _LARGE or seconds < _LONG:
            return []
        smaller = format_roughly(
            seconds * _USUAL**2 / (height * width)
        )  # convolutions cost as many pixels as there are
        return [
            Problem(
                f"Stamps of {_USUAL} px instead of {width} × {height} would take about {smaller}.",
                f"Import the images again with the stamp size {_USUAL} (and “Other sizes”: resample).",
            )
        ]

    def train(self) -> None:
        """Start a training with the draft settings on the open dataset."""
        session = self._session
        if session.project is None or session.dataset.cutouts is None or session.activity.training is not None:
            return
        settings, data, journal = session.draft.settings, session.dataset.cutouts.path, session.dataset.journal
        name, seeds = self.form.run_name, self.seeds.value()
        try:
            if seeds == 1:
                first = session.project.new_run(name)
                job = work.train(settings, data, first, journal)
            else:
                runs = [session.project.new_run(f"{name} seed {settings.seed + number}") for number in range(seeds)]
                job = work.train_ensemble(settings, data, runs, session.project.new_run(name), journal)
                first = runs[0]
        except Problem as problem:
            self.outlook.show_problem(problem.text)
            return
        session.activity.begin_training(job, first)

    def _follow_training(self) -> None:
        """Be locked until the training that has begun is over."""
        job = self._session.activity.training
        self.forecast.give_way()
        if job is not None:
            job.ended.connect(self.forecast.forget_times)
            job.ended.connect(self.refresh)
        self.refresh()
