"""The question what one unit of the pixels is worth, and how wide they are, before a network measures galaxies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.dialog import Dialog
from app.work import PixelAnswer
from core.data import zero_points
from core.errors import SettingsProblem

if TYPE_CHECKING:
    from core.evaluate.zero_point_question import ZeroPointQuestion

_NAMED = 4  # quantities
_WIDEST = 1e4  # arcsec per pixel


class ZeroPointDialog(Dialog):
    """Asks for the zero points of the bands that have none and for the pixel scale, or to take the pixels as they are.

    Parameters
    ----------
    question
        What is not known.

    Notes
    -----
    Signals: ``answered(PixelAnswer)``.
    """

    answered = Signal(object)

    def __init__(self, question: ZeroPointQuestion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Pixels of the images" if question.sizes else "Zero point of the images")
        self.setObjectName("zero point")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        self._question = question
        self.fields: list[QLineEdit] = []
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go_on = self.buttons.addButton("Measure", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go_on.setProperty("role", "primary")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 16, 16, 12)
        self._column.setSpacing(10)
        self.given, self.unknown = self._add_zero_points(question)
        self.scale = self._field("such as 0.396", "Pixel scale")
        self.scale_given, self.scale_unknown = self._add_scale(question)
        self._column.addStretch(1)
        self._column.addWidget(self.buttons)
        self.buttons.accepted.connect(self._answer)
        self.buttons.rejected.connect(self.close)
        self._check()

    def _add_zero_points(self, question: ZeroPointQuestion) -> tuple[QRadioButton, QRadioButton]:
        files = "files" if question.of_files else "stamps"
        form = _form()
        for name, known in zip(question.bands, question.known, strict=True):
            if known is None:
                self.fields.append(self._field("such as 25.94", f"Zero point of {name}"))
                form.addRow(f"{name} [mag]", self.fields[-1])
        return self._add_question(
            _explain(question),
            f"Magnitude of one unit of the pixels of the {files}",
            form,
            "Unknown: take the pixels as they are",
            "Magnitudes are then right only if the unit is that of the training images.",
            is_asked=question.asks_zero_points,
        )

    def _add_scale(self, question: ZeroPointQuestion) -> tuple[QRadioButton, QRadioButton]:
        form = _form()
        form.addRow("arcsec per pixel", self.scale)
        sizes, depend = _listed(question.sizes), "depends" if len(question.sizes) == 1 else "depend"
        return self._add_question(
            f"The files do not say how wide their pixels are, on which {sizes} {depend}.",
            "Pixel scale of the files",
            form,
            f"Unknown: take it for that of the training, {question.scale_of_training:.3g} arcsec per pixel",
            "Sizes are then right only if it is the same; each galaxy is flagged.",
            is_asked=bool(question.sizes),
        )

    def _add_question(
        self, why: str, given: str, form: QFormLayout, unknown: str, consequence: str, *, is_asked: bool
    ) -> tuple[QRadioButton, QRadioButton]:
        """A question with its fields and the way round it, in a group of its own; hidden unless it is asked."""
        group = QWidget(self)
        column = QVBoxLayout(group)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        answers = QRadioButton(given), QRadioButton(unknown)
        answers[0].setChecked(True)
        answers[0].toggled.connect(self._check)
        asked, then = QLabel(why), QLabel(consequence)
        then.setProperty("role", "muted")
        then.setContentsMargins(24, 0, 0, 0)
        for label in (asked, then):
            label.setWordWrap(True)
        column.addWidget(asked)
        column.addWidget(answers[0])
        column.addLayout(form)
        column.addWidget(answers[1])
        column.addWidget(then)
        group.setVisible(is_asked)
        self._column.addWidget(group)
        return answers

    def _field(self, example: str, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setPlaceholderText(example)
        field.setAccessibleName(name)
        field.textChanged.connect(self._check)
        return field

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

    def _typed_scale(self) -> float | None:
        """The pixel scale; None while it is missing or none."""
        try:
            scale = float(self.scale.text().replace(",", "."))
        except ValueError:
            return None
        return scale if 0 < scale < _WIDEST else None

    def _check(self) -> None:
        if not hasattr(self, "scale_unknown"):  # still being built
            return
        for field in self.fields:
            field.setEnabled(self.given.isChecked())
        self.scale.setEnabled(self.scale_given.isChecked())
        is_worth = not self._question.asks_zero_points or self.unknown.isChecked() or self._typed() is not None
        is_wide = not self._question.sizes or self.scale_unknown.isChecked() or self._typed_scale() is not None
        self.go_on.setEnabled(is_worth and is_wide)

    def _answer(self) -> None:
        takes = self._question.asks_zero_points and self.given.isChecked()
        points = (self._typed() or ()) if takes else ()
        scale = self._typed_scale() if self._question.sizes and self.scale_given.isChecked() else None
        self.answered.emit(PixelAnswer(points, scale))
        self.close()


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(24, 0, 0, 0)
    return form


def _listed(quantities: Sequence[str]) -> str:
    names = [*quantities[:_NAMED], *(["others"] if len(quantities) > _NAMED else [])]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))


def _explain(question: ZeroPointQuestion) -> str:
    trained = " and ".join(f"{value:g}" for value in question.trained)
    return (
        f"The network measures {_listed(question.quantities)} from pixel values whose unit has the magnitude "
        f"{trained}. What one unit of these images is worth is not known. {question.remark}"
    ).strip()
