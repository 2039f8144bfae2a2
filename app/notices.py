"""Problems and messages in a strip above the panels, and a dialog for defects of the program itself."""

from __future__ import annotations

import platform
import traceback
from importlib import metadata

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import SymbolLabel, icon
from core.errors import Problem

_MOST = 3  # notices at once
_MESSAGE_MS = 6000  # ms until a message disappears; a problem stays


class NoticeStrip(QWidget):
    """Problems and messages, the newest at the bottom; hidden while there are none.

    Signals: ``filled(has notices)`` when the strip appears and disappears.
    """

    filled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notices: list[_Notice] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 4, 8, 4)
        self._column.setSpacing(4)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    @property
    def texts(self) -> list[str]:
        """The notices as plain text."""
        return [notice.text for notice in self._notices]

    def show_problem(self, problem: Problem) -> None:
        """Show a problem and its remedy until it is dismissed."""
        self._add(_Notice("problem", problem.sentence, problem.remedy, problem.where))

    def show_message(self, text: str) -> None:
        """Show a message for some seconds."""
        notice = self._add(_Notice("notice", text))
        notice.dismiss_later()

    def clear(self) -> None:
        """Dismiss all."""
        for notice in list(self._notices):
            self._dismiss(notice)

    def _add(self, notice: _Notice) -> _Notice:
        for other in self._notices:
            if other.text == notice.text:  # repeated: count it
                other.count_repetition()
                notice.deleteLater()
                return other
        while len(self._notices) >= _MOST:
            self._dismiss(self._notices[0])
        notice.dismissed.clicked.connect(lambda: self._dismiss(notice))
        notice.timer.timeout.connect(lambda: self._dismiss(notice))
        self._notices.append(notice)
        self._column.addWidget(notice)
        self.show()
        if len(self._notices) == 1:
            self.filled.emit(True)
        return notice

    def _dismiss(self, notice: _Notice) -> None:
        if notice in self._notices:
            self._notices.remove(notice)
            self._column.removeWidget(notice)
            notice.timer.stop()
            notice.hide()
            notice.deleteLater()
            if not self._notices:
                self.hide()
                self.filled.emit(False)


class _Notice(QFrame):
    """One line with an icon and a button to dismiss it."""

    def __init__(self, role: str, sentence: str, remedy: str = "", where: str = "") -> None:
        super().__init__()
        self.setProperty("role", role)
        self.text = " ".join(part for part in (f"{where}:" if where else "", sentence, remedy) if part)
        self._times = 1
        symbol = (
            SymbolLabel("mdi6.alert-circle-outline", 18, "bad")
            if role == "problem"
            else SymbolLabel("mdi6.information-outline", 18, "accent")
        )
        self._sentence = QLabel(sentence)
        self._again = QLabel()
        self._again.setProperty("role", "muted")
        self._again.hide()
        words = QVBoxLayout()
        words.setSpacing(0)
        head = QHBoxLayout()
        head.addWidget(self._sentence, 1)
        head.addWidget(self._again)
        words.addLayout(head)
        rest = QLabel(" · ".join(part for part in (remedy, where) if part))
        rest.setProperty("role", "muted")
        rest.setVisible(bool(rest.text()))
        words.addWidget(rest)
        for label in (self._sentence, rest):
            label.setTextFormat(Qt.TextFormat.PlainText)  # file names may hold anything
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.dismissed = QToolButton()
        self.dismissed.setIcon(icon("mdi6.close"))
        self.dismissed.setAutoRaise(True)
        self.dismissed.setToolTip("Dismiss")
        self.dismissed.setAccessibleName("Dismiss")
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 4, 4, 4)
        line.setSpacing(8)
        line.addWidget(symbol)
        line.addLayout(words, 1)
        line.addWidget(self.dismissed)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(_MESSAGE_MS)

    def dismiss_later(self) -> None:
        """Dismiss the notice after some seconds, counted from now."""
        self.timer.start()

    def count_repetition(self) -> None:
        """Count a repetition of the same text."""
        self._times += 1
        self._again.setText(f"{self._times} times")
        self._again.show()


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
