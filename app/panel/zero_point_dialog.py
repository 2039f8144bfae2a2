"""The question what one unit of the pixels is worth, before a network measures galaxies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from core.data import zero_points
from core.errors import SettingsProblem

if TYPE_CHECKING:
    from core.evaluate.zero_point_question import ZeroPointQuestion

_NAMED = 4  # quantities


class ZeroPointDialog(QDialog):
    """Asks for the zero points of the bands that have none, or to take the pixels as they are.

    Parameters
    ----------
    question
        What is not known.

    Notes
    -----
    Signals: ``answered(tuple)`` with the zero points of all bands, or an empty tuple: they are unknown.
    """

    answered = Signal(object)

    def __init__(self, question: ZeroPointQuestion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Zero point of the images")
        self.setObjectName("zero point")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        self._question = question
        why = QLabel(_explain(question))
        why.setWordWrap(True)
        self.given = QRadioButton(
            "Magnitude of one unit of the pixels of " + ("the files" if question.of_files else "the stamps")
        )
        self.unknown = QRadioButton("Unknown: take the pixels as they are")
        self.given.setChecked(True)
        self.fields: list[QLineEdit] = []
        form = QFormLayout()
        form.setContentsMargins(24, 0, 0, 0)
        for name, known in zip(question.bands, question.known, strict=True):
            if known is None:
                field = QLineEdit()
                field.setPlaceholderText("such as 25.94")
                field.setAccessibleName(f"Zero point of {name}")
                field.textChanged.connect(self._check)
                form.addRow(f"{name} [mag]", field)
                self.fields.append(field)
        consequence = QLabel("Magnitudes are then right only if the unit is that of the training images.")
        consequence.setWordWrap(True)
        consequence.setProperty("role", "muted")
        consequence.setContentsMargins(24, 0, 0, 0)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go_on = self.buttons.addButton("Measure", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go_on.setProperty("role", "primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(10)
        column.addWidget(why)
        column.addWidget(self.given)
        column.addLayout(form)
        column.addWidget(self.unknown)
        column.addWidget(consequence)
        column.addStretch(1)
        column.addWidget(self.buttons)
        self.given.toggled.connect(self._check)
        self.buttons.accepted.connect(self._answer)
        self.buttons.rejected.connect(self.close)
        self._check()

    def _typed(self) -> tuple[float, ...] | None:
        """The zero points of all bands; None while one is missing or no number."""
        try:
            typed = [zero_points.parse(field.text()) for field in self.fields]
        except SettingsProblem:
            return None
        if any(len(values) != 1 for values in typed):
            return None
        answers = iter(values[0] for values in typed)
        return tuple(next(answers) if known is None else known for known in self._question.known)

    def _check(self) -> None:
        for field in self.fields:
            field.setEnabled(self.given.isChecked())
        self.go_on.setEnabled(self.unknown.isChecked() or self._typed() is not None)

    def _answer(self) -> None:
        typed = () if self.unknown.isChecked() else self._typed()
        if typed is not None:
            self.answered.emit(typed)
            self.close()


def _explain(question: ZeroPointQuestion) -> str:
    names = [*question.quantities[:_NAMED], *(["others"] if len(question.quantities) > _NAMED else [])]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    trained = " and ".join(f"{value:g}" for value in question.trained)
    return (
        f"The network measures {listed} from pixel values whose unit has the magnitude {trained}. What one unit of "
        f"these images is worth is not known. {question.remark}"
    ).strip()
