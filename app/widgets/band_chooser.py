"""Choosing which bands of the data feed each band of a network."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QWidget

from app.widgets.flow import FlowLayout
from app.widgets.plain_text import as_written
from app.widgets.wheel import WheelGuard
from core.errors import SettingsProblem
from core.nets.band_mapping import BandMapping


class BandChooser(QWidget):
    """A box for each band of the network: a band of the data, repeated at will, or the mean of several.

    Notes
    -----
    Signals: ``chosen(text)`` when the button is pressed and every box holds a band of the data, ``refused(text)``
    otherwise.
    """

    chosen = Signal(str)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wheel = WheelGuard(self)
        self._wanted: tuple[str, ...] = ()
        self._bands: tuple[str, ...] = ()
        self.boxes: list[QComboBox] = []
        self.use = QPushButton("Use these bands")
        self.use.clicked.connect(self._choose)
        self._flow = FlowLayout(self, 8)
        self._flow.addWidget(self.use)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_bands(self, wanted: Sequence[str], bands: Sequence[str], text: str) -> None:
        """Offer the bands of the data for each band of the network.

        Parameters
        ----------
        wanted, bands
            Names of the network's bands, and of the data's.
        text
            What is chosen at first, as :class:`~core.nets.band_mapping.BandMapping` writes it; empty: nothing.
        """
        self._wanted, self._bands = tuple(wanted), tuple(bands)
        sources = BandMapping.parse(text, bands, wanted).sources if text else ((),) * len(wanted)
        while self._flow.count():
            item = self._flow.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None and widget is not self.use:
                widget.deleteLater()
        self.boxes = []
        for name, each in zip(wanted, sources, strict=True):
            self._add_box(name, BandMapping((each,)).text if each else "")
        self._flow.addWidget(self.use)
        self._wheel.guard(self)

    def _add_box(self, name: str, text: str) -> None:
        box = QComboBox()
        box.setEditable(True)
        box.setMinimumContentsLength(6)
        box.addItems([*self._bands, *([f"mean({','.join(self._bands)})"] if len(self._bands) > 1 else [])])
        box.setToolTip(as_written(f"What feeds the network's band {name}: a band, or a mean such as mean(g,r)."))
        box.setAccessibleName(f"Feeds {name}")
        box.setCurrentIndex(-1)
        box.setEditText(text)
        both = QWidget()
        line = QHBoxLayout(both)
        line.setContentsMargins(0, 0, 0, 0)
        title = QLabel(f"{name} ←")
        line.addWidget(title)
        line.addWidget(box)
        self.boxes.append(box)
        self._flow.addWidget(both)

    @property
    def text(self) -> str:
        """What the boxes hold, as text."""
        return ",".join(box.currentText().strip() for box in self.boxes)

    def _choose(self) -> None:
        try:
            mapping = BandMapping.parse(self.text, self._bands, self._wanted, "")
        except SettingsProblem as problem:
            self.refused.emit(problem.text)
        else:
            self.chosen.emit(mapping.text)
