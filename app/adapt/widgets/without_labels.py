"""Adapting without labels: the choice of a method, its button, and what labelled galaxies say of it afterwards."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from app.theme import icon
from app.widgets.button_line import button_line
from app.widgets.message_line import MessageLine

METHODS = {
    "adabn": (
        "AdaBN: batch statistics anew",
        "Li et al. 2018. Mean and variance of each filter are measured on these galaxies; no weight changes. Seconds.",
    ),
    "mcc": ("MCC: less confusion", "Jin et al. 2020. Trains further, and avoids answers that confuse classes here."),
    "dann": ("DANN: adversarial", "Ganin et al. 2016. Trains further until features do not tell the surveys apart."),
    "coral": ("CORAL: equal covariances", "Sun & Saenko 2016. Trains further with alike covariances of the features."),
    "mmd": ("MMD: equal distributions", "Long et al. 2015. Trains further with alike distributions of the features."),
}
_ABOUT = "No label of this survey is learned; where it has some, they tell whether the network became better or worse."


class WithoutLabels(QWidget):
    """A method and a button; below them the verdict.

    Notes
    -----
    Signals: ``wanted(method)`` when the button is pressed, ``use_wanted()`` when the adapted network is to be used.
    """

    wanted = Signal(str)
    use_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.method = QComboBox()
        self.method.setAccessibleName("Method without labels")
        for place, (name, (title, tip)) in enumerate(METHODS.items()):
            self.method.addItem(title, name)
            self.method.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        self.method.setToolTip("How the network is adapted to these galaxies without their labels.")
        self.begin = QPushButton(icon("mdi6.swap-horizontal"), "Adapt")
        self.begin.setToolTip("The adapted network becomes a run of its own; the present one stays as it is.")
        self.use = QPushButton("Use it")
        self.use.setToolTip("Look at the adapted network, here and in all other workspaces.")
        self.use.hide()
        self.verdict = MessageLine(2, grows=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        column.addLayout(button_line(self.method, self.begin, self.use, None))
        column.addWidget(self.verdict)
        self.begin.clicked.connect(lambda _checked=False: self.wanted.emit(self.method.currentData()))
        self.use.clicked.connect(lambda _checked=False: self.use_wanted.emit())
        self.say_nothing()

    def say_nothing(self) -> None:
        """Show what this does: nothing was adapted yet."""
        self.use.hide()
        self.verdict.say(_ABOUT, "muted")

    def say(self, sentence: str, *, is_worse: bool = False, is_problem: bool = False, is_usable: bool = False) -> None:
        """Show a sentence, as a warning where the network has become worse."""
        self.use.setVisible(is_usable)
        self.verdict.say(sentence, "problem" if is_problem else "warning" if is_worse else "")
