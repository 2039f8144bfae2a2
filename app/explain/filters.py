"""Filters of a layer: the galaxies with the strongest activation of each, and the feature maps of the current one."""

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
from app.widgets.focus_guard import keep_from_focus
from app.widgets.reserved import share_place
from app.widgets.responsive_split import ResponsiveSplit
from core.wording import count_of

if TYPE_CHECKING:
    from core.explain.activations import FeatureMaps
    from core.explain.mosaics import FilterMosaic
    from core.explain.top_activations import TopActivations

_SHOWN_FIRST = 6  # filters shown without being chosen: the most class-selective ones
_MOST_SHOWN = 24


class FiltersPanel(RunNetworkPanel):
    """The nine strongest galaxies of chosen filters, beside the current galaxy's feature maps and the first weights.

    Parameters
    ----------
    session
        Its open run is applied to its open dataset; a click on a picture goes to its galaxy.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "filters",
            "mdi6.view-grid-outline",
            "No filters yet",
            "Then see what it looks for.",
            parent,
        )
        self._searched_layer = ""  # the layer being searched
        self._top_activations: dict[str, TopActivations] = {}  # by layer
        self._chosen: dict[str, list[int]] = {}
        self._mosaics: dict[str, dict[int, FilterMosaic]] = {}
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
            "Run every galaxy of the dataset through the network, and keep the nine that activate each filter most."
        )
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        keep_from_focus(self.stop)
        share_place(self.seek, self.stop)
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save figure…")
        self.save.setToolTip("Write the filters that are shown as a figure: PNG, SVG or PDF.")
        self.responses = ResponseView()
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._build_controls())
        column.addWidget(
            ResponsiveSplit(self._build_cards(), self.responses, 620, (470, 410), (400, 300), growing=0), 1
        )
        self._set_content(content)

    def _build_controls(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.addWidget(QLabel("Layer"))
        for widget in (self.layers, self.seek, self.stop):
            line.addWidget(widget)
        line.addWidget(self.state, 1)
        line.addWidget(self.save)
        return line

    def _build_cards(self) -> QWidget:
        """Build the cards of the chosen filters, and the empty state shown before there are any."""
        invitation = EmptyState(
            "mdi6.view-grid-outline",
            "Which galaxies does each filter respond to?",
            "Find the strongest galaxies of this layer. Each filter's nine then appear here, beside the pattern in "
            "them that it saw.",
        )
        self.filters = FilterCards()
        side = QWidget()
        self._pages = QStackedLayout(side)
        self._pages.addWidget(invitation)
        self._pages.addWidget(self.filters)
        return side

    def _connect(self) -> None:
        self._outline_request = self._make_request(self._offer_layers)
        self._response_request = self._make_request(self._take_responses)
        self._weight_request = self._make_request(self.responses.show_weights)
        self._mosaic_request = self._make_request(self._take_mosaics)
        self.work.finished.connect(self._take_top_activations)
        self.layers.currentIndexChanged.connect(self._show_layer)
        self.seek.clicked.connect(self.search)
        self.stop.clicked.connect(self.work.stop)
        self.save.clicked.connect(self._save_figure)
        self.responses.clicked.connect(self._toggle_filter)
        self.filters.galaxy_clicked.connect(self._session.set_current)

    # -- network and layers ----------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._top_activations, self._chosen, self._mosaics, self._responses = {}, {}, {}, {}
        self.layers.clear()
        self.responses.clear()
        self._show_layer()

    def _show_network(self, pair: Pair) -> None:
        assert self._session.dataset.cutouts is not None
        self._outline_request.start(network_work.describe_network(pair, self._session.dataset.cutouts.shape[1:]))
        self._weight_request.start(network_work.read_first_weights(pair))

    def _show_current_galaxy(self, pair: Pair, row: int) -> None:
        self._responses = {}  # of another galaxy; its picture stays until the new one arrives
        self._response_request.start(network_work.compute_responses(pair, row))
        self.filters.set_current(row)

    def _offer_layers(self, outline: network_work.NetworkOutline) -> None:
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
            self.state.setText(_summarise(self._top_activations.get(self.layer)))
        self._show_responses()
        self._draw_cards()

    def _show_state(self) -> None:
        is_found = self.layer in self._top_activations
        self.seek.setVisible(not self.work.is_running)
        self.seek.setEnabled(bool(self.layer) and not is_found)
        self.stop.setVisible(self.work.is_running)
        self.save.setEnabled(bool(self.filters.mosaics))
        self._pages.setCurrentIndex(1 if is_found else 0)

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
            self._searched_layer = self.layer
            self._begin(network_work.find_top_activations(self._pair, self.layer))

    def _take_top_activations(self, found: TopActivations) -> None:
        self._top_activations[self._searched_layer] = found
        chosen = self._chosen.setdefault(self._searched_layer, [])
        chosen += [number for number in found.most_class_selective(_SHOWN_FIRST) if number not in chosen]
        self.state.setText(_summarise(self._top_activations.get(self.layer)))
        self._draw_cards()

    def _toggle_filter(self, number: int) -> None:
        """Show a filter's galaxies, or hide them."""
        chosen = self._chosen.setdefault(self.layer, [])
        if number in chosen:
            chosen.remove(number)
        else:
            chosen.insert(0, number)
            del chosen[_MOST_SHOWN:]
        self._draw_cards()

    def _draw_cards(self) -> None:
        """Show the chosen filters' cards, and request those not drawn yet."""
        found, chosen = self._top_activations.get(self.layer), self._chosen.get(self.layer, [])
        mosaics = self._mosaics.setdefault(self.layer, {})
        missing = [number for number in chosen if number not in mosaics]
        if self._pair is None or found is None or not missing:
            self._mosaic_request.stop()
        else:
            self._mosaic_request.start(network_work.draw_mosaics(self._pair, found, missing))
        self.responses.set_marked(chosen)
        self.filters.show_filters([mosaics[number] for number in chosen if number in mosaics])
        self.filters.set_current(self._session.current)
        self._show_state()

    def _take_mosaics(self, mosaics: list[FilterMosaic]) -> None:
        self._mosaics[self.layer] |= {mosaic.number: mosaic for mosaic in mosaics}
        self._draw_cards()

    def _save_figure(self) -> None:
        found, mosaics = self._top_activations.get(self.layer), self.filters.mosaics
        if found is None or not mosaics:
            return
        path = self._ask_path("Save the figure", f"filters of {self.layer}.png", FIGURES)
        if path is not None:
            self._save(network_work.save_mosaics(found, mosaics, path), lambda saved: f"Saved as {saved}.")


def _summarise(found: TopActivations | None) -> str:
    """State the number of galaxies, and of filters without a response to any of them."""
    if found is None:
        return ""
    silent = {0: "", 1: " One filter answers to none."}.get(
        len(found.silent), f" {len(found.silent)} filters answer to none."
    )
    return f"{count_of(found.galaxies, 'galaxy')}.{silent}"
