"""The network to adapt: one of the project's runs, one that comes with the program, or a weights file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from app.session.session import Session
from app.theme import icon
from app.widgets.plain_text import as_written
from app.widgets.unreadable import mark_unreadable
from core.nets import base_networks
from core.project.runs import distinct_titles
from core.reading import is_there
from core.train import run_check

_FILE = "Weights file…"
_ENCODER = "Encoder of the hub…"
_ABOUT_ENCODER = "Such as Zoobot's, which learned from volunteers' answers: it brings features, but no classes."
_LETTERS = 28  # of the width


class NetworkChooser(QComboBox):
    """Runs of the project, newest first, base networks and weights files; at first the run that is looked at.

    Notes
    -----
    Signals: ``chosen()`` when there is another network; ``encoder_wanted()`` when an encoder of the hub is wanted,
    which is no network with answers and cannot be compared with a survey.
    """

    chosen = Signal()
    encoder_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._path: Path | None = None
        self._files: list[Path] = []
        self._bases = {base_networks.find(each.name): each.name for each in base_networks.base_networks()}
        self.setMinimumContentsLength(_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setToolTip("The trained network that is carried to the open dataset.")
        self.setAccessibleName("Network")
        self.activated.connect(self._take)
        session.project_changed.connect(self._forget_files)
        session.runs_changed.connect(self._show)
        session.predictor_changed.connect(self._follow_run)
        self._follow_run()

    @property
    def path(self) -> Path | None:
        """The weights of the chosen network; None: none is chosen."""
        return self._path

    @property
    def start_from(self) -> str:
        """The chosen network as settings name it: a run by its folder; empty: none is chosen."""
        if self._path is None:
            return ""
        if self._path in self._bases:
            return self._bases[self._path]
        return str(self._path if self._path in self._files else self._path.parent)

    def choose(self, weights: Path) -> None:
        """Choose a network by its weights file."""
        if self.findData(str(weights)) < 0:
            self._files.append(weights)
        self._path = weights
        self._show()
        self.chosen.emit()

    def ask_file(self) -> None:
        """Ask for a weights file, and choose it."""
        chosen = QFileDialog.getOpenFileName(self, "Network to adapt", "", "Networks (*.safetensors)")[0]
        if chosen:
            self.choose(Path(chosen))
        else:
            self._show()

    def _follow_run(self) -> None:
        """Choose the run that is looked at, where it has weights."""
        if (weights := self._session.predictor_path) is not None:
            self._path = weights
        self._show()
        self.chosen.emit()

    def _forget_files(self) -> None:
        self._files, self._path = [], None
        self._show()
        self.chosen.emit()

    def _show(self) -> None:
        before = self._path
        self.clear()
        project = self._session.project
        runs = [] if project is None else [run for run in project.runs() if is_there(run.best)]
        readable: list[Path] = []
        for run, title in reversed(list(zip(runs, distinct_titles(runs), strict=True))):
            self.addItem(icon("mdi6.history"), title, str(run.best))
            self.setItemData(self.count() - 1, as_written(run.name), Qt.ItemDataRole.ToolTipRole)
            if (problem := run_check.find_problem(run)) is not None:
                mark_unreadable(self, self.count() - 1, problem)
            else:
                readable.append(run.best)
        for network in base_networks.base_networks():
            self.addItem(icon("mdi6.creation-outline"), network.title, str(base_networks.find(network.name)))
            self.setItemData(self.count() - 1, as_written(network.about), Qt.ItemDataRole.ToolTipRole)
        for file in self._files:
            self.addItem(icon("mdi6.file-outline"), file.stem, str(file))
            self.setItemData(self.count() - 1, as_written(str(file)), Qt.ItemDataRole.ToolTipRole)
        self.addItem(icon("mdi6.file-outline"), _FILE, None)
        self.addItem(icon("mdi6.import"), _ENCODER, _ENCODER)
        self.setItemData(self.count() - 1, _ABOUT_ENCODER, Qt.ItemDataRole.ToolTipRole)
        if self._path not in (*readable, *self._bases, *self._files):
            self._path = next(iter([*readable, *self._bases]), None)
        self.setCurrentIndex(-1 if self._path is None else self.findData(str(self._path)))
        if self._path != before:
            self.chosen.emit()

    def _take(self, place: int) -> None:
        chosen = self.itemData(place)
        if chosen is None:
            self.ask_file()
        elif chosen == _ENCODER:
            self._show()
            self.encoder_wanted.emit()
        elif Path(chosen) != self._path:
            self._path = Path(chosen)
            self.chosen.emit()
