"""Labelling order: what it gains to label the proposed galaxies first, measured on galaxies whose labels are known."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from PySide6.QtWidgets import QCheckBox, QWidget

from app.jobs.job import Job
from app.session.session import Session
from app.studies import work
from app.studies.score_choice import ScoreChoice
from app.studies.study_panel import group
from app.studies.summary_panel import SummaryPanel
from app.studies.widgets.check_list import CheckList, Choice
from app.studies.work import Earlier
from app.widgets.forms import SettingsForm
from app.widgets.message_line import MessageLine
from core.adapt.suggest.settings import Choice as Method
from core.adapt.suggest.settings import SuggestionStudySettings
from core.wording import count_of

_FIXED_SETTINGS = ("labels", "switch_at", "least_steps")
_ORDERS: dict[str, str] = {
    "auto": "Typical ones while there are few labels, diverse and uncertain ones later.",
    "typical": "One of each group of similar galaxies.",
    "uncertain": "Those between whose classes the network hardly decides.",
    "diverse": "Uncertain ones, each in another way.",
    "core-set": "Each the farthest from all that are labelled.",
}
_NOTE = (
    "The labels of the training part are hidden, and uncovered step by step, in each order and at random. No order "
    "takes a validation galaxy, on which all are judged; the test part is not touched."
)


class LabellingOrderPanel(SummaryPanel):
    """The orders and numbers of labels on the left; curves, gains and their summary on the right.

    Parameters
    ----------
    session
        The runs use its draft settings, and start from the network that it carries, which chooses first.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        nothing = "Open a labelled dataset to find out what the proposed order of labelling gains over a random one."
        super().__init__(session, "labelling_order", "suggestions", "mdi6.tag-outline", nothing, parent)
        self.carry = self._add_carry_line("Begin with", "on")
        self._base = session.draft.settings
        self._is_start_chosen = False
        self._build()
        session.carried.changed.connect(self._settings_changed)
        self._scores.request()

    def _build(self) -> None:
        self.form = SettingsForm(SuggestionStudySettings, exclude=("methods",))
        self.methods = CheckList(len(_ORDERS))
        self.methods.setAccessibleName("Orders")
        self.methods.ticked.connect(self._show_state)
        self.starts = QCheckBox("Start from this network")
        self.starts.setToolTip(
            "It chooses the first galaxies, and its weights are tuned. Without it the first ones are drawn at random."
        )
        self.starts.clicked.connect(self._take_start)
        self.runs, self.note = MessageLine(2, grows=True), MessageLine(3, grows=True)
        self.note.setText(_NOTE)
        self._session.keep_undo(self.form, self.methods)
        self.form.changed.connect(lambda _settings: self._show_state())
        self.form.problem_changed.connect(self._show_state)
        self._scores = ScoreChoice(self._session, self.form, self)
        self._scores.offered.connect(self._show_state)
        self._offer(SuggestionStudySettings().methods)
        compared = group("Orders compared with the random one", self.methods, self.starts, self.runs)
        self._build_sides(self._build_form_side("Study", compared, group("Labels", self.form), self.note))

    def _offer(self, chosen: tuple[Method, ...]) -> None:
        known = [name for name in get_args(Method) if name in _ORDERS]
        self.methods.offer([Choice(name, name.capitalize(), _ORDERS[name]) for name in known], chosen)

    # -- the study -------------------------------------------------------------------------------------------------

    @property
    def _study_settings(self) -> SuggestionStudySettings:
        return self.form.value().model_copy(update={"methods": self.methods.chosen})

    @property
    def _problem(self) -> str:
        return self.form.problem or ("" if self.methods.chosen else "Tick an order.")

    def _make_job(self, data: Path, folder: Path) -> Job:
        return work.suggestions(self._base, data, folder, self._study_settings, self._session.dataset.journal)

    def _make_opening_job(self, folder: Path, data: Path | None) -> Job:
        del data  # the study's table holds the errors as well
        return work.open_suggestions(folder)

    def _show_earlier(self, earlier: Earlier) -> None:
        self._base = earlier.base
        self.starts.setChecked(bool(earlier.base.transfer.start_from))
        self.carry.network.fix(earlier.base.transfer.start_from)
        settings = earlier.study_settings
        assert isinstance(settings, SuggestionStudySettings)
        self.form.set_value(settings)
        self._offer(settings.methods)
        self._show_result(earlier.summary)

    def _show_new_study(self) -> None:
        self.carry.network.fix(None)
        self._is_start_chosen = False
        self._show_settings()
        self._summary = None
        self._show_summary()

    def _show_settings(self) -> None:
        carried, settings = self._session.carried, self._session.draft.settings
        if not self._is_start_chosen:  # a network that has learned the hidden labels would know too much
            self.starts.setChecked(carried.path is not None and not carried.is_of_open_dataset)
        without = settings.transfer.model_copy(update={"start_from": "", "bands": "", "class_map": {}})
        plain = settings.model_copy(update={"transfer": without})
        self._base = carried.settle(settings) if self.starts.isChecked() else plain

    def _take_start(self) -> None:
        self._is_start_chosen = True
        self._show_settings()
        self._show_state()

    def _enable_settings(self, *, is_new: bool, is_running: bool) -> None:
        settings = self._study_settings
        self.carry.network.setEnabled(is_new and not is_running)
        self.methods.setEnabled(not is_running)
        self.starts.setEnabled(is_new and not is_running and self._session.carried.path is not None)
        for name in type(settings).model_fields.keys() - {"methods"}:
            self.form.editor(name).setEnabled(not is_running and (is_new or name not in _FIXED_SETTINGS))
        trainings = count_of(settings.seeds * len(settings.labels) * (1 + len(settings.methods)), "training")
        first = "" if self._base.transfer.start_from else " Without a network the first galaxies are drawn at random."
        self.runs.setText(f"{trainings}, with the settings of the Train workspace.{first}")
