"""The network that is carried to the open dataset: one choice, which every panel of a move shows and changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.errors import Problem
from core.nets import base_networks
from core.project.runs import RunFolder, distinct_titles, title_of_weights
from core.reading import is_there

if TYPE_CHECKING:
    from app.session.session import Session
    from core.train.settings import InputScaling, RunSettings


@dataclass(frozen=True)
class Offered:
    """A network that can be carried: its weights, title, a tip, a symbol, and what of it cannot be read."""

    weights: Path
    title: str
    tip: str
    symbol: str
    problem: Problem | None = None


class Carried(QObject):
    """Which network moves to the open dataset, and what was said of its classes and pixel values there.

    It is the run that is looked at, or what the user chose last here or in the Train workspace; before that the newest
    run that was not trained on the open dataset.

    Parameters
    ----------
    session
        Its project's runs can be chosen.

    Attributes
    ----------
    class_map
        Which of the network's classes a class of the open dataset is, where the user has said so.
    scaling
        Whether the input scaling is the network's own.

    Notes
    -----
    Signals: ``changed()`` when there is another network, others can be chosen, or something else was said of it.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._path: Path | None = None
        self._is_chosen = False
        self._files: list[Path] = []
        self._start = ""  # as in a new draft
        self.offered: list[Offered] = []
        self.class_map: dict[str, str] = {}
        self.scaling: InputScaling = "kept"
        session.project_changed.connect(self._forget)
        session.runs_changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        session.predictor_changed.connect(self._follow_run)
        session.draft.changed.connect(self._follow_draft)

    @cached_property
    def _bases(self) -> dict[Path, base_networks.BaseNetwork]:
        """The networks that come with the program; their files are read when something is open to carry them to."""
        return {base_networks.find(each.name): each for each in base_networks.base_networks()}

    @property
    def path(self) -> Path | None:
        """The weights of the network; None: there is none."""
        return self._path

    @property
    def start_from(self) -> str:
        """The network as settings name it: a run by its folder; empty: there is none."""
        if self._path is None:
            return ""
        if self._path in self._bases:
            return self._bases[self._path].name
        return str(self._path if self.run is None else self.run.path)

    @property
    def run(self) -> RunFolder | None:
        """The network as a run; None: it is a file, one that comes with the program, or there is none."""
        if self._path is None or self._path in self._bases:
            return None
        run = RunFolder(self._path.parent)
        return run if self._path == run.best and run.settings_file.exists() else None

    @property
    def title(self) -> str:
        """How the network is called; empty: there is none."""
        return next((each.title for each in self.offered if each.weights == self._path), "")

    @property
    def is_of_open_dataset(self) -> bool:
        """Whether the network is a run that was trained on the open dataset."""
        run, cutouts = self.run, self._session.dataset.cutouts
        return run is not None and cutouts is not None and run.data == cutouts.path.resolve()

    def choose(self, weights: Path) -> None:
        """Choose a network by its weights file."""
        if weights not in (each.weights for each in self.offered):
            self._files.append(weights)
        self._is_chosen = True
        self._take(weights)
        self.refresh()

    def continue_classes(self, class_map: Mapping[str, str]) -> None:
        """Say which of the network's classes the classes of the open dataset are."""
        self.class_map = dict(class_map)
        self.changed.emit()

    def scale(self, scaling: InputScaling) -> None:
        """Say whether the network keeps its input scaling, or has it fitted to the open dataset."""
        self.scaling = scaling
        self.changed.emit()

    def settle(self, settings: RunSettings) -> RunSettings:
        """Settings of trainings that start from this network, with what was said of its classes and pixel values.

        Where the settings start from it already, what else they say of it is kept.
        """
        transfer, start = settings.transfer, self.start_from
        if transfer.start_from != start:
            transfer = transfer.model_copy(update={"start_from": start, "bands": "", "class_map": {}})
        if self.class_map:
            transfer = transfer.model_copy(update={"class_map": {**transfer.class_map, **self.class_map}})
        if self.scaling != "kept":
            transfer = transfer.model_copy(update={"input_scaling": self.scaling})
        return settings.model_copy(update={"transfer": transfer})

    # -- what there is ---------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look again at what can be chosen."""
        from core.train import run_check

        project = self._session.project
        runs = [] if project is None else project.starting_points()
        titled = reversed(list(zip(runs, distinct_titles(runs), strict=True)))
        self.offered = [
            *(Offered(run.best, title, run.name, "history", run_check.find_problem(run)) for run, title in titled),
            *(Offered(path, each.title, each.about, "creation-outline") for path, each in self._bases.items()),
        ]
        own = {each.weights for each in self.offered}
        others = [file for file in self._files if file not in own]
        self.offered += [Offered(file, title_of_weights(file), str(file), "file-outline") for file in others]
        readable = [each.weights for each in self.offered if each.problem is None]
        if self._path not in readable or not self._is_chosen:
            self._is_chosen = self._is_chosen and self._path in readable
            self._take(self._propose(readable))
        self.changed.emit()

    def _propose(self, readable: list[Path]) -> Path | None:
        """The newest run that was trained on other galaxies than the open ones, or a network of the program's."""
        cutouts = self._session.dataset.cutouts
        here = None if cutouts is None else cutouts.path.resolve()
        elsewhere = [path for path in readable if path in self._bases or RunFolder(path.parent).data != here]
        return next(iter([*elsewhere, *readable]), None)

    def _take(self, weights: Path | None) -> None:
        if weights != self._path:
            self._path = weights
            self.class_map, self.scaling = {}, "kept"

    def _forget(self) -> None:
        self._files, self._is_chosen = [], False
        self._take(None)
        self.refresh()

    def _follow_run(self) -> None:
        """Choose the run that is looked at, where it has weights."""
        if (weights := self._session.predictor_path) is not None:
            self._is_chosen = True
            self._take(weights)
        self.refresh()

    def _follow_draft(self) -> None:
        """Choose the network that the next training is to start from, where another was named."""
        start = self._session.draft.settings.transfer.start_from
        if start == self._start:
            return
        self._start = start
        if start and start != self.start_from:
            named = next((path for path, each in self._bases.items() if each.name == start), None)
            path = Path(start).expanduser()
            weights = named or (RunFolder(path).best if path.is_dir() else path)
            if is_there(weights):
                self.choose(weights)
