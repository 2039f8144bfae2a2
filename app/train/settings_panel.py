"""The settings of the next training, what it will do, and the button that starts it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.panel.panel import Panel
from app.session.session import Session
from app.theme import icon
from app.train import work
from app.train.training_form import TrainingForm
from app.train.widgets.section_list import SectionList
from app.widgets.message_line import MessageLine
from app.widgets.responsive_split import make_scrollable
from core.errors import Problem

_COMPANIONS = {"network": "network", "augmentation": "augmentation"}  # panels that show what a section does


class SettingsPanel(Panel):
    """All settings by section, with what will happen and the start button always in sight below them.

    Parameters
    ----------
    session
        Its draft ``settings`` are edited here, and the training is started as ``session.activity.training``.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "settings", parent=parent)
        self._build()
        self._connect()
        self._show_state()

    def _build(self) -> None:
        self.form = TrainingForm(self._session)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search the settings")
        self.search.setClearButtonEnabled(True)
        self.area = make_scrollable(self.form)
        self.area.setMinimumHeight(200)
        self.sections = SectionList(self.form.sections, self.area)
        self.message = MessageLine(3)
        self.message.setObjectName("hindrance")
        self.start = QPushButton(icon("mdi6.play", "on_accent"), "Start")
        self.start.setObjectName("start")
        self.start.setProperty("role", "primary")
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.search)
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.sections)
        middle.addWidget(self.area, 1)
        column.addLayout(middle, 1)
        column.addWidget(self.message)
        column.addWidget(self.start)
        self._set_content(content)

    def _connect(self) -> None:
        session = self._session
        self.search.textChanged.connect(self.form.seek)
        self.sections.chosen.connect(self._show_companion)
        self.start.clicked.connect(self.train)
        session.draft.changed.connect(self._show_state)
        session.dataset.changed.connect(self._show_state)
        session.project_changed.connect(self._show_state)
        session.activity.training_begun.connect(self._follow_training)

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

    def _show_state(self) -> None:
        running, hindrance = self._session.activity.training is not None, self._hindrance
        self.start.setText("Fine-tune" if self._session.draft.settings.transfer.start_from else "Start")
        self.start.setEnabled(not running and not hindrance)
        self.start.setToolTip("A training is running." if running else hindrance or "Train a network on this dataset.")
        self.form.set_running(running)
        self.message.say(hindrance)

    def train(self) -> None:
        """Start a training with the draft settings on the open dataset."""
        session = self._session
        if session.project is None or session.dataset.cutouts is None or session.activity.training is not None:
            return
        try:
            folder = session.project.new_run(self.form.run_name)
            job = work.train(session.draft.settings, session.dataset.cutouts.path, folder, session.dataset.journal)
        except Problem as problem:
            self.message.say(problem.text, "problem")
            return
        session.activity.begin_training(job, folder)

    def _follow_training(self) -> None:
        """Be locked until the training that has begun is over."""
        job = self._session.activity.training
        if job is not None:
            job.ended.connect(self._show_state)
        self._show_state()
