"""A thread that fetches thumbnails, the newest request first, and a cache of the most recent ones."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, Qt, QThread, Signal
from PySide6.QtGui import QImage

from app.jobs import unanswering

Fetch: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.uint8]]

_CHUNK = 32  # thumbnails fetched at a time: few, so that a new request is served soon


class ThumbnailLoader(QThread):
    """Fetches the newest request; older requests are dropped.

    Parameters
    ----------
    fetch
        Called on this thread only with rows (n,); returns pictures uint8 (n, s, s, 3), row 0 at the bottom. If it has
        a method ``close``, that is called here at the end, so that files are closed on the thread that opened them.
    side
        Side of the finished pictures in device pixels.
    """

    arrived = Signal()
    failed = Signal(object)

    def __init__(self, fetch: Fetch, side: int) -> None:
        super().__init__(QCoreApplication.instance())
        self.setObjectName("thumbnails")
        self.side = side
        self._fetch = fetch
        self._wake = threading.Condition()
        self._wanted: list[int] = []
        self._in_work: set[int] = set()
        self._closing = False
        self._edition = 0
        self._ready: deque[tuple[int, int, QImage]] = deque()

    def request(self, rows: Sequence[int], edition: int) -> None:
        """Fetch these rows, in this order, in place of any earlier request."""
        with self._wake:
            if edition != self._edition:
                self._edition = edition
                self._in_work.clear()
            self._wanted = [row for row in rows if row not in self._in_work]
            self._wake.notify()

    def take(self) -> list[tuple[int, int, QImage]]:
        """Return the pictures since the last call: row, edition and picture."""
        taken: list[tuple[int, int, QImage]] = []
        while self._ready:
            taken.append(self._ready.popleft())
        with self._wake:
            self._in_work.difference_update(row for row, edition, _ in taken if edition == self._edition)
        return taken

    def close(self) -> None:
        """End the thread and wait some seconds for it; at most one chunk is still fetched. Call it once."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self.finished.connect(self.deleteLater)
        if self.wait(int(1000 * unanswering.PATIENCE)):
            self.deleteLater()
        else:  # its disk does not answer
            unanswering.leave_alone(self)

    def run(self) -> None:
        """Serve requests; after a failure, which is reported once, wait for the end."""
        try:
            while (chunk := self._next()) is not None:
                rows, edition = chunk
                pictures = to_images(self._fetch(np.asarray(rows, dtype=np.int64)), self.side)
                self._ready.extend((row, edition, picture) for row, picture in zip(rows, pictures, strict=True))
                self.arrived.emit()
        except Exception as error:  # noqa: BLE001 - a damaged file must not crash the window
            self.failed.emit(error)
            with self._wake:
                self._wake.wait_for(lambda: self._closing)
        finally:
            close = getattr(self._fetch, "close", None)
            if close is not None:
                close()

    def _next(self) -> tuple[list[int], int] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._wanted)
            if self._closing:
                return None
            rows, self._wanted = self._wanted[:_CHUNK], self._wanted[_CHUNK:]
            self._in_work.update(rows)
            return rows, self._edition


def to_images(pictures: NDArray[np.uint8], side: int) -> list[QImage]:
    """Convert pictures (n, s, s, 3), row 0 at the bottom, to images of ``side`` device pixels that draw fast."""
    upright = np.ascontiguousarray(pictures[:, ::-1])  # Qt counts rows from the top
    height, width = upright.shape[1:3]
    images: list[QImage] = []
    for picture in upright:
        image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        image = image.convertToFormat(QImage.Format.Format_RGB32)  # a copy: the array's memory is not kept
        if (height, width) != (side, side):
            mode = Qt.TransformationMode.SmoothTransformation
            image = image.scaled(side, side, Qt.AspectRatioMode.IgnoreAspectRatio, mode)
        images.append(image)
    return images


class PictureCache:
    """A least-recently-used cache of pictures by row."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._pictures: OrderedDict[int, tuple[int, QImage]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pictures)

    def get(self, row: int) -> QImage | None:
        """The picture of a row, of any edition; it becomes the most recently used one."""
        found = self._pictures.get(row)
        if found is None:
            return None
        self._pictures.move_to_end(row)
        return found[1]

    def has(self, row: int, edition: int) -> bool:
        """Whether the picture of this edition is cached."""
        found = self._pictures.get(row)
        return found is not None and found[0] == edition

    def put(self, row: int, edition: int, picture: QImage) -> None:
        """Keep a picture; the least recently used one is dropped."""
        self._pictures[row] = edition, picture
        self._pictures.move_to_end(row)
        while len(self._pictures) > self._room:
            self._pictures.popitem(last=False)

    def set_room(self, room: int) -> None:
        """Keep at most ``room`` pictures."""
        self._room = room
        while len(self._pictures) > room:
            self._pictures.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        self._pictures.clear()
