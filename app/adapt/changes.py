"""What moved: weights by layer, confusion before and after, and the galaxies that flipped, with their evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.adapt import changes_work as work
from app.adapt.widgets.change_bars import ChangeBars
from app.adapt.widgets.flip_list import FlipList
from app.panel.panel import Panel
from app.session.session import Session
from app.widgets.confusion import ConfusionMatrix
from app.widgets.empty_state import EmptyState
from app.widgets.image_view import ImageView
from app.widgets.message_line import MessageLine
from core.wording import count_of, percent

if TYPE_CHECKING:
    from core.adapt.moved import ClassMoves, Moved
    from core.adapt.overlays import Overlays

_PARTS = (("Validation part", "validation"), ("Test part", "test"), ("All labelled galaxies", "all"))
_HINT = "Choose a galaxy to see where either network finds the evidence for its answer."


class ChangesPanel(Panel):
    """Compare a run with the network that it was fine-tuned from: the one that is carried, or that is looked at.

    Parameters
    ----------
    session
        Its open dataset is the one whose galaxies both networks answer for.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "changes", EmptyState("mdi6.compare", "", ""), parent)
        self.carry = self._add_carry_line("Compare", "on")
        self._asked: tuple[object, ...] | None = None
        self._classes: ClassMoves | None = None
        self._moves = self._make_request(self._show_moves, self._show_refusal)
        self._overlays = self._make_request(self._show_overlays, self._show_no_overlays)
        self._build()
        self.part.activated.connect(self.refresh)
        self.flips.galaxy_chosen.connect(self._choose_galaxy)
        for which, matrix in (("before", self.before), ("after", self.after)):
            matrix.cell_clicked.connect(lambda row, column, which=which: self._choose_cell(which, row, column))
        session.carried.changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        session.dataset.labels_changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self.heading = QLabel()
        self.heading.setProperty("role", "heading")
        self.part = QComboBox()
        for title, name in _PARTS:
            self.part.addItem(title, name)
        self.part.setToolTip("The galaxies of the run's own dataset; of another one all labelled galaxies are used.")
        self.part.setAccessibleName("Galaxies")
        self.sentence = MessageLine(2, grows=True)
        self.bars, self.before, self.after = ChangeBars(), ConfusionMatrix(), ConfusionMatrix()
        self.flips = FlipList()
        self.pictures = {"before": ImageView(), "after": ImageView()}
        self.captions = {"before": QLabel(), "after": QLabel()}
        self.evidence = MessageLine(2, grows=True)
        top = QHBoxLayout()
        top.addWidget(self.heading, 1)
        top.addWidget(self.part)
        layers = QScrollArea()
        layers.setWidgetResizable(True)
        layers.setFrameShape(QScrollArea.Shape.NoFrame)
        layers.setWidget(self.bars)
        self.count = QLabel("Flipped galaxies")
        self.count.setProperty("role", "heading")
        split = QSplitter()
        split.setChildrenCollapsible(False)
        split.addWidget(_titled("Change of each layer", layers))
        split.addWidget(self._build_middle())
        split.addWidget(_titled(self.count, self.flips))
        split.setSizes([380, 460, 420])
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(self.sentence)
        column.addWidget(split, 1)
        self._set_content(content)

    def _build_middle(self) -> QWidget:
        """Both matrices side by side, and under them the evidence in one galaxy."""
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        matrices, pictures = QHBoxLayout(), QHBoxLayout()
        for title, matrix in (("Confusion before", self.before), ("Confusion after", self.after)):
            matrices.addWidget(_titled(title, matrix), 1)
        for name, picture in self.pictures.items():
            picture.setMinimumSize(120, 120)
            self.captions[name].setProperty("role", "heading")
            pictures.addWidget(_titled(self.captions[name], picture), 1)
        column.addLayout(matrices, 3)
        column.addLayout(pictures, 2)
        column.addWidget(self.evidence)
        return middle

    # -- what has moved --------------------------------------------------------------------------------------------

    def _renew(self) -> None:
        run, cutouts = self._session.carried.run, self._session.dataset.cutouts
        if run is None or not run.best.exists():
            self._show_empty("No run to compare", "Choose a fine-tuned run above.")
            self._asked = None
            return
        if cutouts is None:
            self._show_empty("No galaxies", "Open the dataset whose galaxies both networks are to answer for.")
            return
        journal = self._session.dataset.journal
        labels = None if journal is None or not journal.path.exists() else journal.path.stat().st_mtime_ns
        asked = (run.path, run.best.stat().st_mtime_ns, cutouts.path, self.part.currentData(), labels)
        if asked != self._asked:
            self._asked = asked
            self.sentence.setText("Comparing…")
            if self._is_empty:
                self._show_empty("Comparing…", "with the network from which this one was fine-tuned.")
            self._moves.start(work.find_moves(run.path, cutouts.path, self.part.currentData(), journal))

    def _drop_outdated(self) -> None:
        if self._session.carried.run is None or self._session.dataset.cutouts is None:
            self._asked = None
            self._stop_requests()

    def _show_moves(self, moved: Moved) -> None:
        run, classes = self._session.carried.run, moved.classes
        self._classes = classes
        self._show_content()
        self.heading.setText("" if run is None else f"“{run.title}” against “{moved.start}”, from which it started")
        self.bars.show_layers(moved.layers)
        self._forget_galaxy()
        for widget in (self.before, self.after, self.flips):
            widget.setVisible(classes is not None)
        if classes is None:
            self.sentence.setText("Confusions and flipped galaxies are shown where classes are learned.")
            self.count.setText("No classes")
            return
        self.sentence.setText(f"{classes.sentence} Both answer with the most probable class.")
        spots = self._session.dataset.class_colours(classes.names)
        right = [
            classes.old_names.index(classes.counted_as[name]) if name in classes.counted_as else -1
            for name in classes.names
        ]
        self.before.set_counts(classes.names, classes.confusion_before, spots, classes.old_names, right)
        self.after.set_counts(classes.names, classes.confusion_after, spots)
        self.count.setText(f"{count_of(len(classes.flips), 'galaxy')} of {len(classes.rows):,} flipped")
        self.flips.show_flips(classes.flips)

    def _show_refusal(self, problem: object) -> None:
        text = self._describe(problem)
        self._show_empty("Nothing to compare", text)

    # -- back to the galaxies --------------------------------------------------------------------------------------

    def _choose_cell(self, which: str, label: int, answer: int) -> None:
        """Select the galaxies in a cell of one of the matrices."""
        classes = self._classes
        if classes is None:
            return
        answers, names = (classes.before, classes.old_names) if which == "before" else (classes.after, classes.names)
        rows = classes.rows[(classes.labels == label) & (answers == answer)]
        self._session.set_selection(rows)
        called = "were" if which == "before" else "are"
        self._session.message.emit(
            f"{count_of(len(rows), 'galaxy')} of {classes.names[label]} that {called} called {names[answer]}: selected."
        )
        if len(rows):
            self._session.set_current(int(rows[0]))

    def _choose_galaxy(self, row: int) -> None:
        """Look at a galaxy everywhere, and explain it here."""
        run, cutouts = self._session.carried.run, self._session.dataset.cutouts
        if run is None or cutouts is None:
            return
        self._session.set_selection(np.array([row]))
        self._session.set_current(row)
        self._forget_galaxy("Looking for the evidence…")
        self._overlays.start(work.explain_galaxy(run.path, cutouts.path, row))

    def _forget_galaxy(self, text: str = _HINT) -> None:
        self._overlays.stop()
        self.evidence.setText(text)
        for name, picture in self.pictures.items():
            picture.set_image(None)
            picture.set_overlay(None)
            self.captions[name].setText(name.capitalize())

    def _show_overlays(self, found: Overlays) -> None:
        for name, made in (("before", found.before), ("after", found.after)):
            sure = "" if made.probability is None else f" ({percent(made.probability)})"
            self.captions[name].setText(f"{name.capitalize()}: {made.target_name}{sure}")
            self.pictures[name].set_image(found.picture, found.pixel_scale)
            self.pictures[name].set_overlay(made.map, -found.limit, found.limit)
        self.evidence.setText(
            f"{found.after.galaxy_id}: red supports the answer, blue speaks against it; by occlusion, on one colour "
            f"scale up to ±{found.limit:.2g} of the score."
        )

    def _show_no_overlays(self, problem: object) -> None:
        self.evidence.setText(self._describe(problem))


def _titled(title: str | QLabel, widget: QWidget) -> QWidget:
    """A widget under its title."""
    label = QLabel(title) if isinstance(title, str) else title
    label.setProperty("role", "heading")
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(label)
    column.addWidget(widget, 1)
    return whole
