"""A dialog for defects of the program itself."""

from __future__ import annotations

import platform
import traceback
from importlib import metadata

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import icon


class CrashDialog(QDialog):
    """A defect of the program: what happened, for the developers, with a button that copies it.

    Parameters
    ----------
    error
        The uncaught exception.
    log
        The last lines of the log, if there are any.
    """

    def __init__(self, error: BaseException, log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Tuning Fork met a defect of its own")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(680, 420)
        self.report = report(error, log)
        head = QLabel("Something went wrong inside the program.")
        head.setProperty("role", "title")
        advice = QLabel(
            "This is a defect of the program, not a mistake of yours. Finished epochs and saved labels are on disk. "
            "You can go on; if the window behaves oddly, close it and start again. The text below tells the "
            "developers what happened; it holds names of files and folders."
        )
        advice.setWordWrap(True)
        text = QPlainTextEdit(self.report)
        text.setReadOnly(True)
        text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        text.setAccessibleName("Report")
        self.copy = QPushButton(icon("mdi6.content-copy"), "Copy report")
        self.copy.clicked.connect(self._copy)
        close = QPushButton("Go on")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(head)
        column.addWidget(advice)
        column.addWidget(text, 1)
        column.addLayout(buttons)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report)
        self.copy.setText("Copied")


def report(error: BaseException, log: str = "") -> str:
    """Compose the report of a defect: versions, traceback, and the end of the log."""
    parts = [f"Python {platform.python_version()} on {platform.platform()}"]
    for name in ("tuning-fork", "pyside6-essentials", "torch", "numpy", "astropy"):
        try:
            parts.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    trace = "".join(traceback.format_exception(error))
    tail = f"\n\nLog\n{log}" if log else ""
    return "\n".join([*parts, "", trace.rstrip()]) + tail
