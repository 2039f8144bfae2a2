"""Faithfulness of the maps on display, as text; computed only while the fold is open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.explain import map_work
from app.explain.maps.map_side import MapSide, describe_problem
from app.explain.widgets.shrinking_scroll import ShrinkingScrollArea
from app.jobs.job import Latest
from app.widgets.fold import Fold

_WORKING = "…"


class FaithfulnessFold(Fold):
    """Faithfulness measures of each map below its view, and before them the agreement of the two maps.

    Parameters
    ----------
    sides
        The two views.
    """

    def __init__(self, sides: Sequence[MapSide], parent: QWidget | None = None) -> None:
        self._sides = sides
        self.agreement, *self.texts = (_make_text() for _ in range(1 + len(sides)))
        inside = QWidget()
        line = QHBoxLayout(inside)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        for label in (self.agreement, *self.texts):
            line.addWidget(label, 1)
        super().__init__("Should I believe the maps?", ShrinkingScrollArea(inside), parent)
        self._agreement_request = self._add_request(self.agreement)
        self._requests = [self._add_request(text) for text in self.texts]
        for place, side in enumerate(sides):
            side.finished.connect(partial(self._assess, place))
            side.changed.connect(partial(self._clear, place))
        self.button.toggled.connect(self._toggle)

    def _add_request(self, label: QLabel) -> Latest:
        request = Latest(self)
        request.finished.connect(label.setText)
        request.failed.connect(lambda problem: label.setText(describe_problem(problem)))
        return request

    def _toggle(self, opened: bool) -> None:
        for place in range(len(self._sides)):
            if opened:
                self._assess(place)
            else:
                self._requests[place].stop()

    def _assess(self, place: int) -> None:
        """Assess a finished map, and compare it with the other one."""
        side = self._sides[place]
        if not self.button.isChecked() or side.finished_map is None or side.request is None:
            return
        self.texts[place].setText(_WORKING)
        self._requests[place].start(map_work.assess_map(side.request, side.row, side.finished_map))
        maps = [side.finished_map for side in self._sides if side.finished_map is not None]
        if len(maps) == len(self._sides):
            self.agreement.setText(_WORKING)
            self._agreement_request.start(map_work.compare_maps(maps))

    def _clear(self, place: int) -> None:
        """Clear the assessment of a map that is no longer shown."""
        if self._sides[place].finished_map is None:
            for request, label in (
                (self._requests[place], self.texts[place]),
                (self._agreement_request, self.agreement),
            ):
                request.stop()
                label.clear()


def _make_text() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
