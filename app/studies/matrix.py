"""A transfer matrix: networks of several surveys of the project, judged on each of them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.jobs.job import Job
from app.session.session import Session
from app.studies import work
from app.studies.study_panel import group
from app.studies.summary_panel import SummaryPanel
from app.studies.widgets.check_list import CheckList, Choice
from app.studies.work import Earlier
from app.widgets.forms import SettingsForm
from app.widgets.message_line import MessageLine
from core.studies.transfer_settings import NONE, MatrixSettings
from core.wording import count_of

_FIXED_SETTINGS = ("strategy", "draw", "epoch")
_MOST_ROWS = 6  # of the list of surveys
_FEWEST = 2  # surveys


class MatrixPanel(SummaryPanel):
    """The surveys and labels on the left, the matrix on the right.

    Parameters
    ----------
    session
        The runs use its draft settings, without a network to start from; the surveys are those of its project.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        nothing = "Open a project with two surveys or more to find out how well networks of each do on the others."
        super().__init__(session, "matrix", "matrix", "mdi6.view-grid-outline", nothing, parent)
        self._base = session.draft.settings
        self._build()
        session.project_changed.connect(self._list_surveys)
        session.dataset.changed.connect(self._list_surveys)

    def _build(self) -> None:
        self.surveys = CheckList(_MOST_ROWS)
        self.surveys.setAccessibleName("Surveys")
        self.surveys.setToolTip("The datasets of the project; tick two or more.")
        self.surveys.ticked.connect(self._show_state)
        self.form = SettingsForm(MatrixSettings, exclude=("surveys",))
        self.runs = MessageLine(2, grows=True)
        self._session.keep_undo(self.form, self.surveys)
        self.form.changed.connect(lambda _settings: self._show_state())
        self.form.problem_changed.connect(self._show_state)
        surveys, form = group("Surveys", self.surveys), group("Transfer matrix", self.form, self.runs)
        self._build_sides(self._build_form_side("Study", surveys, form))

    # -- the surveys -----------------------------------------------------------------------------------------------

    def _list_surveys(self) -> None:
        if self._folder is None:
            project = self._session.project
            paths = [] if project is None else project.datasets()
            chosen = self.surveys.chosen or ([str(path) for path in paths] if len(paths) == _FEWEST else ())
            self._offer(paths, chosen)

    def _offer(self, paths: list[Path], chosen: Collection[str]) -> None:
        self.surveys.offer([Choice(str(path), path.stem, str(path)) for path in paths], chosen)
        self._show_state()

    # -- the study -------------------------------------------------------------------------------------------------

    @property
    def _study_settings(self) -> MatrixSettings:
        return self.form.value().model_copy(update={"surveys": self.surveys.chosen})

    @property
    def _problem(self) -> str:
        return self.form.problem or ("" if len(self.surveys.chosen) >= _FEWEST else "Tick two surveys or more.")

    def _make_job(self, data: Path, folder: Path) -> Job:
        del data  # the open dataset may be any of them
        return work.matrix(self._base, folder, self._study_settings)

    def _make_opening_job(self, folder: Path, data: Path | None) -> Job:
        del data
        return work.open_matrix(folder)

    def _show_earlier(self, earlier: Earlier) -> None:
        self._base = earlier.base
        settings = earlier.study_settings
        assert isinstance(settings, MatrixSettings)
        self.form.set_value(settings)
        self._offer([Path(path) for path in settings.surveys], settings.surveys)
        self._show_result(earlier.summary)

    def _show_new_study(self) -> None:
        self._show_settings()
        anew = {"judge_test": False, "scratch_epochs": MatrixSettings().scratch_epochs}  # not of one opened
        self.form.set_value(self.form.value().model_copy(update=anew))
        self._summary = None
        self._show_summary()
        self._list_surveys()

    def _show_settings(self) -> None:
        self._base = self._session.draft.settings

    def _enable_settings(self, *, is_new: bool, is_running: bool) -> None:
        settings = self._study_settings
        self.surveys.setEnabled(is_new and not is_running)
        for name in type(settings).model_fields:
            if name != "surveys":
                self.form.editor(name).setEnabled(not is_running and (is_new or name not in _FIXED_SETTINGS))
        count, numbers = len(settings.surveys), [text for text in settings.labels if text.strip() != NONE]
        trainings = count_of(settings.seeds * count * (1 + len(numbers) * count), "training")
        self.runs.setText(f"{trainings}, with the settings of the Train workspace.")
