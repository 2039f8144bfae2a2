"""The pictures of a grid of thumbnails: those that are there, and the thread that fetches the missing ones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QImage

from app.data.widgets.thumbnail_loader import Cache, Fetch, Loader


class Pictures(QObject):
    """Keeps pictures while there is room, and fetches what is asked for on a background thread.

    Notes
    -----
    Signals: ``arrived()`` when some can be taken, ``failed(error)`` when they cannot be fetched.
    """

    arrived = Signal()
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fetch: Fetch | None = None
        self._loader: Loader | None = None
        self._edition = 0
        self._cache = Cache(1)

    def set_source(self, fetch: Fetch | None) -> None:
        """Forget all pictures, and fetch others from now on."""
        self.close()
        self._fetch = fetch
        self._cache.clear()

    def close(self) -> None:
        """End the background thread and wait for it. Pictures that are there stay."""
        if self._loader is not None:
            self._loader.close()
            self._loader = None
        self._fetch = None

    def renew(self) -> None:
        """Fetch all anew; the old ones stay until then."""
        self._edition += 1

    def set_size(self, side: int, room: int) -> None:
        """Fetch pictures of this side in device pixels, and keep so many."""
        self._cache.set_room(room)
        if self._loader is not None and self._loader.side != side:
            self._loader.side = side
            self._edition += 1

    def get(self, row: int) -> QImage | None:
        """The picture of a row, also an old one; None: not there yet."""
        return self._cache.get(row)

    def has(self, row: int) -> bool:
        """Whether the picture of a row is there and up to date."""
        return self._cache.has(row, self._edition)

    def ask(self, rows: Sequence[int], side: int) -> None:
        """Fetch those of these rows that are missing, the first ones first, with this side in device pixels."""
        if self._fetch is None:
            return
        missing = list(dict.fromkeys(row for row in rows if not self.has(row)))
        if missing and self._loader is None:
            self._start(self._fetch, side)
        if self._loader is not None:
            self._loader.want(missing, self._edition)

    def take(self, ratio: float) -> bool:
        """Whether pictures have come; they are for a screen with so many device pixels to a pixel."""
        if self._loader is None:
            return False
        arrived = self._loader.take()
        for row, edition, picture in arrived:
            picture.setDevicePixelRatio(ratio)
            self._cache.put(row, edition, picture)
        return bool(arrived)

    def _start(self, fetch: Fetch, side: int) -> None:
        self._loader = loader = Loader(fetch, side)
        loader.arrived.connect(self.arrived)
        loader.failed.connect(self.failed)
        self.destroyed.connect(loader.close)
        application = QCoreApplication.instance()
        assert application is not None
        application.aboutToQuit.connect(loader.close)
        loader.start()
