"""Training size: the score of a network against the number of labels, and its extrapolation to more labels."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.jobs.job import Job
from app.session.session import Session
from app.studies import work
from app.studies.score_choice import ScoreChoice
from app.studies.study_panel import StudyPanel, group
from app.studies.widgets.sentences import Sentences
from app.studies.widgets.size_plot import SizePlot
from app.studies.work import EarlierSize, SizeSummary
from app.widgets.forms import SettingsForm
from app.widgets.message_line import MessageLine
from app.widgets.number_table import NumberTable
from app.widgets.reserved import reserve
from app.widgets.responsive_split import ResponsiveSplit
from core.metrics.uncertainty import plus_minus
from core.studies.settings import TrainingSizeSettings
from core.wording import count_of

_FIXED_SETTINGS = ("least_steps",)
_PARTS = ("Validation part", "Test part")
_UNSEEN = "No run reads the test part: all are evaluated on the validation galaxies."
_SEEN = "When all runs are done, they are evaluated on the test part as well. Choose nothing by its numbers."


class TrainingSizePanel(StudyPanel):
    """Sizes and seeds on the left, the curve and its summary on the right.

    Parameters
    ----------
    session
        The runs use its draft settings.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "training_size",
            "training size",
            "mdi6.chart-scatter-plot",
            "Open a dataset to find out how many labelled galaxies a network needs.",
            "study.csv",
            parent,
        )
        self._base = session.draft.settings
        self._summary: SizeSummary | None = None
        self._build()
        self._scores.request()

    def _build(self) -> None:
        self.form = SettingsForm(TrainingSizeSettings)
        self.runs = MessageLine(2, grows=True)
        self.note = MessageLine(2, grows=True)
        self.note.setText(_UNSEEN)
        self.part = QComboBox()
        self.part.addItems(_PARTS)
        reserve(self.part)
        self.part.setToolTip("The galaxies on which the runs are evaluated.")
        self.plot = SizePlot()
        self.sizes = NumberTable()
        self.sentences = Sentences()
        self._session.keep_undo(self.form)
        self.form.changed.connect(lambda _settings: self._show_state())
        self.form.problem_changed.connect(self._show_state)
        self.part.activated.connect(self._show_part)
        self._scores = ScoreChoice(self._session, self.form, self)
        self._scores.offered.connect(self._show_state)
        self._set_content(
            ResponsiveSplit(self._build_settings(), self._build_results(), 760, (320, 640), (260, 420), parent=self)
        )

    def _build_settings(self) -> QWidget:
        return self._build_form_side("Study", group("Training sizes", self.form, self.runs), self.note)

    def _build_results(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.addLayout(self._lay_out_head())
        line = QHBoxLayout()
        line.addWidget(self.part)
        line.addStretch(1)
        column.addLayout(line)
        column.addWidget(self.plot, 3)
        below = QHBoxLayout()
        below.setSpacing(14)
        words = QVBoxLayout()
        words.addWidget(self.sentences)
        words.addStretch(1)
        below.addLayout(words, 3)
        table = QVBoxLayout()
        table.addWidget(self.sizes)
        table.addStretch(1)
        below.addLayout(table, 2)
        column.addLayout(below, 2)
        return side

    # -- the study -------------------------------------------------------------------------------------------------

    @property
    def _result(self) -> object:
        shown = self._shown
        return shown.study if shown is not None and shown.study.points else None

    @property
    def _problem(self) -> str:
        return self.form.problem or ("" if self.form.value().sizes else "Name the sizes.")

    @property
    def _study_settings(self) -> TrainingSizeSettings:
        return self.form.value()

    def _make_job(self, data: Path, folder: Path) -> Job:
        return work.training_size(self._base, data, folder, self.form.value(), self._session.dataset.journal)

    def _make_opening_job(self, folder: Path, data: Path | None) -> Job:
        del data  # the study's table holds the errors as well
        return work.open_training_size(folder)

    def _show_earlier(self, earlier: EarlierSize) -> None:
        self._base = earlier.base
        self.form.set_value(earlier.study_settings)
        self._show_result(earlier.summary)

    def _show_result(self, what: SizeSummary) -> None:
        self._summary = what
        self._show_part()

    def _show_new_study(self) -> None:
        self._show_settings()
        self.form.set_value(
            self.form.value().model_copy(update={"judge_test": False})
        )  # has to be chosen anew each time
        self._summary = None
        self._show_part()

    def _show_settings(self) -> None:
        self._base = self._session.draft.settings

    def _enable_settings(self, *, is_new: bool, is_running: bool) -> None:
        settings = self.form.value()
        for name in type(settings).model_fields:
            self.form.editor(name).setEnabled(not is_running and (is_new or name not in _FIXED_SETTINGS))
        split = self._session.dataset.split
        galaxies = f" of up to {count_of(len(split.train), 'galaxy')}" if split is not None else ""
        trainings = count_of(len(settings.sizes) * settings.seeds, "training")
        self.runs.setText(f"{trainings}{galaxies}, with the settings of the Train workspace.")
        self.note.setText(_SEEN if settings.judge_test else _UNSEEN)

    # -- results ---------------------------------------------------------------------------------------------------

    @property
    def _shown(self) -> SizeSummary | None:
        """The summary on display: of the validation part, or of the test part if it was evaluated and chosen."""
        if self._summary is not None and self._summary.test is not None and self.part.currentIndex() == 1:
            return self._summary.test
        return self._summary

    def _show_part(self, _place: int = 0) -> None:
        self.part.setVisible(self._summary is not None and self._summary.test is not None)
        shown = self._shown
        self.plot.set_lines(None if shown is None else shown.lines)
        self.sentences.set_sentences(() if shown is None else shown.sentences)
        rows = [] if shown is None else _format_rows(shown)
        self.sizes.fill(("Labels", "Runs", "Mean", "Error"), rows)
        self.sizes.setVisible(bool(rows))


def _format_rows(summary: SizeSummary) -> list[tuple[str, ...]]:
    """Format a row for each size."""
    lines = summary.lines
    if lines is None:
        return []
    return [
        (
            f"{size:,.0f}",
            str(len(summary.study.scores(int(size)))),
            f"{mean:.3f}",
            plus_minus(error, ".3f").strip() or "–",
        )
        for size, mean, error in zip(lines.sizes, lines.means, lines.errors, strict=True)
    ]
