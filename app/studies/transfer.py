"""Moving to another survey: the score against labels, strategies and tuned blocks, and how many labels are saved."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PySide6.QtWidgets import QWidget

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
from core.studies import strategies
from core.studies.transfer_settings import NONE, TransferStudySettings, default_settings
from core.wording import count_of

_FIXED_SETTINGS = ("question", "draw", "epoch", "percent_of", "source")
_MOST_ROWS = 7  # of the list of strategies
_UNSEEN = "No run reads the test part: all networks are judged on the validation galaxies."
_SEEN = "When all runs are done, the networks are judged on the test part as well. Choose nothing by its numbers."
_NOTHING_TO_START_FROM = "Choose the network that moves, above."


class TransferPanel(SummaryPanel):
    """The network, labels and strategies on the left, curves and their summary on the right.

    Parameters
    ----------
    session
        The runs use its draft settings, and start from the network that it carries.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        nothing = "Open the dataset of another survey to find out how many of its labels a network needs."
        super().__init__(session, "transfer", "transfer", "mdi6.swap-horizontal", nothing, parent)
        self.carry = self._add_carry_line()
        self._base = session.carried.settle(session.draft.settings)
        self._question = TransferStudySettings().question
        self._ticked: dict[str, tuple[str, ...]] = {}  # by question, of those that were left
        self._build()
        session.carried.changed.connect(self._settings_changed)
        self._scores.request()

    def _build(self) -> None:
        self.form = SettingsForm(TransferStudySettings, exclude=("strategies",))
        self.strategies = CheckList(_MOST_ROWS)
        self.strategies.setAccessibleName("Strategies")
        self.strategies.ticked.connect(self._show_state)
        self.runs = MessageLine(2, grows=True)
        self.note = MessageLine(2, grows=True)
        self._session.keep_undo(self.form, self.strategies)
        self.form.changed.connect(self._take_question)
        self.form.problem_changed.connect(self._show_state)
        self._scores = ScoreChoice(self._session, self.form, self)
        self._scores.offered.connect(self._show_state)
        form = group("Moving to another survey", self.form)
        compared = group("Strategies that are compared", self.strategies, self.runs)
        self._offer_strategies(TransferStudySettings().strategies)
        self._build_sides(self._build_form_side("Study", compared, form, self.note))

    # -- the study -------------------------------------------------------------------------------------------------

    def _offer_strategies(self, chosen: Collection[str]) -> None:
        """Offer all strategies, and those of a study that are not among them."""
        known = strategies.offered()
        others = [
            Choice(name, strategies.title_of(name)) for name in chosen if name not in {each.name for each in known}
        ]
        self.strategies.offer([*(Choice(each.name, each.title, each.help) for each in known), *others], chosen)

    @property
    def _study_settings(self) -> TransferStudySettings:
        return self.form.value().model_copy(update={"strategies": self.strategies.chosen})

    @property
    def _problem(self) -> str:
        settings = self._study_settings
        if not self._base.transfer.start_from:
            return _NOTHING_TO_START_FROM
        lacks = "Name the labels." if not settings.labels else "" if settings.strategies else "Tick a strategy."
        return self.form.problem or lacks

    def _make_job(self, data: Path, folder: Path) -> Job:
        return work.transfer(self._base, data, folder, self._study_settings, self._session.dataset.journal)

    def _make_opening_job(self, folder: Path, data: Path | None) -> Job:
        del data  # the study's table holds the errors as well
        return work.open_transfer(folder)

    def _show_earlier(self, earlier: Earlier) -> None:
        self._base = earlier.base
        self.carry.network.fix(earlier.base.transfer.start_from)
        settings = earlier.study_settings
        assert isinstance(settings, TransferStudySettings)
        self._question = settings.question
        self.form.set_value(settings)
        self._offer_strategies(settings.strategies)
        self._show_result(earlier.summary)

    def _show_new_study(self) -> None:
        self.carry.network.fix(None)
        self._show_settings()
        anew = {"judge_test": False, "scratch_epochs": TransferStudySettings().scratch_epochs}  # not of one opened
        self.form.set_value(self.form.value().model_copy(update=anew))
        self._summary = None
        self._show_summary()

    def _show_settings(self) -> None:
        self._base = self._session.carried.settle(self._session.draft.settings)

    def _take_question(self, _settings: object) -> None:
        """Another question has other labels and strategies to begin with."""
        settings = self.form.value()
        if settings.question != self._question:
            self._ticked[self._question] = self.strategies.chosen
            self._question = settings.question
            kept = settings.model_dump(
                include={"seeds", "metric", "draw", "epoch", "scratch_epochs", "judge_source", "source"}
            )
            fresh = default_settings(settings.question).model_copy(update=kept)
            self._offer_strategies(self._ticked.get(settings.question, fresh.strategies))
            self.form.set_value(fresh)
        self._show_state()

    def _enable_settings(self, *, is_new: bool, is_running: bool) -> None:
        settings = self._study_settings
        self.carry.network.setEnabled(is_new and not is_running)
        self.strategies.setEnabled(not is_running)
        for name in type(settings).model_fields.keys() - {"strategies"}:
            self.form.editor(name).setEnabled(not is_running and (is_new or name not in _FIXED_SETTINGS))
        numbers = [text for text in settings.labels if text.strip() != NONE]
        trained = [name for name in settings.strategies if name != "as is"]
        each = "" if "last-*" not in trained else " or more"
        trainings = count_of(len(numbers) * len(trained) * settings.seeds, "training")
        times = settings.scratch_epochs if "scratch" in trained else 1
        longer = "" if times == 1 else f" Those from scratch make {times} times as many epochs."
        self.runs.setText(f"{trainings}{each}, with the settings of the Train workspace.{longer}")
        self.note.setText(_SEEN if settings.judge_test else _UNSEEN)
