"""One attribution map over its galaxy in grey: the method, the map, its colour bar and a summary."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QMenu, QSizePolicy, QStackedWidget, QToolButton, QWidget

from app.explain.widgets.colour_bar import ColourBar
from app.theme import icon
from app.widgets.image_view import ImageView
from app.widgets.method_texts import explain

if TYPE_CHECKING:
    from core.explain.explanation import Explanation
    from core.explain.occlusion_film import OcclusionFilm

_SIGNED_COLOURS, _UNSIGNED_COLOURS = "blue-red", "inferno"


class MapView(QObject):
    """The parts of one view, for the rows of a grid that shows several views beside the galaxy.

    Parameters
    ----------
    methods
        Name and title of each method that may be chosen.

    Notes
    -----
    Signals: ``method_chosen(name)`` by the user.
    """

    method_chosen = Signal(str)

    def __init__(self, methods: Mapping[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.explanation: Explanation | None = None
        self._opacity = 0.6
        self._limit: float | None = None
        self._galaxy: tuple[NDArray[np.uint8], float] | None = None
        self._shows_film = False
        self.chooser = QComboBox()
        for name, title in methods.items():
            self.chooser.addItem(title, name)
            self.chooser.setItemData(self.chooser.count() - 1, explain(name), Qt.ItemDataRole.ToolTipRole)
        self.chooser.setToolTip("The attribution method.")
        self.chooser.setWhatsThis("".join(map(explain, methods)))
        self.chooser.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.chooser.setMinimumContentsLength(10)
        self.chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.chooser.activated.connect(lambda _place: self.method_chosen.emit(self.method))
        self.save = QAction("Save this map…", self)
        self.save_all = QAction("Save maps of the selection…", self)
        self.send = QAction("Send this map to DS9, Aladin…", self)
        self.send.setToolTip("As a FITS image with the coordinates of the galaxy's stamp, to be laid over it (SAMP).")
        menu = QMenu()
        menu.addActions([self.save, self.save_all, self.send])
        self.menu = _make_button(
            "mdi6.content-save-outline", "Save", "Save maps as pictures, PDF pages, or FITS with sky coordinates."
        )
        self.menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu.setMenu(menu)
        menu.setParent(self.menu, menu.windowFlags())
        self.play = _make_button("mdi6.play", "Play the film", "Watch the square move over the galaxy.")
        self.end = _make_button("mdi6.stop", "End the film", "End the film and show the map again.")
        self.head = QWidget()
        line = QHBoxLayout(self.head)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addWidget(self.chooser, 1)
        for button in (self.play, self.end, self.menu):
            line.addWidget(button)
        self.play.hide()
        self.end.hide()
        self.caption = QLabel()
        self.caption.setProperty("role", "heading")
        self.caption.setWordWrap(True)
        self.view = ImageView()
        self.view.offer_actions((self.save, self.save_all, self.send))
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setProperty("role", "muted")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setMargin(16)
        self.picture = QStackedWidget()
        self.picture.addWidget(self.view)
        self.picture.addWidget(self.message)
        self.bar = ColourBar()
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)

    @property
    def method(self) -> str:
        """The chosen method."""
        return self.chooser.currentData()

    def set_method(self, name: str) -> None:
        """Choose a method without emitting a signal; one that is not offered is ignored."""
        place = self.chooser.findData(name)
        if place >= 0:
            self.chooser.setCurrentIndex(place)

    def offer_selection(self, count: int) -> None:
        """Offer to save the maps of ``count`` selected galaxies."""
        self.save_all.setEnabled(count > 0)
        self.save_all.setText(f"Save maps of the selection ({count:,})…" if count else "Save maps of the selection…")

    def set_image(self, picture: NDArray[np.uint8], pixel_scale: float) -> None:
        """Show the galaxy uint8 (H, W, 3) under the map, in grey, since colour is reserved for the map."""
        grey = picture.mean(axis=2, keepdims=True).round().astype(np.uint8)
        self._galaxy = grey.repeat(3, axis=2), pixel_scale
        self.view.set_image(*self._galaxy)

    def set_opacity(self, opacity: float) -> None:
        """Blend map and image: 0 shows the image alone, 1 the map alone."""
        self._opacity = opacity
        self._draw()

    def set_limit(self, limit: float | None) -> None:
        """End the colour scale at this value, so that views can be compared; None: at the map's own limit."""
        if limit != self._limit:
            self._limit = limit
            self._draw()

    @property
    def own_limit(self) -> float:
        """The colour limit that suits this map alone; 0 without a map."""
        return 0.0 if self.explanation is None else self.explanation.colour_limit

    def show_map(self, explanation: Explanation, *, coarse: bool = False) -> None:
        """Show a coarse or finished map."""
        self.explanation = explanation
        self.picture.setCurrentWidget(self.view)
        self.note.setText("First look…" if coarse else describe_map(explanation))
        self._draw()

    def show_waiting(self) -> None:
        """Show the galaxy alone until a map arrives."""
        self.explanation = None
        self.picture.setCurrentWidget(self.view)
        self.note.setText("…")
        self._draw()

    def show_message(self, sentence: str) -> None:
        """Show a sentence instead of a map."""
        self.explanation = None
        self.message.setText(sentence)
        self.picture.setCurrentWidget(self.message)
        self.note.clear()
        self._draw()

    # -- the film of the moving square -----------------------------------------------------------------------------

    def show_film(self, film: OcclusionFilm, number: int) -> None:
        """Show one picture of the film in place of the map, and mark the drop of the score on the colour bar."""
        self._shows_film = True
        scale = math.nan if self._galaxy is None else self._galaxy[1]
        self.view.set_overlay(None)
        self.view.set_image(film.pictures[number], scale)
        row, column = film.places[number].tolist()
        self.view.set_square((row, column), film.patch)
        score, whole = float(film.scores[number]), film.explanation
        self.bar.set_mark(whole.score - score)
        unit = f" {whole.unit}" if whole.unit else ""
        name = whole.target_name if whole.probability is None else f"Score of {whole.target_name}"
        text = f"{score:.2f}{unit} with this square covered, {whole.score:.2f}{unit} without."
        self.note.setText(f"{name[:1].upper()}{name[1:]}: {text}".replace(" -", " −"))

    def end_film(self) -> None:
        """Show the map again."""
        if not self._shows_film:
            return
        self._shows_film = False
        self.view.set_square(None)
        self.bar.set_mark(None)
        if self._galaxy is not None:
            self.view.set_image(*self._galaxy)
        if self.explanation is not None:
            self.note.setText(describe_map(self.explanation))
        self._draw()

    def _draw(self) -> None:
        self.save.setEnabled(self.explanation is not None)
        self.send.setEnabled(self.explanation is not None)
        if self.explanation is None:
            self.view.set_overlay(None)
            self.bar.clear()
            return
        high = self._limit or self.own_limit or 1.0
        low = -high if self.explanation.is_signed else 0.0
        colour_map = _SIGNED_COLOURS if self.explanation.is_signed else _UNSIGNED_COLOURS
        if not self._shows_film:
            self.view.set_overlay(self.explanation.map, low, high, self._opacity, colour_map)
        self.bar.set_scale(low, high, colour_map)


def _make_button(symbol: str, name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(symbol))
    button.setToolTip(tip)
    button.setAccessibleName(name)
    return button


def describe_map(explanation: Explanation) -> str:
    """Summarise a map in sentences: the score, the evidence and its completeness error."""
    unit = f" {explanation.unit}" if explanation.unit else ""
    name = explanation.target_name if explanation.probability is None else "Score"
    text = f"{name[:1].upper()}{name[1:]}: {explanation.score:.3g}{unit}"
    if explanation.is_signed and math.isfinite(explanation.baseline_score):
        text += f", without the galaxy {explanation.baseline_score:.3g}{unit}"
    text += ". " + (
        _describe_evidence(explanation) if explanation.is_signed else "The brighter, the stronger the response."
    )
    if explanation.error is not None:
        text += f" Completeness error {100 * explanation.error:.2g}\u00a0%."
    return text.replace(" -", " −")


def _describe_evidence(explanation: Explanation) -> str:
    """State the shares of the evidence for and against."""
    strength = explanation.evidence_for - explanation.evidence_against
    if not strength > 0:
        return "Nothing in the image changes it."
    share = round(100 * explanation.evidence_for / strength)
    if explanation.probability is None:
        return f"Red raises it ({share}\u00a0%), blue lowers it ({100 - share}\u00a0%)."
    return f"Red speaks for {explanation.target_name} ({share}\u00a0%), blue against it ({100 - share}\u00a0%)."
