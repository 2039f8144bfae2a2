"""The pictures of the thumbnail grid: a cache, and the thread that fetches the missing ones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QImage

from app.data.widgets.thumbnail_loader import Fetch, PictureCache, ThumbnailLoader


class ThumbnailPictures(QObject):
    """Caches pictures, and fetches requested ones on a background thread.

    Notes
    -----
    Signals: ``arrived()`` when pictures can be taken, ``failed(error)`` when they cannot be fetched.
    """

    arrived = Signal()
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fetch: Fetch | None = None
        self._loader: ThumbnailLoader | None = None
        self._edition = 0
        self._cache = PictureCache(1)

    def set_source(self, fetch: Fetch | None) -> None:
        """Forget all pictures, and fetch from another source from now on."""
        self.close()
        self._fetch = fetch
        self._cache.clear()

    def close(self) -> None:
        """End the background thread and wait for it. ThumbnailPictures that are there stay."""
        if self._loader is not None:
            self._loader.close()
            self._loader = None
        self._fetch = None

    def renew(self) -> None:
        """Mark all pictures outdated; the old ones stay until they are replaced."""
        self._edition += 1

    def set_size(self, side: int, room: int) -> None:
        """Fetch pictures of this side in device pixels, and keep ``room`` of them."""
        self._cache.set_room(room)
        if self._loader is not None and self._loader.side != side:
            self._loader.side = side
            self._edition += 1

    def get(self, row: int) -> QImage | None:
        """The picture of a row, even if outdated; None: not there yet."""
        return self._cache.get(row)

    def has(self, row: int) -> bool:
        """Whether the picture of a row is there and up to date."""
        return self._cache.has(row, self._edition)

    def ask(self, rows: Sequence[int], side: int) -> None:
        """Fetch the missing ones of these rows, in this order, with this side in device pixels."""
        if self._fetch is None:
            return
        missing = list(dict.fromkeys(row for row in rows if not self.has(row)))
        if missing and self._loader is None:
            self._start(self._fetch, side)
        if self._loader is not None:
            self._loader.request(missing, self._edition)

    def take(self, ratio: float) -> bool:
        """Take new pictures into the cache, for a screen with this device-pixel ratio; returns whether any came."""
        if self._loader is None:
            return False
        arrived = self._loader.take()
        for row, edition, picture in arrived:
            picture.setDevicePixelRatio(ratio)
            self._cache.put(row, edition, picture)
        return bool(arrived)

    def _start(self, fetch: Fetch, side: int) -> None:
        self._loader = loader = ThumbnailLoader(fetch, side)
        loader.arrived.connect(self.arrived)
        loader.failed.connect(self.failed)
        self.destroyed.connect(loader.close)
        application = QCoreApplication.instance()
        assert application is not None
        application.aboutToQuit.connect(loader.close)
        loader.start()
