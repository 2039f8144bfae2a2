"""All galaxies: find them, sort them, colour them by class, label them by key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSettings, QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.data import sending
from app.data.arranging import Arranging
from app.data.ranking import GalleryRanking
from app.data.widgets.class_legend import ClassLegend
from app.data.widgets.search_field import SearchField
from app.data.widgets.thumbnails import ThumbnailGrid
from app.data.work import Thumbnails
from app.panel.panel import Panel
from app.session import label_commands
from app.session.session import Session
from app.theme import icon
from app.widgets.context_menu import add_text, offer_menu
from app.widgets.plain_text import on_button
from app.widgets.stretch_bar import StretchBar
from core.data import stretch
from core.data.catalogue_filter import Arrangement
from core.data.stretch import StretchSettings
from core.data.target import Classes

_ALL, _NONE, _SELECTED = "All classes", "No label", "Selected"
_EVERYWHERE = "All parts"
_STRANGEST = ("strangest",)  # no column can be called that
_PARTS = ("Training", "Validation", "Test")
_BADGES = ("T", "V", "•", "")  # the last for galaxies in no part
_BADGE_TIPS = (
    "T: in the training part",
    "V: in the validation part",
    "•: in the test part, which no training sees",
    "in no part of the data",
)
_ADVANCE = "gallery/advance"


class GalleryPanel(Panel):
    """The galaxies of the open dataset.

    Parameters
    ----------
    session
        Its current galaxy and selection follow the clicks; number keys label through its undo stack.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "gallery", parent=parent)
        self._thumbnails: Thumbnails | None = None
        self._parts: NDArray[np.int8] = np.empty(0, dtype=np.int8)
        self._class_of: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # of each distinct label text
        self.class_names: tuple[str, ...] = ()
        self._build()
        self._connect()
        self._new_dataset()
        self._read_labels()

    def _build(self) -> None:
        self.search = SearchField()
        self.classes = _box("Show only this class.")
        self.parts = _box("Show only this part of the data, or only what is selected.")
        self.parts.addItems([_EVERYWHERE, *_PARTS, _SELECTED])
        self.order = _box("Sort by this column.")
        self.descending = QToolButton()
        self.descending.setIcon(icon("mdi6.sort-descending"))
        self.descending.setCheckable(True)
        self.descending.setToolTip("The largest first.")
        self.label = QToolButton()
        self.label.setIcon(icon("mdi6.tag-outline"))
        self.label.setText("Label")
        self.label.setToolTip("Label the selected galaxies, also by number keys; 0 takes the label off.")
        self.label.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.label.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.label)
        self.label.setMenu(self.menu)
        self.advance = QToolButton()
        self.advance.setIcon(icon("mdi6.skip-next"))
        self.advance.setCheckable(True)
        self.advance.setChecked(bool(QSettings().value(_ADVANCE, False, bool)))
        self.advance.setToolTip("Go to the next galaxy after each number key.")
        self.advance.setAccessibleName("Next galaxy after a label")
        self.side = QSlider(Qt.Orientation.Horizontal)
        self.side.setRange(48, 192)
        self.side.setToolTip("Size of the thumbnails.")
        self.side.setFixedWidth(72)
        self.count = QLabel()
        self.count.setProperty("role", "muted")
        self.legend = ClassLegend()
        self.stretch_bar = StretchBar()
        self.grid = ThumbnailGrid()
        self.ranking, self._arranging = GalleryRanking(self._session, self), Arranging(self)
        self.side.setValue(self.grid.side)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(150)
        self._lay_out()

    def _lay_out(self) -> None:
        top, filters, below = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.label)
        top.addWidget(self.advance)
        for box in (self.classes, self.parts, self.order):
            filters.addWidget(box, 1)
        filters.addWidget(self.descending)
        filters.setSpacing(4)
        below.addWidget(self.count, 1)
        below.addWidget(self.side)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(top)
        column.addLayout(filters)
        column.addWidget(self.stretch_bar)
        column.addWidget(self.ranking.line)
        column.addWidget(self.grid, 1)
        column.addWidget(self.legend)
        column.addLayout(below)
        self._set_content(content)

    def _connect(self) -> None:
        session = self._session
        session.dataset.awaited.connect(self.search.await_another)
        session.dataset.changed.connect(self._new_dataset)
        session.dataset.split_changed.connect(self._read_labels)
        session.dataset.labels_changed.connect(self._relabel)
        session.current_changed.connect(self.grid.set_current)
        session.selection_changed.connect(self._show_selection)
        self._settle.timeout.connect(self._filter)
        self._arranging.begun.connect(lambda: self.count.setText("Looking…"))
        self._arranging.arranged.connect(self._show_rows)
        self.search.textChanged.connect(lambda _text: self._settle.start())
        for box in (self.classes, self.parts):
            box.activated.connect(lambda _place: self._filter())
        self.order.activated.connect(lambda _place: self._choose_order())
        self.ranking.changed.connect(self._show_ranking)
        session.similar_wanted.connect(self._find_similar)
        self.descending.toggled.connect(lambda _on: self._filter())
        self.side.valueChanged.connect(self.grid.set_side)
        self.stretch_bar.changed.connect(self._restretch)
        self.grid.current_changed.connect(session.set_current)
        self.grid.selection_changed.connect(session.set_selection)
        self.grid.key_pressed.connect(self._key)
        self.grid.failed.connect(session.report)
        self.advance.toggled.connect(lambda on: QSettings().setValue(_ADVANCE, on))
        session.relabelled.connect(self._return_to)
        offer_menu(self.grid, self._offer_actions)
        self.menu.aboutToShow.connect(self._fill_menu)

    def _wind_up(self) -> None:
        self.grid.pictures.close()

    # -- the dataset -----------------------------------------------------------------------------------------------

    def _new_dataset(self) -> None:
        cutouts = self._session.dataset.cutouts
        self._arranging.clear()
        self.order.clear()
        self.search.begin_anew()
        self.parts.setCurrentIndex(0)
        self._thumbnails = None
        for widget in (
            self.search,
            self.label,
            self.advance,
            self.classes,
            self.parts,
            self.order,
            self.descending,
            self.stretch_bar,
        ):
            widget.setEnabled(cutouts is not None)
        if cutouts is None:
            self.grid.set_source(0, None)
            self.ranking.clear()
            self.classes.clear()
            self.class_names = ()
            self.count.clear()
            self.legend.clear()
            return
        first = ("File order", ""), ("Strangest first", _STRANGEST)
        for name, column in (*first, *((name, name) for name in cutouts.columns)):
            self.order.addItem(name, column)
        self.stretch_bar.set_value(stretch.default_stretch(cutouts.is_picture))
        planes = stretch.colour_planes([band.name for band in cutouts.bands])
        self._thumbnails = Thumbnails(cutouts.path, self.stretch_bar.value(), planes)
        self.grid.set_source(len(cutouts), self._thumbnails)
        with QSignalBlocker(self.ranking):  # labels and parts follow, and only then are galaxies chosen and sorted
            self.ranking.clear()
        self.grid.set_current(self._session.current)

    def _restretch(self, settings: StretchSettings) -> None:
        if self._thumbnails is not None:
            self._thumbnails.settings = settings
            self.grid.refresh()

    def _read_labels(self) -> None:
        """Colours, badges and class names by the present labels and parts."""
        dataset, cutouts = self._session.dataset, self._session.dataset.cutouts
        if cutouts is None:
            return
        split = dataset.split
        self._parts = np.full(len(cutouts), -1, dtype=np.int8) if split is None else split.numbers(len(cutouts))
        self.grid.set_badges(lambda row: _BADGES[self._parts[row]])
        self.grid.set_tips(self._describe_galaxy)
        self._colour_classes()
        self._filter()

    def _relabel(self, rows: NDArray[np.int64]) -> None:
        """Show new labels of some galaxies: a key must not take longer the more others there are."""
        texts = self._session.dataset.label_texts
        self._arranging.forget(self._session.dataset.label_column)
        if self._class_names != self.class_names or texts is None or len(texts.texts) != len(self._class_of):
            self._colour_classes()
        elif self.class_names:
            self.grid.recolour(rows, self._class_of[texts.places[rows]])
        if self.classes.currentIndex() > 0 or self.search.text() or self.order.currentData():
            self._settle.start()

    def _colour_classes(self) -> None:
        dataset, cutouts = self._session.dataset, self._session.dataset.cutouts
        names = self._class_names
        texts = dataset.label_texts if names else None  # of numbers, each would be a text of its own
        if texts is None:
            self.grid.set_colours(np.full(0 if cutouts is None else len(cutouts), -1), [])
            self._class_of = np.empty(0, dtype=np.int64)
        else:
            place = {name: index for index, name in enumerate(names)}
            self._class_of = np.array([place.get(text, -1) for text in texts.texts], dtype=np.int64)
            self.grid.set_colours(self._class_of[texts.places], dataset.class_colours(names))
        if names != self.class_names or self.classes.count() == 0:
            chosen = self.classes.currentText()
            self.class_names = names
            self.classes.clear()
            self.classes.addItems([_ALL, *names, _NONE])
            self.classes.setCurrentIndex(max(0, self.classes.findText(chosen)))
        self.legend.show_classes(names, dataset.class_colours(names))

    @property
    def _class_names(self) -> tuple[str, ...]:
        """The classes that can be given, in the order of their number keys; none for numbers and votes."""
        dataset = self._session.dataset
        return dataset.class_names if dataset.target is None or isinstance(dataset.target, Classes) else ()

    def _describe_galaxy(self, row: int) -> str:
        """The galaxy under the mouse: its id, its label, and what its badge means."""
        cutouts = self._session.dataset.cutouts
        if cutouts is None:
            return ""
        label = self._session.dataset.label(row) if self.class_names else ""
        lines = [cutouts.ids[row], label or "no label"] if self.class_names else [cutouts.ids[row]]
        return "\n".join([*lines, _BADGE_TIPS[self._parts[row]], self.ranking.describe(row)]).strip()

    # -- what is shown ---------------------------------------------------------------------------------------------

    def _filter(self) -> None:
        """Show what is asked for; where finding it takes long, once it is found."""
        cutouts = self._session.dataset.cutouts
        if cutouts is None:
            return
        kind, part = self.classes.currentText(), self.parts.currentText()
        shown = np.full(len(cutouts), part != _SELECTED)
        if part == _SELECTED:
            shown[self._session.selection] = True
        elif part in _PARTS:
            shown &= self._parts == _PARTS.index(part)
        if self.classes.currentIndex() > 0:
            texts = self._session.dataset.label_texts
            shown &= False if texts is None else texts.places == texts.place("" if kind == _NONE else kind)
        column, columns = self.order.currentData(), self._session.dataset.columns
        by = columns[column] if column and column != _STRANGEST else None
        wanted = Arrangement(shown, self.search.text(), by, self.ranking.order, self.descending.isChecked())
        self._arranging.start(wanted, columns)

    def _show_rows(self, rows: NDArray[np.int64]) -> None:
        self.grid.set_rows(rows)
        self.count.setText(f"{len(rows):,} of {len(self._parts):,} shown")

    def _choose_order(self) -> None:
        if self.order.currentData() == _STRANGEST:
            self.ranking.rank_unusual()
        else:
            self.ranking.clear()

    def _find_similar(self, rows: NDArray[np.int64]) -> None:
        """Rank the galaxies most alike to these, of all classes and parts."""
        with QSignalBlocker(self.parts), QSignalBlocker(self.classes), QSignalBlocker(self.search):
            self.parts.setCurrentIndex(0)
            self.classes.setCurrentIndex(0)
            self.search.clear()
        self.ranking.find_similar(rows.tolist())

    def _show_ranking(self) -> None:
        """Show the galaxies in the order of a ranking, with its numbers, or in the usual one."""
        if not self.ranking.is_shown and self.order.currentData() == _STRANGEST:
            self.order.setCurrentIndex(0)
        self.grid.set_labels(self.ranking.label if self.ranking.is_shown else None)
        self._filter()
        if self.ranking.is_shown:
            self.grid.verticalScrollBar().setValue(0)

    def _show_selection(self) -> None:
        """What was selected in another panel is what one wants to see."""
        selection = self._session.selection
        if np.array_equal(selection, self.grid.selection):
            return
        self.grid.set_selection(selection)
        with QSignalBlocker(self.parts), QSignalBlocker(self.classes), QSignalBlocker(self.search):
            self.parts.setCurrentText(_SELECTED if len(selection) else _EVERYWHERE)
            if len(selection):
                self.classes.setCurrentIndex(0)
                self.search.clear()
        self._filter()  # once: whatever a filter hides is deselected

    # -- labels ----------------------------------------------------------------------------------------------------

    def _key(self, key: str) -> None:
        """A number key labels the selected galaxies, or the current one."""
        names = self.class_names
        if key.isdigit() and int(key) <= len(names):
            self._give(names[int(key) - 1] if int(key) else "")
            if self.advance.isChecked() and len(self._session.selection) <= 1:
                self.grid.go_on()

    @property
    def _chosen_rows(self) -> list[int]:
        """The selected galaxies, or the current one."""
        return self._session.selection.tolist() or [self._session.current]

    def _give(self, label: str) -> None:
        rows = self._chosen_rows
        if rows[0] >= 0:
            label_commands.give(self._session, rows, label)

    def _return_to(self, rows: list[int]) -> None:
        """Go to galaxies whose label was taken back: the next key is for them again."""
        self.grid.set_selection(np.array(rows, dtype=np.int64))
        self._session.set_selection(self.grid.selection)

    def _offer_actions(self, menu: QMenu, place: QPoint) -> None:
        """Offer what can be done with the galaxy under the mouse, or with all that are selected if it is among them."""
        row = self.grid.choose_at(place)
        cutouts = self._session.dataset.cutouts
        if cutouts is None or row < 0:
            return
        many = len(self._session.selection)
        head = menu.addAction(on_button(cutouts.ids[row]) if many <= 1 else f"{many:,} galaxies")
        head.setEnabled(False)  # a heading; the style draws no title on a separator
        menu.addSeparator()
        self._add_labels(menu)
        menu.addSeparator()
        self.ranking.offer(menu, self._chosen_rows)
        sending.offer(menu, self._session, row)
        add_text(
            menu, "Copy id" if many <= 1 else "Copy ids", "\n".join(cutouts.ids[each] for each in self._chosen_rows)
        )

    def _fill_menu(self) -> None:
        self.menu.clear()
        self._add_labels(self.menu)

    def _add_labels(self, menu: QMenu) -> None:
        for key, name in enumerate(self.class_names, 1):
            action = menu.addAction(on_button(f"{name}\t{key}" if key < 10 else name))
            action.triggered.connect(lambda _checked=False, name=name: self._give(name))
        menu.addSeparator()
        if self._session.dataset.target is None or isinstance(self._session.dataset.target, Classes):
            menu.addAction("New class…").triggered.connect(lambda _checked=False: self._ask())
        menu.addAction("Take the label off\t0").triggered.connect(lambda _checked=False: self._give(""))

    def _ask(self) -> None:
        name, is_given = QInputDialog.getText(self, "New class", "Label the selected galaxies as")
        if is_given and name.strip():
            self._give(name.strip())


def _box(tip: str) -> QComboBox:
    box = QComboBox()
    box.setToolTip(tip)
    box.setMinimumContentsLength(6)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box
