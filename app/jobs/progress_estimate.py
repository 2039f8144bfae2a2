"""Progress of a job, and an estimate of the time left."""

from __future__ import annotations

from core.events import BatchEnded, EpochEnded, Event, Progress


class ProgressEstimate:
    """The progress of one job, derived from its events."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.fraction: float | None = None
        self._epochs = 0
        self._is_between_epochs = True
        self._since: tuple[float, float] | None = None  # time and fraction at which this stage was first seen
        self._left: tuple[float, float] | None = None  # seconds left, and when that was found

    def note(self, event: Event, now: float) -> None:
        """Take an event into account; ``now`` in seconds, without the time spent paused."""
        match event:
            case Progress() if self._is_between_epochs:  # before the first, or after the last one
                before = self.progress
                if before is None or (before.unit, before.total) != (event.unit, event.total):
                    self._since = None
                self.progress = event
                is_under_way = event.total and event.done < event.total  # else the job is at something else
                self._note_fraction(event.done / event.total if event.total and is_under_way else None, now)
            case BatchEnded() if self._epochs:
                self._is_between_epochs = False
                self._note_fraction((event.epoch - 1 + event.batch / event.batches) / self._epochs, now)
            case BatchEnded():  # the first epoch: the preparation is over, and how long a training takes not yet known
                self.progress, self.fraction, self._left = None, None, None
            case EpochEnded():
                self._is_between_epochs = True
                if not self._epochs:
                    self._since = now - event.seconds, (event.epoch - 1) / event.epochs
                self._epochs = event.epochs
                self.progress = Progress(event.epoch, event.epochs, "epochs")
                self._note_fraction(event.epoch / event.epochs, now)
            case _:
                pass

    def _note_fraction(self, fraction: float | None, now: float) -> None:
        self.fraction = fraction
        self._left = None
        if fraction is None:
            return
        if self._since is None or fraction < self._since[1]:
            self._since = now, fraction
        start, from_fraction = self._since
        if fraction > from_fraction:
            self._left = (now - start) * (1 - fraction) / (fraction - from_fraction), now

    def seconds_left(self, now: float) -> float | None:
        """Seconds left; None while they cannot be estimated."""
        return None if self._left is None else max(0.0, self._left[0] - (now - self._left[1]))
