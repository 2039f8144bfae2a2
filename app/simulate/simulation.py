"""Simulate galaxies: preset and priors, sixteen of them beside a real one, and the making of a dataset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.jobs.job import Job, Latest
from app.panel import saving
from app.panel.panel import Panel
from app.session.session import Session
from app.simulate import work
from app.simulate.sentences import describe_galaxies, describe_histograms, describe_size
from app.simulate.widgets.comparison import Comparison
from app.simulate.widgets.make_bar import MakeBar
from app.simulate.widgets.prior_editor import PriorEditor
from app.simulate.widgets.simulation_form import SimulationForm
from app.simulate.widgets.unfinished_line import UnfinishedLine
from app.widgets.job_bar import format_duration
from app.widgets.responsive_split import Scrollable
from core.errors import Problem
from core.events import Skipped
from core.project.files import write_atomically
from core.settings import toml
from core.simulate.priors import Prior
from core.simulate.settings import SimulationSettings
from core.wording import count_of

if TYPE_CHECKING:
    from core.simulate.preview import LiveGrid

_GRID = 16  # galaxies
_SETTLED = 500  # ms after the last change: then noise and sizes are measured
_FORM = 396  # pixels
_SETTINGS = "Settings (*.toml)"
_NOT_SHOWN = (None, -2)


class SimulationPanel(Panel):
    """Settings and the button that makes the galaxies on the left, what they look like on the right.

    Parameters
    ----------
    session
        Its current galaxy is shown for comparison; the finished dataset is opened in it.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "simulation", parent=parent)
        self._drawn: SimulationSettings | None = None  # of the grid, shown or on its way
        self._measured: SimulationSettings | None = None
        self._measured_data: tuple[Path, int] | None = None
        self._simulated: work.Sample | None = None
        self._real: work.Sample | None = None
        self._shown_real: tuple[object, int] = _NOT_SHOWN  # dataset and row
        self._own_name = ""  # what was proposed, as long as the user has typed no other name
        self._looked_in: Path | None = None  # for what is unfinished
        self._made: Path | None = None  # what was made here and opened
        self._job: Job | None = None
        self._grid = self._make_request(self._show_grid, self._refuse_grid)
        self._sample = self._make_request(self._show_simulated, self._refuse_grid)
        self._real_sample = self._make_request(self._show_real_sample, self._refuse_real)
        self._unfinished = self._make_request(self._show_unfinished)
        self._going_on = self._make_request(self._go_on)
        self._removing = self._make_request(lambda _path: self._look_for_unfinished())
        self._densities: dict[PriorEditor, Latest] = {}
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._measure)
        self._build()
        self._connect()
        self._show_dataset()
        self.refresh()

    def _build(self) -> None:
        content = QWidget(self)
        side = QWidget(content)
        self.form = SimulationForm(side)
        self.making, self.unfinished = MakeBar(self.state), UnfinishedLine()
        self.comparison = Comparison(content)
        self.area = Scrollable(self.form, side)
        self.area.setMinimumHeight(160)
        side.setFixedWidth(_FORM)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.area, 1)
        column.addWidget(self.unfinished)
        column.addWidget(self.making)
        line = QHBoxLayout(content)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(14)
        line.addWidget(side)
        line.addWidget(self.comparison, 1)
        self._set_content(content)
        self.comparison.show_seed(self.form.value.seed)
        self.form.edit(count=int(self.making.count.value() or 1))

    def _connect(self) -> None:
        session, form, making = self._session, self.form, self.making
        session.keep_undo(form)
        form.changed.connect(self.refresh)
        form.problem_changed.connect(self._show_state)
        form.density_wanted.connect(self._read_density)
        form.save_wanted.connect(self._save_settings)
        form.load_wanted.connect(self._load_settings)
        making.edited.connect(self._edited)
        making.make_wanted.connect(self.make)
        making.stop_wanted.connect(self._stop)
        making.train_wanted.connect(lambda: session.workspace_wanted.emit("train"))
        self.comparison.seed_chosen.connect(lambda seed: self.form.edit(seed=seed))
        self.comparison.stepped.connect(self._step)
        self.comparison.band_chosen.connect(self.refresh)
        self.unfinished.go_on_wanted.connect(lambda path: self._going_on.start(work.read_unfinished(path)))
        self.unfinished.remove_wanted.connect(lambda path: self._removing.start(work.remove_unfinished(path)))
        self.work.happened.connect(self._show_progress)
        self.work.ended.connect(self._look_for_unfinished)
        self.work.finished.connect(self._finish)
        session.dataset.changed.connect(self._show_dataset)
        session.current_changed.connect(self.refresh)
        session.project_changed.connect(self._show_state)
        session.project_changed.connect(self._look_for_unfinished)

    # -- simulated galaxies ----------------------------------------------------------------------------------------

    @property
    def settings(self) -> SimulationSettings:
        """What would be made now."""
        return self.form.value

    def _renew(self) -> None:
        """Draw what has changed: the grid at once, noise and sizes when no more changes come."""
        if self.making.count.value() != self.form.value.count:
            self.making.count.set_value(self.form.value.count)
        settings = self.form.value.model_copy(update={"count": _GRID})  # how many are made changes none of them
        self.comparison.show_seed(settings.seed)
        if settings != self._drawn:
            self._drawn, self._measured = settings, None
            self._sample.stop()  # of what is no longer asked for
            self._grid.start(work.draw_grid(settings, _GRID))
        if settings != self._measured or self._data_to_measure != self._measured_data:
            self._settle.start()
        self._show_real()
        self._show_state()
        if self._looked_in != self._datasets:
            self._look_for_unfinished()

    def _show_grid(self, grid: LiveGrid) -> None:
        if self._drawn is None:
            return
        bands = [band.name for band in grid.bands]
        tips = describe_galaxies(grid.columns, grid.units, len(grid.stamps))
        self.comparison.show_remarks(grid.remarks)
        self.comparison.set_simulated(grid.stamps, bands, self._drawn.instrument.pixel_scale, tips)
        self.comparison.say("")

    def _refuse_grid(self, problem: object) -> None:
        self._drawn = self._measured = None
        self.comparison.say(self._describe(problem))

    def _read_density(self, editor: PriorEditor, prior: Prior) -> None:
        if editor not in self._densities:
            self._densities[editor] = self._make_request(
                lambda found, editor=editor: editor.set_density(*found), self._refuse_grid
            )
        self._densities[editor].start(work.read_density(prior))

    # -- real galaxies ---------------------------------------------------------------------------------------------

    def _show_dataset(self) -> None:
        """Show another dataset, or none."""
        cutouts = self._session.dataset.cutouts
        self._real, self._shown_real, self._measured_data = None, _NOT_SHOWN, None
        self._real_sample.stop()
        if cutouts is not None:
            self.comparison.set_real_bands([band.name for band in cutouts.bands], self.form.value.instrument.band)
            if cutouts.path == self._made:
                self._prepare_training()
        self.refresh()

    def _show_real(self) -> None:
        cutouts, row = self._session.dataset.cutouts, self._session.current
        if (shown := (cutouts, row)) == self._shown_real:
            return
        self._shown_real = shown
        if cutouts is None or not 0 <= row < len(cutouts):
            self.comparison.set_real(None, math.nan, "")
        else:
            self.comparison.set_real(cutouts.images[row], float(cutouts.pixel_scale[row]), cutouts.ids[row])

    def _step(self, by: int) -> None:
        cutouts = self._session.dataset.cutouts
        if cutouts is not None and len(cutouts):
            self._session.set_current((self._session.current + by) % len(cutouts))

    # -- noise and sizes -------------------------------------------------------------------------------------------

    @property
    def _data_to_measure(self) -> tuple[Path, int] | None:
        cutouts = self._session.dataset.cutouts
        return None if cutouts is None or not len(cutouts) else (cutouts.path, self.comparison.compared_band)

    def _measure(self) -> None:
        if self._drawn is not None and self._drawn != self._measured:
            self._measured = self._drawn
            self._sample.start(work.measure_simulated(self._drawn))
        data = self._data_to_measure
        if data != self._measured_data:
            self._measured_data, self._real = data, None
            if data is not None:
                self._real_sample.start(work.measure_real(*data))
        self._show_histograms()
        if self._sample.is_running:
            self.comparison.legend.setText("Measuring what you have changed…")

    def _show_simulated(self, sample: work.Sample) -> None:
        self._simulated = sample
        self._show_histograms()

    def _show_real_sample(self, sample: work.Sample) -> None:
        self._real = sample
        self._show_histograms()

    def _refuse_real(self, problem: object) -> None:
        self.comparison.legend.setText(self._describe(problem))

    def _show_histograms(self) -> None:
        simulated, real = self._simulated, self._real
        if simulated is None:
            return
        noise, size, said = describe_histograms(simulated, real, is_open=self._data_to_measure is not None)
        for plot, histogram in ((self.comparison.noise_plot, noise), (self.comparison.size_plot, size)):
            if isinstance(histogram, str):
                plot.say(histogram)
            else:
                plot.set_samples(*histogram)
        self.comparison.legend.setText(said)

    # -- making ----------------------------------------------------------------------------------------------------

    @property
    def _hindrance(self) -> str:
        """The reason why nothing can be made; empty if it can."""
        name, project = self.making.name.text().strip(), self._session.project
        if self.form.problem:
            return self.form.problem
        if not name:
            return "Name the dataset."
        if project is not None and project.dataset_path(name).exists():
            return f"There is a dataset “{name}” in this project already: choose another name."
        return ""

    def _edited(self) -> None:
        count = int(self.making.count.value() or 1)
        if count != self.form.value.count:
            self.form.edit(count=count)
        self._own_name = self._own_name if self.making.name.text() == self._own_name else ""
        self._show_state()

    def _propose_name(self) -> None:
        """Name the dataset after the instrument, unless the user has named it."""
        if self.making.name.text() not in ("", self._own_name) or self.making.name.hasFocus():
            return
        instrument, project = self.form.value.instrument, self._session.project
        base = f"Simulated {instrument.name} {instrument.band}".replace("/", " ").strip()
        name, number = base, 2
        while project is not None and project.dataset_path(name).exists():
            name, number = f"{base} ({number})", number + 1
        self._own_name = name
        self.making.name.setText(name)

    def _show_state(self) -> None:
        running = self.work.is_running
        if not running:
            self._propose_name()
        cutouts, hindrance = self._session.dataset.cutouts, "" if running else self._hindrance
        is_open = self._made is not None and cutouts is not None and cutouts.path == self._made
        self.making.show_state(running=running, hindrance=hindrance, is_open=is_open)
        self.making.show_expected(hindrance, describe_size(self.settings))

    def make(self) -> None:
        """Make the galaxies, in a project of their own where none is open."""
        name = self.making.name.text().strip()
        if self.work.is_running or self._hindrance:
            return
        if self._session.project is None:
            self._session.project_wanted.emit(name)
        project, name = self._session.project, self.making.name.text().strip()  # another one where there was such
        if project is None or self._hindrance:  # the window has said why, or the bar does
            return
        self._made = None
        self._job = job = work.make(self.settings, project.dataset_path(name))
        job.ended.connect(self._forget_job)
        self._begin(job)
        self.unfinished.show_unfinished([])

    # -- what was interrupted --------------------------------------------------------------------------------------

    @property
    def _datasets(self) -> Path | None:
        project = self._session.project
        return None if project is None else project.dataset_path("any").parent

    def _look_for_unfinished(self) -> None:
        """Look for simulations that were interrupted in the project; the one that runs is none."""
        self._looked_in = self._datasets
        if self._looked_in is None or self.work.is_running:
            self.unfinished.show_unfinished([])
        else:
            self._unfinished.start(work.list_unfinished(self._looked_in))

    def _show_unfinished(self, found: Sequence[tuple[Path, int, int]]) -> None:
        self.unfinished.show_unfinished([] if self.work.is_running else found)

    def _go_on(self, read: tuple[Path, SimulationSettings]) -> None:
        """Take the settings of an unfinished simulation over, and make the rest of it."""
        path, settings = read
        self.form.set_value(settings)
        self._own_name = ""
        self.making.name.setText(path.stem)
        self.refresh()
        self.make()

    def _forget_job(self) -> None:
        self._job = None

    def _stop(self) -> None:
        self.work.stop()
        self.making.stop.setEnabled(False)
        self.state.setText("Stopping… What is done is kept: Make goes on with it.")

    def _show_progress(self, events: Sequence[object]) -> None:
        for event in events:
            if isinstance(event, Skipped):
                self._session.message.emit(event.problem.text)
        job = self._job
        if job is not None and job.time_left is not None and not job.stopping:
            self.state.setText(f"{self.state.text()} · {format_duration(job.time_left)} left")

    def _finish(self, path: object) -> None:
        """Open what was made if the user waits for it here, and otherwise tell that it is there."""
        if not isinstance(path, Path):  # of another job
            return
        self.state.clear()
        project = self._session.project
        if project is None or path.parent.parent != project.folder:
            self._session.message.emit(f"“{path.stem}” is made, in the project “{path.parent.parent.name}”.")
            return
        if self.isVisible() or self._session.dataset.cutouts is None:
            self._made = path
            self._session.dataset_wanted.emit(path)
        else:
            self._session.message.emit(f"“{path.stem}” is made: open it in the list of datasets.")

    def _prepare_training(self) -> None:
        """Have all that was simulated learned as quantities with error bars."""
        cutouts = self._session.dataset.cutouts
        assert cutouts is not None
        values: dict[str, Any] = {"data.labels": (), "data.kind": "auto", "loss.quantities": "gaussian"}
        self._session.draft.edit_together(values)
        self.state.setText(f"{count_of(len(cutouts), 'galaxy')} made and opened. Next: train a network on them.")

    # -- settings as a file ----------------------------------------------------------------------------------------

    def _save_settings(self) -> None:
        path = saving.ask_path(self, self._session, "Save settings", "simulation.toml", _SETTINGS)
        if path is None:
            return
        try:
            write_atomically(path, toml.dumps(self.settings))
        except Problem as problem:
            self._session.report(problem)
            return
        count = self.settings.count
        self._session.message.emit(f"“tuningfork simulate --settings {path.name} -n {count} -o DATA.h5” makes these.")

    def _load_settings(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load settings", "", _SETTINGS)
        if not path:
            return
        try:
            settings = toml.load(SimulationSettings, Path(path))
        except Problem as problem:
            self._session.report(problem)
            return
        self.form.set_value(settings)
