"""Faithfulness of a run: on which image regions its decisions rest, galaxy by galaxy and class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.explain import network_work
from app.explain.network_panel import RunNetworkPanel
from app.explain.widgets.point_map import PointMap
from app.explain.widgets.region_table import RegionTable
from app.session.session import Session
from app.theme import icon
from app.widgets.empty_state import EmptyState
from app.widgets.flow import FlowLayout
from app.widgets.focus_guard import keep_from_focus
from app.widgets.method_texts import explain
from app.widgets.reserved import share_place
from app.widgets.responsive_split import ResponsiveSplit, Scrollable
from core.events import Preview
from core.explain.faithfulness.settings import FaithfulnessSettings
from core.explain.methods import METHODS
from core.wording import count_of

if TYPE_CHECKING:
    from core.explain.faithfulness.localisation import Region
    from core.explain.faithfulness.table import FaithfulnessTable

_PARTS = {"validation": "Validation part", "test": "Test part", "all": "All galaxies"}
_AXES = ("Share of the image that the galaxy covers [%]", "Share of the evidence on the galaxy [%]")
_HINT = "Each point is a galaxy; click one, or draw around some."


class FaithfulnessPanel(RunNetworkPanel):
    """Faithfulness over a part of the dataset; clicks lead to the galaxies behind the numbers.

    Parameters
    ----------
    session
        Its open run is assessed on its open dataset; current galaxy and selection are shared with it.

    Attributes
    ----------
    faithfulness
        The table on display; None: not assessed yet.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "belief",
            "mdi6.scale-balance",
            "Nothing to assess yet",
            "Then see on which image regions its decisions rest.",
            parent,
        )
        self.faithfulness: FaithfulnessTable | None = None
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.methods, self.parts = QComboBox(), QComboBox()
        for method in METHODS.values():
            self.methods.addItem(method.title, method.name)
            self.methods.setItemData(self.methods.count() - 1, explain(method.name), Qt.ItemDataRole.ToolTipRole)
        self.methods.setCurrentIndex(self.methods.findData(FaithfulnessSettings().method))
        self.methods.setToolTip("The map that is made of each galaxy, with its default settings.")
        for part, title in _PARTS.items():
            self.parts.addItem(title, part)
        self.parts.setToolTip("Parts exist only for the run's own dataset; of another one all galaxies are assessed.")
        self.ask = QPushButton(icon("mdi6.play", "on_accent"), "Assess")
        self.ask.setProperty("role", "primary")
        self.ask.setToolTip(
            "Compute the map of every galaxy, and measure where its evidence lies and whether the network needs it."
        )
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        keep_from_focus(self.stop)
        share_place(self.ask, self.stop)
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save table…")
        self.save.setToolTip("Write one row for each galaxy as CSV.")
        self.table = RegionTable()
        self.state.setMinimumWidth(220)
        self.sentences, self.map = QLabel(), PointMap()
        self.sentences.setWordWrap(True)
        self.sentences.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._build_controls())
        column.addWidget(self._build_results(), 1)
        self._set_content(content)

    def _build_controls(self) -> QWidget:
        line = QWidget()
        policy = line.sizePolicy()
        policy.setHeightForWidth(True)
        policy.setVerticalPolicy(QSizePolicy.Policy.Minimum)
        line.setSizePolicy(policy)
        flow = FlowLayout(line, 8)
        for title, widget in (("Part", self.parts), ("Method", self.methods)):
            both = QWidget()
            beside = QHBoxLayout(both)
            beside.setContentsMargins(0, 0, 0, 0)
            beside.addWidget(QLabel(title))
            beside.addWidget(widget)
            flow.addWidget(both)
        for widget in (self.ask, self.stop, self.save, self.state):
            flow.addWidget(widget)
        return line

    def _build_results(self) -> QWidget:
        """Build table, sentences and scatter plot, and the empty state shown before there are any."""
        invitation = EmptyState(
            "mdi6.scale-balance",
            "Is it right for the right reason?",
            "A network may look at a neighbour, a bright star or the noise. Press Assess to compare each galaxy's map "
            "with the galaxy, neighbours and sky in its image.",
        )
        words, plot, both, side = (QWidget() for _ in range(4))
        left = QVBoxLayout(words)
        left.setContentsMargins(0, 0, 6, 0)
        left.addWidget(self.sentences)
        left.addStretch(1)
        hint = QLabel(_HINT)
        hint.setProperty("role", "muted")
        hint.setWordWrap(True)
        right = QVBoxLayout(plot)
        right.setContentsMargins(6, 0, 0, 0)
        right.addWidget(self.map, 1)
        right.addWidget(hint)
        down = QVBoxLayout(both)
        down.setContentsMargins(0, 0, 0, 0)
        down.setSpacing(12)
        down.addWidget(self.table)
        down.addWidget(ResponsiveSplit(Scrollable(words), plot, 620, (300, 600), (120, 320)), 1)
        self._pages = QStackedLayout(side)
        self._pages.addWidget(invitation)
        self._pages.addWidget(both)
        return side

    def _connect(self) -> None:
        self._session.selection_changed.connect(self._show_selection)
        self.work.happened.connect(self._show_so_far)
        self.work.stopped.connect(self._keep_so_far)
        self.work.finished.connect(self._show)
        self.ask.clicked.connect(self.begin)
        self.stop.clicked.connect(self.work.stop)
        self.save.clicked.connect(self._save_table)
        self.table.region_clicked.connect(self._select_region)
        self.map.clicked.connect(lambda place: self._session.set_current(self._dataset_row(place)))
        self.map.lassoed.connect(self._select)

    # -- assessing -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Assess the chosen part with the chosen attribution method."""
        run = self._session.run
        if self._pair is None or run is None or self.work.is_running:
            return
        settings = FaithfulnessSettings(method=self.methods.currentData())
        hand_labels = self._session.dataset.journal
        self._begin(
            network_work.assess_faithfulness(run.path, self._pair.data, self.parts.currentData(), settings, hand_labels)
        )

    def _forget(self) -> None:
        self.faithfulness = None
        self._show_state()

    def _show_current_galaxy(self, pair: network_work.Pair, row: int) -> None:
        del pair, row
        self._show_current()

    def _show_state(self) -> None:
        self.ask.setVisible(not self.work.is_running)
        self.stop.setVisible(self.work.is_running)
        self.save.setEnabled(self.faithfulness is not None)
        self._pages.setCurrentIndex(0 if self.faithfulness is None else 1)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _show_so_far(self, events: Sequence[object]) -> None:
        """Show the newest of the tables that come while the work goes on."""
        tables = [event.what for event in events if isinstance(event, Preview)]
        if tables and self._pair is not None:
            self._show_table(cast("FaithfulnessTable", tables[-1]))

    def _keep_so_far(self) -> None:
        """Say what the table on display holds once the work was stopped."""
        if self.faithfulness is not None and not self.faithfulness.is_whole:
            self.state.setText(f"Stopped: {self._describe_part(self.faithfulness)}")

    def _show(self, faithfulness: FaithfulnessTable) -> None:
        self._show_table(faithfulness)
        self.state.setText(self._describe_part(faithfulness))

    def _describe_part(self, found: FaithfulnessTable) -> str:
        part = _PARTS[found.part].lower() if found.part in _PARTS else found.part
        count = count_of(len(found.lines), "galaxy")
        return f"{part}: {count}" if found.is_whole else f"{part}: {count} of {found.asked:,}"

    def _show_table(self, faithfulness: FaithfulnessTable) -> None:
        self.faithfulness = faithfulness
        classes = faithfulness.classes
        self.table.show_classes([*classes, faithfulness.whole] if len(classes) > 1 else classes)
        self.sentences.setText("\n\n".join(faithfulness.sentences()))
        points = np.array([(line.area_galaxy, line.galaxy) for line in faithfulness.lines]).reshape(-1, 2)
        self.map.set_points(100 * np.nan_to_num(points), _AXES, self._describe_point)
        places = {each.name: place for place, each in enumerate(classes)}
        groups = np.array([places[faithfulness.class_of(line)] for line in faithfulness.lines], np.int64)
        self.map.set_colours(groups, self._session.dataset.class_colours([each.name for each in classes]))
        self._show_current()
        self._show_selection()
        self._show_state()

    def _dataset_row(self, place: int) -> int:
        assert self.faithfulness is not None
        return self.faithfulness.lines[place].row

    def _dataset_rows(self) -> NDArray[np.int64]:
        return np.array(
            [line.row for line in self.faithfulness.lines] if self.faithfulness is not None else [], np.int64
        )

    def _describe_point(self, place: int) -> str:
        if self.faithfulness is None:
            return ""
        line = self.faithfulness.lines[place]
        text = f"{line.galaxy_id}\n{line.label or 'no label'}, predicted {line.predicted}\n"
        return text + ("rests on nothing" if line.rests_on == "nothing" else f"rests on the {line.rests_on}")

    # -- to the galaxies and back ----------------------------------------------------------------------------------

    def _select_region(self, name: str, region: Region) -> None:
        if self.faithfulness is None:
            return
        rows = self.faithfulness.rows(region, None if name == self.faithfulness.whole.name else name)
        self._session.set_selection(np.array(rows, np.int64))
        self._session.message.emit(f"{count_of(len(rows), 'galaxy')} of “{name}” selected.")
        if rows:
            self._session.set_current(rows[0])

    def _select(self, places: NDArray[np.int64], more: bool) -> None:
        rows = self._dataset_rows()[places]
        self._session.set_selection(np.union1d(self._session.selection, rows) if more else rows)

    def _show_selection(self) -> None:
        if self.faithfulness is not None:
            self.map.set_selected(np.flatnonzero(np.isin(self._dataset_rows(), self._session.selection)))

    def _show_current(self) -> None:
        if self.faithfulness is not None:
            places = np.flatnonzero(self._dataset_rows() == self._session.current)
            self.map.set_current(int(places[0]) if len(places) else -1)

    def _save_table(self) -> None:
        if self.faithfulness is None:
            return
        path = self._ask_path("Save the table", f"belief {self.faithfulness.part}.csv", "CSV (*.csv)")
        if path is not None:
            self._save(
                network_work.save_faithfulness_table(self.faithfulness, path),
                lambda written: f"The table is saved in {written}.",
            )
