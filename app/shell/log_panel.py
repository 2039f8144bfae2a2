"""The log as a window: everything, or only what went wrong; to copy, and where its file is."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.log import Line, Log, only
from app.theme import icon
from app.widgets.dialog import Dialog
from core.project.user_folders import log_folder

_WRONG = ("problem", "defect")


class LogPanel(Dialog):
    """Shows the lines of the log as they come."""

    def __init__(self, log: Log, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Log")
        self.resize(860, 480)
        self._log = log
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Log")
        self.text.setMaximumBlockCount(2000)
        self.only_wrong = QCheckBox("Only problems")
        self.copy = QPushButton(icon("mdi6.content-copy"), "Copy")
        self.copy.setToolTip("Copy all lines, for a message to the developers; they hold names of files and folders.")
        self.folder = QPushButton(icon("mdi6.folder-open-outline"), "Folder")
        self.folder.setToolTip("Show the folder with the log of this and earlier days.")
        line = QHBoxLayout()
        line.addWidget(self.only_wrong)
        line.addStretch(1)
        line.addWidget(self.folder)
        line.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.addWidget(self.text, 1)
        column.addLayout(line)
        self.only_wrong.toggled.connect(self._show_all)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(log.tail(len(log.lines))))
        self.folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder()))))
        log.added.connect(self._add)
        self._show_all()

    def _show_all(self) -> None:
        lines = only(self._log.lines, _WRONG) if self.only_wrong.isChecked() else list(self._log.lines)
        self.text.setPlainText("\n".join(map(str, lines)))
        self._go_to_the_end()

    def _add(self, line: Line) -> None:
        if not self.only_wrong.isChecked() or line.kind in _WRONG:
            self.text.appendPlainText(str(line))

    def _go_to_the_end(self) -> None:
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())
