"""How good the network is as it is: figures of merit, each class, and what the galaxies of each class are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.adapt.widgets.pixel_plot import fit_height
from app.widgets.merit_texts import OF_CLASSES, format_classes, format_mean, format_number, format_share
from app.widgets.number_table import NumberTable
from app.widgets.numbers import Numbers

if TYPE_CHECKING:
    from core.adapt.zero_shot import ZeroShot

_NUMBERS = ("Accuracy", "Balanced accuracy", "Macro F1", "Galaxies")
_WORKING = "Judging…"


class AsIsView(QWidget):
    """Numbers with their errors, or a sentence where they would mean nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setProperty("role", "muted")
        self.numbers = Numbers(_NUMBERS)
        self.classes, self.called = NumberTable(), NumberTable()
        self.called.setToolTip("What the galaxies of each class here are called by the network.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        for widget in (self.numbers, self.classes, self.called, self.sentence):
            column.addWidget(widget)
        self.say("")

    def begin(self) -> None:
        """Say that it is being judged."""
        self.say(_WORKING)

    def say(self, sentence: str) -> None:
        """Show a sentence in place of numbers."""
        for widget in (self.numbers, self.classes, self.called):
            widget.hide()
        self.sentence.setText(sentence)

    def show_result(self, found: ZeroShot) -> None:
        """Show how good the network is."""
        self.say(found.sentence)
        report: Any = found.report
        if len(found.called):
            rows = [(name, *map(str, row)) for name, row in zip(found.own_names, found.called.tolist(), strict=True)]
            self._fill(self.called, ("Class here ╲ is called", *found.names), rows)
        if report is None:
            return
        self.numbers.show()
        self.numbers.clear()
        self.numbers.show_number("Galaxies", f"{report.galaxies:,}")
        if hasattr(report, "macro_f1"):
            self._show_classes(report)
        else:
            self._show_quantities(found, report)

    def _show_classes(self, report: Any) -> None:
        balanced, macro, _ = report.mean_intervals
        self.numbers.show_number("Accuracy", format_share(report.accuracy), "Accuracy")
        balanced_accuracy = format_mean(report.balanced_accuracy, balanced)
        self.numbers.show_number("Balanced accuracy", balanced_accuracy, "Balanced accuracy")
        self.numbers.show_number("Macro F1", format_mean(report.macro_f1, macro), "Macro F1")
        self._fill(self.classes, OF_CLASSES, format_classes(report))

    def _show_quantities(self, found: ZeroShot, report: Any) -> None:
        self.numbers.show_number("Accuracy", format_number(report.r2), "Mean R²")
        self.numbers.show_number("Balanced accuracy", "", " ")
        self.numbers.show_number("Macro F1", "", " ")
        rows = [
            (
                name,
                unit,
                *(format_number(value) for value in (each.r2, each.bias, each.scatter)),
                each.outliers.in_percent,
            )
            for (name, each), unit in zip(report.quantities.items(), found.units, strict=True)
        ]
        self._fill(self.classes, ("Quantity", "Unit", "R²", "Bias", "Scatter", "Outliers"), rows)

    @staticmethod
    def _fill(table: NumberTable, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table.fill(headers, rows)
        fit_height(table)
        table.show()
