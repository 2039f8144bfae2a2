"""Refiner: simulated stamps are made to look like those of a survey, seen live, with their photometry guarded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.adapt import refiner_work as work
from app.adapt.dataset_chooser import DatasetChooser
from app.adapt.widgets.pixel_plot import fit_height
from app.adapt.widgets.refined_rows import RefinedRows
from app.adapt.widgets.refiner_plots import RefinerPlots
from app.panel.panel import Panel
from app.session.session import Session
from app.theme import icon
from app.widgets.focus_guard import keep_from_focus
from app.widgets.message_line import MessageLine
from app.widgets.number_table import NumberTable
from app.widgets.responsive_split import Scrollable
from app.widgets.split_form import SplitForm
from core.adapt.refiner.settings import RefinerSettings
from core.events import Preview, Skipped
from core.project.files import file_name
from core.wording import capitalised, with_minus

if TYPE_CHECKING:
    from core.adapt.refiner.folder import RefinerResult
    from core.adapt.refiner.guard import DriftLine
    from core.adapt.refiner.training import RefinedPreview

_SIDE = 372  # pixels
_FIRST = (
    *("epochs", "regularisation", "photometry", "most_flux", "most_radius", "most_axis_ratio", "most_angle"),
    "beyond",
)
_HEAD = ("Change of", "galaxies", "median", "68 % within", "worst", "limit")
_FOLDER = "refiners"  # of the project
_TRAIN = "Two networks: one changes simulated stamps, the other tells them from real ones."
_ABOUT = "Held-out galaxies show whether refined stamps can still be told from real ones."


class RefinerPanel(Panel):
    """Datasets, settings and buttons on the left; curves, pictures and the drift of photometry on the right.

    Parameters
    ----------
    session
        In its project the refiner and the refined dataset are kept.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "refiner", parent=parent)
        self._found: work.FoundRefiner | None = None
        self._is_real_chosen = False  # by the user, and not as the open dataset
        self._looking = self._make_request(self._show_found)
        self._build()
        self._connect()
        self._propose()
        self.refresh()

    def _build(self) -> None:
        self.simulated = DatasetChooser(self._session, "Simulated galaxies")
        self.simulated.setToolTip("Galaxies whose labels are known, such as those of the Simulate workspace.")
        self.real = DatasetChooser(self._session, "Real galaxies")
        self.real.setToolTip("Galaxies of the survey that the simulated ones shall look like. Labels are not needed.")
        self.form = SplitForm(RefinerSettings, _FIRST, "More")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the refiner")
        self.name.setToolTip("Of the refiner and of the refined dataset. An interrupted one goes on under its name.")
        self.train = QPushButton(icon("mdi6.creation-outline", "on_accent"), "Train refiner")
        self.train.setProperty("role", "primary")
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.stop.setToolTip("The best weights so far are kept and tested; Train goes on with them.")
        keep_from_focus(self.stop)
        self.make = QPushButton(icon("mdi6.database-outline"), "Make dataset")
        self.hint = MessageLine(2, grows=True)
        self.plots, self.rows = RefinerPlots(), RefinedRows()
        self.verdict = MessageLine(3, "", grows=True, insists=True)
        self.drift = NumberTable()
        self.drift.setToolTip(
            "Of held-out galaxies, or of the whole refined dataset once it is made. A change beyond the limit stays "
            "only where noise explains it."
        )
        content = QWidget()
        line = QHBoxLayout(content)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(14)
        line.addWidget(self._build_side())
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self.plots, 1)
        column.addWidget(self.verdict)
        column.addWidget(self.rows, 1)
        column.addWidget(self.drift)
        line.addLayout(column, 1)
        self._set_content(content)
        self._fill_drift([])

    def _build_side(self) -> QWidget:
        side = QWidget()
        side.setFixedWidth(_SIDE)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        choice = QFormLayout()
        choice.addRow("Simulated", self.simulated)
        choice.addRow("Real", self.real)
        column.addLayout(choice)
        area = Scrollable(self.form)
        area.setMinimumHeight(120)
        column.addWidget(area, 1)
        named = QFormLayout()
        named.addRow("Name", self.name)
        column.addLayout(named)
        column.addWidget(self.hint)
        buttons = QHBoxLayout()
        for button, stretch in ((self.train, 1), (self.stop, 0), (self.make, 0)):
            buttons.addWidget(button, stretch)
        column.addLayout(buttons)
        column.addWidget(self.state)
        return side

    def _connect(self) -> None:
        session = self._session
        session.keep_undo(*self.form.parts)
        for chooser in (self.simulated, self.real):
            chooser.chosen.connect(self._show_state)
        self.real.activated.connect(self._take_real)
        self.name.textChanged.connect(self._look)
        self.train.clicked.connect(lambda _checked=False: self.begin_training())
        self.stop.clicked.connect(lambda _checked=False: self._stop())
        self.make.clicked.connect(lambda _checked=False: self.make_dataset())
        self.work.happened.connect(self._show_events)
        self.work.finished.connect(self._finish)
        self.work.ended.connect(self._look)
        session.project_changed.connect(self._change_project)
        session.dataset.changed.connect(self.refresh)

    # -- what is chosen --------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path | None:
        """Of the refiner of this name; None without a project or a name."""
        project, name = self._session.project, file_name(self.name.text())
        return None if project is None or not name else project.folder / _FOLDER / name

    @property
    def output(self) -> Path | None:
        """The refined dataset of this name."""
        project, name = self._session.project, file_name(self.name.text())
        return None if project is None or not name else project.dataset_path(name)

    def _change_project(self) -> None:
        """Choose from the datasets of another project."""
        self._is_real_chosen = False
        for chooser in (self.simulated, self.real):
            chooser.choose(None)
        self._propose()

    def _propose(self) -> None:
        """Propose the open dataset as the real one, and the newest simulated one of the project."""
        cutouts, project = self._session.dataset.cutouts, self._session.project
        there = [] if project is None else project.datasets()
        if self.real.path is None and cutouts is not None:
            self.real.choose(cutouts.path)
        others = [path for path in there if path != self.real.path]
        simulated = [path for path in others if _is_simulated(path)]
        if self.simulated.path is None and simulated:
            self.simulated.choose(simulated[-1])
        if not self.name.text():
            self.name.setText("Refined")
        self._look()

    def _renew(self) -> None:
        for chooser in (self.simulated, self.real):
            chooser.show_datasets()
        if self.real.path is None:
            self._propose()
        self._follow_dataset()
        self._show_state()

    def _follow_dataset(self) -> None:
        """Take the open dataset as the real one, as all panels of the room do, until the user chooses another."""
        cutouts = self._session.dataset.cutouts
        if cutouts is None or self._is_real_chosen or self.work.is_running or _is_simulated(cutouts.path):
            return
        if cutouts.path not in (self.real.path, self.simulated.path):
            self.real.choose(cutouts.path)

    def _take_real(self, _place: int) -> None:
        self._is_real_chosen = True

    @property
    def _hindrance(self) -> str:
        """Why no refiner can be trained now; empty: it can."""
        if self._session.project is None:
            return "Open a project first, in which the refiner is kept."
        if self.simulated.path is None or self.real.path is None:
            return "Choose a simulated and a real dataset."
        if self.simulated.path == self.real.path:
            return "Choose two different datasets."
        if self.folder is None:
            return "Name the refiner."
        return self.form.problem

    def _show_state(self) -> None:
        running, hindrance, found = self.work.is_running, self._hindrance, self._found
        usable = found is not None and found.is_usable and found.folder == self.folder
        for widget in (self.simulated, self.real, self.form, self.name):
            widget.setEnabled(not running)
        goes_on = usable and found is not None and bool(found.history)
        self.train.setText("Train on" if goes_on else "Train refiner")
        done = found.history[-1].epoch if goes_on and found is not None else 0
        self.train.setToolTip(f"Goes on after epoch {done}, if more epochs are asked for." if goes_on else _TRAIN)
        self.train.setEnabled(not running and not hindrance)
        self.stop.setEnabled(running)
        is_made = self.output is not None and self.output.exists()
        self.make.setEnabled(usable and not running and self.simulated.path is not None and not is_made)
        if is_made:
            self.make.setToolTip(f"There is a dataset “{self.name.text().strip()}” already: choose another name.")
        elif usable:
            self.make.setToolTip(f"Refine the simulated galaxies as the dataset “{self.name.text().strip()}”.")
        else:
            self.make.setToolTip("Train a refiner first.")
        self.hint.say(hindrance if hindrance and not running else _ABOUT, "muted")

    # -- what there is ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Look for a refiner of this name."""
        folder = self.folder
        if folder is not None and not self.work.is_running:
            self._looking.start(work.find(folder))
        self._show_state()

    def _show_found(self, found: work.FoundRefiner) -> None:
        if self.work.is_running or found.folder != self.folder:
            return
        changed = self._found is None or self._found.folder != found.folder
        self._found = found
        self.plots.set_history(found.history)
        if changed:
            self.rows.clear()
        if found.result is not None:
            self.verdict.setText(describe_result(found.result))
            self._show_drift(found.result.drift)
        elif changed:
            self.verdict.clear()
            self._fill_drift([])
        self._show_state()

    def _show_drift(self, lines: Sequence[DriftLine]) -> None:
        self._fill_drift([describe_drift(line) for line in lines])

    def _fill_drift(self, rows: Sequence[tuple[str, ...]]) -> None:
        self.drift.fill(_HEAD, rows)
        fit_height(self.drift)  # plots and pictures give way

    # -- work ------------------------------------------------------------------------------------------------------

    def begin_training(self) -> None:
        """Train the refiner, or go on with it."""
        simulated, real, folder = self.simulated.path, self.real.path, self.folder
        if self.work.is_running or self._hindrance or simulated is None or real is None or folder is None:
            return
        self.verdict.clear()
        self._begin(work.train(self.form.value(), simulated, real, folder))

    def make_dataset(self) -> None:
        """Refine the simulated dataset."""
        simulated, folder, output = self.simulated.path, self.folder, self.output
        if self.work.is_running or simulated is None or folder is None or output is None:
            return
        self._begin(work.refine(folder, simulated, output))

    def _stop(self) -> None:
        self.work.stop()
        self.stop.setEnabled(False)
        self.state.setText("Stopping…")

    def _show_events(self, events: Sequence[object]) -> None:
        shown: RefinedPreview | None = None
        for event in events:
            if isinstance(event, Skipped):
                self._session.message.emit(event.problem.text)
            elif isinstance(event, Preview):
                shown = event.what  # pyrefly: ignore[bad-assignment] - the only kind that this work shows
                assert shown is not None
                self.plots.add(shown.numbers)
        if shown is not None:
            self.rows.set_stamps((shown.simulated, shown.refined, shown.real))
            self._show_drift(shown.drift)
            self.verdict.setText(capitalised(shown.sentence))

    def _finish(self, done: RefinerResult | work.MadeDataset) -> None:
        if isinstance(done, work.MadeDataset):
            self.state.setText(f"“{done.path.stem}” is in the project’s datasets: {done.sentence}")
            self._show_drift(done.drift)
            return
        self.state.setText("Stopped; Train goes on." if done.reason == "stopped" else "")
        self.verdict.setText(describe_result(done))
        self._show_drift(done.drift)


def _is_simulated(path: Path) -> bool:
    """Whether a dataset is called a simulation."""
    return "simulat" in path.stem.casefold()


def describe_result(result: RefinerResult) -> str:
    """The two-sample tests, with what they are to be compared with."""
    before, after, alone = (
        f"{100 * test.accuracy:.0f} ± {100 * test.error:.0f} %"
        for test in (result.before, result.after, result.population)
    )
    return (
        f"{result.verdict} Told from real galaxies: {before} as simulated, {after} refined (epoch {result.epoch}; "
        f"{result.after.galaxies} of each that nothing was learned from or chosen by; chance 50 %). By flux, size and "
        f"axis ratio alone, which must not change: {alone}. {result.within} of {result.galaxies} within all limits at "
        "once."
    )


def describe_drift(line: DriftLine) -> tuple[str, ...]:
    """A line of the table."""
    unit = f" {line.unit}" if line.unit == "%" else line.unit
    numbers = [
        "–" if value != value else with_minus(f"{value:.2g}{unit}")
        for value in (line.median, line.typical, line.worst, line.limit)
    ]
    return line.title, f"{line.galaxies:,}", *numbers
