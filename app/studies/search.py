"""Search: tick what shall be tried, search coarsely and then finely, and use the best."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.jobs.job import Job
from app.session.session import Session
from app.studies import search_axes, work
from app.studies.space_form import SpaceForm
from app.studies.study_panel import StudyPanel, group
from app.studies.widgets.importance_bars import ImportanceBars
from app.studies.widgets.parallel_plot import ParallelPlot
from app.studies.widgets.trial_table import TrialTable
from app.studies.work import EarlierSearch
from app.theme import icon
from app.widgets.forms import SettingsForm
from app.widgets.responsive_split import ResponsiveSplit
from core.project.runs import RunFolder
from core.studies import search_space, trials
from core.studies.settings import SearchSettings
from core.studies.trials import Search, Trial, TrialEpoch

_MAY_CHANGE = ("coarse", "fine", "workers")
_UNSEEN = "No trial reads the test part: all are judged on the validation galaxies."
_INVITATION = "A line for each trial, as soon as the first one has ended."
_TOO_FEW = "How much each setting mattered is told after six trials."


class SearchPanel(StudyPanel):
    """What is tried on the left, what was found on the right.

    Parameters
    ----------
    session
        The trials share its draft settings, apart from what is ticked; the best ones become its draft settings.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "search",
            "search",
            "mdi6.tune-variant",
            "Open a dataset, and settings are searched for with which a network learns it best.",
            "trials.csv",
            parent,
        )
        self._base = session.draft.settings
        self._search: Search | None = None
        self._epoch: TrialEpoch | None = None
        self._titles: dict[str, str] = {}
        self._build()

    def _build(self) -> None:
        self.form = SettingsForm(SearchSettings, exclude=("space",))
        self.space = SpaceForm(self._base)
        self.best = QLabel()
        self.best.setWordWrap(True)
        self.best.setProperty("role", "heading")
        self.more = QLabel()
        self.more.setWordWrap(True)
        self.more.setProperty("role", "muted")
        self.plot = ParallelPlot()
        self.importance = ImportanceBars()
        self.trials = TrialTable()
        self.use = QPushButton(icon("mdi6.creation-outline", "on_accent"), "Use the best")
        self.use.setProperty("role", "primary")
        self.use.setToolTip("Fill the forms of the training with the best settings.")
        self.use_this = QPushButton("Use the selected")
        self.use_this.setToolTip("Fill the forms of the training with the settings of the selected trial.")
        self.open_run = QPushButton(icon("mdi6.magnify-scan"), "Open its run")
        self.open_run.setToolTip("Look at curves and network of the selected trial in the other workspaces.")
        self.unseen = QLabel(_UNSEEN)
        self.unseen.setProperty("role", "muted")
        self.unseen.setWordWrap(True)
        self.form.changed.connect(lambda _settings: self._show_state())
        self.space.changed.connect(self._space_changed)
        self.use.clicked.connect(self._use_best)
        self.use_this.clicked.connect(self._use_selected)
        self.open_run.clicked.connect(self._open_run)
        self.plot.picked.connect(self.trials.select)
        self.trials.chosen.connect(self._chosen)
        self._set_content(ResponsiveSplit(self._choices(), self._results(), 760, (320, 640), (260, 420)))

    def _choices(self) -> QWidget:
        return self._side("Search", group("How", self.form), group("What is searched", self.space))

    def _results(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.addLayout(self._head())
        column.addWidget(self.best)
        column.addWidget(self.more)
        column.addWidget(self.plot, 3)
        mattered = QWidget()
        left = QVBoxLayout(mattered)
        left.setContentsMargins(0, 0, 0, 0)
        title = QLabel("What mattered")
        title.setToolTip("Share of the coarse search's variance that each setting explains (fANOVA).")
        title.setProperty("role", "heading")
        left.addWidget(title)
        left.addWidget(self.importance, 1)
        below = QHBoxLayout()
        below.setSpacing(14)
        below.addWidget(mattered, 2)
        below.addWidget(self.trials, 5)
        column.addLayout(below, 2)
        buttons = QHBoxLayout()
        for button in (self.use, self.use_this, self.open_run):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addWidget(self.unseen)
        return side

    # -- the study -------------------------------------------------------------------------------------------------

    @property
    def _wish(self) -> SearchSettings:
        return self.form.value().model_copy(update={"space": self.space.texts()})

    @property
    def _found(self) -> Search | None:
        return self._search if self._search is not None and self._search.trials else None

    @property
    def _problem(self) -> str:
        return self.form.problem or self.space.problem

    def _job_for(self, data: Path, folder: Path) -> Job:
        self._epoch = None
        return work.search(self._base, data, folder, self._wish)

    def _opening(self, folder: Path, data: Path | None) -> Job:
        return work.opened_search(folder, data)

    def _show_earlier(self, earlier: EarlierSearch) -> None:
        self._base = earlier.search.base
        self.form.set_value(earlier.wish)
        self.space.set_base(self._base)
        self.space.set_texts(earlier.wish.space)
        self._show_search(earlier.search)

    def _show_news(self, what: Search | TrialEpoch) -> None:
        if isinstance(what, TrialEpoch):
            self._epoch = what
        else:
            self._show_search(what)

    def _show_nothing(self) -> None:
        self._show_settings()
        self._show_search(None)

    def _show_settings(self) -> None:
        self._base = self._session.draft.settings
        self.space.set_base(self._base)

    def _space_changed(self) -> None:
        if self._search is None:
            self._show_search(None)  # with the axes as they will be
        self._show_state()

    def _show_choices(self, *, is_new: bool, is_running: bool) -> None:
        self.space.setEnabled(is_new and not is_running)
        for name in type(self.form.value()).model_fields:
            if name != "space":
                self.form.editor(name).setEnabled(not is_running and (is_new or name in _MAY_CHANGE))
        best = self._search.best if self._search is not None else None
        self.use.setEnabled(best is not None)
        self._chosen(self.trials.selected)

    def _progress_words(self) -> str:
        if self._epoch is None:
            return ""
        ended = self._epoch.ended
        return f"{self._epoch.stage} {self._epoch.number} is in epoch {ended.epoch} of {ended.epochs}"

    # -- what was found --------------------------------------------------------------------------------------------

    def _show_search(self, search: Search | None) -> None:
        self._search = search
        axes = search_axes.axes(search) if search is not None and search.spaces else self._wished_axes()
        self._titles = search_axes.titles(axes)
        self.plot.set_lines(*search_axes.drawn(search, axes), _INVITATION)
        self.trials.set_search(search, self._titles)
        shares = {} if search is None else search.importance
        self.importance.set_shares({self._titles.get(name, name): share for name, share in shares.items()}, _TOO_FEW)
        told = () if search is None else self._told(search)
        self.best.setText(told[0] if told else "")
        self.more.setText(" ".join(told[1:]))
        for label in (self.best, self.more):
            label.setVisible(bool(label.text()))
        self.use.setEnabled(search is not None and search.best is not None)

    def _wished_axes(self) -> search_space.Space:
        return () if self.space.problem else search_space.parsed(self.space.texts(), self._base)

    def _told(self, search: Search) -> tuple[str, ...]:
        """The best so far, and how sure that is."""
        best = search.best
        if best is None or best.score is None:
            return ("No trial has come to its end yet.",)
        error = f" ± {search.noise:.2g}" if search.noise else ""
        ahead = "Best so far" if search.missing else "Best"
        told = [f"{ahead}: {best.name}, validation {search.objective} {best.score:.4f}{error}"]
        told.append(
            ", ".join(f"{self._titles[name]} {trials.shown(value)}" for name, value in best.values.items()) + "."
        )
        if len(search.alike) > 1:
            told.append(f"{len(search.alike)} trials lie within that error, and are as good.")
        if search.missing:
            told.append(f"{search.missing} trials are still to be done.")
        return tuple(told)

    def _chosen(self, name: str) -> None:
        self.plot.mark(name)
        trial = self._trial(name)
        self.use_this.setEnabled(trial is not None and trial.state == "finished")
        self.open_run.setEnabled(trial is not None and self._run_of(trial).best.exists())

    def _trial(self, name: str) -> Trial | None:
        every = () if self._search is None else self._search.trials
        return next((trial for trial in every if trial.name == name), None)

    def _run_of(self, trial: Trial) -> RunFolder:
        assert self._search is not None
        return RunFolder(self._search.folder / trial.run)

    # -- what can be done with it ----------------------------------------------------------------------------------

    def _use_best(self) -> None:
        if self._search is not None and self._search.best is not None:
            self._use(self._search.best)

    def _use_selected(self) -> None:
        if (trial := self._trial(self.trials.selected)) is not None:
            self._use(trial)

    def _use(self, trial: Trial) -> None:
        search = self._search
        assert search is not None
        self._session.draft.replace(trials.of_trial(search.base, trial.values, search.epochs[trial.stage]))
        self._session.message.emit(f"The settings of {trial.name} are on the forms of the training: start it there.")

    def _open_run(self) -> None:
        if (trial := self._trial(self.trials.selected)) is not None:
            self._session.open_run(self._run_of(trial))
            self._session.message.emit(f"Curves and network are now those of {trial.name}.")
