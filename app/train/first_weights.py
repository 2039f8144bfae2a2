"""First weights from galaxies without labels: which galaxies, how strongly they are varied, and the button to start."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QGroupBox,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panel.panel import Panel
from app.session.session import Session
from app.theme import icon
from app.train import work
from app.widgets.fold import Fold
from app.widgets.forms import SettingsForm
from app.widgets.message_line import MessageLine
from app.widgets.plain_text import as_written
from app.widgets.responsive_split import Scrollable
from core.errors import Problem
from core.nets import base_networks
from core.train.self_supervised import recipe
from core.train.self_supervised.settings import SelfSupervisedSettings
from core.train.settings import AugmentationSettings, OptimiserSettings, RunSettings
from core.wording import count_of

_ABOUT = (
    "The network learns to recognise two variations of a galaxy among all others (SimCLR). Labels are not needed; if "
    "there are any, they only check from epoch to epoch whether neighbours in the features are of one class. Test "
    "galaxies are left out. The result is a run to start a training from."
)
_NAME = "first weights"
_LABEL_WIDTH = 108  # pixels
_ROWS = 4  # of the list of datasets
_SPACING = 2  # pixels around each


class FirstWeightsPanel(Panel):
    """Start a training without labels on the open dataset and others; its curves are those of every training.

    Parameters
    ----------
    session
        The network is that of its draft, and the training is started as ``session.activity.training``.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "pretraining", parent=parent)
        self._settings = recipe.recommended()
        self._others: list[Path] = []
        self._build()
        session.dataset.changed.connect(self.refresh)
        session.project_changed.connect(self.refresh)
        session.draft.changed.connect(self.refresh)
        session.activity.training_begun.connect(self._follow_training)
        self.refresh()

    def _build(self) -> None:
        self.about = MessageLine(6, grows=True)
        self.about.setText(_ABOUT)
        self.name = QLineEdit()
        self.name.setPlaceholderText(_NAME)
        self.name.setAccessibleName("Name of this run")
        self.data = QListWidget()
        self.data.setAccessibleName("Datasets")
        self.data.setToolTip("The galaxies that are learned from: of the open dataset, and of those that are ticked.")
        self.data.setSpacing(_SPACING)
        self.data.setFixedHeight(_ROWS * (self.data.fontMetrics().lineSpacing() + 2 * _SPACING) + 12)
        self.data.itemChanged.connect(self._tick)
        self.add = QPushButton(icon("mdi6.file-plus-outline"), "Another dataset…")
        self.add.clicked.connect(self._ask_dataset)
        self.method = SettingsForm(
            SelfSupervisedSettings, self._settings.self_supervised, exclude={"method", "more_data"}
        )
        self.optimiser = SettingsForm(
            OptimiserSettings, self._settings.optimiser, only=("epochs", "batch_size", "learning_rate")
        )
        self.augmentation = SettingsForm(AugmentationSettings, self._settings.augmentation, exclude={"average_answers"})
        self._session.keep_undo(*self._forms.values())
        self.network = MessageLine(3, grows=True)
        self.hindrance = MessageLine(3, "problem", grows=True)
        self.start = QPushButton(icon("mdi6.play", "on_accent"), "Learn first weights")
        self.start.setProperty("role", "primary")
        self.start.clicked.connect(self.train)
        form = QWidget()
        column = QVBoxLayout(form)
        column.setContentsMargins(0, 0, 6, 0)
        column.addWidget(self.about)
        column.addWidget(self.name)
        galaxies = _section("Galaxies", self.data, self.add)
        column.addWidget(galaxies)
        column.addWidget(_section("Learning", self.network, self.optimiser, self.method))
        column.addWidget(Fold("How galaxies are varied", self.augmentation))
        column.addStretch(1)
        for part, each in self._forms.items():
            each.set_label_width(_LABEL_WIDTH)
            each.changed.connect(lambda value, part=part: self._edit(part, value))
            each.problem_changed.connect(self._show_state)
        content = QWidget()
        whole = QVBoxLayout(content)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(Scrollable(form), 1)
        whole.addWidget(self.hindrance)
        whole.addWidget(self.start)
        self._set_content(content)

    @property
    def _forms(self) -> dict[str, SettingsForm]:
        return {"self_supervised": self.method, "optimiser": self.optimiser, "augmentation": self.augmentation}

    @property
    def settings(self) -> RunSettings:
        """The settings of the training: network, parts and machine of the draft, the rest of this panel."""
        own, draft = self._settings, self._session.draft.settings
        more = tuple(str(path) for path in self._ticked)
        chosen = {
            "self_supervised": own.self_supervised.model_copy(update={"more_data": more}),
            "unlabelled": own.unlabelled,
            "optimiser": own.optimiser,
            "augmentation": own.augmentation,
            "stopping": own.stopping.model_copy(update={"snapshots": draft.stopping.snapshots}),
        }
        return draft.model_copy(update=chosen)

    @property
    def _ticked(self) -> list[Path]:
        items = [self.data.item(row) for row in range(1, self.data.count())]
        return [
            Path(item.data(Qt.ItemDataRole.UserRole))
            for item in items
            if item is not None and item.checkState() == Qt.CheckState.Checked
        ]

    def _edit(self, part: str, value: object) -> None:
        self._settings = self._settings.model_copy(update={part: value})
        self._show_state()

    def _renew(self) -> None:
        self._show_datasets()
        draft = self._session.draft.settings
        network, start = draft.network, draft.transfer.start_from
        layers = network.backbone or f"{count_of(network.depth, 'block')}, {network.channels} channels"
        begin = f"the weights of “{base_networks.title_of(start)}”" if start else f"random weights: {layers}"
        self.network.setText(f"Begins with {begin}, as chosen under Settings.")
        self._show_state()

    def _show_datasets(self) -> None:
        """List the open dataset, which is always learned from, and the others of the project."""
        cutouts, project, ticked = self._session.dataset.cutouts, self._session.project, set(self._ticked)
        own = None if cutouts is None else cutouts.path
        self.data.blockSignals(True)
        self.data.clear()
        if own is not None:
            first = QListWidgetItem(f"{as_written(own.stem)} (open)")
            first.setFlags(Qt.ItemFlag.ItemIsEnabled)
            first.setCheckState(Qt.CheckState.Checked)
            self.data.addItem(first)
            known = [*([] if project is None else project.datasets()), *self._others]
            for path in dict.fromkeys(path for path in known if path != own):
                item = QListWidgetItem(as_written(path.stem))
                item.setData(Qt.ItemDataRole.UserRole, str(path))
                item.setToolTip(as_written(str(path)))
                item.setCheckState(Qt.CheckState.Checked if path in ticked else Qt.CheckState.Unchecked)
                self.data.addItem(item)
        self.data.blockSignals(False)

    def _tick(self) -> None:
        self._show_state()

    def _ask_dataset(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Galaxies to learn from besides", "", "Datasets (*.h5)")
        if path:
            self._others.append(Path(path))
            self._show_datasets()
            item = self.data.item(self.data.count() - 1)
            if item is not None:
                item.setCheckState(Qt.CheckState.Checked)

    @property
    def _hindrance(self) -> str:
        if self._session.project is None or self._session.dataset.cutouts is None:
            return "Open a dataset first."
        return next((form.problem for form in self._forms.values() if form.problem), "")

    def _show_state(self) -> None:
        running, hindrance = self._session.activity.training is not None, self._hindrance
        self.start.setEnabled(not running and not hindrance)
        self.start.setToolTip("A training is running." if running else hindrance)
        self.hindrance.setText(hindrance)
        self.add.setEnabled(self._session.dataset.cutouts is not None)

    def _follow_training(self) -> None:
        """Be locked until the training that has begun is over."""
        if (job := self._session.activity.training) is not None:
            job.ended.connect(self.refresh)
        self.refresh()

    def train(self) -> None:
        """Start the training."""
        session = self._session
        if session.project is None or session.dataset.cutouts is None or session.activity.training is not None:
            return
        try:
            folder = session.project.new_run(self.name.text().strip() or _NAME)
            job = work.train(self.settings, session.dataset.cutouts.path, folder, session.dataset.journal)
        except Problem as problem:
            self.hindrance.setText(problem.text)
            return
        session.activity.begin_training(job, folder)
        session.panel_wanted.emit("training")


def _section(title: str, *inside: QWidget) -> QGroupBox:
    group = QGroupBox(title)
    column = QVBoxLayout(group)
    column.setContentsMargins(0, 6, 0, 0)
    for widget in inside:
        column.addWidget(widget)
    return group
