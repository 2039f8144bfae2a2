"""A file that was overwritten in place is not read from what HDF5 remembers of it.

HDF5 opens a file once in a process, however often it is asked to, and reads it through the caches of the first opening:
whoever opens a dataset again after another program has written into it would get a mixture of old and new. It shares
them among openings by one driver only, and so a file that looks otherwise than when it was opened is opened by another.
"""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.file_identity import FileIdentity

if TYPE_CHECKING:
    import h5py

_DRIVERS = (None, "stdio")  # HDF5's usual one, and one that reads alike
_opened: list[tuple[weakref.ref[h5py.File], FileIdentity, str | None]] = []
_lock = threading.Lock()


def open_shared(path: Path | str) -> h5py.File:
    """Open an HDF5 file for reading; what is open of it in this process is shared only if it is unchanged.

    Raises
    ------
    OSError
        It cannot be read.
    """
    import h5py  # late: the window starts without it

    identity = FileIdentity.of(Path(path))
    with _lock:
        _opened[:] = [each for each in _opened if each[0]()]  # a closed file is false
        stale = {
            driver
            for _, known, driver in _opened
            if (known.device, known.number) == (identity.device, identity.number) and known != identity
        }
    driver = next((each for each in _DRIVERS if each not in stale), None)
    file = h5py.File(path, "r", driver=driver)
    with _lock:
        _opened.append((weakref.ref(file), identity, driver))
    return file
