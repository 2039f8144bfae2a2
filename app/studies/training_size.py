"""Training size: how good a network becomes with more and more labels, and what more of them would be worth."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.jobs.job import Job, Latest
from app.session.session import Session
from app.studies import work
from app.studies.study_panel import StudyPanel, group
from app.studies.widgets.size_plot import SizePlot, grouped
from app.studies.work import EarlierSize, SizeNews
from app.widgets.forms import SettingsForm
from app.widgets.number_table import NumberTable
from app.widgets.responsive_split import ResponsiveSplit
from core.studies.settings import TrainingSizeSettings

_SETTLED = ("least_steps",)
_PARTS = ("Validation part", "Test part")
_UNSEEN = "No run reads the test part: all are judged on the validation galaxies."
_SEEN = "When all runs are done, they are judged on the test part as well. Choose nothing afterwards."


class TrainingSizePanel(StudyPanel):
    """Sizes and seeds on the left, the curve and what it says on the right.

    Parameters
    ----------
    session
        The runs have its draft settings.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "training_size",
            "training size",
            "mdi6.chart-scatter-plot",
            "Open a dataset, and it is found out how many labelled galaxies a network needs.",
            "study.csv",
            parent,
        )
        self._base = session.draft.settings
        self._news: SizeNews | None = None
        self._scores = Latest(self)
        self._build()
        self._ask_scores()

    def _build(self) -> None:
        self.form = SettingsForm(TrainingSizeSettings)
        self.runs = QLabel()
        self.runs.setWordWrap(True)
        self.runs.setProperty("role", "muted")
        self.note = QLabel(_UNSEEN)
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")
        self.part = QComboBox()
        self.part.addItems(_PARTS)
        self.part.setToolTip("On which galaxies the runs are judged.")
        self.plot = SizePlot()
        self.sizes = NumberTable()
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.form.changed.connect(lambda _settings: self._show_state())
        self.part.activated.connect(self._show_part)
        self._scores.finished.connect(self._offer_scores)
        self._scores.failed.connect(self._session.report)
        self._session.dataset.split_changed.connect(self._ask_scores)
        self._set_content(ResponsiveSplit(self._choices(), self._results(), 760, (320, 640), (260, 420)))

    def _choices(self) -> QWidget:
        return self._side("Study", group("Training sizes", self.form, self.runs), self.note)

    def _results(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.addLayout(self._head())
        line = QHBoxLayout()
        line.addWidget(self.part)
        line.addStretch(1)
        column.addLayout(line)
        column.addWidget(self.plot, 3)
        below = QHBoxLayout()
        below.setSpacing(14)
        words = QVBoxLayout()
        words.addWidget(self.told)
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
    def _found(self) -> object:
        shown = self._shown
        return shown.study if shown is not None and shown.study.points else None

    @property
    def _problem(self) -> str:
        return self.form.problem or ("" if self.form.value().sizes else "Name the sizes.")

    def _job_for(self, data: Path, folder: Path) -> Job:
        return work.training_size(self._base, data, folder, self.form.value())

    def _opening(self, folder: Path, data: Path | None) -> Job:
        del data  # the table holds the errors, too
        return work.opened_size(folder)

    def _show_earlier(self, earlier: EarlierSize) -> None:
        self._base = earlier.base
        self.form.set_value(earlier.wish)
        self._show_news(earlier.news)

    def _show_news(self, what: SizeNews) -> None:
        self._news = what
        self._show_part()

    def _show_nothing(self) -> None:
        self._show_settings()
        self.form.set_value(self.form.value().model_copy(update={"judge_test": False}))  # to be wished anew each time
        self._news = None
        self._show_part()

    def _show_settings(self) -> None:
        self._base = self._session.draft.settings

    def _show_choices(self, *, is_new: bool, is_running: bool) -> None:
        wish = self.form.value()
        for name in type(wish).model_fields:
            self.form.editor(name).setEnabled(not is_running and (is_new or name not in _SETTLED))
        split = self._session.dataset.split
        galaxies = grouped(f" of up to {len(split.train):,} galaxies") if split is not None else ""
        self.runs.setText(
            f"{len(wish.sizes) * wish.seeds} trainings{galaxies}, with the settings of the Train workspace."
        )
        self.note.setText(_SEEN if wish.judge_test else _UNSEEN)

    # -- the scores ------------------------------------------------------------------------------------------------

    def _ask_scores(self) -> None:
        """Which figures of merit there are for what is learned."""
        if self._session.dataset.target is not None:
            self._scores.start(work.known_scores(self._session.dataset.target))

    def _offer_scores(self, names: tuple[str, ...]) -> None:
        known = ("auto", *names)
        wished = self.form.value().metric
        self.form.offer("metric", known if wished in known else (*known, wished), empty=None)
        self._show_state()

    # -- what was found --------------------------------------------------------------------------------------------

    @property
    def _shown(self) -> SizeNews | None:
        """What is shown: the validation part, or the test part if that was judged and chosen."""
        if self._news is not None and self._news.test is not None and self.part.currentIndex() == 1:
            return self._news.test
        return self._news

    def _show_part(self, _place: int = 0) -> None:
        self.part.setVisible(self._news is not None and self._news.test is not None)
        shown = self._shown
        self.plot.set_lines(None if shown is None else shown.lines)
        self.told.setText("" if shown is None else _paragraphs(shown.sentences))
        rows = [] if shown is None else _rows(shown)
        self.sizes.fill(("Labels", "Runs", "Mean", "Error"), rows)
        self.sizes.setVisible(bool(rows))


def _rows(news: SizeNews) -> list[tuple[str, ...]]:
    """A line for each size."""
    lines = news.lines
    if lines is None:
        return []
    return [
        (grouped(f"{size:,.0f}"), str(len(news.study.scores(int(size)))), f"{mean:.3f}", f"± {error:.3f}")
        for size, mean, error in zip(lines.sizes, lines.means, lines.errors, strict=True)
    ]


def _paragraphs(sentences: tuple[str, ...]) -> str:
    """Sentences with a little room between them."""
    return "".join(f'<p style="margin: 0 0 6px 0">{grouped(sentence)}</p>' for sentence in sentences)
