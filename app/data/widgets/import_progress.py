"""The running import: its progress, and two buttons."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.theme import icon
from app.widgets.button_line import button_line
from app.widgets.focus_guard import keep_from_focus
from app.widgets.job_bar import format_duration
from core.wording import count_of


class ImportProgress(QWidget):
    """A progress bar with text, and buttons to stop the import or continue it in the background."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel()
        self.text.setProperty("role", "title")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.left = QLabel()
        self.left.setProperty("role", "muted")
        self.stop = QPushButton(icon("mdi6.stop"), "Cancel the import")
        keep_from_focus(self.stop)
        self.hide_button = QPushButton("Go on in the background")
        column = QVBoxLayout(self)
        column.setContentsMargins(80, 0, 80, 0)
        column.setSpacing(10)
        column.addStretch(2)
        for widget in (self.text, self.bar, self.left):
            column.addWidget(widget)
        column.addLayout(button_line(self.stop, self.hide_button, None))
        column.addStretch(3)

    def begin(self) -> None:
        """Show an import that has just started."""
        self.text.setText("Importing…")
        self.left.clear()
        self.bar.setRange(0, 0)

    def show_progress(self, done: int, total: int | None, seconds_left: float | None) -> None:
        """Show how many files are done or, while their total is unknown, found."""
        self.bar.setRange(0, total or 0)
        self.bar.setValue(done)
        self.text.setText(f"{done:,} of {count_of(total, 'file')}" if total else f"{count_of(done, 'file')} found")
        self.left.setText(f"{format_duration(seconds_left)} left" if total and seconds_left is not None else "")
