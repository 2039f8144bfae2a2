"""All galaxies: find them, sort them, colour them by class, label them by key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app import labelling
from app.session import Session
from app.theme import class_colours, colours, icon
from app.widgets.stretch_bar import StretchBar
from app.widgets.thumbnails import ThumbnailGrid
from core.data import stretch
from core.data.stretch import StretchSettings
from core.data.target import Classes, label_text

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts

_SIDE = 96
_ALL, _NONE = "All", "No label"
_PARTS = ("train", "validation", "test")
_BADGES = {"train": "T", "validation": "V", "test": "•"}


class _Fetcher:
    """Draws thumbnails on the grid's own thread, with a handle of its own on the file."""

    def __init__(self, path: Path, settings: StretchSettings, planes: tuple[int, int, int] | None) -> None:
        self.settings = settings
        self._path, self._planes = path, planes
        self._cutouts: Cutouts | None = None

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        from core.data.cutouts import Cutouts

        if self._cutouts is None:
            self._cutouts = Cutouts.open(self._path)
        return stretch.thumbnails(self._cutouts.images.stored(rows), self.settings, _SIDE, self._planes)

    def close(self) -> None:
        """Close the file."""
        if self._cutouts is not None:
            self._cutouts.close()


class GalleryPanel(QWidget):
    """The galaxies of the open dataset.

    Parameters
    ----------
    session
        Its current galaxy and selection follow the clicks; number keys label through its undo stack.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self._session = session
        self._fetcher: _Fetcher | None = None
        self._labels: NDArray[np.str_] = np.empty(0, dtype=str)
        self._parts: NDArray[np.str_] = np.empty(0, dtype=str)
        self._haystack: NDArray[np.str_] = np.empty(0, dtype=str)
        self._build()
        self._connect()
        self._new_dataset()

    def _build(self) -> None:
        self.find = QLineEdit()
        self.find.setPlaceholderText("Find in the catalogue")
        self.find.setClearButtonEnabled(True)
        self.classes = QComboBox()
        self.classes.setToolTip("Show only this class.")
        self.parts = QComboBox()
        self.parts.setToolTip("Show only this part of the data.")
        self.parts.addItems([_ALL, *_PARTS])
        self.order = QComboBox()
        self.order.setToolTip("Sort by this column.")
        self.descending = QToolButton()
        self.descending.setIcon(icon("mdi6.sort-descending"))
        self.descending.setCheckable(True)
        self.descending.setToolTip("The largest first.")
        self.count = QLabel()
        self.count.setProperty("role", "muted")
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.stretch_bar = StretchBar()
        self.grid = ThumbnailGrid()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(150)

        top = QHBoxLayout()
        top.addWidget(self.find, 2)
        top.addWidget(self.classes, 1)
        top.addWidget(self.parts, 1)
        top.addWidget(self.order, 1)
        top.addWidget(self.descending)
        below = QHBoxLayout()
        below.addWidget(self.legend, 1)
        below.addWidget(self.count)
        for box in (self.classes, self.parts, self.order):
            box.setMinimumContentsLength(6)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        column = QVBoxLayout(self)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.stretch_bar)
        column.addWidget(self.grid, 1)
        column.addLayout(below)

    def _connect(self) -> None:
        session = self._session
        session.cutouts_changed.connect(self._new_dataset)
        session.labels_changed.connect(self._read_labels)
        session.split_changed.connect(self._read_labels)
        session.current_changed.connect(self.grid.set_current)
        session.selection_changed.connect(lambda: self.grid.set_selection(session.selection))
        self._settle.timeout.connect(self._filter)
        self.find.textChanged.connect(lambda _text: self._settle.start())
        for box in (self.classes, self.parts, self.order):
            box.activated.connect(lambda _place: self._filter())
        self.descending.toggled.connect(lambda _on: self._filter())
        self.stretch_bar.changed.connect(self._restretch)
        self.grid.current_changed.connect(session.set_current)
        self.grid.selection_changed.connect(session.set_selection)
        self.grid.key_pressed.connect(self._key)
        self.grid.failed.connect(session.report)

    # -- the dataset -----------------------------------------------------------------------------------------------

    def _new_dataset(self) -> None:
        cutouts = self._session.cutouts
        self.order.clear()
        self.find.clear()
        self._haystack = np.empty(0, dtype=str)
        self._fetcher = None
        if cutouts is None:
            self.grid.set_source(0, None)
            self.count.clear()
            self.legend.clear()
            return
        self.order.addItem("as in the file", "")
        for name in cutouts.columns:
            self.order.addItem(name, name)
        self.stretch_bar.set_value(stretch.suited(cutouts.is_picture))
        planes = stretch.colour_planes([band.name for band in cutouts.bands])
        self._fetcher = _Fetcher(cutouts.path, self.stretch_bar.value(), planes)
        self.grid.set_source(len(cutouts), self._fetcher)
        self._read_labels()
        self.grid.set_current(self._session.current)

    def _restretch(self, settings: StretchSettings) -> None:
        if self._fetcher is not None:
            self._fetcher.settings = settings
            self.grid.refresh()

    def _read_labels(self, _rows: object = None) -> None:
        """Colours, badges and class names by the present labels and parts."""
        session, cutouts = self._session, self._session.cutouts
        if cutouts is None:
            return
        column = session.columns.get(session.label_column)
        texts = [""] * len(cutouts) if column is None else [label_text(value) for value in column.tolist()]
        self._labels = np.array(texts, dtype=str)
        split = session.split
        self._parts = np.array([""] * len(cutouts) if split is None else split.part_of(len(cutouts)), dtype=str)
        names = self.class_names
        place = {name: index for index, name in enumerate(names)}
        self.grid.set_colours(np.array([place.get(text, -1) for text in texts]), class_colours(len(names)))
        self.grid.set_badges([_BADGES.get(part, "") for part in self._parts.tolist()])
        chosen = self.classes.currentText()
        self.classes.clear()
        self.classes.addItems([_ALL, *names, _NONE])
        self.classes.setCurrentIndex(max(0, self.classes.findText(chosen)))
        self._show_legend(names)
        self._filter()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of their colours and number keys; none for numbers."""
        target = self._session.target
        return target.names if isinstance(target, Classes) else ()

    def _show_legend(self, names: tuple[str, ...]) -> None:
        marks = [
            f'<span style="color:{colour}">■</span>&nbsp;{name}&nbsp;<span style="color:{colours().muted}">{key}</span>'
            for key, (name, colour) in enumerate(zip(names[:9], class_colours(len(names)), strict=False), 1)
        ]
        self.legend.setText(" &nbsp; ".join(marks))
        self.legend.setToolTip("Number keys label the selected galaxies, 0 takes the label off; undo with Ctrl+Z.")

    # -- what is shown ---------------------------------------------------------------------------------------------

    def _filter(self) -> None:
        cutouts = self._session.cutouts
        if cutouts is None:
            return
        shown = np.ones(len(cutouts), dtype=bool)
        kind = self.classes.currentText()
        if kind == _NONE:
            shown &= self._labels == ""
        elif kind not in {_ALL, ""}:
            shown &= self._labels == kind
        if self.parts.currentText() != _ALL:
            shown &= self._parts == self.parts.currentText()
        if words := self.find.text().lower().split():
            for word in words:
                shown &= np.char.find(self._searchable(), word) >= 0
        rows = np.flatnonzero(shown)
        column = self.order.currentData()
        if column:
            values = self._session.columns[column]
            order = np.argsort(values[rows].astype(str) if values.dtype == object else values[rows], kind="stable")
            rows = rows[order[::-1] if self.descending.isChecked() else order]
        elif self.descending.isChecked():
            rows = rows[::-1]
        self.grid.set_rows(rows)
        total = f"{len(cutouts):,}".replace(",", "\u202f")
        self.count.setText(f"{len(rows):,} of {total}".replace(",", "\u202f") if len(rows) < len(cutouts) else total)

    def _searchable(self) -> NDArray[np.str_]:
        """One line of text for each galaxy, made when it is first needed."""
        if not len(self._haystack) and self._session.cutouts is not None:
            texts = [np.asarray(column).astype(str) for column in self._session.cutouts.columns.values()]
            self._haystack = np.char.lower([" ".join(cells) for cells in zip(*texts, strict=True)])
        return self._haystack

    # -- labels ----------------------------------------------------------------------------------------------------

    def _key(self, key: str) -> None:
        """A number key labels the selected galaxies, or the current one."""
        names = self.class_names
        if not key.isdigit() or int(key) > len(names):
            return
        rows = self._session.selection.tolist() or [self._session.current]
        if rows[0] >= 0:
            labelling.give(self._session, rows, names[int(key) - 1] if int(key) else "")
