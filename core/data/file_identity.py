"""Whether the file at a path is still the dataset that is open: its device, number, size and time, or else its content.

A window has one dataset open, and everything in it, thumbnails, maps and trainings, opens that file again by its path.
So the window pins what it has opened, and whoever opens another file at that path is refused instead of mixing the
images of one dataset with the labels of another. A file that was only touched or copied back holds the same galaxies,
and is accepted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import DatasetReplaced


@dataclass(frozen=True)
class FileIdentity:
    """What tells a file from another one, and from itself before a change, without reading it.

    Attributes
    ----------
    device, number
        Of the file on its disk.
    size
        In bytes.
    modified
        When its content was changed last, in nanoseconds.
    """

    device: int
    number: int
    size: int
    modified: int

    @classmethod
    def of(cls, file: Path | int) -> FileIdentity:
        """The identity of the file at a path, or of an open one."""
        status = file.stat() if isinstance(file, Path) else os.fstat(file)
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass
class _Pin:
    identity: FileIdentity
    checksum: str


_pinned: dict[str, _Pin] = {}


def pin(path: Path, identity: FileIdentity, checksum: str) -> None:
    """From now on, refuse to open another dataset at this path than this one."""
    _pinned[os.path.realpath(path)] = _Pin(identity, checksum)


def unpin(path: Path) -> None:
    """Allow any dataset at this path again."""
    _pinned.pop(os.path.realpath(path), None)


def is_as_pinned(path: Path) -> bool:
    """Whether the file at a path looks like the one that is pinned; also if none is, or the file is gone."""
    expected = _pinned.get(os.path.realpath(path))
    try:
        return expected is None or FileIdentity.of(path) == expected.identity
    except OSError:
        return True


def require_as_pinned(path: Path, identity: FileIdentity, checksum: Callable[[], str]) -> None:
    """Require that a file that is being opened is the dataset that is pinned at its path, if one is.

    Parameters
    ----------
    path, identity
        Of the file.
    checksum
        Computes the fingerprint of its content; called only if the file is another one.

    Raises
    ------
    DatasetReplaced
        It holds other galaxies.
    """
    expected = _pinned.get(os.path.realpath(path))
    if expected is None or expected.identity == identity:
        return
    if expected.checksum != checksum():
        raise DatasetReplaced.of(path)
    expected.identity = identity
