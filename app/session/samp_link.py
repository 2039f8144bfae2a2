"""The connection of a window to the other programs on the desktop, such as TOPCAT, Aladin and DS9 (SAMP)."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.jobs.job import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.session.session import Session
    from core.publish.samp import Outgoing


class SampLink(QObject):
    """Sends what the user asks it to send; tells others which galaxy is looked at, and looks at those they point at.

    It connects when something is first sent, and stays connected until :meth:`leave`. Files are made, and messages
    exchanged, on the thread of a job.

    Parameters
    ----------
    session
        Its current galaxy and its selection follow the others.

    Notes
    -----
    Signals: ``changed`` when it is connected, or no longer.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._outbox: queue.SimpleQueue[Outgoing] = queue.SimpleQueue()
        self._job: Job | None = None
        self._pointed = -1  # the galaxy that another program points at, which it need not be told of
        self.is_connected = False
        session.current_changed.connect(self._point)

    # -- sending ---------------------------------------------------------------------------------------------------

    def send_table(self, rows: NDArray[np.int64]) -> None:
        """Send galaxies of the open dataset, with their catalogue and the labels given by hand, as a table."""
        if (data := self._data) is not None and len(rows):
            columns = dict(self._session.dataset.columns)

            def make() -> Outgoing:
                from core.publish.samp import SendTable

                return SendTable(data, columns, rows)

            self._send(make)

    def send_stamp(self, row: int) -> None:
        """Send the image of a galaxy, with its coordinates."""
        if (data := self._data) is not None and row >= 0:

            def make() -> Outgoing:
                from core.publish.samp import SendStamp

                return SendStamp(data, row)

            self._send(make)

    def send_image(self, title: str, write: Callable[[Path], object]) -> None:
        """Send a FITS image that ``write`` writes to a path, on the thread of a job."""

        def make() -> Outgoing:
            from core.publish.samp import SendImage

            return SendImage(title, write)

        self._send(make)

    def leave(self) -> None:
        """Leave the hub."""
        if self._job is not None:
            self._job.stop()

    def close(self) -> None:
        """Leave the hub, and wait until it is left."""
        if self._job is not None:
            self._job.close()

    @property
    def _data(self) -> Path | None:
        cutouts = self._session.dataset.cutouts
        return None if cutouts is None else cutouts.path

    def _send(self, make: Callable[[], Outgoing]) -> None:
        if self._job is None or self._job.stopping:
            self._connect(make)
        else:
            self._outbox.put(make())

    def _connect(self, make: Callable[[], Outgoing]) -> None:
        """Look for the hub, and send a first message."""
        self._outbox = outbox = queue.SimpleQueue()

        def run(stop: threading.Event) -> Generator[Any, None, None]:
            from core.publish import samp  # late: it takes a while, and on the job's thread

            outbox.put(make())
            yield from samp.run(outbox, stop)

        self._job = job = Job("SAMP", run, self, is_reading=True)  # not among the session's jobs: it has no end
        job.happened.connect(self._hear)
        job.failed.connect(self._session.report)
        job.ended.connect(lambda: self._end(job))
        job.start()

    def _end(self, job: Job) -> None:
        job.deleteLater()
        if self._job is job:
            self._job = None
            self._set_connected(is_connected=False)

    def _set_connected(self, *, is_connected: bool) -> None:
        if is_connected != self.is_connected:
            self.is_connected = is_connected
            self.changed.emit()

    # -- galaxies that are pointed at ------------------------------------------------------------------------------

    def _point(self, row: int) -> None:
        """Tell the others which galaxy is looked at, unless they have just said so."""
        if self.is_connected and (data := self._data) is not None and row >= 0 and row != self._pointed:
            from core.publish.samp import PointAt

            self._outbox.put(PointAt(data, row))
        self._pointed = -1

    def _hear(self, events: Sequence[Any]) -> None:
        from core.publish import samp

        for event in events:
            match event:
                case samp.Connected():
                    self._set_connected(is_connected=True)
                case samp.Sent():
                    self._session.message.emit(event.sentence)
                case samp.Unsent():
                    self._session.report(event.problem)
                case samp.Pointed():
                    self._follow(event)

    def _follow(self, event: Any) -> None:
        """Look at the galaxy, or select the galaxies, that another program points at."""
        if event.data != self._data:
            self._session.message.emit(f"{event.by} points at galaxies of {event.data.stem}, which is not open now.")
        elif len(event.rows) == 1:
            row = int(event.rows[0])
            self._pointed = row if row != self._session.current else -1
            self._session.set_current(row)
        else:
            self._session.set_selection(event.rows)
