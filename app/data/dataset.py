"""What the dataset holds: classes and their counts, what is learned, and which galaxies are locked away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.data.duplicates import DuplicatesSection
from app.data.parts_sentences import describe_parts, describe_redraw
from app.data.widgets.column_chooser import ColumnChooser
from app.data.widgets.parts_source import PartsSource
from app.panel.panel import Panel
from app.session.edit_commands import DrawParts
from app.session.session import Session
from app.theme import icon
from app.widgets.empty_state import EmptyState
from app.widgets.forms import SettingsForm
from app.widgets.inputs import WholeSpin
from app.widgets.message_line import MessageLine
from app.widgets.plain_text import as_written
from app.widgets.share_bar import COLOUR, SHARE, ShareBar
from core.data.settings import DataSettings
from core.data.target import Classes, Quantities, VoteFractions, periods_of
from core.printable import on_one_line
from core.wording import count_of

_PARTS = ("train", "validation", "test")
_ROW = 26
_WIDTH = 330
_MOST_ROWS = 10  # of the table without a scroll bar

_ELSEWHERE = frozenset({"labels", "split_column", "side_columns", "side_logarithms"})  # have other widgets


class DatasetPanel(Panel):
    """Counts, target and parts of the open dataset.

    Parameters
    ----------
    session
        Its draft ``settings.data`` and ``settings.seed`` are edited here.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        empty = EmptyState("mdi6.database-outline", "No dataset", "Import galaxies, or open the demonstration survey.")
        super().__init__(session, "dataset", empty, parent)
        self._build()
        self._connect()
        self._new_dataset()
        self._show_parts()

    def _build(self) -> None:
        self.title = _label("heading")
        self.others = QComboBox()
        self.others.setToolTip("Another dataset of this project.")
        self.about = MessageLine(2, grows=True)
        self.table = _table()
        self.problem = MessageLine(2, "problem", grows=True)
        self.rule = MessageLine(3, grows=True)
        self.learn = ColumnChooser("")
        self.form = SettingsForm(DataSettings, self._session.draft.settings.data, exclude=_ELSEWHERE)
        self.source = PartsSource()
        self.hints = MessageLine(2, "warning", grows=True)
        self.seed = WholeSpin()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setPrefix("Seed ")
        self.seed.setToolTip(
            "The origin of all randomness. The first training keeps its parts: another seed then moves no galaxy."
        )
        self.seed.setKeyboardTracking(False)
        self.again = QPushButton(icon("mdi6.dice-multiple-outline"), "Draw again")
        self.again.setToolTip("Draw other parts by the next seed; asks first if a training has used the present ones.")
        draw = QHBoxLayout()
        draw.addWidget(self.seed)
        draw.addWidget(self.again)
        draw.addStretch(1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setSpacing(8)
        for widget in (
            self.others,
            self.title,
            self.about,
            _heading("What is learned"),
            self.learn,
            self.table,
            self.problem,
        ):
            column.addWidget(widget)
        for widget in (_heading("Parts"), self.source, self.rule, self.hints, self.form):
            column.addWidget(widget)
        column.addLayout(draw)
        self.duplicates = DuplicatesSection(self._session)
        column.addWidget(_heading("The same galaxy twice"))
        column.addWidget(self.duplicates)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        scroll.setMinimumWidth(_WIDTH)
        self._set_content(scroll, margin=0)  # what scrolls has its own

    def _connect(self) -> None:
        session = self._session
        session.dataset.changed.connect(self._new_dataset)
        session.dataset.split_changed.connect(self._show_parts)
        session.dataset.labels_changed.connect(self._show_counts)
        session.dataset.drawing_begun.connect(lambda: self.rule.setText("Drawing the parts…"))
        session.draft.changed.connect(self._show_settings)
        self.others.activated.connect(self._open)
        self.form.changed.connect(self._edited)
        self.learn.changed.connect(self._chose)
        self.seed.valueChanged.connect(self._reseeded)
        self.again.clicked.connect(lambda _checked=False: self._draw_again())
        self.source.chosen.connect(lambda column: session.draft.edit("data.split_column", column))
        self.table.itemSelectionChanged.connect(self._select)

    # -- from the user to the session ------------------------------------------------------------------------------

    def _open(self, place: int) -> None:
        """Open another dataset of the project."""
        path, cutouts = self.others.itemData(place), self._session.dataset.cutouts
        if cutouts is not None and path != cutouts.path:
            self._session.dataset_wanted.emit(path)
            self._list_datasets()  # which is open until the other one is

    def _edited(self, data: DataSettings) -> None:
        self._session.draft.edit("data", data)

    def _chose(self, labels: tuple[str, ...]) -> None:
        self._session.draft.edit("data.labels", labels)

    def _reseeded(self, seed: int) -> None:
        self._session.draft.edit("seed", seed)

    def _draw_again(self) -> None:
        """Draw other parts; those that a training has used only if the user confirms what that spoils."""
        dataset = self._session.dataset
        if dataset.kept is None and not dataset.has_damaged_parts:
            self.seed.stepUp()
            return
        question = QMessageBox(QMessageBox.Icon.Warning, "Draw the parts again?", "Draw the parts again?", parent=self)
        question.setInformativeText(describe_redraw(dataset.finished_runs()))
        draw = question.addButton("Draw again", QMessageBox.ButtonRole.DestructiveRole)
        question.setDefaultButton(question.addButton(QMessageBox.StandardButton.Cancel))
        question.exec()
        if question.clickedButton() is draw:
            self._session.undo.push(DrawParts(self._session))

    def _select(self) -> None:
        """A click on a class selects its galaxies."""
        target, items = self._session.dataset.target, self.table.selectedItems()
        if isinstance(target, Classes) and items:
            name = items[0].data(Qt.ItemDataRole.UserRole)
            texts = self._session.dataset.label_texts
            assert texts is not None
            self._session.set_selection(np.flatnonzero(texts.places == texts.place(name)))

    # -- from the session to the user ------------------------------------------------------------------------------

    def _list_datasets(self) -> None:
        project, cutouts = self._session.project, self._session.dataset.cutouts
        self.others.clear()
        for path in [] if project is None else project.datasets():
            self.others.addItem(path.stem, path)
        if cutouts is not None and self.others.findData(cutouts.path) < 0:
            self.others.insertItem(0, cutouts.path.stem, cutouts.path)
        self.others.setCurrentIndex(self.others.findData(None if cutouts is None else cutouts.path))

    def _new_dataset(self) -> None:
        cutouts = self._session.dataset.cutouts
        self._show_content(cutouts is not None)
        if cutouts is None:
            return
        self._list_datasets()
        count, planes, height, width = cutouts.shape
        bands = ", ".join(band.name for band in cutouts.bands)
        self.title.setText(count_of(count, "galaxy"))
        scales = cutouts.pixel_scale[np.isfinite(cutouts.pixel_scale)]
        scale = f"{np.median(scales):.3g}″ per pixel" if len(scales) else "pixel scale unknown"
        kind = "8-bit pictures" if cutouts.is_picture else cutouts.bands[0].unit or "unit unknown"
        plural = "band" if planes == 1 else "bands"
        self.about.setText(f"{width} × {height} pixels, {planes} {plural} ({bands}), {scale}, {kind}.")
        self.about.setToolTip(as_written(f"{cutouts.path}\nFrom {cutouts.origin.source}, {cutouts.origin.time}"))
        self.learn.set_nothing(", ".join(cutouts.labels) or "Choose a column")
        self._show_settings()
        self.form.offer_columns([name for name in self._session.dataset.columns if name != "id"])

    def _show_settings(self) -> None:
        settings, session = self._session.draft.settings, self._session
        if self.form.value() != settings.data:
            self.form.set_value(settings.data)
        if self.seed.value() != settings.seed:
            self.seed.setValue(settings.seed)
        self.learn.set_columns([name for name in session.dataset.columns if name != "id"])
        self.learn.set_chosen(settings.data.labels)

    def _show_parts(self) -> None:
        """Counts by class and part, and how the parts were drawn."""
        session = self._session
        if session.dataset.cutouts is None:
            return
        problem, split = session.dataset.split_problem, session.dataset.split
        self.problem.setText("" if problem is None else problem.text)
        self.hints.setText("\n".join(str(notice.text) for notice in session.dataset.part_notices))
        given = session.dataset.parts_column
        self.source.show_columns(session.dataset.columns_with_parts, session.dataset.cutouts.split_column, given)
        self.again.setEnabled(not given)
        kept = session.dataset.kept is not None and bool(session.dataset.kept.parts) and not given
        self.rule.setText("" if split is None else describe_parts(split, kept=kept))
        target = session.dataset.target
        self.table.setVisible(target is not None)
        self.table.clearContents()
        if isinstance(target, Classes):
            self._fill_classes(target)
        elif isinstance(target, Quantities | VoteFractions):
            self._fill_quantities(target)
        rows = min(self.table.rowCount(), _MOST_ROWS)
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + rows * _ROW + 4)

    def _fill_classes(self, target: Classes) -> None:
        session, split = self._session, self._session.dataset.split
        texts = session.dataset.label_texts
        assert texts is not None
        self._head([target.column, "All", "Train", "Valid.", "Test"])
        names = [*target.names, *([""] if texts.count("") else [])]
        self.table.setRowCount(len(names))
        counts = [texts.count(name) for name in names]
        parts = [] if split is None else [texts.places[getattr(split, part)] for part in _PARTS]
        by_part = [np.bincount(places, minlength=len(texts.texts)) for places in parts]
        colours = [*session.dataset.class_colours(target.names), "#808080"]
        for place, (name, count) in enumerate(zip(names, counts, strict=True)):
            cells = [name or "no label", f"{count:,}"]
            cells += [f"{int(counted[texts.place(name)]):,}" if name else "–" for counted in by_part]
            self._fill_row(place, cells if by_part else [*cells, "–", "–", "–"])
            first, second = self.table.item(place, 0), self.table.item(place, 1)
            assert first is not None
            assert second is not None
            swatch = QPixmap(12, 12)
            swatch.fill(QColor(colours[place]))
            first.setIcon(swatch)
            second.setData(SHARE, count / max(1, *counts))
            second.setData(COLOUR, colours[place])
            for column in range(5):
                item = self.table.item(place, column)
                assert item is not None
                item.setData(Qt.ItemDataRole.UserRole, name)

    def _show_counts(self) -> None:
        """Bring the counts of the classes up to date after a label; the parts follow once no more labels come."""
        is_of_classes, places = isinstance(self._session.dataset.target, Classes), range(self.table.rowCount())
        texts = self._session.dataset.label_texts if is_of_classes else None
        if texts is None:
            return
        names = [item.data(Qt.ItemDataRole.UserRole) for place in places if (item := self.table.item(place, 0))]
        counts = [texts.count(name or "") for name in names]
        for place, count in enumerate(counts):
            item = self.table.item(place, 1)
            assert item is not None
            item.setText(f"{count:,}")
            item.setToolTip(f"{count:,}")
            item.setData(SHARE, count / max(1, *counts))

    def _fill_quantities(self, target: VoteFractions | Quantities) -> None:
        cutouts, names = self._session.dataset.cutouts, target.columns
        self._head(["Quantity", "Known", "Least", "Median", "Most"])
        self.table.setRowCount(len(names))
        for place, (name, period) in enumerate(zip(names, periods_of(target), strict=True)):
            known, *values = self._session.dataset.summary(name)
            unit = "" if cutouts is None else cutouts.units.get(name, "")
            summary = [f"{value:.4g}" for value in values]
            if period is not None:
                summary[1] = "–"  # on a circle there is no middle
            self._fill_row(place, [f"{name} [{unit}]" if unit else name, f"{known:,}", *summary])
            if period is not None and (middle := self.table.item(place, 3)) is not None:
                after = f"{period:.6g} {unit}".strip()
                middle.setToolTip(f"It has no median: an angle, which repeats after {after}.")

    def _head(self, titles: Sequence[str]) -> None:
        self.table.setHorizontalHeaderLabels(list(titles))
        first = self.table.horizontalHeaderItem(0)
        assert first is not None
        first.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def _fill_row(self, place: int, texts: Sequence[str]) -> None:
        for column, text in enumerate(texts):
            item = QTableWidgetItem(on_one_line(text))
            item.setToolTip(as_written(text))
            if column:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(place, column, item)


def _table() -> QTableWidget:
    table = QTableWidget(0, 5)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(_ROW)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setShowGrid(False)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setToolTip("Click a class to see its galaxies.")
    table.setItemDelegateForColumn(1, ShareBar(table))
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    header.setMinimumSectionSize(40)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return table


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setProperty("role", role)
    return label


def _heading(text: str) -> QLabel:
    label = _label("heading")
    label.setText(text)
    return label
