"""What the dataset holds: classes and their counts, what is learned, and which galaxies are locked away."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.forms import SettingsForm
from app.session import Session
from app.theme import class_colours
from app.widgets.empty_state import EmptyState
from core.data.settings import DataSettings
from core.data.target import Classes, columns_of, label_text, numbers

_PARTS = ("train", "validation", "test")


class DatasetPanel(QWidget):
    """Counts, target and parts of the open dataset.

    Parameters
    ----------
    session
        Its draft ``settings.data`` and ``settings.seed`` are edited here.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dataset")
        self._session = session
        self._build()
        self._connect()
        self._show_settings()
        self._show_counts()

    def _build(self) -> None:
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setProperty("role", "muted")
        self.table = QTableWidget(0, 5)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(120)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setProperty("role", "problem")
        self.rule = QLabel()
        self.rule.setWordWrap(True)
        self.rule.setProperty("role", "muted")
        self.form = SettingsForm(DataSettings, self._session.settings.data)
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setPrefix("Seed ")
        self.seed.setToolTip("Another seed draws other parts, weights and augmentations.")
        self.seed.setKeyboardTracking(False)
        self.empty = EmptyState(
            "mdi6.database-outline", "No dataset", "Import galaxies, or open the demonstration survey."
        )
        column = QVBoxLayout(self)
        column.setSpacing(8)
        for widget in (self.empty, self.title, self.about, self.table, self.problem, self.rule, self.form, self.seed):
            column.addWidget(widget, 1 if widget in {self.table, self.empty} else 0)
        column.setAlignment(self.seed, Qt.AlignmentFlag.AlignLeft)

    def _connect(self) -> None:
        session = self._session
        session.cutouts_changed.connect(self._show_counts)
        session.split_changed.connect(self._show_counts)
        session.settings_changed.connect(self._show_settings)
        self.form.changed.connect(self._edited)
        self.seed.valueChanged.connect(self._reseeded)
        self.table.itemSelectionChanged.connect(self._select)

    def _edited(self, data: DataSettings) -> None:
        self._session.set_settings(self._session.settings.model_copy(update={"data": data}))

    def _reseeded(self, seed: int) -> None:
        self._session.set_settings(self._session.settings.model_copy(update={"seed": seed}))

    def _show_settings(self) -> None:
        settings = self._session.settings
        if self.form.value() != settings.data:
            self.form.set_value(settings.data)
        if self.seed.value() != settings.seed:
            self.seed.setValue(settings.seed)

    def _show_counts(self) -> None:
        session, cutouts = self._session, self._session.cutouts
        for widget in (self.title, self.about, self.table, self.rule, self.form, self.seed):
            widget.setVisible(cutouts is not None)
        self.empty.setVisible(cutouts is None)
        self.problem.setVisible(cutouts is not None and session.split_problem is not None)
        if cutouts is None:
            return
        count, planes, height, width = cutouts.shape
        bands = ", ".join(band.name for band in cutouts.bands)
        self.title.setText(f"{cutouts.path.stem}: {count:,} galaxies".replace(",", "\u202f"))
        scales = cutouts.pixel_scale[np.isfinite(cutouts.pixel_scale)]
        scale = f"{np.median(scales):.3g}″/pixel" if len(scales) else "pixel scale unknown"
        kind = "8-bit pictures" if cutouts.is_picture else cutouts.bands[0].unit or "unit unknown"
        plural = "band" if planes == 1 else "bands"
        self.about.setText(
            f"{width} × {height} pixels, {planes} {plural} ({bands}), {scale}, {kind}. {cutouts.origin.source}"
        )
        problem = session.split_problem
        self.problem.setText("" if problem is None else f"{problem.sentence} {problem.remedy}")
        locked = " The test part is locked: no training sees it." if session.split is not None else ""
        self.rule.setText(f"{session.split.rule}.{locked}" if session.split is not None else "")
        self._fill()

    def _fill(self) -> None:
        """One row for each class with its counts, or for each column of numbers with its range."""
        session, target = self._session, self._session.target
        self.table.clearContents()
        if isinstance(target, Classes):
            self._fill_classes(target)
            return
        names = () if target is None else columns_of(target)
        self.table.setHorizontalHeaderLabels(["Quantity", "Galaxies", "Smallest", "Median", "Largest"])
        self.table.setRowCount(len(names))
        for place, name in enumerate(names):
            values = numbers(session.columns[name])
            values = values[np.isfinite(values)]
            summary = [f"{value:.4g}" for value in (values.min(), np.median(values), values.max())]
            for column, text in enumerate([name, str(len(values)), *summary]):
                self.table.setItem(place, column, _cell(text, column))

    def _fill_classes(self, target: Classes) -> None:
        session, split = self._session, self._session.split
        labels = np.array([label_text(value) for value in session.columns[target.column].tolist()], dtype=str)
        self.table.setHorizontalHeaderLabels([target.column, "Galaxies", "Training", "Validation", "Test"])
        names = [*target.names, *([""] if (labels == "").any() else [])]
        self.table.setRowCount(len(names))
        colours = class_colours(len(target.names))
        for place, name in enumerate(names):
            texts = [name or "no label", f"{int((labels == name).sum())}"]
            texts += [
                "–" if split is None else f"{int((labels[getattr(split, part)] == name).sum())}" for part in _PARTS
            ]
            for column, text in enumerate(texts):
                item = _cell(text, column)
                if column == 0 and name:
                    swatch = QPixmap(12, 12)
                    swatch.fill(QColor(colours[place]))
                    item.setIcon(swatch)
                item.setData(Qt.ItemDataRole.UserRole, name)
                self.table.setItem(place, column, item)

    def _select(self) -> None:
        """A click on a class selects its galaxies."""
        target, items = self._session.target, self.table.selectedItems()
        if isinstance(target, Classes) and items:
            name = items[0].data(Qt.ItemDataRole.UserRole)
            labels = [label_text(value) for value in self._session.columns[target.column].tolist()]
            self._session.set_selection(np.flatnonzero(np.array(labels) == name))


def _cell(text: str, column: int) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    if column:
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
