"""Whether to believe the maps that are shown, in words; worked out only while somebody reads it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.explain import map_work
from app.explain.maps.side import Side, sentence
from app.explain.widgets.shallow import Shallow
from app.jobs.job import Latest
from app.widgets.fold import Fold

_WORKING = "…"


class Doubts(Fold):
    """Below each view what speaks for its map and against it, and before them whether the two agree.

    Parameters
    ----------
    sides
        The two views.
    """

    def __init__(self, sides: Sequence[Side], parent: QWidget | None = None) -> None:
        self._sides = sides
        self.agreement, *self.texts = (_text() for _ in range(1 + len(sides)))
        inside = QWidget()
        line = QHBoxLayout(inside)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        for label in (self.agreement, *self.texts):
            line.addWidget(label, 1)
        super().__init__("Should I believe the maps?", Shallow(inside), parent)
        self._agreeing = self._request(self.agreement)
        self._requests = [self._request(text) for text in self.texts]
        for place, side in enumerate(sides):
            side.answered.connect(partial(self._ask, place))
            side.changed.connect(partial(self._withdraw, place))
        self.button.toggled.connect(self._open)

    def _request(self, label: QLabel) -> Latest:
        request = Latest(self)
        request.finished.connect(label.setText)
        request.failed.connect(lambda problem: label.setText(sentence(problem)))
        return request

    def _open(self, opened: bool) -> None:
        for place in range(len(self._sides)):
            if opened:
                self._ask(place)
            else:
                self._requests[place].stop()

    def _ask(self, place: int) -> None:
        """Doubt a finished map, and compare it with the other one."""
        side = self._sides[place]
        if not self.button.isChecked() or side.answer is None or side.question is None:
            return
        self.texts[place].setText(_WORKING)
        self._requests[place].start(map_work.doubt(side.question, side.row, side.answer))
        answers = [side.answer for side in self._sides if side.answer is not None]
        if len(answers) == len(self._sides):
            self.agreement.setText(_WORKING)
            self._agreeing.start(map_work.compare(answers))

    def _withdraw(self, place: int) -> None:
        """Another map is on its way, or none."""
        if self._sides[place].answer is None:
            for request, label in ((self._requests[place], self.texts[place]), (self._agreeing, self.agreement)):
                request.stop()
                label.clear()


def _text() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
