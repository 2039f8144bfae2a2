"""Places for the bars of running jobs, which stay where they are when jobs begin and end."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.widgets.job_bar import JobBar, Watched

_PLACES = 3


class JobShelf(QWidget):
    """Three places side by side, filled from the right; further jobs wait for a free one.

    Attributes
    ----------
    bars
        Of the jobs that run, the oldest first.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: list[JobBar] = []
        self._places: list[QWidget] = []
        self._queue = QWidget(self)
        self._queue.hide()
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(4)
        for _ in range(_PLACES):
            place = QWidget()
            QHBoxLayout(place).setContentsMargins(0, 0, 0, 0)
            self._places.append(place)
            self._line.addWidget(place)
        self._places.reverse()
        self.setFixedHeight(JobBar().sizeHint().height())

    def watch(self, job: Watched) -> None:
        """Show a job in a free place until it ends."""
        bar = JobBar(self._queue)
        bar.watch(job)
        self.bars.append(bar)
        bar.done.connect(lambda: self._remove(bar))
        self._fill()

    def _fill(self) -> None:
        """Put those that wait into free places."""
        for place in self._places:
            layout = place.layout()
            assert layout is not None
            waiting = next((bar for bar in self.bars if bar.parentWidget() is self._queue), None)
            if layout.count() == 0 and waiting is not None:
                layout.addWidget(waiting)
            self._line.setStretchFactor(place, 1 if layout.count() else 0)  # an empty place takes no width

    def _remove(self, bar: JobBar) -> None:
        self.bars.remove(bar)
        place = bar.parentWidget()
        if place is not self._queue and place is not None and (layout := place.layout()) is not None:
            layout.removeWidget(bar)
        bar.deleteLater()
        self._fill()
