"""What the filters look for: the galaxies that excite each one most, and what the current one does to them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from app.explain import network_work
from app.explain.network_panel import RunNetworkPanel
from app.explain.network_work import Pair
from app.explain.widgets.filter_cards import FilterCards
from app.explain.widgets.response_view import ResponseView
from app.panel.saving import FIGURES
from app.session.session import Session
from app.theme import icon
from app.widgets.empty_state import EmptyState
from app.widgets.two_sides import TwoSides

if TYPE_CHECKING:
    from core.explain.activations import FeatureMaps
    from core.explain.mosaics import FilterMosaic
    from core.explain.top_activations import TopActivations

_AT_FIRST = 6  # filters that are shown without being chosen: those that tell most about the classes
_MOST = 24


class FiltersPanel(RunNetworkPanel):
    """Nine strongest galaxies of chosen filters, beside the current galaxy's responses and the first weights.

    Parameters
    ----------
    session
        Its open run is looked into with its open dataset; a click on a picture goes to its galaxy.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "filters",
            "mdi6.view-grid-outline",
            "Nothing to look into yet",
            "Then see what it looks for.",
            parent,
        )
        self._sought = ""  # the layer that is searched
        self._found: dict[str, TopActivations] = {}  # by layer
        self._chosen: dict[str, list[int]] = {}
        self._drawn: dict[str, dict[int, FilterMosaic]] = {}
        self._responses: dict[str, FeatureMaps] = {}
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.layers = QComboBox()
        self.layers.setToolTip("The layer whose filters are shown.")
        self.layers.setMaxVisibleItems(24)
        self.seek = QPushButton(icon("mdi6.magnify-scan", "on_accent"), "Find the strongest")
        self.seek.setProperty("role", "primary")
        self.seek.setToolTip(
            "Look at every galaxy of the dataset once, and keep the nine that excite each filter most."
        )
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save figure…")
        self.save.setToolTip("Write the filters that are shown as a figure: PNG, SVG or PDF.")
        self.responses = ResponseView()
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._controls())
        column.addWidget(TwoSides(self._strongest(), self.responses, 620, (470, 410), (400, 300), growing=0), 1)
        self._set_content(content)

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
        invitation = EmptyState(
            "mdi6.view-grid-outline",
            "Which galaxies does each filter answer to?",
            "Find the strongest galaxies of this layer. Each filter's nine then stand here, beside the pattern in them "
            "that it saw.",
        )
        self.filters = FilterCards()
        side = QWidget()
        self._sides = QStackedLayout(side)
        self._sides.addWidget(invitation)
        self._sides.addWidget(self.filters)
        return side

    def _connect(self) -> None:
        self._outlines = self._request(self._show_outline)
        self._asked = self._request(self._take_responses)
        self._weights = self._request(self.responses.show_weights)
        self._drawing = self._request(self._take_drawn)
        self.work.finished.connect(self._take_found)
        self.layers.currentIndexChanged.connect(self._show_layer)
        self.seek.clicked.connect(self.search)
        self.stop.clicked.connect(self.work.stop)
        self.save.clicked.connect(self._save_figure)
        self.responses.clicked.connect(self._choose)
        self.filters.galaxy_clicked.connect(self._session.set_current)

    # -- what is looked at -----------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._found, self._chosen, self._drawn, self._responses = {}, {}, {}, {}
        self.layers.clear()
        self.responses.clear()
        self._show_layer()

    def _look_into(self, pair: Pair) -> None:
        assert self._session.dataset.cutouts is not None
        self._outlines.start(network_work.outline(pair, self._session.dataset.cutouts.shape[1:]))
        self._weights.start(network_work.first_weights(pair))

    def _look_at(self, pair: Pair, row: int) -> None:
        self._responses = {}  # of another galaxy; its picture stays until the new one comes
        self._asked.start(network_work.responses(pair, row))
        self.filters.set_current(row)

    def _show_outline(self, outline: network_work.Outline) -> None:
        self.layers.blockSignals(True)
        self.layers.clear()
        for name, title in outline.titles.items():
            self.layers.addItem(title, name)
        activations = [place for place, name in enumerate(outline.titles) if name.startswith("activation")]
        self.layers.setCurrentIndex(activations[len(activations) // 2] if activations else 0)
        self.layers.blockSignals(False)
        self._show_layer()

    @property
    def layer(self) -> str:
        """Short name of the chosen layer."""
        return self.layers.currentData() or ""

    def _show_layer(self, _place: int = 0) -> None:
        if not self.work.is_running:
            self.state.setText(_told(self._found.get(self.layer)))
        self._show_responses()
        self._draw_cards()

    def _show_state(self) -> None:
        is_found = self.layer in self._found
        self.seek.setVisible(not self.work.is_running)
        self.seek.setEnabled(bool(self.layer) and not is_found)
        self.stop.setVisible(self.work.is_running)
        self.save.setEnabled(bool(self.filters.drawn))
        self._sides.setCurrentIndex(1 if is_found else 0)

    # -- the current galaxy ----------------------------------------------------------------------------------------

    def _take_responses(self, found: list[FeatureMaps]) -> None:
        self._responses = {maps.name: maps for maps in found}
        self._show_responses()

    def _show_responses(self) -> None:
        maps, cutouts, row = self._responses.get(self.layer), self._session.dataset.cutouts, self._session.current
        if maps is not None and cutouts is not None and row >= 0:
            self.responses.show_responses(maps.responses, f"Responses to {cutouts.ids[row]}")

    # -- the strongest galaxies ------------------------------------------------------------------------------------

    def search(self) -> None:
        """Find each filter's strongest galaxies in the chosen layer."""
        if self._pair is not None and self.layer and not self.work.is_running:
            self._sought = self.layer
            self._begin(network_work.strongest(self._pair, self.layer))

    def _take_found(self, found: TopActivations) -> None:
        self._found[self._sought] = found
        chosen = self._chosen.setdefault(self._sought, [])
        chosen += [number for number in found.most_class_selective(_AT_FIRST) if number not in chosen]
        self.state.setText(_told(self._found.get(self.layer)))
        self._draw_cards()

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
        """Show the chosen filters' cards, and ask for those that were never drawn."""
        found, chosen = self._found.get(self.layer), self._chosen.get(self.layer, [])
        drawn = self._drawn.setdefault(self.layer, {})
        missing = [number for number in chosen if number not in drawn]
        if self._pair is None or found is None or not missing:
            self._drawing.stop()
        else:
            self._drawing.start(network_work.mosaics(self._pair, found, missing))
        self.responses.set_marked(chosen)
        self.filters.show_filters([drawn[number] for number in chosen if number in drawn])
        self.filters.set_current(self._session.current)
        self._show_state()

    def _take_drawn(self, drawn: list[FilterMosaic]) -> None:
        self._drawn[self.layer] |= {mosaic.number: mosaic for mosaic in drawn}
        self._draw_cards()

    def _save_figure(self) -> None:
        found, drawn = self._found.get(self.layer), self.filters.drawn
        if found is None or not drawn:
            return
        path = self._ask_path("Save the figure", f"filters of {self.layer}.png", FIGURES)
        if path is not None:
            self._save(network_work.save_mosaics(found, drawn, path), lambda saved: f"Saved as {saved}.")


def _told(found: TopActivations | None) -> str:
    """How many galaxies compete, and how many filters they left silent."""
    if found is None:
        return ""
    silent = {0: "", 1: " One filter answers to none."}.get(
        len(found.silent), f" {len(found.silent)} filters answer to none."
    )
    return f"{found.galaxies:,} galaxies.{silent}".replace(",", "\u202f")
