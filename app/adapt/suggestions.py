"""Suggestions: the galaxies that should be labelled next, one at a time, and what labelling them has brought."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.adapt import work
from app.adapt.people import People
from app.adapt.retraining import Retraining
from app.adapt.widgets.gain_plot import GainPlot
from app.adapt.widgets.label_pad import LabelPad
from app.adapt.work import Pairing
from app.panel.panel import Panel
from app.session import label_commands
from app.session.session import Session
from app.theme import icon
from app.widgets.button_line import button_line
from app.widgets.empty_state import EmptyState
from app.widgets.focus_guard import keep_from_focus
from app.widgets.fold import Fold
from app.widgets.forms import SettingsForm
from app.widgets.image_view import ImageView
from app.widgets.inputs import WholeSpin
from app.widgets.message_line import MessageLine
from app.widgets.responsive_split import ResponsiveSplit, Scrollable
from app.widgets.stretch_bar import StretchBar
from core.adapt.suggest.run_titles import is_of_labelling
from core.adapt.suggest.settings import SuggestSettings
from core.data import stretch
from core.data.target import Classes
from core.project.runs import RunFolder

if TYPE_CHECKING:
    from core.adapt.suggest.suggestions import Suggestions
    from core.studies.labelling_curve import LabellingCurve

_RETRAIN_EVERY = 20
_NO_NETWORK = (
    "No network yet",
    (
        "A network says which galaxies are worth a label: choose a weights file above, or train one first, with a few "
        "labels of this survey or on another one."
    ),
)
_INVITATION = "No galaxies proposed yet", "Press “Suggest”, and label them one by one with the keys 1 to 9."
_NONE_LEFT = "All of these were seen", "Press “Suggest” for more."
_NO_VALIDATION = (
    "No labelled galaxy belongs to the validation part, so that no score can be known: "
    "choose “validation” under “Labels for”, and label some."
)


class SuggestionsPanel(Panel):
    """Propose galaxies, show them large one after the other, label them by a key, and train again meanwhile.

    Parameters
    ----------
    session
        Its open dataset is labelled, through its undo stack; its draft is the training's.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        empty = EmptyState("mdi6.tag-outline", "No dataset open", "Open the dataset that you want to label.")
        super().__init__(session, "suggestions", empty, parent)
        self._found: Suggestions | None = None
        self._rows: list[int] = []
        self._reasons: dict[int, str] = {}
        self._place = -1
        self._first: tuple[Path, str] | None = None  # the network with which it began, and as settings name it
        self._read: tuple[Path, int] | None = None  # of which dataset the scores of how many runs were read
        self._curve = self._make_request(self._show_curve)
        self.retraining = Retraining(session, self)
        self._build()
        self._connect()
        self.refresh()

    # -- building --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.carry = self._add_carry_line("Ask", "about")
        self.network = self.carry.network
        self.network.setToolTip("The network that is asked. After a training here it is the newest one.")
        self.view = ImageView()
        self.nothing = EmptyState("mdi6.tag-outline", "", "")
        self.pages = QStackedWidget()
        self.pages.addWidget(self.nothing)
        self.pages.addWidget(self.view)
        self.stretch_bar = StretchBar()
        self.name = QLabel()
        self.name.setProperty("role", "heading")
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.why = MessageLine(2, grows=True)
        self.pad = LabelPad(self)
        self.new_class = QPushButton(icon("mdi6.tag-outline"), "New class…")
        self.back = QPushButton("Back")
        self.back.setToolTip("The galaxy before (left arrow).")
        self.skip = QPushButton(icon("mdi6.skip-next"), "Skip")
        self.skip.setToolTip("The next galaxy, without a label for this one (right arrow).")
        self.form = SettingsForm(SuggestSettings)
        self.suggest = QPushButton(icon("mdi6.creation-outline", "on_accent"), "Suggest")
        self.suggest.setProperty("role", "primary")
        self.rule = MessageLine(2, grows=True)
        self.every = WholeSpin()
        self.every.setRange(0, 100_000)
        self.every.setValue(_RETRAIN_EVERY)
        self.every.setSpecialValueText("never")
        self.every.setSuffix(" labels")
        self.every.setToolTip("Train in the background after so many new labels, with the settings of Train.")
        self.train_now = QPushButton(icon("mdi6.play"), "Now")
        self.train_now.setToolTip("Train with the present labels now.")
        self.training = MessageLine(2, grows=True)
        self.plot = GainPlot()
        self.people = People(self._session)
        keep_from_focus(self.back, self.skip, self.new_class, self.suggest, self.train_now)
        sides = self._build_galaxy(), Scrollable(self._build_side())
        self._set_content(ResponsiveSplit(*sides, 760, (760, 440), (420, 300), growing=0, parent=self))

    def _build_galaxy(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(6)
        column.addLayout(button_line(self.name, None, self.back, self.skip))
        column.addWidget(self.stretch_bar)
        column.addWidget(self.pages, 1)
        column.addWidget(self.why)
        line = QHBoxLayout()
        line.addWidget(self.pad, 1)
        line.addWidget(self.new_class, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(line)
        return side

    def _build_side(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.form)
        line = QHBoxLayout()
        line.addWidget(self.suggest, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.state, 1)
        column.addLayout(line)
        column.addWidget(self.rule)
        column.addLayout(button_line(QLabel("Retrain after every"), self.every, self.train_now, None))
        column.addWidget(self.training)
        column.addWidget(self.plot, 1)
        column.addWidget(Fold("Several people", self.people))
        return side

    def _connect(self) -> None:
        session = self._session
        session.keep_undo(self.form)
        session.dataset.changed.connect(self._new_dataset)
        session.dataset.labels_changed.connect(self._show_labels)
        session.dataset.split_changed.connect(self.refresh)
        session.project_changed.connect(self.refresh)
        session.relabelled.connect(self._return_to)
        self.network.activated.connect(lambda _place: self._begin_anew())
        session.carried.changed.connect(self._follow_network)
        self.form.problem_changed.connect(self._show_state)
        self.suggest.clicked.connect(self.ask)
        self.work.finished.connect(self._show_found)
        self.stretch_bar.changed.connect(self._draw)
        self.pad.chosen.connect(self._give)
        self.new_class.clicked.connect(self._ask_class)
        self.back.clicked.connect(lambda: self._go(-1))
        self.skip.clicked.connect(lambda: self._go(1))
        self.people.wanted.connect(self._show_galaxy)
        self.every.valueChanged.connect(self._set_every)
        self.train_now.clicked.connect(self.retraining.begin)
        self.retraining.changed.connect(self._show_training)
        self.retraining.trained.connect(self._take_trained)
        self.retraining.every = self.every.value()
        for key, step in ((Qt.Key.Key_Left, -1), (Qt.Key.Key_Right, 1)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda step=step: self._go(step))

    # -- the dataset -----------------------------------------------------------------------------------------------

    def _new_dataset(self) -> None:
        cutouts = self._session.dataset.cutouts
        self.work.stop()  # its rows are those of another dataset
        self._found, self._rows, self._reasons, self._place = None, [], {}, -1
        self._first = self._read = None
        if cutouts is not None:
            self.stretch_bar.set_value(stretch.default_stretch(cutouts.is_picture))
        self.rule.clear()
        self.refresh()

    def _drop_outdated(self) -> None:
        if self._session.dataset.cutouts is None:
            self._stop_requests()

    def _renew(self) -> None:
        session = self._session
        self._show_content(session.dataset.cutouts is not None)
        if session.dataset.cutouts is None:
            return
        self._show_classes()
        self._show_place()
        self.people.show_votes()
        self._show_state()
        self._show_training()
        self._read_curve()

    # -- proposals -------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Have galaxies proposed by the chosen network: by the one that was trained last, if any was since."""
        session, cutouts = self._session, self._session.dataset.cutouts
        weights = session.carried.path
        if cutouts is None or weights is None or self.form.problem:
            return
        if self._first is None:
            self._first = (weights, session.carried.start_from)
        self.retraining.start_from = self._first[1]
        self.retraining.count_from_now()
        settings = session.draft.settings
        pair = Pairing(weights, cutouts.path, settings.data, settings.seed, session.dataset.journal)
        self._begin(work.suggest(pair, self._first[0], self.form.value()))

    def _show_found(self, found: Suggestions) -> None:
        self.state.clear()
        self._found = found
        shown = self._row
        rows = found.rows.tolist()
        self._reasons |= dict(zip(rows, found.reasons, strict=True))
        is_open = shown >= 0 and not self._session.dataset.label(shown)  # it is being looked at
        self._rows = [shown, *(row for row in rows if row != shown)] if is_open else rows
        self._place = 0 if self._rows else -1
        self.rule.setText(found.rule if found.validation else f"{found.rule} {_NO_VALIDATION}")
        self.refresh()
        self.view.setFocus()

    def _follow_network(self) -> None:
        """Begin anew with another network, unless it is one of those that are trained while labelling."""
        run = self._session.carried.run
        if self._first is not None and (run is None or not is_of_labelling(run.title)):
            self._first = self._first if self._first[0] == self._session.carried.path else None
        if self.isVisible():
            self._show_place()
            self._show_state()

    def _begin_anew(self) -> None:
        """Begin anew with the network that the user has chosen."""
        self._first = None
        self._show_state()

    @property
    def _row(self) -> int:
        """The galaxy that is shown; −1: none."""
        return self._rows[self._place] if 0 <= self._place < len(self._rows) else -1

    def _go(self, step: int) -> None:
        if self._rows:
            self._place = min(max(self._place + step, 0), len(self._rows))
            self._show_place()

    def _show_galaxy(self, row: int) -> None:
        """Show a galaxy that was not proposed now, or has been."""
        if row not in self._rows:
            self._rows.insert(max(self._place, 0), row)
            self._reasons.setdefault(row, "People disagree on it.")
        self._place = self._rows.index(row)
        self._show_place()

    def _return_to(self, rows: list[int]) -> None:
        """Go to a galaxy whose label was taken back: the next key is for it again."""
        if rows and rows[0] in self._rows:
            self._place = self._rows.index(rows[0])
            self._show_place()

    def _show_place(self) -> None:
        """Show the galaxy whose turn it is, why it was proposed and how many there are."""
        row, dataset = self._row, self._session.dataset
        cutouts = dataset.cutouts
        ready = cutouts is not None and row >= 0
        self.pad.setEnabled(ready)
        self.new_class.setEnabled(ready)
        self.back.setEnabled(self._place > 0)
        self.skip.setEnabled(ready)
        self.stretch_bar.setEnabled(ready)
        self.pages.setCurrentWidget(self.view if ready else self.nothing)
        if cutouts is None or row < 0:
            self.view.set_image(None)
            self.name.setText("")
            self.why.clear()
            self.pad.mark("")
            has_network = self._session.carried.path is not None
            self.nothing.set_text(*(_NONE_LEFT if self._rows else _INVITATION if has_network else _NO_NETWORK))
            return
        self.name.setText(f"{cutouts.ids[row]}   {self._place + 1} of {len(self._rows)}")
        self.why.setText(self._reasons.get(row, ""))
        self.pad.mark(dataset.vote(row, dataset.labeller) or "")
        self._session.set_current(row)
        self._draw()

    def _draw(self, _value: object = None) -> None:
        cutouts, row = self._session.dataset.cutouts, self._row
        if cutouts is None or row < 0:
            return
        planes = stretch.colour_planes([band.name for band in cutouts.bands])
        picture = stretch.to_rgb(cutouts.images[row], self.stretch_bar.value(), planes)
        self.view.set_image(picture, float(cutouts.pixel_scale[row]))

    # -- labels ----------------------------------------------------------------------------------------------------

    def _show_classes(self) -> None:
        dataset = self._session.dataset
        own = dataset.class_names if dataset.target is None or isinstance(dataset.target, Classes) else ()
        known = self._found.classes if self._found is not None else ()
        names = known if set(own) <= set(known) else own
        self.pad.set_classes(names, dataset.class_colours(names))

    def _show_labels(self, _rows: object) -> None:
        """Follow labels that were given anywhere; the rest is shown once no more come."""
        if self.isVisible():
            self._show_classes()
            self._show_place()

    def _give(self, name: str) -> None:
        """Label the galaxy, and go on to the next one."""
        if self._row >= 0:
            row = self._row
            self._place += 1
            label_commands.give(self._session, [row], name)
            self._show_place()

    def _ask_class(self) -> None:
        name, is_given = QInputDialog.getText(self, "New class", "Label this galaxy as")
        if is_given and name.strip():
            self._give(name.strip())

    # -- training --------------------------------------------------------------------------------------------------

    def _set_every(self, every: int) -> None:
        self.retraining.every = every
        self._show_training()

    def _take_trained(self, run: RunFolder) -> None:
        """Ask the new network which galaxies are worth most now."""
        if self._session.run != run:
            self._session.open_run(run)  # so that it is the one that is asked
        self._read = None
        self._read_curve()
        if self._rows and self.isVisible():
            self.ask()

    def _show_training(self) -> None:
        if not self.isVisible():
            return
        self.training.setText(self.retraining.sentence)
        self.train_now.setEnabled(not self.retraining.hindrance and not self.retraining.is_running)

    def _read_curve(self) -> None:
        project, cutouts = self._session.project, self._session.dataset.cutouts
        if project is None or cutouts is None:
            return
        runs = project.runs()
        if self._read != (cutouts.path, len(runs)):
            self._read = (cutouts.path, len(runs))
            self._curve.start(work.read_labelling_curve(cutouts.path, runs, project.folder / "studies"))

    def _show_curve(self, curve: LabellingCurve) -> None:
        self.plot.set_curve(curve)

    def _show_state(self) -> None:
        running = self.work.is_running
        has_network = self._session.carried.path is not None
        self.suggest.setEnabled(not running and has_network and not self.form.problem)
        tip = "Propose galaxies to label." if has_network else "Choose a network first."
        self.suggest.setToolTip(self.form.problem or tip)
