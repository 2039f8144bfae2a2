"""The choice of how classes follow from probabilities, and what it needs beside it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QWidget,
)

from app.widgets.plain_text import as_written
from core.metrics.decision import Decision
from core.wording import capitalised

_RULES = {
    "most-probable": (
        "Most probable class",
        "The class with the largest probability: fewest wrong classes in a survey like the one it was trained on.",
    ),
    "balanced": (
        "Balanced",
        (
            "Probabilities divided by the class frequencies, to a power: with 1, rare classes count as much as "
            "frequent ones; with 0, the most probable class."
        ),
    ),
    "thresholds:macro-f1": (
        "Thresholds for macro F1",
        (
            "A threshold for each class, chosen on the validation part for a large macro F1, "
            "averaged over neighbouring thresholds, so that it lasts on other galaxies."
        ),
    ),
    "thresholds:balanced-accuracy": (
        "Thresholds for balanced accuracy",
        (
            "A threshold for each class, chosen on the validation part for a large balanced accuracy, "
            "averaged over neighbouring thresholds, so that it lasts on other galaxies."
        ),
    ),
    "frequencies": (
        "Frequencies of a survey",
        (
            "The most probable class in a survey with other class frequencies: known ones, or estimated from the "
            "galaxies shown here, without their labels (Saerens et al. 2002)."
        ),
    ),
}
_WISHES = list(_RULES)


class DecisionBar(QWidget):
    """One line: the rule, and beside it the power, the frequencies, or the thresholds as text."""

    chosen = Signal(str)  # the decision in the words of core.evaluate.decision.resolve

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frequencies = ""
        self.rule = QComboBox()
        self.rule.setPlaceholderText("Thresholds as given")
        self.rule.setMinimumContentsLength(12)
        self.rule.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for place, (title, meaning) in enumerate(_RULES.values()):
            self.rule.addItem(title)
            self.rule.setItemData(place, meaning, Qt.ItemDataRole.ToolTipRole)
        self.told = QLabel()
        self.told.setProperty("role", "muted")
        self.told.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.power = QDoubleSpinBox()
        self.power.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.power.setRange(0, 1)
        self.power.setSingleStep(0.1)
        self.power.setDecimals(2)
        self.power.setValue(1)
        self.power.setPrefix("to the power ")
        self.frequencies = QLineEdit()
        self.frequencies.setToolTip("The share of each class in that survey, such as spiral=0.3, elliptical=0.7.")
        self.estimate = QPushButton("Estimate")
        self.estimate.setToolTip("Estimate the frequencies from the galaxies shown here, without their labels.")
        self._pages = QStackedWidget()
        for page in ((self.told,), (self.power,), (self.frequencies, self.estimate)):
            self._pages.addWidget(_in_a_row(*page))
        self._pages.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(QLabel("Class by"))
        line.addWidget(self.rule, 1)
        line.addWidget(self._pages, 1)
        self.rule.activated.connect(self._choose_rule)
        self.power.valueChanged.connect(lambda power: self.chosen.emit(f"balanced:{power:g}"))
        self.frequencies.returnPressed.connect(lambda: self.chosen.emit(f"frequencies:{self.frequencies.text()}"))
        self.estimate.clicked.connect(lambda: self.chosen.emit("frequencies:estimated"))

    def show_decision(self, decision: Decision, frequencies: Mapping[str, float] | None) -> None:
        """Show a decision, and the class frequencies that the probabilities assume; None: they are not known."""
        wish, _, rest = decision.asked.partition(":")
        place = _WISHES.index(wish) if wish in _WISHES else 0
        if wish == "thresholds":
            place = _WISHES.index(decision.asked) if decision.asked in _WISHES else -1
        with QSignalBlocker(self.rule), QSignalBlocker(self.power):
            self.rule.setCurrentIndex(place)
            if wish == "balanced":
                self.power.setValue(float(rest or 1))
        self._frequencies = ", ".join(f"{name}={share:.3g}" for name, share in (frequencies or {}).items())
        if wish == "frequencies":
            shown = decision.frequencies or {}
            self.frequencies.setText(", ".join(f"{name}={share:.3g}" for name, share in shown.items()))
            self.frequencies.setCursorPosition(0)
        self.rule.setToolTip(_RULES[_WISHES[place]][1] if place >= 0 else "")
        self.told.setText(capitalised(decision.text) if wish == "thresholds" else "")
        self.told.setToolTip(as_written(decision.text))
        self._pages.setToolTip(as_written(decision.text))
        self._pages.setCurrentIndex({"balanced": 1, "frequencies": 2}.get(wish, 0))

    def _choose_rule(self, place: int) -> None:
        wish = _WISHES[place]
        if wish == "frequencies":
            wish = f"frequencies:{self._frequencies}"
        elif wish == "balanced":
            wish = f"balanced:{self.power.value():g}"
        self.chosen.emit(wish)


def _in_a_row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        line.addWidget(widget, 0 if isinstance(widget, QPushButton | QDoubleSpinBox) else 1)
    if isinstance(widgets[0], QDoubleSpinBox):
        line.addStretch(1)
    return row
