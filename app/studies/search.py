"""Hyperparameter search: tick the settings to search, search coarsely and then finely, and use the best trial."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.jobs.job import Job
from app.session.draft_commands import use_settings
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
from app.widgets.message_line import MessageLine
from app.widgets.responsive_split import ResponsiveSplit
from core.metrics.uncertainty import plus_minus
from core.project.runs import RunFolder
from core.studies import search_space, trials
from core.studies.settings import SearchSettings
from core.studies.trials import Search, Trial, TrialEpoch
from core.wording import count_of

_MAY_CHANGE = ("coarse", "fine", "workers")
_UNSEEN = "No trial reads the test part: all are evaluated on the validation galaxies."
_INVITATION = "A line for each trial appears here once the first one has ended."
_TOO_FEW = "The importance of the settings is known after six trials."


class SearchPanel(StudyPanel):
    """The search space on the left, the trials on the right.

    Parameters
    ----------
    session
        The trials share its draft settings, except for the searched ones; the best trial's can become the draft.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "search",
            "search",
            "mdi6.tune-variant",
            "Open a dataset to search for the settings with which a network learns it best.",
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
        self.best = MessageLine(1, "heading")
        self.more = MessageLine(1, grows=True)
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
        self.unseen = MessageLine(2, grows=True)
        self.unseen.setText(_UNSEEN)
        self._session.keep_undo(self.form, self.space)
        self.form.changed.connect(lambda _settings: self._show_state())
        self.form.problem_changed.connect(self._show_state)
        self.space.changed.connect(self._space_changed)
        self.use.clicked.connect(self._use_best)
        self.use_this.clicked.connect(self._use_selected)
        self.open_run.clicked.connect(self._open_run)
        self.plot.picked.connect(self.trials.select)
        self.trials.chosen.connect(self._trial_selected)
        self._set_content(
            ResponsiveSplit(self._build_settings(), self._build_results(), 760, (320, 640), (260, 420), parent=self)
        )

    def _build_settings(self) -> QWidget:
        return self._build_form_side("Search", group("How", self.form), group("What is searched", self.space))

    def _build_results(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.addLayout(self._lay_out_head())
        column.addWidget(self.best)
        column.addWidget(self.more)
        column.addWidget(self.plot, 3)
        mattered = QWidget()
        left = QVBoxLayout(mattered)
        left.setContentsMargins(0, 0, 0, 0)
        title = QLabel("Importance")
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
    def _study_settings(self) -> SearchSettings:
        return self.form.value().model_copy(update={"space": self.space.texts()})

    @property
    def _result(self) -> Search | None:
        return self._search if self._search is not None and self._search.trials else None

    @property
    def _problem(self) -> str:
        return self.form.problem or self.space.problem

    def _make_job(self, data: Path, folder: Path) -> Job:
        self._epoch = None
        return work.search(self._base, data, folder, self._study_settings, self._session.dataset.journal)

    def _make_opening_job(self, folder: Path, data: Path | None) -> Job:
        return work.open_search(folder, data, self._session.dataset.journal)

    def _show_earlier(self, earlier: EarlierSearch) -> None:
        self._base = earlier.search.base
        self.form.set_value(earlier.search_settings)
        self.space.set_base(self._base)
        self.space.set_texts(earlier.search_settings.space)
        self._show_search(earlier.search)

    def _show_result(self, what: Search | TrialEpoch) -> None:
        if isinstance(what, TrialEpoch):
            self._epoch = what
        else:
            self._show_search(what)

    def _show_new_study(self) -> None:
        self._show_settings()
        self._show_search(None)

    def _show_settings(self) -> None:
        self._base = self._session.draft.settings
        self.space.set_base(self._base)

    def _space_changed(self) -> None:
        if self._search is None:
            self._show_search(None)  # with the axes of the planned search
        self._show_state()

    def _enable_settings(self, *, is_new: bool, is_running: bool) -> None:
        self.space.setEnabled(is_new and not is_running)
        for name in type(self.form.value()).model_fields:
            if name != "space":
                self.form.editor(name).setEnabled(not is_running and (is_new or name in _MAY_CHANGE))
        best = self._search.best if self._search is not None else None
        self.use.setEnabled(best is not None)
        self._trial_selected(self.trials.selected)

    def _describe_progress(self) -> str:
        if self._epoch is None:
            return ""
        ended = self._epoch.ended
        return f"{self._epoch.stage} {self._epoch.number} is in epoch {ended.epoch} of {ended.epochs}"

    # -- results ---------------------------------------------------------------------------------------------------

    def _show_search(self, search: Search | None) -> None:
        self._search = search
        axes = search_axes.axes(search) if search is not None and search.spaces else self._planned_axes()
        self._titles = search_axes.titles(axes)
        self.plot.set_lines(*search_axes.build_plot(search, axes), _INVITATION)
        self.trials.set_search(search, self._titles)
        shares = {} if search is None else search.importance
        self.importance.set_shares({self._titles.get(name, name): share for name, share in shares.items()}, _TOO_FEW)
        lines = () if search is None else self._summarise(search)
        self.best.setText(lines[0] if lines else "")
        self.more.setText(" ".join(lines[1:]))
        self.use.setEnabled(search is not None and search.best is not None)

    def _planned_axes(self) -> search_space.Space:
        return () if self.space.problem else search_space.parse_space(self.space.texts(), self._base)

    def _summarise(self, search: Search) -> tuple[str, ...]:
        """Summarise the best trial so far, and the uncertainty of its score."""
        best = search.best
        if best is None or best.score is None:
            return ("No trial has come to its end yet.",)
        error = plus_minus(search.noise)
        ahead = "Best so far" if search.missing else "Best"
        lines = [f"{ahead}: {best.name}, validation {search.objective} {best.score:.4f}{error}"]
        lines.append(
            ", ".join(f"{self._titles[name]} {trials.format_value(value)}" for name, value in best.values.items()) + "."
        )
        if search.error_note:
            lines.append(search.error_note)
        if len(search.equally_good) > 1:
            near = "lie within that error, and are as good" if error else "have exactly this score"
            lines.append(f"{len(search.equally_good)} trials {near}.")
        if search.missing:
            lines.append(f"{count_of(search.missing, 'trial')} still to be done.")
        return tuple(lines)

    def _trial_selected(self, name: str) -> None:
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

    # -- using a trial ---------------------------------------------------------------------------------------------

    def _use_best(self) -> None:
        if self._search is not None and self._search.best is not None:
            self._use_settings(self._search.best)

    def _use_selected(self) -> None:
        if (trial := self._trial(self.trials.selected)) is not None:
            self._use_settings(trial)

    def _use_settings(self, trial: Trial) -> None:
        search = self._search
        assert search is not None
        settings = trials.trial_settings(search.base, trial.values, search.epochs[trial.stage])
        use_settings(self._session, settings, trial.name)

    def _open_run(self) -> None:
        if (trial := self._trial(self.trials.selected)) is not None:
            self._session.open_run(self._run_of(trial))
            self._session.message.emit(f"Curves and network are now those of {trial.name}.")
