"""The panel of the adaptation as it is laid out: do they fit, how good is it as it is, and how much is tuned."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QGroupBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.adapt.widgets.as_is_view import AsIsView
from app.adapt.widgets.depth_chooser import DepthChooser
from app.adapt.widgets.match_view import MatchView
from app.adapt.widgets.pixel_plot import PixelPlot
from app.adapt.widgets.without_labels import WithoutLabels
from app.theme import icon
from app.widgets.band_chooser import BandChooser
from app.widgets.class_map import ClassMapTable
from app.widgets.fold import Fold
from app.widgets.forms import SettingsForm
from app.widgets.responsive_split import ResponsiveSplit, Scrollable
from core.train.settings import TransferSettings

_HOW = ("cached_views", "block_rate", "unfreeze_every", "batch_statistics", "pull_to_start")


class AdaptationView(QWidget):
    """Lines on the left, numbers and layers on the right, what follows below.

    Parameters
    ----------
    state
        The state line of what runs.
    settings
        How the network is tuned at first.
    """

    def __init__(self, state: QWidget, settings: TransferSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.match = MatchView()
        self.bands, self.classes = BandChooser(), ClassMapTable()
        self.match.add_below("bands", self.bands)
        self.match.add_below("classes", self.classes)
        self.pixels = PixelPlot()
        self.pixels_fold = Fold("Pixels of both surveys", self.pixels)
        self.pixels_fold.button.setChecked(True)
        self.as_is = AsIsView()
        self.without_labels = WithoutLabels()
        self.layers = DepthChooser()
        self.how = SettingsForm(TransferSettings, settings, only=_HOW)
        self.study = QPushButton(icon("mdi6.chart-scatter-plot"), "How many labels?")
        self.study.setToolTip("Train with more and more labels, from this network and from scratch, and compare.")
        self.tune = QPushButton(icon("mdi6.play", "on_accent"), "Fine-tune…")
        self.tune.setProperty("role", "primary")
        self.tune.setToolTip("Prepare a training that starts from this network, in the Train workspace.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        split = ResponsiveSplit(
            self._build_match(), self._build_tuning(state), 860, (600, 640), (340, 340), parent=self
        )
        split.setStretchFactor(0, 1)  # both grow
        column.addWidget(split, 1)

    def _build_match(self) -> QWidget:
        group = QGroupBox("Do they fit?")
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.match)
        column.addWidget(self.pixels_fold)
        column.addStretch(1)
        around = QVBoxLayout(group)
        around.setContentsMargins(0, 6, 0, 0)
        area = Scrollable(inside)
        area.setMinimumSize(340, 160)
        around.addWidget(area)
        return group

    def _build_tuning(self, state: QWidget) -> QWidget:
        side, inside = QWidget(), QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        tuning = (self.layers, Fold("How it is tuned", self.how))
        for title, widgets, stretch in (
            ("As it is", (self.as_is,), 0),
            ("Without labels", (self.without_labels,), 0),
            ("How much to tune", tuning, 1),
        ):
            group = QGroupBox(title)
            around = QVBoxLayout(group)
            around.setContentsMargins(0, 6, 0, 0)
            for widget in widgets:
                around.addWidget(widget)
            column.addWidget(group, stretch)
        area = Scrollable(inside)
        area.setMinimumSize(470, 160)
        whole = QVBoxLayout(side)
        whole.setContentsMargins(6, 0, 0, 0)
        whole.addWidget(area, 1)
        line = QFrame()
        line.setProperty("role", "line")
        whole.addWidget(line)
        whole.addWidget(state)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.study)
        buttons.addWidget(self.tune)
        whole.addLayout(buttons)
        return side
