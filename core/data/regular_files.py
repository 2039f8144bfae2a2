"""Opening regular files only.

A pipe, a socket or a device may be called ``x.fits``, too. Opening one may wait for ever, and reading it never end.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from typing import IO

from core.errors import UnreadableFile

Buffer = bytearray | memoryview

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # does not wait for a pipe's writer


def open_handle(name: str) -> tuple[int, int]:
    """Open a regular file; its handle, to be closed by the caller, and its size [bytes].

    Raises
    ------
    UnreadableFile
        This is no regular file.
    OSError
        It cannot be opened.
    """
    handle = os.open(name, _FLAGS)  # a third of the time of open()
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode):
        return handle, status.st_size
    os.close(handle)
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFile("This is a folder and not a file.", "Choose the files in it.", name)
    raise UnreadableFile("This is a device or a pipe and no file.", "Leave it out.", name)


def read_into(name: str, parts: Sequence[Buffer], length: int, sizes: range) -> bool:
    """Read the beginning of a file of an expected size into memory that is there.

    What a file is is not asked for, which takes longer than reading it: no pipe and no socket tells its size, no folder
    can be read, and of a device no more is read than has room.

    Parameters
    ----------
    name
        The file.
    parts
        They are filled one after the other.
    length
        Of all parts together [bytes].
    sizes
        Of files that are read [bytes].

    Returns
    -------
    bool
        Whether it has such a size, and the parts are full.

    Raises
    ------
    OSError
        It cannot be opened, or cannot be read from any place.
    """
    handle = os.open(name, _FLAGS)
    try:
        return os.lseek(handle, 0, os.SEEK_END) in sizes and _read_parts(handle, parts, 0) == length
    finally:
        os.close(handle)


def _read_one_by_one(handle: int, parts: Sequence[Buffer], start: int) -> int:
    """As :func:`os.preadv`, where the system has none."""
    with os.fdopen(handle, "rb", buffering=0, closefd=False) as file:
        file.seek(start)
        return sum(file.readinto(part) or 0 for part in parts)


_read_parts: Callable[[int, Sequence[Buffer], int], int] = getattr(os, "preadv", _read_one_by_one)


def open_regular(name: str) -> IO[bytes]:
    """Open a regular file for reading bytes.

    Raises
    ------
    UnreadableFile, OSError
        As :func:`open_handle`.
    """
    return os.fdopen(open_handle(name)[0], "rb")
