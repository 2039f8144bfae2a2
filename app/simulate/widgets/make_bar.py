"""What is made under which name, the button that makes it, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.theme import icon
from app.widgets.focus_guard import keep_from_focus
from app.widgets.inputs import NumberInput
from app.widgets.message_line import MessageLine
from app.widgets.reserved import reserve
from core.settings.declare import knobs
from core.simulate.settings import SimulationSettings
from core.wording import count_of


class MakeBar(QWidget):
    """Name and number, Make and Stop, and a line for the state.

    Parameters
    ----------
    state
        The line that tells how far the work is.

    Notes
    -----
    Signals: ``make_wanted()``, ``stop_wanted()``, ``train_wanted()``; ``edited()`` when name or number was changed.
    """

    make_wanted = Signal()
    stop_wanted = Signal()
    train_wanted = Signal()
    edited = Signal()

    def __init__(self, state: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        knob = knobs(SimulationSettings)["count"]
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of the dataset")
        self.name.setAccessibleName("Name of the dataset")
        self.count = NumberInput(True, knob.low, None)
        self.count.field.setMaximum(int(knob.high or 0))
        self.count.field.setToolTip(knob.help)
        self.count.field.setAccessibleName(knob.title)
        self.count.set_value(knob.default)
        self.make = QPushButton(icon("mdi6.creation-outline", "on_accent"), "Make")
        self.make.setObjectName("make")
        self.make.setProperty("role", "primary")
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.stop.setToolTip("What is done is kept: Make goes on with it.")
        keep_from_focus(self.stop)
        self.train = QPushButton(icon("mdi6.chart-bell-curve-cumulative"), "Train…")
        self.train.setToolTip("Go to the Train workspace: the open galaxies and what can be learned of them are ready.")
        reserve(self.train)
        self.expected = MessageLine(2, grows=True)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for row, (text, field) in enumerate((("Name", self.name), ("Galaxies", self.count))):
            grid.addWidget(QLabel(text), row, 0)
            grid.addWidget(field, row, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.make, 1)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.train)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 6, 0)
        column.setSpacing(6)
        column.addLayout(grid)
        column.addWidget(self.expected)
        column.addLayout(buttons)
        column.addWidget(state)
        self.name.textEdited.connect(lambda _text: self.edited.emit())
        self.count.changed.connect(self.edited)
        self.make.clicked.connect(lambda _checked=False: self.make_wanted.emit())
        self.stop.clicked.connect(lambda _checked=False: self.stop_wanted.emit())
        self.train.clicked.connect(lambda _checked=False: self.train_wanted.emit())
        self.show_state(running=False, hindrance="", is_open=False)

    def show_state(self, *, running: bool, hindrance: str, is_open: bool) -> None:
        """Enable what makes sense now; ``is_open``: the galaxies made last are the open dataset."""
        for widget in (self.name, self.count):
            widget.setEnabled(not running)
        self.make.setEnabled(not running and not hindrance)
        self.make.setText(f"Make {count_of(int(self.count.value() or 0), 'galaxy')}")
        self.make.setToolTip(hindrance)
        self.stop.setEnabled(running)
        self.train.setVisible(is_open and not running)

    def show_expected(self, hindrance: str, sentence: str) -> None:
        """Say what prevents it, or what it will be."""
        self.expected.say(hindrance or sentence, "problem" if hindrance else "muted")
