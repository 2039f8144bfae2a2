"""Why? The clicked galaxy, what the network says of it, and where in the image the evidence lies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app import work
from app.forms import SettingsForm
from app.jobs import Job, Latest
from app.session import Session
from app.theme import class_colours, icon
from app.widgets.empty_state import EmptyState
from app.widgets.fold import Fold
from app.widgets.image_view import ImageView
from app.widgets.score_bars import ScoreBars
from core.data.stretch import colour_planes, suited, to_rgb
from core.data.target import Classes, Quantities, columns_of, label_text
from core.errors import Problem
from core.events import CheckpointSaved, Preview
from core.explain.settings import GradientSettings, OcclusionSettings

if TYPE_CHECKING:
    from core.evaluate.predict import Predictions
    from core.explain.explanation import Explanation

Method = Literal["occlusion", "integrated-gradients"]
_MAP_COLOURS = "blue-red"
_PERCENTILE = 99.5  # of |map|: the end of the colour scale


class MapView:
    """One explanation over the image, with its title and a line that says how it was made."""

    def __init__(self, title: str) -> None:
        self.explanation: Explanation | None = None
        self._opacity = 0.6
        self.view = ImageView()
        self.title = QLabel(title)
        self.title.setProperty("role", "heading")
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")

    def set_opacity(self, opacity: float) -> None:
        """Let the image shine through: 0 shows it alone, 1 the map alone."""
        self._opacity = opacity
        self._draw()

    def show_map(self, explanation: Explanation, note: str) -> None:
        """Show a coarse or finished map."""
        self.explanation = explanation
        self.note.setText(note)
        self._draw()

    def clear(self, note: str = "") -> None:
        """Take the map away."""
        self.explanation = None
        self.note.setText(note)
        self._draw()

    def _draw(self) -> None:
        if self.explanation is None:
            self.view.set_overlay(None)
            return
        field = self.explanation.map
        limit = float(np.percentile(np.abs(field), _PERCENTILE)) or float(np.abs(field).max()) or 1.0
        self.view.set_overlay(field, limit, self._opacity, _MAP_COLOURS)


class ExplanationPanel(QWidget):
    """Prediction, occlusion map and integrated gradients of the current galaxy, renewed as a training goes on.

    Parameters
    ----------
    session
        Its current galaxy is explained with its current predictor.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("explanation")
        self._session = session
        self._checkpoint: Path | None = None  # of the training that runs
        self._follows = False
        self._stale = True
        self._prediction = Latest(self)
        self._requests: dict[Method, Latest] = {"occlusion": Latest(self), "integrated-gradients": Latest(self)}
        self._predictions: Predictions | None = None
        self._build()
        self._connect()
        if session.training is not None:
            self._follow(session.training)
        self.refresh()

    def _build(self) -> None:
        self.image = ImageView()
        self.maps: dict[Method, MapView] = {
            "occlusion": MapView("Occlusion sensitivity"),
            "integrated-gradients": MapView("Integrated gradients"),
        }
        self.forms: dict[Method, SettingsForm] = {
            "occlusion": SettingsForm(OcclusionSettings),
            "integrated-gradients": SettingsForm(GradientSettings),
        }
        self.galaxy = QLabel()
        self.galaxy.setProperty("role", "heading")
        self.galaxy.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.truth = QLabel()
        self.bars = ScoreBars()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setProperty("role", "muted")
        self.outputs = QComboBox()
        self.outputs.setToolTip("The class whose evidence is shown.")
        self.outputs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(60)
        self.opacity.setMaximumWidth(160)
        self.opacity.setToolTip("How much of the map lies over the image.")
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save…")
        self.save.setToolTip("Write both maps as FITS and as pictures.")

        self.empty = EmptyState(
            "mdi6.magnify-scan",
            "No network yet",
            "Train a network, or open an earlier run. Then click a galaxy, and its evidence appears here.",
            "",
        )
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._controls())
        column.addLayout(self._pictures(), 1)
        column.addWidget(self._fold())
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(content)
        whole = QVBoxLayout(self)
        whole.addLayout(self._stack)

    def _controls(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.addWidget(QLabel("Evidence for"))
        line.addWidget(self.outputs)
        line.addSpacing(12)
        line.addWidget(QLabel("Map opacity"))
        line.addWidget(self.opacity)
        line.addStretch(1)
        line.addWidget(self.save)
        return line

    def _pictures(self) -> QGridLayout:
        """Three columns, the pictures side by side at one height."""
        said = QVBoxLayout()
        said.addWidget(self.truth)
        said.addWidget(self.bars)
        said.addWidget(self.message)
        said.addStretch(1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setRowStretch(1, 1)
        grid.addWidget(self.galaxy, 0, 0)
        grid.addWidget(self.image, 1, 0)
        grid.addLayout(said, 2, 0)
        for column, view in enumerate(self.maps.values(), 1):
            grid.addWidget(view.title, 0, column)
            grid.addWidget(view.view, 1, column)
            grid.addWidget(view.note, 2, column, Qt.AlignmentFlag.AlignTop)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        return grid

    def _fold(self) -> Fold:
        inside = QWidget()
        line = QHBoxLayout(inside)
        line.setContentsMargins(0, 0, 0, 0)
        for form in self.forms.values():
            line.addWidget(form, 1, Qt.AlignmentFlag.AlignTop)
        return Fold("How the maps are made", inside)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing running."""
        for request in self.findChildren(Latest):
            request.close()
        super().closeEvent(event)

    def _connect(self) -> None:
        session = self._session
        session.current_changed.connect(self.refresh)
        session.cutouts_changed.connect(self.refresh)
        session.predictor_changed.connect(self._show_open_run)
        session.job_started.connect(self._follow)
        self._prediction.finished.connect(self._show_prediction)
        self._prediction.failed.connect(self._show_problem)
        self.outputs.activated.connect(self._explain_both)
        self.opacity.valueChanged.connect(self._fade)
        self.save.clicked.connect(self._save)
        for method, request in self._requests.items():
            request.happened.connect(partial(self._happened, method))
            request.finished.connect(partial(self._show_map, method, coarse=False))
            request.failed.connect(partial(self._map_failed, method))
            self.forms[method].changed.connect(partial(self._explain, method))

    # -- what to explain, and with which weights -------------------------------------------------------------------

    @property
    def _predictor(self) -> Path | None:
        """The newest weights of the running training, or else those of the open run."""
        return self._checkpoint or self._session.predictor_path

    def _follow(self, job: Job) -> None:
        """While a training runs, explain with the weights of its last finished epoch."""
        if job is self._session.training:
            self._follows = True
            job.happened.connect(self._trained)
            job.ended.connect(self._show_open_run)

    def _trained(self, events: Sequence[object]) -> None:
        saved = [event for event in events if isinstance(event, CheckpointSaved)]
        if saved and self._follows:
            self._checkpoint = saved[-1].path
            self.refresh()

    def _show_open_run(self) -> None:
        """Another run was opened: stay with it, even if a training goes on."""
        self._follows, self._checkpoint = False, None
        self.refresh()

    # -- asking ----------------------------------------------------------------------------------------------------

    def refresh(self, _row: Any = None) -> None:
        """Predict and explain the current galaxy anew, or later if nobody can see it now; drop older requests."""
        self._stale = not self.isVisible()
        cutouts, row, predictor = self._session.cutouts, self._session.current, self._predictor
        for request in (self._prediction, *self._requests.values()):
            request.stop()
        if self._stale:
            return
        ready = cutouts is not None and predictor is not None and row >= 0
        self._stack.setCurrentIndex(1 if ready else 0)
        self._explain_emptiness()
        if cutouts is None or predictor is None or row < 0:
            return
        scale = float(cutouts.pixel_scale[row])
        planes = colour_planes([band.name for band in cutouts.bands])
        picture = to_rgb(cutouts.images[row], suited(cutouts.is_picture), planes)
        another = self.galaxy.text() != cutouts.ids[row]
        self.galaxy.setText(cutouts.ids[row])
        self.image.set_image(picture, scale)
        for view in self.maps.values():
            view.view.set_image(picture, scale)
            if another:
                view.clear("…")
        if another:
            self.bars.clear()
            self.truth.clear()
        self._prediction.start(work.predict(predictor, cutouts.path, np.array([row])))

    def _explain_emptiness(self) -> None:
        if self._session.cutouts is None:
            self.empty.set_text("Nothing to explain yet", "Open a dataset and train a network first.")
        elif self._predictor is None:
            self.empty.set_text(
                "No network yet", "Train a network or open an earlier run; maps appear after its first epoch."
            )
        else:
            self.empty.set_text("No galaxy chosen", "Click a galaxy in the gallery.")

    def _show_prediction(self, predictions: Predictions) -> None:
        self._predictions = predictions
        self.message.clear()
        target, names, scores = predictions.target, predictions.names, predictions.scores[0]
        truth = self._truth(target)
        if isinstance(target, Quantities):
            self.bars.set_quantities(names, list(scores), target.units)
        else:
            self.bars.set_shares(names, list(scores), class_colours(len(names)), truth)
        self.truth.setText(f"Label: {truth}" if truth else "No label")
        best = names[int(np.argmax(scores))] if not isinstance(target, Quantities) else names[0]
        chosen = self.outputs.currentData()
        self.outputs.clear()
        if not isinstance(target, Quantities):
            self.outputs.addItem(f"{best} (predicted)", None)
        for name in names:
            self.outputs.addItem(name, name)
        self.outputs.setCurrentIndex(max(0, self.outputs.findData(chosen)) if chosen is not None else 0)
        self._explain_both()

    def _truth(self, target: Any) -> str:
        columns, row = self._session.columns, self._session.current
        if any(name not in columns for name in columns_of(target)):
            return ""
        values = [columns[name][row] for name in columns_of(target)]
        if isinstance(target, Classes):
            return label_text(values[0])
        return ", ".join(f"{name} {float(value):.3g}" for name, value in zip(columns_of(target), values, strict=True))

    @property
    def _output(self) -> str:
        """The output whose evidence is asked for: the chosen one, or the most probable."""
        chosen = self.outputs.currentData()
        if chosen is not None or self._predictions is None:
            return chosen or ""
        return self._predictions.names[int(np.argmax(self._predictions.scores[0]))]

    def _explain_both(self) -> None:
        for method in self._requests:
            self._explain(method)

    def _explain(self, method: Method, _settings: object = None) -> None:
        cutouts, row, predictor = self._session.cutouts, self._session.current, self._predictor
        form = self.forms[method]
        if cutouts is None or predictor is None or row < 0 or not self._output or form.problem:
            return
        job = work.explain(method, predictor, cutouts.path, row, self._output, form.value())
        self._requests[method].start(job)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _happened(self, method: Method, events: Sequence[object]) -> None:
        previews = [event.what for event in events if isinstance(event, Preview)]
        if previews:
            self._show_map(method, previews[-1], coarse=True)  # pyright: ignore[reportArgumentType]

    def _show_map(self, method: Method, explanation: Explanation, *, coarse: bool) -> None:
        note = f"Evidence for {explanation.target_name}; score {explanation.score:.2f}"
        if method == "integrated-gradients":
            note += f", baseline {explanation.baseline_score:.2f}"
            if explanation.error is not None:
                note += f". Completeness error {100 * explanation.error:.2g} %"
        else:
            note += ". Red: covering it lowers the score"
        self.maps[method].show_map(explanation, "First look…" if coarse else f"{note}.")

    def _map_failed(self, method: Method, problem: object) -> None:
        self.maps[method].clear(_sentence(problem))

    def _show_problem(self, problem: object) -> None:
        self.bars.clear()
        self.message.setText(_sentence(problem))
        for view in self.maps.values():
            view.clear()

    def _fade(self, percent: int) -> None:
        for view in self.maps.values():
            view.set_opacity(percent / 100)

    def _save(self) -> None:
        cutouts, row = self._session.cutouts, self._session.current
        found = [view.explanation for view in self.maps.values() if view.explanation is not None]
        if cutouts is None or not found:
            return
        folder = QFileDialog.getExistingDirectory(self, "Folder for the maps")
        if folder:
            job = work.save_explanations(found, cutouts.path, row, Path(folder))
            job.finished.connect(lambda paths: self._session.message.emit(f"{len(paths)} files saved in {folder}."))
            job.failed.connect(self._session.report)
            self._session.add_job(job)
            job.start()


def _sentence(problem: object) -> str:
    return f"{problem.sentence} {problem.remedy}".strip() if isinstance(problem, Problem) else str(problem)
