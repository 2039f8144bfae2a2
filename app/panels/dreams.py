"""Dreams: the image that a network looks for, grown before one's eyes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import inside
from app.jobs import Job, Latest
from app.session import Session
from app.split_form import SplitForm
from app.theme import icon
from app.widgets.dream_view import DreamView
from app.widgets.empty_state import EmptyState
from app.widgets.state_line import StateLine
from app.widgets.two_sides import TwoSides, scrolled
from core.data.stretch import colour_planes, suited
from core.data.target import Quantities
from core.errors import Problem
from core.events import Preview, Progress
from core.explain.settings import ClassDreamSettings, DeepDreamSettings

if TYPE_CHECKING:
    from core.explain.dream import Dream

Kind = Literal["class", "quantity", "layer"]


class DreamsPanel(QWidget):
    """Choose what is sought, start, and watch image and curve grow.

    Parameters
    ----------
    session
        Its current galaxy lends sky and colours, or is what the dream begins with; its open run is asked.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dreams")
        self._session = session
        self._job: Job | None = None
        self._row = -1  # of the galaxy that the shown dream came from
        self._shown_for: tuple[Path, Path] | None = None
        self._stale = True
        self._outline: inside.Outline | None = None
        self._outlines = Latest(self)
        self.dream: Dream | None = None
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.subject = QComboBox()
        self.subject.setToolTip("A class or quantity to see at its clearest, or a layer to amplify in the galaxy.")
        self.subject.setMaxVisibleItems(24)
        self.forms: dict[Kind, SplitForm] = {
            "class": SplitForm(ClassDreamSettings, ("start", "penalty", "steps"), "How it grows", ("wished",)),
            "quantity": SplitForm(ClassDreamSettings, ("wished", "start", "penalty", "steps"), "How it grows"),
            "layer": SplitForm(DeepDreamSettings, ("filter", "octaves", "steps"), "How it grows", ("layer",)),
        }
        self._pages = QStackedWidget()
        for form in self.forms.values():
            self._pages.addWidget(form)
        self.galaxy = QLabel()
        self.galaxy.setProperty("role", "muted")
        self.galaxy.setWordWrap(True)
        self.start = QPushButton(icon("mdi6.play", "on_accent"), "Start")
        self.start.setProperty("role", "primary")
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.stop.setToolTip("Keep the image as it is now.")
        self.state = StateLine()
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save…")
        self.save.setToolTip("Write the dream as a picture, and beside it as FITS.")
        self.view = DreamView()
        self.empty = EmptyState("mdi6.creation-outline", "", "")
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(TwoSides(scrolled(self._choices()), self._pictures(), 620, (290, 560), (260, 400)))
        whole = QVBoxLayout(self)
        whole.addLayout(self._stack)

    def _choices(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(QLabel("Dream of"))
        head.addWidget(self.subject, 1)
        column.addLayout(head)
        column.addWidget(self._pages)
        column.addWidget(self.galaxy)
        column.addStretch(1)
        return side

    def _pictures(self) -> QWidget:
        side = QWidget()
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.state, 1)
        buttons.addWidget(self.save)
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.addLayout(buttons)
        column.addWidget(self.view, 1)
        return side

    def _connect(self) -> None:
        session = self._session
        session.current_changed.connect(self.refresh)
        session.cutouts_changed.connect(self.refresh)
        session.predictor_changed.connect(self.refresh)
        self._outlines.finished.connect(self._show_outline)
        self._outlines.failed.connect(self._failed)
        self.subject.currentIndexChanged.connect(self._show_form)
        self.start.clicked.connect(self.begin)
        self.stop.clicked.connect(self._stop)
        self.save.clicked.connect(self._save)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing running."""
        self._stop()
        self._outlines.close()
        super().closeEvent(event)

    # -- what can be sought ----------------------------------------------------------------------------------------

    def refresh(self, _row: Any = None) -> None:
        """Show what belongs to the current galaxy and network, or later if nobody can see it now."""
        self._stale = not self.isVisible()
        cutouts, predictor = self._session.cutouts, self._session.predictor_path
        asked = None if cutouts is None or predictor is None else (predictor, cutouts.path)
        if asked != self._shown_for:
            self._forget()
        if self._stale:
            return
        ready = asked is not None and self._session.current >= 0
        self._stack.setCurrentIndex(1 if ready else 0)
        if cutouts is None:
            self.empty.set_text("Nothing to dream of yet", "Open a dataset and train a network first.")
        elif predictor is None:
            self.empty.set_text(
                "No network yet", "Train a network or open an earlier run. Then see what it takes for a perfect galaxy."
            )
        else:
            self.empty.set_text("No galaxy chosen", "Click one in the gallery: it lends the dream its sky and colours.")
            if asked != self._shown_for:
                self._shown_for = asked
                self._outlines.start(inside.outline(predictor, cutouts.shape[1:]))
            if ready:
                self._show_galaxy()

    def _forget(self) -> None:
        self._stop()
        self._outlines.stop()
        self._shown_for = self._outline = self.dream = None
        self.subject.clear()
        self.state.clear()
        self.view.clear()
        self._show_state()

    def _show_outline(self, outline: inside.Outline) -> None:
        self._outline = outline
        self.subject.clear()
        for name in outline.outputs:
            self.subject.addItem(name, ("output", name))
        self.subject.insertSeparator(self.subject.count())
        for name, layer in outline.layers.items():
            self.subject.addItem(f"{name}, {layer.shape[0]} filters", ("layer", name))
        self._show_form()

    def _show_form(self, _place: int = 0) -> None:
        self._pages.setCurrentWidget(self.forms[self._kind])
        for form in self.forms.values():  # the stack is as high as the form that is seen
            form.setVisible(form is self.forms[self._kind])
        self._show_state()

    @property
    def _kind(self) -> Kind:
        sort, _ = self.subject.currentData() or ("output", "")
        if sort == "layer":
            return "layer"
        return "quantity" if self._outline is not None and isinstance(self._outline.target, Quantities) else "class"

    def _show_galaxy(self) -> None:
        """The current galaxy, until there is a dream to show."""
        cutouts, row = self._session.cutouts, self._session.current
        if cutouts is None:
            return
        self.galaxy.setText(f"{cutouts.ids[row]} lends sky, colours and brightness.")
        if self.dream is None and self._job is None:
            self._lay_out(row)
            self.view.show_start(cutouts.images[row], cutouts.ids[row])

    def _show_state(self) -> None:
        self.start.setEnabled(self._job is None and self._outline is not None)
        self.stop.setEnabled(self._job is not None)
        self.save.setEnabled(self._job is None and self.dream is not None)

    # -- dreaming --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Let the chosen dream grow."""
        cutouts, row, predictor = self._session.cutouts, self._session.current, self._session.predictor_path
        form = self.forms[self._kind]
        if cutouts is None or predictor is None or row < 0 or self._job is not None or form.problem:
            return
        sort, name = self.subject.currentData()
        settings, self.dream = form.value(), None
        if isinstance(settings, DeepDreamSettings):
            settings = settings.model_copy(update={"layer": name})
        self._lay_out(row)
        self.view.begin(self._title(name), settings.steps, getattr(settings, "wished", None))
        output = name if sort == "output" else None
        self._job = job = inside.dream(predictor, cutouts.path, row, output, settings)
        self.state.follow(job)
        job.happened.connect(self._happened)
        job.finished.connect(self._show)
        job.failed.connect(self._failed)
        job.ended.connect(self._ended)
        self._session.add_job(job)
        job.start()
        self._show_state()

    def _title(self, name: str) -> str:
        kind, form = self._kind, self.forms[self._kind].value()
        if kind == "layer":
            return f"Mean squared response of {name}" if form.filter is None else f"Response of filter {form.filter}"
        return name if kind == "quantity" else f"Score of {name}"

    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()

    def _happened(self, events: Sequence[object]) -> None:
        totals = [event.total for event in events if isinstance(event, Progress) and event.total]
        if totals:
            self.view.curve.set_steps(totals[-1])
        previews = [event.what for event in events if isinstance(event, Preview)]
        if previews and self._job is not None:
            self._show(previews[-1])  # pyright: ignore[reportArgumentType]

    def _failed(self, problem: object) -> None:
        self.state.show_problem(problem)
        if not isinstance(problem, Problem):
            self._session.report(problem)

    def _ended(self) -> None:
        self._job = None
        self._show_state()

    # -- showing and keeping ---------------------------------------------------------------------------------------

    def _lay_out(self, row: int) -> None:
        """Show images of this galaxy's bands and scale from now on."""
        self._row = row
        if (cutouts := self._session.cutouts) is not None:
            planes = colour_planes([band.name for band in cutouts.bands])
            self.view.set_look(suited(cutouts.is_picture), planes, float(cutouts.pixel_scale[row]))

    def _show(self, dream: Dream) -> None:
        self.dream = dream
        self.view.show_dream(dream)

    def _save(self) -> None:
        cutouts, dream = self._session.cutouts, self.dream
        if cutouts is None or dream is None:
            return
        name = f"{dream.method} {dream.target_name} {dream.galaxy_id}.png".replace("/", "-")
        path, _ = QFileDialog.getSaveFileName(self, "Save the dream", name, "Picture and FITS (*.png)")
        if path:
            job = inside.save_dream(dream, cutouts.path, self._row, Path(path))
            job.finished.connect(
                lambda both: self._session.message.emit(f"{both[0].name} and {both[1].name} are saved.")
            )
            job.failed.connect(self._session.report)
            self._session.add_job(job)
            job.start()
