"""The first-run tour: a few steps through the rooms on the demonstration survey, told beside what they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QSettings, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

_SEEN = "tour"
_WIDTH, _MARGIN = 400, 24  # pixels


@dataclass(frozen=True)
class Step:
    """A step of the tour: the room and the panel that it is about, what is told, and on which side."""

    room: str
    panel: str
    title: str
    text: str
    at_left: bool = False


STEPS: tuple[Step, ...] = (
    Step(
        "data",
        "gallery",
        "These are your galaxies",
        "The demonstration survey has 1,500 simulated ones. Scroll, click one, sort them, label them by the number "
        "keys; every label can be undone. Your own come in by File ▸ Import galaxies, or are dropped on the window.",
    ),
    Step(
        "data",
        "dataset",
        "Three parts, one of them locked",
        "A network learns from the training part, and is chosen by the validation part. The test part is shown to "
        "neither, until you say that the network is final.",
        at_left=True,
    ),
    Step(
        "train",
        "settings",
        "Train a network",
        "Everything has a default that works: press Start. Each setting says what it does, in which unit, and after "
        "which paper, when the mouse rests on it; Shift+F1 and a click tell more.",
    ),
    Step(
        "train",
        "training",
        "Watch it learn",
        "The curves show training and validation; the best epoch is kept. You may stop, pause, close the window, or "
        "lose the power: it goes on after the last finished epoch.",
    ),
    Step(
        "evaluate",
        "evaluation",
        "How good is it, and on which galaxies?",
        "Confusion, completeness and purity with error bars, against magnitude or any column. A click on a number "
        "shows its galaxies.",
    ),
    Step(
        "explain",
        "explanation",
        "Why this answer?",
        "Click a galaxy: maps show which pixels speak for a class and which against it. Belief tells whether the maps "
        "are to be believed.",
    ),
    Step(
        "adapt",
        "adaptation",
        "To another survey",
        "Open your own dataset: this room says whether a network fits it, what differs, and how many labels you need.",
    ),
    Step(
        "",
        "",
        "Find anything",
        "Ctrl+K searches all commands, panels, settings and pages of the guide by a few letters. The guide is F1; this "
        "tour is in the Help menu.",
    ),
)


class Tour(QFrame):
    """A card in the corner of the window, with Back, Next and End.

    Parameters
    ----------
    show_room
        Shows a room by its name.
    show_panel
        Brings a panel to the front.
    window
        Over which the card lies.

    Notes
    -----
    Signals: ``ended()``.
    """

    ended = Signal()

    def __init__(
        self, show_room: Callable[[str], object], show_panel: Callable[[str], object], window: QWidget
    ) -> None:
        super().__init__(window)
        self.setObjectName("tour")
        self.setAutoFillBackground(True)
        self.setFixedWidth(_WIDTH)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._show_room, self._show_panel, self._window = show_room, show_panel, window
        self.place = 0
        self.title, self.text, self.number = QLabel(), QLabel(), QLabel()
        self.title.setProperty("role", "heading")
        self.number.setProperty("role", "muted")
        self.text.setWordWrap(True)
        self.back, self.next, self.end = QPushButton("Back"), QPushButton("Next"), QPushButton("End the tour")
        self.next.setProperty("role", "primary")
        line = QHBoxLayout()
        line.addWidget(self.end)
        line.addStretch(1)
        line.addWidget(self.number)
        line.addWidget(self.back)
        line.addWidget(self.next)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        for widget in (self.title, self.text):
            column.addWidget(widget)
        column.addLayout(line)
        self.back.clicked.connect(lambda: self.go_to(self.place - 1))
        self.next.clicked.connect(lambda: self.go_to(self.place + 1))
        self.end.clicked.connect(self.finish)
        self.go_to(0)
        self.show()
        self.raise_()

    def go_to(self, place: int) -> None:
        """Show a step; the one after the last ends the tour."""
        if not 0 <= place < len(STEPS):
            self.finish()
            return
        self.place, step = place, STEPS[place]
        if step.room:
            self._show_room(step.room)
            self._show_panel(step.panel)
        self.title.setText(step.title)
        self.text.setText(step.text)
        self.number.setText(f"{place + 1} of {len(STEPS)}")
        self.back.setEnabled(place > 0)
        self.next.setText("Done" if place + 1 == len(STEPS) else "Next")
        self.setAccessibleName(f"Tour: {step.title}. {step.text}")
        self.adjustSize()
        self.stand()
        self.raise_()
        self.next.setFocus()

    def stand(self) -> None:
        """Stand in a lower corner of the window, where the panel that it is about is not."""
        corner = self._window.rect().bottomRight() - QPoint(self.width() + _MARGIN, self.height() + 2 * _MARGIN)
        self.move(_MARGIN if STEPS[self.place].at_left else corner.x(), corner.y())

    def finish(self) -> None:
        """End the tour, and offer it no more."""
        QSettings().setValue(_SEEN, True)
        self.hide()
        self.ended.emit()
        self.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc ends the tour; the arrow keys go through it."""
        match event.key():
            case Qt.Key.Key_Escape:
                self.finish()
            case Qt.Key.Key_Right:
                self.go_to(self.place + 1)
            case Qt.Key.Key_Left:
                self.go_to(max(0, self.place - 1))
            case _:
                super().keyPressEvent(event)


def is_first_time() -> bool:
    """Whether the tour was never ended."""
    return not QSettings().value(_SEEN, False, bool)
