"""Problems and messages in a place of their own, where nothing moves when they come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from app.theme import SymbolLabel, icon
from app.widgets.message_line import MessageLine
from core.errors import Problem

WayOut: TypeAlias = tuple[str, Callable[[], object]]

_MOST = 3  # notices at once
_MESSAGE_MS = 6000  # ms until a message disappears; a problem stays
_READING_MS = 40  # ms more for each letter
_MENU_WIDTH = 520  # pixels
_NUMBER_WIDTH = 40  # pixels


class NoticeStrip(QWidget):
    """The newest problem or message in two lines, and all of them in a menu; hidden while there are none.

    It has a fixed height, and stands where nothing moves when it appears.

    Signals: ``filled(has notices)`` when the strip appears and disappears.
    """

    filled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notices: list[_Notice] = []
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 2, 0, 2)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.hide()

    def sizeHint(self) -> QSize:
        """As high as a notice, whether there is one or not."""
        return QSize(0, self._height)

    @cached_property
    def _height(self) -> int:
        return _Notice("notice", "").sizeHint().height() + 4

    @property
    def texts(self) -> list[str]:
        """The notices as plain text."""
        return [notice.text for notice in self._notices]

    def show_problem(self, problem: Problem, ways_out: Sequence[WayOut] = (), *, stays: bool = False) -> QWidget:
        """Show a problem and its remedy until it is dismissed; returns the notice.

        Parameters
        ----------
        problem
            What was wrong.
        ways_out
            Buttons: what each says, and what it does.
        stays
            Whether it stays however many others come.
        """
        return self._add(
            _Notice("problem", problem.sentence, problem.remedy, problem.shown_where, ways_out, stays=stays)
        )

    def dismiss(self, notice: QWidget) -> None:
        """Dismiss a notice, if it is still there."""
        for each in list(self._notices):
            if each is notice:
                self._dismiss(each)

    def show_message(self, text: str) -> None:
        """Show a message for some seconds, the longer the more there is to read."""
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
        while len(self._notices) >= _MOST and (passing := [each for each in self._notices if not each.stays]):
            self._dismiss(passing[0])
        notice.dismissed.clicked.connect(lambda: self._dismiss(notice))
        notice.timer.timeout.connect(lambda: self._dismiss(notice))
        notice.all.aboutToShow.connect(lambda: self._list(notice.all))
        self._notices.append(notice)
        self._stack.addWidget(notice)
        self._show_newest()
        if len(self._notices) == 1:
            self.filled.emit(True)
        return notice

    def _show_newest(self) -> None:
        if self._notices:
            self._stack.setCurrentWidget(self._notices[-1])
            self._notices[-1].show_number(len(self._notices))
        self.setVisible(bool(self._notices))

    def _list(self, menu: QMenu) -> None:
        """Show all notices in full, the newest first."""
        menu.clear()
        for notice in reversed(self._notices):
            label = QLabel(notice.text)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFixedWidth(_MENU_WIDTH)
            label.setContentsMargins(8, 6, 8, 6)
            action = QWidgetAction(menu)
            action.setDefaultWidget(label)
            menu.addAction(action)

    def _dismiss(self, notice: _Notice) -> None:
        if notice in self._notices:
            self._notices.remove(notice)
            self._stack.removeWidget(notice)
            notice.timer.stop()
            notice.hide()
            notice.deleteLater()
            self._show_newest()
            if not self._notices:
                self.filled.emit(False)


class _Notice(QFrame):
    """Two lines with an icon, a menu of all notices, and a button to dismiss it."""

    def __init__(
        self,
        role: str,
        sentence: str,
        remedy: str = "",
        where: str = "",
        ways_out: Sequence[WayOut] = (),
        *,
        stays: bool = False,
    ) -> None:
        super().__init__()
        self.setProperty("role", role)
        self.stays = stays
        self.text = " ".join(part for part in (f"{where}:" if where else "", sentence, remedy) if part)
        self._times = self._count = 1
        symbol = (
            SymbolLabel("mdi6.alert-circle-outline", 18, "bad")
            if role == "problem"
            else SymbolLabel("mdi6.information-outline", 18, "accent")
        )
        self.words = MessageLine(2, "")
        self.words.setText(self.text)
        self._again = QLabel()
        self._again.setProperty("role", "muted")
        self._number = QToolButton()
        self._number.setAutoRaise(True)
        self._number.setToolTip("All notices in full")
        self._number.setAccessibleName("All notices in full")
        self._number.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._number.setFixedWidth(_NUMBER_WIDTH)
        self.all = QMenu(self._number)
        self._number.setMenu(self.all)
        self.dismissed = QToolButton()
        self.dismissed.setIcon(icon("mdi6.close"))
        self.dismissed.setAutoRaise(True)
        self.dismissed.setToolTip("Dismiss")
        self.dismissed.setAccessibleName("Dismiss")
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(_MESSAGE_MS + _READING_MS * len(self.text))
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 0, 2, 0)
        line.setSpacing(6)
        line.addWidget(symbol)
        line.addWidget(self.words, 1)
        for text, act in ways_out:
            button = QPushButton(text)
            button.clicked.connect(act)
            line.addWidget(button)
        for widget in (self._again, self._number, self.dismissed):
            line.addWidget(widget)

    def dismiss_later(self) -> None:
        """Dismiss it by itself after some seconds."""
        self.timer.start()

    def show_number(self, number: int) -> None:
        """Show how many notices there are, or that there is more to read of this one."""
        self._count = number
        self._number.setText(str(number) if number > 1 else "⋯" if self.words.is_elided else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find out whether the text fits."""
        super().resizeEvent(event)
        if (line := self.layout()) is not None:
            line.activate()  # so that the text has its width
        self.show_number(self._count)

    def count_repetition(self) -> None:
        """Show how often it was reported."""
        self._times += 1
        self._again.setText(f"{self._times} times")
