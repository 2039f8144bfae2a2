"""What the filters look for: the galaxies that excite each one most, and what the current one does to them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app import inside
from app.jobs import Job, Latest
from app.session import Session
from app.theme import icon
from app.widgets.empty_state import EmptyState
from app.widgets.filter_cards import FilterCards
from app.widgets.response_view import ResponseView
from app.widgets.state_line import StateLine
from app.widgets.two_sides import TwoSides
from core.errors import Problem

if TYPE_CHECKING:
    from core.explain.activations import FeatureMaps
    from core.explain.mosaics import Mosaic
    from core.explain.strongest import Strongest

_AT_FIRST = 6  # filters that are shown without being chosen: those that tell most about the classes
_MOST = 24
_FIGURES = "PNG (*.png);;SVG (*.svg);;PDF (*.pdf)"


class FiltersPanel(QWidget):
    """Nine strongest galaxies of chosen filters, beside the current galaxy's responses and the first weights.

    Parameters
    ----------
    session
        Its open run is looked into with its open dataset; a click on a picture goes to its galaxy.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filters")
        self._session = session
        self._job: Job | None = None
        self._shown_for: tuple[Path, Path] | None = None
        self._stale = True
        self._found: dict[str, Strongest] = {}  # by layer
        self._chosen: dict[str, list[int]] = {}
        self._responses: dict[str, FeatureMaps] = {}
        self._outlines, self._asked, self._weights, self._drawing = (Latest(self) for _ in range(4))
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.layers = QComboBox()
        self.layers.setToolTip("The layer whose filters are shown.")
        self.layers.setMaxVisibleItems(24)
        self.seek = QPushButton(icon("mdi6.magnify-scan", "on_accent"), "Find the strongest galaxies")
        self.seek.setProperty("role", "primary")
        self.seek.setToolTip(
            "Look at every galaxy of the dataset once, and keep the nine that excite each filter most."
        )
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.state = StateLine()
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save figure…")
        self.save.setToolTip("Write the filters that are shown as a figure: PNG, SVG or PDF.")
        self.responses = ResponseView()
        self.empty = EmptyState("mdi6.view-grid-outline", "", "")
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._controls())
        column.addWidget(TwoSides(self._strongest(), self.responses, 620, (620, 260), (400, 300)), 1)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(content)
        whole = QVBoxLayout(self)
        whole.addLayout(self._stack)

    def _controls(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.addWidget(QLabel("Layer"))
        for widget in (self.layers, self.seek, self.stop):
            line.addWidget(widget)
        line.addWidget(self.state, 1)
        line.addWidget(self.save)
        return line

    def _strongest(self) -> QWidget:
        """Cards of the chosen filters, or what to do to see some."""
        self._invitation = EmptyState(
            "mdi6.view-grid-outline",
            "Which galaxies does each filter answer to?",
            "Find the strongest galaxies of this layer. Each filter's nine then stand here, beside the pattern in them "
            "that it saw.",
        )
        self.filters = FilterCards()
        side = QWidget()
        self._sides = QStackedLayout(side)
        self._sides.addWidget(self._invitation)
        self._sides.addWidget(self.filters)
        return side

    def _connect(self) -> None:
        session = self._session
        for signal in (session.current_changed, session.cutouts_changed, session.predictor_changed):
            signal.connect(self.refresh)
        for request, show in (
            (self._outlines, self._show_outline),
            (self._asked, self._take_responses),
            (self._weights, self.responses.show_weights),
            (self._drawing, self._show_cards),
        ):
            request.finished.connect(show)
            request.failed.connect(self._failed)
        self.layers.currentIndexChanged.connect(self._show_layer)
        self.seek.clicked.connect(self.search)
        self.stop.clicked.connect(self._stop)
        self.save.clicked.connect(self._save)
        self.responses.clicked.connect(self._choose)
        self.filters.galaxy_clicked.connect(session.set_current)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing running."""
        self._stop()
        for request in self.findChildren(Latest):
            request.close()
        super().closeEvent(event)

    # -- what is looked at -----------------------------------------------------------------------------------------

    def refresh(self, _row: Any = None) -> None:
        """Ask the layers about the current galaxy, or later if nobody can see it now."""
        self._stale = not self.isVisible()
        cutouts, predictor, row = self._session.cutouts, self._session.predictor_path, self._session.current
        asked = None if cutouts is None or predictor is None else (predictor, cutouts.path)
        if asked != self._shown_for:
            self._forget()
        if self._stale:
            return
        self._stack.setCurrentIndex(0 if asked is None else 1)
        if cutouts is None:
            self.empty.set_text("Nothing to look into yet", "Open a dataset and train a network first.")
        elif predictor is None:
            self.empty.set_text("No network yet", "Train a network or open an earlier run. Then see what it looks for.")
        else:
            if asked != self._shown_for:
                self._shown_for = asked
                self._outlines.start(inside.outline(predictor, cutouts.shape[1:]))
                self._weights.start(inside.first_weights(predictor))
            if row >= 0:
                self._asked.start(inside.responses(predictor, cutouts.path, row))
        self.filters.set_current(row)

    def _forget(self) -> None:
        self._stop()
        for request in self.findChildren(Latest):
            request.stop()
        self._shown_for = None
        self._found, self._chosen, self._responses = {}, {}, {}
        self._show_cards(())
        self.layers.clear()
        self.state.clear()
        self.responses.clear()

    def _show_outline(self, outline: inside.Outline) -> None:
        self.layers.blockSignals(True)
        self.layers.clear()
        for name, layer in outline.layers.items():
            self.layers.addItem(f"{name}, {layer.shape[0]} filters", name)
        names = list(outline.layers)
        activations = [name for name in names if name.startswith("activation")]
        self.layers.setCurrentIndex(names.index(activations[len(activations) // 2]) if activations else 0)
        self.layers.blockSignals(False)
        self._show_layer()

    @property
    def layer(self) -> str:
        """Short name of the chosen layer."""
        return self.layers.currentData() or ""

    def _show_layer(self, _place: int = 0) -> None:
        self._show_responses()
        self._show_cards(())
        self._draw_cards()

    def _show_state(self) -> None:
        found = self._found.get(self.layer)
        self.seek.setVisible(self._job is None)
        self.seek.setEnabled(bool(self.layer) and found is None)
        self.stop.setVisible(self._job is not None)
        self.save.setEnabled(bool(self.filters.drawn))
        self._sides.setCurrentIndex(0 if found is None else 1)

    # -- the strongest galaxies ------------------------------------------------------------------------------------

    def search(self) -> None:
        """Find each filter's strongest galaxies in the chosen layer."""
        if self._shown_for is None or self._job is not None:
            return
        layer = self.layer
        self._job = job = inside.strongest(*self._shown_for, layer)
        self.state.follow(job)
        job.finished.connect(lambda found: self._take(layer, found))
        job.failed.connect(self._failed)
        job.ended.connect(self._ended)
        self._session.add_job(job)
        job.start()
        self._show_state()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()

    def _take(self, layer: str, found: Strongest) -> None:
        self._found[layer] = found
        self._chosen[layer] = found.telling(_AT_FIRST)
        silent = f" {len(found.silent)} filters answer to none." if found.silent else ""
        self.state.setText(f"{found.galaxies:,} galaxies looked at.{silent}".replace(",", "\u202f"))
        self._draw_cards()

    def _ended(self) -> None:
        self._job = None
        self._show_state()

    def _failed(self, problem: object) -> None:
        self.state.show_problem(problem)
        if not isinstance(problem, Problem):
            self._session.report(problem)

    def _choose(self, number: int) -> None:
        """Show a filter's galaxies, or no longer."""
        chosen = self._chosen.setdefault(self.layer, [])
        if number in chosen:
            chosen.remove(number)
        else:
            chosen.insert(0, number)
            del chosen[_MOST:]
        self._draw_cards()

    def _draw_cards(self) -> None:
        found = self._found.get(self.layer)
        self.responses.set_marked(self._chosen.get(self.layer, ()))
        if found is None or self._shown_for is None:
            self._drawing.stop()
        else:
            self._drawing.start(inside.mosaics(*self._shown_for, found, list(self._chosen[self.layer])))

    def _show_cards(self, drawn: Sequence[Mosaic]) -> None:
        self.filters.show_filters(drawn)
        self.filters.set_current(self._session.current)
        self._show_state()

    def _save(self) -> None:
        found = self._found.get(self.layer)
        if found is None or not self.filters.drawn:
            return
        path, chosen = QFileDialog.getSaveFileName(self, "Save the figure", f"filters of {self.layer}.png", _FIGURES)
        if path:
            target = Path(path)
            if target.suffix.lower() not in (".png", ".svg", ".pdf"):
                target = target.with_suffix("." + chosen[:3].lower())
            job = inside.save_mosaics(found, self.filters.drawn, target)
            job.finished.connect(lambda written: self._session.message.emit(f"The figure is saved in {written}."))
            job.failed.connect(self._session.report)
            self._session.add_job(job)
            job.start()

    # -- the current galaxy ----------------------------------------------------------------------------------------

    def _take_responses(self, found: list[FeatureMaps]) -> None:
        self._responses = {maps.name: maps for maps in found}
        self._show_responses()

    def _show_responses(self) -> None:
        maps, cutouts, row = self._responses.get(self.layer), self._session.cutouts, self._session.current
        if maps is not None and cutouts is not None and row >= 0:
            self.responses.show_responses(maps.responses, f"Responses to {cutouts.ids[row]}")
            self.responses.set_marked(self._chosen.get(self.layer, ()))
